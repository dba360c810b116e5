"""What people say of cameras' alarms, and how far a camera can be believed by that."""

import math
from typing import LiteralString

QUEUE: LiteralString = """
    SELECT episode.id AS episode, episode.device, device.label AS camera, point, episode.kind, rule, level,
           episode.label, raised_at, cleared_at, hazard_id AS hazard,
           CASE WHEN last.at IS NOT NULL THEN
               jsonb_build_object('verdict', verdict, 'shows', shows, 'note', note,
                                  'author', author, 'at', last.at)
           END AS review
      FROM episode
           JOIN device USING (site, mode, device)
           LEFT JOIN LATERAL (
               SELECT verdict, shows, note, author, at FROM camera_review
                WHERE camera_review.episode = episode.id
                 ORDER BY camera_review.id DESC LIMIT 1) AS last ON true
     WHERE site = %(site)s AND mode = %(mode)s AND episode.kind LIKE 'vision.%%' AND NOT episode.test
       AND (%(devices)s::text[] IS NULL OR episode.device = ANY (%(devices)s))
       AND (%(device)s::text IS NULL OR episode.device = %(device)s)
       AND (%(state)s = 'all' OR (last.at IS NULL) = (%(state)s = 'waiting'))
       AND (%(at)s::timestamptz IS NULL OR (raised_at, episode.id) < (%(at)s, %(id)s::uuid))
     ORDER BY raised_at DESC, episode.id DESC LIMIT %(limit)s
"""
"""Alarms on what cameras see, the newest first, with what was said of each last."""

FIGURES: LiteralString = """
    WITH said AS (
        SELECT episode.device, last.verdict
          FROM episode
               LEFT JOIN LATERAL (
                   SELECT verdict FROM camera_review
                    WHERE camera_review.episode = episode.id
                 ORDER BY camera_review.id DESC LIMIT 1) AS last ON true
         WHERE site = %(site)s AND mode = %(mode)s AND episode.kind LIKE 'vision.%%' AND NOT episode.test
           AND raised_at >= %(start)s AND raised_at < %(end)s
    )
    SELECT device.device, device.label AS camera, count(said.device)::int AS alarms,
           (count(*) FILTER (WHERE verdict = 'right'))::int AS right,
           (count(*) FILTER (WHERE verdict = 'wrong'))::int AS wrong,
           (count(*) FILTER (WHERE verdict = 'unclear'))::int AS unclear
      FROM device LEFT JOIN said USING (device)
     WHERE site = %(site)s AND mode = %(mode)s AND device.kind = 'camera' AND current
       AND (%(devices)s::text[] IS NULL OR device.device = ANY (%(devices)s))
     GROUP BY device.device, device.label, device.position ORDER BY device.position
"""
"""Of every camera of a site, what was said of its alarms within a span."""

TOLD: LiteralString = """
    SELECT point.device, split_part(point.name, '/', 2) AS key, good_value * resolution AS value
      FROM point JOIN newest ON newest.point_id = point.id
     WHERE site = %(site)s AND mode = %(mode)s AND point.kind IN ('camera.coverage', 'camera.unknown')
       AND good_value IS NOT NULL
"""
"""What cameras told last of how well they see."""

_Z = 1.959964
"""Of 95 %, two-sided."""


def wilson(part: int, whole: int) -> tuple[float, float, float] | None:
    """A share and the bounds of its 95 % interval (Wilson's, which holds for few as well); `None` of none."""
    if whole == 0:
        return None
    share, z2 = part / whole, _Z * _Z
    middle = (share + z2 / (2 * whole)) / (1 + z2 / whole)
    half = _Z / (1 + z2 / whole) * math.sqrt(share * (1 - share) / whole + z2 / (4 * whole * whole))
    return share, max(0.0, middle - half), min(1.0, middle + half)
