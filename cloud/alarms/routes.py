"""Alarms over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from cloud.accounts.permissions import Viewer
from cloud.alarms.model import Episode
from cloud.alarms.store import EPISODES
from cloud.paging import After, Cursor, Limit, cursor_text, read_cursor
from cloud.registry.access import KnownSite
from cloud.serving import Served
from cloud.shown import Page

router = APIRouter(tags=["alarms"], dependencies=[Viewer])


@router.get("/sites/{site}/alarms")
async def list_alarms(
    site: KnownSite,
    serving: Served,
    *,
    state: Literal["active", "all"] = "active",
    mode: Annotated[
        Literal["live", "test", "drill", "replay"] | None,
        Query(description="Modes are never mixed; left out, it is that of this cloud."),
    ] = None,
    after: After = None,
    limit: Limit = 50,
) -> Page[Episode]:
    """Episodes, the newest first."""
    cursor = read_cursor(after) if after else None
    rows = await serving.rows(
        EPISODES
        + """
        WHERE site = %(site)s AND mode = %(mode)s AND (%(all)s OR cleared_at IS NULL)
          AND (%(at)s::timestamptz IS NULL OR (raised_at, id) < (%(at)s, %(id)s::uuid))
        ORDER BY raised_at DESC, id DESC LIMIT %(limit)s
        """,
        {
            "site": site.site,
            "mode": mode or serving.settings.mode,
            "all": state == "all",
            "at": cursor.at if cursor else None,
            "id": cursor.id if cursor else None,
            "limit": limit + 1,
        },
    )
    shown, more = rows[:limit], len(rows) > limit
    following = (
        cursor_text(Cursor(at=shown[-1]["raised_at"], id=UUID(str(shown[-1]["id"])))) if more else None
    )
    return Page(items=[Episode(**row) for row in shown], next=following)
