"""Enrolment over HTTP: what administrators do, and the two requests that a gateway makes."""

from fastapi import APIRouter, Request

from cloud.accounts.permissions import Public, SignedIn, requires
from cloud.accounts.service import Passwords, Tries, clock_s
from cloud.database import instant
from cloud.enrolment import service, store
from cloud.enrolment.model import AccessShown, BrokerTold, CodeShown, Enrol, Enrolled, Seen
from cloud.registry.access import KnownSite
from cloud.serving import Served

_BURST, _INTERVAL_S = 10, 6.0
"""Of one address: whoever types a code wrong can go on, whoever guesses cannot."""
_EDITS = requires("gateways.edit")


def make_router() -> APIRouter:
    """The routes, with a memory of tries of their own."""
    router = APIRouter(tags=["enrolment"])
    hashing = Passwords()
    _add_access(router)
    _add_changing(router, hashing)
    _add_enrol(router, hashing, Tries(_BURST, _INTERVAL_S))
    return router


def _add_access(router: APIRouter) -> None:
    @router.get("/sites/{site}/gateways", dependencies=[requires("status.view")])
    async def list_gateways(site: KnownSite, serving: Served) -> AccessShown:
        """Every gateway of the site, and how it stands with being let in."""
        now = instant(serving.now_ms())
        rows = await serving.rows(store.ACCESS, {"site": site.site, "mode": serving.settings.mode})
        told = await serving.row(store.TOLD) or {}
        return AccessShown(
            items=[service.access_shown(row, now) for row in rows],
            broker=BrokerTold(is_configured=serving.settings.enrolment is not None, **told),
        )


def _add_changing(router: APIRouter, hashing: Passwords) -> None:
    @router.post("/sites/{site}/gateways/{gateway}/code", dependencies=[_EDITS], status_code=201)
    async def make_code(site: KnownSite, gateway: str, serving: Served, signed: SignedIn) -> CodeShown:
        """A code with which the gateway is enrolled, or gets a new password: once, within 15 minutes."""
        return await service.make_code(serving, signed, hashing, site.site, gateway)

    @router.post("/sites/{site}/gateways/{gateway}/revocation", dependencies=[_EDITS], status_code=204)
    async def revoke(site: KnownSite, gateway: str, serving: Served, signed: SignedIn) -> None:
        """Shut the gateway out: its password, a code of it, and what it is saying at this moment."""
        await service.revoke(serving, signed, site.site, gateway)


def _add_enrol(router: APIRouter, hashing: Passwords, tries: Tries) -> None:
    @router.post("/enrol", dependencies=[Public])
    async def enrol(asked: Enrol, request: Request, serving: Served) -> Enrolled:
        """What a gateway gets for its one-time code."""
        address = _address(request)
        tries.take(address, clock_s())
        enrolled = await service.enrol(serving, hashing, asked, address)
        # Many gateways may stand behind one address; who has a right code does not guess.
        tries.forgive(address)
        return enrolled

    @router.post("/enrol/seen", dependencies=[Public], status_code=204)
    async def seen(seen: Seen, request: Request, serving: Served) -> None:
        """The gateway has put its password in a safe place: it is in force now."""
        address = _address(request)
        tries.take(address, clock_s())
        await service.see(serving, seen, address)


def _address(request: Request) -> str:
    return request.client.host if request.client else "nowhere"
