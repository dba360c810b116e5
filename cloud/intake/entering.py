"""Rows of another system that become records of a ledger: new ones, or corrections of what it sent before."""

from typing import Any, LiteralString

import msgspec

from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection
from cloud.enforcement import service as enforcement
from cloud.enforcement.model import EnforcementGiven
from cloud.inspections import service as inspections
from cloud.inspections.model import InspectionGiven
from cloud.inspections.store import row as row_of
from cloud.intake.records import CheckRow, MeasureRow, RecordRow
from cloud.problems import FieldProblem, ProblemError
from cloud.registry.service import etag
from sitewarden.text import Text

_ENTERPRISE: LiteralString = """
    SELECT node FROM tree_node AS its
     WHERE its.tree = 'enterprise' AND (its.code = %(said)s OR its.name ->> 'zh' = %(said)s)
       AND (rules_node(%(account)s, its.path, %(roles)s)
            OR EXISTS (SELECT FROM site JOIN tree_node AS firm ON firm.node = site.enterprise
                        WHERE starts_with(firm.path, its.path)
                          AND sees_site(%(account)s, site.site, %(roles)s)))
     ORDER BY its.code = %(said)s DESC, length(its.path) LIMIT 1
"""
_CHECK: LiteralString = """
    SELECT id, seq, kind, territory, site, enterprise FROM inspection_now
     WHERE (system, external_id) = (%(system)s, %(external_id)s)
"""
_MEASURE: LiteralString = """
    SELECT id, seq, territory FROM enforcement_now
     WHERE (system, external_id) = (%(system)s, %(external_id)s)
"""
_SAID = {
    "not-his-level": Text("不是该类检查实施方的级别", "is not a level of who inspects so"),
    "inspection-needs": Text("没有填写", "is missing"),
    "measure-needs": Text("该措施需要填写", "is needed by this measure"),
    "before-begin": Text("早于开始时间", "is before it began"),
    "in-future": Text("在将来", "is in the future"),
    "not-asked-here": Text("有该类检查不查的项目", "has what this kind of inspection does not ask"),
    "not-his-kind": Text("您的角色不登记这类检查", "is none that your role records"),
    "unknown-reference": Text("本平台没有，或不归您管", "is not here, or is not yours"),
}
"""What is wrong by its code, in both languages."""
_FIELDS = {"acting_level": "level", "territory": "area", "enterprise_name": "enterprise"}
"""Of the ledger, as rows have them."""


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
) -> list[tuple[str, Text]]:
    """Keep it as a new record, or as a correction; what is wrong of it by field, where it is refused."""
    place = {
        "territory": None if area is None else area["node"],
        "acting_level": row.level or (area["kind"] if area is not None else "project"),
        "site": site,
        **await _enterprise(entering, row),
    }
    try:
        if isinstance(row, CheckRow):
            await _check(entering, row, place)
        else:
            await _measure(entering, row, place)
    except ProblemError as exc:
        return [
            _wrong(one) for one in exc.errors or [FieldProblem(field="", message=exc.detail, code="intake")]
        ]
    return []


async def _check(entering: Entering, row: CheckRow, place: dict[str, Any]) -> None:
    kind_roles = inspections.records_kind(row.kind)
    role = next((one for one in kind_roles if one in entering.held), "")
    acting = inspections.Acting(
        connection=entering.connection,
        account=entering.account,
        signer=None,
        role=role,
        author=entering.author,
        now_ms=entering.now_ms,
    )
    given = row.corrected(place)
    named: dict[str, Any] = {"system": entering.system, "external_id": row.external_id}
    known = await row_of(entering.connection, _CHECK, named)
    if known is None:
        said = given.model_dump(include=set(InspectionGiven.model_fields))
        await inspections.record(acting, InspectionGiven.model_validate(said), inspections.Origin(**named))
        known = await row_of(entering.connection, _CHECK, named) if row.withdrawn else None
    if known is not None:
        await inspections.correct(acting, known, given, etag(known["seq"]))


async def _measure(entering: Entering, row: MeasureRow, place: dict[str, Any]) -> None:
    role = next((one for one in roles_with(enforcement.RECORDS) if one in entering.held), "")
    acting = enforcement.Acting(
        connection=entering.connection,
        account=entering.account,
        signer=None,
        role=role,
        author=entering.author,
        now_ms=entering.now_ms,
    )
    given = row.corrected(place)
    named: dict[str, Any] = {"system": entering.system, "external_id": row.external_id}
    known = await row_of(entering.connection, _MEASURE, named)
    if known is None:
        said = given.model_dump(include=set(EnforcementGiven.model_fields))
        await enforcement.record(acting, EnforcementGiven.model_validate(said), enforcement.Origin(**named))
        known = await row_of(entering.connection, _MEASURE, named) if row.withdrawn else None
    if known is not None:
        await enforcement.correct(acting, known, given, etag(known["seq"]))


async def _enterprise(entering: Entering, row: RecordRow) -> dict[str, Any]:
    """By its node where it is in the tree, so that it counts once however it is written."""
    if not row.enterprise:
        return {}
    permission = inspections.RECORDS if isinstance(row, CheckRow) else enforcement.RECORDS
    asked = {"said": row.enterprise, "account": entering.account, "roles": roles_with(permission)}
    found = await row_of(entering.connection, _ENTERPRISE, asked)
    return {"enterprise_name": row.enterprise} if found is None else {"enterprise": found["node"]}


def _wrong(problem: FieldProblem) -> tuple[str, Text]:
    field = problem.field.removeprefix("body.")
    return _FIELDS.get(field, field), _SAID.get(problem.code, Text(problem.message, problem.message))
