"""Geometry of boxes `x1 y1 x2 y2` in numpy, shared by evaluation and data preparation."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SAME_HEAD = 0.6
"""Two boxes of one kind that overlap more than this are taken for one head."""
MOST_HEADS = 300


def areas(boxes: Floats) -> Floats:
    """The area of each box; a box turned inside out has none."""
    sides = np.clip(boxes[..., 2:4] - boxes[..., 0:2], 0, None)
    return np.asarray(sides[..., 0] * sides[..., 1])


def overlaps(left: Floats, right: Floats) -> Floats:
    """Intersection over union of every box of `left` with every box of `right`: a matrix."""
    low = np.maximum(left[:, None, :2], right[None, :, :2])
    high = np.minimum(left[:, None, 2:4], right[None, :, 2:4])
    shared = areas(np.concatenate((low, high), axis=-1))
    union = areas(left)[:, None] + areas(right)[None, :] - shared
    return np.asarray(shared / np.maximum(union, 1e-9))


def suppress(boxes: Floats, scores: Floats, limit: float = SAME_HEAD) -> list[int]:
    """The boxes that stay when of overlapping ones only the best is kept, best first."""
    waiting = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(waiting) and len(kept) < MOST_HEADS:
        best, rest = int(waiting[0]), waiting[1:]
        kept.append(best)
        waiting = rest[overlaps(boxes[best : best + 1], boxes[rest])[0] <= limit]
    return kept


def letterbox_scale(height: int, width: int, size: int) -> float:
    """By what a photo is scaled so that it just fits the upper left of a square of `size`."""
    return size / max(height, width)


def side(boxes: Floats) -> Floats:
    """How large a head is: the side of the square of the same area."""
    return np.asarray(np.sqrt(areas(boxes)))
