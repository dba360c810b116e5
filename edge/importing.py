"""Histories of data loggers taken in, each file once."""

import logging
from pathlib import Path
from typing import NamedTuple

from edge import history
from edge.clock import Clock
from edge.config import Device
from edge.derivation import derivations_for
from edge.judge import Judge
from edge.memory import Memory
from sitewarden.derived import Derivations
from sitewarden.errors import ConfigurationError
from sitewarden.messages import Readings

log = logging.getLogger(__name__)

SANE_MS = 1_735_689_600_000
"""The year 2025: before it no gateway of ours ran, so a clock that says so is not set."""


class Past(NamedTuple):
    """What a history file says, read and not yet taken in."""

    device: str
    digest: str
    derived: Derivations
    messages: list[Readings]
    instants: int
    newest_ms: int


def import_history(device: Device, judge: Judge, memory: Memory, clock: Clock) -> None:
    """Read a device's history and take it in, once a file."""
    past = read_past(device, memory)
    if past is not None:
        take_in(past, judge, memory, clock)


def read_past(device: Device, memory: Memory) -> Past | None:
    """What a device's history file says, unless it was taken in before.

    One that is gone or unreadable is no reason to leave a site unwatched.
    """
    if device.history is None:
        return None
    try:
        return _read(device, device.history, memory)
    except (ConfigurationError, OSError) as exc:
        log.error("history not imported device=%s: %s", device.name, exc)  # noqa: TRY400  a person's file
        return None


def take_in(past: Past, judge: Judge, memory: Memory, clock: Clock) -> None:
    """Messages, memory and the file's digest are one transaction."""
    # What the logger remembers lies before what was seen live, and must not push it out.
    judge.derivations[past.device].remember(past.derived.remembered())
    if clock.now_ms() < SANE_MS:
        clock.not_before(past.newest_ms)
    memory.keep_import(past.device, past.digest, past.messages, judge)
    log.info("history imported device=%s instants=%d", past.device, past.instants)


def _read(device: Device, file: Path, memory: Memory) -> Past | None:
    digest = history.digest(file)
    if memory.has_imported(device.name, digest):
        return None
    instants = history.read_history(device, file)
    derived = derivations_for(device)
    messages = list(history.as_messages(device, derived, instants))
    newest_ms = max((reading.at_ms for readings in instants for reading in readings), default=0)
    return Past(device.name, digest, derived, messages, len(instants), newest_ms)
