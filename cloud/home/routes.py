"""The home of a site over HTTP."""

import asyncio
import zoneinfo

from fastapi import APIRouter, Response

from cloud.accounts.holding import Devices, Held, devices_permitted, held_of
from cloud.accounts.model import Signed
from cloud.accounts.permissions import SeenDevices, SignedIn, requires
from cloud.alarms.model import Episode
from cloud.database import instant, rows_of
from cloud.hazards.model import Hazard
from cloud.home import store
from cloud.home.model import Home, MachineFacts
from cloud.home.service import RegistryRows, machines_shown
from cloud.readings.routes import newest_values
from cloud.registry.access import KnownSite
from cloud.registry.known import SiteEntry
from cloud.registry.service import acting
from cloud.serving import Served, Serving, written
from cloud.sites.routes import read_site
from cloud.sites.service import is_among

router = APIRouter(tags=["sites"])


@router.get("/sites/{site}/home", dependencies=[requires("status.view", by_device=True)], response_model=Home)
async def read_home(site: KnownSite, serving: Served, signed: SignedIn, devices: SeenDevices) -> Response:
    """A site, its newest values, what is wrong and what the registry says of its devices: one look.

    Each part is empty where the account may not see it.
    """
    held = await held_of(serving, signed.account_id, site.site)
    live, hazards_of = _permitted(held, "live.view"), _permitted(held, "hazards.view")
    asked = {"site": site.site, "mode": serving.settings.mode, "most": store.MOST}
    shown, values, alarms, hazards, machines = await asyncio.gather(
        read_site(site, serving, signed, devices),
        newest_values(site, serving, live),
        serving.rows(store.STANDING, {**asked, "devices": live}),
        serving.rows(store.OPEN, {**asked, "devices": hazards_of}),
        machines_of(site, serving, signed, devices_permitted(held, "registry.view")),
    )
    told = {
        "site": shown,
        "values": values,
        "alarms": [Episode(**row) for row in alarms],
        "hazards": [Hazard(**row) for row in hazards],
        "machines": machines,
    }
    return written(told)


def _permitted(held: list[Held], permission: str) -> list[str] | None:
    """For which devices; `None`: all; empty: none."""
    devices = devices_permitted(held, permission)
    return None if devices is None else sorted(devices)


async def machines_of(
    site: SiteEntry, serving: Serving, signed: Signed, devices: Devices = None
) -> dict[str, MachineFacts]:
    """What the registry says of the devices of a site, or of some, on its own calendar."""
    of_site = {"site": site.site, "mode": serving.settings.mode}
    async with acting(serving, signed) as connection:
        found = RegistryRows(
            files=await rows_of(connection, store.FILES, of_site),
            steps=await rows_of(connection, store.STEPS, of_site),
            operators=await rows_of(connection, store.OPERATORS, of_site),
        )
    today = instant(serving.now_ms()).astimezone(zoneinfo.ZoneInfo(site.time_zone)).date()
    machines = machines_shown(found, today)
    return {device: facts for device, facts in machines.items() if is_among(device, devices)}
