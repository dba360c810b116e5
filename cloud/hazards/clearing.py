"""What is known in the database of a measured danger being over; judged by `clearance`."""

from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from cloud.database import Connection, Row, instant
from cloud.hazards.clearance import Clearance, Need, Rate, Seen, Span, Watch, begun, clear, window, worst_of
from cloud.hazards.watched import OCCASIONAL
from cloud.jurisdictions.model import Jurisdiction
from cloud.jurisdictions.store import jurisdiction_of
from sitewarden.points import UnknownKindError, point_kind

_RECORD: LiteralString = """
    SELECT hazard.site, named.device, hazard.signal, hazard.signal_since, its.kind AS device_kind
      FROM hazard
           -- Of what a person filed, and into which a measured danger was merged, that of the alarms.
           CROSS JOIN LATERAL (SELECT coalesce(hazard.device, (
               SELECT device FROM episode WHERE hazard_id = hazard.id ORDER BY raised_at DESC LIMIT 1
           )) AS device) AS named
           LEFT JOIN device AS its
           ON its.site = hazard.site AND its.mode = 'live' AND its.device = named.device
     WHERE hazard.id = %s AND hazard.signal <> 'none'
"""
_MENDED: LiteralString = """
    SELECT max(coalesce(ended_at, until_at)) AS until FROM device_maintenance
     WHERE site = %(site)s AND device = %(device)s AND approved_at IS NOT NULL
       AND greatest(from_at, approved_at) <= %(now)s
"""
_LIFTS: LiteralString = """
    SELECT started_at, ended_at FROM work_cycle
     WHERE site = %(site)s AND mode = 'live' AND device = %(device)s AND NOT broken_off
       AND ended_at > %(since)s AND started_at < %(now)s
     ORDER BY started_at
"""
_LOAD_TEST: LiteralString = """
    SELECT max(signed.read_at) AS at
      FROM witnessed_check AS signed JOIN check_approval AS approved ON approved.check_id = signed.check_id
           JOIN point ON point.site = signed.site AND point.mode = 'live' AND point.name = signed.point
     WHERE signed.site = %(site)s AND signed.device = %(device)s AND signed.is_passed
       AND point.kind IN ('crane.load', 'crane.load_ratio', 'crane.moment', 'crane.moment_ratio')
"""
"""A known load on the hook beside the load that was read: signed by one, approved by another."""
_COVERED: LiteralString = """
    SELECT asked.name,
           (SELECT coalesce(sum(extract(epoch FROM
                       least(read.until, %(end)s) - greatest(read.at, %(start)s))), 0)
              FROM (SELECT reading.at, reading.quality,
                           least(lead(reading.at) OVER (ORDER BY reading.at),
                                 reading.at + patience(point.stale_after_ms)) AS until
                      FROM point CROSS JOIN LATERAL readings_of(
                               ARRAY[point.id], %(start)s - patience(point.stale_after_ms), %(end)s)
                               AS reading
                     WHERE point.site = asked.site AND point.mode = asked.mode AND point.name = asked.name
                   ) AS read
             WHERE read.quality = 0 AND read.until > %(start)s)::double precision AS covered_s
      FROM points_of_hazards(%(hazards)s, %(occasional)s) AS asked
"""
"""A good reading holds until the next one, but no longer than the point's patience: then it is stale."""
_RATES: LiteralString = """
    SELECT point.name, point.kind, point.resolution, point.limits,
           (SELECT max(abs(value)) FROM readings_of(ARRAY[point.id], %(start)s, %(end)s)
             WHERE quality = 0) AS worst
      FROM point
     WHERE point.site = %(site)s AND point.mode = 'live' AND point.device = %(device)s AND point.current
       AND point.kind ~ '^pit\\..*\\.rate$'
     ORDER BY point.position, point.name
"""


def clearance_of(connection: Connection, hazard_id: UUID, now_ms: int) -> Clearance | None:
    """How far the record's danger is seen to be over; `None` where nothing measured it."""
    now = instant(now_ms)
    record = _row(connection, _RECORD, [hazard_id])
    if record is None:
        return None
    need = need_of(jurisdiction_of(connection, record["site"]), record["device_kind"])
    asked = {"site": record["site"], "device": record["device"], "now": now}
    watch = _watch(connection, need, {**record, **asked})
    span = window(need, watch)
    if span is None:
        return clear(need, watch, Seen(covered_s=0.0))
    asked |= {"hazards": [hazard_id], "occasional": OCCASIONAL, "start": span.start, "end": span.end}
    return clear(need, watch, _seen(connection, need, asked))


def need_of(limits: Jurisdiction, device_kind: str | None) -> Need:
    """What a jurisdiction asks of a danger that such a device measured."""
    if device_kind == "crane":
        return Need(kind="crane", seconds=limits.clear_crane_working_s, coverage=limits.clear_coverage)
    if device_kind == "pit":
        return Need(kind="pit", seconds=limits.clear_pit_s, coverage=limits.clear_coverage)
    return Need(kind="other", seconds=limits.clear_other_s, coverage=limits.clear_coverage)


def _watch(connection: Connection, need: Need, asked: Row) -> Watch:
    mended = _row(connection, _MENDED, asked)
    watch = Watch(
        now=asked["now"],
        signal=asked["signal"],
        since=asked["signal_since"],
        mended_until=None if mended is None else mended["until"],
    )
    since = begun(watch)
    if need.kind != "crane" or since is None:
        return watch
    lifts = connection.execute(_LIFTS, {**asked, "since": since}).fetchall()
    tested = _row(connection, _LOAD_TEST, asked)
    return msgspec.structs.replace(
        watch,
        lifts=[Span(*lift) for lift in lifts],
        load_test_at=None if tested is None else tested["at"],
    )


def _seen(connection: Connection, need: Need, asked: Row) -> Seen:
    covered = connection.execute(_COVERED, asked).fetchall()
    point, covered_s = worst_of(covered)
    rates: list[Rate] = []
    if need.kind == "pit":
        cursor = connection.cursor(row_factory=dict_row)
        rates = [_rate(row) for row in cursor.execute(_RATES, asked)]
    return Seen(covered_s=covered_s, worst_point=point, rates=rates)


def _rate(row: Row) -> Rate:
    try:
        unit = point_kind(row["kind"]).unit
    except UnknownKindError:
        unit = ""
    # Rules at parts of the control value stand beside the one at all of it.
    limits = [abs(limit["limit"]) for limit in row["limits"] if limit.get("direction") == "high"]
    worst = None if row["worst"] is None else round(float(row["worst"] * row["resolution"]), 6)
    return Rate(point=row["name"], unit=unit, worst=worst, control=max(limits, default=None))


def _row(connection: Connection, query: LiteralString, asked: Any) -> Row | None:
    return connection.cursor(row_factory=dict_row).execute(query, asked).fetchone()
