"""Cranes whose work areas overlap: drivers who keep clear of each other, and meetings where they do not.

A crane is dangerous to another in two ways. Of different heights, the hoist rope of the higher one can come
against the jib of the lower one; of one height, jib can come against jib. Both are looked at from above.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import NamedTuple

from firmware_sim import agenda, crane
from firmware_sim.chart import Line
from firmware_sim.crane import CraneState, Leg, Orders
from firmware_sim.model import JIB_END_M, Crane, CraneGroup, Meeting

SAME_HEIGHT_M = 2.0
"""Jibs with less between them are of one height: the rules ask for two metres."""
BESIDE_DEG = 35.0
"""From how far beside its goal the second crane of a meeting comes."""
GATHER_S = 75.0
"""Before a meeting drivers begin nothing that ends later than this: half a turn takes no longer."""
BELOW_JIB_M = 4.0
"""So far below the lower jib the higher crane's hook hangs in a meeting."""
SAMPLE_DEG = 6.0
MOST_SLEW_DEG = 540.0
"""A slewing limiter allows one and a half turns to either side: GB 5144."""

Vector = tuple[float, float]
Segment = tuple[Vector, Vector]


class Member(NamedTuple):
    """A crane of a group."""

    name: str
    crane: Crane
    line: Line
    seed: str


class Group(NamedTuple):
    """A group with everything that its names stood for."""

    group: CraneGroup
    members: tuple[Member, ...]


class Pose(NamedTuple):
    """How a crane holds itself towards another."""

    beside_deg: float
    """Its jib points so far beside the other's mast."""
    radius_m: float


class Sweep(NamedTuple):
    """Where a crane is and will be until its lift is over."""

    crane: Crane
    slew_deg: tuple[float, float]
    radius_m: tuple[float, float]


def start(group: Group) -> tuple[CraneState, ...]:
    """All cranes at rest."""
    return tuple(crane.start(member.crane) for member in group.members)


def step(
    group: Group,
    states: Sequence[CraneState],
    *,
    t_s: float,
    dt_s: float,
    rngs: Sequence[Random],
    bypassed: int | None = None,
) -> tuple[CraneState, ...]:
    """All cranes `dt_s` later, at `t_s`; one after the other, so that two never begin into the same place.

    `bypassed` is the number of the crane whose limiter does nothing.
    """
    now = list(states)
    for i, member in enumerate(group.members):
        orders = None if now[i].legs else _orders(group, now, i, t_s)
        now[i] = crane.step(
            member.crane,
            member.line,
            now[i],
            t_s=t_s,
            dt_s=dt_s,
            rng=rngs[i],
            orders=orders,
            is_bypassed=i == bypassed,
        )
    return tuple(_released(now, state, t_s) for state in now)


def _waits(state: CraneState) -> bool:
    """Whether the crane holds still in a meeting until the other is there, or has gone."""
    return bool(state.legs) and state.legs[0].not_before_s == math.inf


def _released(states: Sequence[CraneState], state: CraneState, t_s: float) -> CraneState:
    """Who waits goes on: the one that comes when the other stands, the other when it has been met."""
    if not _waits(state):
        return state
    comes = len(state.legs) > 1
    for other in states:
        if other is state or other.errand != state.errand:
            continue
        if comes and _waits(other):
            return replace(state, legs=state.legs[1:], leg_since_s=t_s)
        if not comes and not other.legs:
            return replace(state, legs=())
    return state


def _orders(group: Group, states: Sequence[CraneState], i: int, t_s: float) -> Orders:
    me, state = group.members[i], states[i]
    others = [
        sweep_of(member.crane, states[j], _ahead(states[j]))
        for j, member in enumerate(group.members)
        if j != i
    ]
    is_clear = partial(_is_clear, me.crane, state, others, group.group.clear_m)
    mine = [meeting for meeting in group.group.meetings if me.name in meeting.cranes]
    due = agenda.due(mine, state.errands_done)
    if due is None:
        return Orders(is_clear)
    meeting, at_s = due
    orders = Orders(is_clear, f"{'/'.join(meeting.cranes)} {at_s}", free_until_s=at_s - GATHER_S)
    if t_s < orders.free_until_s:
        return orders
    # Only the way there must be clear: that the two then come near is what a meeting is for.
    for legs in _errands(group, meeting, at_s, me.name, state):
        if is_clear(legs[:1]):
            return orders._replace(errand=legs, is_open=True)
    return orders._replace(is_patient=t_s < at_s)


def _ahead(state: CraneState) -> Iterator[Leg]:
    """The legs that the crane will go by itself: none beyond the place where it waits for another."""
    for leg in state.legs:
        yield leg
        if leg.not_before_s == math.inf:
            return


def _is_clear(
    machine: Crane, state: CraneState, others: Sequence[Sweep], clear_m: float, legs: tuple[Leg, ...]
) -> bool:
    mine = sweep_of(machine, state, legs)
    return all(gap(mine, other) >= clear_m for other in others)


def sweep_of(machine: Crane, state: CraneState, legs: Iterable[Leg]) -> Sweep:
    """What the crane covers from where it is over all its legs."""
    ways = list(legs)
    slews = [state.slew.position, *(leg.slew_deg for leg in ways)]
    radii = [state.trolley.position, *(leg.radius_m for leg in ways)]
    return Sweep(machine, (min(slews), max(slews)), (min(radii), max(radii)))


def gap(one: Sweep, other: Sweep) -> float:
    """The least that may be left between what could touch of two cranes, seen from above, m."""
    rise = one.crane.mast_m - other.crane.mast_m
    if abs(rise) < SAME_HEIGHT_M:
        return (
            _least(_jibs(one), _jibs(other))
            - _between(one, one.crane.jib_m)
            - _between(other, other.crane.jib_m)
        )
    higher, lower = (one, other) if rise > 0.0 else (other, one)
    least = _least(_ropes(higher), _jibs(lower))
    return least - _between(higher, higher.radius_m[1]) - _between(lower, lower.crane.jib_m)


def _least(some: Iterator[Segment], others: Iterator[Segment]) -> float:
    between = list(others)
    return min(distance(a, b) for a in some for b in between)


def _between(sweep: Sweep, reach_m: float) -> float:
    """How much nearer something `reach_m` out may come between two of the angles that are looked at."""
    angles = list(_angles(sweep))
    return reach_m * math.radians(angles[1] - angles[0]) / 2.0 if len(angles) > 1 else 0.0


def _jibs(sweep: Sweep) -> Iterator[Segment]:
    """Jib and counter-jib at every angle of a sweep."""
    for slew in _angles(sweep):
        back, tip = -sweep.crane.counter_jib_m, sweep.crane.jib_m
        yield place(sweep.crane, slew, back), place(sweep.crane, slew, tip)


def _ropes(sweep: Sweep) -> Iterator[Segment]:
    """All places of the hoist rope at every angle of a sweep."""
    near_m, far_m = sweep.radius_m
    for slew in _angles(sweep):
        yield place(sweep.crane, slew, near_m), place(sweep.crane, slew, far_m)


def _angles(sweep: Sweep) -> Iterator[float]:
    least, most = sweep.slew_deg
    count = 1 + math.ceil((most - least) / SAMPLE_DEG)
    yield from (least + (most - least) * i / max(1, count - 1) for i in range(count))


def place(machine: Crane, slew_deg: float, radius_m: float) -> Vector:
    """A place on the site's grid: slew 0° is +y, clockwise is positive."""
    slew = math.radians(slew_deg)
    x, y = machine.at_m
    return x + radius_m * math.sin(slew), y + radius_m * math.cos(slew)


def distance(one: Segment, other: Segment) -> float:
    """Between two segments in the plane, m."""
    if _cross(one, other):
        return 0.0
    return min(
        _to_segment(one[0], other),
        _to_segment(one[1], other),
        _to_segment(other[0], one),
        _to_segment(other[1], one),
    )


def _cross(one: Segment, other: Segment) -> bool:
    parted = _side(one, other[0]) * _side(one, other[1]) < 0.0
    return parted and _side(other, one[0]) * _side(other, one[1]) < 0.0


def _side(segment: Segment, point: Vector) -> float:
    (ax, ay), (bx, by) = segment
    return (bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax)


def _to_segment(point: Vector, segment: Segment) -> float:
    (ax, ay), (bx, by) = segment
    dx, dy = bx - ax, by - ay
    length = dx * dx + dy * dy
    share = max(0.0, min(1.0, ((point[0] - ax) * dx + (point[1] - ay) * dy) / length)) if length else 0.0
    return math.hypot(point[0] - ax - share * dx, point[1] - ay - share * dy)


def apart(one: Crane, other: Crane) -> float:
    """Between the masts, m."""
    return math.dist(one.at_m, other.at_m)


def overlap(higher: Crane, lower: Crane) -> tuple[float, float]:
    """Where the higher crane's trolley hangs over the lower one's jib when both point at each other, m.

    An end before the begin: they cannot meet.
    """
    between = apart(higher, lower)
    return max(higher.nearest_m, between - lower.jib_m), min(higher.jib_m - JIB_END_M, between)


def _errands(
    group: Group, meeting: Meeting, at_s: float, name: str, state: CraneState
) -> Iterator[tuple[Leg, ...]]:
    """The ways of one crane to a meeting, the shortest first: it can turn either way round."""
    machines = {member.name: member.crane for member in group.members}
    first, second = (machines[one] for one in meeting.cranes)
    stands, comes = _poses(first, second, meeting.gap_m)
    if name == meeting.cranes[0]:
        for goal in _ways(first, second, stands.radius_m, 0.0, state):
            yield goal, goal._replace(not_before_s=math.inf)
        return
    for side in (1.0, -1.0):
        aside = side * comes.beside_deg
        for beside in _ways(second, first, comes.radius_m, aside + side * BESIDE_DEG, state):
            goal = beside._replace(slew_deg=beside.slew_deg - side * BESIDE_DEG)
            there = goal._replace(hold_s=meeting.hold_s)
            # It sets out at its time, once the other stands: the group lets it go on.
            yield (
                beside,
                beside._replace(not_before_s=at_s),
                beside._replace(not_before_s=math.inf),
                goal,
                there,
                beside,
            )


def _poses(first: Crane, second: Crane, gap_m: float) -> tuple[Pose, Pose]:
    """How the crane that stands and the crane that comes hold themselves."""
    between = apart(first, second)
    here, there = first.start.radius_m, second.start.radius_m
    if abs(first.mast_m - second.mast_m) < SAME_HEIGHT_M:
        return Pose(0.0, here), Pose(_beside(gap_m, between - first.jib_m), there)
    if second.mast_m > first.mast_m:
        over_m = sum(overlap(second, first)) / 2.0
        comes = Pose(math.degrees(math.atan2(gap_m, over_m)), math.hypot(gap_m, over_m))
        return Pose(0.0, here), comes
    over_m = sum(overlap(first, second)) / 2.0
    return Pose(0.0, over_m), Pose(_beside(gap_m, between - over_m), there)


def _beside(gap_m: float, reach_m: float) -> float:
    """° by which a jib must point beside a place `reach_m` away to pass it at `gap_m`."""
    return math.degrees(math.asin(min(1.0, gap_m / reach_m)))


def _ways(machine: Crane, other: Crane, radius_m: float, beside_deg: float, state: CraneState) -> list[Leg]:
    """To a pose towards another crane, by the shorter way round and by the longer one."""
    dx, dy = other.at_m[0] - machine.at_m[0], other.at_m[1] - machine.at_m[1]
    direct = math.degrees(math.atan2(dx, dy)) + beside_deg
    here = state.slew.position
    short = here + (direct - here + 180.0) % 360.0 - 180.0
    hook_m = max(0.0, min(machine.mast_m, other.mast_m) - BELOW_JIB_M)
    leg = Leg(height_m=hook_m, radius_m=radius_m, slew_deg=short, carrying=False)
    ways = [leg, leg._replace(slew_deg=short - math.copysign(360.0, short - here))]
    return [way for way in ways if abs(way.slew_deg) <= MOST_SLEW_DEG]
