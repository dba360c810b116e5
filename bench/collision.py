"""What the distances of group cranes cost: twenty cranes, every pair, now and until all have braked.

A step takes the newest pose of each crane and finds for all 190 pairs the least distance between any two of
their five parts, now and at 32 instants of the look-ahead. The baseline is the textbook distance between
segments in space, in one numpy pass over the axes of the same parts, now only: it knows no widths, no
heights of a jib and no time. Both are measured alternately, in processor time of one core, as medians.

Then what a gateway really does: one poll of one crane goes through its group, to readings; with twenty cranes
and with two, and with a structure, a forbidden zone and a power line around them.
"""

import random
import time
from collections.abc import Callable, Sequence

import numpy as np

from bench import counting
from bench.report import Result
from sitewarden.collision import pairs
from sitewarden.collision.bodies import Bodies, Floats, bodies_of, heights, motion_of, standing, stretches
from sitewarden.collision.clearances import for_voltage
from sitewarden.collision.group import Group
from sitewarden.collision.model import (
    Around,
    Braking,
    Clearance,
    Crane,
    CraneBuild,
    ForbiddenZone,
    Member,
    Pose,
    PowerLine,
    Structure,
)
from sitewarden.readings import Reading
from sitewarden.text import Text

CRANES, FEW = 20, 2
SEED = 20_261_126
SIDE_M = 150.0
"""They stand so close together that nearly every pair can meet."""
ROUNDS, ROUNDS_QUICK = 400, 100
MOST_STEP_MS = 5.0
INTERVAL_MS = 200
MAX_AGE_MS = 2000
SHAPE_OF_PART = (0, 1, 2, 3, 3)


def run(quick: bool) -> Sequence[Result]:
    """Measure."""
    rounds = ROUNDS_QUICK if quick else ROUNDS
    chance = random.Random(SEED)
    cranes = [_crane(i, chance) for i in range(CRANES)]
    poses = [_pose(chance) for _ in cranes]
    step_ms, plain_ms = _alternately(_step(cranes, poses), _plain(cranes, poses), rounds)
    around = Around((_structure(),), (_zone(),), (_line(),))
    return [
        Result(
            name=f"{CRANES} cranes, all pairs, with look-ahead",
            value=step_ms,
            unit="ms",
            goal=MOST_STEP_MS,
            baseline=plain_ms,
        ),
        Result(
            name=f"a poll of one crane among {CRANES}", value=_poll_ms(cranes, Around(), rounds), unit="ms"
        ),
        Result(
            name=f"a poll of one crane among {FEW}", value=_poll_ms(cranes[:FEW], Around(), rounds), unit="ms"
        ),
        Result(
            name=f"a poll of one crane among {FEW}, with obstacles",
            value=_poll_ms(cranes[:FEW], around, rounds),
            unit="ms",
        ),
    ]


def _step(cranes: Sequence[Crane], poses: Sequence[Pose]) -> Callable[[], object]:
    bodies = bodies_of(cranes)
    a, b = np.triu_indices(len(cranes), 1)

    def step() -> object:
        motion = motion_of(bodies, poses)
        now = pairs.present(bodies, motion, a, b)
        return now, pairs.ahead(bodies, motion, a, b, now)

    return step


def _plain(cranes: Sequence[Crane], poses: Sequence[Pose]) -> Callable[[], object]:
    """One pass over the axes of all parts of all pairs, by the usual clamping of two parameters."""
    bodies = bodies_of(cranes)
    first, last = _axes(bodies, poses)
    a, b = np.triu_indices(len(cranes), 1)
    p = np.repeat(first[:, None, a], 5, axis=1)
    u = np.repeat((last - first)[:, None, a], 5, axis=1)
    q = np.repeat(first[None, :, b], 5, axis=0)
    v = np.repeat((last - first)[None, :, b], 5, axis=0)

    def plain() -> object:
        return _segments(p, u, q, v).reshape(25, len(a)).min(axis=0)

    return plain


def _axes(bodies: Bodies, poses: Sequence[Pose]) -> tuple[Floats, Floats]:
    """From where to where the axis of each part goes in space: (5, cranes, 3) each."""
    every = np.arange(len(poses))
    stance = standing(motion_of(bodies, poses), every)
    low, high = (stretch[SHAPE_OF_PART, :, 0] for stretch in stretches(bodies, every, stance))
    bottom, top = (height[..., 0] for height in heights(bodies, every, stance))
    level = np.array([True, True, False, False, False])[:, None]
    x, y = bodies.origin
    east, north = stance.east[:, 0], stance.north[:, 0]
    middle = (bottom + top) / 2
    ends = (
        np.stack((x + along * east, y + along * north, np.where(level, middle, height)), axis=-1)
        for along, height in ((low, bottom), (high, top))
    )
    first, last = ends
    return first, last


def _segments(p: Floats, u: Floats, q: Floats, v: Floats) -> Floats:
    """The least distance between p..p+u and q..q+v; the last axis is space."""
    w = p - q
    a, b, c = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    d, e = (u * w).sum(-1), (v * w).sum(-1)
    spread = a * c - b * b
    s = np.clip((b * e - c * d) / np.maximum(spread, 1e-12), 0.0, 1.0)
    t = np.clip((b * s + e) / np.maximum(c, 1e-12), 0.0, 1.0)
    s = np.clip((b * t - d) / np.maximum(a, 1e-12), 0.0, 1.0)
    across = w + s[..., None] * u - t[..., None] * v
    return np.asarray(np.sqrt((across * across).sum(-1)))


def _alternately(one: Callable[[], object], other: Callable[[], object], rounds: int) -> tuple[float, float]:
    """What else the machine does falls on both."""
    for work in (one, other):
        work()
    times = [(_ms(one), _ms(other)) for _ in range(rounds)]
    return counting.median([t for t, _ in times]), counting.median([t for _, t in times])


def _poll_ms(cranes: Sequence[Crane], around: Around, rounds: int) -> float:
    points = [tuple(f"{crane.name}/{key}" for key in ("slew", "radius", "hook_height")) for crane in cranes]
    members = [
        Member(crane=crane, points=of_crane, max_age_ms=MAX_AGE_MS, window_ms=1000)
        for crane, of_crane in zip(cranes, points, strict=True)
    ]
    group, chance = Group(members, around), random.Random(SEED)
    poses = [_pose(chance) for _ in cranes]
    times: list[float] = []
    for poll in range(2 + -(-rounds // len(cranes))):
        at_ms = 1 + poll * INTERVAL_MS
        for (slew, radius, hook), pose in zip(points, poses, strict=True):
            turned = pose.slew_deg + pose.slew_deg_s * at_ms / 1000
            readings = [
                Reading(slew, at_ms, turned % 360.0),
                Reading(radius, at_ms, pose.radius_m),
                Reading(hook, at_ms, pose.hook_m),
            ]
            took = _ms(lambda readings=readings: group.take(readings))  # type: ignore[misc]
            if poll > 1:  # a pose takes two
                times.append(took)
    return counting.median(times)


def _ms(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return 1000 * (time.process_time() - before)


def _crane(number: int, chance: random.Random) -> Crane:
    raised = 2.5 * number
    build = CraneBuild(
        jib_bottom_m=40 + raised,
        jib_top_m=42 + raised,
        jib_width_m=1.4,
        counter_jib_bottom_m=38 + raised,
        counter_jib_top_m=42 + raised,
        counter_jib_width_m=2.0,
        apex_m=46 + raised,
        mast_width_m=1.8,
        hook_block_m=1.0,
        load_height_m=4.0,
        load_width_m=3.0,
    )
    name = f"crane-{number + 1}"
    return Crane(
        name=name,
        label=Text(name, name),
        x_m=chance.uniform(0, SIDE_M),
        y_m=chance.uniform(0, SIDE_M),
        ground_m=0.0,
        jib_m=55.0,
        counter_jib_m=14.0,
        build=build,
        braking=Braking(reaction_s=1.0, slew_deg_s2=0.6, trolley_m_s2=0.4, hoist_m_s2=0.5),
    )


def _pose(chance: random.Random) -> Pose:
    return Pose(
        at_ms=0,
        slew_deg=chance.uniform(0, 360),
        radius_m=chance.uniform(3, 55),
        hook_m=chance.uniform(1, 38),
        slew_deg_s=chance.uniform(-4, 4),
        trolley_m_s=chance.uniform(-1, 1),
        hoist_m_s=chance.uniform(-1, 1),
    )


def _structure() -> Structure:
    return Structure(obstacle="house", outline_m=[(30, 30), (60, 30), (60, 60), (30, 60)], top_m=35)


def _zone() -> ForbiddenZone:
    return ForbiddenZone(obstacle="street", outline_m=[(-20, -30), (170, -30), (170, -15), (-20, -15)])


def _line() -> tuple[PowerLine, Clearance]:
    points = [(x, 170.0, 11.0, 13.0) for x in (-50.0, 0.0, 50.0, 100.0, 150.0)]
    return PowerLine(obstacle="line", kilovolts=10, points_m=points, half_width_m=1.0), for_voltage(10)
