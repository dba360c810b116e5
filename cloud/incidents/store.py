"""Incidents in SQL."""

import datetime as dt
from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloud.database import AsyncConnection, Connection, Row

SHOWN: LiteralString = """
    SELECT its.id, its.number, its.site, site.name AS site_name, site.time_zone, its.mode, its.kind,
           its.status, its.hazard_id AS hazard, its.occurred_at, its.filed_at, its.overdue, its.version,
           its.record,
           (SELECT min(due_at) FROM incident_timer
             WHERE incident_id = its.id AND settled_at IS NULL) AS next_due_at
      FROM incident AS its JOIN site USING (site)
     WHERE sees_site(%(account)s, its.site, %(roles)s)
"""
"""Those that an account may see by these roles."""

FILTERS: LiteralString = """
       AND (%(kind)s::text IS NULL OR its.kind = %(kind)s)
       AND (%(status)s::text IS NULL OR its.status = %(status)s)
       AND (%(site)s::text IS NULL OR its.site = %(site)s)
       AND (%(hazard)s::uuid IS NULL OR its.hazard_id = %(hazard)s)
       AND (NOT %(overdue)s OR its.overdue)
       AND (%(at)s::timestamptz IS NULL OR (its.occurred_at, its.id) < (%(at)s, %(id)s::uuid))
     ORDER BY its.occurred_at DESC, its.id DESC LIMIT %(limit)s
"""

COUNTS: LiteralString = """
    SELECT count(*) FILTER (WHERE kind = 'near_miss') AS near_miss,
           count(*) FILTER (WHERE kind = 'non_fatal') AS non_fatal,
           count(*) FILTER (WHERE kind = 'fatal') AS fatal,
           count(*) FILTER (WHERE status = 'open') AS open,
           count(*) FILTER (WHERE overdue) AS overdue
      FROM incident AS its
     WHERE sees_site(%(account)s, its.site, %(roles)s) AND mode = 'live'
       AND (%(site)s::text IS NULL OR its.site = %(site)s)
"""

CLOCKS: LiteralString = """
    SELECT kind, due_at, settled_at FROM incident_timer WHERE incident_id = %s ORDER BY due_at, kind
"""

_KEEP_TIMER: LiteralString = """
    INSERT INTO incident_timer AS known (incident_id, kind, due_at) VALUES (%(incident)s, %(kind)s, %(due)s)
        ON CONFLICT (incident_id, kind) DO UPDATE SET due_at = excluded.due_at, settled_at = NULL
         -- Also one that was stopped before it ran out: what was called a near miss may be none after all.
         WHERE known.settled_at IS NULL OR known.settled_at < known.due_at
"""
_SETTLE: LiteralString = """
    UPDATE incident_timer SET settled_at = %(at)s
     WHERE incident_id = %(incident)s AND settled_at IS NULL AND kind = ANY (%(kinds)s)
"""


async def give_number(connection: AsyncConnection, site: str, day: dt.date) -> str:
    """The next number of the site's day, `{site}-I{yyyymmdd}-{seq2}`."""
    made = await connection.execute(
        """
        INSERT INTO incident_number (site, day, last) VALUES (%s, %s, 1)
            ON CONFLICT (site, day) DO UPDATE SET last = incident_number.last + 1 RETURNING last
        """,
        [site, day],
    )
    row = await made.fetchone()
    assert row is not None  # noqa: S101  an upsert without WHERE always returns its row
    return f"{site}-I{day:%Y%m%d}-{row[0]:02d}"


async def insert(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Keep a new one."""
    await connection.execute(
        """
        INSERT INTO incident (id, number, site, mode, kind, hazard_id, occurred_at, filed_at, record)
            VALUES (%(id)s, %(number)s, %(site)s, %(mode)s, %(kind)s, %(hazard)s, %(occurred_at)s,
                    %(filed_at)s, %(record)s)
        """,
        {**values, "record": Jsonb(values["record"])},
    )


async def locked(connection: AsyncConnection, incident: UUID) -> Row | None:
    """Its row, nobody else's until the transaction ends."""
    cursor = connection.cursor(row_factory=dict_row)
    query = "SELECT id, site, mode, version, record FROM incident WHERE id = %s FOR UPDATE"
    await cursor.execute(query, [incident])
    return await cursor.fetchone()


async def renew(connection: AsyncConnection, incident: UUID, values: dict[str, Any]) -> None:
    """What its events come to now."""
    await connection.execute(
        """
        UPDATE incident SET kind = %(kind)s, occurred_at = %(occurred_at)s, status = %(status)s,
               version = %(version)s, record = %(record)s
         WHERE id = %(id)s
        """,
        {**values, "id": incident, "record": Jsonb(values["record"])},
    )


async def keep_timers(connection: AsyncConnection, incident: UUID, due: dict[str, dt.datetime]) -> None:
    """Let these clocks run until then; those that have run out stay so."""
    for kind, at in due.items():
        await connection.execute(_KEEP_TIMER, {"incident": incident, "kind": kind, "due": at})


async def settle_timers(
    connection: AsyncConnection, incident: UUID, kinds: set[str], at: dt.datetime
) -> None:
    """These are over."""
    await connection.execute(_SETTLE, {"incident": incident, "kinds": sorted(kinds), "at": at})


def claim_due(connection: Connection, now: dt.datetime, most: int) -> list[tuple[UUID, str, dt.datetime]]:
    """Clocks that have run out, the oldest first, with their incident locked; nobody else's meanwhile."""
    return connection.execute(
        """
        SELECT incident_id, timer.kind, due_at
          FROM incident_timer AS timer JOIN incident ON incident.id = incident_id
         WHERE settled_at IS NULL AND due_at <= %s
         ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
        """,
        [now, most],
    ).fetchall()


def due_of(connection: Connection, incident: UUID, kind: str) -> dt.datetime | None:
    """By when that clock runs out."""
    query = "SELECT due_at FROM incident_timer WHERE incident_id = %s AND kind = %s"
    row = connection.execute(query, [incident, kind]).fetchone()
    return None if row is None else row[0]


def settle(connection: Connection, incident: UUID, kind: str, at: dt.datetime) -> None:
    """The clock is over, and its incident late, unless it was a warning only."""
    connection.execute(_SETTLE, {"incident": incident, "kinds": [kind], "at": at})
    connection.execute(
        "UPDATE incident SET version = version + 1, overdue = overdue OR %s WHERE id = %s",
        [kind != "details_warning", incident],
    )
