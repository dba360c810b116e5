"""Recording an inspection and putting it right: checked, signed, kept as a file; nothing is ever removed."""

import datetime as dt
import hashlib
from typing import Any
from uuid import UUID, uuid4

import msgspec
from psycopg.types.json import Jsonb

from cloud.accounts.roles import ADMIN
from cloud.database import AsyncConnection, Row, instant, row_of, rows_of
from cloud.inspections import store
from cloud.inspections.archive import archived
from cloud.inspections.model import InspectionCorrected, InspectionGiven
from cloud.inspections.questions import questions
from cloud.instants import HOME_ZONE, local, rfc3339
from cloud.ledger import store as ledger
from cloud.ledger.chain import Event, Signer
from cloud.problems import FieldProblem, ProblemError
from cloud.registry.service import check_match

RECORDS, SEES = "inspections.record", "hazards.view"
"""The permissions."""
_AHEAD = dt.timedelta(minutes=5)
"""A phone's clock may run ahead by so much."""
_LEVELS = {
    "authority": ("province", "prefecture", "county", "township"),
    "enterprise": ("enterprise", "project"),
}


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers for it, in which transaction and when."""

    connection: AsyncConnection
    account: int | None
    signer: Signer | None
    role: str
    author: str
    now_ms: int


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a record came from: another system, or a patrol with what it saw."""

    system: str = ""
    external_id: str = ""
    seen: dict[str, Any] = {}


def records_kind(kind: str) -> list[str]:
    """The roles that record that kind."""
    return [ADMIN, *questions().kinds[kind].by]


async def record(acting: Acting, given: InspectionGiven, origin: Origin | None = None) -> UUID:
    """Keep a new one."""
    made = uuid4()
    why = {"withdrawn": False, "reason": ""}
    await _keep(acting, (made, 1), given, {**why, **msgspec.structs.asdict(origin or Origin())})
    return made


async def correct(acting: Acting, known: Row, given: InspectionCorrected, if_match: str | None) -> None:
    """Keep a row that holds instead of the last; the caller has looked whether he sees it."""
    connection = acting.connection
    await check_his(acting, known)
    # Whoever corrects the same at the same time waits here, and then sees another version.
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(known["id"])])
    query = "SELECT seq, system, external_id, seen FROM inspection WHERE id = %s ORDER BY seq DESC LIMIT 1"
    last = await row_of(connection, query, [known["id"]])
    assert last is not None  # noqa: S101  he has seen it
    check_match(if_match, last["seq"])
    why = {"withdrawn": given.withdrawn, "reason": given.reason}
    origin = {name: last[name] for name in ("system", "external_id", "seen")}
    await _keep(acting, (known["id"], last["seq"] + 1), given, {**why, **origin})


async def check_his(acting: Acting, known: Row) -> None:
    """A problem unless he records for whoever inspected: the firm that was inspected corrects nothing."""
    scope = {"account": acting.account, "roles": records_kind(known["kind"])}
    if known["territory"] is not None:
        await _check_territory(acting.connection, scope, known["territory"], known["site"])
    elif known["site"] is not None:
        await _site(acting.connection, scope, known["site"])
    else:
        await _enterprise_name(acting.connection, {**scope, "own": True}, known["enterprise"])


async def _keep(acting: Acting, place: tuple[UUID, int], given: InspectionGiven, why: dict[str, Any]) -> None:
    values, zone = await _checked(acting, given)
    values |= {**why, "id": place[0], "seq": place[1]}
    at = rfc3339(instant(acting.now_ms))
    values |= {"signed": acting.signer is not None, "at": at, "author": acting.author}
    adapted = {name: Jsonb(values[name]) for name in ("people", "answers", "seen")}
    await acting.connection.execute(store.INSERT, {**values, **adapted, "account": acting.account})
    await _take_photos(acting, place[0], given)
    photos = await rows_of(acting.connection, store.PHOTOS, {"id": place[0]})
    values["photos"] = [one["sha256"] for one in photos]
    event = Event(
        at=at,
        actor=acting.author,
        account=acting.account,
        role=acting.role,
        kind="corrected" if why["reason"] else "recorded",
        body={name: _plain(value) for name, value in values.items()},
    )
    made = await ledger.append(acting.connection, "inspection", place[0], event, acting.signer)
    content = archived(values, zone, event=made.record, event_hash=made.hash)
    kept = {"id": place[0], "seq": place[1], "sha256": hashlib.sha256(content).digest(), "content": content}
    await acting.connection.execute(store.INSERT_ARCHIVE, kept)


async def _take_photos(acting: Acting, of: UUID, given: InspectionGiven) -> None:
    if not given.photos:
        return
    asked = {
        "site": given.site,
        "account": acting.account,
        "photos": [bytes.fromhex(one) for one in given.photos],
        "id": of,
        "at": instant(acting.now_ms),
    }
    taken = await row_of(acting.connection, store.TAKE_PHOTOS, asked)
    if taken is None or taken["arrived"] < len(set(given.photos)):
        detail = "photos: one of them has not arrived; send it again."
        raise ProblemError(
            422, "invalid", "A photo is missing", detail, field="body.photos", code="photo-not-there"
        )


async def _checked(acting: Acting, given: InspectionGiven) -> tuple[dict[str, Any], str]:
    """What is given with what follows from it, and the time zone of the place.

    A problem where it is not his or does not fit together.
    """
    kind = questions().kinds[given.kind]
    if acting.role not in records_kind(given.kind):
        detail = "Your role does not record this kind of inspection."
        raise ProblemError(403, "forbidden", "Not allowed", detail, field="body.kind", code="not-his-kind")
    excluded = {"signature", "reason", "withdrawn", "plan", "photos"}
    values = {**given.model_dump(exclude=excluded), "ended_at": given.ended_at or given.started_at}
    _check_complete(given, kind.side, instant(acting.now_ms))
    scope = {"account": acting.account, "roles": records_kind(given.kind)}
    if kind.side == "enterprise":
        values["territory"] = None
    elif given.territory is not None:
        await _check_territory(acting.connection, scope, given.territory, given.site)
    zone = HOME_ZONE
    if given.site is not None:
        site = await _site(acting.connection, scope, given.site)
        zone = site["time_zone"]
        if given.enterprise is None and not given.enterprise_name and site["enterprise"] is not None:
            values["enterprise"], name = site["enterprise"], site["enterprise_name"]
            values["enterprise_name"] = name["zh"]
    if given.enterprise is not None:
        own = {**scope, "own": kind.side == "enterprise" and given.site is None}
        values["enterprise_name"] = await _enterprise_name(acting.connection, own, given.enterprise)
    values["day"] = local(given.started_at, zone).date()
    return values, zone


async def _check_territory(
    connection: AsyncConnection, scope: dict[str, Any], node: int, site: str | None
) -> None:
    if await row_of(connection, store.TERRITORY, {**scope, "node": node, "site": site}) is None:
        raise _unknown("territory")


async def _site(connection: AsyncConnection, scope: dict[str, Any], site: str) -> Row:
    found = await row_of(connection, store.SITE, {**scope, "site": site})
    if found is None:
        raise _unknown("site")
    return found


async def _enterprise_name(connection: AsyncConnection, scope: dict[str, Any], node: int) -> str:
    found = await row_of(connection, store.ENTERPRISE, {**scope, "node": node})
    if found is None:
        raise _unknown("enterprise")
    return str(found["name"]["zh"])


def _check_complete(given: InspectionGiven, side: str, now: dt.datetime) -> None:
    asked, ended_at = questions().of(given.kind), given.ended_at or given.started_at
    wrong = [
        (
            given.acting_level not in _LEVELS[side],
            "acting_level",
            "is not of who inspects here",
            "not-his-level",
        ),
        (side == "authority" and given.territory is None, "territory", "say for which", "inspection-needs"),
        (
            # Of itself an enterprise says which of its own: another's name is nobody's check.
            given.site is None
            and given.enterprise is None
            and (side == "enterprise" or not given.enterprise_name),
            "site",
            "say which site or enterprise",
            "inspection-needs",
        ),
        (ended_at < given.started_at, "ended_at", "is before it began", "before-begin"),
        (ended_at > now + _AHEAD, "ended_at", "is in the future", "in-future"),
        (bool(set(given.answers) - set(asked)), "answers", "one is not asked in this kind", "not-asked-here"),
        (bool(given.photos) and given.site is None, "photos", "photos are of a site", "photos-of-nowhere"),
    ]
    errors = [
        FieldProblem(field=f"body.{field}", message=said, code=code)
        for is_so, field, said, code in wrong
        if is_so
    ]
    if errors:
        detail = "; ".join(f"{error.field}: {error.message}" for error in errors)
        raise ProblemError(422, "invalid", "The request was not understood", detail, errors=errors)


def _unknown(field: str) -> ProblemError:
    detail = f"{field}: there is none of that name."
    return ProblemError(422, "unknown-reference", "It refers to nothing", detail, field=field)


def _plain(value: Any) -> Any:
    """As canonical JSON takes it."""
    if isinstance(value, dt.datetime):
        return rfc3339(value)
    return value if value is None or isinstance(value, bool | int | list | dict) else str(value)
