"""Records of enforcement over HTTP."""

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from fastapi.encoders import jsonable_encoder

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.accounts.signing import open_key
from cloud.database import AsyncConnection
from cloud.enforcement import store
from cloud.enforcement.kinds import Kind, kinds
from cloud.enforcement.model import (
    AuthorityShown,
    Enforcement,
    EnforcementChoices,
    EnforcementCorrected,
    EnforcementDetail,
    EnforcementRecorded,
    EnforcementRow,
    EnforcementTotal,
    EnforcementTotals,
    MeasureKindShown,
    SiteChoice,
)
from cloud.enforcement.service import RECORDS, SEES, Acting, correct, record
from cloud.idempotency import Answer
from cloud.ledger.actor import role_for
from cloud.paging import After, Limit, asked_part_by_day, by_day, part
from cloud.problems import not_found
from cloud.registry.service import IdempotencyKey, IfMatch, acting, etag, once
from cloud.serving import Served, Serving
from cloud.shown import Page, TextShown

_Since = Annotated[dt.date | None, Query(description="Decided on this day or later.")]
_Until = Annotated[dt.date | None, Query(description="Decided on this day or earlier.")]
_Short = Annotated[str | None, Query(max_length=63, pattern=r"^[^\x00]+$")]


def _chosen(
    *,
    kind: _Short = None,
    site: _Short = None,
    hazard: UUID | None = None,
    since: _Since = None,
    until: _Until = None,
) -> dict[str, Any]:
    """What a list is narrowed by."""
    return {"kind": kind, "site": site, "hazard": hazard, "since": since, "until": until}


_Chosen = Annotated[dict[str, Any], Depends(_chosen)]


def make_router() -> APIRouter:
    """Every route of it."""
    router = APIRouter(tags=["enforcement"])
    _add_reading(router)
    _add_recording(router)
    return router


def _add_reading(router: APIRouter) -> None:
    sees = [requires(SEES)]

    @router.get("/enforcement", dependencies=sees)
    async def list_enforcement(
        serving: Served, signed: SignedIn, chosen: _Chosen, after: After = None, limit: Limit = 50
    ) -> Page[Enforcement]:
        """What authorities have done, as it holds now, the latest first."""
        asked = {
            **_seen_by(signed),
            **chosen,
            **asked_part_by_day(after, limit),
        }
        rows = await serving.rows(store.NOW + store.LISTED, asked)
        shown, following = part(rows, limit, by_day("decided_on"))
        return Page(items=[Enforcement(**row) for row in shown], next=following)

    @router.get("/enforcement/totals", dependencies=sees)
    async def total_enforcement(
        serving: Served, signed: SignedIn, since: _Since = None, until: _Until = None
    ) -> EnforcementTotals:
        """Every kind in numbers; what was withdrawn does not count."""
        rows = await serving.rows(store.TOTALS, {**_seen_by(signed), "since": since, "until": until})
        return EnforcementTotals(items=[EnforcementTotal(**row) for row in rows])

    @router.get("/enforcement/choices", dependencies=sees)
    async def read_enforcement_choices(serving: Served, signed: SignedIn) -> EnforcementChoices:
        """What a record may name, and for which territories the caller records."""
        return await _choices(serving, signed)

    @router.get("/enforcement/{measure}", dependencies=sees)
    async def read_enforcement(
        measure: UUID, serving: Served, signed: SignedIn, response: Response
    ) -> EnforcementDetail:
        """A record with everything that it was before."""
        return await _shown(serving, signed, measure, response)


async def _choices(serving: Serving, signed: Signed) -> EnforcementChoices:
    asked = {"account": signed.account_id, "roles": roles_with(RECORDS), "tree": "territory"}
    return EnforcementChoices(
        source=TextShown.of(kinds().source),
        kinds=[_kind(name, its) for name, its in kinds().kinds.items()],
        territories=[AuthorityShown(**row) for row in await serving.rows(store.NODES, asked)],
        enterprises=[AuthorityShown(**row) for row in await serving.rows(store.ENTERPRISES, asked)],
        sites=[SiteChoice(**row) for row in await serving.rows(store.SITES, asked)],
    )


def _kind(name: str, its: Kind) -> MeasureKindShown:
    return MeasureKindShown(
        kind=name, label=TextShown.of(its.label), counts=its.counts, cell=its.cell, needs=list(its.needs)
    )


def _add_recording(router: APIRouter) -> None:
    records = [requires(RECORDS)]

    @router.post("/enforcement", dependencies=records, status_code=201)
    async def record_enforcement(
        given: EnforcementRecorded,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> EnforcementDetail:
        """Record what an authority has done, signed. A hazard that it names stands as it stood."""
        acting_in = await _acting_of(serving, signed, given)
        async with acting(serving, signed) as connection:

            async def work() -> Answer:
                made = await record(acting_in(connection), given)
                return Answer(body=str(made))

            asked = jsonable_encoder(given.model_dump(exclude={"signature"}))
            answer = await once(
                connection,
                signed,
                key=idempotency_key,
                request=("enforcement", asked),
                now_ms=serving.now_ms(),
                work=work,
            )
        return await _shown(serving, signed, UUID(answer.body), response)

    @router.post("/enforcement/{measure}/corrections", dependencies=records, status_code=201)
    async def correct_enforcement(
        measure: UUID,
        given: EnforcementCorrected,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        if_match: IfMatch = None,
    ) -> EnforcementDetail:
        """Put a record right by a new row; what it said before stays to be seen."""
        query = store.NOW + "AND its.id = %(id)s"
        known = await serving.row(query, {**_seen_by(signed), "id": measure})
        if known is None:
            raise not_found("record")
        acting_in = await _acting_of(serving, signed, given)
        async with acting(serving, signed) as connection:
            await correct(acting_in(connection), known, given, if_match)
        return await _shown(serving, signed, measure, response)


async def _acting_of(
    serving: Serving, signed: Signed, given: EnforcementRecorded | EnforcementCorrected
) -> Callable[[AsyncConnection], Acting]:
    """His key is opened before the transaction begins, for that takes a while."""
    role = await role_for(serving, signed, None, RECORDS)
    signer = await open_key(serving, signed, given.signature.password.get_secret_value())
    now_ms = serving.now_ms()
    return lambda connection: Acting(
        connection=connection,
        account=signer.account_id,
        signer=signer,
        role=role,
        author=signed.name,
        now_ms=now_ms,
    )


async def _shown(serving: Serving, signed: Signed, measure: UUID, response: Response) -> EnforcementDetail:
    asked = {**_seen_by(signed), "id": measure}
    now = await serving.row(store.NOW + "AND its.id = %(id)s", asked)
    if now is None:
        raise not_found("record")
    query = store.BEFORE + "AND its.id = %(id)s AND its.seq < %(seq)s ORDER BY its.seq DESC"
    before = await serving.rows(query, {**asked, "seq": now["seq"]})
    rules = await serving.row(
        "SELECT rules_node(%(account)s, path, %(roles)s) AS is_so FROM tree_node WHERE node = %(node)s",
        {"account": signed.account_id, "roles": roles_with(RECORDS), "node": now["territory"]},
    )
    response.headers["ETag"] = etag(now["seq"])
    return EnforcementDetail(
        **now,
        before=[EnforcementRow(**row) for row in before],
        may_correct=signed.account_id is not None and rules is not None and rules["is_so"],
    )


def _seen_by(signed: Signed) -> dict[str, Any]:
    return {"account": signed.account_id, "roles": roles_with(SEES)}
