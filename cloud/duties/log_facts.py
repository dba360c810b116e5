"""What the machine knows of a site's day, for its safety log; drills and devices on trial are left out."""

import datetime as dt
import zoneinfo
from typing import Any, LiteralString

from psycopg.rows import dict_row

from cloud.database import Connection, Row
from cloud.instants import rfc3339

MOST = 200
"""Of each list; its count is whole."""

_ALARMS: LiteralString = """
    SELECT count(*) OVER () AS count, level, device, label, raised_at, cleared_at, hazard_id
      FROM episode
     WHERE site = %(site)s AND mode = 'live' AND NOT test
       AND raised_at >= %(since)s AND raised_at < %(until)s
     ORDER BY level DESC, raised_at LIMIT %(most)s
"""
_LEVELS: LiteralString = """
    SELECT level, count(*) AS count FROM episode
     WHERE site = %(site)s AND mode = 'live' AND NOT test
       AND raised_at >= %(since)s AND raised_at < %(until)s
     GROUP BY level ORDER BY level DESC
"""
_HAZARDS: LiteralString = """
    SELECT count(*) FILTER (WHERE opened_at >= %(since)s) OVER () AS all_new,
           count(*) FILTER (WHERE verified_at >= %(since)s AND verified_at < %(until)s) OVER ()
               AS all_verified,
           count(*) FILTER (WHERE closed_at >= %(since)s AND closed_at < %(until)s) OVER () AS all_closed,
           count(*) FILTER (WHERE ended_at IS NULL OR ended_at >= %(until)s) OVER () AS all_open,
           id, number, content, level, opened_at >= %(since)s AS is_new,
           closed_at >= %(since)s AND closed_at < %(until)s AS is_closed,
           verified_at >= %(since)s AND verified_at < %(until)s AS is_verified, due_at, ended_at
      FROM hazard
     WHERE site = %(site)s AND mode = 'live' AND status <> 'merged' AND opened_at < %(until)s
       AND (ended_at IS NULL OR ended_at >= %(since)s)
     ORDER BY opened_at DESC LIMIT %(most)s
"""
_DEVICES: LiteralString = """
    SELECT device.device, device.label, max(newest.good_at) AS good_at
      FROM device LEFT JOIN point ON point.site = device.site AND point.mode = device.mode
                                 AND point.device = device.device AND point.current
           LEFT JOIN newest ON newest.point_id = point.id
     WHERE device.site = %(site)s AND device.mode = 'live' AND device.current
     GROUP BY device.device, device.label ORDER BY device.device
"""
_GATEWAYS: LiteralString = """
    SELECT its.gateway, coalesce(gateway.state, 'unknown') AS state, gateway.seen_at,
           (SELECT count(*) FROM gap
             WHERE gap.gateway_id = gateway.id AND from_at < %(until)s AND to_at >= %(since)s) AS gaps
      FROM site_gateway AS its
           LEFT JOIN gateway ON gateway.site = its.site AND gateway.gateway = its.gateway
                            AND gateway.mode = 'live'
     WHERE its.site = %(site)s AND its.retired_on IS NULL ORDER BY its.gateway
"""
# A point's readings are asked for by its number, so that the days of all others are not read.
_WIND: LiteralString = """
    SELECT point.device, most.value * point.resolution AS value, most.at
      FROM point CROSS JOIN LATERAL (
               SELECT value, at FROM readings_of(ARRAY[point.id], %(since)s, %(until)s) WHERE quality = 0
                ORDER BY value DESC, at LIMIT 1) AS most
     WHERE point.site = %(site)s AND point.mode = 'live' AND split_part(point.kind, '.', 2) = 'wind_speed'
     ORDER BY 2 DESC LIMIT 1
"""
_MAINTENANCE: LiteralString = """
    SELECT device, work_order, reason, greatest(from_at, approved_at) AS since,
           coalesce(ended_at, until_at) AS until
      FROM device_maintenance
     WHERE site = %(site)s AND approved_at IS NOT NULL AND greatest(from_at, approved_at) < %(until)s
       AND coalesce(ended_at, until_at) >= %(since)s
       AND coalesce(ended_at, until_at) > greatest(from_at, approved_at)
     ORDER BY 4, device LIMIT %(most)s
"""
_INSPECTIONS: LiteralString = """
    SELECT id, kind, acting_level, theme, people, devices, note FROM inspection_now
     WHERE site = %(site)s AND day = %(day)s AND NOT withdrawn ORDER BY started_at LIMIT %(most)s
"""
_DONE: LiteralString = """
    SELECT kind, words FROM duty_done_now
     WHERE site = %(site)s AND day = %(day)s AND NOT withdrawn ORDER BY at LIMIT %(most)s
"""
_PRESENT: LiteralString = """
    SELECT name, post, first_in, last_out FROM attendance
     WHERE site = %(site)s AND day = %(day)s AND first_in IS NOT NULL ORDER BY post, first_in LIMIT %(most)s
"""
_PARTS: tuple[tuple[str, LiteralString], ...] = (
    ("alarms", _ALARMS),
    ("levels", _LEVELS),
    ("hazards", _HAZARDS),
    ("devices", _DEVICES),
    ("gateways", _GATEWAYS),
    ("wind", _WIND),
    ("maintenance", _MAINTENANCE),
    ("inspections", _INSPECTIONS),
    ("done", _DONE),
    ("present", _PRESENT),
)


def bounds(day: dt.date, time_zone: str) -> tuple[dt.datetime, dt.datetime]:
    """When a day of the site begins and when the next one does; some days have 23 hours or 25."""
    zone = zoneinfo.ZoneInfo(time_zone)
    since = dt.datetime.combine(day, dt.time(), zone)
    return since, dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone)


def facts_of(
    connection: Connection, site: str, day: dt.date, time_zone: str, now: dt.datetime
) -> dict[str, Any]:
    """Everything, as JSON takes it; `at` is when it was known."""
    since, until = bounds(day, time_zone)
    asked = {"site": site, "day": day, "since": since, "until": until, "most": MOST}
    cursor = connection.cursor(row_factory=dict_row)
    found: dict[str, Any] = {name: cursor.execute(query, asked).fetchall() for name, query in _PARTS}
    return summed(found, min(now, until), now)


def summed(found: dict[str, list[Row]], until: dt.datetime, now: dt.datetime) -> dict[str, Any]:
    """The rows as the log's content. Pure."""
    hazards = found["hazards"]
    silent = [one for one in found["devices"] if _is_silent(one["good_at"], until)]
    return {
        "at": rfc3339(now),
        "alarms": {
            "count": found["alarms"][0]["count"] if found["alarms"] else 0,
            "by_level": {str(one["level"]): one["count"] for one in found["levels"]},
            "items": [
                _plain(one, "level", "device", "label", "raised_at", "cleared_at") for one in found["alarms"]
            ],
        },
        "hazards": {
            **{name: hazards[0][f"all_{name}"] if hazards else 0 for name in _COUNTS},
            "items": [
                _plain(
                    one, "id", "number", "content", "level", "is_new", "is_verified", "is_closed", "due_at"
                )
                for one in hazards
            ],
        },
        "devices": {
            "count": len(found["devices"]),
            "silent": [_plain(one, "device", "label", "good_at") for one in silent],
        },
        "gateways": [_plain(one, "gateway", "state", "seen_at", "gaps") for one in found["gateways"]],
        "wind": _plain(found["wind"][0], "device", "value", "at") if found["wind"] else None,
        "maintenance": [
            _plain(one, "device", "work_order", "reason", "since", "until") for one in found["maintenance"]
        ],
        "inspections": [
            _plain(one, "id", "kind", "acting_level", "theme", "people", "devices", "note")
            for one in found["inspections"]
        ],
        "done": [_plain(one, "kind", "words") for one in found["done"]],
        "present": [_plain(one, "name", "post", "first_in", "last_out") for one in found["present"]],
    }


_COUNTS = ("new", "verified", "closed", "open")
_SILENT_AFTER = dt.timedelta(minutes=10)


def _is_silent(good_at: dt.datetime | None, until: dt.datetime) -> bool:
    return good_at is None or good_at < until - _SILENT_AFTER


def _plain(row: Row, *names: str) -> dict[str, Any]:
    return {
        name: rfc3339(row[name]) if isinstance(row[name], dt.datetime) else _told(row[name]) for name in names
    }


def _told(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    return value if isinstance(value, str | int | list | dict | None) else str(value)
