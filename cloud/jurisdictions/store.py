"""Which jurisdiction holds for a site: that of the nearest territory above it that names one."""

from typing import LiteralString

from cloud.database import Connection
from cloud.jurisdictions.loading import DEFAULT, jurisdiction
from cloud.jurisdictions.model import Jurisdiction

HOLDS_FOR: LiteralString = """
    SELECT above.jurisdiction
      FROM site JOIN tree_node AS its ON its.node = site.territory
           JOIN tree_node AS above
             ON above.node = ANY (string_to_array(trim(both '/' from its.path), '/')::int[])
     WHERE site.site = %s AND above.jurisdiction IS NOT NULL
     ORDER BY length(above.path) DESC LIMIT 1
"""
"""The name of the one that holds for a site; no row where none is named."""


def jurisdiction_of(connection: Connection, site: str) -> Jurisdiction:
    """What holds for a site; the default where no territory above it says otherwise."""
    row = connection.execute(HOLDS_FOR, [site]).fetchone()
    return jurisdiction(DEFAULT if row is None else row[0])
