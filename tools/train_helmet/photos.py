"""Photos in memory: every picture on a square canvas of one size, with its heads in the canvas's pixels."""

from collections.abc import Sequence

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from sitewarden.errors import ConfigurationError
from tools.train_helmet.boxes import letterbox_scale
from tools.train_helmet.collection import Photo

GREY = 114
"""What surrounds a photo on its canvas, so that padding looks like no scene."""
IGNORED = 2
"""Follows the kinds of heads: an area that is neither a head nor none."""
NOTHING = -1
"""Fills the rows of photos that have fewer heads than others."""

CROP = 96
"""A head of the bank is this many pixels high and wide, its surroundings included."""
MARGIN = 1.35
"""The crop of a head is larger than its box by this, so that its edge can fade."""
SMALLEST_CROPPED = 28
"""Smaller heads are too blurred to be pasted elsewhere, in canvas pixels."""


class Canvases(msgspec.Struct, frozen=True, eq=False):
    """Photos, all in the upper left of canvases of one size; BGR as everywhere in OpenCV."""

    pixels: NDArray[np.uint8]  # photo, row, column, channel
    extents: NDArray[np.float32]  # photo: height and width that the picture takes
    kinds: NDArray[np.int64]  # photo, head: a kind, IGNORED or NOTHING
    boxes: NDArray[np.float32]  # photo, head: x1 y1 x2 y2


class Crops(msgspec.Struct, frozen=True, eq=False):
    """Heads cut out of photos, to be pasted onto others."""

    pixels: NDArray[np.uint8]  # head, row, column, channel
    kinds: NDArray[np.int64]
    shapes: NDArray[np.float32]  # height of the head's box as a share of its width


def picture(photo: Photo) -> NDArray[np.uint8]:
    """The photo's pixels, BGR."""
    pixels = cv2.imread(str(photo.path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ConfigurationError(
            photo.path, 0, "", "is no picture that OpenCV reads", "Restore or remove the file."
        )
    return np.asarray(pixels, np.uint8)


def letterbox(pixels: NDArray[np.uint8], size: int) -> tuple[NDArray[np.uint8], float]:
    """The picture in the upper left of a square, and by what it was scaled."""
    height, width = pixels.shape[:2]
    scale = letterbox_scale(height, width, size)
    shape = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.full((size, size, 3), GREY, np.uint8)
    canvas[: shape[1], : shape[0]] = cv2.resize(pixels, shape, interpolation=method)
    return canvas, scale


def canvases(photos: Sequence[Photo], size: int) -> Canvases:
    """All photos at one size."""
    rows = max((len(photo.labels) + len(photo.ignore) for photo in photos), default=0) or 1
    pixels = np.empty((len(photos), size, size, 3), np.uint8)
    extents = np.empty((len(photos), 2), np.float32)
    kinds = np.full((len(photos), rows), NOTHING, np.int64)
    boxes = np.zeros((len(photos), rows, 4), np.float32)
    for at, photo in enumerate(photos):
        original = picture(photo)
        pixels[at], scale = letterbox(original, size)
        extents[at] = np.array(original.shape[:2], np.float32) * scale
        areas = [(label.kind, label.corners) for label in photo.labels]
        areas += [(IGNORED, corners) for corners in photo.ignore]
        for row, (kind, corners) in enumerate(areas):
            kinds[at, row] = kind
            boxes[at, row] = np.array(corners) * np.tile(extents[at][::-1], 2)
    return Canvases(pixels, extents, kinds, boxes)


def crops(source: Canvases) -> Crops:
    """Every head that is large enough and whole, with a margin."""
    found = [
        (crop, source.kinds[at, row], _shape(source.boxes[at, row]))
        for at, row in zip(*np.nonzero((source.kinds >= 0) & (source.kinds < IGNORED)), strict=True)
        if (crop := _crop(source, int(at), source.boxes[at, row])) is not None
    ]
    pixels, kinds, shapes = zip(*found, strict=True) if found else ((), (), ())
    empty = np.empty((0, CROP, CROP, 3), np.uint8)
    return Crops(
        np.stack(pixels) if found else empty, np.array(kinds, np.int64), np.array(shapes, np.float32)
    )


def _shape(box: NDArray[np.float32]) -> float:
    return float((box[3] - box[1]) / max(box[2] - box[0], 1e-6))


def _crop(source: Canvases, at: int, box: NDArray[np.float32]) -> NDArray[np.uint8] | None:
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * MARGIN
    low, high = np.round(middle - half).astype(int), np.round(middle + half).astype(int)
    height, width = source.extents[at]
    if min(box[2:] - box[:2]) < SMALLEST_CROPPED or (low < 0).any() or high[0] > width or high[1] > height:
        return None
    area = source.pixels[at, low[1] : high[1], low[0] : high[0]]
    return np.asarray(cv2.resize(area, (CROP, CROP), interpolation=cv2.INTER_AREA), np.uint8)
