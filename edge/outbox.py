"""The gateway's store of what the cloud has not confirmed: a file a lane, deleted only by receipt."""

import contextlib
import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from edge import clock, failpoints
from edge.salvage import Row, salvage
from edge.shrinking import Shrinking
from edge.store import (
    UNMOVED,
    Message,
    Record,
    Sent,
    State,
    Store,
    Synchronous,
    count,
    is_broken,
    polls,
)
from sitewarden.messages import Gap

__all__ = ["BACKFILL_AFTER_MS", "MEMORY_BYTES", "LaneFile", "Message", "Record", "State", "count"]

log = logging.getLogger(__name__)

MEMORY_BYTES = 16 * 1024 * 1024
"""Bound of a lane that has no disk."""
_NOTHING = State(0, 1, 0, 0)
CARRIED = 5000
"""Alarms that are taken along into memory, the newest."""
BACKFILL_AFTER_MS = 60_000
"""A record older than this that goes as backlog is told to be back-fill: nobody takes it for what is now."""


class LaneFile:
    """What one lane holds, used by one thread."""

    def __init__(
        self,
        file: Path | None,
        *,
        boot: str,
        synchronous: Synchronous,
        max_bytes: int,
        declares: bool = True,
    ) -> None:
        """Opens or makes `file` (`None`: in memory); what SQLite cannot read is set aside and begun anew.

        A disk that refuses is done without until it takes something again.

        With `declares` records are readings: compacted, thinned where there is no room, and losses are said
        in records of their own. Without, they are alarms, which stay as they are.
        """
        self._home, self._boot, self._synchronous = file, boot, synchronous
        self._max_bytes, self._declares = max_bytes, declares
        self._carried: list[Row] = []
        self._unmarked: dict[int, Sent] = {}
        """Records that were sent although the disk took no note of it, whatever file they are in."""
        self._left_at = 0
        """The seq from which on nothing is sure to be on the disk that was left."""
        self._is_apart = False
        """Whether memory knows nothing of what the disk holds: its counters and seqs are its own."""
        try:
            self._use(self._opened_or_renewed(_NOTHING))
        except (OSError, sqlite3.Error) as exc:
            log.critical("no outbox on disk, records wait in memory file=%s: %s", file, exc)
            self._begin_apart()

    @property
    def state(self) -> State:
        """As of the last committed transaction."""
        return self._store.state

    @property
    def memory(self) -> Mapping[str, bytes]:
        """What is remembered, by key."""
        return self._store.memory

    @property
    def is_in_memory(self) -> bool:
        """Whether the records are lost with the process, although there is a disk."""
        return self._store.file is None and self._home is not None

    @property
    def may_compact(self) -> bool:
        """Whether `compact` may find something to do."""
        return self._shrinking.may_compact

    def append(
        self,
        messages: Sequence[Message],
        memory: Mapping[str, bytes | None],
        *,
        offered: bool = False,
        lost: Sequence[Gap] = (),
    ) -> list[Record]:
        """Write messages, each under the next seq, and remember (`None`: forget), in one transaction.

        `offered`: they are about to be sent, so that nothing may change them. `lost` are readings that were
        to be written before and could not be. Returns the messages as they stand now.
        """
        store, now_ms = self._store, clock.now_ms()
        with store.transaction(memory):
            self._shrinking.keep_within_bound()
            written = [store.write(message, now_ms, offered=offered) for message in messages]
            if lost:
                gone = sum(gap.count for gap in lost)
                draft = store.draft
                store.draft = draft._replace(written=draft.written + gone, dropped=draft.dropped + gone)
                store.declare(lost)  # which has the counters written
            self._reach("alarm-inserted", written)
        self._reach("alarm-committed", written)
        size = sum(len(record.body) for record in written)
        self._shrinking.grew(size, 0 if offered else sum(map(polls, messages)))
        return written

    def fetch(self, first: int, last: int, limit: int) -> list[Record]:
        """The records from `first` to `last`, oldest first; a damaged one is set aside instead."""
        return [Record(row.seq, row.at_ms, row.body) for row in self._sound(first, last, limit)]

    def take(self, first: int, last: int, limit: int, *, size: int, backlog: bool = False) -> list[Record]:
        """The same to be sent, until they have `size` bytes: from now on they stay as they are.

        Shifts are applied; of a `backlog` what is old says that it is back-fill.
        """
        final: list[Row] = []
        ways: dict[int, Sent] = {}
        for row in self._sound(first, last, limit):
            if size <= 0:
                break
            if not row.offered:
                ways[row.seq] = self._way(row, backlog=backlog)
            final.append(self._store.final(row, ways[row.seq]) if row.seq in ways else row)
            size -= len(row.body)
        fresh = [row for row in final if row.seq in ways or row.seq in self._unmarked]
        if fresh:
            self._mark(fresh, ways)
        return [Record(row.seq, row.at_ms, row.body) for row in final]

    def delete(self, boot: str, ranges: Sequence[tuple[int, int]]) -> list[int]:
        """Delete what a receipt names, records of that boot in ranges with both ends; their seqs."""
        deleted: list[int] = []
        with self._store.transaction():
            for first, last in ranges:
                deleted += self._store.delete(boot, first, last)
            self._reach("receipt-deleting", deleted)
        self._reach("receipt-deleted", deleted)
        self._forget(deleted)
        return deleted

    def shift(self, by_ms: int) -> None:
        """Put the instants right of all records of this boot that were never sent; for good on return."""
        self._store.add_shift(by_ms)
        self._shrinking.abandon()

    def compact(self) -> bool:
        """One short step of merging old records; whether there is another."""
        return self._shrinking.compact()

    def make_room(self) -> None:
        """Give up the oldest part, so that its pages can be used where the disk gives no more."""
        with self._store.transaction():
            self._shrinking.evict()

    def oldest_at_ms(self) -> int | None:
        """Since when the oldest record waits."""
        oldest = self._store.oldest()
        return None if oldest is None else oldest[1]

    def set_aside_if_broken(self, cause: Exception) -> None:
        """Where SQLite cannot read the file: rename it, begin a new one, go on counting; else raise `cause`.

        What can still be read goes into the new file, the rest is declared lost; the old file stays.
        """
        store = self._store
        if store.file is None or not is_broken(cause):
            raise cause
        store.close()
        try:
            self._use(self._renewed(cause, store.state, store.memory, store.shift_number))
        except (OSError, sqlite3.Error) as exc:
            log.critical("no new outbox file=%s: %s", store.file, exc)
            self.go_on_in_memory()

    def go_on_in_memory(self) -> None:
        """Leave a disk that takes nothing: readings wait there until it does again, alarms come along."""
        before = self._store
        if before.file is None:
            return
        self._carried, shifts = [], []
        self._left_at = before.state.next_seq
        if not self._declares:
            with contextlib.suppress(sqlite3.Error):
                shifts = before.shifts()
                rows = before.rows("seq > 0 ORDER BY seq DESC LIMIT ?", CARRIED)
                self._carried = [row for row in rows if row.is_sound]
        log.critical(
            "outbox goes on in memory, left on disk file=%s records=%d", before.file, before.state.depth
        )
        with contextlib.suppress(sqlite3.Error):
            before.close()
        self._use(self._opened(None, shift=before.shift_number))
        with self._store.transaction(before.memory):
            self._store.put_back(self._carried, shifts)
            waiting = sum(row.counted for row in self._carried)
            self._store.draft = before.state._replace(depth=len(self._carried), waiting=waiting)

    def come_back(self) -> bool:
        """From memory to the disk with all that waited; false where the disk still takes nothing."""
        before = self._store
        if not self.is_in_memory:
            return False
        shift = before.shift_number
        try:
            after = self._opened_or_renewed(before.state._replace(depth=0, waiting=0), shift=shift)
        except (OSError, sqlite3.Error) as exc:
            log.warning("the disk still takes nothing file=%s: %s", self._home, exc)
            return False
        # What an agent that began without its disk never heard of stands as it was.
        remembered = after.memory if self._is_apart else dict.fromkeys(after.memory)
        try:
            with after.transaction({**remembered, **before.memory}):
                after.swap(after.same_seqs(self._carried), [])
                if not self._is_apart:
                    # A commit that failed may be there all the same; it was made again in memory.
                    stale = (self._left_at, before.state.next_seq - 1, self._boot)
                    after.swap(after.rows("seq BETWEEN ? AND ? AND boot = ?", *stale), [])
                on_disk = after.draft
                after.put_back(before.rows("seq > 0"), before.shifts())
                after.draft = self._together(before.state, on_disk)
        except sqlite3.Error as exc:
            after.close()
            log.warning("the disk still takes nothing file=%s: %s", self._home, exc)
            return False
        self._is_apart = False
        before.close()
        self._use(after)
        log.warning("outbox is on disk again file=%s records=%d", self._home, after.state.depth)
        return True

    def used_bytes(self) -> int:
        """How much of the file is in use."""
        return self._store.used_bytes()

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    def _reach(self, place: str, concerned: Sequence[object]) -> None:
        """A named place of the alarm path, where alarms are concerned."""
        if concerned and not self._declares:
            failpoints.reach(place)

    def _opened(self, file: Path | None, *, shift: int = 0) -> Store:
        return Store(
            file,
            boot=self._boot,
            synchronous=self._synchronous,
            declares=self._declares,
            shift=shift,
            unmarked=self._unmarked,
        )

    def _use(self, store: Store) -> None:
        self._store = store
        bound = self._max_bytes if store.file else min(self._max_bytes, MEMORY_BYTES)
        self._shrinking = Shrinking(store, bound)

    def _begin_apart(self) -> None:
        """In memory, without a look at the disk: under seqs beyond any that it may hold."""
        self._is_apart = True
        self._use(self._opened(None))
        with self._store.transaction():
            self._store.draft = _NOTHING._replace(next_seq=clock.now_ms())

    def _together(self, in_memory: State, on_disk: State) -> State:
        """What both stand at; memory goes on counting from the disk, unless it never saw it."""
        join = sum if self._is_apart else max
        counters = zip(in_memory, on_disk, strict=True)
        state = State._make(join(pair) for pair in counters)
        return state._replace(
            written=state.written if self._is_apart else in_memory.written,
            depth=in_memory.depth + on_disk.depth,
            next_seq=max(in_memory.next_seq, on_disk.next_seq),
            waiting=in_memory.waiting + on_disk.waiting,
            since_ms=on_disk.since_ms if on_disk.depth else in_memory.since_ms,
        )

    def _opened_or_renewed(self, before: State, *, shift: int = 0) -> Store:
        """The file at home, or a new one where it cannot be read."""
        try:
            return self._opened(self._home, shift=shift)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as exc:
            if self._is_apart:
                before, shift = _NOTHING, 0
            return self._renewed(exc, before, {}, shift)

    def _renewed(self, cause: Exception, before: State, memory: Mapping[str, bytes], shift: int) -> Store:
        file = self._home
        if file is None or not is_broken(cause):
            raise cause
        aside = f"{file.name}.broken-{clock.now_ms()}"
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                file.with_name(file.name + suffix).rename(file.with_name(aside + suffix))
        found = salvage(file.with_name(aside))
        saved, now_ms = sum(row.counted for row in found.records), clock.now_ms()
        tally = found.tally
        # Rows appended since the counters were written are not in them.
        later = sum(row.counted for row in found.records if row.seq >= tally.get("next_seq", row.seq + 1))
        lost = max(0, max(before.waiting, tally.get("waiting", tally.get("depth", 0)) + later) - saved)
        log.critical(
            "outbox file broken, set aside as %s saved_records=%d lost=%d: %s",
            *(aside, len(found.records), lost, cause),
        )
        moved = [row.moved for row in found.records if row.moved < UNMOVED]
        store = self._opened(file, shift=max([shift, *moved, *(number for number, _, _ in found.shifts)]))
        with store.transaction(memory or found.memory):
            store.put_back(found.records, found.shifts)
            store.draft = State(
                depth=len(found.records),
                next_seq=max(before.next_seq, found.last_seq + 1),
                written=max(before.written, tally.get("written", 0) + later),
                dropped=max(before.dropped, tally.get("dropped", 0)) + lost,
                thinned=max(before.thinned, tally.get("thinned", 0)),
                evictions=max(before.evictions, tally.get("evictions", 0)),
                waiting=saved,
                since_ms=min(before.since_ms or tally.get("since_ms", now_ms), now_ms),
            )
            # Where not even the counters can be read, nobody can say how many.
            if lost or not (tally or before.waiting):
                since_ms = store.draft.since_ms
                gap = Gap(from_at=since_ms, to_at=now_ms, count=lost, reason="damaged")
                store.declare([gap], moves=False)
        return store

    def _sound(self, first: int, last: int, limit: int) -> list[Row]:
        """Sound records of a range; the damaged are set aside."""
        rows = self._store.rows("seq BETWEEN ? AND ? ORDER BY seq LIMIT ?", first, last, limit)
        sound = [row for row in rows if row.is_sound]
        if len(sound) < len(rows):
            for row in rows:
                if not row.is_sound:
                    self._set_aside_record(row)
        return sound if sound or not rows else self._sound(rows[-1].seq + 1, last, limit)

    def _way(self, row: Row, *, backlog: bool) -> Sent:
        """How a row that was never sent goes out now."""
        is_old = backlog and clock.now_ms() - self._store.shifted(row).at_ms > BACKFILL_AFTER_MS
        return Sent(self._store.shift_number, is_hist=is_old)

    def _mark(self, rows: Sequence[Row], ways: Mapping[int, Sent]) -> None:
        """Note that rows are offered; a disk that takes no notes does not keep them from being sent."""
        try:
            # Unmarked after a power cut, a record could be merged while a receipt for it is on its way.
            with self._store.durable(), self._store.transaction():
                for row in rows:
                    self._store.replace(row._replace(offered=True))
        except sqlite3.DatabaseError as exc:
            if is_broken(exc):
                raise
            log.warning("sent without a note file=%s records=%d: %s", self._store.file, len(rows), exc)
            self._unmarked.update(ways)
        else:
            self._forget(row.seq for row in rows)

    def _forget(self, seqs: Iterable[int]) -> None:
        """Of these no note is missing any more."""
        for seq in seqs:
            self._unmarked.pop(seq, None)

    def _set_aside_record(self, row: Row) -> None:
        """A record whose checksum is wrong must neither be sent nor stop those behind it."""
        with self._store.transaction():
            self._store.keep_damaged(row)
            self._store.drop([row], "damaged")
        log.error(
            "damaged record set aside file=%s seq=%d counted=%s", self._store.file, row.seq, row.counted
        )
