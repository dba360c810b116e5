"""Hazard records in SQL: at most one open a fingerprint, whoever writes at the same time."""

import datetime as dt
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import msgspec
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloud.accounts.signatures import keeping_signature
from cloud.database import Connection
from cloud.hazards.chain import Event, Link, link
from cloud.hazards.model import Hazard
from cloud.hazards.record import Record, apply, said
from cloud.live.store import NewEvent, write_events

HAZARDS: LiteralString = """
    SELECT id, number, site, device, category, family, level, status, content, potential_accident, clause,
           also, (SELECT due_at FROM hazard_timer AS timer
                   WHERE timer.hazard_id = hazard.id AND timer.kind = 'handling') AS handling_due_at,
           signal, opened_at, detected_at, last_episode_at, worst_level, episodes, mode
      FROM hazard
"""
"""As they are shown."""

READ_BY: LiteralString = """
    SELECT profile, version AS profile_version FROM device_profile
     WHERE site = %(site)s AND mode = 'live' AND device = %(device)s AND since <= %(at)s
     ORDER BY since DESC LIMIT 1
"""
"""By what a device was read at an instant."""


class Timer(NamedTuple):
    """A clock that runs on a record."""

    hazard_id: UUID
    kind: str
    due_at: dt.datetime


def claim_records(connection: Connection, now: dt.datetime, most: int) -> list[UUID]:
    """Records with a clock that has run out, and nobody else's until the transaction ends."""
    rows = connection.execute(
        """
        SELECT id FROM hazard
         WHERE id IN (SELECT hazard_id FROM hazard_timer
                       WHERE settled_at IS NULL AND due_at <= %s AND kind <> 'evidence'
                       ORDER BY due_at LIMIT %s)
         ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
        """,
        [now, most],
    ).fetchall()
    return [row[0] for row in rows]


def due_timers(connection: Connection, ids: list[UUID], now: dt.datetime) -> list[Timer]:
    """The clocks of records, locked before, that have run out, the oldest first."""
    rows = connection.execute(
        """
        SELECT hazard_id, kind, due_at FROM hazard_timer
         WHERE hazard_id = ANY (%s) AND settled_at IS NULL AND due_at <= %s AND kind <> 'evidence'
         ORDER BY due_at, kind
        """,
        [ids, now],
    ).fetchall()
    return [Timer(*row) for row in rows]


def last_event(connection: Connection, hazard_id: UUID) -> tuple[str, dict[str, Any], int]:
    """Kind, body and sequence number of what was done to the record last."""
    row = connection.execute(
        "SELECT record, seq FROM hazard_event WHERE hazard_id = %s ORDER BY seq DESC LIMIT 1", [hazard_id]
    ).fetchone()
    assert row is not None  # noqa: S101  every record was opened
    said = msgspec.json.decode(row[0])
    return said["kind"], said["body"], row[1]


_READ: LiteralString = """
    SELECT record, site, device, category->>'zh' AS category, mode, source, source_detail, detected_at,
           opened_at
      FROM hazard WHERE id = %s
"""


def load(connection: Connection, hazard_id: UUID, *, locked: bool = False) -> Record | None:
    """What the record's events come to, with what its row says it is about; `None` where there is none.

    `locked`: nobody else changes it before this transaction has ended.
    """
    query = _READ + ("FOR NO KEY UPDATE" if locked else "")
    row = connection.cursor(row_factory=dict_row).execute(query, [hazard_id]).fetchone()
    if row is None:
        return None
    known = msgspec.convert(row.pop("record"), Record)
    # Alarms come by the thousand and write no more than they must: their events are made up for here.
    later = connection.execute(
        "SELECT record FROM hazard_event WHERE hazard_id = %s AND seq > %s ORDER BY seq",
        [hazard_id, known.seq],
    ).fetchall()
    for (record,) in later:
        known = apply(known, said(msgspec.json.decode(record)))
    return msgspec.structs.replace(known, **row)


_COLUMNS = (
    *("status", "level", "signal", "report", "report_due_at", "supervision", "control", "escalation_step"),
    *("escalation_proposed", "overdue", "refused", "due_at", "verified_at", "closed_at", "ended_at"),
    *("merged_into", "repeat_of", "repeat_no"),
)
"""What lists and clocks ask for, beside the whole record."""


def append_event(connection: Connection, hazard_id: UUID, event: Event) -> Link:
    """Add an event to the record's chain, and write what it makes of the record into its row."""
    before = load(connection, hazard_id, locked=True)
    assert before is not None  # noqa: S101  hazards are never deleted
    row = connection.execute(
        "SELECT seq, hash FROM hazard_event WHERE hazard_id = %s ORDER BY seq DESC LIMIT 1", [hazard_id]
    ).fetchone()
    made = link(str(hazard_id), None if row is None else (row[0], row[1]), event)
    after = apply(before, said(msgspec.json.decode(made.record)))
    _write_record(connection, hazard_id, before, after)
    connection.execute(
        """
        WITH come_to AS (
            UPDATE hazard SET version = %(seq)s WHERE id = %(hazard)s
            RETURNING status, level, report, supervision, escalation_step, overdue, verified_at)
        INSERT INTO hazard_event (
                hazard_id, seq, record, prev_hash, hash, at, kind, account_id, status, level, report,
                supervision, escalation_step, overdue, verified)
            SELECT %(hazard)s, %(seq)s, %(record)s, %(prev_hash)s, %(hash)s, %(at)s, %(kind)s, %(account)s,
                   status, level, report, supervision, escalation_step, overdue, verified_at IS NOT NULL
              FROM come_to
        """,
        {
            **msgspec.structs.asdict(made),
            "hazard": hazard_id,
            "at": event.at,
            "kind": event.kind,
            "account": event.account,
        },
    )
    return made


def _write_record(connection: Connection, hazard_id: UUID, before: Record, after: Record) -> None:
    # Only what the event has changed: whoever else writes a column has written what is true of it.
    changed = [name for name in _COLUMNS if getattr(before, name) != getattr(after, name)]
    columns = [sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in ["record", *changed]]
    connection.execute(
        sql.SQL("UPDATE hazard SET {} WHERE id = %(hazard)s").format(sql.SQL(", ").join(columns)),
        {
            "hazard": hazard_id,
            "record": Jsonb(after),
            **{name: getattr(after, name) for name in changed},
        },
    )


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """Of an event's person."""

    account: int
    key: int
    by: bytes
    """Ed25519 over the event's hash."""


def put_signature(connection: Connection, hazard_id: UUID, seq: int, signature: Signature) -> None:
    """Keep it beside its event; the database refuses one that is not by whoever acted, by a key in force."""
    with keeping_signature():
        connection.execute(
            """
            INSERT INTO hazard_signature (hazard_id, seq, account_id, key, signature)
                VALUES (%s, %s, %s, %s, %s)
            """,
            [hazard_id, seq, signature.account, signature.key, signature.by],
        )


def lock(connection: Connection, ids: list[UUID]) -> None:
    """Let nobody else change these records before this transaction has ended; in an order, for all alike."""
    connection.execute("SELECT FROM hazard WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [ids])


def fingerprints(connection: Connection, ids: list[UUID]) -> list[bytes]:
    """Of which dangers these records are; what a person has filed may be of none."""
    rows = connection.execute(
        "SELECT fingerprint FROM hazard WHERE id = ANY(%s) AND fingerprint IS NOT NULL", [ids]
    )
    return [row[0] for row in rows]


def lock_alarms(connection: Connection, hazard_id: UUID) -> None:
    """Let nobody else change the alarms of a record, or of an open one of the same danger.

    Ingest holds alarms before it holds their records: whoever moves alarms takes them in that order too.
    """
    connection.execute(
        """
        SELECT FROM episode
         WHERE hazard_id = %(id)s OR hazard_id IN (
               SELECT twin.id FROM hazard AS its JOIN hazard AS twin USING (fingerprint)
                WHERE its.id = %(id)s AND twin.ended_at IS NULL)
         ORDER BY id FOR NO KEY UPDATE
        """,
        {"id": hazard_id},
    )


def open_twin(connection: Connection, hazard_id: UUID) -> UUID | None:
    """The open record of the same danger as one that is over, locked."""
    row = connection.execute(
        """
        SELECT twin.id FROM hazard AS its JOIN hazard AS twin USING (fingerprint)
         WHERE its.id = %s AND twin.id <> its.id AND twin.ended_at IS NULL FOR NO KEY UPDATE OF twin
        """,
        [hazard_id],
    ).fetchone()
    return None if row is None else row[0]


def move_episodes(connection: Connection, from_id: UUID, into: UUID) -> None:
    """Alarms of one record become those of another, which counts them and knows the first and the last."""
    connection.execute("UPDATE episode SET hazard_id = %s WHERE hazard_id = %s", [into, from_id])
    connection.execute(
        """
        UPDATE hazard AS known
           SET episodes = known.episodes + merged.episodes,
               detected_at = least(known.detected_at, merged.detected_at),
               last_episode_at = greatest(known.last_episode_at, merged.last_episode_at),
               signal_since = greatest(known.signal_since, merged.signal_since),
               worst_level = greatest(known.worst_level, merged.worst_level),
               clause = coalesce(known.clause, merged.clause),
               also = CASE WHEN known.clause IS NULL THEN merged.also ELSE known.also END
          FROM hazard AS merged WHERE known.id = %s AND merged.id = %s
        """,
        [into, from_id],
    )


def stands(connection: Connection, hazard_id: UUID) -> bool:
    """Whether any alarm of the record has not cleared."""
    query = "SELECT EXISTS (SELECT FROM episode WHERE hazard_id = %s AND cleared_at IS NULL)"
    row = connection.execute(query, [hazard_id]).fetchone()
    return row is not None and bool(row[0])


def hazards_by_id(connection: Connection, ids: list[UUID]) -> list[Hazard]:
    """Hazards as they are shown."""
    cursor = connection.cursor(row_factory=dict_row)
    cursor.execute(HAZARDS + "WHERE id = ANY(%s) ORDER BY opened_at, id", [ids])
    return [Hazard(**row) for row in cursor]


def show(connection: Connection, ids: list[UUID], now_ms: int) -> None:
    """Tell the pages that look at their sites; the last act of a transaction."""
    shown = hazards_by_id(connection, ids)
    write_events(connection, [NewEvent(one.site, "hazard", one.model_dump_json()) for one in shown], now_ms)
