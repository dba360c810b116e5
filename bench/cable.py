"""A link that can be cut: a TCP proxy on loopback in a thread of its own."""

import asyncio
import contextlib
import threading
from typing import Self

from sitewarden.conversations import Conversations

HOST = "127.0.0.1"


class Cable:
    """`with Cable(port)` leads to that port; once it is cut, what stood breaks and nobody gets through."""

    def __init__(self, to_port: int) -> None:
        """Leads to a port of this machine."""
        self._to_port = to_port
        self.port = 0
        """Where it is entered."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cable", daemon=True)
        self._conversations = Conversations(self._lead)

    def __enter__(self) -> Self:
        self._thread.start()
        self.mend()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        asyncio.run_coroutine_threadsafe(self._conversations.end(), self._loop).result()

    def mend(self) -> None:
        """Let connections through again, at the same port."""
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    async def _open(self) -> None:
        await self._conversations.listen(lambda take_in: asyncio.start_server(take_in, HOST, self.port))
        self.port = self._conversations.port

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, self._to_port)
        try:
            await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))
        finally:
            far_writer.transport.abort()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction, until either end is gone."""
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()
