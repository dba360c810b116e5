"""A line of so many bytes a second in front of a broker, as a modem in a cellar has it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from sitewarden.conversations import Conversations

PIECE = 256


@contextlib.asynccontextmanager
async def slow_line(port: int, *, bytes_a_second: int) -> AsyncIterator[int]:
    """Forwards a port of its own, which it gives, to `port`; each direction has its own bytes."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        free_at = loop.time()
        try:
            with contextlib.suppress(OSError):
                while piece := await reader.read(PIECE):
                    free_at = max(free_at, loop.time()) + len(piece) / bytes_a_second
                    await asyncio.sleep(free_at - loop.time())
                    writer.write(piece)
                    await writer.drain()
        finally:
            writer.transport.abort()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port, limit=PIECE)
        try:
            await asyncio.gather(carry(reader, back), carry(there, writer))
        finally:
            back.transport.abort()

    listening = socket.create_server(("127.0.0.1", 0))
    # What waits in the system's own buffers would be under way as well.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    conversations = Conversations(serve)
    await conversations.listen(lambda take_in: asyncio.start_server(take_in, sock=listening, limit=PIECE))
    try:
        yield conversations.port
    finally:
        await conversations.end()
