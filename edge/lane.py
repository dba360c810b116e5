"""One way to the cloud, its file in a thread of its own: a slow disk holds up neither polls nor siren."""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from edge.outbox import MEMORY_BYTES, LaneFile, Message, Record, State, count
from sitewarden import messages
from sitewarden.errors import MessageError

log = logging.getLogger(__name__)

T = TypeVar("T")
MIB = 1024 * 1024
MAX_BYTES: Mapping[messages.Lane, int] = {"alarms": 64 * MIB, "readings": 512 * MIB}
WAITING: Mapping[messages.Lane, int] = {"alarms": 10_000, "readings": 60}
"""So many writes wait in memory for a disk that refuses them; then the oldest is given up, and counted."""
RETRY_S = 1.0
PATIENCE = 10
"""So many refusals in a row mean that the disk is not coming back: worn cards turn read-only."""

Write = tuple[Sequence[Message], Mapping[str, bytes | None]]


class Lane:
    """Records of one lane: put in at once, fetched for sending, deleted by receipt."""

    def __init__(self, name: messages.Lane, folder: Path | None, *, boot: str) -> None:
        """Opens `{name}.db` in `folder`; only the readings' may lose its last second to a power cut.

        `None` is for a gateway whose disk is gone: records wait in memory and are lost with the process.
        """
        self.name = name
        self.changed = asyncio.Event()
        """Set after every write; who waits clears it."""
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"outbox-{name}")
        self._file = LaneFile(
            folder / f"{name}.db" if folder else None,
            boot=boot,
            synchronous="FULL" if name == "alarms" else "NORMAL",
            max_bytes=MAX_BYTES[name] if folder else MEMORY_BYTES,
        )
        self._waiting: deque[Write] = deque()
        self._given_up = 0
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def state(self) -> State:
        """As of the last committed transaction, and what had to be given up before one."""
        state = self._file.state
        return state._replace(written=state.written + self._given_up, dropped=state.dropped + self._given_up)

    @property
    def memory(self) -> Mapping[str, bytes]:
        """What is remembered, by key."""
        return self._file.memory

    def put(self, batch: Sequence[Message], memory: Mapping[str, bytes | None] | None = None) -> None:
        """Have messages and memory written as soon as the disk takes them; waits for nothing."""
        self._waiting.append((batch, memory or {}))
        if len(self._waiting) > WAITING[self.name]:
            self._give_up(self._waiting.popleft())
        self._idle.clear()
        self._wanted.set()

    async def run(self) -> None:
        """Write what is put in, in order, until cancelled; what the disk refuses is tried again."""
        refused = 0
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._waiting:
                write = self._waiting[0]
                if await self._write(write):
                    refused = 0
                    if self._waiting and self._waiting[0] is write:
                        self._waiting.popleft()
                else:
                    refused = await self._bear_refusal(refused + 1)
                self.changed.set()
            self._idle.set()

    async def flushed(self) -> None:
        """Wait until all that was put in is on disk."""
        await self._idle.wait()

    async def fetch(self, first: int, last: int, limit: int) -> list[Record]:
        """At most `limit` records from `first` to `last`, oldest first."""
        return await self._in_thread(lambda: self._file.fetch(first, last, limit))

    async def delete(self, boot: str, ranges: Sequence[tuple[int, int]]) -> list[int]:
        """Delete what a receipt names; the seqs of the records that are gone now."""
        return await self._in_thread(lambda: self._file.delete(boot, ranges))

    async def oldest_at_ms(self) -> int | None:
        """Since when the oldest record waits."""
        return await self._in_thread(self._file.oldest_at_ms)

    def close(self) -> None:
        """Let go of file and thread."""
        self._thread.submit(self._file.close).result()
        self._thread.shutdown()

    async def _write(self, write: Write) -> bool:
        try:
            await self._in_thread(lambda: self._file.append(*write))
        except MessageError as exc:
            log.critical("a record that no receiver would take lane=%s: %s", self.name, exc)
            self._give_up(write)
        except sqlite3.DatabaseError as exc:
            log.critical("disk refuses the outbox lane=%s waiting=%d: %s", self.name, len(self._waiting), exc)
            if self.name == "readings" and getattr(exc, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL:
                await self._make_room()
            return False
        return True

    async def _bear_refusal(self, times: int) -> int:
        """Wait, and after so many times do without the disk: an alarm must reach the cloud all the same."""
        if times < PATIENCE:
            await asyncio.sleep(RETRY_S)
            return times
        await self._in_thread(self._file.go_on_in_memory)
        return 0

    async def _make_room(self) -> None:
        try:
            await self._in_thread(self._file.make_room)
        except sqlite3.DatabaseError as exc:
            log.critical("no room can be made lane=%s: %s", self.name, exc)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, work)

    def _guarded(self, work: Callable[[], T]) -> T:
        """Do it, and once more on a new file where the old one turns out to be broken."""
        try:
            return work()
        except sqlite3.DatabaseError as exc:
            self._file.set_aside_if_broken(exc)
            return work()

    def _give_up(self, write: Write) -> None:
        self._given_up += sum(map(count, write[0]))
        log.critical("given up for want of disk lane=%s total=%d", self.name, self._given_up)


def open_lane(name: messages.Lane, folder: Path | None, *, boot: str) -> Lane:
    """The lane on disk, or in memory where the disk refuses: a site without a disk is still watched."""
    try:
        return Lane(name, folder, boot=boot)
    except (OSError, sqlite3.Error) as exc:
        log.critical("no outbox on disk, records wait in memory lane=%s folder=%s: %s", name, folder, exc)
        return Lane(name, None, boot=boot)
