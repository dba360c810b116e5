"""Work cycles over HTTP."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from cloud.accounts.permissions import SeenDevices, SignedIn, requires
from cloud.cycles.model import CycleDay, WorkCycleShown
from cloud.cycles.service import COLUMNS, Span, cells, day_shown, days_span
from cloud.cycles.store import CYCLES, OF_SPAN, placed
from cloud.database import Row
from cloud.exports.answers import CsvFile, answered
from cloud.exports.cells import Mark
from cloud.paging import After, DeviceCursor, Limit, part, read_cursor
from cloud.problems import ProblemError
from cloud.registry.access import KnownSite, check_among
from cloud.registry.known import SiteEntry
from cloud.serving import Served, Serving
from cloud.shown import Page

router = APIRouter(tags=["work cycles"], dependencies=[requires("history.view", by_device=True)])

MOST_DAYS = 31
"""Of one table."""
_EARLIEST, _LATEST = dt.date(1970, 1, 2), dt.date(2199, 12, 31)

DeviceName = Annotated[str, Query(max_length=128, pattern=r"^[^\x00]+$")]
Day = Annotated[
    dt.date, Query(ge=_EARLIEST, le=_LATEST, description="By the clocks of the site, such as 2026-11-20.")
]


@router.get("/sites/{site}/work-cycles")
async def list_work_cycles(
    site: KnownSite,
    serving: Served,
    seen: SeenDevices,
    *,
    device: Annotated[
        str | None, Query(max_length=128, pattern=r"^[^\x00]+$", description="Of this crane alone.")
    ] = None,
    day: Annotated[
        dt.date | None,
        Query(ge=_EARLIEST, le=_LATEST, description="Begun on this day by the clocks of the site."),
    ] = None,
    mode: Annotated[
        Literal["live", "test", "drill", "replay"] | None,
        Query(description="Modes are never mixed; left out, it is that of this cloud."),
    ] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[WorkCycleShown]:
    """Lifts of the site's cranes, the newest first."""
    cursor = read_cursor(after, DeviceCursor) if after else None
    span = days_span(day, day, site.time_zone) if day else None
    rows = await serving.rows(
        CYCLES
        + """
        WHERE site = %(site)s AND mode = %(mode)s AND (%(device)s::text IS NULL OR device = %(device)s)
          AND (%(seen)s::text[] IS NULL OR device = ANY (%(seen)s))
          AND (%(start)s::timestamptz IS NULL OR (started_at >= %(start)s AND started_at < %(end)s))
          AND (%(at)s::timestamptz IS NULL OR (started_at, device) < (%(at)s, %(last)s::text))
        ORDER BY started_at DESC, device DESC LIMIT %(limit)s
        """,
        {
            "site": site.site,
            "mode": mode or serving.settings.mode,
            "device": device,
            "seen": seen,
            "start": span.start if span else None,
            "end": span.end if span else None,
            "at": cursor.at if cursor else None,
            "last": cursor.device if cursor else None,
            "limit": limit + 1,
        },
    )
    shown, following = part(rows, limit, lambda row: DeviceCursor(at=row["started_at"], device=row["device"]))
    return Page(items=[WorkCycleShown(**placed(row)) for row in shown], next=following)


@router.get("/sites/{site}/work-cycles/day")
async def read_day(
    site: KnownSite, serving: Served, seen: SeenDevices, *, device: DeviceName, day: Day
) -> CycleDay:
    """What a crane's lifts of a day come to: how many an hour, and how near to its limits."""
    check_among(device, seen)
    span = days_span(day, day, site.time_zone)
    return day_shown(day, span, await _of_span(serving, site, device, span))


@router.get(
    "/sites/{site}/work-cycles/table",
    response_class=CsvFile,
    responses={200: {"description": "Comma-separated values.", "content": {"text/csv": {}}}},
)
async def read_table(
    site: KnownSite,
    serving: Served,
    signed: SignedIn,
    seen: SeenDevices,
    *,
    device: DeviceName,
    first: Annotated[Day, Query(alias="from")],
    last: Annotated[Day, Query(alias="to", description="Included; at most 31 days.")],
) -> CsvFile:
    """A crane's lifts of some days, the oldest first, for a spreadsheet."""
    check_among(device, seen)
    if not 0 <= (last - first).days < MOST_DAYS:
        detail = f"`to` must not lie before `from`; a table has at most {MOST_DAYS} days."
        raise ProblemError(422, "empty-range", "Not a range of days", detail)
    span = days_span(first, last, site.time_zone)
    rows = await _of_span(serving, site, device, span)
    name = f"work-cycles-{first.isoformat()}" + ("" if first == last else f"-{last.isoformat()}")
    # No name of the device: what a gateway calls it need not be one of a file.
    about = f"工地卫士 SiteWarden · {site.name.zh} · 吊装循环 lifts {device}"
    mark = Mark(name=signed.name, at=serving.now(), time_zone=site.time_zone, about=about)
    return answered(name, COLUMNS, map(cells, rows), mark)


async def _of_span(serving: Serving, site: SiteEntry, device: str, span: Span) -> list[Row]:
    asked = {"site": site.site, "mode": serving.settings.mode, "device": device, **span._asdict()}
    return await serving.rows(CYCLES + OF_SPAN, asked)
