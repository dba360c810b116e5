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
    WITH {PLACED}
    SELECT (SELECT count(*) FROM placed WHERE phase = 'building') AS projects,
           (SELECT mode() WITHIN GROUP (ORDER BY time_zone) FROM site JOIN placed USING (site)) AS zone,
           (SELECT count(*) FROM site_gateway JOIN placed USING (site) WHERE retired_on IS NULL) AS gateways,
           (SELECT count(*) FROM site_gateway AS its JOIN placed USING (site)
                   JOIN gateway ON gateway.site = its.site AND gateway.gateway = its.gateway AND
                       gateway.mode = 'live'
             WHERE its.retired_on IS NULL AND gateway.state = 'online'
               AND gateway.seen_at > %(at)s - interval '30 seconds') AS online,
           (SELECT count(*) FROM point JOIN placed USING (site) WHERE point.mode = 'live' AND
               point.current) AS points,
           (SELECT count(*) FROM point JOIN placed USING (site) JOIN newest ON newest.point_id = point.id
             WHERE point.mode = 'live' AND point.current
               AND newest.good_at > %(at)s - patience(point.stale_after_ms)) AS points_fresh
"""  # noqa: S608
"""Of the moment; of the past nobody has noted it."""

LOOKED: LiteralString = f"""
    WITH {PLACED}, asked AS (
        SELECT day, day > 30 AS is_before FROM unnest(ARRAY[1, 6, 11, 16, 21, 26, 31, 36, 41, 46, 51, 56])
            AS day),
    heard AS (
        SELECT is_before, EXISTS (
                   SELECT FROM point WHERE point.site = device.site AND point.mode = 'live'
                      AND point.device = device.device AND EXISTS (
                          SELECT FROM reading WHERE point_id = point.id AND quality = 0
                             AND reading.at >= %(at)s - day * interval '1 day'
                             AND reading.at < %(at)s - (day - 1) * interval '1 day')) AS spoke
          FROM device JOIN placed USING (site) CROSS JOIN asked
         WHERE device.mode = 'live' AND device.current)
    SELECT avg(spoke::int) FILTER (WHERE NOT is_before) AS heard_now,
           avg(spoke::int) FILTER (WHERE is_before) AS heard_before,
           (SELECT count(DISTINCT id) FROM inspection JOIN placed USING (site)
             WHERE ended_at >= %(at)s - interval '30 days' AND ended_at < %(at)s AND inspection.at <
                 %(at)s) AS inspections_now,
           (SELECT count(DISTINCT id) FROM inspection JOIN placed USING (site)
             WHERE ended_at >= %(at)s - interval '60 days' AND ended_at < %(at)s - interval '30 days'
               AND inspection.at < %(at)s) AS inspections_before
      FROM heard
"""  # noqa: S608
"""How much was looked in the last 30 days and those before: devices that spoke on six sampled days of
    each."""

_INSPECTED: LiteralString = """
    found AS MATERIALIZED (
        SELECT DISTINCT ON (id) inspection.* FROM inspection
         WHERE at < %(at)s AND day BETWEEN %(from)s AND %(until)s ORDER BY id, seq DESC)
"""
INSPECTED: LiteralString = f"""
    WITH {PLACED}, {_INSPECTED},
    building AS (SELECT * FROM placed WHERE phase = 'building'),
    machine AS (
        SELECT its.site, its.device FROM device_file AS its JOIN building USING (site)
         WHERE its.kind = ANY (%(machines)s)),
    valid AS (SELECT * FROM found WHERE NOT withdrawn)
    SELECT (SELECT count(*) FROM building) AS projects_all,
           (SELECT count(*) FROM building WHERE site IN (
               SELECT site FROM valid WHERE kind = ANY (%(of_projects)s))) AS projects,
           (SELECT count(DISTINCT enterprise) FROM building) AS enterprises_all,
           (SELECT count(DISTINCT enterprise) FROM building WHERE enterprise IN (
               SELECT enterprise FROM valid WHERE kind = ANY (%(of_enterprises)s))) AS enterprises,
           (SELECT count(*) FROM machine) AS devices_all,
           (SELECT count(*) FROM machine WHERE EXISTS (
               SELECT FROM valid WHERE valid.site = machine.site AND machine.device = ANY (valid.devices)
                  AND valid.kind = ANY (%(of_devices)s))) AS devices
"""  # noqa: S608
"""Projects, enterprises and devices that were looked at in the round, by what counts for one."""

SELF_CHECKS: LiteralString = f"""
    WITH {PLACED}, told AS (
        SELECT DISTINCT ON (id) inspection.* FROM inspection JOIN placed USING (site)
         WHERE inspection.kind = 'self_check' AND inspection.at < %(at)s ORDER BY id, seq DESC)
    SELECT site, array_agg(ended_at ORDER BY ended_at) AS ended FROM told
     WHERE signed AND NOT withdrawn GROUP BY site
"""  # noqa: S608

SOURCES: LiteralString = """
    SELECT source, node.path, since, until FROM data_source JOIN tree_node AS node USING (node)
     WHERE source IN ('inspections', 'enterprise_checks') AND declared_at < %(at)s
"""
