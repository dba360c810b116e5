"""How near a crane is to what stands around it, now and while it brakes: structures, zones, power lines."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sitewarden.collision.bodies import (
    COUNTER_JIB,
    JIB,
    LOAD,
    ROPE,
    SHAPE_OF_PART,
    Bodies,
    Floats,
    Motion,
    Stance,
    braking,
    heights,
    stopping_s,
    stretches,
)
from sitewarden.collision.model import Clearance, Corner, ForbiddenZone, PowerLine, Structure
from sitewarden.collision.plan import Lines, squared_distances

INSTANTS = 48
"""Steps into which the time until the crane stands still is cut."""
MOVING = [JIB, COUNTER_JIB, ROPE, LOAD]
"""A mast is where it was built, tied to the very building that it builds."""
HANGING = [ROPE, LOAD]


class Edges(NamedTuple):
    """Straight pieces of outlines or power lines; those of one obstacle follow one another."""

    x: Floats
    y: Floats
    east: Floats
    north: Floats
    length: Floats
    to_y: Floats
    """Where the piece ends: the very number at which the next one begins, or a ray through a corner counts it
    twice or not at all."""
    first: np.ndarray
    """The place of each obstacle's first piece."""


class Nearest(NamedTuple):
    """Of one sort of obstacle."""

    now: float
    """m; to a power line the margin over what is required."""
    obstacle: int
    """Which it is, in the order in which they were given."""
    ahead: float
    """The least while the crane brakes."""


class Surroundings:
    """Everything around the cranes of one site, as arrays made once."""

    def __init__(
        self,
        structures: Sequence[Structure],
        zones: Sequence[ForbiddenZone],
        lines: Sequence[tuple[PowerLine, Clearance]],
    ) -> None:
        """Each power line comes with the clearance that holds for it."""
        self.has_structures, self.has_zones, self.has_lines = bool(structures), bool(zones), bool(lines)
        if structures:
            self._structures = _edges([_closed(s.outline_m) for s in structures])
            self._structure_bottom = _floats(s.bottom_m for s in structures)
            self._structure_top = _floats(s.top_m for s in structures)
        if zones:
            self._zones = _edges([_closed(z.outline_m) for z in zones])
            self._zone_top = _floats(np.inf if z.top_m is None else z.top_m for z in zones)
        if lines:
            self._lines = _edges([[(x, y) for x, y, *_ in line.points_m] for line, _ in lines])
            spans = [(line, clear, span) for line, clear in lines for span in pairwise(line.points_m)]
            self._lowest = _floats(min(a[2], b[2]) for _, _, (a, b) in spans)
            self._highest = _floats(max(a[3], b[3]) for _, _, (a, b) in spans)
            self._sideways = _floats(line.half_width_m + c.horizontal_m for line, c, _ in spans)
            self._upright = _floats(c.vertical_m for _, c, _ in spans)

    def structures(self, bodies: Bodies, crane: int, path: Stance) -> tuple[Nearest, float]:
        """The nearest structure to what moves of the crane, and how far its counter-jib is from any."""
        beside = self._beside_areas(bodies, crane, path, self._structures)
        apart = _apart(bodies, crane, path, self._structure_bottom, self._structure_top)
        distance = np.hypot(beside, apart)
        return _nearest(distance[MOVING].min(axis=0)), float(distance[COUNTER_JIB, 0].min())

    def zones(self, bodies: Bodies, crane: int, path: Stance) -> Nearest:
        """The nearest forbidden zone to what hangs on the hook; 0 inside."""
        beside = self._beside_areas(bodies, crane, path, self._zones)
        apart = _apart(bodies, crane, path, np.full_like(self._zone_top, -np.inf), self._zone_top)
        return _nearest(np.hypot(beside, apart)[HANGING].min(axis=0))

    def lines(self, bodies: Bodies, crane: int, path: Stance) -> Nearest:
        """The least margin over what is required, sideways or upright, whichever is more."""
        beside = _beside(bodies, crane, path, self._lines)
        apart = _apart(bodies, crane, path, self._lowest, self._highest)
        margin = np.maximum(beside - self._sideways, apart - self._upright).min(axis=0)
        return _nearest(np.minimum.reduceat(margin, self._lines.first, axis=-1))

    def _beside_areas(self, bodies: Bodies, crane: int, path: Stance, edges: Edges) -> Floats:
        """How far each part is beside each outline, 0 inside it: (5, instants, obstacles)."""
        to_outline = np.minimum.reduceat(_beside(bodies, crane, path, edges), edges.first, axis=-1)
        return np.where(_is_inside(bodies, crane, path, edges)[SHAPE_OF_PART], 0.0, to_outline)


def path_of(bodies: Bodies, motion: Motion, crane: int) -> Stance:
    """How the crane stands now and, an instant a row, while it brakes."""
    which = np.array([crane])
    until = stopping_s(bodies, motion)[which, None]
    path = braking(bodies, motion, which, until * np.linspace(0.0, 1.0, INSTANTS + 1))
    return Stance(*(part.T for part in path))


def _floats(values: Iterable[float]) -> Floats:
    return np.array(list(values), dtype=np.float64)


def _edges(runs: Sequence[Sequence[Corner]]) -> Edges:
    pieces = [[(*a, *b) for a, b in pairwise(run)] for run in runs]
    first = np.cumsum([0, *(len(run) for run in pieces)])[:-1]
    x, y, to_x, to_y = np.array([piece for run in pieces for piece in run], dtype=np.float64).T
    length = np.hypot(to_x - x, to_y - y)
    return Edges(x, y, (to_x - x) / length, (to_y - y) / length, length, to_y, first)


def _closed(outline: Sequence[Corner]) -> list[Corner]:
    return [*outline, outline[0]]


def _beside(bodies: Bodies, crane: int, path: Stance, edges: Edges) -> Floats:
    """How far each part is beside each piece, from its own side: (5, instants, pieces)."""
    x, y = bodies.origin[:, crane]
    lines = Lines(edges.x - x, edges.y - y, path.east, path.north, edges.east, edges.north)
    low, high = stretches(bodies, np.array([crane]), path)
    squares = squared_distances(lines, low, high, np.zeros((1, 1, 1)), edges.length[None, None])
    beside: Floats = np.sqrt(squares[:, 0])[SHAPE_OF_PART] - bodies.half_width[:, crane, None, None]
    return np.maximum(beside, 0.0)


def _apart(bodies: Bodies, crane: int, path: Stance, bottom: Floats, top: Floats) -> Floats:
    """How far each part is over or under each range of heights: (5, instants, ranges)."""
    lowest, highest = heights(bodies, np.array([crane]), path)
    return np.maximum(np.maximum(bottom - highest, lowest - top), 0.0)


def _is_inside(bodies: Bodies, crane: int, path: Stance, edges: Edges) -> np.ndarray:
    """Whether the far end of each stretch lies inside each outline, by the parity of what a ray crosses.

    A stretch that crosses no piece of an outline is wholly inside or wholly outside, like its end.
    """
    low, high = stretches(bodies, np.array([crane]), path)
    place = np.where(np.abs(low) > np.abs(high), low, high)
    x = bodies.origin[0, crane] + place * path.east
    y = bodies.origin[1, crane] + place * path.north
    is_across = (edges.y > y) != (edges.to_y > y)
    slope = np.divide(edges.east, edges.north, out=np.zeros_like(edges.east), where=edges.north != 0.0)
    is_right = x < edges.x + (y - edges.y) * slope
    crossed = np.add.reduceat(is_across & is_right, edges.first, axis=-1, dtype=np.intp)
    inside: np.ndarray = crossed % 2 == 1
    return inside


def _nearest(distances: Floats) -> Nearest:
    """Of (instants, obstacles), the first instant being now."""
    obstacle = int(distances[0].argmin())
    return Nearest(float(distances[0, obstacle]), obstacle, float(distances.min()))
