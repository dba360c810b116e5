"""Places compared by weighted points (打分排队), with what each point is for. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from cloud.database import Row
from cloud.duties.rounds import companies
from cloud.indicators.board import Node, children
from cloud.indicators.description import descriptions
from cloud.indicators.measured import Measured


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared: a part of a territory or an enterprise, with its sites."""

    node: int
    name: Mapping[str, str]
    sites: Sequence[Row]


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """A share and its points."""

    id: str
    value: float | None
    points: float | None
    of: int
    """What the value is a share of."""


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """Where something stands among the others."""

    unit: Unit
    rank: int | None
    """`None` where too little is known of it."""
    score: float | None
    records: int
    """Major hazards that were found."""
    components: Sequence[Scored]


def territories(nodes: Sequence[Node], sites: Sequence[Row], node: int | None) -> list[Unit]:
    """The parts right below a node that have sites; of no node, of the lowest that has all of them."""
    placed = [{**row, "path": row["territory_path"]} for row in sites]
    found = (
        Unit(
            node=child.node,
            name=child.name,
            sites=[row for row in placed if (row["path"] or "").startswith(child.path)],
        )
        for child in children(nodes, placed, node)
    )
    return [unit for unit in found if unit.sites]


def enterprises(nodes: Sequence[Row], sites: Sequence[Row]) -> list[Unit]:
    """The companies of the sites."""
    by_node: dict[int, tuple[Row, list[Row]]] = {}
    for site in sites:
        for company in companies([site], nodes):
            by_node.setdefault(company["node"], (company, []))[1].append(site)
    return [Unit(node=node, name=row["name"], sites=its) for node, (row, its) in sorted(by_node.items())]


def rank(units: Iterable[tuple[Unit, Sequence[Measured]]]) -> list[Ranked]:
    """The best first, the same score the same rank; those of which too little is known last, by name."""
    scored = [_scored(unit, found) for unit, found in units]
    known = sorted(
        (one for one in scored if one.score is not None), key=lambda one: (-(one.score or 0), _name(one))
    )
    better = [sum((other.score or 0) > (one.score or 0) for other in known) for one in known]
    ranked = [
        msgspec.structs.replace(one, rank=before + 1) for one, before in zip(known, better, strict=True)
    ]
    return [*ranked, *sorted((one for one in scored if one.score is None), key=_name)]


def _name(one: Ranked) -> str:
    return one.unit.name["zh"]


def _scored(unit: Unit, found: Sequence[Measured]) -> Ranked:
    wanted, by_id = descriptions().ranking, {one.id: one for one in found}
    components = [_component(name, by_id) for name in wanted.components]
    weights = {name: one.weight for name, one in wanted.components.items()}
    known = [(weights[one.id], one.points) for one in components if one.points is not None]
    weight = sum(one for one, _ in known)
    records = by_id["rectification"].of or 0
    is_ranked = records >= wanted.records and weight >= wanted.weight * sum(weights.values())
    score = round(sum(one * points for one, points in known) / weight, 1) if is_ranked else None
    return Ranked(unit=unit, rank=None, score=score, records=records, components=components)


def _component(name: str, by_id: Mapping[str, Measured]) -> Scored:
    value, of = next(_values(name, by_id))
    points = None if value is None else descriptions().ranking.components[name].points(value)
    return Scored(id=name, value=value, points=points, of=of)


def _values(name: str, by_id: Mapping[str, Measured]) -> Iterator[tuple[float | None, int]]:
    indicator, _, part = name.partition("/")
    one = by_id[indicator]
    if not part:
        yield one.value, one.of or 0
    for its in one.parts:
        if its.name == part:
            yield its.value, int(its.of or 0)
