"""Dossiers in SQL: what is due, what they are put together from, and each version for good."""

import datetime as dt
import hashlib
from typing import Any, LiteralString
from uuid import UUID, uuid4

import msgspec
from psycopg.rows import dict_row

from cloud.database import Connection, Row

MOST = 20
"""Of one look."""

_DUE_TRACES: LiteralString = """
    WITH overdue AS (
        SELECT id, site,
               (SELECT min(at) FROM hazard_event AS event
                 WHERE event.hazard_id = hazard.id AND event.overdue
                   AND event.seq > coalesce((SELECT max(seq) FROM hazard_event AS before
                                              WHERE before.hazard_id = hazard.id AND NOT before.overdue), 0))
               AS at
          FROM hazard
         WHERE overdue AND level = 'major' AND mode = 'live' AND ended_at IS NULL)
    SELECT id AS hazard, NULL::uuid AS incident, site, at FROM overdue
     WHERE at IS NOT NULL
       AND NOT EXISTS (SELECT FROM dossier WHERE hazard_id = overdue.id AND kind = 'attendance_trace'
                                             AND of_at = overdue.at)
    UNION ALL
    SELECT NULL, id, site, occurred_at FROM incident
     WHERE mode = 'live'
       AND NOT EXISTS (SELECT FROM dossier WHERE incident_id = incident.id AND kind = 'attendance_trace'
                                             AND of_at = incident.occurred_at)
     LIMIT %s
"""
"""Of each incident, anew where it turns out to have been at another time; of each hazard that is overdue."""
_DUE_PACKAGES: LiteralString = """
    SELECT NULL::uuid AS hazard, its.id AS incident, its.site, its.occurred_at AS at
      FROM incident_timer AS timer JOIN incident AS its ON its.id = timer.incident_id
     WHERE timer.kind = 'details_warning' AND timer.due_at <= %s AND its.mode = 'live'
       AND its.record ->> 'details' IS NULL
       AND NOT EXISTS (SELECT FROM dossier WHERE incident_id = its.id AND kind = 'incident_package')
     LIMIT %s
"""
_LOCK: LiteralString = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_LAST: LiteralString = """
    SELECT dossier, version, facts FROM dossier
     WHERE kind = %(kind)s AND hazard_id IS NOT DISTINCT FROM %(hazard)s
       AND incident_id IS NOT DISTINCT FROM %(incident)s
     ORDER BY version DESC LIMIT 1
"""
_KEEP: LiteralString = """
    INSERT INTO dossier (dossier, kind, site, hazard_id, incident_id, version, of_at, content, sha256, facts,
                         made_at, author, account_id)
        VALUES (%(dossier)s, %(kind)s, %(site)s, %(hazard)s, %(incident)s, %(version)s, %(at)s, %(content)s,
                %(sha256)s, %(facts)s, %(made_at)s, %(author)s, %(account)s)
"""
SHOWN: LiteralString = """
    SELECT dossier AS id, kind, site, hazard_id AS hazard, incident_id AS incident, version, of_at, made_at,
           author, account_id IS NULL AS by_machine, encode(sha256, 'hex') AS sha256,
           octet_length(content) AS bytes
      FROM dossier
     WHERE sees_site(%(account)s, site, %(roles)s)
"""


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """What a dossier is put together for."""

    site: str
    hazard: UUID | None
    incident: UUID | None
    at: dt.datetime


class NewDossier(msgspec.Struct, frozen=True, kw_only=True):
    """What has been put together."""

    kind: str
    cause: Cause
    content: bytes
    facts: bytes
    """What it says, without when it was made."""
    made_at: dt.datetime
    author: str = "sitewarden"
    account: int | None = None


def due_traces(connection: Connection) -> list[Cause]:
    """Incidents and overdue major hazards of which there is no trace yet."""
    return [Cause(**row) for row in rows(connection, _DUE_TRACES, [MOST])]


def due_packages(connection: Connection, now: dt.datetime) -> list[Cause]:
    """Incidents whose details are due soon and of which there is no package yet."""
    return [Cause(**row) for row in rows(connection, _DUE_PACKAGES, [now, MOST])]


def keep(connection: Connection, new: NewDossier) -> tuple[UUID, bool]:
    """A further version, within the caller's transaction; the last one where nothing has changed since."""
    cause = new.cause
    asked = {"kind": new.kind, "hazard": cause.hazard, "incident": cause.incident}
    connection.execute(_LOCK, [f"{new.kind} {cause.hazard or cause.incident}"])
    facts = hashlib.sha256(new.facts).digest()
    last = next(iter(rows(connection, _LAST, asked)), None)
    if last is not None and last["facts"] == facts:
        return last["dossier"], False
    made = uuid4()
    connection.execute(
        _KEEP,
        {
            **asked,
            "dossier": made,
            "site": cause.site,
            "version": 1 if last is None else last["version"] + 1,
            "at": cause.at,
            "content": new.content,
            "sha256": hashlib.sha256(new.content).digest(),
            "facts": facts,
            "made_at": new.made_at,
            "author": new.author,
            "account": new.account,
        },
    )
    return made, True


def rows(connection: Connection, query: LiteralString, asked: Any) -> list[Row]:
    """All rows of a query, by column name."""
    return connection.cursor(row_factory=dict_row).execute(query, asked).fetchall()
