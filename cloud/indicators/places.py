"""Which place somebody asks about: a node, a site or all that he sees; what he may not see is not found."""

from typing import Annotated, LiteralString

from fastapi import Query

from cloud.accounts.model import Signed
from cloud.accounts.roles import roles_with
from cloud.indicators.service import SEES, Place
from cloud.instants import HOME_ZONE
from cloud.jurisdictions.loading import DEFAULT
from cloud.jurisdictions.store import ABOVE, HOLDS_AT
from cloud.problems import ProblemError, not_found
from cloud.serving import Serving

NodeAsked = Annotated[int | None, Query(description="All sites below it, of either tree.")]
SiteAsked = Annotated[
    str | None, Query(max_length=128, pattern=r"^[^\x00]+$", description="This site alone.")
]

_OF_FIRST: LiteralString = f"""
    mode() WITHIN GROUP (ORDER BY site.time_zone) AS zone,
    (array_agg(({HOLDS_AT}) ORDER BY site.site))[1] AS rules
"""
"""Of sites: the time zone of most of them, and what holds at the first."""
_ALL: LiteralString = f"""
    SELECT {_OF_FIRST} FROM sites_of(%(account)s, %(roles)s) AS seen JOIN site USING (site)
"""  # noqa: S608  of constants only
_NODE: LiteralString = f"""
    SELECT asked.path, below.zone,
           CASE asked.tree WHEN 'territory' THEN (
               SELECT above.jurisdiction {ABOVE}
                WHERE its.node = asked.node AND above.jurisdiction IS NOT NULL
                ORDER BY length(above.path) DESC LIMIT 1) ELSE below.rules END AS rules
      FROM tree_node AS asked, LATERAL (
               SELECT {_OF_FIRST}
                 FROM site JOIN tree_node AS its ON its.node IN (site.territory, site.enterprise)
                WHERE starts_with(its.path, asked.path)) AS below
     WHERE node = %(node)s AND sees_node(%(account)s, path)
"""  # noqa: S608
_SITE: LiteralString = f"""
    SELECT site.time_zone AS zone, ({HOLDS_AT}) AS rules FROM site
     WHERE site.site = %(site)s AND sees_site(%(account)s, site.site, %(roles)s)
"""  # noqa: S608


async def place_of(serving: Serving, signed: Signed, node: int | None, site: str | None) -> Place:
    """The place; a problem where the caller sees no such one, or names two."""
    if node is not None and site is not None:
        raise ProblemError(422, "one-place", "A node or a site", "A node or a site, not both.", field="site")
    what, query = ("node", _NODE) if node is not None else ("site", _SITE) if site is not None else ("", _ALL)
    asked = {"node": node, "site": site, "account": signed.account_id, "roles": roles_with(SEES)}
    row = await serving.row(query, asked)
    if row is None:
        raise not_found(what)
    return Place(
        account=signed.account_id,
        site=site,
        path=row.get("path"),
        rules=row["rules"] or DEFAULT,
        zone=row["zone"] or HOME_ZONE,
    )
