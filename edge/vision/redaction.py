"""Who can be recognised in a picture is taken out of it, for good: what is drawn over is nowhere any more.

Heads, not faces, for a face turned half away is found by no detector of faces. Of every head a few cells of
mean colour are left. Of the one whom an alarm is about the lower part is smeared, and what is on the head
stays: unless the face of another lies there, for no helmet is worth a face.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.boxes import side
from edge.vision.model import Boxes, Picture

FACE = 0.55
"""So much of a head's box, from below, is face."""
CELLS = 5
"""So many cells a head is left with from side to side; nobody is known by them."""
LEAST_CELL_PX = 8
SMEARED_CELLS = 4
LOOKED, RECKONED = 1.25, 1.6
"""A box is grown by so much before it is covered: found in this very frame, or reckoned from others."""
_ASIDE, _BELOW, _FURTHER = 0.1, 0.35, 0.2
"""The own face is covered beyond its box, by shares of its width and height, and other heads further down:
boxes that a detector learned from helmets often end at the mouth."""

Outlines = Iterable[Sequence[tuple[float, float]]]


class _Area(NamedTuple):
    """Whole pixels, the end not included."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def is_empty(self) -> bool:
        return self.right <= self.left or self.bottom <= self.top


def blacken(picture: Picture, outlines: Outlines) -> None:
    """Parts that nobody may see, corners as shares of the picture; their edges go too."""
    height, width = picture.shape[:2]
    for outline in outlines:
        corners = np.array([(x * width, y * height) for x, y in outline]).round().astype(np.int32)
        cv2.fillPoly(picture, [corners], (0, 0, 0))
        cv2.polylines(picture, [corners], True, (0, 0, 0), 3)


def redact(
    picture: Picture,
    others: Boxes,
    own: Boxes,
    *,
    own_faces: Boxes | None = None,
) -> None:
    """Cover every head in `others`; of those in `own` the face. In place.

    `own_faces`: boxes of the same head at other moments, of which the face is covered as well.
    """
    heads_own = own if own_faces is None else np.concatenate((own, own_faces))
    shown = np.zeros(picture.shape[:2], bool)
    for box in own:
        shown[_helmet(box, picture).slices] = True
    for box in others:
        shown[_face(box, picture).slices] = False
    before = picture.copy()
    for box, across in zip(others, side(others), strict=True):
        _cover(picture, _whole(box, picture), max(LEAST_CELL_PX, across / CELLS), cv2.INTER_NEAREST)
    picture[shown] = before[shown]
    for box, across in zip(heads_own, side(heads_own), strict=True):
        _cover(picture, _face(box, picture), max(LEAST_CELL_PX, across / SMEARED_CELLS), cv2.INTER_LINEAR)


def covered(others: Boxes, picture: Picture) -> NDArray[np.bool_]:
    """What of a picture is drawn over where these heads are."""
    mask = np.zeros(picture.shape[:2], bool)
    for box in others:
        mask[_whole(box, picture).slices] = True
    return mask


def _cover(picture: Picture, area: _Area, cell_px: float, filling: int) -> None:
    """Nothing but the mean colour of each cell is left."""
    if area.is_empty:
        return
    part = picture[area.slices]
    height, width = part.shape[:2]
    cells = max(1, int(width / cell_px)), max(1, int(height / cell_px))
    few = cv2.resize(part, cells, interpolation=cv2.INTER_AREA)
    picture[area.slices] = cv2.resize(few, (width, height), interpolation=filling)


def _whole(box: Boxes, picture: Picture) -> _Area:
    left, top, right, bottom = (float(edge) for edge in box)
    aside, above = (right - left) * (LOOKED - 1) / 2, (bottom - top) * (LOOKED - 1) / 2
    below = above + (bottom - top) * _FURTHER
    return _area((left - aside, top - above, right + aside, bottom + below), picture)


def _face(box: Boxes, picture: Picture) -> _Area:
    left, top, right, bottom = (float(edge) for edge in box)
    aside, below = (right - left) * _ASIDE, (bottom - top) * _BELOW
    return _area((left - aside, bottom - FACE * (bottom - top), right + aside, bottom + below), picture)


def _helmet(box: Boxes, picture: Picture) -> _Area:
    left, top, right, bottom = (float(edge) for edge in box)
    face = _face(box, picture)
    return _area((left, top, right, bottom - FACE * (bottom - top)), picture)._replace(bottom=face.top)


def _area(edges: tuple[float, float, float, float], picture: Picture) -> _Area:
    """As far as it lies in the picture, its edges outward."""
    height, width = picture.shape[:2]
    left, top, right, bottom = edges
    return _Area(
        max(0, min(width, math.floor(left))),
        max(0, min(height, math.floor(top))),
        max(0, min(width, math.ceil(right))),
        max(0, min(height, math.ceil(bottom))),
    )
