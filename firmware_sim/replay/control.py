"""The controls of a replay: a Unix socket beside it, a JSON object a line each way.

A socket file, because only its owner may open it and no page in a browser can; pages go through the cloud.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, Self

import msgspec

from firmware_sim.replay.source import LEAST_SPEED, MOST_SPEED, UNENDING, Source, Standing
from sitewarden.errors import UnreachableError

log = logging.getLogger(__name__)

_LONGEST_LINE = 4096
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
    """Listens for as long as the history is played; `async with` opens the socket and removes it."""

    def __init__(self, file: Path, source: Source, is_followed: Callable[[], bool]) -> None:
        """`file` must be free, or a socket that nobody listens on any more."""
        self._file, self._source = file, source
        self._server: asyncio.Server | None = None
        self._is_followed = is_followed

    async def __aenter__(self) -> Self:
        with contextlib.suppress(FileNotFoundError):
            if self._file.is_socket():
                self._file.unlink()
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._file, limit=_LONGEST_LINE)
            self._file.chmod(0o600)
        except OSError as exc:
            raise UnreachableError(f"{self._file}: cannot be listened on: {exc.strerror}") from exc
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None  # noqa: S101  # __aenter__ made it
        self._server.close()
        self._file.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ValueError):
            while line := await reader.readline():
                writer.write(msgspec.json.encode(self.answer(line)) + b"\n")
                await writer.drain()
        writer.close()

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
