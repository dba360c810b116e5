"""Rows of another system that become records of a ledger: new ones, or corrections of what it sent before."""

from typing import Any, LiteralString

import msgspec
from pydantic import BaseModel, ValidationError

from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection, row_of
from cloud.enforcement import service as enforcement
from cloud.enforcement.model import EnforcementGiven
from cloud.inspections import service as inspections
from cloud.inspections.levels import LEVELS
from cloud.inspections.model import InspectionGiven
from cloud.intake.records import CheckRow, RecordRow
from cloud.problems import FieldProblem, ProblemError
from cloud.registry.service import etag

_ENTERPRISE: LiteralString = """
    SELECT node FROM tree_node AS its
     WHERE its.tree = 'enterprise' AND (its.code = %(said)s OR its.name ->> 'zh' = %(said)s)
       AND (rules_node(%(account)s, its.path, %(roles)s)
            OR EXISTS (SELECT FROM site JOIN tree_node AS firm ON firm.node = site.enterprise
                        WHERE starts_with(firm.path, its.path)
                          AND sees_site(%(account)s, site.site, %(roles)s)))
     ORDER BY its.code = %(said)s DESC, length(its.path) LIMIT 1
"""
_FIELDS = {"acting_level": "level", "territory": "area", "enterprise_name": "enterprise"}
"""Of the ledger, as rows have them."""


class _Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger that rows are entered in."""

    known: LiteralString
    """Its record of a number of the other system."""
    given: type[BaseModel]
    """What a new record says."""
    service: Any
    """`inspections.service` or `enforcement.service`: they record and correct alike."""


_INSPECTIONS = _Ledger(
    known="""
        SELECT id, seq, kind, territory, site, enterprise FROM inspection_now
         WHERE (system, external_id) = (%(system)s, %(external_id)s)
    """,
    given=InspectionGiven,
    service=inspections,
)
_MEASURES = _Ledger(
    known="""
        SELECT id, seq, territory FROM enforcement_now
         WHERE (system, external_id) = (%(system)s, %(external_id)s)
    """,
    given=EnforcementGiven,
    service=enforcement,
)


class Entering(msgspec.Struct, frozen=True, kw_only=True):
    """Who enters it, from which system."""

    connection: AsyncConnection
    account: int
    author: str
    held: frozenset[str]
    """His roles, anywhere: the ledgers look at which node and site they hold."""
    system: str
    now_ms: int


async def enter(
    entering: Entering, row: RecordRow, area: dict[str, Any] | None, site: str | None
) -> list[tuple[str, FieldProblem]]:
    """Keep it as a new record, or as a correction; what is wrong of it by field, where it is refused."""
    place = {
        "territory": None if area is None else area["node"],
        "acting_level": row.level or ("project" if area is None else LEVELS.get(area["kind"])),
        "site": site,
        **await _enterprise(entering, row),
    }
    try:
        if isinstance(row, CheckRow):
            await _enter(entering, _INSPECTIONS, row, inspections.records_kind(row.kind), place)
        else:
            await _enter(entering, _MEASURES, row, roles_with(enforcement.RECORDS), place)
    except ValidationError as exc:
        return [_wrong(str(one["loc"][0]), one["msg"], one["type"]) for one in exc.errors()]
    except ProblemError as exc:
        return [
            _wrong(one.field, one.message, one.code)
            for one in exc.errors or [FieldProblem(field="", message=exc.detail, code="intake")]
        ]
    return []


async def _enter(
    entering: Entering, ledger: _Ledger, row: RecordRow, roles: list[str], place: dict[str, Any]
) -> None:
    given = row.corrected(place)
    acting = ledger.service.Acting(
        connection=entering.connection,
        account=entering.account,
        signer=None,
        role=next((one for one in roles if one in entering.held), ""),
        author=entering.author,
        now_ms=entering.now_ms,
    )
    named = {"system": entering.system, "external_id": row.external_id}
    known = await row_of(entering.connection, ledger.known, named)
    if known is None:
        said = ledger.given.model_validate(given.model_dump(include=set(ledger.given.model_fields)))
        await ledger.service.record(acting, said, ledger.service.Origin(**named))
        known = await row_of(entering.connection, ledger.known, named) if row.withdrawn else None
    if known is not None:
        await ledger.service.correct(acting, known, given, etag(known["seq"]))


async def _enterprise(entering: Entering, row: RecordRow) -> dict[str, Any]:
    """By its node where it is in the tree, so that it counts once however it is written."""
    if not row.enterprise:
        return {}
    permission = inspections.RECORDS if isinstance(row, CheckRow) else enforcement.RECORDS
    asked = {"said": row.enterprise, "account": entering.account, "roles": roles_with(permission)}
    found = await row_of(entering.connection, _ENTERPRISE, asked)
    return {"enterprise_name": row.enterprise} if found is None else {"enterprise": found["node"]}


def _wrong(field: str, message: str, code: str) -> tuple[str, FieldProblem]:
    named = field.removeprefix("body.")
    # A level that nobody knows is asked for.
    is_unsaid = named == "acting_level" and code.endswith(("_type", "_error"))
    said = FieldProblem(field=field, message=message, code="level-needed" if is_unsaid else code)
    return _FIELDS.get(named, named), said
