"""One lane's SQLite file: rows with checksums, counters, shifts, and the words for what is gone."""

import contextlib
import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from edge import clock, compaction
from edge.salvage import COLUMNS, LARGEST, Row, checksum, is_counter, text, whole
from sitewarden.errors import MessageError
from sitewarden.messages import Alarm, Gap, Readings, decode, encode, encode_packed

log = logging.getLogger(__name__)

Message = Alarm | Readings
Synchronous = Literal["FULL", "NORMAL"]

TALLY_EVERY = 64
"""So many records are appended before the counters are written: until then the rows themselves tell."""
UNMOVED = LARGEST
"""As `moved`: no shift applies."""

PLAIN, MERGED, THINNED, AGGREGATED, GAP = range(5)
"""Forms of a record, each smaller than the one before."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY,
    boot TEXT NOT NULL,
    at_ms INTEGER NOT NULL, -- when it was written, by the wall clock
    from_ms INTEGER NOT NULL, -- the first instant in it
    to_ms INTEGER NOT NULL,
    counted INTEGER NOT NULL, -- readings in it, or 1 for a transition
    polls INTEGER NOT NULL, -- of a record of gaps, the readings that it says are gone
    crc INTEGER NOT NULL,
    form INTEGER NOT NULL,
    offered INTEGER NOT NULL, -- whether anybody else may have seen it
    moved INTEGER NOT NULL, -- the last shift applied
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS damaged (
    seq INTEGER, boot TEXT, at_ms INTEGER, counted INTEGER, crc INTEGER, body BLOB
);
CREATE TABLE IF NOT EXISTS tally (
    id INTEGER PRIMARY KEY,
    depth INTEGER NOT NULL,
    next_seq INTEGER NOT NULL,
    written INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    thinned INTEGER NOT NULL,
    evictions INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    since_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS memory (key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shifts (id INTEGER PRIMARY KEY, boot TEXT NOT NULL, by_ms INTEGER NOT NULL);
"""
_ADDED = ("from_ms", "to_ms", "polls", "form", "offered", "moved")
"""Columns that files of the first version lack; what is in such a file may have been sent."""
_INSERT = f"INSERT INTO records ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  no input
_REPLACE = _INSERT.replace("INSERT", "INSERT OR REPLACE", 1)
_DELETE = "DELETE FROM records WHERE"
_SELECT = f"SELECT {COLUMNS} FROM records"  # noqa: S608  no input
# One of that number which was never confirmed to be on disk may be there all the same.
_ADD_SHIFT = "INSERT OR REPLACE INTO shifts (id, boot, by_ms) VALUES (?, ?, ?)"
_KEEP = (
    "UPDATE tally SET depth = ?, next_seq = ?, written = ?, dropped = ?, thinned = ?, evictions = ?,"
    " waiting = ?, since_ms = ?"
)


class Record(NamedTuple):
    """One message as it waits."""

    seq: int
    at_ms: int
    """When it was written."""
    body: bytes


class Sent(NamedTuple):
    """How a record was sent of which the disk took no note."""

    shift: int
    """The number of the last shift that was applied."""
    is_hist: bool
    """Whether it was told to be back-fill."""


class State(NamedTuple):
    """What a file stands at; a new value after every transaction that was committed."""

    depth: int
    """Records that wait for a receipt."""
    next_seq: int
    written: int
    """Readings or transitions since the file began."""
    dropped: int
    """Of them, those that will never come: thinned, evicted, damaged, or never taken by the disk."""
    thinned: int = 0
    """Of the dropped, those that went while others of their record stayed."""
    evictions: int = 0
    """Records that went whole for want of room."""
    waiting: int = 0
    """Readings or transitions in the records that wait."""
    since_ms: int = 0
    """When the oldest that waits was written, or some time before."""


class BrokenError(sqlite3.DatabaseError):
    """What SQLite gives cannot be what was written."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


# The statements are right, so that it is the schema, or a key, which is not as it was written.
_BROKEN = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
}


def is_broken(exc: Exception) -> bool:
    """Whether an error says that the file is damaged, rather than that the disk takes nothing."""
    # SQLite's own words quote names of the schema.
    return isinstance(exc, UnicodeDecodeError) or getattr(exc, "sqlite_errorcode", -1) & 0xFF in _BROKEN


class Store:
    """The file, used by one thread: `state` is what was last committed, a transaction works on `draft`."""

    def __init__(
        self,
        file: Path | None,
        *,
        boot: str,
        synchronous: Synchronous,
        declares: bool,
        shift: int = 0,
        unmarked: dict[int, Sent] | None = None,
    ) -> None:
        """Opens or makes `file`, `None` for one in memory; no shift before number `shift` is still to come.

        With `declares`, records are readings, and what is gone is said in records of their own. `unmarked`
        are the seqs that were sent although the disk took no note of it.
        """
        self.file, self.boot, self.declares = file, boot, declares
        self._synchronous = synchronous
        self._db = sqlite3.connect(file or ":memory:", isolation_level=None, check_same_thread=False)
        self._db.text_factory = text
        self.rollbacks = 0
        """What was noted along the way of a transaction that failed is not so."""
        self.unmarked = {} if unmarked is None else unmarked
        self._untallied, self._is_tally_due = 0, False
        self._gap_seqs: dict[bool, int] = {}
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute(f"PRAGMA synchronous = {synchronous}")
            self._db.executescript(_SCHEMA)
            self._take_over_former()
            self.state = self.draft = self._counted()
            remembered = self._db.execute("SELECT key, body FROM memory").fetchall()
            self.memory: dict[str, bytes] = {
                key: body for key, body in remembered if isinstance(key, str) and isinstance(body, bytes)
            }
            last = self._db.execute("SELECT coalesce(max(id), 0) FROM shifts").fetchone()[0]
        except BaseException:
            self._db.close()
            raise
        self.shift_number = max(shift, last)

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(sqlite3.Error):
            self._db.execute(_KEEP, self.state)
        self._db.close()

    @contextlib.contextmanager
    def transaction(self, memory: Mapping[str, bytes | None] | None = None) -> Iterator[None]:
        """All or nothing, counters included; with it, what is to be remembered (`None`: forgotten)."""
        self._db.execute("BEGIN IMMEDIATE")
        self.draft = self.state
        try:
            yield
            if memory:
                self._remember(memory)
            if self._is_tally_due or self._untallied >= TALLY_EVERY:
                self._db.execute(_KEEP, self.draft)
                self._untallied, self._is_tally_due = 0, False
            self._db.execute("COMMIT")
        except BaseException:
            # A full disk has rolled back already.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self.rollbacks += 1
            self._gap_seqs, self._is_tally_due = {}, True
            raise
        self.state = self.draft
        for key, body in (memory or {}).items():
            if body is None:
                self.memory.pop(key, None)
            else:
                self.memory[key] = body

    @contextlib.contextmanager
    def durable(self) -> Iterator[None]:
        """What is committed within outlasts a power cut."""
        self._db.execute("PRAGMA synchronous = FULL")
        try:
            yield
        finally:
            self._db.execute(f"PRAGMA synchronous = {self._synchronous}")

    def rows(self, condition: str, *parameters: object) -> list[Row]:
        """Rows by a condition of the edge's own."""
        return list(self.each(condition, *parameters))

    def each(self, condition: str, *parameters: object) -> Iterator[Row]:
        """The same, read one by one: nothing may be written meanwhile.

        A row that was sent without a note comes as it was sent, whatever the condition says of `offered`.
        """
        return map(
            self._as_sent, map(Row._make, self._db.execute(f"{_SELECT} WHERE {condition}", parameters))
        )

    def count(self, condition: str, *parameters: object) -> int:
        """How many rows there are of a condition of the edge's own."""
        query = f"SELECT count(*) FROM records WHERE {condition}"  # noqa: S608  no input
        return int(self._db.execute(query, parameters).fetchone()[0])

    def same_seqs(self, rows: Iterable[Row]) -> list[Row]:
        """What is here under the seqs of the rows."""
        return [known for row in rows for known in self.rows("seq = ?", row.seq)]

    def oldest(self) -> tuple[int, int] | None:
        """Seq of the oldest record, and when it was written."""
        found = self._db.execute("SELECT seq, at_ms FROM records ORDER BY seq LIMIT 1").fetchone()
        return None if found is None else (whole(found[0]), whole(found[1]))

    def used_bytes(self) -> int:
        """Pages in use; the file itself does not shrink, but what is free in it is used again."""
        pages, free, size = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def write(self, message: Message, now_ms: int, *, offered: bool) -> Record:
        """A new record, within a transaction."""
        seq = self.draft.next_seq
        body = encode(msgspec.structs.replace(message, boot=self.boot, seq=seq))
        counted = count(message)
        crc = checksum(seq, self.boot, body)
        form = PLAIN if counted else GAP
        row = (seq, self.boot, now_ms, *span(message), counted, polls(message), crc, form, offered)
        self._db.execute(_INSERT, (*row, self.shift_number, body))
        draft = self.draft
        self.draft = State(
            draft.depth + 1,
            seq + 1,
            draft.written + counted,
            draft.dropped,
            draft.thinned,
            draft.evictions,
            draft.waiting + counted,
            draft.since_ms if draft.depth else now_ms,
        )
        self._untallied += 1
        return Record(seq, now_ms, body)

    def put_back(self, rows: Iterable[Row], shifts: Iterable[tuple[int, str, int]]) -> None:
        """Rows and shifts of another file, within a transaction; the draft is the caller's."""
        self._is_tally_due = True
        self._db.executemany(_ADD_SHIFT, shifts)
        # By the shifts that they were sent with.
        self._db.executemany(_INSERT, list(map(self._as_sent, rows)))

    def replace(self, row: Row) -> None:
        """A row instead of the one of its seq, within a transaction."""
        self._db.execute(_REPLACE, row)

    def swap(self, rows: Sequence[Row], instead: Sequence[Row]) -> None:
        """Rows in the place of others and with seqs of those, within a transaction."""
        self._is_tally_due = True
        staying = {row.seq for row in instead}
        self._remove([row for row in rows if row.seq not in staying])
        for row in instead:
            self.replace(row)
        before, after = (sum(whole(row.counted) for row in some) for some in (rows, instead))
        self.draft = self.draft._replace(
            depth=self.draft.depth - len(rows) + len(instead),
            waiting=self.draft.waiting - before + after,
        )

    def delete(self, boot: str, first: int, last: int) -> list[int]:
        """The records of that boot in a range that were sent, within a transaction; their seqs."""
        if not 0 < first < self.state.next_seq:
            return []  # nothing of ours; SQLite would not even take such a number
        self._is_tally_due = True
        # Exactly the records that one receipt names.
        last = min(last, self.state.next_seq)
        rows = self._db.execute(
            f"{_DELETE} seq BETWEEN ? AND ? AND boot = ? AND offered = 1 RETURNING seq, counted",
            (first, last, boot),
        ).fetchall()
        for seq in range(first, last + 1) if last - first < len(self.unmarked) else list(self.unmarked):
            if seq in self.unmarked and first <= seq <= last:
                query = f"{_DELETE} seq = ? AND boot = ? RETURNING seq, counted"
                rows += self._db.execute(query, (seq, boot)).fetchall()
        self.draft = self.draft._replace(
            depth=self.draft.depth - len(rows),
            waiting=self.draft.waiting - sum(whole(counted) for _, counted in rows),
        )
        return [seq for seq, _ in rows]

    def drop(self, rows: Sequence[Row], reason: compaction.Reason) -> None:
        """Rows that will never be sent, counted and declared, within a transaction."""
        self.swap(rows, [])
        lost = sum(whole(row.counted) for row in rows)
        self.draft = self.draft._replace(dropped=self.draft.dropped + lost)
        for moves in (True, False):
            # What was offered may be known by its instants as they are.
            of_kind = [row for row in rows if (row.boot == self.boot and not row.offered) == moves]
            gone = [(*self._instants(row), whole(row.counted)) for row in of_kind]
            if not gone:
                continue
            first, last = min(first for first, _, _ in gone), max(last for _, last, _ in gone)
            # What a record of gaps told is told again; it is counted as dropped already.
            counted = sum(counted for _, _, counted in gone)
            counted += sum(whole(row.polls) for row in of_kind if not whole(row.counted))
            gap = Gap(from_at=first, to_at=max(first, last), count=counted, reason=reason)
            self.declare([gap], moves=moves)

    def keep_damaged(self, row: Row) -> None:
        """A row for a person to look at, within a transaction."""
        self._db.execute(
            "INSERT INTO damaged SELECT seq, boot, at_ms, counted, crc, body FROM records WHERE seq = ?",
            (row.seq,),
        )
        if self._db.execute("SELECT changes()").fetchone()[0] != 1:
            raise BrokenError(f"the row of seq {row.seq} cannot be found by it")

    def declare(self, gaps: Iterable[Gap], *, moves: bool = True) -> None:
        """Say what is gone in a record of its own, within a transaction; one that was not sent grows.

        With `moves`, a shift puts its instants right, as those of all that this boot has and never sent.
        """
        self._is_tally_due = True
        if not self.declares:
            return
        seq = self._gap_seqs.get(moves)
        known = [] if seq is None else self.rows("seq = ?", seq)
        if known and not known[0].offered and (message := self.understood(known[0])) is not None:
            grown = msgspec.structs.replace(message, gaps=compaction.coalesced([*message.gaps, *gaps]))
            row = self.rewritten(known[0], grown, GAP)
            self.replace(row if moves else row._replace(moved=UNMOVED))
            return
        now_ms, seq = clock.now_ms(), self.draft.next_seq
        message = Readings(boot=self.boot, seq=seq, at=now_ms, series=[], gaps=compaction.coalesced(gaps))
        unsent = Row(seq, self.boot, now_ms, now_ms, now_ms, 0, 0, 0, GAP, False, self.shift_number, b"")
        row = self.rewritten(unsent, message, GAP)
        self._db.execute(_INSERT, row if moves else row._replace(moved=UNMOVED))
        self._gap_seqs[moves] = seq
        draft = self.draft
        since_ms = draft.since_ms if draft.depth else now_ms
        self.draft = draft._replace(depth=draft.depth + 1, next_seq=seq + 1, since_ms=since_ms)

    def add_shift(self, by_ms: int) -> None:
        """Note that instants of this boot's rows that were never offered are to be put right; for good."""
        with self.durable(), self.transaction():
            self._db.execute(_ADD_SHIFT, (self.shift_number + 1, self.boot, by_ms))
        self.shift_number += 1

    def shifts(self) -> list[tuple[int, str, int]]:
        """All shifts."""
        return self._db.execute("SELECT id, boot, by_ms FROM shifts").fetchall()

    def final(self, row: Row, sent: Sent) -> Row:
        """The row as it is sent: once and for all, for it is made the same from the same."""
        shifted = self.shifted(row, sent.shift)
        if not (sent.is_hist and self.declares and row.form == PLAIN):
            return shifted
        try:
            message = decode(shifted.body, Readings)
            if message.hist:
                return shifted
            return self.rewritten(shifted, msgspec.structs.replace(message, hist=True), PLAIN)
        except MessageError as exc:
            log.warning("sent as it is seq=%d: %s", row.seq, exc)
            return shifted

    def shifted(self, row: Row, to: int | None = None) -> Row:
        """The row with its instants put right, where shifts, up to that number, came after it was written."""
        to = self.shift_number if to is None else to
        if row.offered or whole(row.moved) >= to:
            return row
        by_ms = self._shift_of(row, to)
        if not by_ms:
            return row._replace(moved=to)
        try:
            message: Message = decode(row.body, Readings) if self.declares else decode(row.body, Alarm)
        except MessageError as exc:
            log.warning("not put right seq=%d: %s", row.seq, exc)
            return row
        moved = self.rewritten(row, compaction.moved(message, by_ms), row.form)
        return moved._replace(at_ms=row.at_ms + by_ms)

    def rewritten(self, row: Row, message: Message, form: int) -> Row:
        """The row with another body."""
        message = msgspec.structs.replace(message, boot=row.boot, seq=row.seq)
        is_small = isinstance(message, Readings) and form in {MERGED, THINNED, AGGREGATED}
        body = encode_packed(message) if is_small and isinstance(message, Readings) else encode(message)
        first_ms, last_ms = span(message)
        return row._replace(
            from_ms=first_ms,
            to_ms=last_ms,
            counted=count(message),
            polls=polls(message),
            crc=checksum(row.seq, row.boot, body),
            form=form,
            moved=max(row.moved, self.shift_number),
            body=body,
        )

    def understood(self, row: Row) -> Readings | None:
        """The readings in a row, put right; nothing where this version cannot read them."""
        try:
            return decode(self.shifted(row).body, Readings)
        except MessageError as exc:
            log.warning("left as it is seq=%d: %s", row.seq, exc)
            return None

    def _counted(self) -> State:
        """The counters as they were last written, and the rows appended since.

        Counting all rows of a long outage would hold up the start.
        """
        columns = ", ".join(State._fields)
        found = self._db.execute(f"SELECT {columns} FROM tally").fetchone()  # noqa: S608  no input
        if found is None or not all(map(is_counter, found)):
            raise BrokenError(f"counters {found}")
        state = State._make(found)
        # Whatever takes rows away writes the counters, so that these rows were only added.
        depth, counted, last_seq, since_ms = self._db.execute(
            "SELECT count(*), coalesce(sum(counted), 0), max(seq), min(at_ms) FROM records WHERE seq >= ?",
            (state.next_seq,),
        ).fetchone()
        if not depth:
            return state
        if not all(map(is_counter, (counted, last_seq, since_ms))):
            raise BrokenError(f"records up to {last_seq} hold {counted}, since {since_ms}")
        return state._replace(
            depth=state.depth + depth,
            next_seq=last_seq + 1,
            written=state.written + counted,
            waiting=state.waiting + counted,
            since_ms=state.since_ms if state.depth else since_ms,
        )

    def _instants(self, row: Row) -> tuple[int, int]:
        """First and last of a record, put right; of one from an earlier version, when it was written."""
        is_final = row.offered or whole(row.moved) >= self.shift_number
        by_ms = 0 if is_final else self._shift_of(row, self.shift_number)
        written_ms = whole(row.at_ms)
        return (whole(row.from_ms) or written_ms) + by_ms, (whole(row.to_ms) or written_ms) + by_ms

    def _as_sent(self, row: Row) -> Row:
        sent = None if row.offered else self.unmarked.get(row.seq)
        if sent is None or not row.is_sound:
            return row
        return self.final(row, sent)._replace(offered=True)

    def _shift_of(self, row: Row, to: int) -> int:
        query = "SELECT coalesce(sum(by_ms), 0) FROM shifts WHERE id > ? AND id <= ? AND boot = ?"
        return int(self._db.execute(query, (whole(row.moved), to, row.boot)).fetchone()[0])

    def _remove(self, rows: Iterable[Row]) -> None:
        self._db.executemany("DELETE FROM records WHERE seq = ?", [(row.seq,) for row in rows])

    def _remember(self, memory: Mapping[str, bytes | None]) -> None:
        for key, body in memory.items():
            if body is None:
                self._db.execute("DELETE FROM memory WHERE key = ?", (key,))
            else:
                self._db.execute("INSERT OR REPLACE INTO memory (key, body) VALUES (?, ?)", (key, body))

    def _take_over_former(self) -> None:
        """Give a new file its counters, and one that an earlier version made its columns."""
        if self._db.execute("SELECT count(*) FROM tally").fetchone()[0]:
            return
        columns = {row[1] for row in self._db.execute("PRAGMA table_info(records)")}
        for name in _ADDED:
            if name not in columns:
                default = 1 if name == "offered" else 0
                self._db.execute(f"ALTER TABLE records ADD COLUMN {name} INTEGER NOT NULL DEFAULT {default}")
        tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master")}
        counters = dict(self._db.execute("SELECT name, value FROM counters")) if "counters" in tables else {}
        # The highest seq ever given, also of records that are long gone.
        last = "sqlite_sequence" if "sqlite_sequence" in tables else "records"
        last_seq = self._db.execute(f"SELECT coalesce(max(seq), 0) FROM {last}").fetchone()[0]  # noqa: S608  no input
        depth, waiting = counters.get("depth", 0), 0
        if depth:
            waiting = self._db.execute("SELECT coalesce(sum(counted), 0) FROM records").fetchone()[0]
        self._db.execute(
            "INSERT INTO tally VALUES (1, ?, ?, ?, ?, 0, 0, ?, ?)",
            (
                depth,
                last_seq + 1,
                counters.get("written", 0),
                counters.get("dropped", 0),
                waiting,
                clock.now_ms(),
            ),
        )


def count(message: Message) -> int:
    """Readings in it, or 1 for a transition."""
    return sum(len(series.t) for series in message.series) if isinstance(message, Readings) else 1


def polls(message: Message) -> int:
    """Polls of the point that has most of them; of a record of gaps, how many readings it says are gone."""
    if not isinstance(message, Readings):
        return 0
    # Where the body is damaged, the columns tell.
    return compaction.polls(message) if message.series else sum(gap.count for gap in message.gaps)


def span(message: Message) -> tuple[int, int]:
    """The first and last instant that it tells of, gaps too; its own where it tells of none."""
    if not isinstance(message, Readings):
        return message.at, message.at
    columns = [series.t for series in message.series if series.t]
    if not columns:
        firsts, lasts = [gap.from_at for gap in message.gaps], [gap.to_at for gap in message.gaps]
        return min(firsts, default=message.at), max(lasts, default=message.at)
    return message.at + min(map(min, columns)), message.at + max(map(max, columns))
