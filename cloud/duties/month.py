"""The calendar of a place over HTTP."""

import asyncio
import datetime as dt
from typing import Annotated, LiteralString

from fastapi import APIRouter, Query

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn, requires
from cloud.database import instant
from cloud.duties.calendar import (
    duty_entries,
    inspection_entries,
    log_entries,
    return_entries,
    rota_entries,
    round_entries,
    theme_entries,
)
from cloud.duties.due import Span
from cloud.duties.model import DutyCalendar
from cloud.duties.performing import Of, around, coverage_in, duties_in, world_of_async
from cloud.duties.places import SEES, OfNode, OfSite, may_at, place
from cloud.duties.routes import check_days
from cloud.duties.store import nodes_of
from cloud.duties.world import World
from cloud.instants import local
from cloud.notices.rota_reading import Asked, read
from cloud.registry.service import acting
from cloud.serving import Served, Serving
from cloud.shown import TextShown
from sitewarden.text import Text

router = APIRouter(tags=["duties"])
_SEES_ROTAS = "notices.view"

_LOGS: LiteralString = """
    SELECT site, day, signed_at IS NOT NULL AS is_signed,
           EXISTS (SELECT FROM safety_log_late AS its
                    WHERE its.site = log.site AND its.day = log.day) AS is_late
      FROM safety_log AS log WHERE site = ANY (%(sites)s) AND day BETWEEN %(since)s AND %(until)s
"""
_THEMES: LiteralString = """
    SELECT month, code, name FROM theme WHERE node = ANY (%(nodes)s) AND month = %(month)s ORDER BY code
"""


@router.get("/duties/calendar", dependencies=[requires(SEES)])
async def read_calendar(
    serving: Served,
    signed: SignedIn,
    month: Annotated[dt.date, Query(description="Any of its days.")],
    *,
    node: OfNode = None,
    site: OfSite = None,
) -> DutyCalendar:
    """What is due in a month, what was done and what was missed."""
    check_days(month, month)
    of = await place(serving, signed, node, site)
    first = month.replace(day=1)
    span = Span(since=first, until=(first + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1))
    now_ms = serving.now_ms()
    sees_rotas = await may_at(serving, signed, _SEES_ROTAS, of)
    async with acting(serving, signed) as connection:
        found = await world_of_async(connection, of, *around(first))
        rotas = await read(connection, _rotas(found, of, signed, serving, span)) if sees_rotas else []
    today = local(instant(now_ms), found.time_zone).date()
    coverage = coverage_in(found, of, now_ms=now_ms, day=span.until)
    sites = [row["site"] for row in found.rows["sites"]]
    logs = await serving.rows(_LOGS, {"sites": sites, "since": span.since, "until": span.until})
    nodes = [row["node"] for row in found.rows["nodes"]]
    themes = await serving.rows(_THEMES, {"nodes": nodes, "month": first})
    names = {row["site"]: Text(**row["name"]) for row in found.rows["sites"]}
    duties = await asyncio.to_thread(duties_in, found, span.since, span.until, now_ms=now_ms)
    entries = [
        *duty_entries(duties),
        *round_entries(found.limits, span, coverage, today),
        *return_entries(found.limits, span),
        *inspection_entries(found.rows["inspections"], span),
        *log_entries(logs, names, site),
        *theme_entries(themes),
        *rota_entries(rotas, span),
    ]
    return DutyCalendar(
        month=first,
        today=today,
        jurisdiction=TextShown.of(found.limits.label),
        entries=sorted(entries, key=lambda one: (one.on, one.kind, one.code)),
    )


def _rotas(found: World, of: Of, signed: Signed, serving: Serving, month: Span) -> Asked:
    """Rotas of the place itself and of what is above it, from today to the month's end."""
    if isinstance(of, int):
        paths = [row["path"] for row in found.rows["nodes"] if row["node"] == of]
    else:
        paths = [row[name] for row in found.rows["sites"] for name in ("territory_path", "enterprise_path")]
    now = serving.now()
    since = max(month.since, now.date() - dt.timedelta(days=1))
    return Asked(
        account=signed.account_id,
        now=now,
        covering=(
            None if isinstance(of, int) else of,
            sorted({one for path in paths for one in nodes_of(path)}),
        ),
        since=since,
        length=dt.timedelta(days=max((month.until - since).days, 0) + 2),
    )
