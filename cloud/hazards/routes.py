"""Hazard records over HTTP."""

import asyncio
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Response

from cloud.accounts.permissions import SeenDevices, SignedIn, requires
from cloud.accounts.signing import open_key
from cloud.hazards.acting import Wish, act_once
from cloud.hazards.acts import Act
from cloud.hazards.detail import check_seen, detail_of
from cloud.hazards.knowing import SEEN_WITH
from cloud.hazards.model import Hazard, HazardDetail
from cloud.hazards.store import HAZARDS
from cloud.paging import After, Limit, OfDevice, asked_part, by, part
from cloud.registry.access import KnownSite
from cloud.registry.service import IdempotencyKey, IfMatch, etag
from cloud.serving import Served
from cloud.shown import Page

router = APIRouter(tags=["hazards"])


@router.get("/sites/{site}/hazards", dependencies=[requires(SEEN_WITH, by_device=True)])
async def list_hazards(
    site: KnownSite,
    serving: Served,
    devices: SeenDevices,
    *,
    status: Literal["open", "all"] = "open",
    device: OfDevice = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[Hazard]:
    """Hazard records, the newest first."""
    rows = await serving.rows(
        HAZARDS
        + """
        WHERE site = %(site)s AND (%(all)s OR ended_at IS NULL)
          AND (%(devices)s::text[] IS NULL OR device = ANY (%(devices)s))
          AND (%(device)s::text IS NULL OR device = %(device)s)
          AND (%(at)s::timestamptz IS NULL OR (opened_at, id) < (%(at)s, %(id)s::uuid))
        ORDER BY opened_at DESC, id DESC LIMIT %(limit)s
        """,
        {
            "site": site.site,
            "devices": devices,
            "all": status == "all",
            "device": device,
            **asked_part(after, limit),
        },
    )
    shown, following = part(rows, limit, by("opened_at"))
    return Page(items=[Hazard(**row) for row in shown], next=following)


@router.get("/hazards/{hazard}", dependencies=[requires(SEEN_WITH)])
async def read_hazard(hazard: UUID, serving: Served, signed: SignedIn, response: Response) -> HazardDetail:
    """A hazard record with its alarms, its history, what was measured and what may be done about it."""
    detail = await detail_of(serving, signed, hazard)
    response.headers["ETag"] = etag(detail.version)
    return detail


_REFUSED: dict[int | str, dict[str, Any]] = {
    409: {"description": "Not in this state, or something that must hold does not: each is named"},
    412: {"description": "Somebody has changed it meanwhile"},
    428: {"description": "`If-Match` is missing"},
}


@router.post("/hazards/{hazard}/acts", dependencies=[requires(SEEN_WITH)], responses=_REFUSED)
async def act_on_hazard(
    hazard: UUID,
    serving: Served,
    signed: SignedIn,
    *,
    response: Response,
    given: Annotated[Act, Body()],
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> HazardDetail:
    """Do something to it, signed. Who may do what when is said in the reference of hazard states."""
    await check_seen(serving, signed, hazard)
    signer = await open_key(serving, signed, given.signature.password.get_secret_value())
    wish = Wish(
        hazard_id=hazard,
        act=given,
        account=signer.account_id,
        signer=signer,
        if_match=if_match,
        now_ms=serving.now_ms(),
    )
    await asyncio.to_thread(act_once, serving, wish, idempotency_key)
    detail = await detail_of(serving, signed, hazard)
    response.headers["ETag"] = etag(detail.version)
    return detail
