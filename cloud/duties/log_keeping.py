"""Safety logs as ingest keeps them: drawn up after each day, and whose officer came without having signed."""

import datetime as dt
import logging
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloud.database import Connection, Row, instant
from cloud.duties.log_facts import bounds, facts_of
from cloud.duties.world import active_spans, is_active
from cloud.instants import local

log = logging.getLogger(__name__)

OFFICER = "safety_officer"
"""The post whose check-in asks for the logs since the one before."""
DRAFTED_AFTER = dt.timedelta(minutes=30)
"""So long after the day has ended its log is drawn up: what was under way has arrived."""
_BACK_DAYS = 7
"""So many days are made up for after the programs had stood still."""
_ABSENT_DAYS = 31
"""So long after its day a log still waits for the next check-in: longer than any holiday."""
_DUE_AT = dt.time(9)
"""Where nobody counts who comes to the site."""

_SITES: LiteralString = """
    SELECT site.site, site.phase, site.time_zone,
           (SELECT jsonb_agg(jsonb_build_array(extract(epoch FROM at), before ->> 'phase', after ->> 'phase')
                             ORDER BY id)
              FROM registry_change AS changed
             WHERE changed.site = site.site AND record = 'site'
               AND before ->> 'phase' IS DISTINCT FROM after ->> 'phase') AS phases
      FROM site WHERE site = ANY (%(sites)s)
"""
_DRAWN: LiteralString = """
    SELECT site, day FROM safety_log
     WHERE site = ANY (%(sites)s) AND day >= %(since)s
       AND (signed_at IS NOT NULL
            OR drafted_at >= (day + 1)::timestamp AT TIME ZONE %(zone)s)
"""
# Begun by its officer on the day itself it is drawn up again when the day is over; signed it stays as it is.
_DRAFT: LiteralString = """
    INSERT INTO safety_log AS its (site, day, facts, drafted_at)
        VALUES (%(site)s, %(day)s, %(facts)s, %(now)s)
        ON CONFLICT (site, day) DO UPDATE
           SET facts = EXCLUDED.facts, drafted_at = EXCLUDED.drafted_at, version = its.version + 1
         WHERE its.signed_at IS NULL AND its.drafted_at < %(until)s
    RETURNING version
"""
# The first day on which an officer comes after the log was there counts, be it Monday after Friday. What was
# drawn up more than a day late is held against nobody.
_LATE_BY_CHECK_IN: LiteralString = """
    INSERT INTO safety_log_late (site, day, person, name, at, recorded_at)
        SELECT site, log.day, came.person, came.name, came.first_in, %(now)s
          FROM attendance AS came JOIN site USING (site) JOIN safety_log AS log USING (site)
         WHERE came.post = %(officer)s AND came.day >= %(since)s
           AND (%(site)s::text IS NULL OR site = %(site)s)
           AND log.day < came.day AND log.day >= came.day - %(absent)s::int
           AND log.drafted_at <= came.first_in
           AND log.drafted_at < (log.day + 2)::timestamp AT TIME ZONE site.time_zone
           AND (log.signed_at IS NULL OR log.signed_at > came.first_in)
           AND NOT EXISTS (
               SELECT FROM attendance AS before
                WHERE before.site = log.site AND before.post = %(officer)s
                  AND before.day > log.day AND before.day < came.day AND before.first_in >= log.drafted_at)
        ON CONFLICT DO NOTHING
    RETURNING site, day, name
"""
# Where nobody counts who comes, and somebody has said that logs are kept.
_LATE_AT_NINE: LiteralString = """
    INSERT INTO safety_log_late (site, day, person, at, recorded_at)
        SELECT site, log.day, '', due.at, %(now)s
          FROM safety_log AS log JOIN site USING (site)
               CROSS JOIN LATERAL (SELECT (log.day + 1 + %(nine)s::time) AT TIME ZONE %(zone)s AS at) AS due
               LEFT JOIN tree_node AS place ON place.node = site.territory
               LEFT JOIN tree_node AS owner ON owner.node = site.enterprise
         WHERE site.time_zone = %(zone)s AND log.day >= %(since)s AND due.at <= %(now)s
           AND log.drafted_at <= due.at AND (log.signed_at IS NULL OR log.signed_at > due.at)
           AND (SELECT array_agg(source) @> '{safety_logs}' AND NOT array_agg(source) @> '{attendance}'
                  FROM data_source AS kept
                 WHERE log.day BETWEEN kept.since AND coalesce(kept.until, log.day)
                   AND kept.node = ANY (string_to_array(
                       trim(both '/' from replace(concat(place.path, owner.path), '//', '/')), '/')::int[]))
        ON CONFLICT DO NOTHING
    RETURNING site, day, name
"""


class Late(msgspec.Struct, frozen=True, kw_only=True):
    """A log that was not signed when it had to be."""

    site: str
    day: dt.date
    name: str
    """Of the officer who came; empty where nobody counts who comes."""


def last_ended(now: dt.datetime, time_zone: str) -> dt.date:
    """The newest day whose log is to be there."""
    return local(now - DRAFTED_AFTER, time_zone).date() - dt.timedelta(days=1)


def draw_up(
    connection: Connection, sites: list[str], time_zone: str, now_ms: int
) -> list[tuple[str, dt.date]]:
    """The logs of these sites, all of one time zone, that have to be there and are not; each once."""
    now = instant(now_ms)
    last = last_ended(now, time_zone)
    days = [last - dt.timedelta(days=back) for back in reversed(range(_BACK_DAYS))]
    asked = {"sites": sites, "since": days[0], "zone": time_zone}
    cursor = connection.cursor(row_factory=dict_row)
    drawn = {(row["site"], row["day"]) for row in cursor.execute(_DRAWN, asked).fetchall()}
    made = []
    for row in cursor.execute(_SITES, asked).fetchall():
        active = active_spans(row["phases"], row["phase"], time_zone)
        made += [
            (row["site"], day)
            for day in days
            if (row["site"], day) not in drawn
            and is_active(active, day)
            and _is_drafted(connection, row["site"], day, time_zone, now)
        ]
    return made


def _is_drafted(connection: Connection, site: str, day: dt.date, time_zone: str, now: dt.datetime) -> bool:
    """What cannot be drawn up at one site keeps no other from its log."""
    try:
        with connection.transaction():
            draft(connection, site, day, time_zone, now)
    except psycopg.OperationalError:
        raise
    except (psycopg.Error, ValueError, TypeError, KeyError):
        log.exception("a safety log could not be drawn up site=%s day=%s", site, day)
        return False
    return True


def draft(connection: Connection, site: str, day: dt.date, time_zone: str, now: dt.datetime) -> None:
    """Draw up one log; one that is signed stays as it is."""
    facts = facts_of(connection, site, day, time_zone, now)
    _, until = bounds(day, time_zone)
    asked = {"site": site, "day": day, "facts": Jsonb(facts), "now": now, "until": until}
    connection.execute(_DRAFT, asked)


def late_by_check_in(connection: Connection, now_ms: int, *, site: str | None = None) -> list[Late]:
    """Officers who came for the first time after a day whose log was not signed; each is recorded once."""
    now = instant(now_ms)
    asked = {
        "now": now,
        "since": (now - dt.timedelta(days=_BACK_DAYS)).date(),
        "absent": _ABSENT_DAYS,
        "officer": OFFICER,
        "site": site,
    }
    return _late(connection, _LATE_BY_CHECK_IN, asked)


def late_at_nine(connection: Connection, time_zone: str, now_ms: int) -> list[Late]:
    """The same where nobody counts who comes, from nine in the morning; an outage is made up for."""
    now = instant(now_ms)
    since = local(now, time_zone).date() - dt.timedelta(days=_BACK_DAYS)
    asked = {"zone": time_zone, "since": since, "nine": _DUE_AT, "now": now}
    return _late(connection, _LATE_AT_NINE, asked)


def check_in(connection: Connection, site: str, now_ms: int) -> list[Late]:
    """What an attendance that has just been stored says of yesterday's log; ingest looks again anyhow."""
    return late_by_check_in(connection, now_ms, site=site)


def _late(connection: Connection, query: LiteralString, asked: dict[str, Any]) -> list[Late]:
    rows: list[Row] = connection.cursor(row_factory=dict_row).execute(query, asked).fetchall()
    return [Late(site=row["site"], day=row["day"], name=row["name"]) for row in rows]
