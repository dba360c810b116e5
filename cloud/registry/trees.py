"""The two trees that sites hang in, territories and enterprises, over HTTP."""

from typing import Any, Literal

from fastapi import APIRouter, Response
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloud.accounts.permissions import AnySigned, SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection, Row
from cloud.idempotency import Answer
from cloud.jurisdictions.loading import jurisdictions
from cloud.paging import After, KeyCursor, Limit, by_key, part, read_cursor
from cloud.problems import ProblemError, not_found
from cloud.registry.model import NodeGiven, TreeNode
from cloud.registry.service import IdempotencyKey, IfMatch, acting, check_match, etag, once, removing
from cloud.serving import Served
from cloud.shown import Page

router = APIRouter(
    tags=["registry"],
    responses={
        409: {"description": "It contradicts what is there"},
        412: {"description": "Somebody has changed it meanwhile"},
        428: {"description": "`If-Match` is missing"},
    },
)
Tree = Literal["territory", "enterprise"]
_EDITED_WITH = "trees.edit"
_EDITS = requires(_EDITED_WITH)

_NODES = "SELECT node AS id, parent, kind, name, code, jurisdiction, path, version FROM tree_node "


@router.get("/trees/{tree}", dependencies=[AnySigned])
async def list_nodes(
    tree: Tree, serving: Served, signed: SignedIn, *, after: After = None, limit: Limit = 500
) -> Page[TreeNode]:
    """The nodes that the account may see and those above them, each after the one it hangs from."""
    cursor = read_cursor(after, KeyCursor).key if after else None
    asked = {"tree": tree, "account": signed.account_id, "after": cursor, "limit": limit + 1}
    async with acting(serving, signed) as connection:
        rows = await _rows(
            connection,
            """
            WHERE tree = %(tree)s AND sees_node(%(account)s, path)
              AND (%(after)s::text IS NULL OR path COLLATE "C" > %(after)s)
            ORDER BY path COLLATE "C" LIMIT %(limit)s
            """,
            asked,
        )
    shown, following = part(rows, limit, by_key("path"))
    return Page(items=[TreeNode(**row) for row in shown], next=following)


@router.post("/trees/{tree}", dependencies=[_EDITS], status_code=201)
async def make_node(
    tree: Tree,
    serving: Served,
    signed: SignedIn,
    response: Response,
    *,
    given: NodeGiven,
    idempotency_key: IdempotencyKey = None,
) -> TreeNode:
    """A new node, below its parent."""
    _check_jurisdiction(tree, given)
    async with acting(serving, signed) as connection:

        async def work() -> Answer:
            # Its parent may be moving at this moment, and the path would be that of where it was.
            await _lock(connection)
            above = await _parent(connection, tree, given.parent)
            cursor = await connection.execute(
                """
                WITH new AS (SELECT nextval(pg_get_serial_sequence('tree_node', 'node')) AS node)
                INSERT INTO tree_node (node, tree, parent, kind, name, code, jurisdiction, path)
                    OVERRIDING SYSTEM VALUE
                    SELECT node, %(tree)s, %(parent)s, %(kind)s, %(name)s, %(code)s, %(jurisdiction)s,
                           %(above)s || node || '/'
                      FROM new RETURNING node
                """,
                {**_columns(given), "tree": tree, "above": above},
            )
            made = await cursor.fetchone()
            row = await _node(connection, tree, made[0] if made else 0)
            await _check_seen(connection, signed.account_id, row["path"])
            return Answer(body=TreeNode(**row).model_dump(mode="json"), etag=etag(row["version"]))

        answer = await once(
            connection,
            signed,
            key=idempotency_key,
            request=(f"trees/{tree}", given.model_dump(mode="json")),
            now_ms=serving.now_ms(),
            work=work,
        )
    response.headers["ETag"] = answer.etag or ""
    return TreeNode(**answer.body)


@router.get("/trees/{tree}/{node}", dependencies=[AnySigned])
async def read_node(
    tree: Tree, serving: Served, signed: SignedIn, response: Response, *, node: int
) -> TreeNode:
    """One node."""
    async with acting(serving, signed) as connection:
        row = await _seen(connection, tree, node, signed.account_id)
    response.headers["ETag"] = etag(row["version"])
    return TreeNode(**row)


@router.put("/trees/{tree}/{node}", dependencies=[_EDITS])
async def change_node(
    tree: Tree,
    serving: Served,
    signed: SignedIn,
    response: Response,
    *,
    node: int,
    given: NodeGiven,
    if_match: IfMatch = None,
) -> TreeNode:
    """Name a node otherwise, or move it with all that hangs below it."""
    _check_jurisdiction(tree, given)
    async with acting(serving, signed) as connection:
        await _lock(connection)
        before = await _seen(connection, tree, node, signed.account_id, inside=True)
        check_match(if_match, before["version"])
        above = await _parent(connection, tree, given.parent)
        if above.startswith(before["path"]):
            detail = "parent: a node cannot hang below itself"
            raise ProblemError(409, "loop", "It would be a loop", detail, field="parent")
        path = f"{above}{node}/"
        await connection.execute(
            """
            UPDATE tree_node SET parent = %(parent)s, kind = %(kind)s, name = %(name)s, code = %(code)s,
                   jurisdiction = %(jurisdiction)s, path = %(path)s
             WHERE node = %(node)s
            """,
            {**_columns(given), "path": path, "node": node},
        )
        if path != before["path"]:
            await connection.execute(
                """
                UPDATE tree_node SET path = %(path)s || substr(path, length(%(was)s) + 1)
                 WHERE starts_with(path, %(was)s) AND node <> %(node)s
                """,
                {"path": path, "was": before["path"], "node": node},
            )
        row = await _node(connection, tree, node)
        await _check_seen(connection, signed.account_id, row["path"])
    response.headers["ETag"] = etag(row["version"])
    return TreeNode(**row)


@router.delete("/trees/{tree}/{node}", dependencies=[_EDITS], status_code=204)
async def remove_node(
    tree: Tree, serving: Served, signed: SignedIn, *, node: int, if_match: IfMatch = None
) -> None:
    """Take out a node from which nothing hangs."""
    async with acting(serving, signed) as connection, removing():
        await _lock(connection)
        before = await _seen(connection, tree, node, signed.account_id, inside=True)
        check_match(if_match, before["version"])
        await connection.execute("DELETE FROM tree_node WHERE node = %s", [node])


TREE_LOCK = 0x5357_5452
"""Any number that nothing else in the database locks: two moves at once could make a loop."""


async def _lock(connection: AsyncConnection) -> None:
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", [TREE_LOCK])


def _check_jurisdiction(tree: Tree, given: NodeGiven) -> None:
    if given.jurisdiction is None:
        return
    if tree != "territory":
        detail = "jurisdiction: only a territory has one"
    elif given.jurisdiction not in jurisdictions():
        detail = f"jurisdiction: there is none of that name; known are {', '.join(jurisdictions())}"
    else:
        return
    raise ProblemError(422, "unknown-reference", "It refers to nothing", detail, field="jurisdiction")


def _columns(given: NodeGiven) -> dict[str, Any]:
    return {**given.model_dump(), "name": Jsonb(given.name.model_dump())}


async def _parent(connection: AsyncConnection, tree: Tree, node: int | None) -> str:
    """The path that a child's begins with."""
    if node is None:
        return "/"
    rows = await _rows(connection, "WHERE tree = %(tree)s AND node = %(node)s", {"tree": tree, "node": node})
    if not rows:
        detail = "parent: there is no such node in this tree"
        raise ProblemError(422, "unknown-reference", "It refers to nothing", detail, field="parent")
    return str(rows[0]["path"])


async def _node(connection: AsyncConnection, tree: Tree, node: int) -> Row:
    rows = await _rows(connection, "WHERE tree = %(tree)s AND node = %(node)s", {"tree": tree, "node": node})
    if not rows:
        raise not_found("node")
    return rows[0]


async def _seen(
    connection: AsyncConnection, tree: Tree, node: int, account_id: int | None, *, inside: bool = False
) -> Row:
    """The node, if the account may see it; with `inside`, if it lies within its scope."""
    row = await _node(connection, tree, node)
    rules = "rules_node(%(account)s, %(path)s, %(roles)s)"
    query = f"SELECT {rules if inside else 'sees_node(%(account)s, %(path)s)'}"
    asked = {"account": account_id, "path": row["path"], "roles": roles_with(_EDITED_WITH)}
    found = await connection.execute(query.encode(), asked)
    if await found.fetchone() != (True,):
        raise not_found("node")
    return row


async def _check_seen(connection: AsyncConnection, account_id: int | None, path: str) -> None:
    found = await connection.execute(
        "SELECT rules_node(%s, %s, %s)", [account_id, path, roles_with(_EDITED_WITH)]
    )
    if await found.fetchone() != (True,):
        detail = "parent: it would lie outside of what your account may see"
        raise ProblemError(422, "out-of-scope", "Out of scope", detail, field="parent")


async def _rows(connection: AsyncConnection, where: str, asked: dict[str, Any]) -> list[Row]:
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute((_NODES + where).encode(), asked)
    return await cursor.fetchall()
