"""Whether a number has a source: what nobody keeps here is unknown, and never 0."""

import datetime as dt
from typing import Any, LiteralString

from cloud.database import Connection

# A place is covered by its own declarations together with those of whatever it lies in.
_COVERED: LiteralString = """
    coalesce((SELECT range_agg(daterange(told.since, told.until, '[]'))
                FROM data_source AS told JOIN tree_node AS above USING (node)
               WHERE told.source = %(source)s AND starts_with(place.path, above.path))
             @> daterange(%(since)s, %(until)s), false)
"""
_HAS: LiteralString = f"""
    WITH its AS (SELECT node, tree, path FROM tree_node WHERE node = %(node)s),
    held AS (
        SELECT DISTINCT place.path
          FROM its
               JOIN tree_node AS place ON place.tree = its.tree AND starts_with(place.path, its.path)
               JOIN site ON place.node = CASE its.tree WHEN 'territory' THEN site.territory
                                                       ELSE site.enterprise END)
    SELECT EXISTS (SELECT FROM its AS place WHERE {_COVERED})
        OR (EXISTS (SELECT FROM held) AND NOT EXISTS (SELECT FROM held AS place WHERE NOT {_COVERED}))
"""  # noqa: S608  of our own texts


def has_source(connection: Connection, source: str, node: int | None, since: dt.date, until: dt.date) -> bool:
    """Whether that source is kept for a territory or enterprise from `since` to the day before `until`.

    Declared for it or for something above it, or for all places below it that hold sites.
    """
    if node is None:
        return False
    asked: dict[str, Any] = {"source": source, "node": node, "since": since, "until": max(since, until)}
    row = connection.execute(_HAS, asked).fetchone()
    return bool(row and row[0])
