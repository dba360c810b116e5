"""Readings in SQL, as the web process reads them."""

from typing import LiteralString

NEWEST: LiteralString = """
    SELECT name, resolution, (extract(epoch FROM at) * 1000)::bigint AS at_ms, value, quality,
           (extract(epoch FROM good_at) * 1000)::bigint AS good_at_ms, good_value
      FROM newest JOIN point ON point.id = newest.point_id JOIN gateway ON gateway.id = point.gateway_id
     WHERE point.site = %(site)s AND point.mode = %(mode)s AND point.current
       AND gateway.gateway IN (SELECT gateway FROM site_gateway WHERE site = %(site)s AND retired_on IS NULL)
       AND newest.at > 'epoch'
"""
"""The newest reading of every point in force; a replay whose time jumped has none until the next."""

POINT: LiteralString = """
    SELECT id, kind, resolution, stale_after_ms FROM point
     WHERE site = %(site)s AND mode = %(mode)s AND name = %(name)s ORDER BY current DESC, id DESC LIMIT 1
"""
"""The point of that name that is in force, or was last."""

FIRST: LiteralString = "SELECT min(at) AS at FROM reading WHERE point_id = %(id)s AND at < %(to)s"

HOW_MANY: LiteralString = """
    SELECT count(*) AS n FROM (
        SELECT FROM reading WHERE point_id = %(id)s AND at >= %(from)s AND at < %(to)s
         LIMIT %(limit)s) AS counted
"""

RAW: LiteralString = """
    SELECT (extract(epoch FROM at) * 1000)::bigint AS t, CASE WHEN quality = 0 THEN value END AS value
      FROM reading WHERE point_id = %(id)s AND at >= %(from)s AND at < %(to)s ORDER BY at
"""

BUCKETS: LiteralString = """
    SELECT (extract(epoch FROM date_bin(%(width)s, at, %(from)s)) * 1000)::bigint AS t,
           (extract(epoch FROM min(at)) * 1000)::bigint AS first_ms,
           (extract(epoch FROM max(at)) * 1000)::bigint AS last_ms,
           min(value) FILTER (WHERE quality = 0) AS low, max(value) FILTER (WHERE quality = 0) AS high
      FROM reading WHERE point_id = %(id)s AND at >= %(from)s AND at < %(to)s
     GROUP BY date_bin(%(width)s, at, %(from)s) ORDER BY 1
"""
"""Of each bucket the least and the greatest, so that a peak survives however far one zooms out."""
