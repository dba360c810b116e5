"""The home of a site over HTTP."""

import asyncio
import zoneinfo

from fastapi import APIRouter

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, Viewer
from cloud.alarms.model import Episode
from cloud.database import instant
from cloud.hazards.model import Hazard
from cloud.home import store
from cloud.home.model import Home, MachineFacts
from cloud.home.service import RegistryRows, machines_shown
from cloud.readings.routes import read_values
from cloud.registry.access import KnownSite
from cloud.registry.known import SiteEntry
from cloud.registry.service import acting
from cloud.registry.store import rows
from cloud.serving import Served, Serving
from cloud.sites.routes import read_site

router = APIRouter(tags=["sites"], dependencies=[Viewer])


@router.get("/sites/{site}/home")
async def read_home(site: KnownSite, serving: Served, signed: SignedIn) -> Home:
    """A site, its newest values, what is wrong and what the registry says of its devices: one look."""
    asked = {"site": site.site, "mode": serving.settings.mode, "most": store.MOST}
    shown, values, alarms, hazards, machines = await asyncio.gather(
        read_site(site, serving),
        read_values(site, serving),
        serving.rows(store.STANDING, asked),
        serving.rows(store.OPEN, asked),
        machines_of(site, serving, signed),
    )
    return Home(
        site=shown,
        values=values,
        alarms=[Episode(**row) for row in alarms],
        hazards=[Hazard(**row) for row in hazards],
        machines=machines,
    )


async def machines_of(site: SiteEntry, serving: Serving, signed: Signed) -> dict[str, MachineFacts]:
    """What the registry says of the devices of a site, on its own calendar."""
    of_site = {"site": site.site, "mode": serving.settings.mode}
    async with acting(serving, signed) as connection:
        found = RegistryRows(
            files=await rows(connection, store.FILES, of_site),
            steps=await rows(connection, store.STEPS, of_site),
            operators=await rows(connection, store.OPERATORS, of_site),
        )
    today = instant(serving.now_ms()).astimezone(zoneinfo.ZoneInfo(site.time_zone)).date()
    return machines_shown(found, today)
