"""The rows of tables in SQL."""

from typing import LiteralString

READINGS: LiteralString = """
    SELECT point.device, device.label AS device_label, point.name, point.kind, point.label, point.resolution,
           point.limits, newest.at, newest.value, newest.quality, newest.good_at, newest.good_value
      FROM point JOIN device USING (site, mode, device)
           JOIN gateway ON gateway.id = point.gateway_id
           LEFT JOIN newest ON newest.point_id = point.id AND newest.at > 'epoch'
     WHERE point.site = %(site)s AND point.mode = %(mode)s AND point.current AND device.current
       AND (%(device)s::text IS NULL OR point.device = %(device)s)
       AND (%(devices)s::text[] IS NULL OR point.device = ANY (%(devices)s))
       AND gateway.gateway IN (SELECT gateway FROM site_gateway WHERE site = %(site)s AND retired_on IS NULL)
     ORDER BY gateway.gateway, point.position LIMIT %(limit)s
"""

ALARMS: LiteralString = """
    SELECT level, device, point, label, rule, rule_version, value, peak, "limit", unit, raised_at,
           acknowledged_at, acknowledged_by, cleared_at, late, test, basis ->> 'clause' AS clause,
           (SELECT number FROM hazard WHERE hazard.id = episode.hazard_id) AS hazard
      FROM episode
     WHERE site = %(site)s AND mode = %(mode)s AND (%(device)s::text IS NULL OR device = %(device)s)
       AND (%(devices)s::text[] IS NULL OR device = ANY (%(devices)s))
       AND (%(state)s = 'all' OR (%(state)s = 'active' AND cleared_at IS NULL)
            OR (%(state)s = 'returned' AND cleared_at IS NOT NULL AND acknowledged_at IS NULL))
     ORDER BY raised_at DESC, id DESC LIMIT %(limit)s
"""

HAZARDS: LiteralString = """
    SELECT number, device, category, content, level, status, signal, potential_accident,
           clause ->> 'id' AS clause, worst_level, episodes, opened_at, detected_at, last_episode_at,
           closed_at
      FROM hazard
     WHERE site = %(site)s AND (%(status)s = 'all' OR ended_at IS NULL)
       AND (%(device)s::text IS NULL OR device = %(device)s)
       AND (%(devices)s::text[] IS NULL OR device = ANY (%(devices)s))
     ORDER BY opened_at DESC, id DESC LIMIT %(limit)s
"""

DEVICES: LiteralString = """
    WITH announced AS (
        SELECT device.device, device.label, device.kind, device.profile, gateway.gateway, device.position,
               count(point.id) AS points, max(newest.good_at) AS good_at
          FROM device JOIN gateway ON gateway.id = device.gateway_id
               LEFT JOIN point ON point.site = device.site AND point.mode = device.mode
                              AND point.device = device.device AND point.current
               LEFT JOIN newest ON newest.point_id = point.id
         WHERE device.site = %(site)s AND device.mode = %(mode)s AND device.current
           AND gateway.gateway IN (
               SELECT gateway FROM site_gateway WHERE site = %(site)s AND retired_on IS NULL)
         GROUP BY device.device, device.label, device.kind, device.profile, gateway.gateway, device.position
    ), filed AS (
        SELECT device, name, kind, maker, model, serial_no, property_no FROM device_file WHERE site = %(site)s
    )
    SELECT device, coalesce(filed.name, announced.label) AS name,
           coalesce(filed.kind, announced.kind) AS kind, profile, gateway, points, good_at, maker, model,
           serial_no, property_no
      FROM announced FULL JOIN filed USING (device)
     ORDER BY gateway NULLS LAST, position, device LIMIT %(limit)s
"""
"""Those that a gateway has announced, and those that only have a file."""
