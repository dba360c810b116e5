"""Indicators of a place as of an instant: asks the database, and measures; for pages and for reports."""

import asyncio
import datetime as dt
import zoneinfo
from collections.abc import Iterable, Mapping
from typing import Any, LiteralString

import msgspec
from psycopg.rows import dict_row

from cloud.accounts.roles import roles_with
from cloud.database import Connection, Row
from cloud.duties.due import Span
from cloud.duties.kinds import kinds
from cloud.duties.rounds import round_at
from cloud.duties.sources import is_declared
from cloud.indicators import coverage as covering
from cloud.indicators import monitoring
from cloud.indicators.coverage import building, coverage
from cloud.indicators.formulas import World, measure
from cloud.indicators.lives import DAYS, LIVES, life_of
from cloud.indicators.measured import Measured
from cloud.instants import HOME_ZONE
from cloud.jurisdictions.loading import DEFAULT, jurisdiction
from cloud.serving import Serving

SEES = "hazards.view"
_NOW_S = 60
_COMPARED_DAYS = 60
"""What was looked at in thirty days is compared with the thirty before."""
_ASKED: Mapping[str, LiteralString] = {
    "lives": LIVES,
    "days": DAYS,
    "there": monitoring.THERE,
    "alarms": monitoring.ALARMS,
    "prevention": monitoring.PREVENTION,
    "months": monitoring.MONTHS,
    "judged": monitoring.JUDGED,
    "looked": monitoring.LOOKED,
    "sites": covering.SITES,
    "nodes": covering.NODES,
    "machines": covering.MACHINES,
    "inspections": covering.INSPECTIONS,
    "self_checks": monitoring.SELF_CHECKS,
    "sources": monitoring.SOURCES,
    "returns": monitoring.RETURNS,
}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Of what they are: a site, or all sites below a node; of neither, all that the account sees."""

    account: int | None = None
    """Whose eyes; `None` sees everything."""
    site: str | None = None
    path: str | None = None
    """Of a node of either tree."""
    rules: str = DEFAULT
    """Name of the jurisdiction that holds there."""
    zone: str = HOME_ZONE


def asked(place: Place, at: dt.datetime) -> dict[str, Any]:
    """Parameters of every question."""
    one = round_at(jurisdiction(place.rules), _today(place, at))
    return {
        "account": place.account,
        "roles": roles_with(SEES),
        "site": place.site,
        "path": place.path,
        "at": at,
        "zone": place.zone,
        "since": at - dt.timedelta(days=400),
        "year": at - dt.timedelta(days=366),
        "recent": at - dt.timedelta(days=30),
        "round_since": one.span.since if one else dt.date.max,
        "round_until": one.span.until if one else dt.date.min,
        "machines": kinds().rounds.machines,
    }


def _today(place: Place, at: dt.datetime) -> dt.date:
    return (at - dt.timedelta(microseconds=1)).astimezone(zoneinfo.ZoneInfo(place.zone)).date()


def world_of(place: Place, at: dt.datetime, now: dt.datetime, rows: Mapping[str, list[Row]]) -> World:
    """What the answers come to; pure."""
    today = _today(place, at)
    projects = building(rows["sites"], at, today)

    def is_kept(source: str, days: int) -> bool:
        # Where nothing is in progress, whoever keeps it for what there was.
        span = Span(since=today - dt.timedelta(days=days - 1), until=today)
        return is_declared(rows["sources"], source, projects or rows["sites"], span)

    is_past = now - at > dt.timedelta(seconds=_NOW_S)
    looked = dict(rows["looked"][0])
    if not is_kept("inspections", _COMPARED_DAYS):
        looked |= {"inspections_now": None, "inspections_before": None}
    checks = {row["site"]: row["ended"] for row in rows["self_checks"]}
    of_companies = place.site is None
    return World(
        at=at,
        zone=place.zone,
        lives=[life_of(row) for row in rows["lives"]],
        days=rows["days"],
        projects=len(projects),
        generals=rows["judged"][0],
        coverage=coverage(rows, at=at, today=today, rules=place.rules, of_companies=of_companies),
        self_checks=checks if is_kept("enterprise_checks", 1) else None,
        looked=looked,
        monitoring={**rows["there"][0], **rows["alarms"][0], **rows["judged"][0], "is_past": is_past},
        prevention=rows["prevention"][0],
        months=rows["months"],
        returns=rows["returns"],
    )


def indicators(
    connection: Connection, place: Place, at: dt.datetime, now: dt.datetime | None = None
) -> list[Measured]:
    """F-01 and on of a place at an instant, within the caller's transaction."""
    values = asked(place, at)
    found: dict[str, list[Row]] = {}
    for name, query in _ASKED.items():
        cursor = connection.cursor(row_factory=dict_row)
        found[name] = cursor.execute(query, values).fetchall()
    return measure(world_of(place, at, now or at, found))


async def indicators_served(
    serving: Serving, place: Place, at: dt.datetime, now: dt.datetime
) -> list[Measured]:
    """The same for a page: the questions beside one another."""
    values = asked(place, at)
    answers = await asyncio.gather(*(serving.rows(query, values) for query in _ASKED.values()))
    found = dict(zip(_ASKED, answers, strict=True))
    return await asyncio.to_thread(lambda: measure(world_of(place, at, now, found)))


_COMPARED = ("lives", "sites", "nodes", "machines", "inspections", "self_checks", "sources")
"""What is asked to compare places: all at once, and then told apart by sites."""
_NOT_ASKED: Mapping[str, list[Row]] = {
    **{name: [{}] for name in ("there", "alarms", "prevention", "judged", "looked")},
    **{name: [] for name in ("days", "months", "returns")},
}


async def compared(serving: Serving, place: Place, at: dt.datetime) -> dict[str, list[Row]]:
    """What the places below one are compared by."""
    values = asked(place, at)
    answers = await asyncio.gather(*(serving.rows(_ASKED[name], values) for name in _COMPARED))
    return dict(zip(_COMPARED, answers, strict=True))


def measured_of(
    place: Place, at: dt.datetime, rows: Mapping[str, list[Row]], sites: Iterable[str]
) -> list[Measured]:
    """The indicators of some of the sites; those that come from records and inspections."""
    names = {*sites, None}
    of_sites = {name: [row for row in found if row.get("site") in names] for name, found in rows.items()}
    return measure(world_of(place, at, at, {**_NOT_ASKED, **of_sites}))
