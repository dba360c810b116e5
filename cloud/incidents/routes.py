"""Incidents over HTTP."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Response
from fastapi.encoders import jsonable_encoder

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.accounts.signing import open_key
from cloud.database import Row
from cloud.hazards.told import tell_of_incident
from cloud.idempotency import Answer
from cloud.incidents import store
from cloud.incidents.model import (
    LESSONS,
    Act,
    ClockShown,
    DetailsShown,
    FirstReportShown,
    IncidentCounts,
    IncidentGiven,
    IncidentListed,
    IncidentShown,
    Kind,
    LessonShown,
    Status,
    UnmetShown,
)
from cloud.incidents.record import Record, closing
from cloud.incidents.service import FILES, SEES, Acting, acts_of, do, file, permission_of
from cloud.instants import rfc3339
from cloud.ledger.actor import permissions_at, role_for
from cloud.ledger.model import event_shown
from cloud.ledger.store import EVENTS
from cloud.paging import After, Limit, asked_part, by, part
from cloud.problems import not_found
from cloud.registry.access import KnownSite, seen_site
from cloud.registry.known import SiteEntry
from cloud.registry.service import IdempotencyKey, IfMatch, acting, check_match, etag, once
from cloud.serving import Served, Serving
from cloud.shown import Page

_OfSite = Annotated[
    str | None, Query(max_length=63, pattern=r"^[^\x00]+$", description="Of this site alone.")
]


def make_router() -> APIRouter:
    """Every route of it."""
    router = APIRouter(tags=["incidents"], responses={409: {"description": "Something is in the way"}})
    _add_reading(router)
    _add_filing(router)
    _add_acting(router)
    return router


def _add_reading(router: APIRouter) -> None:
    @router.get("/incidents", dependencies=[requires(SEES)])
    async def list_incidents(
        serving: Served,
        signed: SignedIn,
        *,
        kind: Kind | None = None,
        status: Status | None = None,
        site: _OfSite = None,
        hazard: UUID | None = None,
        overdue: bool = False,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[IncidentListed]:
        """Incidents of every site that the account sees, the latest first."""
        asked = {
            **_seen_by(signed),
            "kind": kind,
            "status": status,
            "site": site,
            "hazard": hazard,
            "overdue": overdue,
            **asked_part(after, limit),
        }
        rows = await serving.rows(store.SHOWN + store.FILTERS, asked)
        shown, following = part(rows, limit, by("occurred_at"))
        return Page(items=[IncidentListed(**_listed(row)) for row in shown], next=following)

    @router.get("/incidents/counts", dependencies=[requires(SEES)])
    async def count_incidents(serving: Served, signed: SignedIn, site: _OfSite = None) -> IncidentCounts:
        """The three ledgers in numbers."""
        row = await serving.row(store.COUNTS, {**_seen_by(signed), "site": site})
        return IncidentCounts(**(row or {}))

    @router.get("/incidents/{incident}", dependencies=[requires(SEES)])
    async def read_incident(
        incident: UUID, serving: Served, signed: SignedIn, response: Response
    ) -> IncidentShown:
        """An incident with everything that was done."""
        return await _shown(serving, signed, incident, response)


def _add_filing(router: APIRouter) -> None:
    @router.post("/sites/{site}/incidents", dependencies=[requires(FILES)], status_code=201)
    async def file_incident(
        site: KnownSite,
        given: IncidentGiven,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> IncidentShown:
        """File an incident; without a password, for nothing may stand between a person and the report."""
        made = await _file(serving, signed, site, given, hazard=None, key=idempotency_key)
        return await _shown(serving, signed, made, response)

    @router.post("/hazards/{hazard}/incidents", dependencies=[requires(FILES)], status_code=201)
    async def file_incident_of_hazard(
        hazard: UUID,
        given: IncidentGiven,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> IncidentShown:
        """The same, out of a hazard that was not mended in time; that record stays open and is linked."""
        found = await serving.row(
            """
            SELECT id, site, device FROM hazard
             WHERE id = %(hazard)s AND sees_device(%(account)s, site, device, %(roles)s)
            """,
            {"hazard": hazard, "account": signed.account_id, "roles": roles_with(FILES)},
        )
        site = None if found is None else await seen_site(serving, signed, found["site"])
        if found is None or site is None:
            raise not_found("hazard")
        made = await _file(serving, signed, site, given, hazard=found, key=idempotency_key)
        return await _shown(serving, signed, made, response)


async def _file(
    serving: Serving,
    signed: Signed,
    site: SiteEntry,
    given: IncidentGiven,
    *,
    hazard: Row | None,
    key: str | None,
) -> UUID:
    role = await role_for(serving, signed, site.site, FILES)
    async with acting(serving, signed) as connection:
        who = Acting(
            connection=connection,
            signed=signed,
            role=role,
            settings=serving.settings,
            now_ms=serving.now_ms(),
        )

        async def work() -> Answer:
            made = await file(who, site, given, hazard)
            if hazard is not None:
                said = {"incident": str(made), "kind": given.kind, "what": given.what}
                await tell_of_incident(connection, hazard["id"], who.event("incident", said))
            return Answer(body=str(made))

        of = str(hazard["id"]) if hazard is not None else site.site
        answer = await once(
            connection,
            signed,
            key=key,
            request=(f"incident of {of}", jsonable_encoder(given)),
            now_ms=who.now_ms,
            work=work,
        )
    return UUID(answer.body)


def _add_acting(router: APIRouter) -> None:
    @router.post("/incidents/{incident}/acts", dependencies=[requires(SEES)])
    async def act_on_incident(
        incident: UUID,
        act: Act,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        if_match: IfMatch = None,
    ) -> IncidentShown:
        """Say more of it, hand the details in, note what was learnt, close it."""
        found = await serving.row(
            store.SHOWN + "AND its.id = %(incident)s", {**_seen_by(signed), "incident": incident}
        )
        if found is None:
            raise not_found("incident")
        role = await role_for(serving, signed, found["site"], permission_of(act))
        password = getattr(act, "signature", None)
        signer = (
            None
            if password is None
            else await open_key(serving, signed, password.password.get_secret_value())
        )
        async with acting(serving, signed) as connection:
            row = await store.locked(connection, incident)
            if row is None:
                raise not_found("incident")
            check_match(if_match, row["version"])
            who = Acting(
                connection=connection,
                signed=signed,
                role=role,
                settings=serving.settings,
                now_ms=serving.now_ms(),
            )
            await do(who, row, act, signer)
        return await _shown(serving, signed, incident, response)


def _seen_by(signed: Signed) -> dict[str, Any]:
    return {"account": signed.account_id, "roles": roles_with(SEES)}


def _listed(row: Row) -> dict[str, Any]:
    record = row["record"]
    told = {name: record[name] for name in ("what", "place", "device", "killed", "injured", "missing")}
    return {**row, **told, "lessons": len(record["learnt"])}


async def _shown(serving: Serving, signed: Signed, incident: UUID, response: Response) -> IncidentShown:
    row = await serving.row(
        store.SHOWN + "AND its.id = %(incident)s", {**_seen_by(signed), "incident": incident}
    )
    if row is None:
        raise not_found("incident")
    record = msgspec.convert(row["record"], Record)
    clocks = await serving.rows(store.CLOCKS, [incident])
    events = await serving.rows(EVENTS, ["incident", incident])
    may = acts_of(await permissions_at(serving, signed, row["site"]), record)
    response.headers["ETag"] = etag(row["version"])
    return IncidentShown(
        **{name: value for name, value in _listed(row).items() if name != "record"},
        filed_by=record.filed_by,
        reports=[FirstReportShown(**one) for one in record.reports],
        details=_details(record, clocks),
        learnt=[LessonShown(lesson=name, **record.learnt[name]) for name in LESSONS if name in record.learnt],
        clocks=[ClockShown(**one) for one in clocks],
        closing=[] if record.closed else [_unmet(one) for one in closing(record, signed.account_id)],
        may=[] if signed.account_id is None else may,
        events=[event_shown(one) for one in events],
    )


def _unmet(one: Any) -> UnmetShown:
    return UnmetShown(code=one.code, zh=one.says.zh, en=one.says.en)


def _details(record: Record, clocks: list[Row]) -> DetailsShown | None:
    if record.details is None:
        return None
    due = next((one["due_at"] for one in clocks if one["kind"] == "details"), None)
    in_time = due is None or record.details["at"] <= rfc3339(due)
    return DetailsShown(**record.details, in_time=in_time)
