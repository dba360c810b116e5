"""Handling reports by the public over HTTP: for authorities, and never for whoever is reported."""

import asyncio
import datetime as dt
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.signing import open_key
from cloud.callers import PROGRAMS, calling
from cloud.database import Row
from cloud.paging import After, Limit, asked_part, by, part
from cloud.problems import ProblemError, not_found
from cloud.registry.access import KnownSite, seen_site
from cloud.registry.service import IfMatch, acting, etag
from cloud.serving import Served, Serving
from cloud.shown import Page
from cloud.tips import store
from cloud.tips.acting import Wish, act_in_thread, only_the_handler
from cloud.tips.keeping import TipKeyError, gate_of, key_of, unseal
from cloud.tips.model import (
    Gate,
    IdentityShown,
    ReasonGiven,
    State,
    TipAct,
    TipEntered,
    TipEvent,
    TipFigures,
    TipHandler,
    TipHandlers,
    TipListed,
    TipReceipt,
    TipShown,
    Verify,
)
from cloud.tips.public_routes import receive

_HANDLES = [requires(store.HANDLES)]
_Instant = Annotated[dt.datetime | None, Query()]


def make_router() -> APIRouter:
    """Every route of those who handle them."""
    router = APIRouter(tags=["tips"])
    _add_lists(router)
    _add_one(router)
    _add_doing(router)
    return router


def _add_lists(router: APIRouter) -> None:
    @router.get("/tips", dependencies=_HANDLES)
    async def list_tips(
        serving: Served,
        signed: SignedIn,
        *,
        state: State | None = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[TipListed]:
        """Reports by the public that are for the caller's area, the latest first."""
        asked = {
            **_asked(serving, signed),
            "state": state,
            **asked_part(after, limit),
        }
        rows = await serving.rows(store.SEEN + store.LISTED, asked)
        shown, following = part(rows, limit, by("received_at"))
        return Page(items=[TipListed(**row) for row in shown], next=following)

    @router.get("/tips/figures", dependencies=_HANDLES)
    async def count_tips(
        serving: Served, signed: SignedIn, since: _Instant = None, until: _Instant = None
    ) -> TipFigures:
        """In numbers: received, verified, how long it took, rewarded."""
        asked = {**_asked(serving, signed), "since": since, "until": until}
        row = await serving.row(store.FIGURES, asked)
        return figures_of(row or {})

    @router.post("/tips", dependencies=_HANDLES, status_code=201)
    async def enter_tip(given: TipEntered, serving: Served, signed: SignedIn) -> TipReceipt:
        """Enter a report that came by telephone or letter; give its code to whoever reported."""
        if given.site is not None and await seen_site(serving, signed, given.site) is None:
            raise not_found("site")
        entered = {"author": signed.name, "account": signed.account_id}
        plain = given.model_copy(update={"gate": ""})
        # As a program: an area that is none of his own gets its report all the same.
        with calling(PROGRAMS):
            return await receive(serving, plain, site=given.site, way="officer", entered=entered)

    @router.get("/sites/{site}/report-gate", dependencies=[requires("status.view")])
    async def read_report_gate(site: KnownSite, serving: Served) -> Gate:
        """What the QR code at the site's gate says, by which anybody reports a danger there."""
        return Gate(gate=gate_of(key_of(serving.settings), site.site))


def _add_one(router: APIRouter) -> None:
    @router.get("/tips/{tip}", dependencies=_HANDLES)
    async def read_tip(tip: UUID, serving: Served, signed: SignedIn, response: Response) -> TipShown:
        """A report with all that happened to it; never who made it."""
        return await _shown(serving, signed, tip, response)

    @router.get("/tips/{tip}/handlers", dependencies=_HANDLES)
    async def list_tip_handlers(tip: UUID, serving: Served, signed: SignedIn) -> TipHandlers:
        """Who may be named as its handler."""
        await _seen(serving, signed, tip)
        asked = {"tip": tip, "handlers": store.handlers(), "parties": store.parties()}
        return TipHandlers(items=[TipHandler(**row) for row in await serving.rows(store.HANDLERS, asked)])

    @router.get(
        "/tips/{tip}/photos/{no}",
        dependencies=_HANDLES,
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}}},
    )
    async def read_tip_photo(
        tip: UUID, no: Annotated[int, Path(ge=1, le=6)], serving: Served, signed: SignedIn
    ) -> Response:
        """One of its pictures."""
        await _seen(serving, signed, tip)
        row = await serving.row("SELECT content FROM tip_photo WHERE tip = %s AND no = %s", [tip, no])
        if row is None:
            raise not_found("picture")
        return Response(row["content"], media_type="image/jpeg")


def _add_doing(router: APIRouter) -> None:
    @router.post("/tips/{tip}/acts", dependencies=_HANDLES, status_code=201)
    async def act_on_tip(
        tip: UUID,
        given: TipAct,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        if_match: IfMatch = None,
    ) -> TipShown:
        """Name its handler; as its handler judge it, answer it, note what was paid."""
        await _seen(serving, signed, tip)
        wish = await _wish(serving, signed, tip, given, if_match)
        await asyncio.to_thread(act_in_thread, serving.dsn, wish)
        return await _shown(serving, signed, tip, response)

    @router.post("/tips/{tip}/identity", dependencies=_HANDLES)
    async def read_tip_identity(
        tip: UUID, given: ReasonGiven, serving: Served, signed: SignedIn
    ) -> IdentityShown:
        """Who reported: for the report's handler alone, and it is written down that he read it, and why."""
        found = await _seen(serving, signed, tip)
        if found["handler"] != signed.account_id:
            raise only_the_handler()
        await open_key(serving, signed, given.signature.password.get_secret_value())
        async with acting(serving, signed) as connection:
            await connection.execute(store.LOCKED, {"tip": tip})
            cursor = await connection.execute(
                "SELECT read_tip_identity(%s, %s, %s)", [tip, given.reason, signed.name]
            )
            row = await cursor.fetchone()
        if row is None or row[0] is None:
            raise not_found("identity")
        try:
            identity = unseal(key_of(serving.settings), tip, row[0])
        except TipKeyError as exc:
            raise ProblemError(409, "other-key", "Sealed with another key", str(exc)) from exc
        return IdentityShown(name=identity.name, contact=identity.contact)


async def _wish(serving: Serving, signed: Signed, tip: UUID, given: Any, if_match: str | None) -> Wish:
    if signed.account_id is None:
        raise ProblemError(403, "forbidden", "Not allowed", "Your account may not do this.")
    wish = {
        "tip": tip,
        "act": given,
        "account": signed.account_id,
        "name": signed.name,
        "if_match": if_match,
        "now_ms": serving.now_ms(),
        "settings": serving.settings,
    }
    if isinstance(given, Verify):
        wish["site"] = await seen_site(serving, signed, given.site)
        if wish["site"] is None:
            raise not_found("site")
        wish["signer"] = await open_key(serving, signed, given.hazard.signature.password.get_secret_value())
    return Wish(**wish)


def figures_of(row: Row) -> TipFigures:
    """What `store.FIGURES` says, with what follows from it."""
    judged = row.get("judged", 0)
    return TipFigures(
        **{
            "received": 0,
            "judged": 0,
            "verified": 0,
            "median_days": None,
            "rewarded": 0,
            "overdue": 0,
            **row,
        },
        verified_percent=round(100 * row["verified"] / judged, 1) if judged else None,
    )


async def _seen(serving: Serving, signed: Signed, tip: UUID) -> Row:
    row = await serving.row(store.SEEN + "AND tip.tip = %(tip)s", {**_asked(serving, signed), "tip": tip})
    if row is None:
        raise not_found("report")
    return row


async def _shown(serving: Serving, signed: Signed, tip: UUID, response: Response) -> TipShown:
    row = await _seen(serving, signed, tip)
    events = await serving.rows(store.EVENTS, {"tip": tip})
    pictures = await serving.rows(store.PICTURES, {"tip": tip})
    kept = row["named"] and not any(one["kind"] == "identity_erased" for one in events)
    response.headers["ETag"] = etag(row["version"])
    return TipShown(
        **row,
        pictures=[one["sha256"] for one in pictures],
        events=[TipEvent(**one) for one in events],
        is_handler=signed.account_id is not None and row["handler"] == signed.account_id,
        identity_kept=kept,
    )


def _asked(serving: Serving, signed: Signed) -> dict[str, Any]:
    return {**store.asking(signed.account_id), "now": serving.now()}
