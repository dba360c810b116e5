"""What is asked of the database beside the records: alarms, gateways, inspections; each as of an instant."""

from typing import LiteralString

from cloud.indicators.lives import IS_PLACED, PLACED

_ALARMS: LiteralString = """
    alarms AS MATERIALIZED (
        SELECT e.id, e.site, e.device, e.family, e.level, e.hazard_id, e.raised_at, e.received_at, e.late,
            e.clock,
               CASE WHEN e.acknowledged_at < %(at)s THEN e.acknowledged_at END AS acknowledged_at,
               CASE WHEN e.cleared_at < %(at)s THEN e.cleared_at END AS cleared_at
          FROM episode AS e JOIN placed USING (site)
         WHERE e.mode = 'live' AND NOT e.test AND e.raised_at >= %(year)s AND e.raised_at < %(at)s
           AND e.received_at < %(at)s AND (placed.devices IS NULL OR e.device = ANY (placed.devices)))
"""
"""Of a year; what was not known at the cut-off is left out."""

_WARNED: LiteralString = """
    followed AS (
        SELECT raised_at, cleared_at, level,
               min(raised_at) FILTER (WHERE level >= 3)
                   OVER (PARTITION BY site, device, family ORDER BY raised_at DESC) AS worse_at
          FROM alarms),
    warned AS MATERIALIZED (
        SELECT raised_at, cleared_at,
               CASE WHEN worse_at <= coalesce(cleared_at, %(at)s) THEN worse_at END AS worse_at
          FROM followed WHERE level = 2)
"""
"""Warnings, and when the danger first became worse while each stood; from the newest backwards, so that a
    year of alarms is gone through once."""

ALARMS: LiteralString = f"""
    WITH {PLACED}, {_ALARMS}, recent AS (SELECT * FROM alarms WHERE raised_at >= %(recent)s)
    SELECT count(*) FILTER (WHERE level = 1) AS alarms_1, count(*) FILTER (WHERE level = 2) AS alarms_2,
           count(*) FILTER (WHERE level = 3) AS alarms_3, count(*) FILTER (WHERE level = 4) AS alarms_4,
           avg(extract(epoch FROM acknowledged_at - raised_at)) FILTER (WHERE acknowledged_at >= raised_at)
               AS acknowledged_s,
           avg(extract(epoch FROM cleared_at - raised_at)) FILTER (WHERE cleared_at >= raised_at) AS
               cleared_s,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM received_at - raised_at))
               FILTER (WHERE clock = 'synced') AS to_cloud_s
      FROM recent
"""  # noqa: S608  of constants only

PREVENTION: LiteralString = f"""
    WITH {PLACED}, {_ALARMS}, {_WARNED}
    SELECT count(*) FILTER (WHERE worse_at IS NOT NULL OR cleared_at IS NOT NULL) AS warnings,
           count(*) FILTER (WHERE worse_at IS NULL AND cleared_at IS NOT NULL) AS stayed,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM worse_at - raised_at) / 60)
               FILTER (WHERE worse_at IS NOT NULL) AS lead_min,
           (SELECT count(*) FROM (SELECT hazard_id FROM alarms WHERE hazard_id IS NOT NULL
                                   GROUP BY hazard_id HAVING max(level) <= 2) AS early) AS caught
      FROM warned
"""  # noqa: S608

MONTHS: LiteralString = f"""
    WITH {PLACED}, {_ALARMS}, {_WARNED}
    SELECT month, sum(alarms)::int AS alarms, sum(warnings)::int AS warnings, sum(stayed)::int AS stayed
      FROM (SELECT to_char(raised_at AT TIME ZONE %(zone)s, 'YYYY-MM') AS month, count(*) AS alarms,
                   0 AS warnings, 0 AS stayed FROM alarms GROUP BY 1
            UNION ALL
            SELECT to_char(raised_at AT TIME ZONE %(zone)s, 'YYYY-MM'), 0,
                   count(*) FILTER (WHERE worse_at IS NOT NULL OR cleared_at IS NOT NULL),
                   count(*) FILTER (WHERE worse_at IS NULL AND cleared_at IS NOT NULL) FROM warned GROUP BY
                       1) AS both_of
     GROUP BY month
"""  # noqa: S608

JUDGED: LiteralString = f"""
    WITH {PLACED}
    SELECT count(*) FILTER (WHERE hazard.source_detail = 'monitoring' AND event.status = 'rejected'
                                  AND hazard.opened_at >= %(recent)s) AS rejected,
           count(*) FILTER (WHERE hazard.source_detail = 'monitoring'
                                  AND event.status NOT IN ('candidate', 'merged')
                                  AND hazard.opened_at >= %(recent)s) AS judged,
           count(*) FILTER (WHERE event.status = 'candidate' AND EXISTS (
               SELECT FROM hazard_event AS late WHERE late.hazard_id = hazard.id
                  AND late.kind = 'judging_overdue' AND late.at < %(at)s)) AS unjudged_late,
           count(*) FILTER (WHERE event.level = 'general'
                                  AND event.status NOT IN ('candidate', 'rejected', 'merged')) AS found,
           count(*) FILTER (WHERE event.level = 'general' AND event.verified
                                  AND event.status NOT IN ('candidate', 'rejected', 'merged')) AS fixed
      FROM hazard CROSS JOIN LATERAL (
               SELECT status, level, verified FROM hazard_event
                WHERE hazard_id = hazard.id AND at < %(at)s ORDER BY seq DESC LIMIT 1) AS event
     WHERE hazard.mode = 'live' AND {IS_PLACED}
"""  # noqa: S608

THERE: LiteralString = f"""
    WITH {PLACED}, its AS (
        SELECT its.site, its.gateway FROM site_gateway AS its JOIN placed USING (site)
         WHERE (retired_on IS NULL OR retired_on > (%(at)s AT TIME ZONE %(zone)s)::date)
           AND NOT EXISTS (
               SELECT FROM registry_change AS added
                WHERE added.site = its.site AND record = 'site_gateway' AND key = its.gateway
                  AND before IS NULL AND at >= %(at)s))
    SELECT (SELECT count(*) FROM its) AS gateways,
           (SELECT count(*) FROM its
                   JOIN gateway ON gateway.site = its.site AND gateway.gateway = its.gateway AND
                       gateway.mode = 'live'
             WHERE gateway.state = 'online'
               AND gateway.seen_at > %(at)s - interval '30 seconds') AS online,
           (SELECT count(*) FROM point JOIN placed USING (site) WHERE point.mode = 'live' AND
               point.current) AS points,
           (SELECT count(*) FROM point JOIN placed USING (site) JOIN newest ON newest.point_id = point.id
             WHERE point.mode = 'live' AND point.current
               AND newest.good_at > %(at)s - patience(point.stale_after_ms)) AS points_fresh
"""  # noqa: S608
"""Gateways in service at the instant; what is online and fresh is of the moment, and of the past nobody has
    noted it."""

LOOKED: LiteralString = f"""
    WITH {PLACED}, asked AS (
        SELECT day, day > 30 AS is_before FROM unnest(ARRAY[1, 6, 11, 16, 21, 26, 31, 36, 41, 46, 51, 56])
            AS day),
    there AS (
        SELECT site, device FROM (
            SELECT DISTINCT ON (site, device) site, device, current
              FROM device_change JOIN placed USING (site)
             WHERE mode = 'live' AND at < %(at)s ORDER BY site, device, at DESC) AS told
         WHERE current),
    heard AS (
        SELECT is_before, EXISTS (
                   SELECT FROM point WHERE point.site = device.site AND point.mode = 'live'
                      AND point.device = device.device AND EXISTS (
                          SELECT FROM readings_of(ARRAY[point.id], %(at)s - day * interval '1 day',
                                                  %(at)s - (day - 1) * interval '1 day')
                           WHERE quality = 0)) AS spoke
          FROM there AS device CROSS JOIN asked),
    looked AS (
        SELECT ended_at FROM inspection AS one JOIN placed USING (site)
         WHERE ended_at >= %(at)s - interval '60 days' AND ended_at < %(at)s AND one.at < %(at)s
           AND NOT withdrawn AND NOT EXISTS (
               SELECT FROM inspection AS later
                WHERE later.id = one.id AND later.seq > one.seq AND later.at < %(at)s))
    SELECT avg(spoke::int) FILTER (WHERE NOT is_before) AS heard_now,
           avg(spoke::int) FILTER (WHERE is_before) AS heard_before,
           (SELECT count(*) FROM looked WHERE ended_at >= %(at)s - interval '30 days') AS inspections_now,
           (SELECT count(*) FROM looked WHERE ended_at < %(at)s - interval '30 days') AS inspections_before
      FROM heard
"""  # noqa: S608
"""How much was looked in the last 30 days and those before: devices that were there at the instant and
    spoke on six sampled days of each. An inspection counts once, as it was known then."""

SELF_CHECKS: LiteralString = f"""
    WITH {PLACED}, told AS (
        SELECT DISTINCT ON (id) inspection.* FROM inspection JOIN placed USING (site)
         WHERE inspection.kind = 'self_check' AND inspection.at < %(at)s ORDER BY id, seq DESC)
    SELECT site, array_agg(ended_at ORDER BY ended_at) AS ended FROM told
     WHERE signed AND NOT withdrawn GROUP BY site
"""  # noqa: S608

SOURCES: LiteralString = """
    SELECT source, node, since, until FROM data_source
     WHERE source IN ('inspections', 'enterprise_checks') AND declared_at < %(at)s
"""

RETURNS: LiteralString = f"""
    WITH {PLACED}, due AS (
        SELECT report, due_at FROM report LEFT JOIN tree_node AS top USING (node)
         WHERE due_at >= %(year)s AND due_at < %(at)s
           AND (report.site IN (SELECT site FROM placed)
                OR (%(site)s::text IS NULL AND report.site IS NULL
                    AND (%(path)s::text IS NULL OR starts_with(top.path, %(path)s)))))
    SELECT due_at, min(at) FILTER (WHERE kind = 'sent') AS sent_at,
           count(*) FILTER (WHERE kind = 'corrected') AS corrections
      FROM due LEFT JOIN ledger_event ON ledger = 'report' AND of = due.report AND at < %(at)s
     GROUP BY due.report, due_at ORDER BY due_at
"""  # noqa: S608
"""Returns that fell due in a year, and what was done with them by the instant."""
