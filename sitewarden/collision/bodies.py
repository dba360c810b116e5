"""Cranes as arrays: five parts each, every part a stretch of one line in plan times a range of heights.

That makes distances in space exact and cheap: of two such parts it is the root of the sum of squares of how
far they are apart in plan and how far apart in height.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sitewarden.collision.model import Crane, Pose

Floats = NDArray[np.floating]
Indices = NDArray[np.intp]

SHAPE_OF_PART = np.array([0, 1, 2, 3, 3])
"""Of jib, counter-jib, mast, rope, load: which stretch of the crane's line it stands on."""
JIB, COUNTER_JIB, MAST, ROPE, LOAD = range(5)
MAST_SHAPE = 2


class Bodies(NamedTuple):
    """What does not change of n cranes; lengths in metres, the last axis is the crane."""

    origin: Floats
    """x and y of the masts, (2, n)."""
    ground: Floats
    jib: Floats
    counter_jib: Floats
    reach: Floats
    half_width: Floats
    """Of each part, (5, n); a rope has none."""
    bottom: Floats
    """Of each part above the grid's zero, (5, n); of rope and load it hangs on the hook."""
    top: Floats
    below_hook: Floats
    """How far block, slings and load reach below the hook's height."""
    slew_brake: Floats
    """Radians a second squared."""
    trolley_brake: Floats
    hoist_brake: Floats
    reaction: Floats
    """Seconds."""


class Stance(NamedTuple):
    """How cranes stand at one or more instants; arrays of one shape."""

    east: Floats
    """The jib's direction: its unit vector's x."""
    north: Floats
    radius: Floats
    hook: Floats
    """Above the grid's zero."""


class Motion(NamedTuple):
    """The newest poses of n cranes as arrays; angles in radians."""

    slew: Floats
    radius: Floats
    hook: Floats
    """Above the grid's zero."""
    slew_rate: Floats
    trolley: Floats
    hoist: Floats
    age: Floats
    """Seconds since the pose was measured: so long has the crane already gone on."""


def bodies_of(cranes: Sequence[Crane]) -> Bodies:
    """The cranes, in their order."""
    builds = [crane.build for crane in cranes]
    brakes = [crane.braking for crane in cranes]
    ground = _floats(crane.ground_m for crane in cranes)
    jib_bottom = _floats(b.jib_bottom_m for b in builds)
    none = np.zeros(len(cranes))
    widths = (
        _floats(b.jib_width_m for b in builds),
        _floats(b.counter_jib_width_m for b in builds),
        _floats(b.mast_width_m for b in builds),
        none,
        _floats(b.load_width_m for b in builds),
    )
    jib_top, tail_top = _floats(b.jib_top_m for b in builds), _floats(b.counter_jib_top_m for b in builds)
    tail_bottom, apex = _floats(b.counter_jib_bottom_m for b in builds), _floats(b.apex_m for b in builds)
    return Bodies(
        origin=np.array([_floats(c.x_m for c in cranes), _floats(c.y_m for c in cranes)]),
        ground=ground,
        jib=_floats(c.jib_m for c in cranes),
        counter_jib=_floats(c.counter_jib_m for c in cranes),
        reach=_floats(c.reach_m for c in cranes),
        half_width=np.array(widths) / 2,
        bottom=ground + np.array([jib_bottom, tail_bottom, none, none, none]),
        top=ground + np.array([jib_top, tail_top, apex, jib_bottom, none]),
        below_hook=_floats(b.hook_block_m + b.load_height_m for b in builds),
        slew_brake=np.radians(_floats(b.slew_deg_s2 for b in brakes)),
        trolley_brake=_floats(b.trolley_m_s2 for b in brakes),
        hoist_brake=_floats(b.hoist_m_s2 for b in brakes),
        reaction=_floats(b.reaction_s for b in brakes),
    )


def _floats(values: Iterable[float]) -> Floats:
    return np.array(list(values), dtype=np.float64)


def motion_of(bodies: Bodies, poses: Sequence[Pose | None], at_ms: int = 0) -> Motion:
    """The poses of all cranes as seen at an instant; one that is not known stands anywhere, for nothing."""
    known = [pose or Pose(at_ms, 0.0, 0.0, 0.0) for pose in poses]
    rows = np.array([pose[1:] for pose in known]).T
    slew, radius, hook, slew_rate, trolley, hoist = rows
    age = np.maximum(0.0, at_ms - _floats(pose.at_ms for pose in known)) / 1000
    return Motion(np.radians(slew), radius, bodies.ground + hook, np.radians(slew_rate), trolley, hoist, age)


def standing(motion: Motion, cranes: Indices) -> Stance:
    """The stance of these cranes now, with a last axis of one instant."""
    slew = motion.slew[cranes, None]
    return Stance(np.sin(slew), np.cos(slew), motion.radius[cranes, None], motion.hook[cranes, None])


def braking(bodies: Bodies, motion: Motion, cranes: Indices, times: Floats) -> Stance:
    """How these cranes stand at `times` (s from now, a row each) if all of them brake after their reaction.

    Slewing, trolley and hoist go on at their present speed until then, and have done so since the pose was
    measured; trolley and hook end where they must.
    """
    age = motion.age[cranes, None]
    steady = np.minimum(times, bodies.reaction[cranes, None])
    braked = times - steady
    steady = steady + age
    slew = motion.slew[cranes, None] + _travel(
        motion.slew_rate[cranes, None], bodies.slew_brake[cranes, None], steady, braked
    )
    radius = motion.radius[cranes, None]
    moved = radius + _travel(motion.trolley[cranes, None], bodies.trolley_brake[cranes, None], steady, braked)
    farthest = np.maximum(bodies.jib[cranes, None], radius)
    hook = motion.hook[cranes, None]
    lifted = hook + _travel(motion.hoist[cranes, None], bodies.hoist_brake[cranes, None], steady, braked)
    highest = np.maximum(bodies.bottom[JIB][cranes, None], hook)
    return Stance(
        np.sin(slew),
        np.cos(slew),
        np.clip(moved, np.minimum(radius, 0.0), farthest),
        np.minimum(lifted, highest),
    )


def _travel(speed: Floats, brake: Floats, steady: Floats, braked: Floats) -> Floats:
    """How far something gets that keeps its speed for `steady` seconds and then brakes for `braked`."""
    braking_s = np.minimum(braked, np.abs(speed) / brake)
    travel: Floats = speed * (steady + braking_s) - np.sign(speed) * brake * braking_s**2 / 2
    return travel


def stopping_s(bodies: Bodies, motion: Motion) -> Floats:
    """How long each crane takes until nothing of it moves any more."""
    slew = np.abs(motion.slew_rate) / bodies.slew_brake
    trolley = np.abs(motion.trolley) / bodies.trolley_brake
    hoist = np.abs(motion.hoist) / bodies.hoist_brake
    longest: Floats = np.maximum(np.maximum(slew, trolley), hoist) + bodies.reaction
    return longest


def stretches(bodies: Bodies, cranes: Indices, stance: Stance) -> tuple[Floats, Floats]:
    """From where to where jib, counter-jib, mast and trolley reach on their crane's line: (4, …) each."""
    lows = np.zeros((4, *stance.radius.shape), dtype=stance.radius.dtype)
    highs = np.zeros_like(lows)
    lows[1] = -bodies.counter_jib[cranes, None]
    highs[0] = bodies.jib[cranes, None]
    lows[3] = highs[3] = stance.radius
    return lows, highs


def heights(bodies: Bodies, cranes: Indices, stance: Stance) -> tuple[Floats, Floats]:
    """From where to where each part reaches in height: (5, …) each."""
    shape = (5, *stance.hook.shape)
    bottoms = np.empty(shape, dtype=stance.hook.dtype)
    tops = np.empty_like(bottoms)
    bottoms[:] = bodies.bottom[:, cranes, None]
    tops[:] = bodies.top[:, cranes, None]
    bottoms[ROPE] = np.minimum(stance.hook, tops[ROPE])
    bottoms[LOAD] = stance.hook
    bottoms[LOAD] -= bodies.below_hook[cranes, None]
    tops[LOAD] = stance.hook
    return bottoms, tops
