"""Work cycles over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from cloud.accounts.permissions import Viewer
from cloud.cycles.model import WorkCycleShown
from cloud.cycles.store import CYCLES, placed
from cloud.paging import After, DeviceCursor, Limit, cursor_text, read_cursor
from cloud.registry.access import KnownSite
from cloud.serving import Served
from cloud.shown import Page

router = APIRouter(tags=["work cycles"], dependencies=[Viewer])


@router.get("/sites/{site}/work-cycles")
async def list_work_cycles(
    site: KnownSite,
    serving: Served,
    *,
    device: Annotated[
        str | None, Query(max_length=128, pattern=r"^[^\x00]+$", description="Of this crane alone.")
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
    rows = await serving.rows(
        CYCLES
        + """
        WHERE site = %(site)s AND mode = %(mode)s AND (%(device)s::text IS NULL OR device = %(device)s)
          AND (%(at)s::timestamptz IS NULL OR (started_at, device) < (%(at)s, %(last)s::text))
        ORDER BY started_at DESC, device DESC LIMIT %(limit)s
        """,
        {
            "site": site.site,
            "mode": mode or serving.settings.mode,
            "device": device,
            "at": cursor.at if cursor else None,
            "last": cursor.device if cursor else None,
            "limit": limit + 1,
        },
    )
    shown, more = rows[:limit], len(rows) > limit
    last = DeviceCursor(at=shown[-1]["started_at"], device=shown[-1]["device"]) if more else None
    return Page(
        items=[WorkCycleShown(**placed(row)) for row in shown],
        next=cursor_text(last) if last is not None else None,
    )
