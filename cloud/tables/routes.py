"""Tables over HTTP: what a page's table shows, with its filter, for a spreadsheet."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from fastapi import APIRouter, Response

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SeenDevices, SignedIn, requires
from cloud.database import instant
from cloud.home.routes import machines_of
from cloud.paging import OfDevice
from cloud.registry.access import KnownSite
from cloud.registry.known import SiteEntry
from cloud.serving import Served, Serving
from cloud.tables import rows, store
from cloud.tables.service import MOST_ROWS, Watermark, table

router = APIRouter(prefix="/sites/{site}/tables", tags=["tables"])

_CSV: dict[int | str, dict[str, Any]] = {
    200: {"description": "Comma-separated values.", "content": {"text/csv": {}}}
}


class Spreadsheet(Response):
    """Comma-separated values, as spreadsheet programs open them."""

    media_type = "text/csv; charset=utf-8"


class _Asked(NamedTuple):
    serving: Serving
    site: SiteEntry
    signed: Signed

    def of(self, devices: list[str] | None, **chosen: str | None) -> dict[str, Any]:
        """For the database, of devices that may be seen; one row more than is written."""
        return {
            "site": self.site.site,
            "devices": devices,
            "mode": self.serving.settings.mode,
            "limit": MOST_ROWS + 1,
            **chosen,
        }

    def answer(
        self,
        name: str,
        title: str,
        titles: Sequence[str],
        cells: Iterable[Sequence[Any]],
        **chosen: str | None,
    ) -> Spreadsheet:
        """The file, with who took it, when, and of what."""
        at = instant(self.serving.now_ms())
        said = ", ".join(f"{field}={value}" for field, value in chosen.items() if value is not None)
        mark = Watermark(title=title, site=self.site, who=self.signed.name, at=at, chosen=said)
        day = f"{at:%Y-%m-%d}"
        headers = {"Content-Disposition": f'attachment; filename="{name}-{day}.csv"'}
        return Spreadsheet(table(mark, titles, cells), headers=headers)


@router.get(
    "/readings.csv",
    dependencies=[requires("history.view", by_device=True)],
    response_class=Spreadsheet,
    responses=_CSV,
)
async def readings_table(
    site: KnownSite, serving: Served, signed: SignedIn, devices: SeenDevices, *, device: OfDevice = None
) -> Spreadsheet:
    """The newest reading of every point, with its limits."""
    asked = _Asked(serving, site, signed)
    found = await serving.rows(store.READINGS, asked.of(devices, device=device))
    cells = map(rows.reading, found)
    return asked.answer("readings", "当前测值 current readings", rows.READINGS, cells, device=device)


@router.get(
    "/alarms.csv",
    dependencies=[requires("history.view", by_device=True)],
    response_class=Spreadsheet,
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
) -> Spreadsheet:
    """Alarms, the newest first."""
    asked = _Asked(serving, site, signed)
    found = await serving.rows(store.ALARMS, asked.of(devices, state=state, device=device))
    cells = map(rows.alarm, found)
    return asked.answer("alarms", "报警 alarms", rows.ALARMS, cells, state=state, device=device)


@router.get(
    "/hazards.csv",
    dependencies=[requires("hazards.view", by_device=True)],
    response_class=Spreadsheet,
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
) -> Spreadsheet:
    """Hazard records, the newest first."""
    asked = _Asked(serving, site, signed)
    found = await serving.rows(store.HAZARDS, asked.of(devices, status=status, device=device))
    cells = map(rows.hazard, found)
    return asked.answer("hazards", "隐患 hazards", rows.HAZARDS, cells, status=status, device=device)


@router.get(
    "/devices.csv", dependencies=[requires("registry.view")], response_class=Spreadsheet, responses=_CSV
)
async def devices_table(site: KnownSite, serving: Served, signed: SignedIn) -> Spreadsheet:
    """Devices that a gateway has announced or that have a file."""
    asked = _Asked(serving, site, signed)
    found = await serving.rows(store.DEVICES, asked.of(None))
    machines = await machines_of(site, serving, signed)
    return asked.answer("devices", "设备清单 devices", rows.DEVICES, rows.devices(found, machines))
