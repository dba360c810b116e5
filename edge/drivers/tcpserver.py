"""Where devices connect to and speak: strangers may too, and cost little memory, few connections, no time."""

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Callable

from edge.drivers.speaking import Hearing, Talk
from sitewarden.conversations import Conversations

log = logging.getLogger(__name__)

CHUNK_BYTES = 4096
MESSAGES_PER_S, BYTES_PER_S = 200.0, 32_768.0
"""Of one connection; who sends more is read more slowly, and TCP tells the sender."""
STRANGER_S = 10.0
"""So long a connection may keep its place without a message of a device that is known."""
GIVES_WAY_S = 120.0
"""A known one that has said nothing for so long gives way to another from its own address, where there is no
more place: a device that lost its power or its network says no farewell, and comes again."""
IDLE_S = 900.0
"""So long a known one may say nothing; a device that is switched off says no farewell."""
MOST_BROKEN = 100
"""Pieces of noise, or messages of strangers, in a row before the connection is closed."""
BAR_S, MOST_BARRED = 20.0, 256
"""So long whoever was closed for that may not come again; noise costs time, and reconnecting is cheap."""
ANSWER_S = 5.0
"""So long a device may take to accept an answer."""
RETRY_S = 10.0
"""So often a port that is taken is tried again."""
_KEEPALIVE_S = 30


class TcpServer:
    """Listens on one port for as long as `run` runs."""

    def __init__(
        self,
        address: tuple[str, int],
        make_talk: Callable[[], Talk],
        hearing: Hearing,
        *,
        connections: int,
        stranger_s: float = STRANGER_S,
    ) -> None:
        """One talk a connection; `connections` at a time."""
        self._address, self._make_talk, self._hearing = address, make_talk, hearing
        self._most, self._stranger_s = connections, stranger_s
        self._open: dict[asyncio.Task[None], _Connection] = {}
        self._barred: dict[str, float] = {}
        """By address: until when."""
        self.port = 0
        """Where it listens; 0 before it does."""

    async def run(self) -> None:
        """Listen until cancelled; a port that is taken is no reason to leave the site unwatched."""
        host, port = self._address
        conversations, is_news = Conversations(self._serve), True
        while True:
            try:
                await conversations.listen(
                    lambda take_in: asyncio.start_server(take_in, host, port, limit=CHUNK_BYTES)
                )
            except OSError as exc:
                if is_news:
                    log.error("cannot listen host=%s port=%d: %s", host, port, exc.strerror)  # noqa: TRY400  the cause is said
                is_news = False
                await asyncio.sleep(RETRY_S)
            else:
                break
        self.port = conversations.port
        log.info("listening host=%s port=%d", host, self.port)
        try:
            await asyncio.Event().wait()
        finally:
            await conversations.end()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            peer = _peer(writer)
            if self._is_let_in(peer):
                connection = _Connection(self._make_talk(), self._hearing, self._stranger_s, peer)
                await self._hear(connection, reader, writer)
        finally:
            writer.transport.abort()

    def _is_let_in(self, peer: str) -> bool:
        is_barred = self._barred.get(peer, 0.0) > asyncio.get_running_loop().time()
        if is_barred or (len(self._open) >= self._most and not self._made_room(peer)):
            self._hearing.refuse(peer, "nothing of use before" if is_barred else "too many connections")
            return False
        return True

    def _made_room(self, peer: str) -> bool:
        """Whether somebody gave way to a newcomer: a stranger of many from one address, else a dead one.

        So nobody who takes all places keeps the devices of other addresses out.
        """
        held = Counter(one.peer for one in self._open.values())
        crowd = [
            task for task, one in self._open.items() if not one.is_known and held[one.peer] > held[peer] + 1
        ]
        own = {task: one for task, one in self._open.items() if one.peer == peer}
        if not crowd and all(one.is_known for one in own.values()):
            dead_s = asyncio.get_running_loop().time() - GIVES_WAY_S
            crowd = [task for task, one in own.items() if one.heard_s <= dead_s]
        if not crowd:
            return False
        gone = min(crowd, key=lambda task: self._open[task].heard_s)
        del self._open[gone]
        gone.cancel()
        return True

    async def _hear(
        self, connection: "_Connection", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # asyncio runs this in one
        self._open[task] = connection
        try:
            _keep_alive(writer)
            await connection.talk(reader, writer)
            if connection.is_useless:
                self._bar(connection.peer)
        finally:
            # One that gave way is out already.
            self._open.pop(task, None)
            connection.close()

    def _bar(self, peer: str) -> None:
        now_s = asyncio.get_running_loop().time()
        log.warning("connection closed, it says nothing of use peer=%s", peer)
        self._barred = {other: until for other, until in self._barred.items() if until > now_s}
        if len(self._barred) < MOST_BARRED:
            self._barred[peer] = now_s + BAR_S


class _Connection:
    """Who has spoken on a connection, and how patient we still are with it."""

    def __init__(self, talk: Talk, hearing: Hearing, stranger_s: float, peer: str) -> None:
        self._talk, self._hearing, self.peer = talk, hearing, peer
        self.heard_s = asyncio.get_running_loop().time()
        """When something of a known device came last, at first when it was opened."""
        self._stranger_by_s = self.heard_s + stranger_s
        self._known: set[str] = set()
        self._useless = 0
        """Pieces and messages in a row that were of no use."""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until either side has enough; raises `OSError`, a `TimeoutError` among them."""
        while not self.is_useless:
            async with asyncio.timeout(self._patience_s()):
                data = await reader.read(CHUNK_BYTES)
            if not data:
                return
            heard = await self._hear(data, writer)
            # At least one message's time for each piece: many small ones cost as much as a few large ones.
            await asyncio.sleep(max(max(1, heard) / MESSAGES_PER_S, len(data) / BYTES_PER_S))

    @property
    def is_known(self) -> bool:
        """Whether a device that is known has spoken on it."""
        return bool(self._known)

    @property
    def is_useless(self) -> bool:
        """Whether nothing of use has come for too long."""
        return self._useless >= MOST_BROKEN

    async def _hear(self, data: bytes, writer: asyncio.StreamWriter) -> int:
        """Take what is whole and answer it; how many messages and pieces of noise that were."""
        messages, before = 0, self._talk.broken
        for heard in self._talk.hear(data):
            messages += 1
            outcome = self._hearing.hear(heard)
            self._useless = 0 if outcome.is_known else self._useless + 1
            if outcome.is_known:
                self.heard_s = asyncio.get_running_loop().time()
            if outcome.is_known and heard.identity not in self._known:
                self._known.add(heard.identity)
                self._hearing.came(heard.identity)
            if outcome.answer:
                writer.write(outcome.answer)
                async with asyncio.timeout(ANSWER_S):
                    await writer.drain()
        broken = self._talk.broken - before
        self._hearing.traffic.broken += broken
        self._useless += broken
        return messages + broken

    def close(self) -> None:
        """It is over."""
        for identity in self._known:
            self._hearing.went(identity)

    def _patience_s(self) -> float:
        if self._known:
            return IDLE_S
        return max(0.0, self._stranger_by_s - asyncio.get_running_loop().time())


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """A device that lost its power is noticed, though it says no farewell."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_S)


def _peer(writer: asyncio.StreamWriter) -> str:
    name = writer.get_extra_info("peername")
    return str(name[0]) if isinstance(name, tuple) else "?"
