"""From the picture to the ground and back to what hangs over it.

Marks that are seen in the picture and were measured on the ground give a homography: of whatever stands on
that ground, its place on the site's grid. A load hangs over a point of the same grid, as its crane tells.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from edge.vision.places import Place
from edge.vision.settings import GroundPoint
from sitewarden.errors import SiteWardenError

LEAST_MARKS = 4
WORST_CONDITION = 1e6
"""Of the marks' equations; beyond it they lie (nearly) in one line and say nothing across it."""
FRESH_S = 5.0
"""What a crane said longer ago is no place of its hook now."""
LOWEST_HOOK_M = 2.5
"""Below this a load is being put down or taken up, and people have their hands on it."""


class ProjectionError(SiteWardenError):
    """Marks from which the ground cannot be told."""


class Hook(NamedTuple):
    """What a crane last said of its hook; metres on the site's grid."""

    at_s: float
    """On the machine's monotonic clock."""
    x_m: float
    y_m: float
    height_m: float
    """Above the ground that the marks lie on."""
    load_t: float


class Ground:
    """Where a pixel of the ground is."""

    def __init__(self, matrix: NDArray[np.float64], error_m: float, sign: float) -> None:
        """`sign` is the side of the horizon on which the ground lies."""
        self._matrix, self._sign = matrix, sign
        self.error_m = error_m
        """By how much the marks disagree (root mean square); 0 with four of them, whatever they are worth."""

    @classmethod
    def of(cls, marks: Sequence[GroundPoint]) -> Self:
        """The ground that fits the marks best; raises `ProjectionError` where they give none."""
        if len(marks) < LEAST_MARKS:
            raise ProjectionError(f"{len(marks)} marks on the ground; it takes {LEAST_MARKS}")
        pixels = np.array([mark.pixel for mark in marks], float)
        metres = np.array([mark.ground_m for mark in marks], float)
        theirs, ours = _normaliser(pixels), _normaliser(metres)
        solved = _solve(_moved(pixels, theirs), _moved(metres, ours))
        matrix = np.linalg.inv(ours) @ solved @ theirs
        depths = _depths(matrix, pixels)
        if np.min(depths) * np.max(depths) <= 0:
            raise ProjectionError("the marks lie on both sides of a horizon: two of them may be exchanged")
        off = np.linalg.norm(_moved(pixels, matrix) - metres, axis=1)
        return cls(matrix, float(np.sqrt(np.mean(off**2))), float(np.sign(depths[0])))

    def at(self, place: Place) -> tuple[float, float] | None:
        """The grid's metres of a place in the picture; `None` at the horizon and above."""
        x, y, depth = self._matrix @ np.array([*place, 1.0])
        if depth * self._sign <= 1e-9 * abs(self._matrix).max():
            return None
        return float(x / depth), float(y / depth)


def hangs(hook: Hook | None, at_s: float, from_load_t: float) -> bool | None:
    """Whether a load hangs now; `None` where nobody knows."""
    if hook is None or abs(at_s - hook.at_s) > FRESH_S:
        return None
    return hook.load_t >= from_load_t and hook.height_m >= LOWEST_HOOK_M


def is_under(standing: tuple[float, float], hook: Hook, radius_m: float) -> bool:
    """Whether somebody stands within the radius around the point below the hook."""
    return math.hypot(standing[0] - hook.x_m, standing[1] - hook.y_m) <= radius_m


def _normaliser(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Brings points around the origin to about unit size, without which the equations are ill-conditioned."""
    middle = points.mean(axis=0)
    spread = float(np.linalg.norm(points - middle, axis=1).mean())
    if spread <= 0:
        raise ProjectionError("all marks lie in one point")
    scale = math.sqrt(2) / spread
    return np.array([[scale, 0, -scale * middle[0]], [0, scale, -scale * middle[1]], [0, 0, 1]])


def _solve(pixels: NDArray[np.float64], metres: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix that takes pixels to metres with the least error of the equations."""
    rows = []
    for (u, v), (x, y) in zip(pixels, metres, strict=True):
        rows += [
            [u, v, 1, 0, 0, 0, -x * u, -x * v, -x],
            [0, 0, 0, u, v, 1, -y * u, -y * v, -y],
        ]
    _, strengths, directions = np.linalg.svd(np.array(rows))
    # Eight unknowns: the eighth strength is how firmly the weakest of them is held.
    if strengths[0] > WORST_CONDITION * strengths[7]:
        raise ProjectionError("the marks lie in one line, or three of four do; measure one beside it")
    matrix = directions[-1].reshape(3, 3)
    return np.asarray(matrix / np.linalg.norm(matrix))


def _depths(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(points @ matrix[2, :2] + matrix[2, 2])


def _moved(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(moved[:, :2] / moved[:, 2:])
