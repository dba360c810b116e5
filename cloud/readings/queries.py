"""Readings in SQL, as the web process reads them."""

from typing import LiteralString

from cloud.readings.levels import Level

NEWEST: LiteralString = """
    SELECT point.site, array_agg(name) AS names, array_send(array_agg(resolution)) AS resolutions,
           array_send(array_agg(at)) AS instants, array_send(array_agg(quality)) AS qualities,
           array_send(array_agg(coalesce(value, '-9223372036854775808'::bigint))) AS multiples,
           array_send(array_agg(coalesce(good_at, at)) FILTER (WHERE quality <> 0)) AS good_instants,
           array_send(array_agg(coalesce(CASE WHEN good_at IS NOT NULL THEN good_value END,
                                         '-9223372036854775808'::bigint))
                          FILTER (WHERE quality <> 0)) AS good_multiples
      FROM newest JOIN point ON point.id = newest.point_id JOIN gateway ON gateway.id = point.gateway_id
     WHERE point.site = ANY(%(sites)s) AND point.mode = %(mode)s AND point.current
       AND EXISTS (SELECT FROM site_gateway AS served
                    WHERE served.site = point.site AND served.gateway = gateway.gateway
                      AND served.retired_on IS NULL)
       AND newest.at > 'epoch'
     GROUP BY point.site
"""
"""The newest reading of every point in force of some sites, and of those that are not good what was good
last; a replay that jumped has none until the next. A row a site, of columns as `cloud.readings.said` reads
them: to fetch ten thousand points as rows takes longer than to find them."""

POINT: LiteralString = """
    SELECT id, kind, resolution, stale_after_ms, gateway_id FROM point
     WHERE site = %(site)s AND mode = %(mode)s AND name = %(name)s ORDER BY current DESC, id DESC LIMIT 1
"""
"""The point of that name that is in force, or was last."""

FIRST: LiteralString = "SELECT first_reading(%(id)s) AS at"

STATE: LiteralString = """
    SELECT (extract(epoch FROM nullif(computed_to, '-infinity')) * 1000)::bigint AS computed_to_ms,
           (extract(epoch FROM nullif(days_to, '-infinity')) * 1000)::bigint AS days_to_ms,
           (extract(epoch FROM nullif(raw_from, '-infinity')) * 1000)::bigint AS raw_from_ms,
           mode = 'plain' AS are_minutes_packed
      FROM storage
"""


def _near(level: LiteralString) -> LiteralString:
    return f"""
        SELECT coalesce(sum(n), 0)::bigint AS n,
               EXISTS (SELECT FROM dirty
                        WHERE point_id = %(id)s AND hour >= %(from)s AND hour < %(to)s) AS dirty
          FROM {level}(%(id)s, %(from)s, %(to)s)
    """  # noqa: S608  one of the two below


HOURS_NEAR, DAYS_NEAR = _near("point_hours"), _near("point_days")
"""How many readings the hours or days have that a span lies in. Readings are added and never changed, so that
as long as it is the same number, it is the same readings."""

HOW_MANY: LiteralString = """
    SELECT count(*) AS n FROM (
        SELECT FROM readings_of(ARRAY[%(id)s::int], %(from)s, %(to)s)
         LIMIT %(limit)s) AS counted
"""

RAW: LiteralString = """
    SELECT (date_part('epoch', at) * 1000)::bigint AS t, quality,
           CASE WHEN quality = 0 THEN value END AS value
      FROM readings_of(ARRAY[%(id)s::int], %(from)s, %(to)s) ORDER BY at
"""

READINGS: LiteralString = """
    SELECT array_send(array_agg(at)) AS instants, array_send(array_agg(quality)) AS qualities,
           array_send(array_agg(coalesce(value, '-9223372036854775808'::bigint))) AS multiples
      FROM readings_of(ARRAY[%(id)s::int], %(from)s, %(to)s)
"""
"""The readings of a span as columns; see `cloud.readings.gathering`."""


def _kept(level: LiteralString) -> LiteralString:
    return f"""
        SELECT (date_part('epoch', date_bin(%(width)s, at, %(from)s)) * 1000)::bigint AS t,
               (date_part('epoch', min(first_at)) * 1000)::bigint AS first_ms,
               (date_part('epoch', max(last_at)) * 1000)::bigint AS last_ms,
               min(low) AS low, max(high) AS high,
               (array_agg(first ORDER BY at) FILTER (WHERE good > 0))[1] AS first,
               (array_agg(last ORDER BY at) FILTER (WHERE good > 0))
                   [count(*) FILTER (WHERE good > 0)] AS last,
               sum(n)::bigint AS n, sum(good)::bigint AS good
          FROM {level}(%(id)s, %(from)s, %(to)s)
         GROUP BY date_bin(%(width)s, at, %(from)s) ORDER BY 1
    """  # noqa: S608  one of the three below


BUCKETS: dict[Level, LiteralString] = {
    "minute": _kept("point_minutes"),
    "hour": _kept("point_hours"),
    "day": _kept("point_days"),
}
"""Of each bucket the least and the greatest, so that a peak survives however far one zooms out, and the first
and the last, so that a line drawn through them runs as one through all readings would.

Both by the same order: by another, each bucket would be sorted once more, longer than all else takes."""

PACKED_MINUTES: LiteralString = """
    SELECT (date_part('epoch', hour) * 1000)::bigint AS hour_ms, base, size, n,
           (date_part('epoch', first_after) * 1000)::int AS first_ms,
           (date_part('epoch', last_after) * 1000)::int AS last_ms,
           array_send(minutes) AS minutes, array_send(ns) AS ns, array_send(firsts) AS firsts,
           array_send(lasts) AS lasts, array_send(goods) AS goods, array_send(small) AS small,
           array_send(middle) AS middle, array_send(large) AS large
      FROM packed_minutes_of(%(id)s, %(from)s, %(to)s) ORDER BY hour
"""
"""The minutes of a span by the hour, as plain PostgreSQL has them; see `cloud.readings.gathering`."""

GAPS: LiteralString = """
    SELECT (extract(epoch FROM from_at) * 1000)::bigint AS from_ms,
           (extract(epoch FROM to_at) * 1000)::bigint AS to_ms, count AS lost, reason
      FROM gap WHERE gateway_id = %(gateway)s AND from_at < %(to)s AND to_at >= %(from)s
       AND (points = '{}' OR %(name)s = ANY (points)) ORDER BY from_at LIMIT 500
"""
"""What the gateway has told of readings of the point that it took and had to give up."""

ALARMS: LiteralString = """
    SELECT id::text, rule, level, (extract(epoch FROM raised_at) * 1000)::bigint AS from_ms,
           (extract(epoch FROM cleared_at) * 1000)::bigint AS to_ms
      FROM episode WHERE site = %(site)s AND mode = %(mode)s AND point = %(name)s
       AND raised_at < %(to)s AND (cleared_at IS NULL OR cleared_at >= %(from)s)
     ORDER BY raised_at DESC, id DESC LIMIT 200
"""
"""The episodes of the point that reach into a span, the newest first."""
