"""Trials over HTTP."""

import asyncio
from pathlib import Path
from uuid import UUID

from fastapi import APIRouter

from cloud.accounts.permissions import SignedIn, requires
from cloud.database import Row, instant
from cloud.problems import ProblemError, not_found
from cloud.registry.access import KnownSite
from cloud.serving import Served, Serving
from cloud.shown import Page
from cloud.trials.model import TrialShown, TrialWanted
from cloud.trials.service import TRIALS, Request, UnderWayError, ask
from sitewarden.errors import ConfigurationError
from sitewarden.profiles import ModbusProfile, parse_profile

router = APIRouter(tags=["trials"])

_SEES, _TRIES = requires("status.view"), requires("devices.try")

MOST_LISTED = 20
_FILE = Path("profile.yaml")
"""As complaints about the text name it."""


@router.post("/sites/{site}/gateways/{gateway}/trials", dependencies=[_TRIES], status_code=201)
async def ask_for_trial(
    site: KnownSite, gateway: str, wanted: TrialWanted, serving: Served, signed: SignedIn
) -> TrialShown:
    """Have a gateway try a device beside its polls; look again until `state` says what came of it."""
    gateway_id = await _gateway_id(serving, site.site, gateway)
    if serving.settings.mode == "replay":
        raise ProblemError(409, "replay", "The past does not change", "A recorded history has no devices.")
    await asyncio.to_thread(_check, wanted)
    request = Request(
        kind=wanted.kind,
        bus=wanted.bus,
        unit=wanted.unit,
        identity=wanted.identity,
        profile=wanted.profile,
        seconds=wanted.seconds if wanted.kind == "conformance" else 0,
        by=signed.name,
        at=instant(serving.now_ms()),
    )
    try:
        async with serving.pool.connection() as connection:
            trial = await ask(connection, gateway_id, request)
    except UnderWayError:
        detail = "The gateway tries a device already; wait for that trial to end."
        raise ProblemError(409, "trial-under-way", "A trial is under way", detail) from None
    return TrialShown(**await _row_of(serving, gateway_id, trial))


@router.get("/sites/{site}/gateways/{gateway}/trials", dependencies=[_SEES])
async def list_trials(site: KnownSite, gateway: str, serving: Served) -> Page[TrialShown]:
    """The newest trials of a gateway, at most 20."""
    gateway_id = await _gateway_id(serving, site.site, gateway)
    rows = await serving.rows(
        TRIALS + "WHERE gateway_id = %s ORDER BY asked_at DESC LIMIT %s", [gateway_id, MOST_LISTED]
    )
    return Page(items=[TrialShown(**row) for row in rows], next=None)


@router.get("/sites/{site}/gateways/{gateway}/trials/{trial}", dependencies=[_SEES])
async def read_trial(site: KnownSite, gateway: str, trial: UUID, serving: Served) -> TrialShown:
    """How it stands, and once it is done the raw words beside what they mean, hints and findings."""
    return TrialShown(**await _row_of(serving, await _gateway_id(serving, site.site, gateway), trial))


def _check(wanted: TrialWanted) -> None:
    """Raise a problem where no gateway could try it."""
    if (wanted.unit is None) == (not wanted.identity):
        detail = "Give the unit of a device that is asked, or the identity of one that speaks by itself."
        raise ProblemError(422, "invalid", "Whom?", detail, field="unit")
    try:
        profile = parse_profile(wanted.profile, _FILE)
    except ConfigurationError as exc:
        raise ProblemError(422, "bad-profile", "Not a profile", str(exc), field="profile") from exc
    is_asked = isinstance(profile, ModbusProfile)
    if is_asked != (wanted.unit is not None):
        how = "is asked: give its unit" if is_asked else "speaks by itself: give its identity"
        detail = f"A device of `{profile.profile}` {how}."
        raise ProblemError(422, "not-polled", "Nothing to ask", detail, field="profile")


async def _gateway_id(serving: Serving, site: str, gateway: str) -> int:
    """Of a gateway in service that was ever heard in the mode that is shown; a problem where none is."""
    row = await serving.row(
        """
        SELECT gateway.id FROM gateway JOIN site_gateway USING (site, gateway)
         WHERE site = %s AND gateway = %s AND mode = %s AND retired_on IS NULL
        """,
        [site, gateway, serving.settings.mode],
    )
    if row is None:
        raise not_found("gateway")
    return int(row["id"])


async def _row_of(serving: Serving, gateway_id: int, trial: UUID) -> Row:
    row = await serving.row(TRIALS + "WHERE device_trial.id = %s AND gateway_id = %s", [trial, gateway_id])
    if row is None:
        raise not_found("trial")
    return row
