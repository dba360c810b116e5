"""Newest values and series over HTTP."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from cloud.accounts.permissions import SeenDevices, requires
from cloud.database import milliseconds
from cloud.problems import ProblemError, not_found
from cloud.readings import queries
from cloud.readings.model import Series, Value, Values
from cloud.readings.service import Row, bucket_width_ms, site_now_ms, value_of, with_gaps
from cloud.registry.access import KnownSite
from cloud.serving import Served, Serving
from cloud.sites.service import device_of, is_among
from sitewarden.points import vocabulary

router = APIRouter(tags=["readings"])

_EARLIEST, _LATEST = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (1970, 2200))


@router.get("/sites/{site}/values", dependencies=[requires("live.view", by_device=True)])
async def read_values(site: KnownSite, serving: Served, devices: SeenDevices) -> Values:
    """The newest reading of every point."""
    rows = await serving.rows(queries.NEWEST, {"site": site.site, "mode": serving.settings.mode})
    values = {
        row["name"]: Value(**value_of(row)) for row in rows if is_among(device_of(row["name"]), devices)
    }
    now_ms = site_now_ms(serving.settings, serving.now_ms(), (value.at_ms for value in values.values()))
    return Values(now_ms=now_ms, values=values)


@router.get("/sites/{site}/series", dependencies=[requires("history.view", by_device=True)])
async def read_series(
    site: KnownSite,
    serving: Served,
    devices: SeenDevices,
    *,
    point: Annotated[str, Query(max_length=128, pattern=r"^[^\x00]+$")],
    start: Annotated[
        AwareDatetime | None,
        Query(alias="from", description="RFC 3339 with offset; included. Left out: the first reading."),
    ] = None,
    end: Annotated[AwareDatetime, Query(alias="to", description="RFC 3339 with offset; excluded.")],
    max_points: Annotated[int, Query(ge=10, le=10_000)] = 2000,
) -> Series:
    """A point over time; gathered into buckets where there are more than `max_points` readings."""
    if not _EARLIEST <= (start or _EARLIEST) < end <= _LATEST:
        detail = "`to` must lie after `from`, both between 1970 and 2200."
        raise ProblemError(422, "empty-range", "The range is empty", detail)
    found = await serving.row(
        queries.POINT, {"site": site.site, "name": point, "mode": serving.settings.mode}
    )
    if found is None or not is_among(device_of(point), devices):
        raise not_found("point")
    if start is None:
        start = await _first(serving, found["id"], end)
    asked = {"id": found["id"], "from": start, "to": end, "limit": max_points + 1}
    counted = await serving.row(queries.HOW_MANY, asked)
    raw = counted is not None and counted["n"] <= max_points
    from_ms, to_ms = milliseconds(start), milliseconds(end)
    width_ms = 0 if raw else bucket_width_ms(from_ms, to_ms, max_points)
    rows = await (_raw(serving, asked) if raw else _buckets(serving, asked, width_ms))
    columns = with_gaps(rows, found["stale_after_ms"], found["resolution"])
    kind = vocabulary().get(found["kind"])
    return Series(
        point=point,
        unit=kind.unit if kind else "",
        from_ms=from_ms,
        to_ms=to_ms,
        bucket_ms=width_ms,
        t=columns.t,
        min=columns.low,
        max=columns.high,
        raw=raw,
    )


async def _first(serving: Serving, point_id: int, end: dt.datetime) -> dt.datetime:
    """When the point's first reading was; just before the end where there is none."""
    row = await serving.row(queries.FIRST, {"id": point_id, "to": end})
    first = row["at"] if row else None
    return first if first is not None else end - dt.timedelta(seconds=1)


async def _raw(serving: Serving, asked: dict[str, Any]) -> list[Row]:
    rows = await serving.rows(queries.RAW, asked)
    return [
        Row(t=row["t"], first_ms=row["t"], last_ms=row["t"], low=row["value"], high=row["value"])
        for row in rows
    ]


async def _buckets(serving: Serving, asked: dict[str, Any], width_ms: int) -> list[Row]:
    width = dt.timedelta(milliseconds=width_ms)
    return [Row(**row) for row in await serving.rows(queries.BUCKETS, {**asked, "width": width})]
