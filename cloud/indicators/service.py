"""Indicators of a place as of an instant: asks the database, and measures; for pages and for reports."""

import asyncio
import datetime as dt
import zoneinfo
from collections.abc import Mapping
from typing import Any, LiteralString

import msgspec
from psycopg.rows import dict_row

from cloud.accounts.roles import roles_with
from cloud.database import Connection, Row
from cloud.duties.kinds import kinds
from cloud.indicators import monitoring
from cloud.indicators.formulas import World, measure
from cloud.indicators.lives import DAYS, LIVES, life_of
from cloud.indicators.measured import Measured
from cloud.jurisdictions.loading import DEFAULT, jurisdiction
from cloud.serving import Serving

SEES = "hazards.view"
_NOW_S = 60
_ASKED: Mapping[str, LiteralString] = {
    "lives": LIVES,
    "days": DAYS,
    "there": monitoring.THERE,
    "alarms": monitoring.ALARMS,
    "prevention": monitoring.PREVENTION,
    "months": monitoring.MONTHS,
    "judged": monitoring.JUDGED,
    "looked": monitoring.LOOKED,
    "inspected": monitoring.INSPECTED,
    "self_checks": monitoring.SELF_CHECKS,
    "sources": monitoring.SOURCES,
}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Of what they are: a site, or all sites below a node; of neither, all that the account sees."""

    account: int | None = None
    """Whose eyes; `None` sees everything."""
    site: str | None = None
    path: str | None = None
    """Of a node of either tree."""
    above: tuple[str, ...] = ()
    """Paths of the territory and the enterprise of the site: whose declared sources hold for it."""
    rules: str = DEFAULT
    """Name of the jurisdiction that holds there."""
    zone: str = "Asia/Shanghai"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the database said to each question."""

    rows: Mapping[str, list[Row]]


def asked(place: Place, at: dt.datetime) -> dict[str, Any]:
    """Parameters of every question."""
    (begin, end), counts = _round(place, at), kinds().rounds
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
        "from": begin,
        "until": end,
        "machines": counts.machines,
        "of_projects": counts.projects,
        "of_enterprises": counts.enterprises,
        "of_devices": counts.devices,
    }


def _today(place: Place, at: dt.datetime) -> dt.date:
    return (at - dt.timedelta(microseconds=1)).astimezone(zoneinfo.ZoneInfo(place.zone)).date()


def _round(place: Place, at: dt.datetime) -> tuple[dt.date, dt.date]:
    """The round of full coverage that runs; the calendar half-year where the rules name none for the day."""
    today = _today(place, at)
    for phase in jurisdiction(place.rules).rounds:
        until = _on(phase.until, today.year)
        since = dt.date(until.year, 1, 1) if phase.since is None else _on(phase.since, today.year)
        if since <= today <= until:
            return since, until
    half = dt.date(today.year, 7, 1)
    if today < half:
        return dt.date(today.year, 1, 1), half - dt.timedelta(days=1)
    return half, dt.date(today.year, 12, 31)


def _on(written: Any, year: int) -> dt.date:
    """A day as it stands in a jurisdiction: with its year, or of every year."""
    text = str(written)
    return dt.date.fromisoformat(f"{year}-{text}" if len(text) == len("MM-DD") else text)


def world_of(place: Place, at: dt.datetime, now: dt.datetime, rows: Mapping[str, list[Row]]) -> World:
    """What the answers come to; pure."""
    there, today = rows["there"][0], _today(place, at)
    has = {
        name: _has_source(rows["sources"], name, place, today)
        for name in ("inspections", "enterprise_checks")
    }
    is_past = now - at > dt.timedelta(seconds=_NOW_S)
    looked = dict(rows["looked"][0])
    if not has["inspections"]:
        looked |= {"inspections_now": None, "inspections_before": None}
    inspected = {**rows["inspected"][0], "days_left": (_round(place, at)[1] - today).days}
    checks = {row["site"]: row["ended"] for row in rows["self_checks"]}
    return World(
        at=at,
        zone=place.zone,
        lives=[life_of(row) for row in rows["lives"]],
        days=rows["days"],
        projects=there["projects"],
        generals=rows["judged"][0],
        inspected=inspected if has["inspections"] else None,
        self_checks=checks if has["enterprise_checks"] else None,
        looked=looked,
        monitoring={**there, **rows["alarms"][0], **rows["judged"][0], "is_past": is_past},
        prevention=rows["prevention"][0],
        months=rows["months"],
    )


def _has_source(sources: list[Row], name: str, place: Place, today: dt.date) -> bool:
    """Declared for the place, or for a node above it."""
    below = [place.path] if place.path is not None else list(place.above)
    return any(
        row["source"] == name
        and row["since"] <= today
        and (row["until"] is None or row["until"] >= today)
        and any(path.startswith(row["path"]) for path in below)
        for row in sources
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
