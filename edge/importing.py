"""Histories of data loggers taken in, each file once."""

import logging
from pathlib import Path

from edge import history
from edge.clock import Clock
from edge.config import Device
from edge.derivation import derivations_for
from edge.judge import Judge
from edge.memory import Memory
from sitewarden.errors import ConfigurationError

log = logging.getLogger(__name__)

SANE_MS = 1_735_689_600_000
"""The year 2025: before it no gateway of ours ran, so a clock that says so is not set."""


def import_history(device: Device, judge: Judge, memory: Memory, clock: Clock) -> None:
    """Once a file. One that is gone or unreadable is no reason to leave a site unwatched."""
    if device.history is None:
        return
    try:
        _import_if_new(device, device.history, judge, memory, clock)
    except (ConfigurationError, OSError) as exc:
        log.error("history not imported device=%s: %s", device.name, exc)  # noqa: TRY400  a person's file


def _import_if_new(device: Device, file: Path, judge: Judge, memory: Memory, clock: Clock) -> None:
    """Messages, memory and the file's digest are one transaction."""
    digest = history.digest(file)
    if memory.has_imported(device.name, digest):
        return
    instants = history.read_history(device, file)
    past = derivations_for(device)
    messages = list(history.as_messages(device, past, instants))
    # What the logger remembers lies before what was seen live, and must not push it out.
    judge.derivations[device.name].remember(past.remembered())
    if clock.now_ms() < SANE_MS:
        clock.not_before(max((r.at_ms for readings in instants for r in readings), default=0))
    memory.keep_import(device.name, digest, messages, judge)
    log.info("history imported device=%s instants=%d", device.name, len(instants))
