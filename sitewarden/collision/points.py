"""Which derived points a crane of a group has, and how the numbers in some of them read; needs no numpy."""

from collections.abc import Iterator, Sequence

from sitewarden.collision.model import PART_LABELS, ForbiddenZone, Obstacle, PowerLine, Structure
from sitewarden.derived.model import DerivedPoint
from sitewarden.text import Text

GROUP = (
    "crane.group.distance",
    "crane.group.distance.partner",
    "crane.group.distance.parts",
    "crane.group.mast",
    "crane.group.mast.partner",
    "crane.group.vertical",
    "crane.group.vertical.partner",
    "crane.group.ahead",
    "crane.group.ahead.partner",
    "crane.group.ahead.time",
    "crane.group.unseen",
)
STRUCTURES = (
    "crane.obstacle.distance",
    "crane.obstacle.ahead",
    "crane.obstacle.tail",
    "crane.obstacle.nearest",
)
ZONES = ("crane.zone.distance", "crane.zone.ahead", "crane.zone.nearest")
LINES = ("crane.power_line.margin", "crane.power_line.ahead", "crane.power_line.nearest")
HOW = {
    "crane.group.distance": "the least distance in space between any part of the crane and any of another",
    "crane.group.mast": "jib and counter-jib to another mast, sideways (or upright where that is more)",
    "crane.group.vertical": "any other parts but two hooks, upright (or sideways where that is more)",
    "crane.group.ahead": "the least distance if all brake after their reaction",
    "crane.group.ahead.time": "seconds until then",
    "crane.group.unseen": "cranes whose pose is not known and in whose circle the crane is",
    "crane.obstacle.distance": "jib, counter-jib, rope and load to the nearest structure",
    "crane.obstacle.tail": "the counter-jib to the nearest structure",
    "crane.zone.distance": "hook and load to the nearest forbidden zone, 0 inside",
    "crane.power_line.margin": "any part, sideways or upright by which is more, less what is required",
}
"""How points are made, for people who look into one; those not here say it by their label."""
ALL = (*GROUP, *STRUCTURES, *ZONES, *LINES)


def kinds_of(cranes: int, obstacles: Sequence[Obstacle]) -> list[str]:
    """The kinds of a crane in a group of so many, among these obstacles."""
    sorts: set[type[Obstacle]] = {type(obstacle) for obstacle in obstacles}
    return [
        *(GROUP if cranes > 1 else ()),
        *(STRUCTURES if Structure in sorts else ()),
        *(ZONES if ForbiddenZone in sorts else ()),
        *(LINES if PowerLine in sorts else ()),
    ]


def key_of(kind: str) -> str:
    """The point's key within its crane."""
    return kind.removeprefix("crane.")


def beside(kind: str) -> list[str]:
    """The kinds that an alarm on this kind carries as evidence: which partner, parts, or obstacle."""
    family = kind.rpartition(".")[0]
    return [other for other in ALL if other.startswith(f"{kind}.") or other == f"{family}.nearest" != kind]


def points_of(
    crane: str,
    inputs: tuple[str, ...],
    stale_after_ms: int,
    cranes: Sequence[Text],
    obstacles: Sequence[Obstacle],
) -> tuple[DerivedPoint, ...]:
    """The derived points of one crane of a group; `inputs` are what its pose is made of."""
    return tuple(
        DerivedPoint(
            point=f"{crane}/{key_of(kind)}",
            kind=kind,
            inputs=inputs,
            stale_after_ms=stale_after_ms,
            label=legend_of(kind, cranes, obstacles),
            how=HOW.get(kind, ""),
        )
        for kind in kinds_of(len(cranes), obstacles)
    )


def legend_of(kind: str, cranes: Sequence[Text], obstacles: Sequence[Obstacle]) -> Text | None:
    """What the numbers of a point stand for, said in its label; `None` where they are metres or seconds."""
    if kind.endswith(".partner"):
        return _numbered(cranes)
    if kind.endswith(".parts"):
        tens = _numbered(PART_LABELS)
        return Text(f"十位本机、个位他机：{tens.zh}", f"tens its own, ones the other's: {tens.en}")
    sorts: dict[str, type[Obstacle]] = {
        "crane.obstacle.nearest": Structure,
        "crane.zone.nearest": ForbiddenZone,
        "crane.power_line.nearest": PowerLine,
    }
    if kind in sorts:
        return _numbered([label_of(o) for o in obstacles if isinstance(o, sorts[kind])])
    return None


def label_of(obstacle: Obstacle) -> Text:
    """What people call it."""
    return obstacle.label or Text(obstacle.obstacle, obstacle.obstacle)


def parts_code(own: int, other: int) -> float:
    """Two places in `model.PARTS` as one number, such as 14: the jib here, the rope there."""
    return float(10 * (own + 1) + other + 1)


def _numbered(labels: Sequence[Text]) -> Text:
    return Text("、".join(_each(labels, "zh")), ", ".join(_each(labels, "en")))


def _each(labels: Sequence[Text], language: str) -> Iterator[str]:
    return (f"{number} {getattr(label, language)}" for number, label in enumerate(labels, start=1))
