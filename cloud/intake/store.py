"""What of the outside concerns a site now, in SQL."""

from typing import LiteralString

OUTSIDE: LiteralString = """
    SELECT its.kind, its.system, its.external_id, its.version, its.body, its.late, its.first_received_at,
           its.received_at
      FROM intake_now AS its
     WHERE its.kind = 'weather_warnings'
       AND its.received_at > %(now)s - interval '60 days'
       AND (its.body ->> 'ends_at')::timestamptz > %(now)s
       AND EXISTS (SELECT FROM site JOIN tree_node AS node ON node.node = site.territory
                           JOIN tree_node AS area ON area.node = its.territory
                    WHERE site.site = %(site)s AND starts_with(node.path, area.path))
        OR its.site = %(site)s AND (
           its.kind = 'crane_registrations' AND its.late
           OR its.kind = 'external_warnings' AND its.body ->> 'status' = 'open'
           OR its.kind = 'certificates' AND (its.body ->> 'status' = 'revoked'
              OR (its.body ->> 'valid_until')::date < (%(now)s AT TIME ZONE %(zone)s)::date
              AND NOT EXISTS (
                 SELECT FROM intake_now AS anew
                  WHERE anew.kind = 'certificates' AND anew.site = its.site
                    AND anew.body ->> 'certificate_no' = its.body ->> 'certificate_no'
                    AND (anew.body ->> 'valid_until')::date >= (%(now)s AT TIME ZONE %(zone)s)::date))
           OR its.kind = 'permits' AND (its.body ->> 'begins_at')::timestamptz > %(now)s - interval '7 days'
              AND NOT EXISTS (
              SELECT FROM intake_now AS held
               WHERE held.kind = 'certificates' AND held.site = its.site
                 AND held.body ->> 'certificate_no' = its.body ->> 'certificate_no'
                 AND held.body ->> 'status' = 'valid'
                 AND (held.body ->> 'valid_until')::date
                     >= ((its.body ->> 'begins_at')::timestamptz AT TIME ZONE %(zone)s)::date))
     ORDER BY its.received_at DESC LIMIT 500
"""
"""Warnings in force (none lasts for months), late registrations, warnings not dealt with, certificates that
have ended and were not renewed, and this week's permits of whoever had no certificate in force."""
DECLARED: LiteralString = """
    SELECT 1 AS one FROM data_source AS its
           JOIN tree_node AS node ON node.node = its.node
           JOIN site ON site.site = %(site)s
           JOIN tree_node AS of ON of.node IN (site.territory, site.enterprise)
     WHERE its.source = 'attendance' AND starts_with(of.path, node.path)
       AND its.since <= (%(now)s AT TIME ZONE %(zone)s)::date
       AND (its.until IS NULL OR its.until >= (%(now)s AT TIME ZONE %(zone)s)::date)
     LIMIT 1
"""
MISSED_POSTS: LiteralString = """
    SELECT wanted.post,
           EXISTS (SELECT FROM work_cycle
                    WHERE site = %(site)s AND mode = %(mode)s AND ended_at > %(working)s
                      AND started_at > %(working)s - interval '1 day') AS works,
           NOT EXISTS (SELECT FROM attendance AS there
                        WHERE there.site = %(site)s AND there.post = wanted.post
                          -- A night's shift is of the day on which it began; who never went out is not
                          -- there for ever.
                          AND (there.day = (%(now)s AT TIME ZONE %(zone)s)::date
                               OR there.day = (%(now)s AT TIME ZONE %(zone)s)::date - 1
                                  AND there.first_in > %(now)s - interval '16 hours')
                          AND there.first_in <= %(now)s
                          AND (there.last_out IS NULL OR there.last_out > %(now)s)) AS is_missing
      FROM unnest(%(posts)s::text[]) AS wanted (post)
"""
"""Of the key posts: who is not there now, and whether a crane has worked since `working`."""
FORGET: LiteralString = "DELETE FROM attendance WHERE day < %s"
