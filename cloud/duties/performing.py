"""Duties of a place as they were done: what each unit owes in a span of days, and how far rounds are."""

import asyncio
import datetime as dt
from collections.abc import Iterable
from typing import Any

import msgspec

from cloud.database import AsyncConnection, Connection, Row, instant
from cloud.duties.due import Due, Span, due, last_day
from cloud.duties.kinds import Fitting, Kind, kinds
from cloud.duties.rounds import Coverage, Found, Round, companies, covered, round_at, stands
from cloud.duties.sources import is_declared, known_days
from cloud.duties.store import gather, gather_async, nodes_of
from cloud.duties.world import Unit, World, is_active, unit_of, world
from cloud.instants import HOME_ZONE, local
from cloud.jurisdictions.model import Frequency
from sitewarden.text import Text

Of = int | str
"""A node of either tree, or the name of a site."""
_LONGEST = dt.timedelta(days=366)


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody owes, and how often it was done in a span of days."""

    kind: str
    label: Text
    who: Text
    of: Of
    level: str
    """As what it is owed: company, group, subsidiary, site, authority."""
    frequency: Frequency
    required: int
    """Periods that end within the span."""
    done: int
    """Those of them in which it was done, however often."""
    missed_days: list[dt.date]
    """The last day of each period that has gone by without it, where its source was declared."""
    source_declared: bool
    """Else what is not there is not known, and not missed."""
    periods: list[Due]
    time_zone: str
    records: list[str] = []
    """Ids of what shows it within these periods: inspections, and what was recorded as done."""


def performance(connection: Connection, of: Of, since: dt.date, until: dt.date, *, now_ms: int) -> list[Duty]:
    """Every duty whose period ends within these days (both included), of the node's units or the site."""
    return duties_in(world_of(connection, of, since, until), since, until, now_ms=now_ms)


async def performance_async(
    connection: AsyncConnection, of: Of, since: dt.date, until: dt.date, *, now_ms: int
) -> list[Duty]:
    """The same for a route."""
    found = await world_of_async(connection, of, since, until)
    return await asyncio.to_thread(duties_in, found, since, until, now_ms=now_ms)


def world_of(connection: Connection, of: Of, since: dt.date, until: dt.date) -> World:
    """Everything by which the duties of these days are judged."""
    return world(gather(connection, _asked(of, since, until)), _node(of))


async def world_of_async(connection: AsyncConnection, of: Of, since: dt.date, until: dt.date) -> World:
    """The same for a route."""
    rows = await gather_async(connection, _asked(of, since, until))
    # Of a prefecture it takes a while, and meanwhile others are answered.
    return await asyncio.to_thread(world, rows, _node(of))


def coverage(
    connection: Connection, of: Of, one: Round | None = None, *, now_ms: int, day: dt.date | None = None
) -> Coverage | None:
    """How far a round has come; without one, that of the day, or of today. None: there is none."""
    day = day or local(instant(now_ms), HOME_ZONE).date()
    found = world_of(connection, of, *around(day))
    return coverage_in(found, of, one, now_ms=now_ms, day=day)


async def coverage_async(
    connection: AsyncConnection, of: Of, one: Round | None = None, *, now_ms: int, day: dt.date
) -> Coverage | None:
    """The same for a route."""
    found = await world_of_async(connection, of, *around(day))
    return coverage_in(found, of, one, now_ms=now_ms, day=day)


def duties_in(found: World, since: dt.date, until: dt.date, *, now_ms: int) -> list[Duty]:
    """The duties of a place."""
    made = []
    for unit in found.units:
        for name, kind in kinds().duties.items():
            if kind.owed_by in unit.owes_as:
                made.append(_duty(found, unit, (name, kind), Span(since=since, until=until), now_ms))
    return [one for one in made if one.periods]


def coverage_in(
    found: World, of: Of, one: Round | None = None, *, now_ms: int, day: dt.date
) -> Coverage | None:
    """How far a round has come in a place."""
    one = one or round_at(found.limits, day)
    if one is None:
        return None
    today = local(instant(now_ms), found.time_zone).date()
    at = min(today, one.span.until)
    sites = [row for row in found.rows["sites"] if is_active(unit_of(found, row["site"]).active, at)]
    names = {row["site"] for row in sites}
    rows = Found(
        # Of a site alone nobody asks about its company.
        enterprises=companies(sites, found.rows["nodes"]) if isinstance(of, int) else [],
        sites=sites,
        devices=[row for row in found.rows["machines"] if row["site"] in names and stands(row["steps"], at)],
        inspections=found.rows["inspections"],
        sources=frozenset(
            source
            for source in ("inspections", "enterprise_checks")
            if is_declared(found.rows["sources"], source, sites, Span(since=one.span.since, until=at))
        ),
    )
    return covered(one, rows, kinds().rounds, today)


def _duty(found: World, unit: Unit, named: tuple[str, Kind], span: Span, now_ms: int) -> Duty:
    name, kind = named
    frequency = kind.frequency(unit.limits)
    known = known_days(found.rows["sources"], kind.source, unit.known_by)
    today = local(instant(now_ms), unit.time_zone).date()
    showing = list(_showing(found, unit, name, kind))
    days = [row["day"] for row in showing]
    periods = due(frequency, span, active=unit.active, done=days, today=today, known=known)
    return Duty(
        kind=name,
        label=kind.label,
        who=unit.name,
        of=unit.id,
        level=kind.owed_by,
        frequency=frequency,
        required=len(periods),
        done=sum(one.state == "done" for one in periods),
        missed_days=[one.span.until for one in periods if one.state == "missed"],
        source_declared=_is_kept(known, periods, today),
        periods=periods,
        time_zone=unit.time_zone,
        records=[
            str(row["id"])
            for row in showing
            if any(one.span.since <= row["day"] <= one.span.until for one in periods)
        ],
    )


def _is_kept(known: list[Span], periods: list[Due], today: dt.date) -> bool:
    """From the first of the periods until today, or their end."""
    if not periods:
        return False
    since = min(periods[0].span.since, today)
    span = Span(since=since, until=max(since, min(periods[-1].span.until, today)))
    return sum(span.met(one) for one in known) == span.days


def _showing(found: World, unit: Unit, name: str, kind: Kind) -> Iterable[Row]:
    """The rows that show that a duty was done."""
    for row in found.rows["done"]:
        if row["kind"] == name and unit.id in (row["site"], row["node"]):
            yield row
    if kind.inspections is not None:
        for row in found.rows["inspections"]:
            if _fits(kind.inspections, row) and _acted(found, unit, kind.inspections, row):
                yield row


def _fits(fitting: Fitting, row: Row) -> bool:
    return row["kind"] in fitting.kinds and row["acting_level"] in fitting.levels


def _acted(found: World, unit: Unit, fitting: Fitting, row: Row) -> bool:
    if isinstance(unit.id, str):
        return bool(row["site"] == unit.id)
    if fitting.acting == "own" and row["enterprise"] is not None:
        return bool(row["enterprise"] == unit.id)
    path = found.paths.get(row["enterprise"], "") or found.enterprise_of.get(row["site"] or "", "")
    if fitting.acting == "own":
        return bool(nodes_of(path)[-1:] == [unit.id])
    return path.startswith(unit.path)


def _node(of: Of) -> int | None:
    return of if isinstance(of, int) else None


def around(day: dt.date) -> tuple[dt.date, dt.date]:
    """Whatever round the day lies in, it is within these."""
    return day - _LONGEST, day + _LONGEST


def _asked(of: Of, since: dt.date, until: dt.date) -> dict[str, Any]:
    """From the first day of the longest period that may end within the span."""
    return {
        "site": of if isinstance(of, str) else None,
        "node": _node(of),
        "since": since.replace(month=1, day=1),
        "until": max(until, last_day("yearly", until)),
        "machines": kinds().rounds.machines,
    }
