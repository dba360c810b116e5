"""Which place somebody asks about: a node, a site or all that he sees; what he may not see is not found."""

from typing import Annotated, LiteralString

from fastapi import Query

from cloud.accounts.model import Signed
from cloud.accounts.roles import roles_with
from cloud.indicators.service import SEES, Place
from cloud.jurisdictions.loading import DEFAULT
from cloud.jurisdictions.store import ABOVE
from cloud.problems import ProblemError, not_found
from cloud.serving import Serving

NodeAsked = Annotated[int | None, Query(description="All sites below it, of either tree.")]
SiteAsked = Annotated[
    str | None, Query(max_length=128, pattern=r"^[^\x00]+$", description="This site alone.")
]

_NODE: LiteralString = f"""
    SELECT path, tree,
           (SELECT above.jurisdiction {ABOVE} WHERE its.node = asked.node AND above.jurisdiction IS NOT NULL
             ORDER BY length(above.path) DESC LIMIT 1) AS rules,
           (SELECT mode() WITHIN GROUP (ORDER BY site.time_zone) FROM site
                   JOIN tree_node AS its ON its.node IN (site.territory, site.enterprise)
             WHERE starts_with(its.path, asked.path)) AS zone
      FROM tree_node AS asked WHERE node = %(node)s AND sees_node(%(account)s, path)
"""  # noqa: S608  of constants only
_SITE: LiteralString = f"""
    SELECT site.time_zone AS zone, place.path AS territory, company.path AS enterprise,
           (SELECT above.jurisdiction {ABOVE} WHERE its.node = site.territory AND above.jurisdiction IS NOT
               NULL
             ORDER BY length(above.path) DESC LIMIT 1) AS rules
      FROM site LEFT JOIN tree_node AS place ON place.node = site.territory
           LEFT JOIN tree_node AS company ON company.node = site.enterprise
     WHERE site.site = %(site)s AND sees_site(%(account)s, site.site, %(roles)s)
"""  # noqa: S608


async def place_of(serving: Serving, signed: Signed, node: int | None, site: str | None) -> Place:
    """The place; a problem where the caller sees no such one, or names two."""
    account = signed.account_id
    if node is not None and site is not None:
        raise ProblemError(422, "one-place", "A node or a site", "A node or a site, not both.", field="site")
    if node is not None:
        row = await serving.row(_NODE, {"node": node, "account": account})
        if row is None:
            raise not_found("node")
        zone = row["zone"] or "Asia/Shanghai"
        return Place(account=account, path=row["path"], rules=row["rules"] or DEFAULT, zone=zone)
    if site is not None:
        row = await serving.row(_SITE, {"site": site, "account": account, "roles": roles_with(SEES)})
        if row is None:
            raise not_found("site")
        above = tuple(path for path in (row["territory"], row["enterprise"]) if path)
        return Place(account=account, site=site, above=above, rules=row["rules"] or DEFAULT, zone=row["zone"])
    return Place(account=account)
