"""The gateway's store of what the cloud has not confirmed: SQLite, a file a lane, deleted only by receipt."""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from edge import clock
from edge.salvage import checksum, salvage
from sitewarden.messages import Alarm, Readings, encode

log = logging.getLogger(__name__)

Message = Alarm | Readings
Synchronous = Literal["FULL", "NORMAL"]

SHED_PART = 50
"""Where a file is full, one in so many of its records, the oldest, gives way at a time."""

MEMORY_BYTES = 16 * 1024 * 1024
"""Bound of a lane that has no disk."""

_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    boot TEXT NOT NULL,
    at_ms INTEGER NOT NULL, -- when it was written, by the wall clock
    counted INTEGER NOT NULL, -- readings in it, or 1 for a transition
    crc INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS damaged (
    seq INTEGER, boot TEXT, at_ms INTEGER, counted INTEGER, crc INTEGER, body BLOB
);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS memory (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
"""
_COUNTED = ("depth", "written", "dropped")
_INSERT = "INSERT INTO records (seq, boot, at_ms, counted, crc, body) VALUES (?, ?, ?, ?, ?, ?)"


class Record(NamedTuple):
    """One message as it waits."""

    seq: int
    at_ms: int
    """When it was written."""
    body: bytes


class State(NamedTuple):
    """What a file stands at; a new value after every transaction that was committed."""

    depth: int
    """Records that wait for a receipt."""
    next_seq: int
    written: int
    """Readings or transitions since the file began."""
    dropped: int
    """Of them, those shed or damaged before a receipt came."""


class LaneFile:
    """One SQLite file, used by one thread: records, counters, and what must be remembered with them."""

    def __init__(self, file: Path | None, *, boot: str, synchronous: Synchronous, max_bytes: int) -> None:
        """Opens or makes `file` (`None`: in memory); what SQLite cannot read is set aside and begun anew."""
        self._file, self._boot, self._synchronous, self._max_bytes = file, boot, synchronous, max_bytes
        self.state = State(0, 1, 0, 0)
        self.memory: dict[str, bytes] = {}
        try:
            self._open()
        except sqlite3.DatabaseError as exc:
            self.set_aside_if_broken(exc)

    def append(self, messages: Sequence[Message], memory: Mapping[str, bytes | None]) -> None:
        """Write messages, each under the next seq, and remember (`None`: forget), in one transaction."""
        with self._transaction():
            state = self._within_bound(self.state)
            for message in messages:
                state = self._insert(message, state)
            self._remember(memory)
            self._keep(state)
        self.state = state
        for key, body in memory.items():
            if body is None:
                self.memory.pop(key, None)
            else:
                self.memory[key] = body

    def fetch(self, first: int, last: int, limit: int) -> list[Record]:
        """The records from `first` to `last`, oldest first; a damaged one is set aside instead."""
        # The oldest records of a range.
        rows = self._db.execute(
            "SELECT seq, boot, at_ms, crc, body FROM records WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",
            (first, last, limit),
        ).fetchall()
        sound = [
            Record(seq, at_ms, body)
            for seq, boot, at_ms, crc, body in rows
            if crc == checksum(seq, boot, body)
        ]
        for seq in {row[0] for row in rows} - {record.seq for record in sound}:
            self._set_aside_record(seq)
        return sound if sound or not rows else self.fetch(rows[-1][0] + 1, last, limit)

    def delete(self, boot: str, ranges: Sequence[tuple[int, int]]) -> list[int]:
        """Delete what a receipt names, records of that boot in ranges with both ends; their seqs."""
        deleted: list[int] = []
        with self._transaction():
            for first, last in ranges:
                if not 0 < first < self.state.next_seq:
                    continue  # nothing of ours; SQLite would not even take such a number
                # Exactly the records that one receipt names.
                rows = self._db.execute(
                    "DELETE FROM records WHERE seq BETWEEN ? AND ? AND boot = ? RETURNING seq",
                    (first, min(last, self.state.next_seq), boot),
                )
                deleted += [seq for (seq,) in rows.fetchall()]
            state = self.state._replace(depth=self.state.depth - len(deleted))
            self._keep(state)
        self.state = state
        return deleted

    def make_room(self) -> None:
        """Give up the oldest part, so that its pages can be used where the disk gives no more."""
        with self._transaction():
            state = self._shed(self.state)
            self._keep(state)
        self.state = state

    def oldest_at_ms(self) -> int | None:
        """Since when the oldest record waits."""
        row = self._db.execute("SELECT at_ms FROM records ORDER BY seq LIMIT 1").fetchone()
        return None if row is None else int(row[0])

    def set_aside_if_broken(self, cause: sqlite3.DatabaseError) -> None:
        """Where SQLite cannot read the file: rename it, begin a new one, go on counting; else raise `cause`.

        What can still be read goes into the new file, the rest is declared lost; the old file stays.
        """
        if self._file is None or getattr(cause, "sqlite_errorcode", 0) & 0xFF not in _BROKEN:
            raise cause
        self._db.close()
        aside = f"{self._file.name}.broken-{clock.now_ms()}"
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                self._file.with_name(self._file.name + suffix).rename(self._file.with_name(aside + suffix))
        before, found = self.state, salvage(self._file.with_name(aside))
        memory = self.memory or found.memory
        waited = max(before.depth, found.counters.get("depth", 0))
        lost = max(0, waited - len(found.records))
        log.critical(
            "outbox file broken, set aside as %s saved_records=%d lost_records=%d: %s",
            *(aside, len(found.records), lost, cause),
        )
        self._open()
        state = State(
            depth=len(found.records),
            next_seq=max(before.next_seq, found.last_seq + 1),
            written=max(before.written, found.counters.get("written", 0)),
            dropped=max(before.dropped, found.counters.get("dropped", 0)) + lost,
        )
        with self._transaction():
            self._db.executemany(_INSERT, found.records)
            self._remember(memory)
            self._keep(state)
        self.state, self.memory = state, memory

    def go_on_in_memory(self) -> None:
        """Leave a file that takes nothing any more: what is in it waits there for the next start."""
        log.critical(
            "outbox goes on in memory, left on disk file=%s records=%d", self._file, self.state.depth
        )
        with contextlib.suppress(sqlite3.Error):
            self._db.close()
        before, memory = self.state, self.memory
        self._file = None
        self._max_bytes = min(self._max_bytes, MEMORY_BYTES)
        self._open()
        self.state = before._replace(depth=0)
        self.append([], memory)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _open(self) -> None:
        self._db = sqlite3.connect(self._file or ":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(f"PRAGMA synchronous = {self._synchronous}")
        self._db.executescript(_SCHEMA)
        counters = dict(self._db.execute("SELECT name, value FROM counters"))
        # The highest seq ever given, also of records that are long gone.
        last = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'records'").fetchone()
        # The depth is counted along: counting the rows of a long outage would hold up the start for seconds.
        depth, written, dropped = (counters.get(name, 0) for name in _COUNTED)
        self.state = State(depth, (last[0] if last else 0) + 1, written, dropped)
        self.memory = dict(self._db.execute("SELECT key, body FROM memory"))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            # A full disk has rolled back already.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _insert(self, message: Message, state: State) -> State:
        seq, counted = state.next_seq, count(message)
        body = encode(msgspec.structs.replace(message, boot=self._boot, seq=seq))
        self._db.execute(
            _INSERT,
            (seq, self._boot, clock.now_ms(), counted, checksum(seq, self._boot, body), body),
        )
        return state._replace(depth=state.depth + 1, next_seq=seq + 1, written=state.written + counted)

    def _within_bound(self, state: State) -> State:
        while state.depth and self._used_bytes() > self._max_bytes:
            state = self._shed(state)
        return state

    def _shed(self, state: State) -> State:
        """Give up the oldest part of the records, counted and logged."""
        # The oldest part of all records.
        rows = self._db.execute(
            "DELETE FROM records WHERE seq IN (SELECT seq FROM records ORDER BY seq LIMIT ?)"
            " RETURNING counted",
            (max(1, state.depth // SHED_PART),),
        ).fetchall()
        lost = sum(counted for (counted,) in rows)
        log.error("outbox full, oldest dropped file=%s records=%d counted=%d", self._file, len(rows), lost)
        return state._replace(depth=state.depth - len(rows), dropped=state.dropped + lost)

    def _used_bytes(self) -> int:
        """Pages in use; the file itself does not shrink, but what is free in it is used again."""
        pages, free, size = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _remember(self, memory: Mapping[str, bytes | None]) -> None:
        for key, body in memory.items():
            if body is None:
                self._db.execute("DELETE FROM memory WHERE key = ?", (key,))
            else:
                self._db.execute("INSERT OR REPLACE INTO memory (key, body) VALUES (?, ?)", (key, body))

    def _keep(self, state: State) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO counters (name, value) VALUES (?, ?)",
            [(name, getattr(state, name)) for name in _COUNTED],
        )

    def _set_aside_record(self, seq: int) -> None:
        """A record whose checksum is wrong must neither be sent nor stop those behind it."""
        with self._transaction():
            # Keep it for a person to look at.
            self._db.execute(
                "INSERT INTO damaged SELECT seq, boot, at_ms, counted, crc, body FROM records WHERE seq = ?",
                (seq,),
            )
            counted = self._db.execute(
                "DELETE FROM records WHERE seq = ? RETURNING counted", (seq,)
            ).fetchone()[0]
            state = self.state
            state = state._replace(depth=state.depth - 1, dropped=state.dropped + int(counted))
            self._keep(state)
        self.state = state
        log.error("damaged record set aside file=%s seq=%d counted=%d", self._file, seq, counted)


def count(message: Message) -> int:
    """Readings in it, or 1 for a transition."""
    return sum(len(series.t) for series in message.series) if isinstance(message, Readings) else 1
