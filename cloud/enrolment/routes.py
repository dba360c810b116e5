"""Enrolment over HTTP: what administrators do, and the requests that a gateway makes."""

from typing import Any

from fastapi import APIRouter, Request

from cloud.accounts.permissions import ForGateways, SignedIn, requires
from cloud.accounts.service import Passwords, Tries, clock_s
from cloud.database import instant
from cloud.enrolment import certifying, service, store
from cloud.enrolment.model import (
    AccessShown,
    BrokerTold,
    CertificateShown,
    CertificatesShown,
    CodeShown,
    Enrol,
    Enrolled,
    Issued,
    Renew,
    Seen,
    SeenCertificate,
)
from cloud.problems import not_found
from cloud.registry.access import KnownSite
from cloud.serving import Own, Served

_BURST, _INTERVAL_S = 10, 6.0
"""Of one address: whoever types a code wrong can go on, whoever guesses cannot."""
_TRIES = Own(lambda: Tries(_BURST, _INTERVAL_S))
_HASHING = Own(Passwords)
"""In places of its own: gateways that enrol hold up nobody who signs in."""
_EDITS = requires("gateways.edit")
_REFUSED: dict[int | str, dict[str, Any]] = {
    409: {"description": "Gateways are not enrolled here, or this key has a certificate already"}
}
_CODE: dict[int | str, dict[str, Any]] = {409: {"description": "Gateways are not enrolled here"}}


def make_router() -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["enrolment"])
    _add_access(router)
    _add_changing(router)
    _add_enrol(router)
    return router


def _add_access(router: APIRouter) -> None:
    @router.get("/sites/{site}/gateways", dependencies=[requires("status.view")])
    async def list_gateways(site: KnownSite, serving: Served) -> AccessShown:
        """Every gateway of the site, and how it stands with being let in."""
        now, enrolment = instant(serving.now_ms()), serving.settings.enrolment
        rows = await serving.rows(
            store.ACCESS, {"site": site.site, "mode": serving.settings.mode, "now": now}
        )
        told = await serving.row(store.TOLD) or {}
        by_certificate = enrolment is not None and enrolment.certificates is not None
        return AccessShown(
            items=[service.access_shown(row, now) for row in rows],
            broker=BrokerTold(is_configured=enrolment is not None, by_certificate=by_certificate, **told),
        )

    @router.get("/sites/{site}/gateways/{gateway}/certificates", dependencies=[requires("status.view")])
    async def list_certificates(site: KnownSite, gateway: str, serving: Served) -> CertificatesShown:
        """Every certificate that the gateway was given, the newest first."""
        whose = {"site": site.site, "gateway": gateway}
        if await serving.row(store.KNOWN, whose) is None:
            raise not_found("gateway")
        rows = await serving.rows(store.CERTIFICATES, whose)
        return CertificatesShown(items=[CertificateShown(**row) for row in rows])


def _add_changing(router: APIRouter) -> None:
    @router.post(
        "/sites/{site}/gateways/{gateway}/code", dependencies=[_EDITS], responses=_CODE, status_code=201
    )
    async def make_code(site: KnownSite, gateway: str, serving: Served, signed: SignedIn) -> CodeShown:
        """A code with which the gateway is enrolled, or gets new credentials: once, within 15 minutes."""
        return await service.make_code(serving, signed, _HASHING.of(serving), site.site, gateway)

    @router.post("/sites/{site}/gateways/{gateway}/revocation", dependencies=[_EDITS], status_code=204)
    async def revoke(site: KnownSite, gateway: str, serving: Served, signed: SignedIn) -> None:
        """Shut the gateway out: its password or certificate, a code of it, and what it is saying just now."""
        await service.revoke(serving, signed, site.site, gateway)


def _add_enrol(router: APIRouter) -> None:
    @router.post("/enrol", dependencies=[ForGateways], responses=_REFUSED)
    async def enrol(asked: Enrol, request: Request, serving: Served) -> Enrolled:
        """What a gateway gets for its one-time code."""
        address, tries = _address(request), _TRIES.of(serving)
        tries.take(address, clock_s())
        enrolled = await service.enrol(serving, _HASHING.of(serving), asked, address)
        # Many gateways may stand behind one address; who has a right code does not guess.
        tries.forgive(address)
        return enrolled

    @router.post("/enrol/seen", dependencies=[ForGateways], responses=_REFUSED, status_code=204)
    async def seen(seen: Seen, request: Request, serving: Served) -> None:
        """The gateway has put its password in a safe place: it is in force now."""
        address, tries = _address(request), _TRIES.of(serving)
        tries.take(address, clock_s())
        await service.see(serving, seen, address)

    @router.post("/enrol/seen-certificate", dependencies=[ForGateways], responses=_REFUSED, status_code=204)
    async def seen_certificate(seen: SeenCertificate, request: Request, serving: Served) -> None:
        """The gateway has put its certificate in a safe place: no earlier one is good any more."""
        address, tries = _address(request), _TRIES.of(serving)
        tries.take(address, clock_s())
        await certifying.see(serving, seen, address)
        tries.forgive(address)

    @router.post("/enrol/renewal", dependencies=[ForGateways], responses=_REFUSED)
    async def renew(asked: Renew, request: Request, serving: Served) -> Issued:
        """The next certificate for a gateway that has one; asked again for the same key, the same."""
        address, tries = _address(request), _TRIES.of(serving)
        tries.take(address, clock_s())
        issued = await certifying.renew(serving, asked, address)
        tries.forgive(address)
        return issued


def _address(request: Request) -> str:
    return request.client.host if request.client else "nowhere"
