"""MJPEG over HTTP as IP cameras serve it: `/NAME.mjpg` without end, `/NAME.jpg` one picture."""

import asyncio
import contextlib
from typing import Self

from firmware_sim.camera.feed import Feed
from sitewarden.conversations import Conversations

BOUNDARY = "picture"
REQUEST_S, VIEWER_S = 5.0, 10.0
"""How long a request may take to arrive, and a viewer to take a picture, before it is thrown out."""
LONGEST_REQUEST = 8192


class MjpegServer:
    """One camera's port; `async with` opens it and throws every viewer out at the end."""

    def __init__(self, feed: Feed) -> None:
        """The feed is run by somebody else."""
        self._feed = feed
        self._conversations = Conversations(self._serve)
        self._viewers = 0

    @property
    def address(self) -> str:
        """Its URL."""
        camera = self._feed.camera
        return f"http://{camera.host}:{self._conversations.port}/{camera.camera}.mjpg"

    async def __aenter__(self) -> Self:
        camera = self._feed.camera
        await self._conversations.listen(
            lambda take_in: asyncio.start_server(take_in, camera.host, camera.port, limit=LONGEST_REQUEST)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._conversations.end()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._viewers += 1
        try:
            # A viewer that says nothing sensible ends here, and only for itself.
            with contextlib.suppress(ValueError, asyncio.LimitOverrunError):
                await self._answer(reader, writer)
        finally:
            self._viewers -= 1
            if self._feed.is_cut:
                writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._feed.is_cut or self._viewers > 2 * self._feed.camera.viewers:
            return
        async with asyncio.timeout(REQUEST_S):
            path = await _path(reader)
        name = self._feed.camera.camera
        if path not in {f"/{name}.mjpg", f"/{name}.jpg"}:
            await _say(writer, b"404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        elif self._viewers > self._feed.camera.viewers:
            await _say(writer, b"503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        elif path.endswith(".jpg"):
            _, picture = await self._feed.after(0)
            head = f"200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n"
            await _say(writer, f"{head}Connection: close\r\n\r\n".encode() + picture)
        else:
            await self._stream(writer)

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        head = f"200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary={BOUNDARY}\r\n"
        await _say(writer, f"{head}Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode())
        number = 0
        while True:
            number, picture = await self._feed.after(number)
            if self._feed.is_cut:
                return
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            writer.write(head.encode() + picture + b"\r\n")
            await _drained(writer)


async def _path(reader: asyncio.StreamReader) -> str:
    """The path that is asked for; raises `ValueError` for what is no GET."""
    head = await reader.readuntil(b"\r\n\r\n")
    method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    if method != "GET":
        raise ValueError(f"{method} is not served")
    return path.partition("?")[0]


async def _say(writer: asyncio.StreamWriter, answer: bytes) -> None:
    writer.write(b"HTTP/1.1 " + answer)
    await _drained(writer)


async def _drained(writer: asyncio.StreamWriter) -> None:
    # Not `wait_for`, which before 3.12 may swallow the cancellation by which a viewer is thrown out.
    async with asyncio.timeout(VIEWER_S):
        await writer.drain()
