"""Groups of cranes on one gateway, whatever buses they are on: checked from its file, and at work."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from edge.bindings import stale_after_ms
from edge.settings import CraneLayout, DeviceEntry, GatewayFile, GroupCrane
from sitewarden.collision.clearances import NotGivenError, clearances, for_voltage
from sitewarden.collision.erected import Shortfall, shortfalls
from sitewarden.collision.model import (
    Around,
    Clearance,
    Crane,
    CraneBuild,
    ForbiddenZone,
    Judged,
    Member,
    Obstacle,
    PowerLine,
    Structure,
)
from sitewarden.collision.points import beside, label_of, points_of
from sitewarden.collision.track import INPUTS
from sitewarden.derived import DerivedPoint
from sitewarden.errors import ConfigurationError
from sitewarden.profiles import Profile
from sitewarden.readings import Reading
from sitewarden.rules.model import BoundRule, Low
from sitewarden.text import Text

if TYPE_CHECKING:
    from sitewarden.collision.group import Group

SPEED_WINDOW_MS = 1000
"""Speeds are measured over so long, or over three polls where these are slower."""
LEAST_CORNERS = 3

ErrorAt = Callable[[str, str, str], ConfigurationError]
"""Field, message, mend."""


class GroupPlan(NamedTuple):
    """A group of the configuration, everything about it looked up and checked."""

    name: str
    members: tuple[Member, ...]
    obstacles: tuple[Obstacle, ...]
    around: Around

    def points(self) -> dict[str, tuple[DerivedPoint, ...]]:
        """What each of its cranes has beside its own points, by device."""
        labels = [member.crane.label for member in self.members]
        return {
            m.crane.name: points_of(m.crane.name, m.points, m.max_age_ms, labels, self.obstacles)
            for m in self.members
        }

    def shortfalls(self) -> Iterator[Shortfall]:
        """Which of its cranes are erected too near to one another."""
        return shortfalls([member.crane for member in self.members])


class Grouping:
    """The groups at work: each poll goes to the group that the device is in. Pure; waits for nothing."""

    def __init__(self, plans: Sequence[GroupPlan], rules: Iterable[BoundRule] = ()) -> None:
        """Nothing seen yet; `rules` are the gateway's. Without groups no numpy is loaded."""
        judged = _judged(rules) if plans else {}
        self.groups: dict[str, Group] = {plan.name: _started(plan, judged) for plan in plans}
        self._of: dict[str, Group] = {}
        for plan in plans:
            self._of |= dict.fromkeys((m.crane.name for m in plan.members), self.groups[plan.name])

    def take(self, device: str, readings: Sequence[Reading]) -> list[Reading]:
        """The derived readings that follow from those of one poll of a device."""
        group = self._of.get(device)
        return [] if group is None else group.take(readings)

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: whatever was dated since `since_ms` moves."""
        for group in self.groups.values():
            group.shift(by_ms, since_ms)

    def remembered(self) -> dict[str, bytes]:
        """What must be kept over a restart, by group."""
        return {name: msgspec.json.encode(group.remembered()) for name, group in self.groups.items()}

    def remember(self, name: str, saved: bytes) -> None:
        """Take up what was kept of a group; raises `msgspec.DecodeError` where it cannot be understood."""
        if (group := self.groups.get(name)) is not None:
            from sitewarden.collision.group import Remembered  # noqa: PLC0415  it loads numpy

            group.remember(msgspec.json.decode(saved, type=Remembered))


def _started(plan: GroupPlan, judged: Mapping[str, Judged]) -> "Group":
    from sitewarden.collision.group import Group  # noqa: PLC0415  a gateway without groups needs no numpy

    return Group(plan.members, plan.around, judged)


def _judged(rules: Iterable[BoundRule]) -> dict[str, Judged]:
    """By point: what the rules that call it too low make of it."""
    judged: dict[str, Judged] = {}
    for bound in rules:
        if isinstance(bound.rule.condition, Low):
            before = judged.get(bound.point, Judged(bound.limit, bound.clear_at))
            judged[bound.point] = Judged(
                min(before.beyond_m, bound.limit), max(before.back_m, bound.clear_at)
            )
    return judged


def plan_groups(file: GatewayFile, profiles: Mapping[str, Profile], error: ErrorAt) -> tuple[GroupPlan, ...]:
    """The groups that a gateway's file asks for; raises `ConfigurationError` at the first that cannot be."""
    return _Check(file, profiles, error).plans()


class _Place(NamedTuple):
    entry: DeviceEntry
    where: str
    """The path of its entry."""


class _Check:
    """Groups and obstacles of one file under check."""

    def __init__(self, file: GatewayFile, profiles: Mapping[str, Profile], error: ErrorAt) -> None:
        self._file, self._profiles, self._error = file, profiles, error
        self._places = {
            entry.device: _Place(entry, f"buses.{i}.devices.{j}")
            for i, bus in enumerate(file.buses)
            for j, entry in enumerate(bus.devices)
        }

    def plans(self) -> tuple[GroupPlan, ...]:
        if not self._file.crane_groups:
            if self._file.obstacles:
                message = (
                    "distances to obstacles are measured for cranes in `crane_groups`, and there are none"
                )
                raise self._error("obstacles", message, "Add `crane_groups:`; a group may be one crane.")
            return ()
        if find_spec("numpy") is None:
            message = "the geometry of crane groups needs numpy, which is not installed"
            raise self._error("crane_groups", message, "Run pip install 'sitewarden[edge,group]'.")
        for complaint in (*self._twice(), *self._obstacles_unmeant()):
            raise complaint
        around = Around(
            tuple(o for o in self._file.obstacles if isinstance(o, Structure)),
            tuple(o for o in self._file.obstacles if isinstance(o, ForbiddenZone)),
            tuple(self._lines()),
        )
        obstacles = tuple(self._file.obstacles)
        return tuple(
            GroupPlan(group.group, tuple(self._members(i, group.cranes)), obstacles, around)
            for i, group in enumerate(self._file.crane_groups)
        )

    def _twice(self) -> Iterator[ConfigurationError]:
        named, cranes, obstacles = Counter[str](), Counter[str](), Counter[str]()
        for i, group in enumerate(self._file.crane_groups):
            named[group.group] += 1
            if named[group.group] > 1:
                message = f"there is already a group `{group.group}`"
                yield self._error(f"crane_groups.{i}.group", message, "Give each group its own name.")
            if len(group.cranes) == 1 and not self._file.obstacles:
                message = "one crane alone, and no obstacles: there is no distance to measure"
                yield self._error(f"crane_groups.{i}.cranes", message, "Add cranes, or `obstacles:`.")
            for j, member in enumerate(group.cranes):
                cranes[member.crane] += 1
                if cranes[member.crane] > 1:
                    message = f"`{member.crane}` is already in a group"
                    where = f"crane_groups.{i}.cranes.{j}.crane"
                    yield self._error(where, message, "Put all cranes that reach one another into one group.")
        for i, obstacle in enumerate(self._file.obstacles):
            obstacles[obstacle.obstacle] += 1
            if obstacles[obstacle.obstacle] > 1:
                message = f"there is already an obstacle `{obstacle.obstacle}`"
                yield self._error(f"obstacles.{i}.obstacle", message, "Give each obstacle its own name.")

    def _members(self, i: int, cranes: Sequence[GroupCrane]) -> Iterator[Member]:
        for j, member in enumerate(cranes):
            where = f"crane_groups.{i}.cranes.{j}"
            place = self._places.get(member.crane)
            if place is None:
                mend = f"Devices are {', '.join(sorted(self._places))}."
                raise self._error(f"{where}.crane", f"there is no device `{member.crane}`", mend)
            yield self._member(where, member, place)

    def _member(self, where: str, member: GroupCrane, place: _Place) -> Member:
        entry, layout = place.entry, place.entry.layout
        profile = self._profiles[entry.profile]
        if profile.device_kind != "crane":
            message = f"`{entry.device}` is no crane by its profile `{entry.profile}`"
            raise self._error(f"{where}.crane", message, "Name a tower crane.")
        if not isinstance(layout, CraneLayout):
            mend = "Add `layout: {kind: crane, x_m: …, y_m: …, jib_m: …, counter_jib_m: …, mast_m: …}`."
            raise self._error(
                f"{place.where}.layout", "a crane of a group needs its place and its reach", mend
            )
        for complaint in self._build_unmeant(f"{where}.build", member.build, layout):
            raise complaint
        keys = self._inputs(f"{where}.crane", entry, profile)
        intervals = {name: entry.interval_ms or group.interval_ms for name, group in profile.groups.items()}
        slowest_ms = max(intervals[profile.points[key].group] for key in keys)
        return Member(
            crane=Crane(
                name=entry.device,
                label=entry.label or Text(entry.device, entry.device),
                x_m=layout.x_m,
                y_m=layout.y_m,
                ground_m=member.ground_m,
                jib_m=layout.jib_m,
                counter_jib_m=layout.counter_jib_m,
                build=member.build,
                braking=member.braking,
            ),
            points=tuple(f"{entry.device}/{key}" for key in keys),
            max_age_ms=max(stale_after_ms(profile, key, intervals) for key in keys),
            window_ms=max(SPEED_WINDOW_MS, 3 * slowest_ms),
        )

    def _inputs(self, where: str, entry: DeviceEntry, profile: Profile) -> list[str]:
        """The first point of each kind that a pose is made of."""
        by_kind = {
            point.kind: key
            for key, point in reversed(list(profile.points.items()))
            if key not in entry.unused
        }
        missing = [kind for kind in INPUTS if kind not in by_kind]
        if missing:
            message = f"`{entry.device}` gives no {', '.join(missing)}"
            raise self._error(where, message, "A crane's distances need slew, radius and hook height.")
        return [by_kind[kind] for kind in INPUTS]

    def _build_unmeant(
        self, where: str, build: CraneBuild, layout: CraneLayout
    ) -> Iterator[ConfigurationError]:
        for low, high in (
            ("jib_bottom_m", "jib_top_m"),
            ("counter_jib_bottom_m", "counter_jib_top_m"),
            ("jib_top_m", "apex_m"),
            ("counter_jib_top_m", "apex_m"),
        ):
            if getattr(build, low) > getattr(build, high):
                message = f"{getattr(build, high):g} m is below `{low}`, {getattr(build, low):g} m"
                yield self._error(f"{where}.{high}", message, "Heights are above the crane's own base.")
        if not build.jib_bottom_m <= layout.mast_m <= build.jib_top_m:
            message = f"the layout has the jib at {layout.mast_m:g} m, which is not from here to `jib_top_m`"
            yield self._error(f"{where}.jib_bottom_m", message, "Mend this, or `mast_m` in the layout.")
        if layout.jib_m <= 0 or layout.counter_jib_m < 0:
            message = "the layout's jib has no length"
            yield self._error(f"{where}.jib_bottom_m", message, "Mend `jib_m` in the layout.")

    def _obstacles_unmeant(self) -> Iterator[ConfigurationError]:
        for i, obstacle in enumerate(self._file.obstacles):
            where = f"obstacles.{i}"
            if isinstance(obstacle, PowerLine):
                yield from self._line_unmeant(where, obstacle)
            else:
                yield from self._outline_unmeant(f"{where}.outline_m", obstacle.outline_m)
            if isinstance(obstacle, Structure) and obstacle.top_m <= obstacle.bottom_m:
                message = f"{obstacle.top_m:g} m is not above its bottom, {obstacle.bottom_m:g} m"
                yield self._error(f"{where}.top_m", message, "Heights are above the zero of the site's grid.")

    def _outline_unmeant(
        self, where: str, outline: Sequence[tuple[float, float]]
    ) -> Iterator[ConfigurationError]:
        if len(outline) < LEAST_CORNERS:
            yield self._error(where, f"{len(outline)} corners make no area", "Give three or more.")
        elif outline[0] == outline[-1]:
            yield self._error(
                where, "the last corner is the first", "Leave it out; an outline closes itself."
            )
        yield from self._repeated(where, outline)

    def _line_unmeant(self, where: str, line: PowerLine) -> Iterator[ConfigurationError]:
        if len(line.points_m) < 2:  # noqa: PLR2004  a line has two ends
            yield self._error(f"{where}.points_m", "one point makes no line", "Give two or more.")
        yield from self._repeated(f"{where}.points_m", [(x, y) for x, y, *_ in line.points_m])
        for j, (_, _, lowest, highest) in enumerate(line.points_m):
            if lowest > highest:
                message = f"the lowest wire at {lowest:g} m is over the highest at {highest:g} m"
                yield self._error(f"{where}.points_m.{j}", message, "Write [x, y, lowest, highest].")
        if line.clearance is None:
            try:
                for_voltage(line.kilovolts)
            except NotGivenError as exc:
                mend = "Add `clearance: {vertical_m: …, horizontal_m: …}`, as the owner of the line asks."
                yield self._error(f"{where}.kilovolts", str(exc), mend)

    def _repeated(self, where: str, points: Sequence[tuple[float, float]]) -> Iterator[ConfigurationError]:
        for j, (before, point) in enumerate(pairwise(points), start=1):
            if before == point:
                yield self._error(f"{where}.{j}", "is where the one before is", "Leave one of them out.")

    def _lines(self) -> Iterator[tuple[PowerLine, Clearance]]:
        for obstacle in self._file.obstacles:
            if isinstance(obstacle, PowerLine):
                yield obstacle, obstacle.clearance or for_voltage(obstacle.kilovolts)


def told_beside(points: Sequence[DerivedPoint]) -> dict[str, list[str]]:
    """By point of a group: which of the crane's others say who or what it is measured to."""
    by_kind = {point.kind: point.point for point in points}
    return {
        point.point: [by_kind[kind] for kind in beside(point.kind) if kind in by_kind] for point in points
    }


def described(plan: GroupPlan) -> Iterator[str]:
    """The group for people, line by line."""
    yield f"group {plan.name}: {', '.join(member.crane.name for member in plan.members)}"
    yield from (f"  obstacle {_said(obstacle)}" for obstacle in plan.obstacles)


def _said(obstacle: Obstacle) -> str:
    kind: Any = obstacle.__struct_config__.tag
    named = f"{obstacle.obstacle} ({label_of(obstacle).zh}): {kind}"
    if not isinstance(obstacle, PowerLine):
        return f"{named}, {len(obstacle.outline_m)} corners"
    asked = obstacle.clearance or for_voltage(obstacle.kilovolts)
    source = "by the file" if obstacle.clearance else f"by {clearances().power_lines.basis.clause}"
    keeps = f"{asked.vertical_m:g} m upright or {asked.horizontal_m:g} m sideways {source}"
    return f"{named}, {obstacle.kilovolts:g} kV, {keeps}"


def doubts_of(plan: GroupPlan) -> Iterator[str]:
    """Cranes that are erected nearer to one another than the standard asks."""
    for short in plan.shortfalls():
        pair = f"the jib end of {short.low.name} to the mast of {short.high.name}"
        if short.what == "high over low":
            pair = f"the lowest of {short.high.name} over the highest of {short.low.name}"
        asked = f"{clearances().erected.basis.clause} asks for {short.required_m:g} m"
        yield f"as erected, {pair} has {short.metres:.2f} m, whatever way they turn; {asked}"
