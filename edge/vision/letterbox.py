"""A square of the frame as a detector takes it, and the way back to the frame's pixels.

Just as the photos of its training were made: shrunk by area, enlarged linearly, what lies beyond the frame in
the card's grey. A whole frame lies in the upper left of its square.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.boxes import Floats
from edge.vision.model import Boxes, Picture, Region

Tensor = NDArray[np.float32]
"""`[1, 3, size, size]`, BGR, 0 to 255."""


def whole(shape: tuple[int, ...]) -> Region:
    """The square around a picture of this height and width."""
    return Region(0, 0, max(shape[:2]))


def letterbox(picture: Picture, region: Region, size: int, grey: int) -> Picture:
    """The region, `size` pixels high and wide."""
    scale = size / region.side
    height, width = picture.shape[:2]
    left, top = max(region.x, 0), max(region.y, 0)
    right, bottom = min(region.x + region.side, width), min(region.y + region.side, height)
    canvas = np.full((size, size, 3), grey, np.uint8)
    if right <= left or bottom <= top:
        return canvas
    x, y = round((left - region.x) * scale), round((top - region.y) * scale)
    shape = _pixels(right - left, scale, size - x), _pixels(bottom - top, scale, size - y)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    seen = picture[top:bottom, left:right]
    cv2.resize(seen, shape, dst=canvas[y : y + shape[1], x : x + shape[0]], interpolation=method)
    return canvas


def _pixels(length: int, scale: float, room: int) -> int:
    return min(max(1, round(length * scale)), max(1, room))


def tensor(canvas: Picture) -> Tensor:
    """As a network takes it."""
    return np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], np.float32)


def to_frame(boxes: Floats, region: Region, size: int, shape: tuple[int, ...]) -> Boxes:
    """Boxes of the input in pixels of a frame of `shape`, cut off at its edges."""
    height, width = shape[:2]
    placed = boxes * (region.side / size) + np.array([region.x, region.y] * 2)
    return np.asarray(np.clip(placed, 0, np.array([width, height] * 2)), np.float32)
