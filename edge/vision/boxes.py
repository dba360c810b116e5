"""Geometry of boxes `x1 y1 x2 y2`, rows of an array: how large, how much in common, which stay."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

MOST_HEADS = 300


def areas(boxes: Floats) -> Floats:
    """The area of each box; a box turned inside out has none."""
    sides = np.clip(boxes[..., 2:4] - boxes[..., 0:2], 0, None)
    return np.asarray(sides[..., 0] * sides[..., 1])


def side(boxes: Floats) -> Floats:
    """How large a head is: the side of the square of the same area."""
    return np.asarray(np.sqrt(areas(boxes)))


def shared(left: Floats, right: Floats) -> Floats:
    """The area that every box of `left` has in common with every box of `right`: a matrix."""
    width = _common(left[:, 0], left[:, 2], right[:, 0], right[:, 2])
    height = _common(left[:, 1], left[:, 3], right[:, 1], right[:, 3])
    return np.asarray(width * height)


def _common(low: Floats, high: Floats, other_low: Floats, other_high: Floats) -> Floats:
    """How long each stretch of one line runs along each of the others."""
    ends = np.minimum(high[:, None], other_high[None, :])
    return np.asarray(np.maximum(ends - np.maximum(low[:, None], other_low[None, :]), 0))


def overlaps(left: Floats, right: Floats) -> Floats:
    """Intersection over union of every box of `left` with every box of `right`: a matrix."""
    both = shared(left, right)
    union = areas(left)[:, None] + areas(right)[None, :] - both
    return np.asarray(both / np.maximum(union, 1e-9))


def covers(left: Floats, right: Floats) -> Floats:
    """How much of the smaller box lies in the other, 0 to 1: a matrix."""
    smaller = np.minimum(areas(left)[:, None], areas(right)[None, :])
    return np.asarray(shared(left, right) / np.maximum(smaller, 1e-9))


def suppress(boxes: Floats, scores: Floats, limit: float) -> list[int]:
    """Who stays when of boxes that overlap by more than `limit` only the best does, best first."""
    return thin(overlaps(boxes, boxes) > limit, scores)


def thin(same: NDArray[np.bool_], scores: Floats) -> list[int]:
    """Who stays when of any two that are the `same` only the better one does, best first."""
    waiting = np.ones(len(scores), bool)
    kept: list[int] = []
    for at in np.argsort(-scores, kind="stable"):
        if len(kept) == MOST_HEADS:
            break
        if waiting[at]:
            kept.append(int(at))
            waiting &= ~same[at]
    return kept
