"""The controls of a replay, by its control socket; pages go through the cloud."""

import logging
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec

from firmware_sim.replay.source import LEAST_SPEED, MOST_SPEED, UNENDING, Source, Standing

log = logging.getLogger(__name__)

MOST_STEPS = 1000


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody wants of a replay."""

    do: Literal["look", "pause", "resume", "step", "seek", "speed", "loop"]
    steps: Annotated[int, msgspec.Meta(ge=1, le=MOST_STEPS)] = 1
    """Of `step`."""
    at_ms: int | None = None
    """Of `seek`: recorded instant, UTC milliseconds."""
    speed: Annotated[float, msgspec.Meta(ge=LEAST_SPEED, le=MOST_SPEED)] | None = None
    """Of `speed`; `null` is as fast as possible."""
    on: bool = True
    """Of `loop`."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How it stands then, or what was wrong with the request."""

    standing: Standing | None = None
    error: str = ""


class Control:
    """Does with a source what is asked for."""

    def __init__(self, source: Source, is_followed: Callable[[], bool]) -> None:
        """`is_followed` tells whether a gateway follows now."""
        self._source, self._is_followed = source, is_followed

    def answer(self, line: bytes) -> Answer:
        """Do what a line asks for."""
        try:
            request = msgspec.json.decode(line, type=Request)
        except msgspec.DecodeError as exc:
            return Answer(error=str(exc))
        if request.do == "seek" and request.at_ms is None:
            return Answer(error="`seek` needs `at_ms`")
        self._do(request)
        return Answer(standing=self._source.standing(is_followed=self._is_followed()))

    def _do(self, request: Request) -> None:
        source = self._source
        match request.do:
            case "pause":
                source.pause()
            case "resume":
                source.resume()
            case "step":
                source.go_steps(request.steps)
            case "seek":
                source.seek(request.at_ms or 0)
            case "speed":
                source.set_speed(UNENDING if request.speed is None else request.speed)
            case "loop":
                source.is_looping = request.on
            case "look":
                return
        log.info("%s", request)
