"""Newest values and series over HTTP."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from pydantic import AwareDatetime

from cloud.accounts.permissions import SeenDevices, requires
from cloud.database import Row
from cloud.problems import ProblemError, not_found
from cloud.readings import queries, series
from cloud.readings.model import Series, Values
from cloud.readings.said import Said, said_by
from cloud.readings.service import site_now_ms
from cloud.registry.access import KnownSite
from cloud.registry.known import SiteEntry
from cloud.serving import Served, Serving, written
from cloud.sites.service import device_of, is_among

router = APIRouter(tags=["readings"])

MOST_POINTS = 2000
"""As many as a wide screen has columns."""
PointName = Annotated[str, Query(max_length=128, pattern=r"^[^\x00]+$")]

_EARLIEST, _LATEST = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (1970, 2200))


@router.get(
    "/sites/{site}/values", dependencies=[requires("live.view", by_device=True)], response_model=Values
)
async def read_values(site: KnownSite, serving: Served, devices: SeenDevices) -> Response:
    """The newest reading of every point."""
    return written(await newest_values(site, serving, devices))


async def newest_values(site: SiteEntry, serving: Serving, devices: list[str] | None) -> dict[str, Any]:
    """The same as `Values` has it; not as a model, which would check each of thousands."""
    asked = {"sites": [site.site], "mode": serving.settings.mode}
    rows = await serving.rows(queries.NEWEST, asked, binary=True)
    said = said_by(rows[0], Said) if rows else {}
    if devices is not None:
        said = {name: value for name, value in said.items() if is_among(device_of(name), devices)}
    now_ms = site_now_ms(serving.settings, serving.now_ms(), (value.at_ms for value in said.values()))
    return {"now_ms": now_ms, "values": said}


@router.get(
    "/sites/{site}/series",
    dependencies=[requires("history.view", by_device=True)],
    response_model=Series,
    responses={304: {"description": "As it was when that ETag was given."}},
)
async def read_series(
    site: KnownSite,
    serving: Served,
    devices: SeenDevices,
    *,
    point: PointName,
    start: Annotated[
        AwareDatetime | None,
        Query(alias="from", description="RFC 3339 with offset; included. Left out: the first reading."),
    ] = None,
    end: Annotated[AwareDatetime, Query(alias="to", description="RFC 3339 with offset; excluded.")],
    max_points: Annotated[int, Query(ge=10, le=MOST_POINTS)] = MOST_POINTS,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """A point over time; gathered into buckets where there are more than `max_points` readings."""
    check_span(start, end)
    found = await seen_point(serving, site, devices, point)
    since = start or await first_reading(serving, found["id"], end)
    question = series.Question(point=found, start=since, end=end, max_points=max_points)
    asked = await series.ask(serving, site.site, question)
    headers = asked.headers(serving.now_ms(), serving.settings.storage.close_after_days)
    if if_none_match is not None and is_known(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    shown = await series.answer(serving, asked)
    # Written out here: other answers are checked once more on their way, slow for thousands of numbers.
    return Response(shown.model_dump_json(), media_type="application/json", headers=headers)


def check_span(start: dt.datetime | None, end: dt.datetime) -> None:
    """A problem where a span is none, or of another age."""
    if not _EARLIEST <= (start or _EARLIEST) < end <= _LATEST:
        detail = "`to` must lie after `from`, both between 1970 and 2200."
        raise ProblemError(422, "empty-range", "The range is empty", detail)


async def seen_point(serving: Serving, site: SiteEntry, devices: list[str] | None, point: str) -> Row:
    """The point, if the caller may see its device."""
    found = await serving.row(
        queries.POINT, {"site": site.site, "name": point, "mode": serving.settings.mode}
    )
    if found is None or not is_among(device_of(point), devices):
        raise not_found("point")
    return found | {"name": point}


async def first_reading(serving: Serving, point_id: int, end: dt.datetime) -> dt.datetime:
    """When the point's first reading was; just before the end where there is none."""
    row = await serving.row(queries.FIRST, {"id": point_id})
    first = row["at"] if row else None
    return first if first is not None and first < end else end - dt.timedelta(seconds=1)


def is_known(told: str, etag: str) -> bool:
    """Whether an `If-None-Match` names that ETag."""
    return told.strip() == "*" or etag in (one.strip().removeprefix("W/") for one in told.split(","))
