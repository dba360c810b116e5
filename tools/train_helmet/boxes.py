"""Geometry of boxes `x1 y1 x2 y2` in numpy, shared by evaluation and data preparation."""

import numpy as np
from numpy.typing import NDArray

from edge.vision import boxes as geometry
from edge.vision.boxes import areas, overlaps, side

__all__ = ["Floats", "areas", "letterbox_scale", "overlaps", "side", "suppress"]

Floats = NDArray[np.float64]

SAME_HEAD = 0.6
"""Two boxes of one kind that overlap more than this are taken for one head."""


def suppress(boxes: Floats, scores: Floats, limit: float = SAME_HEAD) -> list[int]:
    """The boxes that stay when of overlapping ones only the best is kept, best first."""
    return geometry.suppress(boxes, scores, limit)


def letterbox_scale(height: int, width: int, size: int) -> float:
    """By what a photo is scaled so that it just fits the upper left of a square of `size`."""
    return size / max(height, width)
