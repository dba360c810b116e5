"""Channels and notices over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.accounts.service import Tries, clock_s
from cloud.database import instant
from cloud.notices import service, store
from cloud.notices.bounds import bounds, seconds
from cloud.notices.model import (
    ChannelGiven,
    ChannelNew,
    ChannelShown,
    ChannelsShown,
    NoticeShown,
    Tested,
    UndeliveredShown,
)
from cloud.notices.telling import name_of
from cloud.paging import After, Limit, asked_part, by, part
from cloud.registry.access import KnownSite
from cloud.registry.service import IdempotencyKey, IfMatch, etag
from cloud.serving import Own, Served
from cloud.shown import Page, TextShown

_SEES, _EDITS = requires("notices.view"), requires(store.EDITED_WITH)
_BURST, _INTERVAL_S = 5, 10.0
"""Tests of one channel: enough to get it right, too few to shut a robot out."""
_TESTS = Own(lambda: Tries(_BURST, _INTERVAL_S))
_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"description": "It contradicts what is there"},
    412: {"description": "Somebody has changed it meanwhile"},
    428: {"description": "`If-Match` is missing"},
}


def make_router() -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["notices"], responses=_CONFLICT)
    _add_lists(router)
    _add_undelivered(router)
    _add_channels(router)
    _add_test(router)
    return router


def _add_lists(router: APIRouter) -> None:
    @router.get("/sites/{site}/channels", dependencies=[_SEES])
    async def list_channels(site: KnownSite, serving: Served, signed: SignedIn) -> ChannelsShown:
        """The channels that the site's alarms and hazards are told by."""
        items = await service.list_channels(serving, signed, site.site)
        return ChannelsShown(items=items, tells=serving.settings.tells)

    @router.get("/sites/{site}/notices", dependencies=[_SEES])
    async def list_notices(
        site: KnownSite, serving: Served, signed: SignedIn, *, after: After = None, limit: Limit = 50
    ) -> Page[NoticeShown]:
        """What was told of the site, and what became of each, the newest first."""
        asked = {
            "site": site.site,
            "account": signed.account_id,
            "roles": roles_with(store.EDITED_WITH),
            **asked_part(after, limit),
        }
        rows = await serving.rows(store.NOTICES, asked)
        shown, following = part(rows, limit, by("created_at"))
        return Page(
            items=[NoticeShown(**row, kind_name=_named(row["kind"])) for row in shown], next=following
        )


def _add_undelivered(router: APIRouter) -> None:
    @router.get("/notices/undelivered", dependencies=[_SEES])
    async def read_undelivered(
        serving: Served, site: Annotated[str | None, Query(max_length=64)] = None
    ) -> UndeliveredShown:
        """Grave notices that have reached nobody, of a site or of all that the caller sees."""
        bound, now = bounds().undelivered, instant(serving.now_ms())
        asked = {
            "site": site,
            "level": bound.level,
            "since": now - seconds(bound.window_s),
            "until": now - seconds(bound.after_s),
        }
        (row,) = await serving.rows(store.UNDELIVERED, asked)
        may_have_arrived, sites = row["may_have_arrived"] or False, row["sites"] or []
        return UndeliveredShown(**{**row, "may_have_arrived": may_have_arrived, "sites": sites})


def _add_channels(router: APIRouter) -> None:
    @router.post("/channels", dependencies=[_EDITS], status_code=201)
    async def make_channel(
        serving: Served,
        signed: SignedIn,
        response: Response,
        *,
        given: ChannelNew,
        idempotency_key: IdempotencyKey = None,
    ) -> ChannelShown:
        """A new channel, of a site or of all."""
        answer = await service.make(serving, signed, given, idempotency_key)
        response.headers["ETag"] = answer.etag or ""
        return ChannelShown(**answer.body)

    @router.get("/channels/{channel}", dependencies=[_EDITS])
    async def read_channel(
        channel: UUID, serving: Served, signed: SignedIn, response: Response
    ) -> ChannelShown:
        """One channel, without its secret: that is never shown again."""
        shown = await service.read(serving, signed, channel)
        response.headers["ETag"] = etag(shown.version)
        return shown

    @router.put("/channels/{channel}", dependencies=[_EDITS])
    async def change_channel(
        channel: UUID,
        serving: Served,
        signed: SignedIn,
        response: Response,
        *,
        given: ChannelGiven,
        if_match: IfMatch = None,
    ) -> ChannelShown:
        """Set it up otherwise. A secret that is left out stays, unless it would go elsewhere than before."""
        shown = await service.change(serving, signed, channel, given, if_match)
        response.headers["ETag"] = etag(shown.version)
        return shown

    @router.delete("/channels/{channel}", dependencies=[_EDITS], status_code=204)
    async def remove_channel(
        channel: UUID, serving: Served, signed: SignedIn, *, if_match: IfMatch = None
    ) -> None:
        """It tells nothing any more, and its secret is destroyed; what it has told stays."""
        await service.remove(serving, signed, channel, if_match)


def _add_test(router: APIRouter) -> None:
    @router.post("/channels/{channel}/test", dependencies=[_EDITS])
    async def test_channel(channel: UUID, serving: Served, signed: SignedIn) -> Tested:
        """Send a test now; the answer is what the other side answered, whatever that is."""
        _TESTS.of(serving).take(str(channel), clock_s())
        return await service.test(serving, signed, channel)


def _named(kind: str) -> TextShown:
    name = name_of(kind)
    return TextShown.of(name)
