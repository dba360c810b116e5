"""Connectors to other platforms over HTTP: how they fare, what went, and sending again what was mended."""

from typing import Annotated, Any, LiteralString
from uuid import UUID, uuid4

import msgspec
from fastapi import APIRouter, Query, Response

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection, Row, row_of
from cloud.outbound.mapping import read_mapping
from cloud.outbound.model import (
    ConnectorGiven,
    ConnectorShown,
    Outbound,
    PackageDetail,
    PackageShown,
    ReceiptGiven,
    ResendGiven,
    State,
)
from cloud.outbound.packages import schemas
from cloud.paging import After, Limit, asked_part, by, part
from cloud.problems import FieldProblem, ProblemError, not_found
from cloud.registry.service import IfMatch, acting, check_match, etag
from cloud.serving import Served, Serving
from cloud.shown import Page, Shown
from sitewarden.errors import ConfigurationError

EDITS, SEES = "connectors.edit", "notices.view"
"""The permissions."""

_RULES: LiteralString = """
    (rules_channel(%(account)s, NULL, %(roles)s)
     OR EXISTS (SELECT FROM tree_node AS t
                 WHERE t.node = its.node AND rules_node(%(account)s, t.path, %(roles)s)))
"""
_RULED: LiteralString = (
    "SELECT version, kind FROM connector AS its WHERE connector = %(connector)s AND "  # noqa: S608  both our own
    + _RULES
)
_RULED_NODE: LiteralString = (
    "SELECT 1 AS one FROM (SELECT %(node)s::int AS node) AS its WHERE "  # noqa: S608  both our own
    + _RULES
)
_SEEN: LiteralString = """
    (rules_channel(%(account)s, NULL)
     OR EXISTS (SELECT FROM tree_node AS t WHERE t.node = its.node AND rules_node(%(account)s, t.path, NULL)))
"""
_CONNECTORS: LiteralString = (
    """
    SELECT its.connector AS id, its.name, its.kind, its.node, its.wants, its.url, its.mapping, its.is_on,
           its.since, its.version, its.failures, its.rests_until,
           EXISTS (SELECT FROM connector_secret AS s WHERE s.connector = its.connector) AS has_key,
           fares.*, last.settled_at AS last_receipt_at, last.code AS last_code, last.answer AS last_answer,
           """  # noqa: S608  all our own
    + _RULES
    + """ AS may_change
      FROM connector AS its
           LEFT JOIN LATERAL (
               SELECT count(*) FILTER (WHERE state NOT IN ('accepted', 'rejected')) AS depth,
                      min(created_at) FILTER (WHERE state NOT IN ('accepted', 'rejected')) AS oldest_at,
                      count(*) FILTER (WHERE state = 'rejected') AS rejected,
                      count(*) FILTER (WHERE state = 'accepted') AS accepted
                 FROM package WHERE package.connector = its.connector) AS fares ON true
           LEFT JOIN LATERAL (
               SELECT settled_at, code, answer FROM package
                WHERE package.connector = its.connector AND settled_at IS NOT NULL
                ORDER BY settled_at DESC, seq DESC LIMIT 1) AS last ON true
     WHERE """
    + _SEEN
)
_PACKAGES: LiteralString = (
    """
    SELECT package.package AS id, package.connector, its.name AS connector_name, package.seq, package.kind,
           item.of, package.site, encode(package.sha256, 'hex') AS sha256, package.state, package.code,
           package.answer, package.attempts, package.created_at, package.tried_at, package.settled_at,
           package.body, package.wire, its.kind AS via
      FROM package JOIN connector AS its USING (connector) JOIN outbox_item AS item USING (item)
     WHERE """  # noqa: S608  both our own
    + _SEEN
)
_LISTED: LiteralString = """
    AND (%(connector)s::uuid IS NULL OR package.connector = %(connector)s)
    AND (%(state)s::text IS NULL OR package.state = %(state)s)
    AND (%(at)s::timestamptz IS NULL OR (package.created_at, package.package) < (%(at)s, %(id)s::uuid))
    ORDER BY package.created_at DESC, package.package DESC LIMIT %(limit)s
"""
_UNCLAIMED: LiteralString = """
    SELECT count(*) AS n FROM outbox_item AS item
     WHERE NOT EXISTS (SELECT FROM package WHERE package.item = item.item)
"""
_SAVE: LiteralString = """
    INSERT INTO connector (connector, name, kind, node, wants, url, mapping, is_on, since, author)
        VALUES (%(connector)s, %(name)s, %(kind)s, %(node)s, %(wants)s, %(url)s, %(mapping)s, %(is_on)s,
                %(now)s, %(author)s)
        ON CONFLICT (connector) DO UPDATE
           SET name = excluded.name, node = excluded.node, wants = excluded.wants, url = excluded.url,
               mapping = excluded.mapping, is_on = excluded.is_on, author = excluded.author,
               version = connector.version + 1, failures = 0, rests_until = NULL
"""


class SchemasShown(Shown):
    """JSON Schema of what packages say, by name and version."""

    schemas: dict[str, dict[str, Any]]


def make_router() -> APIRouter:
    """Every route of it."""
    router = APIRouter(tags=["outbound"])
    _add_reading(router)
    _add_editing(router)
    _add_mending(router)
    return router


def _add_reading(router: APIRouter) -> None:
    sees = [requires(SEES)]

    @router.get("/outbound", dependencies=sees)
    async def read_outbound(serving: Served, signed: SignedIn) -> Outbound:
        """Connectors, how many packages each has waiting, since when, and what came back."""
        rows = await serving.rows(_CONNECTORS + "ORDER BY its.name", _asked(signed))
        none = await serving.row(_UNCLAIMED)
        return Outbound(items=[_shown(row) for row in rows], unclaimed=none["n"] if none else 0)

    @router.get("/outbound/schemas", dependencies=sees)
    async def read_package_schemas() -> SchemasShown:
        """By what whoever receives packages may check them."""
        return SchemasShown(schemas=schemas())

    @router.get("/outbound/packages", dependencies=sees)
    async def list_packages(
        serving: Served,
        signed: SignedIn,
        *,
        connector: Annotated[UUID | None, Query()] = None,
        state: State | None = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[PackageShown]:
        """Packages of what the caller sees, the latest first."""
        asked = {
            **_asked(signed),
            "connector": connector,
            "state": state,
            **asked_part(after, limit),
        }
        rows = await serving.rows(_PACKAGES + _LISTED, asked)
        shown, following = part(rows, limit, by("created_at"))
        return Page(items=[PackageShown(**row) for row in shown], next=following)

    @router.get("/outbound/packages/{package}", dependencies=sees)
    async def read_package(package: UUID, serving: Served, signed: SignedIn) -> PackageDetail:
        """A package with what it says, here and in their words."""
        return _detail(await _package(serving, signed, package))


def _add_editing(router: APIRouter) -> None:
    edits = [requires(EDITS)]

    @router.post("/outbound/connectors", dependencies=edits, status_code=201)
    async def make_connector(
        given: ConnectorGiven, serving: Served, signed: SignedIn, response: Response
    ) -> ConnectorShown:
        """A new connector; what happens from now on goes to it."""
        made = uuid4()
        async with acting(serving, signed) as connection:
            await _save(connection, serving, signed, made, given)
        return await _read(serving, signed, made, response)

    @router.put("/outbound/connectors/{connector}", dependencies=edits)
    async def change_connector(
        connector: UUID,
        given: ConnectorGiven,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        if_match: IfMatch = None,
    ) -> ConnectorShown:
        """Change one; whoever mends it does not wait for the end of its rest."""
        async with acting(serving, signed) as connection:
            known = await row_of(
                connection,
                _RULED + " FOR UPDATE",
                {**_asked(signed), "connector": connector},
            )
            if known is None:
                raise not_found("connector")
            check_match(if_match, known["version"])
            if given.kind != known["kind"]:
                raise ProblemError(409, "kind-stays", "Its kind stays", "Make another connector instead.")
            await _save(connection, serving, signed, connector, given)
        return await _read(serving, signed, connector, response)


def _add_mending(router: APIRouter) -> None:
    edits = [requires(EDITS)]

    @router.post("/outbound/packages/{package}/resend", dependencies=edits, status_code=201)
    async def resend_package(
        package: UUID, given: ResendGiven, serving: Served, signed: SignedIn
    ) -> PackageDetail:
        """Send a rejected one again, by the mapping as it is now, under another number."""
        again = uuid4()
        await _changed(
            serving,
            signed,
            package,
            """
            UPDATE package SET package = %(again)s, state = 'waiting', wire = NULL, settled_at = NULL,
                   code = '', answer = %(why)s
             WHERE package = %(package)s AND state = 'rejected' RETURNING package
            """,
            {"again": again, "why": f"{signed.name}: {given.reason}"},
        )
        return _detail(await _package(serving, signed, again))

    @router.post("/outbound/packages/{package}/receipt", dependencies=edits, status_code=201)
    async def note_receipt(
        package: UUID, given: ReceiptGiven, serving: Served, signed: SignedIn
    ) -> PackageDetail:
        """Note a receipt that came by another way."""
        await _changed(
            serving,
            signed,
            package,
            """
            UPDATE package SET state = %(result)s, code = %(code)s, answer = %(why)s, settled_at = %(now)s
             WHERE package = %(package)s AND state IN ('sent', 'unknown') RETURNING package
            """,
            {**given.model_dump(), "why": f"{signed.name}: {given.text}", "now": serving.now()},
        )
        return _detail(await _package(serving, signed, package))


async def _changed(
    serving: Serving, signed: Signed, package: UUID, query: LiteralString, values: Row
) -> None:
    known = await _package(serving, signed, package)
    async with acting(serving, signed) as connection:
        rules = await row_of(
            connection,
            _RULED,
            {**_asked(signed), "connector": known["connector"]},
        )
        if rules is None:
            raise not_found("package")
        if await row_of(connection, query, {**values, "package": package}) is None:
            detail = f"A package that is {known['state']} cannot be acted on so."
            raise ProblemError(409, "not-in-this-state", "Not now", detail)


async def _save(
    connection: AsyncConnection, serving: Serving, signed: Signed, connector: UUID, given: ConnectorGiven
) -> None:
    _check_mapping(given.mapping)
    asked = {**_asked(signed), "node": given.node}
    if await row_of(connection, _RULED_NODE, asked) is None:
        detail = "node: there is no such area or enterprise."
        raise ProblemError(422, "unknown-reference", "It refers to nothing", detail, field="body.node")
    values = given.model_dump(exclude={"key"})
    await connection.execute(
        _SAVE, {**values, "connector": connector, "now": serving.now(), "author": signed.name}
    )
    if given.key is not None:
        await connection.execute(
            "INSERT INTO connector_secret (connector, key) VALUES (%(connector)s, %(key)s) "
            "ON CONFLICT (connector) DO UPDATE SET key = excluded.key",
            {"connector": connector, "key": given.key.get_secret_value()},
        )


def _check_mapping(text: str) -> None:
    try:
        read_mapping(text)
    except ConfigurationError as exc:
        said = [FieldProblem(field="body.mapping", message=str(exc), code="mapping-wrong")]
        raise ProblemError(422, "invalid", "The mapping cannot be meant", str(exc), errors=said) from exc


async def _read(serving: Serving, signed: Signed, connector: UUID, response: Response) -> ConnectorShown:
    query = _CONNECTORS + "AND its.connector = %(connector)s"
    row = await serving.row(query, {**_asked(signed), "connector": connector})
    if row is None:
        raise not_found("connector")
    response.headers["ETag"] = etag(row["version"])
    return _shown(row)


async def _package(serving: Serving, signed: Signed, package: UUID) -> Row:
    query = _PACKAGES + "AND package.package = %(package)s"
    row = await serving.row(query, {**_asked(signed), "package": package})
    if row is None:
        raise not_found("package")
    return row


def _shown(row: Row) -> ConnectorShown:
    """Whoever may not change it is not shown where and how it speaks."""
    hidden = {} if row["may_change"] else {"url": "", "mapping": ""}
    return ConnectorShown(**{**row, **hidden})


def _detail(row: Row) -> PackageDetail:
    wire = None if row["wire"] is None else msgspec.json.decode(row["wire"])
    return PackageDetail(**{**row, "body": msgspec.json.decode(row["body"]), "wire": wire})


def _asked(signed: Signed) -> dict[str, Any]:
    return {"account": signed.account_id, "roles": roles_with(EDITS)}
