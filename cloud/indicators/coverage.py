"""How far the round of full coverage had come by an instant: counted as `cloud.duties.rounds` counts it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import LiteralString

from cloud.database import Row
from cloud.duties.due import Span
from cloud.duties.kinds import kinds
from cloud.duties.rounds import Coverage, Found, companies, covered, round_at, stands
from cloud.duties.sources import is_declared
from cloud.duties.world import active_spans, is_active
from cloud.indicators.lives import PLACED
from cloud.jurisdictions.loading import jurisdiction

SITES: LiteralString = f"""
    WITH {PLACED}
    SELECT site.site, site.name, site.time_zone, site.phase, place.path AS territory_path,
           company.path AS enterprise_path,
           (SELECT jsonb_agg(jsonb_build_array(extract(epoch FROM at), before ->> 'phase', after ->> 'phase')
                             ORDER BY id)
              FROM registry_change AS changed
             WHERE changed.site = site.site AND record = 'site'
               AND before ->> 'phase' IS DISTINCT FROM after ->> 'phase') AS phases
      FROM placed JOIN site USING (site)
           LEFT JOIN tree_node AS place ON place.node = site.territory
           LEFT JOIN tree_node AS company ON company.node = site.enterprise
     ORDER BY site.site
"""  # noqa: S608  of constants only
NODES: LiteralString = f"""
    WITH {PLACED}
    SELECT node, kind, name FROM tree_node
     WHERE node IN (SELECT unnest(string_to_array(trim(BOTH '/' FROM company.path), '/')::int[])
                      FROM placed JOIN tree_node AS company ON company.node = placed.enterprise)
"""  # noqa: S608
"""Of enterprises: whatever these sites are of, and what stands above."""
MACHINES: LiteralString = f"""
    WITH {PLACED}, told AS MATERIALIZED (
        SELECT DISTINCT ON (site, record, key) site, record, key, after
          FROM registry_change JOIN placed USING (site)
         WHERE record IN ('device_file', 'device_step') AND at < %(at)s
         ORDER BY site, record, key, id DESC),
    step AS (
        SELECT site, after ->> 'device' AS device,
               jsonb_agg(jsonb_build_array(after ->> 'done_on', after ->> 'step')) AS steps
          FROM told WHERE record = 'device_step' AND after ->> 'step' IN ('installed', 'dismantled')
         GROUP BY 1, 2)
    SELECT told.site, told.key AS device, told.after -> 'name' AS name, steps,
           told.after ->> 'serial_no' AS serial_no, told.after ->> 'property_no' AS property_no
      FROM told LEFT JOIN step ON step.site = told.site AND step.device = told.key
     WHERE record = 'device_file' AND after ->> 'kind' = ANY (%(machines)s)
     ORDER BY told.site, told.key
"""  # noqa: S608
"""That were on file then, whatever became of them since."""
INSPECTIONS: LiteralString = f"""
    WITH {PLACED}, above AS (
        SELECT DISTINCT unnest(string_to_array(trim(BOTH '/' FROM company.path), '/')::int[]) AS node
          FROM placed JOIN tree_node AS company ON company.node = placed.enterprise),
    found AS (
        SELECT DISTINCT ON (one.id) one.* FROM inspection AS one
         WHERE at < %(at)s AND id IN (
                   SELECT id FROM inspection
                    WHERE day BETWEEN %(round_since)s AND %(round_until)s
                      AND (site IN (SELECT site FROM placed) OR enterprise IN (SELECT node FROM above)))
         ORDER BY one.id, seq DESC)
    SELECT kind, site, enterprise, devices, day FROM found WHERE NOT withdrawn
"""  # noqa: S608
"""Each as it was known then; one whose day was put right later counts on the day that was told."""


def coverage(
    rows: Mapping[str, list[Row]], *, at: dt.datetime, today: dt.date, rules: str, of_companies: bool
) -> Coverage | None:
    """Of the answers to the questions above and the declared `sources`; `None`: the rules know no round."""
    one = round_at(jurisdiction(rules), today)
    if one is None:
        return None
    until = min(today, one.span.until)
    sites = building(rows["sites"], at, until)
    names = {row["site"] for row in sites}
    span = Span(since=one.span.since, until=until)
    found = Found(
        enterprises=companies(sites, rows["nodes"]) if of_companies else [],
        sites=sites,
        devices=[row for row in rows["machines"] if row["site"] in names and stands(row["steps"], until)],
        inspections=rows["inspections"],
        sources=frozenset(
            source
            for source in ("inspections", "enterprise_checks")
            if is_declared(rows["sources"], source, sites, span)
        ),
    )
    return covered(one, found, kinds().rounds, today)


def building(sites: Sequence[Row], at: dt.datetime, day: dt.date) -> list[Row]:
    """Those in progress on a day, as was known at the instant."""
    return [
        row
        for row in sites
        if is_active(active_spans(row["phases"], row["phase"], row["time_zone"], known=at), day)
    ]
