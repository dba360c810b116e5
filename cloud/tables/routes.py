"""Tables over HTTP: what a page's table shows, with its filter, for a spreadsheet."""

from typing import Any, Literal, NamedTuple

from fastapi import APIRouter

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SeenDevices, SignedIn, requires
from cloud.exports.answers import CsvFile, export
from cloud.exports.cells import Mark, Table, both
from cloud.home.routes import machines_of
from cloud.paging import OfDevice
from cloud.registry.access import KnownSite
from cloud.registry.known import SiteEntry
from cloud.serving import Served, Serving
from cloud.tables import rows, store

router = APIRouter(prefix="/sites/{site}/tables", tags=["tables"])

_CSV: dict[int | str, dict[str, Any]] = {
    200: {"description": "Comma-separated values.", "content": {"text/csv": {}}}
}


class _Asked(NamedTuple):
    serving: Serving
    site: SiteEntry
    signed: Signed

    def of(self, devices: list[str] | None, **chosen: str | None) -> dict[str, Any]:
        """For the database, of devices that may be seen."""
        return {
            "site": self.site.site,
            "devices": devices,
            "mode": self.serving.settings.mode,
            **chosen,
        }

    def mark(self, title: str, **chosen: str | None) -> Mark:
        """Who took it, when, and of what."""
        name = self.site.name
        said = ", ".join(f"{field}={value}" for field, value in chosen.items() if value is not None)
        parts = ["工地卫士 SiteWarden", title, both({"zh": name.zh, "en": name.en})]
        return Mark(
            name=self.signed.name,
            at=self.serving.now(),
            time_zone=self.site.time_zone,
            about=" · ".join([*parts, f"筛选 filter {said}"] if said else parts),
        )


@router.get(
    "/readings.csv",
    dependencies=[requires("history.view", by_device=True)],
    response_class=CsvFile,
    responses=_CSV,
)
async def readings_table(
    site: KnownSite, serving: Served, signed: SignedIn, devices: SeenDevices, *, device: OfDevice = None
) -> CsvFile:
    """The newest reading of every point, with its limits."""
    asked = _Asked(serving, site, signed)
    table = Table("readings", rows.READINGS, rows.reading)
    given = asked.of(devices, device=device)
    return await export(
        serving.dsn, store.READINGS, given, table, asked.mark("当前测值 current readings", device=device)
    )


@router.get(
    "/alarms.csv",
    dependencies=[requires("history.view", by_device=True)],
    response_class=CsvFile,
    responses=_CSV,
)
async def alarms_table(
    site: KnownSite,
    serving: Served,
    signed: SignedIn,
    devices: SeenDevices,
    *,
    state: Literal["active", "returned", "all"] = "active",
    device: OfDevice = None,
) -> CsvFile:
    """Alarms, the newest first."""
    asked = _Asked(serving, site, signed)
    table = Table("alarms", rows.ALARMS, rows.alarm)
    given = asked.of(devices, state=state, device=device)
    return await export(
        serving.dsn, store.ALARMS, given, table, asked.mark("报警 alarms", state=state, device=device)
    )


@router.get(
    "/hazards.csv",
    dependencies=[requires("hazards.view", by_device=True)],
    response_class=CsvFile,
    responses=_CSV,
)
async def hazards_table(
    site: KnownSite,
    serving: Served,
    signed: SignedIn,
    devices: SeenDevices,
    *,
    status: Literal["open", "all"] = "open",
    device: OfDevice = None,
) -> CsvFile:
    """Hazard records, the newest first."""
    asked = _Asked(serving, site, signed)
    table = Table("hazards", rows.HAZARDS, rows.hazard)
    given = asked.of(devices, status=status, device=device)
    return await export(
        serving.dsn, store.HAZARDS, given, table, asked.mark("隐患 hazards", status=status, device=device)
    )


@router.get("/devices.csv", dependencies=[requires("registry.view")], response_class=CsvFile, responses=_CSV)
async def devices_table(site: KnownSite, serving: Served, signed: SignedIn) -> CsvFile:
    """Devices that a gateway has announced or that have a file."""
    asked = _Asked(serving, site, signed)
    machines = await machines_of(site, serving, signed)
    table = Table("devices", rows.DEVICES, lambda row: rows.device(row, machines))
    given = asked.of(None)
    return await export(serving.dsn, store.DEVICES, given, table, asked.mark("设备清单 devices"))
