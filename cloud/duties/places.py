"""Whether the caller may ask for a place: what he may not see is not there."""

from typing import Annotated, Any, LiteralString

from fastapi import Query

from cloud.accounts.model import Signed
from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection
from cloud.duties.performing import Of
from cloud.problems import ProblemError, not_found
from cloud.serving import Serving

SEES, RECORDS, SIGNS = "hazards.view", "duties.record", "logs.sign"
"""The permissions."""
OfNode = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Node of either tree; or a site.")]
OfSite = Annotated[str | None, Query(max_length=63, pattern=r"^[^\x00]+$", description="A site; or a node.")]

_NODE: LiteralString = """
    SELECT node FROM tree_node WHERE node = %(node)s AND rules_node(%(account)s, path, %(roles)s)
"""
_SITE: LiteralString = """
    SELECT site FROM site WHERE site = %(site)s AND sees_device(%(account)s, site, NULL, %(roles)s)
"""


async def place(serving: Serving, signed: Signed, node: int | None, site: str | None) -> Of:
    """The node or site that is asked for; a problem where it is neither or both, or not his to see."""
    if (node is None) == (site is None):
        detail = "Name either a node or a site."
        raise ProblemError(422, "invalid", "Of what?", detail, field="node", code="one-of")
    query = _SITE if node is None else _NODE
    if await serving.row(query, asking(signed, SEES, node=node, site=site)) is None:
        raise not_found("site" if node is None else "node")
    return site if node is None else node  # type: ignore[return-value]  # one of them is there


async def may_at(serving: Serving, signed: Signed, permission: str, of: Of) -> bool:
    """Whether the caller may do that for the place."""
    node, site = (of, None) if isinstance(of, int) else (None, of)
    query = _SITE if node is None else _NODE
    return await serving.row(query, asking(signed, permission, node=node, site=site)) is not None


async def check_may(
    connection: AsyncConnection, signed: Signed, permission: str, *, node: int | None, site: str | None
) -> None:
    """Raise a problem where the account may not do that for the place."""
    query = _SITE if node is None else _NODE
    cursor = await connection.execute(query, asking(signed, permission, node=node, site=site))
    if await cursor.fetchone() is None:
        field = "site" if node is None else "node"
        raise ProblemError(
            422, "unknown-reference", "It refers to nothing", f"{field}: none for which you act.", field=field
        )


def asking(signed: Signed, permission: str, **more: Any) -> dict[str, Any]:
    """What the queries ask for on behalf of the account."""
    return {"account": signed.account_id, "roles": roles_with(permission), **more}
