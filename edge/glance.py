"""What a lane's file stands at, for somebody who only looks: nothing is locked, written or made."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

PATIENCE_S = 2.0


class Glance(NamedTuple):
    """As of the last committed transaction."""

    depth: int
    oldest_at_ms: int | None
    """When the oldest that waits was written."""
    dropped: int
    """Readings or transitions since the file began that will never come."""
    damaged: int
    """Records that were set aside."""


def glance(file: Path) -> Glance:
    """Look into the file of a lane, beside an agent or without one; raises `sqlite3.Error`."""
    # Without a log beside it nobody has it open, and SQLite would make one to read.
    is_open = file.with_name(file.name + "-wal").exists()
    address = f"{file.resolve().as_uri()}?mode=ro{'' if is_open else '&immutable=1'}"
    with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE_S)) as db:
        db.execute("BEGIN")  # all of one moment
        depth, next_seq, dropped = _row(db, "SELECT depth, next_seq, dropped FROM tally")
        # Counting all rows of a long outage would take a card's whole reading speed for a while.
        (later,) = _row(db, "SELECT count(*) FROM records WHERE seq >= ?", next_seq)
        depth += later
        oldest = _row(db, "SELECT at_ms FROM records ORDER BY seq LIMIT 1")[0] if depth else None
        (damaged,) = _row(db, "SELECT count(*) FROM damaged")
    return Glance(depth, oldest, dropped, damaged)


def _row(db: sqlite3.Connection, query: str, *values: int) -> Sequence[int]:
    row: Sequence[object] = db.execute(query, values).fetchone() or ()
    numbers = [value for value in row if isinstance(value, int)]
    if not numbers or len(numbers) < len(row):
        raise sqlite3.DatabaseError("what is read cannot be what was written")
    return numbers


def set_aside(folder: Path) -> list[Path]:
    """Files of lanes that could not be read any more and lie beside the new ones; raises `OSError`."""
    found = (file for file in folder.iterdir() if file.match("*.db.broken-*"))
    return sorted(file for file in found if not file.name.endswith(("-wal", "-shm")))
