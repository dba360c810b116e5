"""Sites in SQL, as the web process reads them. One mode is shown, that of the settings."""

from typing import LiteralString

GATEWAYS: LiteralString = """
    SELECT site_gateway.gateway AS name, access.issued_at, gateway.*, site_gateway.site
      FROM site_gateway
           LEFT JOIN gateway ON gateway.site = site_gateway.site AND gateway.gateway = site_gateway.gateway
                            AND mode = %(mode)s
           LEFT JOIN gateway_access AS access
             ON access.site = site_gateway.site AND access.gateway = site_gateway.gateway
     WHERE site_gateway.site = ANY(%(sites)s) AND retired_on IS NULL
     ORDER BY site_gateway.site, site_gateway.gateway
"""
"""Every gateway of these sites that is in service, also one that was never heard."""

SHELVES: LiteralString = """
    SELECT gateway.site, gateway.gateway, told.point, told.rule, told.until, told.by, told.reason,
           latest.id AS episode, latest.label
      FROM gateway
           CROSS JOIN LATERAL jsonb_to_recordset(gateway.shelved)
               AS told(point text, rule text, until bigint, by text, reason text)
           LEFT JOIN LATERAL (
               SELECT id, label FROM episode
                WHERE site = gateway.site AND mode = gateway.mode
                  AND episode.point = told.point AND episode.rule = told.rule
                ORDER BY raised_at DESC LIMIT 1) AS latest ON true
     WHERE gateway.site = ANY(%(sites)s) AND gateway.mode = %(mode)s
     ORDER BY told.until, told.point, told.rule
"""
"""What gateways hold back, each with the newest alarm of its rule."""

DEVICES: LiteralString = """
    SELECT device.*, gateway.gateway FROM device JOIN gateway ON gateway.id = device.gateway_id
     WHERE device.site = %(site)s AND device.mode = %(mode)s AND device.current
       AND gateway.gateway IN (SELECT gateway FROM site_gateway WHERE site = %(site)s AND retired_on IS NULL)
     ORDER BY gateway.gateway, device.position
"""
"""What gateways in service have announced."""

POINTS: LiteralString = """
    SELECT point.* FROM point JOIN gateway ON gateway.id = point.gateway_id
     WHERE point.site = %(site)s AND point.mode = %(mode)s AND point.current
       AND gateway.gateway IN (SELECT gateway FROM site_gateway WHERE site = %(site)s AND retired_on IS NULL)
     ORDER BY gateway.gateway, point.position
"""

COUNTS: LiteralString = """
    SELECT coalesce(sum(readings_committed), 0)::bigint AS readings,
           coalesce(sum(readings_late), 0)::bigint AS readings_late,
           (SELECT count(*) FROM alarm_transition JOIN gateway ON gateway.id = gateway_id
             WHERE site = %(site)s AND mode = %(mode)s) AS alarm_transitions,
           (SELECT count(*) FROM episode
             WHERE site = %(site)s AND mode = %(mode)s AND NOT test) AS episodes,
           (SELECT count(*) FROM hazard WHERE site = %(site)s AND ended_at IS NULL) AS hazards_open
      FROM gateway WHERE site = %(site)s AND mode = %(mode)s
"""

DEAD_LETTERS: LiteralString = """
    SELECT reason, n FROM dead_letter_count WHERE site = %(site)s AND mode = %(mode)s ORDER BY reason
"""
