"""Whether anything still watches the danger of a record: its points are read, and judged by its rule."""

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
"""Kinds of points that speak only at times: that they say nothing is no fault. Of a record that was opened by
such a point all others of its device are asked that ever gave a good reading."""

_WATCHED: LiteralString = """
    SELECT so.hazard_id, bool_and(so.is_read) AS is_watched, min(so.good_at) AS good_at,
           bool_or(NOT so.is_read AND so.is_fresh) AS is_unjudged
      FROM (
        SELECT asked.hazard_id, newest.good_at, fresh.so AS is_fresh,
               coalesce(fresh.so AND device.current AND device.commissioning = 'in_use'
                        AND (NOT asked.orphaned OR EXISTS (
                            SELECT FROM jsonb_array_elements(point.limits) AS drawn
                             WHERE drawn->>'rule' = ANY (asked.rules))), false) AS is_read
          FROM points_of_hazards(%(hazards)s, %(occasional)s) AS asked
               LEFT JOIN point ON point.site = asked.site AND point.mode = asked.mode
                    AND point.name = asked.name AND point.current
               LEFT JOIN device ON device.site = point.site AND device.mode = point.mode
                    AND device.device = point.device
               LEFT JOIN newest ON newest.point_id = point.id
               CROSS JOIN LATERAL (
                    SELECT coalesce(newest.good_at + patience(point.stale_after_ms) + %(grace)s >= %(now)s,
                                    false)) AS fresh (so)
      ) AS so GROUP BY so.hazard_id
"""


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
    asked = {"hazards": hazards, "occasional": OCCASIONAL, "now": now, "grace": GRACE}
    cursor = connection.cursor(row_factory=dict_row)
    rows = cursor.execute(_WATCHED, asked).fetchall()
    found = {row.pop("hazard_id"): Watched(**row) for row in rows}
    return {hazard: found.get(hazard, NOT_WATCHED) for hazard in hazards}
