"""The board of a territory (挂图作战): what is open below a node, part by part, the worst first. Pure."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from cloud.database import Row
from cloud.indicators.description import Light
from cloud.indicators.model import Step, Tile
from cloud.shown import TextShown

_ORDER: Mapping[Light, int] = {"red": 0, "amber": 1, "unknown": 2, "green": 3}
_SUMS = (
    "open_major",
    "overdue_major",
    "proposed",
    "listed",
    "general",
    "alarms",
    "gateways",
    "silent",
)


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the territory tree."""

    node: int
    parent: int | None
    name: dict[str, str]
    path: str


class Laid(msgspec.Struct, frozen=True, kw_only=True):
    """A board laid out."""

    node: int | None
    name: TextShown | None
    way: list[Step]
    total: Tile
    tiles: list[Tile]


def blind(row: Row) -> bool:
    """A project in progress that somebody does not watch."""
    return row["phase"] == "building" and bool(row["no_authority"] or row["no_officer"] or row["no_gateway"])


def lay(nodes: Sequence[Node], sites: Sequence[Row], node: int | None) -> Laid:
    """The parts of a node: its children with all below them, and the sites right at it.

    With no node, the lowest one that has all that is seen; where there is none, the uppermost nodes.
    """
    by_id, here = {one.node: one for one in nodes}, _here(nodes, sites, node)
    prefix = "/" if here is None else here.path
    within = [row for row in sites if here is None or (row["path"] or "").startswith(prefix)]
    top = None if here is None else here.node
    tiles: list[Tile] = []
    taken: set[str] = set()
    for child in children(nodes, sites, node):
        below = [row for row in within if (row["path"] or "").startswith(child.path)]
        taken |= {row["site"] for row in below}
        tiles.append(_tile(below, node=child.node, name=child.name))
    tiles += [_tile([row], site=row["site"], name=row["name"]) for row in within if row["site"] not in taken]
    return Laid(
        node=top,
        name=None if here is None else TextShown(**here.name),
        way=_way(by_id, here),
        total=_tile(within, node=top, name={"zh": "合计", "en": "Total"} if here is None else here.name),
        tiles=sorted(tiles, key=_worst_first),
    )


def children(nodes: Sequence[Node], sites: Sequence[Row], node: int | None) -> list[Node]:
    """The parts right below a node; of no node, of the lowest that has all sites, or the uppermost."""
    known, here = {one.node for one in nodes}, _here(nodes, sites, node)
    top = None if here is None else here.node
    return [one for one in nodes if (one.parent if one.parent in known else None) == top and one != here]


def _here(nodes: Sequence[Node], sites: Sequence[Row], node: int | None) -> Node | None:
    if node is None:
        return _common(nodes, sites)
    return next((one for one in nodes if one.node == node), None)


def _worst_first(tile: Tile) -> tuple[int, int, int, str, str]:
    nearest = tile.late_since or tile.next_due or "9"
    return _ORDER[tile.light], -tile.overdue_major, -tile.open_major, nearest, tile.name.zh


def _common(nodes: Sequence[Node], sites: Sequence[Row]) -> Node | None:
    """The lowest node above all sites; none where a site stands in no territory."""
    paths = [row["path"] for row in sites]
    if not paths or not all(paths):
        return None
    above = [one for one in nodes if all(path.startswith(one.path) for path in paths)]
    return max(above, key=lambda one: len(one.path), default=None)


def _way(by_id: Mapping[int, Node], here: Node | None) -> list[Step]:
    way: list[Step] = []
    above = None if here is None or here.parent is None else by_id.get(here.parent)
    while above is not None:
        way.insert(0, Step(node=above.node, name=TextShown(**above.name)))
        above = None if above.parent is None else by_id.get(above.parent)
    return way


def _tile(
    rows: Sequence[Row], *, name: dict[str, str], node: int | None = None, site: str | None = None
) -> Tile:
    sums = {column: sum(row[column] for row in rows) for column in _SUMS}
    blinds = sum(map(blind, rows))
    due, due_hazard = _first(rows, "next_due", "next_hazard")
    late, late_hazard = _first(rows, "late_since", "late_hazard")
    return Tile.model_validate(
        {
            "kind": "node" if site is None else "site",
            "node": node,
            "site": site,
            "name": TextShown(**name),
            "light": _light(rows, sums, blinds),
            "sites": len(rows),
            "next_due": due,
            "next_hazard": due_hazard,
            "late_since": late,
            "late_hazard": late_hazard,
            "blind": blinds,
            **sums,
        }
    )


def _first(rows: Iterable[Row], at: str, of: str) -> tuple[dt.datetime | None, object]:
    found = min((row for row in rows if row[at] is not None), key=lambda row: row[at], default=None)
    return (None, None) if found is None else (found[at], found[of])


def _light(rows: Sequence[Row], sums: Mapping[str, int], blinds: int) -> Light:
    """Red: overdue. Amber: open, suspected, or somebody looks away. Nothing to look at is not green."""
    if sums["overdue_major"]:
        return "red"
    if sums["open_major"] or sums["proposed"] or blinds or sums["silent"]:
        return "amber"
    return "green" if rows and sums["gateways"] else "unknown"
