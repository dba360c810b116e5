"""Whether anything still watches the danger of a record: its points read, by a device in use, under its rule."""

import datetime as dt
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from cloud.database import Connection

GRACE = dt.timedelta(seconds=30)
"""A reading is on its way that long, beside what its point may be old."""

OCCASIONAL: LiteralString = (
    r"^pit\.(creep|time_to_limit)(\.|$)"
    r"|^crane\.(verticality|group|obstacle|zone|power_line)(\.|$)|^gate\.passage$|\.(gust|mean)$"
)
"""Kinds of points that speak only at times: that they say nothing is no fault. Others of the device are asked."""

POINTS: LiteralString = (
    """
    WITH told AS (
        SELECT DISTINCT ON (hazard_id, mode, point, rule) hazard_id, site, mode, device, point, kind, rule, ended
          FROM episode WHERE hazard_id = ANY (%(hazards)s)
         ORDER BY hazard_id, mode, point, rule, raised_at DESC
    ), asked AS (
        SELECT hazard_id, site, mode, point AS name, bool_or(ended IS NOT DISTINCT FROM 'orphaned') AS orphaned,
               array_agg(rule) AS rules
          FROM told WHERE kind !~ '"""
    + OCCASIONAL
    + """' GROUP BY hazard_id, site, mode, point
        UNION
        SELECT told.hazard_id, its.site, its.mode, its.name, false, '{}'
          FROM told JOIN point AS its ON its.site = told.site AND its.mode = told.mode
               AND its.device = told.device AND its.current
               JOIN newest ON newest.point_id = its.id AND newest.good_at IS NOT NULL
         WHERE told.kind ~ '"""
    + OCCASIONAL
    + """' AND its.kind !~ '"""
    + OCCASIONAL
    + """')
    """
)
"""As `asked`: the points by which a record's danger is seen. Of one that speaks at times, all others of its
device that ever gave a good reading."""

_WATCHED: LiteralString = (
    POINTS
    + """
    SELECT so.hazard_id, bool_and(so.is_read) AS is_watched, min(so.good_at) AS good_at,
           bool_or(NOT so.is_read AND NOT so.is_old) AS is_unjudged
      FROM (
        SELECT asked.hazard_id, newest.good_at, is_fresh.so IS NOT TRUE AS is_old,
               coalesce(is_fresh.so AND device.current AND device.commissioning = 'in_use'
                        AND (NOT asked.orphaned OR EXISTS (
                            SELECT FROM jsonb_array_elements(point.limits) AS drawn
                             WHERE drawn->>'rule' = ANY (asked.rules))), false) AS is_read
          FROM asked
               LEFT JOIN point ON point.site = asked.site AND point.mode = asked.mode
                    AND point.name = asked.name AND point.current
               LEFT JOIN device ON device.site = point.site AND device.mode = point.mode
                    AND device.device = point.device
               LEFT JOIN newest ON newest.point_id = point.id
               LEFT JOIN LATERAL (
                    SELECT newest.good_at + coalesce(nullif(point.stale_after_ms, 0), 10000)
                           * interval '1 ms' + %(grace)s >= %(now)s AS so) AS is_fresh ON true
      ) AS so GROUP BY so.hazard_id
    """
)


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """How the danger is seen at an instant."""

    is_watched: bool
    good_at: dt.datetime | None
    """The oldest of the newest good readings of its points."""
    is_unjudged: bool
    """It may be read, but a device on trial or without its rule judges nothing."""

    def lost_at(self, now: dt.datetime) -> dt.datetime:
        """Since when nothing is known, where it is not watched."""
        if self.is_unjudged or self.good_at is None:
            return now
        return min(self.good_at, now)


NOT_WATCHED = Watched(is_watched=False, good_at=None, is_unjudged=True)
"""Of a record whose points are all gone."""


def watched(connection: Connection, hazards: list[UUID], now: dt.datetime) -> dict[UUID, Watched]:
    """Whether every point by which a record's danger was seen is read now, and judged; by record."""
    cursor = connection.cursor(row_factory=dict_row)
    rows = cursor.execute(_WATCHED, {"hazards": hazards, "now": now, "grace": GRACE}).fetchall()
    found = {row.pop("hazard_id"): Watched(**row) for row in rows}
    return {hazard: found.get(hazard, NOT_WATCHED) for hazard in hazards}
