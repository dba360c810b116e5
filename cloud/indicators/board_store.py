"""What the board and the list of blind spots ask, a row a site that the caller sees."""

from typing import LiteralString

SITES: LiteralString = """
    WITH seen AS MATERIALIZED (SELECT site FROM sites_of(%(account)s, %(roles)s) WHERE devices IS NULL),
    judged AS (
        SELECT site, level, status, overdue, supervision, due_at, id FROM hazard
         WHERE ended_at IS NULL AND mode = 'live' AND site IN (SELECT site FROM seen)),
    counted AS (
        SELECT site,
               count(*) FILTER (WHERE level = 'major' AND status <> 'candidate')::int AS open_major,
               count(*) FILTER (WHERE level = 'major' AND status <> 'candidate' AND overdue)::int AS
                   overdue_major,
               count(*) FILTER (WHERE level <> 'general' AND status = 'candidate'
                                   OR level = 'major_proposed' AND status <> 'candidate')::int AS proposed,
               count(*) FILTER (WHERE supervision = 'listed')::int AS listed,
               count(*) FILTER (WHERE level = 'general')::int AS general
          FROM judged GROUP BY site),
    next AS (
        SELECT DISTINCT ON (site) site, due_at, id FROM judged
         WHERE level = 'major' AND NOT overdue AND status IN ('confirmed', 'rectifying') ORDER BY site,
             due_at, id),
    late AS (
        SELECT DISTINCT ON (site) site, due_at, id FROM judged
         WHERE level = 'major' AND overdue AND status <> 'candidate' ORDER BY site, due_at, id),
    heard AS (
        SELECT its.site, count(*)::int AS gateways,
               count(*) FILTER (WHERE gateway.seen_at IS NULL OR gateway.state <> 'online'
                                   OR gateway.seen_at <= %(now)s - interval '30 seconds')::int AS silent
          FROM site_gateway AS its LEFT JOIN gateway
               ON gateway.site = its.site AND gateway.gateway = its.gateway AND gateway.mode = %(mode)s
         WHERE its.retired_on IS NULL AND its.site IN (SELECT site FROM seen) GROUP BY its.site),
    standing AS (
        SELECT site, count(*)::int AS alarms FROM episode
         WHERE cleared_at IS NULL AND mode = %(mode)s AND NOT test AND level >= 3
           AND site IN (SELECT site FROM seen) GROUP BY site),
    officers AS MATERIALIZED (
        SELECT given.site, top.path FROM assignment AS given JOIN account ON account.id = given.account_id
               LEFT JOIN tree_node AS top ON top.node = given.node
         WHERE given.role IN ('township_officer', 'enforcement_officer') AND account.disabled_at IS NULL
           AND given.valid_from <= %(now)s AND (given.valid_until IS NULL OR given.valid_until > %(now)s)
           AND num_nonnulls(given.node, given.site) = 1)
    SELECT site.site, site.name, site.phase, place.path,
           coalesce(open_major, 0) AS open_major, coalesce(overdue_major, 0) AS overdue_major,
           coalesce(proposed, 0) AS proposed, coalesce(listed, 0) AS listed, coalesce(general, 0) AS general,
           coalesce(alarms, 0) AS alarms, coalesce(gateways, 0) AS gateways, coalesce(silent, 0) AS silent,
           next.due_at AS next_due, next.id AS next_hazard, late.due_at AS late_since, late.id AS late_hazard,
           site.authority = '' AND place.path IS NULL AS no_authority,
           NOT EXISTS (SELECT FROM officers
                        WHERE officers.site = site.site OR starts_with(place.path, officers.path)) AS
                            no_officer,
           coalesce(gateways, 0) = coalesce(silent, 0) AS no_gateway
      FROM site JOIN seen ON seen.site = site.site
           LEFT JOIN tree_node AS place ON place.node = site.territory
           LEFT JOIN counted ON counted.site = site.site LEFT JOIN next ON next.site = site.site
           LEFT JOIN late ON late.site = site.site LEFT JOIN heard ON heard.site = site.site
           LEFT JOIN standing ON standing.site = site.site
     WHERE site.phase <> 'finished' OR counted.site IS NOT NULL
     ORDER BY site.site
"""
NODES: LiteralString = """
    SELECT node, parent, name, path FROM tree_node
     WHERE tree = 'territory' AND sees_node(%(account)s, path) ORDER BY path COLLATE "C"
"""
