"""Recording what an authority has done, and putting that right; nothing of it changes a hazard."""

from typing import Any
from uuid import UUID, uuid4

import msgspec

from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection, Row, instant, row_of
from cloud.enforcement import store
from cloud.enforcement.kinds import kinds
from cloud.enforcement.model import EnforcementGiven, EnforcementMended
from cloud.instants import local, rfc3339
from cloud.ledger.chain import Event, Signer
from cloud.ledger.store import append
from cloud.problems import FieldProblem, ProblemError
from cloud.registry.service import check_match

RECORDS, SEES = "enforcement.record", "enforcement.view"
"""The permissions."""
_FIRST_AHEAD_ZONE = "Pacific/Kiritimati"
"""Where every day begins first: a day that has begun nowhere is in the future."""


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers for it, in which transaction and when."""

    connection: AsyncConnection
    account: int
    signer: Signer | None
    """Nobody has signed what another system sends."""
    role: str
    author: str
    now_ms: int


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The other system that a record came from, and its number there."""

    system: str = ""
    external_id: str = ""


async def record(acting: Acting, given: EnforcementGiven, origin: Origin | None = None) -> UUID:
    """Keep a new record."""
    made = uuid4()
    why = {"withdrawn": False, "reason": ""}
    await _keep(acting, (made, 1), given, {**why, **msgspec.structs.asdict(origin or Origin())})
    return made


async def correct(acting: Acting, known: Row, given: EnforcementMended, if_match: str | None) -> None:
    """Keep a row that holds instead of the last; the caller has looked whether he sees it.

    Only who records for the authority that acted puts it right, whatever he makes of it.
    """
    connection = acting.connection
    scope = {"account": acting.account, "roles": roles_with(RECORDS)}
    await _check_territory(connection, {**scope, "node": known["territory"]})
    # Whoever corrects the same at the same time waits here, and then sees another version.
    query = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
    await connection.execute(query, [str(known["id"])])
    query = "SELECT seq, system, external_id FROM enforcement WHERE id = %s ORDER BY seq DESC LIMIT 1"
    last = await row_of(connection, query, [known["id"]])
    assert last is not None  # noqa: S101  he has seen it
    check_match(if_match, last["seq"])
    why = {"withdrawn": given.withdrawn, "reason": given.reason}
    origin = {"system": last["system"], "external_id": last["external_id"]}
    await _keep(acting, (known["id"], last["seq"] + 1), given, {**why, **origin})


async def _keep(
    acting: Acting, place: tuple[UUID, int], given: EnforcementGiven, why: dict[str, Any]
) -> None:
    values = await _checked(acting.connection, given, acting.account, acting.now_ms)
    at = rfc3339(instant(acting.now_ms))
    event = Event(
        at=at,
        actor=acting.author,
        account=acting.account,
        role=acting.role,
        kind="corrected" if why["reason"] else "recorded",
        body={name: _plain(value) for name, value in {**values, **why}.items()},
    )
    row = {**values, **why, "id": place[0], "seq": place[1], "at": at, "author": acting.author}
    await store.insert(acting.connection, {**row, "account": acting.account})
    await append(acting.connection, "enforcement", place[0], event, acting.signer)


async def _checked(
    connection: AsyncConnection, given: EnforcementGiven, account: int, now_ms: int
) -> dict[str, Any]:
    """What is given with what follows from it; a problem that names everything that is missing or not his."""
    values = given.model_dump(exclude={"signature", "reason", "withdrawn"})
    scope = {"account": account, "roles": roles_with(RECORDS)}
    await _check_territory(connection, {**scope, "node": given.territory})
    if given.hazard is not None:
        values["site"] = await _site_of(connection, "hazard", {**scope, "id": given.hazard})
    if given.incident is not None:
        values["site"] = await _site_of(connection, "incident", {**scope, "id": given.incident})
    if values["site"] is not None:
        query = (
            "SELECT enterprise FROM site WHERE site = %(site)s AND sees_site(%(account)s, site, %(roles)s)"
        )
        site = await row_of(connection, query, {**scope, "site": values["site"]})
        if site is None:
            raise _unknown("site")
        if values["enterprise"] is None and not values["enterprise_name"]:
            values["enterprise"] = site["enterprise"]
    if values["enterprise"] is not None:
        values["enterprise_name"] = await _enterprise_name(connection, values["enterprise"], scope)
    _check_complete(given, values, now_ms)
    return values


async def _check_territory(connection: AsyncConnection, asked: dict[str, Any]) -> None:
    query = """
        SELECT 1 AS one FROM tree_node
         WHERE node = %(node)s AND tree = 'territory' AND rules_node(%(account)s, path, %(roles)s)
    """
    if await row_of(connection, query, asked) is None:
        raise _unknown("territory")


async def _site_of(connection: AsyncConnection, what: str, asked: dict[str, Any]) -> str:
    query = (
        "SELECT site FROM hazard WHERE id = %(id)s AND sees_site(%(account)s, site, %(roles)s)"
        if what == "hazard"
        else "SELECT site FROM incident WHERE id = %(id)s AND sees_site(%(account)s, site, %(roles)s)"
    )
    found = await row_of(connection, query, asked)
    if found is None:
        raise _unknown(what)
    return str(found["site"])


async def _enterprise_name(connection: AsyncConnection, node: int, scope: dict[str, Any]) -> str:
    query = f"SELECT name FROM ({store.ENTERPRISES}) AS his WHERE node = %(node)s"  # noqa: S608  both our own
    found = await row_of(connection, query, {**scope, "node": node})
    if found is None:
        raise _unknown("enterprise")
    return str(found["name"]["zh"])


def _check_complete(given: EnforcementGiven, values: dict[str, Any], now_ms: int) -> None:
    there = {
        "enterprise": bool(values["enterprise_name"]),
        "amount": given.amount is not None,
        "persons": given.persons > 0,
        "document_no": bool(given.document_no),
    }
    errors = [
        FieldProblem(field=f"body.{need}", message="this kind of measure needs it", code="measure-needs")
        for need in kinds().kinds[given.kind].needs
        if not there[need]
    ]
    if given.both_punished and not given.case_no:
        said = "one case, two penalties: its number shows that"
        errors.append(FieldProblem(field="body.case_no", message=said, code="measure-needs"))
    if given.decided_on > local(instant(now_ms), _FIRST_AHEAD_ZONE).date():
        errors.append(FieldProblem(field="body.decided_on", message="is in the future", code="in-future"))
    if errors:
        detail = "; ".join(f"{error.field}: {error.message}" for error in errors)
        raise ProblemError(422, "invalid", "The request was not understood", detail, errors=errors)


def _unknown(field: str) -> ProblemError:
    detail = f"{field}: there is none of that name."
    return ProblemError(422, "unknown-reference", "It refers to nothing", detail, field=field)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int) else str(value)
