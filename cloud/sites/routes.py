"""Sites over HTTP."""

from fastapi import APIRouter

from cloud.accounts.permissions import SignedIn, Viewer
from cloud.alarms.requests import PENDING
from cloud.database import instant
from cloud.instants import rfc3339
from cloud.registry.access import KnownSite, visible_sites
from cloud.serving import Served
from cloud.shown import Page
from cloud.sites import store
from cloud.sites.model import Site, SiteFacts, Statistics
from cloud.sites.service import GatewayRows, devices_shown, gateways_shown, site_facts

router = APIRouter(tags=["sites"], dependencies=[Viewer])


@router.get("/sites")
async def list_sites(serving: Served, signed: SignedIn) -> Page[SiteFacts]:
    """Every site that the account may see."""
    entries = await visible_sites(serving, signed)
    return Page(items=[site_facts(serving.settings, site) for site in entries], next=None)


@router.get("/sites/{site}")
async def read_site(site: KnownSite, serving: Served) -> Site:
    """A site with its gateways, devices and points."""
    now = instant(serving.now_ms())
    of_site = {"site": site.site, "mode": serving.settings.mode}
    gateways = GatewayRows(
        gateways=await serving.rows(store.GATEWAYS, of_site),
        shelves=await serving.rows(store.SHELVES, of_site),
        requests=await serving.rows(PENDING, of_site),
    )
    devices = await serving.rows(store.DEVICES, of_site)
    points = await serving.rows(store.POINTS, of_site)
    return Site(
        **site_facts(serving.settings, site).model_dump(),
        now=rfc3339(now),
        gateways=gateways_shown(gateways, now),
        devices=devices_shown(devices, points),
    )


@router.get("/sites/{site}/statistics")
async def read_statistics(site: KnownSite, serving: Served) -> Statistics:
    """What has come in and what became of it."""
    of_site = {"site": site.site, "mode": serving.settings.mode}
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
