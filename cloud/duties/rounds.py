"""Rounds of full coverage (全覆盖排查轮次): which there are, and how far one has come. Pure."""

import datetime as dt
from collections.abc import Iterable, Sequence

import msgspec

from cloud.database import Row
from cloud.duties.due import Span
from cloud.duties.kinds import RoundsCount
from cloud.duties.store import nodes_of
from cloud.jurisdictions.calendar import days_of
from cloud.jurisdictions.model import Jurisdiction, Phase
from sitewarden.text import Text


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One full coverage of everything that is in progress."""

    no: int
    """Within its year, from 1."""
    span: Span
    what: Text


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """Something that nobody has looked at in the round."""

    id: str
    """Node of an enterprise, site, or `site/device`."""
    name: Text
    site: str | None = None
    serial_no: str = ""
    """Of a device; its property number where it has no serial number."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How many of how many."""

    looked_at: int
    all: int
    missing: list[Missing]
    source_declared: bool
    """Else what was not looked at is not known."""
    seen: list[str] = []
    """Ids of what was looked at."""


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """How far a round has come, at three grains."""

    round: Round
    enterprises: Share
    projects: Share
    devices: Share
    days_left: int
    """0 on its last day and after it."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What is in progress, and the inspections within the round."""

    enterprises: list[Row]
    """`node`, `name`."""
    sites: list[Row]
    """`site`, `name`."""
    devices: list[Row]
    """`site`, `device`, `name`, `serial_no`, `property_no`; those that stood at the end, or stand now."""
    inspections: list[Row]
    sources: frozenset[str]
    """Those that are declared."""


def rounds_in(limits: Jurisdiction, year: int) -> list[Round]:
    """The rounds that end in a year."""
    ends = [(phase, until) for phase in limits.rounds for until in days_of(phase.until, year, year)]
    spans = [
        (Span(since=_since(limits, phase, until), until=until), phase.what)
        for phase, until in ends
        if until.year == year
    ]
    spans.sort(key=lambda one: one[0])
    return [Round(no=no, span=span, what=what) for no, (span, what) in enumerate(spans, 1)]


def round_at(limits: Jurisdiction, day: dt.date) -> Round | None:
    """The round that the day lies in; between rounds the last one before."""
    years = [*rounds_in(limits, day.year), *rounds_in(limits, day.year + 1)]
    for one in years:
        if one.span.since <= day <= one.span.until:
            return one
    named = [int(phase.until[:4]) for phase in limits.rounds if phase.until.count("-") == 2]  # noqa: PLR2004
    earlier = [one for year in {*named, day.year, day.year - 1} for one in rounds_in(limits, year)]
    ended = [one for one in earlier if one.span.until < day]
    return max(ended, key=lambda one: one.span.until, default=None)


def covered(one: Round, found: Found, count: RoundsCount, today: dt.date) -> Coverage:
    """How far it has come; whatever is inspected twice counts once."""
    within = [row for row in found.inspections if one.span.since <= row["day"] <= one.span.until]
    enterprises = {str(row["enterprise"]) for row in within if row["kind"] in count.enterprises}
    sites = {row["site"] for row in within if row["kind"] in count.projects}
    devices = {
        f"{row['site']}/{device}"
        for row in within
        if row["kind"] in count.devices
        for device in row["devices"]
    }
    checks, visits = "enterprise_checks" in found.sources, "inspections" in found.sources
    return Coverage(
        round=one,
        enterprises=_share([_enterprise(row) for row in found.enterprises], enterprises, checks),
        projects=_share([_project(row) for row in found.sites], sites, visits),
        devices=_share([_device(row) for row in found.devices], devices, visits),
        days_left=max(0, (one.span.until - today).days),
    )


def stands(steps: Iterable[Sequence[str]] | None, on: dt.date) -> bool:
    """Whether a machine that is on file stood at the end of a day: it was not dismantled after it was put up.

    Of its steps `[day, step]` those that put it up or take it down.
    """
    # Put up and taken down on one day it is down.
    done = max(
        ((day, step == "dismantled") for day, step in steps or () if dt.date.fromisoformat(day) <= on),
        default=("", False),
    )
    return not done[1]


def companies(sites: Iterable[Row], nodes: Iterable[Row]) -> list[Row]:
    """The companies that these sites are of: the nearest node of that kind, or their own node."""
    by_id = {row["node"]: row for row in nodes}
    found = {}
    for site in sites:
        above = [by_id[one] for one in nodes_of(site["enterprise_path"]) if one in by_id]
        company = next((one for one in reversed(above) if one["kind"] == "company"), None)
        if company is None and above:
            company = above[-1]
        if company is not None:
            found[company["node"]] = company
    return [found[node] for node in sorted(found)]


def _share(everything: Iterable[Missing], looked_at: set[str], is_declared: bool) -> Share:
    known = list(everything)
    missing = [one for one in known if one.id not in looked_at]
    return Share(
        looked_at=len(known) - len(missing),
        all=len(known),
        missing=missing,
        source_declared=is_declared,
        seen=[one.id for one in known if one.id in looked_at],
    )


def _enterprise(row: Row) -> Missing:
    return Missing(id=str(row["node"]), name=Text(**row["name"]))


def _project(row: Row) -> Missing:
    return Missing(id=row["site"], name=Text(**row["name"]), site=row["site"])


def _device(row: Row) -> Missing:
    return Missing(
        id=f"{row['site']}/{row['device']}",
        name=Text(**row["name"]),
        site=row["site"],
        serial_no=row["serial_no"] or row["property_no"],
    )


def _since(limits: Jurisdiction, phase: Phase, until: dt.date) -> dt.date:
    """Without a first day it runs from where the campaign's phases begin, or from the year's first."""
    if phase.since is not None:
        days = days_of(phase.since, until.year - 1, until.year)
        return max(day for day in days if day <= until)
    begun = [day for one in limits.phases if one.since for day in days_of(one.since, until.year, until.year)]
    return min([day for day in begun if day <= until], default=until.replace(month=1, day=1))
