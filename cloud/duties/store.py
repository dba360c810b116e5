"""What duties are judged by, in SQL. What the caller may not see is not there: tables are fenced by row."""

from collections.abc import Mapping
from typing import LiteralString

from psycopg.rows import dict_row

from cloud.database import AsyncConnection, Connection, Row
from cloud.jurisdictions.store import HOLDS_AT

Rows = Mapping[str, list[Row]]

_OF: LiteralString = """
    (SELECT site.*, place.path AS territory_path, owner.path AS enterprise_path
       FROM site LEFT JOIN tree_node AS place ON place.node = site.territory
            LEFT JOIN tree_node AS owner ON owner.node = site.enterprise
      WHERE site.site = %(site)s::text
         OR EXISTS (SELECT FROM tree_node AS top WHERE top.node = %(node)s::int
                     AND (starts_with(place.path, top.path) OR starts_with(owner.path, top.path)))) AS site
"""
"""The site that is asked for, or the sites below the node."""
_SITES: LiteralString = f"""
    SELECT site.site, site.name, site.time_zone, site.phase, site.territory, site.enterprise,
           site.territory_path, site.enterprise_path, ({HOLDS_AT}) AS jurisdiction,
           (SELECT jsonb_agg(jsonb_build_array(extract(epoch FROM at), before ->> 'phase', after ->> 'phase')
                             ORDER BY id)
              FROM registry_change AS changed
             WHERE changed.site = site.site AND record = 'site'
               AND before ->> 'phase' IS DISTINCT FROM after ->> 'phase') AS phases
      FROM {_OF} ORDER BY site.site
"""  # noqa: S608  all our own
# Those of the sites, those above them, and those below what is asked for.
_NODES: LiteralString = """
    SELECT node, tree, kind, name, path, jurisdiction FROM tree_node
     WHERE node = ANY (%(nodes)s)
        OR starts_with(path, (SELECT path FROM tree_node WHERE node = %(node)s::int))
     ORDER BY path COLLATE "C"
"""
_INSPECTIONS: LiteralString = """
    SELECT id, kind, acting_level, territory, site, enterprise, enterprise_name, devices, theme, day
      FROM inspection_now
     WHERE NOT withdrawn AND day BETWEEN %(since)s AND %(until)s
       AND (site = ANY (%(sites)s) OR enterprise = ANY (%(nodes)s) OR territory = ANY (%(nodes)s))
     ORDER BY day, id
"""
_DONE: LiteralString = """
    SELECT id, kind, site, node, day, words FROM duty_done_now
     WHERE NOT withdrawn AND day BETWEEN %(since)s AND %(until)s
       AND (site = ANY (%(sites)s) OR node = ANY (%(nodes)s))
     ORDER BY day, id
"""
_SOURCES: LiteralString = """
    SELECT source, node, since, until FROM data_source
     WHERE node = ANY (%(nodes)s) AND source IN ('inspections', 'enterprise_checks', 'duties', 'safety_logs')
"""
_MACHINES: LiteralString = """
    SELECT file.site, file.device, file.kind, file.name, file.serial_no, file.property_no,
           (SELECT jsonb_agg(jsonb_build_array(done_on, step)) FROM device_step AS its
             WHERE its.site = file.site AND its.device = file.device
               AND step IN ('installed', 'dismantled')) AS steps
      FROM device_file AS file
     WHERE file.site = ANY (%(sites)s) AND file.kind = ANY (%(machines)s)
     ORDER BY file.site, file.device
"""
_THEN: tuple[tuple[str, LiteralString], ...] = (
    ("nodes", _NODES),
    ("inspections", _INSPECTIONS),
    ("done", _DONE),
    ("sources", _SOURCES),
    ("machines", _MACHINES),
)


def gather(connection: Connection, asked: Row) -> Rows:
    """All rows; `asked` has `site` or `node`, `since`, `until` and `machines`."""
    cursor = connection.cursor(row_factory=dict_row)
    found = {"sites": cursor.execute(_SITES, asked).fetchall()}
    more = {**asked, **_named(found["sites"], asked["node"])}
    for name, query in _THEN:
        found[name] = cursor.execute(query, more).fetchall()
        more = {**more, "nodes": sorted({*more["nodes"], *(row["node"] for row in found["nodes"])})}
    return found


async def gather_async(connection: AsyncConnection, asked: Row) -> Rows:
    """The same for a route."""
    cursor = connection.cursor(row_factory=dict_row)
    found = {"sites": await (await cursor.execute(_SITES, asked)).fetchall()}
    more = {**asked, **_named(found["sites"], asked["node"])}
    for name, query in _THEN:
        found[name] = await (await cursor.execute(query, more)).fetchall()
        more = {**more, "nodes": sorted({*more["nodes"], *(row["node"] for row in found["nodes"])})}
    return found


def nodes_of(path: str | None) -> list[int]:
    """A node and those above it, from `/3/14/`."""
    return [int(part) for part in (path or "").strip("/").split("/") if part]


def _named(sites: list[Row], node: int | None) -> Row:
    above = {one for row in sites for path in _paths(row) for one in nodes_of(path)}
    return {"sites": [row["site"] for row in sites], "nodes": sorted(above | ({node} if node else set()))}


def _paths(row: Row) -> tuple[str | None, str | None]:
    return row["territory_path"], row["enterprise_path"]
