"""Records as they stand within a transaction of the ingest: read once, changed in memory, written once."""

import collections
import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloud.database import Connection, Row
from cloud.hazards.chain import Event, link
from cloud.hazards.model import Hazard
from cloud.hazards.signal import Over

_LOCK: LiteralString = "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key"
_STANDING: LiteralString = """
    SELECT id, number, site, device, category, family, fingerprint, level, status, content, content_episode,
           potential_accident, clause, also, handling_clock_s, signal, signal_since, opened_at, detected_at,
           episodes, last_episode_at, worst_level, mode, version, report, supervision, escalation_step,
           overdue, verified_at, ended_at
      FROM hazard
     -- In order: so it is found by its own index also before the database has counted anything.
     WHERE id IN ((SELECT id FROM hazard WHERE fingerprint = ANY (%s) AND ended_at IS NULL
                    ORDER BY fingerprint) UNION ALL SELECT unnest(%s::uuid[]))
     ORDER BY id FOR UPDATE
"""
# Asked once the rows are locked: what it sees is what was committed by then.
_HEADS: LiteralString = """
    SELECT event.hazard_id, seq, hash,
           EXISTS (SELECT FROM episode WHERE hazard_id = event.hazard_id AND cleared_at IS NULL),
           timer.due_at, timer.settled_at IS NOT NULL
      FROM hazard JOIN hazard_event AS event ON event.hazard_id = id AND seq = version
           LEFT JOIN hazard_timer AS timer ON timer.hazard_id = id AND timer.kind = 'handling'
     WHERE id = ANY (%s)
"""
_PAST: LiteralString = """
    SELECT DISTINCT ON (fingerprint) fingerprint, id, repeat_no, count(*) OVER (PARTITION BY fingerprint)
      FROM unnest(%s::bytea[], %s::timestamptz[]) AS asked (danger, since)
           JOIN hazard ON fingerprint = danger AND ended_at >= since AND status = 'closed'
     ORDER BY fingerprint, ended_at DESC
"""
_MERGED: LiteralString = """
    SELECT DISTINCT fingerprint FROM hazard
     WHERE fingerprint = ANY (%s) AND ended_at IS NOT NULL AND status = 'merged'
"""
_TAKEN_OVER: LiteralString = """
    WITH RECURSIVE way AS (
        SELECT fingerprint AS danger, merged_into AS id FROM hazard
         WHERE fingerprint = ANY (%s) AND ended_at IS NOT NULL AND status = 'merged'
        UNION
        SELECT danger, merged_into FROM way JOIN hazard USING (id) WHERE status = 'merged'
    )
    SELECT DISTINCT ON (danger) danger, id FROM way JOIN hazard USING (id)
     WHERE ended_at IS NULL ORDER BY danger, opened_at, id
"""
_NUMBERS: LiteralString = """
    INSERT INTO hazard_number (site, day, last)
        SELECT site, day, count(*) FROM unnest(%s::text[], %s::date[]) AS opened (site, day)
         GROUP BY site, day ORDER BY site, day
        ON CONFLICT (site, day) DO UPDATE SET last = hazard_number.last + excluded.last
        RETURNING site, day, last
"""
_BEGUN: LiteralString = f"""
    WITH past AS ({_PAST}), numbers AS ({_NUMBERS})
    SELECT fingerprint, id, repeat_no, count, NULL, NULL, NULL FROM past
    UNION ALL SELECT NULL, NULL, NULL, NULL, site, day, last FROM numbers
"""  # noqa: S608  of constants only
# Each part stands in the statement only where there is something to it: one that does nothing costs as much.
# Rows to be changed are also named in an array, so that no plan reads a table whole.
_OPENED: LiteralString = """
    opened AS (
        INSERT INTO hazard (
                id, number, site, device, category, family, fingerprint, level, status, content,
                content_episode, potential_accident, clause, also, handling_clock_s, signal, signal_since,
                opened_at, detected_at, episodes, last_episode_at, worst_level, mode, version, source,
                source_detail, repeat_of, repeat_no)
            SELECT id, number, site, device, category, family, fingerprint, level, status, content,
                   content_episode, potential_accident, clause, also, handling_clock_s, signal, signal_since,
                   opened_at, detected_at, episodes, last_episode_at, worst_level, mode, version, source,
                   source_detail, repeat_of, repeat_no
              FROM jsonb_populate_recordset(NULL::hazard, %(opened)s)
    )"""
_CHANGED: LiteralString = """
    changed AS (
        UPDATE hazard
           SET level = now.level, status = now.status, content = now.content,
               content_episode = now.content_episode, clause = now.clause, also = now.also,
               potential_accident = now.potential_accident, handling_clock_s = now.handling_clock_s,
               signal = now.signal, signal_since = now.signal_since, detected_at = now.detected_at,
               episodes = now.episodes, last_episode_at = now.last_episode_at, worst_level = now.worst_level,
               version = now.version, verified_at = now.verified_at
          FROM jsonb_populate_recordset(NULL::hazard, %(changed)s) AS now
         WHERE hazard.id = now.id AND hazard.id = ANY (%(changed_ids)s)
    )"""
_JOINED: LiteralString = """
    joined AS (
        UPDATE episode SET hazard_id = joining.hazard_id
          FROM jsonb_to_recordset(%(joined)s) AS joining (id uuid, hazard_id uuid)
         WHERE episode.id = joining.id AND episode.id = ANY (%(joined_ids)s) AND episode.hazard_id IS NULL
    )"""
_CLOCKS: LiteralString = """
    clocks AS (
        INSERT INTO hazard_timer AS known (hazard_id, kind, due_at)
            SELECT hazard_id, kind, due_at
              FROM jsonb_to_recordset(%(clocks)s) AS clock (hazard_id uuid, kind text, due_at timestamptz)
            ON CONFLICT (hazard_id, kind) DO UPDATE SET due_at = excluded.due_at
             WHERE known.settled_at IS NULL
    )"""
_EVENTS: LiteralString = """
    events AS (
        INSERT INTO hazard_event (
                hazard_id, seq, record, prev_hash, hash, at, kind, status, level, report, supervision,
                escalation_step, overdue, verified)
            SELECT hazard_id, seq, record, prev_hash, hash, at, kind, status, level, report, supervision,
                   escalation_step, overdue, verified
              FROM jsonb_populate_recordset(NULL::hazard_event, %(events)s) ORDER BY hazard_id, seq
    )"""


@dataclasses.dataclass(slots=True)
class Standing:
    """A record in the hands of this transaction."""

    row: Row
    """Its columns, as they will be written."""
    is_new: bool = True
    head: tuple[int, bytes] | None = None
    """Sequence number and hash of its last event."""
    stands: bool = False
    """Whether any of its alarms has not cleared."""
    over: list[Over] = dataclasses.field(default_factory=list)
    """Of its alarms that were heard now, those that are over."""
    episodes: list[UUID] = dataclasses.field(default_factory=list)
    """Those that join it."""
    events: list[Row] = dataclasses.field(default_factory=list)
    clock: dt.datetime | None = None
    """When its handling clock ends, if it has one."""
    is_clock_over: bool = False
    clocks: dict[str, dt.datetime] = dataclasses.field(default_factory=dict)
    """Those that are started, or put forward, here: by kind, when each ends."""
    suspected_by: int | None = None
    """The event by which it became suspected major here."""
    past: "Past | None" = None
    """Of a new record: what was closed of the same danger not long ago."""

    @property
    def id(self) -> UUID:
        """Of the record."""
        found: UUID = self.row["id"]
        return found

    def shown(self) -> Hazard:
        """As lists and the live push show it."""
        row = {**self.row, "handling_due_at": self.clock}
        facts = {name: row[name] for name in Hazard.model_fields}
        return Hazard(**msgspec.to_builtins(facts, builtin_types=(dt.datetime, UUID)))

    def append(self, event: Event) -> None:
        """Add to its chain what has just been done to the row."""
        made, row = link(str(self.id), self.head, event), self.row
        self.head = made.seq, made.hash
        row["version"] = made.seq
        self.events.append(
            {
                "hazard_id": self.id,
                "seq": made.seq,
                "record": made.record,
                "prev_hash": _bytea(made.prev_hash),
                "hash": _bytea(made.hash),
                "at": event.at,
                "kind": event.kind,
                **{column: row[column] for column in _STATE},
                "verified": row["verified_at"] is not None,
            }
        )


_STATE = ("status", "level", "report", "supervision", "escalation_step", "overdue")


class Past(NamedTuple):
    """The records of a danger that were closed not long ago."""

    last: UUID
    repeat_no: int
    """Of the last."""
    times: int


def hold(connection: Connection, fingerprints: Iterable[bytes]) -> None:
    """Let no other transaction open a record of these dangers, or merge theirs, before this one has ended."""
    keys = sorted(int.from_bytes(fingerprint[:8], signed=True) for fingerprint in fingerprints)
    if keys:
        connection.execute(_LOCK, [keys])


class Foreseen(NamedTuple):
    """What stands of some dangers, asked for before it is known whether each may open a record of its own."""

    dangers: frozenset[bytes]
    merged: psycopg.Cursor[tuple[Any, ...]]
    records: psycopg.Cursor[Row]


def foresee(connection: Connection, dangers: Iterable[bytes]) -> Foreseen:
    """Hold and read these, and ask which were taken over; nobody waits for the answers yet."""
    held = list(dict.fromkeys(dangers))
    hold(connection, held)
    return Foreseen(
        frozenset(held),
        connection.execute(_MERGED, [held]),
        connection.cursor(row_factory=dict_row).execute(_STANDING, [held, []]),
    )


def read(
    connection: Connection,
    fingerprints: Iterable[bytes],
    ids: Iterable[UUID],
    foreseen: Foreseen | None = None,
) -> list[Standing]:
    """The open records of these dangers, and those named; nobody else changes them until this has ended."""
    named = list(ids)
    if foreseen is not None and not named:
        rows = foreseen.records.fetchall()
    else:
        cursor = connection.cursor(row_factory=dict_row)
        rows = cursor.execute(_STANDING, [list(fingerprints), named]).fetchall()
    if not rows:
        return []
    heads = {head[0]: head for head in connection.execute(_HEADS, [[row["id"] for row in rows]])}
    return [_standing(row, heads[row["id"]]) for row in rows]


def taken_over(
    connection: Connection, fingerprints: Iterable[bytes], foreseen: Foreseen | None = None
) -> dict[bytes, UUID]:
    """Of dangers whose record was merged, the open one that they belong to since; as of now, not locked."""
    asked = connection.execute(_MERGED, [list(fingerprints)]) if foreseen is None else foreseen.merged
    merged = [row[0] for row in asked.fetchall()]
    return dict(connection.execute(_TAKEN_OVER, [merged]).fetchall()) if merged else {}


def _standing(row: Row, told: Sequence[Any]) -> Standing:
    _, seq, hash_, stands, clock, is_clock_over = told
    return Standing(
        row=row,
        is_new=False,
        head=(seq, hash_),
        stands=stands,
        clock=clock,
        is_clock_over=is_clock_over,
    )


def past(connection: Connection, since: dict[bytes, dt.datetime]) -> dict[bytes, Past]:
    """What was closed of these dangers since the instant that stands with each."""
    if not since:
        return {}
    rows = connection.execute(_PAST, [list(since), list(since.values())])
    return {danger: Past(*found) for danger, *found in rows}


def numbers(connection: Connection, days: Sequence[tuple[str, dt.date]]) -> list[str]:
    """The next numbers of sites' days, one for each that is given: `{site}-{yyyymmdd}-{seq4}`."""
    if not days:
        return []
    sites, dates = zip(*days, strict=True)
    rows = connection.execute(_NUMBERS, [list(sites), list(dates)])
    return _numbered(days, {(site, day): last for site, day, last in rows})


def _numbered(days: Sequence[tuple[str, dt.date]], lasts: dict[tuple[str, dt.date], int]) -> list[str]:
    left = collections.Counter(days)
    given = []
    for site, day in days:
        given.append(f"{site}-{day:%Y%m%d}-{lasts[site, day] - left[site, day] + 1:04d}")
        left[site, day] -= 1
    return given


def begun(
    connection: Connection, since: dict[bytes, dt.datetime], days: Sequence[tuple[str, dt.date]]
) -> tuple[dict[bytes, Past], list[str]]:
    """`past` and `numbers` of records that are opened, asked at once."""
    if not since:
        return {}, []
    sites, dates = zip(*days, strict=True)
    asked = [list(since), list(since.values()), list(sites), list(dates)]
    found: dict[bytes, Past] = {}
    lasts: dict[tuple[str, dt.date], int] = {}
    for danger, id_, repeat_no, times, site, day, last in connection.execute(_BEGUN, asked):
        if danger is None:
            lasts[site, day] = last
        else:
            found[danger] = Past(id_, repeat_no, times)
    return found, _numbered(days, lasts)


def write(connection: Connection, records: Sequence[Standing]) -> None:
    """Bring into the database what was changed in memory."""
    opened = [_stored(record.row) for record in records if record.is_new]
    changed = [record for record in records if not record.is_new]
    joined = [(joined, record.id) for record in records for joined in record.episodes]
    clocks = [
        {"hazard_id": record.id, "kind": kind, "due_at": due_at}
        for record in records
        for kind, due_at in record.clocks.items()
    ]
    events = [event for record in records for event in record.events]
    parts: list[tuple[LiteralString, dict[str, Any]]] = []
    if opened:
        parts.append((_OPENED, {"opened": Jsonb(opened)}))
    if changed:
        rows, ids = Jsonb([_stored(record.row) for record in changed]), [record.id for record in changed]
        parts.append((_CHANGED, {"changed": rows, "changed_ids": ids}))
    if joined:
        rows = Jsonb([{"id": episode, "hazard_id": of} for episode, of in joined])
        parts.append((_JOINED, {"joined": rows, "joined_ids": [episode for episode, _ in joined]}))
    if clocks:
        parts.append((_CLOCKS, {"clocks": Jsonb(clocks)}))
    if events:
        parts.append((_EVENTS, {"events": Jsonb(events)}))
    if parts:
        query = "WITH " + ", ".join([part for part, _ in parts]) + " SELECT"
        connection.execute(query, {name: value for _, given in parts for name, value in given.items()})


def _stored(row: Row) -> dict[str, Any]:
    return {**row, "fingerprint": _bytea(row["fingerprint"])}


def _bytea(of: bytes) -> str:
    """As PostgreSQL reads bytes from text."""
    return f"\\x{of.hex()}"
