"""How near cranes are to one another, now and while they brake; every pair and every instant in one pass."""

from typing import NamedTuple

import numpy as np

from sitewarden.collision.bodies import (
    COUNTER_JIB,
    JIB,
    LOAD,
    MAST,
    MAST_SHAPE,
    ROPE,
    SHAPE_OF_PART,
    Bodies,
    Floats,
    Indices,
    Motion,
    Stance,
    braking,
    heights,
    standing,
    stopping_s,
    stretches,
)
from sitewarden.collision.plan import Lines, squared_distances

COARSE = 24
"""Steps into which the time until the last crane of a pair stands still is cut."""
FINE = 8
"""Steps into which the nearest of these is cut again."""

_SINGLE_M = 0.001
"""Single precision and its root at nothing make no difference that would be said."""

_A_OF_PARTS, _B_OF_PARTS = np.ix_(SHAPE_OF_PART, SHAPE_OF_PART)
_BEAM_TO_MAST = np.zeros((5, 5), dtype=bool)
_BEAM_TO_MAST[[JIB, COUNTER_JIB], MAST] = _BEAM_TO_MAST[MAST, [JIB, COUNTER_JIB]] = True
_OVER_ONE_ANOTHER = ~_BEAM_TO_MAST
_OVER_ONE_ANOTHER[MAST, MAST] = False
_OVER_ONE_ANOTHER[np.ix_([ROPE, LOAD], [ROPE, LOAD])] = False


class Present(NamedTuple):
    """Of each pair, now; metres."""

    distance: Floats
    """In space, between the two nearest parts."""
    part_a: Indices
    part_b: Indices
    """Which these are, as places in `model.PARTS`."""
    mast: Floats
    """From jib or counter-jib of one to the mast of the other: sideways, or upright where that is more."""
    vertical: Floats
    """Of every two other parts the distance upright, or sideways where that is more; the least of these.

    Two hooks over one lorry are no jib under a hook: what hangs is not measured against what hangs.
    """
    within_reach: np.ndarray
    """Whether `a` is where `b` could get to, however it turned."""


class Ahead(NamedTuple):
    """Of each pair, until both stand still if both brake after their reaction."""

    distance: Floats
    """The least, m; never more than now."""
    at_s: Floats
    """In how many seconds that is."""


def present(bodies: Bodies, motion: Motion, a: Indices, b: Indices) -> Present:
    """The pairs (a[i], b[i]) as they stand."""
    on_a, on_b = standing(motion, a), standing(motion, b)
    squares = _in_plan(bodies, on_a, on_b, a, b)
    beside, apart = _beside(bodies, squares, a, b)[..., 0], _apart(bodies, on_a, on_b, a, b)[..., 0]
    squared = (beside * beside + apart * apart).reshape(25, len(a))
    nearest = squared.argmin(axis=0)
    clear = np.maximum(beside, apart)
    return Present(
        distance=np.sqrt(squared[nearest, np.arange(len(a))]),
        part_a=nearest // 5,
        part_b=nearest % 5,
        mast=clear[_BEAM_TO_MAST].min(axis=0),
        vertical=clear[_OVER_ONE_ANOTHER].min(axis=0),
        within_reach=_within_reach(bodies, squares[:, MAST_SHAPE, :, 0], on_a, a, b),
    )


def room(bodies: Bodies, motion: Motion, a: Indices, b: Indices) -> Floats:
    """How near `a` comes, until it stands still if it brakes, to all that `b` could get to; metres, 0 in it.

    No two parts of the two can be nearer than this wherever `b` is: its circle, from the ground to its top.
    """
    times = stopping_s(bodies, motion)[a, None] * np.linspace(0.0, 1.0, COARSE + 1)
    on_a, on_b = braking(bodies, motion, a, times), braking(bodies, motion, b, times)
    to_mast = np.sqrt(_in_plan(bodies, on_a, on_b, a, b)[:, MAST_SHAPE])[SHAPE_OF_PART]
    beside = to_mast - bodies.half_width[:, a, None] - bodies.reach[b][:, None]
    over = heights(bodies, a, on_a)[0] - bodies.top[:, b].max(axis=0)[:, None]
    least: Floats = np.maximum(np.maximum(beside, over), 0.0).min(axis=(0, 2))
    return least


def ahead(bodies: Bodies, motion: Motion, a: Indices, b: Indices, now: Present) -> Ahead:
    """The nearest that the pairs come while both brake; `now` is what `present` says of the same pairs.

    The time is cut into equal steps; the step whose ends are nearest is cut again, so that what passes
    through between two instants is seen.
    """
    stops = stopping_s(bodies, motion)
    until = np.maximum(stops[a], stops[b])[:, None]
    times = until * np.linspace(0.0, 1.0, COARSE + 1)
    coarse = _least_squared(bodies, motion, a, b, times)
    rows = np.arange(len(a))
    step = (coarse[:, :-1] + coarse[:, 1:]).argmin(axis=1)
    finer = times[rows, step, None] + until / COARSE * (np.arange(1, FINE) / FINE)
    squared = np.concatenate((coarse, _least_squared(bodies, motion, a, b, finer)), axis=1)
    nearest = squared.argmin(axis=1)
    distance = np.sqrt(squared[rows, nearest]).astype(np.float64)
    at_s = np.concatenate((times, finer), axis=1)[rows, nearest]
    is_later = distance < now.distance - _SINGLE_M
    return Ahead(np.where(is_later, distance, now.distance), np.where(is_later, at_s, 0.0))


def _least_squared(bodies: Bodies, motion: Motion, a: Indices, b: Indices, times: Floats) -> Floats:
    """The distance squared of each pair's nearest parts at each of its instants.

    In single precision, which is good for a tenth of a millimetre and takes half the time.
    """
    on_a, on_b = _single(braking(bodies, motion, a, times)), _single(braking(bodies, motion, b, times))
    beside = _beside(bodies, _in_plan(bodies, on_a, on_b, a, b), a, b)
    apart = _apart(bodies, on_a, on_b, a, b)
    beside *= beside
    apart *= apart
    beside += apart
    least: Floats = beside.reshape(25, *times.shape).min(axis=0)
    return least


def _single(stance: Stance) -> Stance:
    return Stance(*(part.astype(np.float32) for part in stance))


def _in_plan(bodies: Bodies, on_a: Stance, on_b: Stance, a: Indices, b: Indices) -> Floats:
    """Distances squared in plan between the stretches of `a` and those of `b`: (4, 4, pairs, instants)."""
    dx, dy = (bodies.origin[:, b] - bodies.origin[:, a]).astype(on_a.east.dtype)[..., None]
    lines = Lines(dx, dy, on_a.east, on_a.north, on_b.east, on_b.north)
    return squared_distances(lines, *stretches(bodies, a, on_a), *stretches(bodies, b, on_b))


def _beside(bodies: Bodies, squares: Floats, a: Indices, b: Indices) -> Floats:
    """How far each part of `a` is beside each of `b`, from side to side: (5, 5, pairs, instants)."""
    widths = bodies.half_width[:, None, a] + bodies.half_width[None, :, b]
    between: Floats = np.sqrt(squares)[_A_OF_PARTS, _B_OF_PARTS]
    between -= widths[..., None].astype(between.dtype)
    return np.maximum(between, 0.0, out=between)


def _apart(bodies: Bodies, on_a: Stance, on_b: Stance, a: Indices, b: Indices) -> Floats:
    """How far each part of `a` is over or under each of `b`; 0 where their heights meet."""
    bottom_a, top_a = heights(bodies, a, on_a)
    bottom_b, top_b = heights(bodies, b, on_b)
    over = bottom_a[:, None] - top_b
    under = bottom_b - top_a[:, None]
    np.maximum(over, under, out=over)
    return np.maximum(over, 0.0, out=over)


def _within_reach(bodies: Bodies, squares: Floats, on_a: Stance, a: Indices, b: Indices) -> np.ndarray:
    """Whether what moves of `a` is in the circle and under the top of `b`; by plan to the mast of `b`."""
    bottom_a, _ = heights(bodies, a, on_a)
    top_b = bodies.top[:, b].max(axis=0)
    beside = np.sqrt(squares)[SHAPE_OF_PART] - bodies.half_width[:, a]
    inside = (beside <= bodies.reach[b]) & (bottom_a[..., 0] <= top_b)
    reached: np.ndarray = inside[[JIB, COUNTER_JIB, ROPE, LOAD]].any(axis=0)
    return reached
