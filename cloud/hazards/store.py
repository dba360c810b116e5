"""Hazard records in SQL: at most one open a fingerprint, whoever writes at the same time."""

import datetime as dt
from typing import LiteralString, NamedTuple
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from cloud.database import Connection
from cloud.hazards.chain import Event, Link, link
from cloud.hazards.model import Hazard

HAZARDS: LiteralString = """
    SELECT id, number, site, device, category, family, level, status, content, potential_accident, clause,
           also, (SELECT due_at FROM hazard_timer AS timer
                   WHERE timer.hazard_id = hazard.id AND timer.kind = 'handling') AS handling_due_at,
           signal, opened_at, detected_at, last_episode_at, worst_level, episodes
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
    due_at: dt.datetime


def claim_timers(connection: Connection, now: dt.datetime, most: int) -> list[Timer]:
    """Handling clocks that have run out, the oldest first, and nobody else's until the transaction ends."""
    rows = connection.execute(
        """
        SELECT hazard_id, due_at FROM hazard_timer
         WHERE kind = 'handling' AND settled_at IS NULL AND due_at <= %s
         ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
        """,
        [now, most],
    ).fetchall()
    return [Timer(*row) for row in rows]


def settle_timer(connection: Connection, hazard_id: UUID, now: dt.datetime) -> None:
    """The clock is over."""
    connection.execute(
        "UPDATE hazard_timer SET settled_at = %s WHERE hazard_id = %s AND kind = 'handling'", [now, hazard_id]
    )


def suspect_major(connection: Connection, hazard_id: UUID) -> bool:
    """Propose an open general record as major; false where it is closed, or proposed already."""
    row = connection.execute(
        """
        UPDATE hazard SET level = 'major_proposed'
         WHERE id = %s AND level = 'general' AND ended_at IS NULL RETURNING id
        """,
        [hazard_id],
    ).fetchone()
    return row is not None


def append_event(connection: Connection, hazard_id: UUID, event: Event) -> Link:
    """Add to the record's chain what has just been done to its row, which this transaction has locked."""
    row = connection.execute(
        "SELECT seq, hash FROM hazard_event WHERE hazard_id = %s ORDER BY seq DESC LIMIT 1", [hazard_id]
    ).fetchone()
    made = link(str(hazard_id), None if row is None else (row[0], row[1]), event)
    connection.execute(
        """
        WITH come_to AS (
            UPDATE hazard SET version = %(seq)s WHERE id = %(hazard)s
            RETURNING status, level, report, supervision, escalation_step, overdue, verified_at)
        INSERT INTO hazard_event (
                hazard_id, seq, record, prev_hash, hash, at, kind, status, level, report, supervision,
                escalation_step, overdue, verified)
            SELECT %(hazard)s, %(seq)s, %(record)s, %(prev_hash)s, %(hash)s, %(at)s, %(kind)s, status, level,
                   report, supervision, escalation_step, overdue, verified_at IS NOT NULL
              FROM come_to
        """,
        {
            **msgspec.structs.asdict(made),
            "hazard": hazard_id,
            "at": event.at,
            "kind": event.kind,
        },
    )
    return made


def hazards_by_id(connection: Connection, ids: list[UUID]) -> list[Hazard]:
    """Hazards as they are shown."""
    cursor = connection.cursor(row_factory=dict_row)
    cursor.execute(HAZARDS + "WHERE id = ANY(%s) ORDER BY opened_at, id", [ids])
    return [Hazard(**row) for row in cursor]
