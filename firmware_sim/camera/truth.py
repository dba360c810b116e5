"""What a scene comes to, by geometry alone: which bare heads in which areas are alarms, how many stand where.

It is reckoned from places in metres and from what heads wear, never from pictures or tracks, so whoever
judges a scene's pictures can be held against it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from firmware_sim.camera.scene import Head, Metres, Scene, View, heads

LOOK_S = 0.2
"""So often the truth is taken."""


class Area(NamedTuple):
    """A part of the ground."""

    name: str
    outline_m: Sequence[Metres]

    def holds(self, place: Metres) -> bool:
        """Whether a place lies in it."""
        x, y = place
        inside = False
        for (x1, y1), (x2, y2) in zip(self.outline_m, [*self.outline_m[1:], self.outline_m[0]], strict=True):
            if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
                inside = not inside
        return inside

    def outline(self, view: View) -> list[tuple[float, float]]:
        """The same in the picture, as shares of it; all of it must lie before the lens."""
        return [view.shares(*corner) for corner in self.outline_m]


class Moment(NamedTuple):
    """Everybody at one instant."""

    t_s: float
    heads: Sequence[Head]


class Bare(NamedTuple):
    """A bare head in an area, from when it can be seen there."""

    area: str
    figure: str
    since_s: float
    first_s: float
    """Before it was hidden, or left for a moment: whoever alarms it then is right as well."""


class Level(NamedTuple):
    """How many there are from an instant on."""

    since_s: float
    people: int


def moments(scene: Scene, view: View) -> list[Moment]:
    """The whole scene, as often as a camera looks."""
    instants = (number * LOOK_S for number in range(round(scene.seconds / LOOK_S)))
    return [Moment(t_s, heads(scene, view, t_s)) for t_s in instants]


def bare_heads(
    over: Sequence[Moment], areas: Sequence[Area], smallest_px: float, *, lasting_s: float = 2.0
) -> list[Bare]:
    """Every figure that for `lasting_s` is seen bare and large enough in an area; once while it stays bare.

    Of overlapping areas the first that holds somebody counts.
    """
    since: dict[str, tuple[str, float]] = {}
    first: dict[str, float] = {}
    told: set[str] = set()
    found: list[Bare] = []
    for t_s, there in over:
        bare = {head.figure: area.name for head, area in _asked(there, areas, smallest_px)}
        covered = {head.figure for head in there if not head.is_bare}
        told -= covered
        first = {name: then_s for name, then_s in first.items() if name not in covered}
        since = {name: kept for name, kept in since.items() if bare.get(name) == kept[0]}
        for name, area in bare.items():
            since.setdefault(name, (area, t_s))
            first.setdefault(name, t_s)
            if t_s - since[name][1] >= lasting_s and name not in told:
                told.add(name)
                found.append(Bare(area, name, since[name][1], first[name]))
    return found


def counts(over: Sequence[Moment], counted: Callable[[Head, float], bool]) -> list[Level]:
    """How many are `counted` over time, each change with its instant; the first is at the beginning."""
    levels = [Level(0.0, 0)]
    for t_s, there in over:
        count = sum(counted(head, t_s) for head in there)
        if count != levels[-1].people:
            levels.append(Level(t_s, count))
    return levels


def _asked(there: Sequence[Head], areas: Sequence[Area], smallest_px: float) -> Iterator[tuple[Head, Area]]:
    for head in there:
        wide, high = head.box[2] - head.box[0], head.box[3] - head.box[1]
        if head.is_bare and head.is_seen and (wide * high) ** 0.5 >= smallest_px:
            area = next((area for area in areas if area.holds(head.ground_m)), None)
            if area is not None:
                yield head, area
