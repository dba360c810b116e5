"""Where a site stood at an instant, and where a node hung: by what was written down when either was moved.

Nothing of the past is counted where it stands today: as of a day before a site was handed over it is with
its former authority, and whoever has taken it over since takes nothing along. Names are those of today.
"""

from typing import LiteralString

# What the first change after the cut-off found there is what held at it. Whoever was entered or placed later
# counts where he was first.
_SITE_THEN: LiteralString = """
    coalesce((SELECT coalesce(changed.before, changed.after) ->> '{column}' FROM registry_change AS changed
               WHERE changed.site = site.site AND changed.record = 'site' AND changed.key = site.site
                 AND changed.at >= %(cut_off)s
                 AND coalesce(changed.before, changed.after) ->> '{column}' IS NOT NULL
               ORDER BY changed.id LIMIT 1)::int, site.{column}) AS {column}
"""
NODES_THEN: LiteralString = """
    SELECT its.node, its.kind, its.name, its.code,
           coalesce((SELECT coalesce(changed.before, changed.after) ->> 'path' FROM registry_change AS changed
                      WHERE changed.site IS NULL AND changed.record = 'tree_node'
                        AND changed.key = its.node::text AND changed.at >= %(cut_off)s
                      ORDER BY changed.id LIMIT 1), its.path) AS path
      FROM tree_node AS its
"""
"""Every node with its path at `%(cut_off)s`."""
SITES_THEN: LiteralString = f"""
    SELECT site.site, site.name, site.time_zone,
           {_SITE_THEN.replace("{column}", "territory")},
           {_SITE_THEN.replace("{column}", "enterprise")}
      FROM site
"""  # noqa: S608  of our own texts
"""Every site with its territory and its enterprise at `%(cut_off)s`."""
PLACES: LiteralString = f"""
    SELECT stood.site
      FROM ({SITES_THEN}) AS stood
      LEFT JOIN ({NODES_THEN}) AS territory ON territory.node = stood.territory
      LEFT JOIN ({NODES_THEN}) AS enterprise ON enterprise.node = stood.enterprise
     WHERE (%(site)s::text IS NULL OR stood.site = %(site)s)
       AND (%(node)s::int IS NULL
            OR territory.path LIKE '%%/' || %(node)s::int || '/%%'
            OR enterprise.path LIKE '%%/' || %(node)s::int || '/%%')
"""  # noqa: S608  of our own texts
"""The sites of a scope as it was at its cut-off: a path names each node that it lies in."""
