"""Sites over HTTP."""

from fastapi import APIRouter

from cloud.accounts.holding import held_of, permissions_of
from cloud.accounts.permissions import AnySigned, SeenDevices, SignedIn, requires
from cloud.alarms.requests import PENDING
from cloud.database import instant
from cloud.instants import rfc3339
from cloud.registry.access import KnownSite, visible_sites
from cloud.serving import Served
from cloud.shown import Page
from cloud.sites import store
from cloud.sites.model import Site, SiteFacts, Statistics
from cloud.sites.service import GatewayRows, devices_shown, gateways_shown, is_among, narrowed, site_facts

router = APIRouter(tags=["sites"])


@router.get("/sites", dependencies=[AnySigned])
async def list_sites(serving: Served, signed: SignedIn) -> Page[SiteFacts]:
    """Every site that the account may see."""
    entries = await visible_sites(serving, signed)
    return Page(items=[site_facts(serving.settings, site) for site in entries], next=None)


@router.get("/sites/{site}", dependencies=[requires("status.view", by_device=True)])
async def read_site(site: KnownSite, serving: Served, signed: SignedIn, devices: SeenDevices) -> Site:
    """A site with its gateways, devices and points."""
    now = instant(serving.now_ms())
    of_site = {"site": site.site, "sites": [site.site], "mode": serving.settings.mode}
    gateways = GatewayRows(
        gateways=await serving.rows(store.GATEWAYS, of_site),
        shelves=await serving.rows(store.SHELVES, of_site),
        requests=await serving.rows(PENDING, of_site),
    )
    announced = await serving.rows(store.DEVICES, of_site)
    points = await serving.rows(store.POINTS, of_site)
    return Site(
        **site_facts(serving.settings, site).model_dump(),
        now=rfc3339(now),
        permissions=permissions_of(await held_of(serving, signed.account_id, site.site)),
        gateways=[narrowed(gateway, devices) for gateway in gateways_shown(gateways, now).get(site.site, [])],
        devices=[device for device in devices_shown(announced, points) if is_among(device.id, devices)],
    )


@router.get("/sites/{site}/statistics", dependencies=[requires("status.view")])
async def read_statistics(site: KnownSite, serving: Served) -> Statistics:
    """What has come in and what became of it."""
    of_site = {"site": site.site, "sites": [site.site], "mode": serving.settings.mode}
    counts = await serving.row(store.COUNTS, of_site)
    letters = await serving.rows(store.DEAD_LETTERS, of_site)
    gateways = await serving.rows(store.GATEWAYS, of_site)
    return Statistics(
        **(counts or {}),
        dead_letters={row["reason"]: row["n"] for row in letters},
        readings_written={
            row["gateway"]: row["readings_written"] for row in gateways if row["id"] is not None
        },
    )
