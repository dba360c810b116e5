"""Which derived points a crane of a group has, and how the numbers in some of them read; needs no numpy."""

from collections.abc import Iterator, Sequence

from sitewarden.collision.model import PART_LABELS, ForbiddenZone, Obstacle, PowerLine, Structure
from sitewarden.text import Text

GROUP = (
    "crane.group.distance",
    "crane.group.partner",
    "crane.group.parts",
    "crane.group.mast",
    "crane.group.vertical",
    "crane.group.ahead",
    "crane.group.ahead.time",
    "crane.group.ahead.partner",
    "crane.group.unseen",
)
STRUCTURES = (
    "crane.obstacle.distance",
    "crane.obstacle.ahead",
    "crane.obstacle.nearest",
    "crane.obstacle.tail",
)
ZONES = ("crane.zone.distance", "crane.zone.ahead", "crane.zone.nearest")
LINES = ("crane.power_line.margin", "crane.power_line.ahead", "crane.power_line.nearest")
TOLD_BESIDE = (
    "crane.group.partner",
    "crane.group.parts",
    "crane.group.ahead.partner",
    "crane.obstacle.nearest",
    "crane.zone.nearest",
    "crane.power_line.nearest",
)
"""Which partner, parts or obstacle it is: an alarm carries them as evidence."""
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


def legend_of(kind: str, cranes: Sequence[Text], obstacles: Sequence[Obstacle]) -> Text | None:
    """What the numbers of a point stand for, said in its label; `None` where they are metres or seconds."""
    if kind in ("crane.group.partner", "crane.group.ahead.partner"):
        return _numbered(cranes)
    if kind == "crane.group.parts":
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
