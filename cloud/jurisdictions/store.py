"""Which jurisdiction holds for a site: that of the nearest territory above it that names one."""

from typing import LiteralString

from cloud.database import Connection
from cloud.jurisdictions.loading import DEFAULT, jurisdiction
from cloud.jurisdictions.model import Jurisdiction

ABOVE: LiteralString = """
    FROM tree_node AS its
         JOIN tree_node AS above
           ON above.node = ANY (string_to_array(trim(both '/' from its.path), '/')::int[])
"""
"""A node, and those above it and itself."""
HOLDS_AT: LiteralString = f"""
    SELECT above.jurisdiction {ABOVE}
     WHERE its.node = site.territory AND above.jurisdiction IS NOT NULL
     ORDER BY length(above.path) DESC LIMIT 1
"""
"""Within a query over `site`: the name of the one that holds there; none where none is named."""
HOLDS_FOR: LiteralString = f"SELECT ({HOLDS_AT}) AS jurisdiction FROM site WHERE site = %s"  # noqa: S608
"""The name of the one that holds for a site; NULL where none is named."""


def jurisdiction_of(connection: Connection, site: str) -> Jurisdiction:
    """What holds for a site; the default where no territory above it says otherwise."""
    row = connection.execute(HOLDS_FOR, [site]).fetchone()
    return jurisdiction(DEFAULT if row is None or row[0] is None else row[0])
