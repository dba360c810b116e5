"""One way to the cloud, its file in a thread of its own: a slow disk holds up neither polls nor siren."""

import asyncio
import contextlib
import logging
import shutil
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

from edge import compaction
from edge.outbox import MEMORY_BYTES, LaneFile, Message, Record, State, count
from sitewarden import messages
from sitewarden.errors import MessageError
from sitewarden.messages import Gap, Readings

log = logging.getLogger(__name__)

T = TypeVar("T")
MIB = 1024 * 1024
MAX_BYTES: Mapping[messages.Lane, int] = {"alarms": 64 * MIB, "readings": 512 * MIB}
WAITING: Mapping[messages.Lane, int] = {"alarms": 10_000, "readings": 60}
"""So many writes wait in memory for a disk that refuses them; then the oldest is given up, and counted."""
RETRY_S = 1.0
PATIENCE = 10
"""So many refusals in a row mean that the disk is not coming back soon: worn cards turn read-only."""
ALARM_PATIENCE = 2
"""The same of alarms, which go out from memory rather than wait."""
COME_BACK_S = 10.0
"""So often a lane that goes on in memory asks for its disk again."""
FRESH = 16
"""Records; the newest of those that go out as they are written."""
DISK_SHARE = 0.8
"""Of what is free on the disk at the start, the readings use no more: the rest is the alarms'."""
LEAST_BYTES = 1 * MIB


class Write(NamedTuple):
    """What is to be written in one transaction, or a shift of what was written before."""

    messages: Sequence[Message]
    memory: Mapping[str, bytes | None]
    shift_ms: int = 0


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
        self.sends_at_once = False
        """Whether what is written goes out at once: then it is never changed any more."""
        self._file = LaneFile(
            folder / f"{name}.db" if folder else None,
            boot=boot,
            synchronous="FULL" if name == "alarms" else "NORMAL",
            max_bytes=bound_of(name, folder) if folder else MEMORY_BYTES,
            declares=name == "readings",
        )
        self.used_bytes = 0
        """Of the file, as last measured."""
        self._fresh: deque[Record] = deque(maxlen=FRESH)
        """Written a moment ago to go out at once: nobody need ask the disk for them."""
        self._waiting: deque[Write] = deque()
        self._writing: Write | None = None
        """The first of those, while the disk has it."""
        self._given_up = self._declared = 0
        self._lost: list[Gap] = []
        """What was given up and is not yet declared."""
        self._come_back_at = 0.0
        self._has_returned = False
        self._wanted = asyncio.Event()
        self._wanted.set()  # there may be something to compact
        self._idle = asyncio.Event()
        self._idle.set()
        self._asked, self._answered_s = 0, 0.0
        """What the disk is asked for now, and when it last answered (s of the boot's own clock)."""

    @property
    def state(self) -> State:
        """As of the last committed transaction, and what had to be given up before one."""
        state = self._file.state
        given_up = self._given_up - self._declared
        return state._replace(written=state.written + given_up, dropped=state.dropped + given_up)

    @property
    def unwritten(self) -> int:
        """Writes that wait for the disk."""
        return len(self._waiting)

    @property
    def memory(self) -> Mapping[str, bytes]:
        """What is remembered, by key."""
        return self._file.memory

    def silent_s(self) -> float:
        """How long the disk has not answered what it was asked; a refusal is an answer too."""
        return time.monotonic() - self._answered_s if self._asked else 0.0

    def put(self, batch: Sequence[Message], memory: Mapping[str, bytes | None] | None = None) -> None:
        """Have messages and memory written as soon as the disk takes them; waits for nothing."""
        self._want(Write(batch, memory or {}))

    def shift(self, by_ms: int) -> None:
        """The wall clock was set: put right what was put in before and never sent; waits for nothing."""
        self._want(Write([], {}, shift_ms=by_ms))

    async def run(self) -> None:
        """Write what is put in, in order, until cancelled; what the disk refuses is tried again."""
        while True:
            await self._something_to_do()
            self._wanted.clear()
            await self._come_back()
            await self._write_all()
            self._idle.set()
            while not self._wanted.is_set() and self._file.may_compact:
                await self._compact()

    async def flushed(self) -> None:
        """Wait until all that was put in is on disk."""
        await self._idle.wait()

    def has_returned(self) -> bool:
        """Whether the disk is used again since the last call: what had been left there waits to be sent."""
        returned, self._has_returned = self._has_returned, False
        return returned

    async def fetch(self, first: int, last: int, limit: int) -> list[Record]:
        """At most `limit` records from `first` to `last`, oldest first."""
        return await self._in_thread(lambda: self._file.fetch(first, last, limit))

    async def take(
        self, first: int, last: int, limit: int, *, size: int, backlog: bool = False
    ) -> list[Record]:
        """The same to be sent, until they have `size` bytes; of a `backlog` the old say that they are."""
        while self._fresh and self._fresh[0].seq < first:
            self._fresh.popleft()
        if self._fresh and self._fresh[0].seq == first and not backlog:
            return self._take_fresh(first, last, limit, size)
        return await self._in_thread(lambda: self._file.take(first, last, limit, size=size, backlog=backlog))

    def _take_fresh(self, first: int, last: int, limit: int, size: int) -> list[Record]:
        taken: list[Record] = []
        # Between two of them may lie a record that tells of a gap.
        while (
            self._fresh
            and self._fresh[0].seq == first + len(taken) <= last
            and len(taken) < limit
            and size > 0
        ):
            taken.append(self._fresh.popleft())
            size -= len(taken[-1].body)
        return taken

    async def delete(self, boot: str, ranges: Sequence[tuple[int, int]]) -> list[int]:
        """Delete what a receipt names; the seqs of the records that are gone now."""
        try:
            return await self._in_thread(lambda: self._file.delete(boot, ranges))
        except sqlite3.DatabaseError as exc:
            # They are sent again, and receipted again.
            log.critical("disk refuses a receipt lane=%s: %s", self.name, exc)
            return []

    async def oldest_at_ms(self) -> int | None:
        """Since when the oldest record waits."""
        return await self._in_thread(self._file.oldest_at_ms)

    async def measure(self) -> None:
        """Look how large the file is; a disk that does not say is no reason to stop."""
        with contextlib.suppress(sqlite3.DatabaseError):
            self.used_bytes = await self._in_thread(self._file.used_bytes)

    def close(self) -> None:
        """Let go of file and thread."""
        self._thread.submit(self._file.close).result()
        self._thread.shutdown()

    def _want(self, write: Write) -> None:
        self._waiting.append(write)
        if len(self._waiting) > WAITING[self.name]:
            self._give_up_oldest()
        self._idle.clear()
        self._wanted.set()

    async def _something_to_do(self) -> None:
        """Wait for something to write, or until it is time to ask for the disk again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(COME_BACK_S if self._file.is_in_memory else None):
                await self._wanted.wait()

    async def _come_back(self) -> None:
        """From memory to the disk, if it takes something again; asked now and then."""
        now = asyncio.get_running_loop().time()
        if self._file.is_in_memory and now >= self._come_back_at:
            self._come_back_at = now + COME_BACK_S
            self._has_returned = await self._in_thread(self._file.come_back)
            self.changed.set()

    async def _write_all(self) -> None:
        refused = 0
        while self._waiting:
            self._writing = self._waiting[0]
            if await self._write(self._writing):
                refused = 0
                self._waiting.popleft()
            else:
                self._writing = None
                refused = await self._bear_refusal(refused + 1)
            self.changed.set()
        self._writing = None

    async def _write(self, write: Write) -> bool:
        lost, self._lost = self._lost, []
        try:
            self._fresh.extend(await self._in_thread(lambda: self._do(write, lost)))
        except MessageError as exc:
            log.critical("a record that no receiver would take lane=%s: %s", self.name, exc)
            self._lost = [*lost, *self._lost]
            self._give_up(write)
        except sqlite3.DatabaseError as exc:
            log.critical("disk refuses the outbox lane=%s waiting=%d: %s", self.name, len(self._waiting), exc)
            self._lost = [*lost, *self._lost]
            if _is_full(exc):
                await self._make_room()
            return False
        return True

    def _do(self, write: Write, lost: list[Gap]) -> list[Record]:
        """Write it; returns what is to go out at once."""
        written: list[Record] = []
        offered = self.sends_at_once
        if write.messages or write.memory or lost:
            written = self._file.append(write.messages, write.memory, offered=offered, lost=lost)
            self._declared += sum(gap.count for gap in lost)
            lost.clear()
        if write.shift_ms:
            self._file.shift(write.shift_ms)
        return written if offered else []

    async def _bear_refusal(self, times: int) -> int:
        """Wait, and after so many times do without the disk: an alarm must reach the cloud all the same."""
        if times < (PATIENCE if self.name == "readings" else ALARM_PATIENCE):
            await asyncio.sleep(RETRY_S)
            return times
        await self._in_thread(self._file.go_on_in_memory)
        self._come_back_at = asyncio.get_running_loop().time() + COME_BACK_S
        return 0

    async def _compact(self) -> None:
        """One short step; a disk that refuses it is left alone until something is written again."""
        try:
            await self._in_thread(self._file.compact)
        except sqlite3.DatabaseError as exc:
            log.warning("not compacted lane=%s: %s", self.name, exc)
            await self._wanted.wait()

    async def _make_room(self) -> None:
        """Give up the oldest readings; alarms stay, and go on in memory."""
        if self.name == "alarms":
            return
        try:
            await self._in_thread(self._file.make_room)
        except sqlite3.DatabaseError as exc:
            log.critical("no room can be made lane=%s: %s", self.name, exc)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if not self._asked:
            self._answered_s = time.monotonic()
        self._asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._guarded, work)
        finally:
            self._asked -= 1

    def _guarded(self, work: Callable[[], T]) -> T:
        """Do it, and once more on a new file where the old one turns out to be broken."""
        try:
            return work()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as exc:
            self._file.set_aside_if_broken(exc)
            return work()
        finally:
            self._answered_s = time.monotonic()

    def _give_up_oldest(self) -> None:
        """Where too many messages wait, the oldest that the disk has not; what is to be remembered stays."""
        full = [i for i, write in enumerate(self._waiting) if write.messages and write is not self._writing]
        if len(full) <= WAITING[self.name]:
            return
        oldest = self._waiting[full[0]]
        following = self._waiting[full[0] + 1]
        self._waiting[full[0] + 1] = following._replace(memory={**oldest.memory, **following.memory})
        del self._waiting[full[0]]
        self._give_up(oldest)

    def _give_up(self, write: Write) -> None:
        self._given_up += sum(map(count, write.messages))
        readings = [message for message in write.messages if isinstance(message, Readings)]
        self._lost = compaction.coalesced([*self._lost, *compaction.gap_left_by(readings, "disk")])
        log.critical("given up for want of disk lane=%s total=%d", self.name, self._given_up)


def bound_of(name: messages.Lane, folder: Path) -> int:
    """How many bytes of the disk a lane may use: alarms their own, readings not what alarms may need."""
    if name == "alarms":
        return MAX_BYTES[name]
    files = [folder / f"{name}.db{suffix}" for suffix in ("", "-wal")]
    try:
        used = sum(file.stat().st_size for file in files if file.exists())
        room = shutil.disk_usage(folder).free + used
    except OSError as exc:
        log.critical("the disk does not say how much is free folder=%s: %s", folder, exc)
        return LEAST_BYTES
    return max(LEAST_BYTES, min(MAX_BYTES[name], int(DISK_SHARE * room)))


def _is_full(exc: sqlite3.DatabaseError) -> bool:
    return getattr(exc, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL


def open_lane(name: messages.Lane, folder: Path | None, *, boot: str) -> Lane:
    """The lane on disk, or in memory where the disk refuses: a site without a disk is still watched."""
    return Lane(name, folder, boot=boot)
