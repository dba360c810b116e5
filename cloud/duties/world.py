"""Who owes duties in a place, since when, under whose rules: built from rows. Pure."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Sequence

import msgspec

from cloud.database import Row
from cloud.duties.due import Span, merged
from cloud.duties.kinds import Owing
from cloud.duties.store import Rows, nodes_of
from cloud.instants import HOME_ZONE
from cloud.jurisdictions.loading import DEFAULT, jurisdiction
from cloud.jurisdictions.model import Jurisdiction
from sitewarden.text import Text

BEGINNING, END = dt.date(1970, 1, 1), dt.date(9999, 12, 30)
_AUTHORITIES = ("county", "park")
"""Kinds of territories whose authority stands next to the sites."""


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever owes duties: a site, an enterprise, an authority."""

    id: int | str
    """Of a node, or a site's name."""
    name: Text
    owes_as: frozenset[Owing]
    limits: list[Jurisdiction]
    active: list[Span]
    path: str
    """Of a node; empty of a site."""
    known_by: list[list[int]]
    """For each of its sites the nodes for which somebody may have declared a source; all must be."""
    time_zone: str


class World(msgspec.Struct, frozen=True, kw_only=True):
    """A place as it is asked for."""

    units: list[Unit]
    limits: Jurisdiction
    """Of what was asked for; of an enterprise that works in several places, of the first of them."""
    time_zone: str
    """Of the first of its sites."""
    rows: Rows
    enterprise_of: dict[str, str]
    """Path of the enterprise that a site belongs to."""
    paths: dict[int, str]
    """Of every node."""


def world(rows: Rows, node: int | None = None) -> World:
    """From what was gathered of a node, or of one site."""
    nodes = {row["node"]: row for row in rows["nodes"]}
    sites = [_site(row) for row in rows["sites"]]
    made = [one for _, one in sites]
    own = nodes.get(node or 0)
    # Of one site alone nobody can say what its enterprise has done elsewhere.
    for row in nodes.values() if own is not None else ():
        below = [(site, unit) for site, unit in sites if _is_below(site, row)]
        if _is_asked_for(row, own) and (unit := _unit(row, nodes, below)) is not None:
            made.append(unit)
    first = sites[0][1] if sites else None
    limits = first.limits[0] if first else jurisdiction()
    if own is not None and own["tree"] == "territory":
        limits = _holding(own, nodes)
    paths = {row["site"]: row["enterprise_path"] or "" for row in rows["sites"]}
    return World(
        units=made,
        limits=limits,
        time_zone=first.time_zone if first else HOME_ZONE,
        rows=rows,
        enterprise_of=paths,
        paths={number: row["path"] for number, row in nodes.items()},
    )


def active_spans(
    phases: Sequence[Sequence[object]] | None, phase: str, time_zone: str, known: dt.datetime | None = None
) -> list[Span]:
    """When a site was being built, from every change of its phase: [epoch seconds, before, after].

    As it was known at an instant, exclusive, where one is named: then of a site that came later, never.
    """
    found: list[Span] = []
    since: dt.date | None = None
    zone = zoneinfo.ZoneInfo(time_zone)
    changes = phases or [[0, None, phase]]
    if known is not None:
        told = [one for one in changes if float(str(one[0])) < known.timestamp()]
        changes = told or [[0, None, changes[0][1]]]
    for place, (at, before, after) in enumerate(changes):
        day = dt.datetime.fromtimestamp(float(str(at)), zone).date()
        if place == 0 and before == "building":
            since = BEGINNING
        if since is None and after == "building":
            since = day
        elif since is not None and after != "building":
            found.append(Span(since=since, until=max(since, day)))
            since = None
    if since is not None:
        found.append(Span(since=since, until=END))
    return merged(found)


def unit_of(found: World, site: str) -> Unit:
    """A site among the units."""
    return next(unit for unit in found.units if unit.id == site)


def is_active(unit_spans: Iterable[Span], day: dt.date) -> bool:
    """Whether the day lies in one of them."""
    return any(span.since <= day <= span.until for span in unit_spans)


def _site(row: Row) -> tuple[Row, Unit]:
    unit = Unit(
        id=row["site"],
        name=Text(**row["name"]),
        owes_as=frozenset({"site"}),
        limits=[jurisdiction(row["jurisdiction"] or DEFAULT)],
        active=active_spans(row["phases"], row["phase"], row["time_zone"]),
        path="",
        known_by=[[*nodes_of(row["territory_path"]), *nodes_of(row["enterprise_path"])]],
        time_zone=row["time_zone"],
    )
    return row, unit


def _is_below(site: Row, node: Row) -> bool:
    path = site["territory_path"] if node["tree"] == "territory" else site["enterprise_path"]
    return (path or "").startswith(node["path"])


def _is_asked_for(node: Row, own: Row | None) -> bool:
    """Whatever is below what was asked for, and in a territory the enterprises that work there."""
    if own is None:
        return False
    is_guest = own["tree"] == "territory" and node["tree"] == "enterprise"
    return is_guest or bool(node["path"].startswith(own["path"]))


def _unit(node: Row, nodes: dict[int, Row], below: list[tuple[Row, Unit]]) -> Unit | None:
    owes = _owes_as(node, nodes, below)
    if not owes or not below:
        return None
    limits = {one.name: one for _, unit in below for one in unit.limits}
    if node["tree"] == "territory":
        own = _holding(node, nodes)
        limits = {own.name: own}
    return Unit(
        id=node["node"],
        name=Text(**node["name"]),
        owes_as=owes,
        limits=list(limits.values()),
        active=merged(span for _, unit in below for span in unit.active),
        path=node["path"],
        known_by=[[*known, *nodes_of(node["path"])] for _, unit in below for known in unit.known_by],
        time_zone=below[0][1].time_zone,
    )


def _owes_as(node: Row, nodes: dict[int, Row], below: list[tuple[Row, Unit]]) -> frozenset[Owing]:
    kind, above = node["kind"], [nodes[one] for one in nodes_of(node["path"])[:-1] if one in nodes]
    if node["tree"] == "territory":
        return frozenset({"authority"}) if kind in _AUTHORITIES else frozenset()
    if kind == "group":
        return frozenset({"group"})
    if kind == "branch":
        return frozenset({"subsidiary"})
    if kind == "company":
        under = any(one["kind"] == "group" for one in above)
        return frozenset({"company", "subsidiary"} if under else {"company"})
    # Of a kind that somebody has made up: whoever has sites of its own and no company above is one.
    has_own = any(row["enterprise"] == node["node"] for row, _ in below)
    is_free = has_own and not any(one["kind"] == "company" for one in above)
    return frozenset({"company"}) if is_free else frozenset()


def _holding(node: Row, nodes: dict[int, Row]) -> Jurisdiction:
    for one in reversed(nodes_of(node["path"])):
        if one in nodes and nodes[one]["jurisdiction"]:
            return jurisdiction(nodes[one]["jurisdiction"])
    return jurisdiction(DEFAULT)
