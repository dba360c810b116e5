"""What is being played is controlled over a Unix socket beside it: a JSON object a line each way.

A socket file, because only its owner may open it and no page in a browser can.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec

from sitewarden.conversations import Conversations
from sitewarden.errors import UnreachableError

LONGEST_LINE = 64 * 1024
"""Bytes; whoever sends a longer one is not answered any more."""


class ControlSocket:
    """Listens for as long as something is played; `async with` opens the socket and removes its file."""

    def __init__(self, file: Path, answer: Callable[[bytes], msgspec.Struct]) -> None:
        """`file` must be free, or a socket that nobody listens on; `answer` does what a line asks for."""
        self._file, self._answer = file, answer
        self._clients = Conversations(self._talk)

    async def __aenter__(self) -> Self:
        try:
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                await self._must_be_free()
            listening = _bound(self._file)
            await self._clients.listen(
                lambda take_in: asyncio.start_unix_server(take_in, sock=listening, limit=LONGEST_LINE)
            )
        except OSError as exc:
            raise UnreachableError(f"cannot listen on {self._file}: {exc.strerror or exc}") from exc
        return self

    async def __aexit__(self, *_: object) -> None:
        self._file.unlink(missing_ok=True)
        await self._clients.end()

    async def _must_be_free(self) -> None:
        _, writer = await asyncio.open_unix_connection(self._file)
        writer.transport.abort()
        raise UnreachableError(f"another simulator listens on {self._file}")

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A line that is too long is a ValueError.
        with contextlib.suppress(ValueError):
            while line := await reader.readline():
                writer.write(msgspec.json.encode(self._answer(line)) + b"\n")
                await writer.drain()


def _bound(file: Path) -> socket.socket:
    """A socket that only its owner may open, from its first moment on."""
    if file.is_socket():
        file.unlink()
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(str(file))
        file.chmod(0o600)
    except OSError:
        listening.close()
        raise
    return listening
