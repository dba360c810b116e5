"""What can still be read of a broken outbox file: sound records, and what was remembered."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

COLUMNS = "seq, boot, at_ms, from_ms, to_ms, counted, polls, crc, form, offered, moved, body"
_FORMER = "seq, boot, at_ms, at_ms, at_ms, counted, 0, crc, 0, 1, 0, body"
"""The same of a file that an earlier version made: all of it may have been sent."""
LARGEST = 2**62
"""Of any number in a row."""
MOST = 2**53
"""Of a counter or a seq that can be believed."""


class Row(NamedTuple):
    """A record as it lies in the file."""

    seq: int
    boot: Any
    at_ms: int
    """When it was written, by the wall clock."""
    from_ms: int
    """Of its first reading, before shifts that are still to be applied."""
    to_ms: int
    counted: int
    """Readings in it, or 1 for a transition."""
    polls: int
    crc: int
    form: int
    offered: bool
    """Whether anybody else may have seen it: then it stays as it is."""
    moved: int
    """The number of the last shift that was applied to it."""
    body: Any

    @property
    def is_sound(self) -> bool:
        """Whether it is as it was written."""
        if not isinstance(self.boot, str) or not isinstance(self.body, bytes):
            return False
        numbers: tuple[object, ...] = (self.seq, *self[2:-1])
        if not all(isinstance(number, int) and abs(number) <= LARGEST for number in numbers):
            return False
        return self.crc == checksum(self.seq, self.boot, self.body)


def text(raw: bytes) -> str:
    """Text as it lies in a file; what is no text any more must not stop who reads what is beside it."""
    return raw.decode("utf-8", "replace")


def whole(value: object) -> int:
    """The number that a column should hold; 0 where it holds something else."""
    return value if isinstance(value, int) else 0


def is_counter(value: object) -> bool:
    """Whether something that was read as a counter can be believed."""
    return isinstance(value, int) and 0 <= value <= MOST


class Salvaged(NamedTuple):
    """As much as could be read; nothing of it is sure to be all."""

    records: list[Row]
    memory: dict[str, bytes]
    tally: dict[str, int]
    """The counters, by name."""
    shifts: list[tuple[int, str, int]]
    last_seq: int


def checksum(seq: int, boot: str, body: bytes) -> int:
    """By which a record is known to be as it was written."""
    return zlib.crc32(body, zlib.crc32(f"{seq} {boot}".encode()))


def salvage(file: Path) -> Salvaged:
    """Read what SQLite still gives, from both ends: one bad page must not hide what lies behind it."""
    with closing(sqlite3.connect(file)) as db:
        db.text_factory = text
        db.execute("PRAGMA writable_schema = ON")  # one damaged table does not hide the others
        rows = _rows(db, COLUMNS) or _rows(db, _FORMER)
        memory = _readable(db, "SELECT key, body FROM memory", (str, bytes))
        tally = dict(_readable(db, "SELECT name, value FROM counters", (str, int)))
        tally |= _named(db, "tally")
        tally = {name: value for name, value in tally.items() if is_counter(value)}
        shifts = {row[0]: row for row in _readable(db, "SELECT id, boot, by_ms FROM shifts", (int, str, int))}
        last = max((seq for (seq,) in _readable(db, "SELECT seq FROM sqlite_sequence", (int,))), default=0)
        sound = [row for _, row in sorted(rows.items()) if row.is_sound]
        last_seq = max([last, tally.get("next_seq", 1) - 1, *(row.seq for row in sound)])
        believable = [row for row in shifts.values() if 0 < row[0] < LARGEST and abs(row[2]) <= MOST]
        return Salvaged(sound, dict(memory), tally, believable, last_seq)


def _rows(db: sqlite3.Connection, columns: str) -> dict[int, Row]:
    rows: dict[int, Row] = {}
    for order in ("ASC", "DESC"):
        for row in _read(db, f"SELECT {columns} FROM records ORDER BY seq {order}"):  # noqa: S608  no input
            if row[0] in rows:
                break
            rows[row[0]] = Row._make(row)
    return rows


def _named(db: sqlite3.Connection, table: str) -> dict[str, Any]:
    """The one row of a table, by column."""
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):
        cursor = db.execute(f"SELECT * FROM {table}")  # noqa: S608  no input
        row = cursor.fetchone()
        return dict(zip([column[0] for column in cursor.description], row, strict=True)) if row else {}
    return {}


def _readable(db: sqlite3.Connection, query: str, kinds: tuple[type, ...]) -> list[Any]:
    """The rows up to the first that cannot be read, but for those that hold something else."""
    return [row for row in _read(db, query) if all(map(isinstance, row, kinds))]


def _read(db: sqlite3.Connection, query: str) -> Iterator[Any]:
    with suppress(sqlite3.DatabaseError, UnicodeDecodeError):  # the latter from SQLite's own words
        yield from db.execute(query)
