"""Faults switched by hand in the running simulator, by its control socket."""

import json
import logging
import socket
from pathlib import Path
from typing import Any, Literal

import msgspec

from firmware_sim.faults import Fault
from firmware_sim.switchboard import Listed, Switchboard
from sitewarden.errors import SiteWardenError, UnreachableError

log = logging.getLogger(__name__)

ANSWER_S = 5.0
"""So long a simulator may take to answer."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody wants done."""

    do: Literal["list", "on", "off"]
    target: str = ""
    """A device or a bus."""
    kind: str = ""
    """The fault, by its word in a scenario."""
    keys: dict[str, Any] = {}
    """Its other keys."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, line by line for people, or why not."""

    lines: list[str] = []
    error: str = ""


class Control:
    """Does with a switchboard what is asked for."""

    def __init__(self, board: Switchboard) -> None:
        """The board is that of the site that is played."""
        self._board = board

    def answer(self, line: bytes) -> Answer:
        """Do what a line asks for."""
        try:
            lines = self._do(msgspec.json.decode(line, type=Request))
        except (SiteWardenError, msgspec.MsgspecError) as exc:
            return Answer(error=str(exc))
        return Answer(lines=lines)

    def _do(self, request: Request) -> list[str]:
        board = self._board
        if request.do == "on":
            done = [board.switch_on(request.target, request.kind, request.keys)]
        elif request.do == "off":
            done = board.switch_off(request.target, request.kind)
        else:
            return [_told(one) for one in board.listed()] or ["no faults"]
        lines = [_told(one) for one in done]
        log.info("by hand at %.1f s: %s", board.t_s, "; ".join(lines))
        return lines


def _told(one: Listed) -> str:
    return " ".join((one.name, one.state, *described(one.fault)))


def described(fault: Fault) -> list[str]:
    """A fault's keys as a person writes them; target and defaults are left out."""
    said = []
    for field in msgspec.structs.fields(fault):
        value = getattr(fault, field.name)
        if field.name not in ("device", "bus") and value != field.default:
            shown = ",".join(value) if isinstance(value, list) else str(value)
            said.append(f"{field.name}={shown}")
    return said


def ask(file: Path, request: dict[str, Any]) -> list[str]:
    """What the simulator behind a socket answers; raises `UnreachableError`, `SiteWardenError` for a no."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(ANSWER_S)
            connection.connect(str(file))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as lines:
                said = lines.readline()
    except OSError as exc:
        mend = "start one with `sitewarden sim run SCENARIO --control SOCKET`"
        raise UnreachableError(f"no simulator listens on {file}: {exc.strerror or exc}; {mend}") from exc
    if not said:
        raise UnreachableError(f"the simulator behind {file} has ended")
    answer = msgspec.json.decode(said, type=Answer)
    if answer.error:
        raise SiteWardenError(answer.error)
    return answer.lines
