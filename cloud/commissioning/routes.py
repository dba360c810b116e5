"""Commissioning over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from cloud.accounts.permissions import SignedIn, requires
from cloud.commissioning import rollout, service, store
from cloud.commissioning.facts import gather
from cloud.commissioning.model import (
    ApprovalGiven,
    BindingGiven,
    CheckGiven,
    CommissioningChoices,
    CommissioningListed,
    CommissioningShown,
    GatewayChoice,
    RolloutGiven,
    RolloutShown,
    TrialGiven,
    Why,
)
from cloud.commissioning.presenting import listed, shown
from cloud.commissioning.proposing import polled_buses
from cloud.configuration.service import Of
from cloud.database import AsyncConnection, instant, rows_of
from cloud.registry.access import KnownSite
from cloud.registry.kinds import Around
from cloud.registry.known import SiteEntry
from cloud.registry.service import IfMatch, acting, etag
from cloud.serving import Served, Serving
from cloud.shown import Page

_PATH = "/sites/{site}/devices/{device}/commissioning"
_SEES, _TRIES = requires("registry.view"), requires("devices.try")
_ROLLS_OUT = requires("configuration.edit")


def make_router() -> APIRouter:
    """Every route of it."""
    router = APIRouter(tags=["commissioning"], responses={409: {"description": "Something is in the way"}})
    _add_reading(router)
    _add_binding(router)
    _add_running(router)
    _add_checks(router)
    _add_rollouts(router)
    return router


def _around(connection: AsyncConnection, serving: Serving, site: SiteEntry) -> Around:
    return Around(connection=connection, site=site, mode=serving.settings.mode, now=instant(serving.now_ms()))


async def _shown(around: Around, device: str, response: Response) -> CommissioningShown:
    file = await service.file_of(around, device)
    its = shown(file, await gather(around, file))
    response.headers["ETag"] = etag(its.version)
    return its


def _add_reading(router: APIRouter) -> None:
    @router.get("/sites/{site}/commissioning", dependencies=[_SEES])
    async def list_commissioning(
        site: KnownSite, serving: Served, signed: SignedIn
    ) -> Page[CommissioningListed]:
        """Every device file of the site, and how far its device is."""
        named = {"site": site.site, "mode": serving.settings.mode}
        async with acting(serving, signed) as connection:
            rows = await rows_of(connection, store.LISTED, named)
        return Page(items=[listed(row) for row in rows], next=None)

    @router.get("/sites/{site}/commissioning/choices", dependencies=[_SEES])
    async def read_commissioning_choices(
        site: KnownSite, serving: Served, signed: SignedIn
    ) -> CommissioningChoices:
        """Gateways to which a device may be bound, and their buses."""
        async with acting(serving, signed) as connection:
            query = "SELECT gateway FROM site_gateway WHERE site = %(site)s AND retired_on IS NULL ORDER BY 1"
            found = []
            for row in await rows_of(connection, query, {"site": site.site}):
                buses, is_ours = await polled_buses(connection, Of(site.site, row["gateway"]))
                found.append(GatewayChoice(gateway=row["gateway"], buses=buses, is_configured_here=is_ours))
        return CommissioningChoices(gateways=found)

    @router.get(_PATH, dependencies=[_SEES])
    async def read_commissioning(
        site: KnownSite, device: str, serving: Served, signed: SignedIn, response: Response
    ) -> CommissioningShown:
        """How far a device is on its way into use, and what is in the way."""
        async with acting(serving, signed) as connection:
            return await _shown(_around(connection, serving, site), device, response)


def _add_binding(router: APIRouter) -> None:
    @router.put(f"{_PATH}/binding", dependencies=[_TRIES])
    async def bind_device(
        site: KnownSite,
        device: str,
        given: BindingGiven,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        if_match: IfMatch = None,
    ) -> CommissioningShown:
        """Say where the device hangs and by which version of which profile it is read."""
        async with acting(serving, signed) as connection:
            around = _around(connection, serving, site)
            await service.bind(around, device, given, if_match)
            return await _shown(around, device, response)

    @router.post(f"{_PATH}/trials", dependencies=[_TRIES], status_code=201)
    async def try_device(
        site: KnownSite,
        device: str,
        given: TrialGiven,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
    ) -> CommissioningShown:
        """Have its gateway read it by the profile once, or for some time; look again for what came of it."""
        async with acting(serving, signed) as connection:
            around = _around(connection, serving, site)
            await service.begin_trial(around, device, given, signed.name)
            return await _shown(around, device, response)


def _add_running(router: APIRouter) -> None:
    @router.post(f"{_PATH}/trial-run", dependencies=[_TRIES])
    async def run_on_trial(
        site: KnownSite, device: str, why: Why, serving: Served, signed: SignedIn, *, response: Response
    ) -> CommissioningShown:
        """Run it on trial (试运行): watched and shown, and its alarms call nobody; also out of use again."""
        async with acting(serving, signed) as connection:
            around = _around(connection, serving, site)
            await service.run_on_trial(around, device, why.reason, signed)
            return await _shown(around, device, response)

    @router.post(f"{_PATH}/use", dependencies=[requires(service.COMMISSIONED_WITH)])
    async def commission_device(
        site: KnownSite,
        device: str,
        why: Why,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
        if_match: IfMatch = None,
    ) -> CommissioningShown:
        """Put it into use (投用); refused with everything that is in the way."""
        async with acting(serving, signed) as connection:
            around = _around(connection, serving, site)
            await service.commission(around, device, if_match, why.reason, signed.name)
            return await _shown(around, device, response)


def _add_checks(router: APIRouter) -> None:
    @router.post(f"{_PATH}/checks", dependencies=[_TRIES], status_code=201)
    async def sign_check(
        site: KnownSite,
        device: str,
        given: CheckGiven,
        serving: Served,
        signed: SignedIn,
        *,
        response: Response,
    ) -> CommissioningShown:
        """Sign a known value beside the reading of this moment (见证核验)."""
        async with acting(serving, signed) as connection:
            around = _around(connection, serving, site)
            await service.witness(around, device, given, signed)
            return await _shown(around, device, response)

    @router.post(f"{_PATH}/checks/{{check}}/approval", dependencies=[requires("devices.witness")])
    async def approve_check(
        site: KnownSite,
        device: str,
        check: UUID,
        given: ApprovalGiven,
        *,
        serving: Served,
        signed: SignedIn,
        response: Response,
    ) -> CommissioningShown:
        """Approve a check that another has signed."""
        async with acting(serving, signed) as connection:
            around = _around(connection, serving, site)
            await service.approve(around, device, check, given.note, signed)
            return await _shown(around, device, response)


def _add_rollouts(router: APIRouter) -> None:
    path = "/sites/{site}/profile-rollouts"

    @router.get(path, dependencies=[requires("configuration.view")])
    async def list_rollouts(
        site: KnownSite,
        serving: Served,
        signed: SignedIn,
        *,
        profile: Annotated[str | None, Query(max_length=63)] = None,
    ) -> Page[RolloutShown]:
        """Versions of profiles on their way to the gateways of the site, the newest first."""
        async with acting(serving, signed) as connection:
            items = await rollout.rollouts(_around(connection, serving, site), profile)
        return Page(items=items, next=None)

    @router.post(path, dependencies=[_ROLLS_OUT], status_code=201)
    async def begin_rollout(
        site: KnownSite, given: RolloutGiven, serving: Served, signed: SignedIn
    ) -> RolloutShown:
        """Bring a newer version of a profile to one gateway of the site."""
        async with acting(serving, signed) as connection:
            around = _around(connection, serving, site)
            made = await rollout.begin(around, given, signed.name)
            return await _of(around, made)

    @router.post(f"{path}/{{made}}/rest", dependencies=[_ROLLS_OUT])
    async def finish_rollout(
        site: KnownSite, made: UUID, serving: Served, signed: SignedIn, *, if_match: IfMatch = None
    ) -> RolloutShown:
        """Bring it to all other gateways, once the first has it in force."""
        async with acting(serving, signed) as connection:
            around = _around(connection, serving, site)
            await rollout.bring_to_the_rest(around, made, if_match, signed.name)
            return await _of(around, made)

    @router.post(f"{path}/{{made}}/back", dependencies=[_ROLLS_OUT])
    async def take_rollout_back(
        site: KnownSite, made: UUID, why: Why, serving: Served, signed: SignedIn, *, if_match: IfMatch = None
    ) -> RolloutShown:
        """Bring every gateway that got it back to the version that it had."""
        async with acting(serving, signed) as connection:
            around = _around(connection, serving, site)
            await rollout.bring_back(around, made, if_match, why.reason, signed.name)
            return await _of(around, made)


async def _of(around: Around, made: UUID) -> RolloutShown:
    return next(its for its in await rollout.rollouts(around) if its.id == str(made))
