"""What is made known to the public over HTTP: preparing, looking, approving, taking back."""

import asyncio
import hashlib
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.signing import open_key
from cloud.database import Row
from cloud.exports.answers import Attachment, attachment
from cloud.exposures import store
from cloud.exposures.content import page_of
from cloud.exposures.masking import put_masked
from cloud.exposures.model import (
    ExposureAct,
    ExposureGiven,
    ExposureListed,
    ExposureShown,
    MaskedPut,
    State,
)
from cloud.exposures.service import Acting, act_on, may, prepare
from cloud.ledger.model import event_shown
from cloud.ledger.store import EVENTS
from cloud.paging import After, Limit, asked_part, by, part
from cloud.problems import ProblemError, not_found
from cloud.registry.service import IfMatch, acting, etag
from cloud.serving import Served, Serving
from cloud.shown import Page

_PREPARES = [requires(store.PREPARES)]
_STILL = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Nothing in it runs, whatever somebody has written."""


def make_router() -> APIRouter:
    """Every route of them."""
    router = APIRouter(tags=["exposures"])
    _add_reading(router)
    _add_files(router)
    _add_doing(router)
    return router


def _add_reading(router: APIRouter) -> None:
    @router.get("/exposures", dependencies=_PREPARES)
    async def list_exposures(
        serving: Served,
        signed: SignedIn,
        *,
        hazard: Annotated[UUID | None, Query(description="Of this hazard.")] = None,
        state: State | None = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[ExposureListed]:
        """What was prepared for the public at the caller's sites, the latest first."""
        asked = store.asking(
            signed.account_id,
            hazard=hazard,
            state=state,
            **asked_part(after, limit),
        )
        rows = await serving.rows(store.LISTED, asked)
        shown, following = part(rows, limit, by("made_at"))
        return Page(items=[ExposureListed(**row) for row in shown], next=following)

    @router.get("/exposures/{exposure}", dependencies=_PREPARES)
    async def read_exposure(
        exposure: UUID, serving: Served, signed: SignedIn, response: Response
    ) -> ExposureShown:
        """One of them, with all that was done with it."""
        return await _shown(serving, signed, exposure, response)


def _add_files(router: APIRouter) -> None:
    @router.get(
        "/exposures/{exposure}/page",
        dependencies=_PREPARES,
        response_class=Response,
        responses={200: {"content": {"text/html": {}}}},
    )
    async def preview_exposure(exposure: UUID, serving: Served, signed: SignedIn) -> Response:
        """The page exactly as it goes out: the same bytes as in the file."""
        await _seen(serving, signed, exposure)
        content = await asyncio.to_thread(page_of, await _content(serving, exposure))
        return Response(content, media_type="text/html; charset=utf-8", headers=_STILL)

    @router.get(
        "/exposures/{exposure}/file",
        dependencies=_PREPARES,
        response_class=Attachment,
        responses={200: {"description": "The archive (zip).", "content": {"application/zip": {}}}},
    )
    async def download_exposure(exposure: UUID, serving: Served, signed: SignedIn) -> Attachment:
        """The file as it was approved: page, data, pictures, hashes. Of a draft there is none."""
        row = await _seen(serving, signed, exposure)
        if row["state"] != "published":
            detail = f"What is {row['state']} goes out to nobody."
            raise ProblemError(409, "not-in-this-state", "Not now", detail)
        content = await _content(serving, exposure)
        headers = attachment(f"曝光-{row['number']}.zip", "application/zip") | {"ETag": f'"{row["sha256"]}"'}
        return Attachment(iter([content]), headers=headers)


def _add_doing(router: APIRouter) -> None:
    @router.post("/hazards/{hazard}/exposures", dependencies=_PREPARES, status_code=201)
    async def prepare_exposure(
        hazard: UUID, given: ExposureGiven, serving: Served, signed: SignedIn, response: Response
    ) -> ExposureShown:
        """Prepare what the public is told of a hazard: refused where it would give somebody away."""
        signer = await open_key(serving, signed, given.signature.password.get_secret_value())
        async with acting(serving, signed) as connection:
            who = Acting(connection=connection, signed=signed, signer=signer, now_ms=serving.now_ms())
            made = await prepare(who, hazard, given)
        return await _shown(serving, signed, made, response)

    @router.post(
        "/hazards/{hazard}/exposure-photos",
        dependencies=_PREPARES,
        status_code=201,
        responses={413: {"description": "Too large"}, 415: {"description": "No JPEG"}},
        openapi_extra={
            "requestBody": {
                "required": True,
                "description": "JPEG, at most 12 MiB.",
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    async def put_exposure_photo(
        hazard: UUID, request: Request, serving: Served, signed: SignedIn
    ) -> MaskedPut:
        """Put a picture of the record in which something was covered; it waits until it is prepared."""
        given = await request.body()
        await asyncio.to_thread(put_masked, serving, signed, hazard, given)
        return MaskedPut(sha256=hashlib.sha256(given).hexdigest(), bytes=len(given))

    @router.post("/exposures/{exposure}/acts", dependencies=_PREPARES, status_code=201)
    async def act_on_exposure(
        exposure: UUID,
        given: ExposureAct,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        if_match: IfMatch = None,
    ) -> ExposureShown:
        """Approve it, which takes somebody else than who prepared it; take it back; drop the draft."""
        seen = await _seen(serving, signed, exposure)
        signer = await open_key(serving, signed, given.signature.password.get_secret_value())
        async with acting(serving, signed) as connection:
            who = Acting(connection=connection, signed=signed, signer=signer, now_ms=serving.now_ms())
            await act_on(who, seen, given, if_match)
        return await _shown(serving, signed, exposure, response)


async def _seen(serving: Serving, signed: Signed, exposure: UUID) -> Row:
    row = await serving.row(store.ONE, store.asking(signed.account_id, exposure=exposure))
    if row is None:
        raise not_found("exposure")
    return row


async def _content(serving: Serving, exposure: UUID) -> bytes:
    row: dict[str, Any] = await serving.row(store.CONTENT, {"exposure": exposure}) or {}
    return bytes(row["content"])


async def _shown(serving: Serving, signed: Signed, exposure: UUID, response: Response) -> ExposureShown:
    row = await _seen(serving, signed, exposure)
    events = await serving.rows(EVENTS, ["exposure", exposure])
    async with serving.pool.connection() as connection:
        allowed = await may(connection, signed.account_id, row)
    response.headers["ETag"] = etag(row["version"])
    return ExposureShown(**{**row, **allowed}, events=[event_shown(one) for one in events])
