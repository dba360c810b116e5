"""Profiles and denied models over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from cloud.accounts.permissions import AnySigned, SignedIn, requires
from cloud.profiles import denials, service
from cloud.profiles.model import (
    DenialGiven,
    DenialLifted,
    DenialShown,
    Difference,
    ProfileAsked,
    ProfileBrought,
    ProfileChecked,
    ProfileListed,
    ProfileShown,
)
from cloud.profiles.store import DENIED_WITH
from cloud.serving import Served
from cloud.shown import Page

_DENIES = requires(DENIED_WITH)
Version = Annotated[int | None, Query(ge=1, description="Left out: the newest.")]


def make_router() -> APIRouter:
    """Every route of them."""
    router = APIRouter(tags=["profiles"], responses={409: {"description": "It contradicts what is there"}})
    _add_profiles(router)
    _add_denials(router)
    return router


def _add_profiles(router: APIRouter) -> None:
    @router.get("/profiles", dependencies=[AnySigned])
    async def list_profiles(serving: Served) -> Page[ProfileListed]:
        """Every profile, shipped or brought, in its newest version."""
        async with serving.pool.connection() as connection:
            return Page(items=await service.profiles(connection), next=None)

    @router.post("/profiles", dependencies=[requires("profiles.onboard")], status_code=201)
    async def bring_profile(given: ProfileBrought, serving: Served, signed: SignedIn) -> ProfileShown:
        """Keep a profile as a version, for good; the same text again is the same version."""
        return await service.bring(serving, signed, given.text, given.reason)

    @router.post("/profiles/check", dependencies=[AnySigned])
    async def check_profile(asked: ProfileAsked, serving: Served) -> ProfileChecked:
        """What is wrong with a text, what it lacks, what it changes; nothing is kept."""
        return await service.check(serving, asked.text)

    @router.get("/profiles/{profile}", dependencies=[AnySigned])
    async def read_profile(profile: str, serving: Served, *, version: Version = None) -> ProfileShown:
        """A profile: its text, its points, its versions."""
        async with serving.pool.connection() as connection:
            return await service.shown(connection, profile, version)

    @router.get("/profiles/{profile}/difference", dependencies=[AnySigned])
    async def read_difference(
        profile: str,
        serving: Served,
        *,
        before: Annotated[int, Query(ge=1)],
        after: Annotated[int, Query(ge=1)],
    ) -> Difference:
        """What one version has otherwise than another."""
        async with serving.pool.connection() as connection:
            return Difference(lines=await service.differing(connection, profile, before, after))


def _add_denials(router: APIRouter) -> None:
    @router.get("/denied-models", dependencies=[AnySigned])
    async def list_denied(serving: Served, signed: SignedIn) -> Page[DenialShown]:
        """Models that are not let in (淘汰目录), and those that no longer are kept out."""
        return Page(items=await denials.denials(serving, signed), next=None)

    @router.post("/denied-models", dependencies=[_DENIES], status_code=201)
    async def deny_model(given: DenialGiven, serving: Served, signed: SignedIn) -> DenialShown:
        """Keep a model out: everywhere, below a node, or at a site."""
        made = await denials.deny(serving, signed, given)
        return next(its for its in await denials.denials(serving, signed) if its.id == str(made))

    @router.post("/denied-models/{denied}/lift", dependencies=[_DENIES], status_code=204)
    async def lift_denial(denied: UUID, given: DenialLifted, serving: Served, signed: SignedIn) -> None:
        """Let a model in again; the entry stays to be seen."""
        await denials.lift(serving, signed, denied, given.reason)
