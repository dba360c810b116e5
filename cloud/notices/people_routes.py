"""A person's ways, what he was told, and acknowledgements over HTTP."""

import contextlib
from collections.abc import Iterator
from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, Request, Response

from cloud.accounts.permissions import AnySigned, Public, SignedIn, requires
from cloud.accounts.service import Tries, clock_s
from cloud.database import rows_of
from cloud.notices import acknowledging, told, ways
from cloud.notices.people_model import (
    LinkGiven,
    Proof,
    ToldLinkShown,
    ToldShown,
    WayGiven,
    WayNew,
    WaySent,
    WayShown,
    WaysShown,
)
from cloud.paging import After, Limit
from cloud.problems import ProblemError
from cloud.registry.access import KnownSite
from cloud.registry.service import IfMatch, acting, etag
from cloud.serving import Own, Served
from cloud.shown import Page

_SEES = requires("notices.view")
_BURST, _INTERVAL_S = 5, 60.0
"""Tests that somebody may have sent to himself."""
_CODES, _CODES_INTERVAL_S = 10, 3600.0
"""Codes: whose the number is, nobody knows yet, and a stranger must not be rung all night."""
_LINKS, _LINKS_INTERVAL_S = 10, 5.0
"""Of one link; no reader is in another's way."""
_BAD, _BAD_INTERVAL_S = 20, 6.0
"""Links that are none, from one address: those who guess. Behind a proxy or a network many share one, and
whoever has a link that is one is not held up by them.
"""


_TESTS = Own(lambda: Tries(_BURST, _INTERVAL_S))
_CODES_SENT = Own(lambda: Tries(_CODES, _CODES_INTERVAL_S))


def make_people_router() -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["notices"])
    _add_ways(router)
    _add_told(router)
    _add_links(router)
    return router


def _add_ways(router: APIRouter) -> None:
    @router.get("/account/ways", dependencies=[AnySigned])
    async def list_ways(serving: Served, signed: SignedIn) -> WaysShown:
        """By which one is told oneself, and what there is to choose."""
        return await ways.ways(serving, signed)

    @router.post("/account/ways", dependencies=[AnySigned], status_code=201)
    async def make_way(serving: Served, signed: SignedIn, given: WayNew) -> WaySent:
        """A new one; a code is sent there, to be typed back."""
        _CODES_SENT.of(serving).take(str(signed.account_id), clock_s())
        return await ways.make(serving, signed, given)

    @router.post("/account/ways/{way}/code", dependencies=[AnySigned])
    async def send_code(way: UUID, serving: Served, signed: SignedIn) -> WaySent:
        """A new code in place of the one before."""
        _CODES_SENT.of(serving).take(str(signed.account_id), clock_s())
        return await ways.send_code(serving, signed, way)

    @router.post("/account/ways/{way}/proof", dependencies=[AnySigned])
    async def prove_way(way: UUID, serving: Served, signed: SignedIn, proof: Proof) -> WayShown:
        """Show that it is one's own, by the code that was sent there."""
        return await ways.prove(serving, signed, way, proof)

    @router.post("/account/ways/{way}/test", dependencies=[AnySigned])
    async def test_way(way: UUID, serving: Served, signed: SignedIn) -> WaySent:
        """Send a test now; the answer is what the other side answered."""
        _TESTS.of(serving).take(str(signed.account_id), clock_s())
        return await ways.test(serving, signed, way)

    @router.put("/account/ways/{way}", dependencies=[AnySigned])
    async def change_way(
        way: UUID,
        serving: Served,
        signed: SignedIn,
        response: Response,
        *,
        given: WayGiven,
        if_match: IfMatch = None,
    ) -> WayShown:
        """Its language, its place among the others, and whether it is on."""
        shown = await ways.change(serving, signed, way, given, if_match)
        response.headers["ETag"] = etag(shown.version)
        return shown

    @router.delete("/account/ways/{way}", dependencies=[AnySigned], status_code=204)
    async def remove_way(way: UUID, serving: Served, signed: SignedIn) -> None:
        """One is told by it no more, and where it went is destroyed."""
        await ways.remove(serving, signed, way)


def _add_told(router: APIRouter) -> None:
    @router.get("/account/told", dependencies=[AnySigned])
    async def list_own(
        serving: Served, signed: SignedIn, *, after: After = None, limit: Limit = 50
    ) -> Page[ToldShown]:
        """What one was told oneself, the newest first."""
        async with acting(serving, signed) as connection:
            asked = told.asked(after, limit, only=signed.account_id or 0)
            rows = await rows_of(connection, told.OWN, asked)
        return told.page_of(rows, limit)

    @router.get("/sites/{site}/told", dependencies=[_SEES])
    async def list_of_site(
        site: KnownSite, serving: Served, signed: SignedIn, *, after: After = None, limit: Limit = 50
    ) -> Page[ToldShown]:
        """What persons were told of the site, who could be reached, and who knows; the newest first."""
        async with acting(serving, signed) as connection:
            rows = await rows_of(connection, told.OF_SITE, told.asked(after, limit, site=site.site))
        return told.page_of(rows, limit)

    @router.post("/told/{told_id}/acknowledge", dependencies=[AnySigned], status_code=204)
    async def acknowledge(told_id: UUID, serving: Served, signed: SignedIn, request: Request) -> None:
        """Say that one knows of what one was told; nobody more is told of it then."""
        await acknowledging.on_pages(serving, signed, told_id, _address(request))


class _LinkTries:
    """How often a link may be used, and how often somebody may come with one that is none."""

    def __init__(self) -> None:
        self._of_link = Tries(_LINKS, _LINKS_INTERVAL_S)
        self._bad = Tries(_BAD, _BAD_INTERVAL_S)

    @contextlib.contextmanager
    def counting(self, token: str, address: str | None) -> Iterator[None]:
        """Raises a problem (429) where it is too often."""
        self._of_link.take(token, clock_s())
        try:
            yield
        except ProblemError as problem:
            if problem.status == HTTPStatus.NOT_FOUND:
                self._bad.take(address or "", clock_s())
            raise


_LINK_TRIES = Own(_LinkTries)


def _add_links(router: APIRouter) -> None:
    @router.post("/told-links/look", dependencies=[Public])
    async def look_at_link(serving: Served, given: LinkGiven, request: Request) -> ToldLinkShown:
        """What the link of a message is of; nothing is changed."""
        with _LINK_TRIES.of(serving).counting(given.token, _address(request)):
            return await acknowledging.look(serving, given.token)

    @router.post("/told-links/acknowledge", dependencies=[Public])
    async def acknowledge_by_link(serving: Served, given: LinkGiven, request: Request) -> ToldLinkShown:
        """Say, without signing in, that one knows: once, in the name of whom the message was sent to."""
        with _LINK_TRIES.of(serving).counting(given.token, _address(request)):
            return await acknowledging.by_link(serving, given.token, _address(request))


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None
