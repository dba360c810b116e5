"""Who keeps what: a number whose source nobody has declared is unknown, and never 0."""

from typing import Any, LiteralString

from fastapi import APIRouter

from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import row_of
from cloud.intake.model import SourceGiven, SourceNode, Sources, SourceShown
from cloud.problems import ProblemError
from cloud.registry.service import acting
from cloud.serving import Served, Serving

DECLARES = "sources.declare"
_LISTED: LiteralString = """
    SELECT its.source, its.node, node.name AS node_name, its.since, its.until, its.declared_at, its.author
      FROM data_source AS its JOIN tree_node AS node ON node.node = its.node
     WHERE sees_node(%(account)s, node.path)
     ORDER BY its.source, node.path, its.since DESC LIMIT 2000
"""
_NODES: LiteralString = """
    SELECT node, name, kind FROM tree_node WHERE rules_node(%(account)s, path, %(roles)s)
     ORDER BY tree DESC, path LIMIT 1000
"""
_DECLARE: LiteralString = """
    INSERT INTO data_source (source, node, since, until, declared_at, author, account_id)
        SELECT %(source)s, node, %(since)s, %(until)s, %(now)s, %(author)s, %(account)s FROM tree_node
         WHERE node = %(node)s AND rules_node(%(account)s, path, %(roles)s)
        ON CONFLICT (source, node, since) DO UPDATE
           SET until = excluded.until, declared_at = excluded.declared_at, author = excluded.author,
               account_id = excluded.account_id
        RETURNING node
"""


def make_router() -> APIRouter:
    """Every route of it."""
    router = APIRouter(tags=["intake"])

    @router.get("/sources", dependencies=[requires("hazards.view")])
    async def list_sources(serving: Served, signed: SignedIn) -> Sources:
        """What is declared to be kept, for which node, since when."""
        return await _sources(serving, _scope(signed.account_id))

    @router.post("/sources", dependencies=[requires(DECLARES)])
    async def declare_source(given: SourceGiven, serving: Served, signed: SignedIn) -> Sources:
        """Declare that a source is whole for a node and all below it; the same again says until when."""
        if given.until is not None and given.until < given.since:
            detail = "until: it ends before it begins."
            raise ProblemError(
                422, "invalid", "Not a span", detail, field="body.until", code="ends-before-begin"
            )
        if signed.account_id is None:
            raise ProblemError(403, "forbidden", "Not allowed", "Your account may not do this.")
        values = {
            **given.model_dump(),
            "now": serving.now(),
            "author": signed.name,
            **_scope(signed.account_id),
        }
        async with acting(serving, signed) as connection:
            if await row_of(connection, _DECLARE, values) is None:
                detail = "node: there is none of that number."
                raise ProblemError(422, "unknown-reference", "It refers to nothing", detail, field="node")
        return await _sources(serving, _scope(signed.account_id))

    return router


async def _sources(serving: Serving, scope: dict[str, Any]) -> Sources:
    return Sources(
        items=[SourceShown(**row) for row in await serving.rows(_LISTED, scope)],
        nodes=[SourceNode(**row) for row in await serving.rows(_NODES, scope)],
    )


def _scope(account: int | None) -> dict[str, Any]:
    return {"account": account, "roles": roles_with(DECLARES)}
