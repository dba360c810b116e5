"""Distances in plan between stretches of lines, many at once."""

from typing import NamedTuple

import numpy as np

from sitewarden.collision.bodies import Floats

_PARALLEL = 1e-12
"""Of the sine squared: below it lines are as good as parallel, and where to begin is a matter of choice."""


class Lines(NamedTuple):
    """Pairs of directed lines `a` and `b`: how they lie to one another, in arrays that broadcast."""

    dx: Floats
    """From the origin of `a` to that of `b`."""
    dy: Floats
    a_east: Floats
    """The direction of `a`: its unit vector's x."""
    a_north: Floats
    b_east: Floats
    b_north: Floats


def squared_distances(lines: Lines, a_low: Floats, a_high: Floats, b_low: Floats, b_high: Floats) -> Floats:
    """The least distances squared between stretches on the lines `a` and stretches on the lines `b`.

    Stretches are in metres along their line: (m, …) on `a`, (n, …) on `b`, and the answer is (m, n, …). The
    distance squared is a convex quadratic in the two places; its least value where both are within their
    stretches is found exactly by going to the free optimum, then once along each.
    """
    dx, dy, a_east, a_north, b_east, b_north = lines
    cosine = a_east * b_east + a_north * b_north
    sine_squared = (a_east * b_north - a_north * b_east) ** 2
    along_a = a_east * dx + a_north * dy
    along_b = b_east * dx + b_north * dy
    optimum = (along_a - cosine * along_b) / np.maximum(sine_squared, _PARALLEL)
    on_a = np.minimum(np.maximum(optimum, a_low), a_high)[:, None]
    on_b = np.maximum(on_a * cosine - along_b, b_low)
    np.minimum(on_b, b_high, out=on_b)
    on_a = on_b * cosine
    on_a += along_a
    np.maximum(on_a, a_low[:, None], out=on_a)
    np.minimum(on_a, a_high[:, None], out=on_a)
    across = on_a * a_east
    across -= on_b * b_east
    across -= dx
    on_a *= a_north
    on_b *= b_north
    on_a -= on_b
    on_a -= dy
    across *= across
    on_a *= on_a
    across += on_a
    return across
