"""Servers of streams that end cleanly: whoever ends one leaves no socket and no task behind."""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)

FAREWELL_S = 5.0
"""So long a peer may take to accept the last of what it was told."""
_TURNS = 3
"""Of the loop: in so many asyncio takes a connection in (it accepts it, makes its transport, hands it over),
and in so many it lets it go (the task is cancelled, is found to be over, the socket is closed)."""

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]
TakeIn = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


class Conversations:
    """Everybody who is connected to a server, each served by a task of its own."""

    def __init__(self, talk: Talk) -> None:
        """`talk` serves one peer, and may raise an `OSError` or `EOFError` where that breaks off."""
        self._talk = talk
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens; of a server that listens over TCP."""
        assert self._server is not None  # noqa: S101  # only asked between `listen` and `end`
        return int(self._server.sockets[0].getsockname()[1])

    async def listen(self, start: Callable[[TakeIn], Awaitable[asyncio.Server]]) -> None:
        """Begin, with the server that `start` makes of what takes a peer in; raises its `OSError`."""
        self._server = await start(self._take_in)

    async def end(self) -> None:
        """Listen no more and break off every conversation; at the end of this, all is over and closed."""
        if self._server is None:
            return
        await close(self._server, self.break_off)
        if self._open:
            await asyncio.wait(self._open)
        self._server = None

    def break_off(self) -> None:
        """Throw everybody out who is there now; the door stays open."""
        for task in self._open:
            task.cancel()

    def _take_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer), name=f"conversation {_peer(writer)}")
        self._open.add(task)
        # Not left to the task: one that is cancelled before it runs does nothing at all.
        task.add_done_callback(functools.partial(self._over, writer))

    def _over(self, writer: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
        self._open.discard(task)
        writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
            writer.close()
            async with asyncio.timeout(FAREWELL_S):
                await writer.wait_closed()
        except (OSError, EOFError) as exc:
            log.debug("a peer broke off peer=%s: %r", _peer(writer), exc)
        except Exception:
            log.exception("a conversation ended by a mistake peer=%s", _peer(writer))


async def close(server: asyncio.Server, break_off: Callable[[], None]) -> None:
    """Close a server with its connections, which `break_off` aborts, or whose tasks it cancels.

    `Server.close` alone loses whoever is just being taken in, up to Python 3.12 with an open socket; and only
    from 3.12 on does `wait_closed` wait for connections. So first nobody is accepted any more, then those
    under way come in, and then all are sent away.
    """
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening)
    try:
        await _turn()
    finally:
        server.close()
        break_off()
    await _turn()
    await server.wait_closed()


async def _turn() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


def _peer(writer: asyncio.StreamWriter) -> str:
    name = writer.get_extra_info("peername")
    return str(name[0]) if isinstance(name, tuple) else "?"
