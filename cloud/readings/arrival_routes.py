"""What became of a gateway's readings, over HTTP."""

from typing import Any

from fastapi import APIRouter

from cloud.accounts.permissions import SeenDevices, requires
from cloud.database import instant
from cloud.instants import rfc3339
from cloud.problems import not_found
from cloud.readings import arrivals
from cloud.readings.arrivals import ArrivalCounts, Arrivals, SetAside
from cloud.readings.service import number_of
from cloud.registry.access import KnownSite
from cloud.serving import Served
from sitewarden.points import vocabulary
from sitewarden.quality import Quality

router = APIRouter(tags=["readings"])


@router.get(
    "/sites/{site}/gateways/{gateway}/arrivals", dependencies=[requires("status.view", by_device=True)]
)
async def read_arrivals(site: KnownSite, gateway: str, serving: Served, devices: SeenDevices) -> Arrivals:
    """How many readings of today were accepted, late, known already or set aside; those set aside last."""
    day = arrivals.day_of(instant(serving.now_ms()))
    asked = {
        "site": site.site,
        "mode": serving.settings.mode,
        "gateway": gateway,
        "day": day.date(),
        "devices": None if devices is None else sorted(devices),
        "most": arrivals.MOST_SHOWN,
    }
    if await serving.row(arrivals.KNOWN, asked) is None:
        raise not_found("gateway")
    counts = await serving.row(arrivals.COUNTS, asked)
    rows = await serving.rows(arrivals.SET_ASIDE, asked)
    return Arrivals(
        since=rfc3339(day),
        counts=ArrivalCounts(**(counts or {})),
        set_aside=[_set_aside(row) for row in rows],
    )


def _set_aside(row: dict[str, Any]) -> SetAside:
    kind = vocabulary().get(row["kind"])
    return SetAside(
        point=row["name"],
        at_ms=row["at_ms"],
        value=number_of(row["resolution"])(row["value"]),
        unit=kind.unit if kind else "",
        quality=Quality(row["quality"]).word,
        reason=row["reason"],
        received_at=row["received_at"],
    )
