"""What can still be read of a broken outbox file: sound records, and what was remembered."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

_FORWARDS = "SELECT seq, boot, at_ms, counted, crc, body FROM records ORDER BY seq"
_BACKWARDS = f"{_FORWARDS} DESC"

Row = tuple[int, Any, int, int, int, Any]
"""seq, boot, at_ms, counted, crc, body"""


class Salvaged(NamedTuple):
    """As much as could be read; nothing of it is sure to be all."""

    records: list[Row]
    memory: dict[str, bytes]
    counters: dict[str, int]
    last_seq: int


def checksum(seq: int, boot: str, body: bytes) -> int:
    """By which a record is known to be as it was written."""
    return zlib.crc32(body, zlib.crc32(f"{seq} {boot}".encode()))


def salvage(file: Path) -> Salvaged:
    """Read what SQLite still gives, from both ends: one bad page must not hide what lies behind it."""
    with closing(sqlite3.connect(file)) as db:
        rows: dict[int, Row] = {}
        for from_one_end in (_FORWARDS, _BACKWARDS):
            for row in _readable(db, from_one_end):
                if row[0] in rows:
                    break
                rows[row[0]] = row
        memory = dict(_readable(db, "SELECT key, body FROM memory"))
        counters = dict(_readable(db, "SELECT name, value FROM counters"))
        last = max((seq for (seq,) in _readable(db, "SELECT seq FROM sqlite_sequence")), default=0)
    sound = [row for _, row in sorted(rows.items()) if _is_sound(row)]
    return Salvaged(sound, memory, counters, max([last, *(row[0] for row in sound)]))


def _readable(db: sqlite3.Connection, query: str) -> Iterator[Any]:
    """The rows up to the first that cannot be read."""
    with suppress(sqlite3.DatabaseError):
        yield from db.execute(query)


def _is_sound(row: Row) -> bool:
    seq, boot, _, _, crc, body = row
    return isinstance(boot, str) and isinstance(body, bytes) and crc == checksum(seq, boot, body)
