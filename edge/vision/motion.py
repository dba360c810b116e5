"""Where something moves: the gate that spares the detector a still picture.

A small grey picture is held against a running average. What the whole picture has in common, such as clouds
or a camera that regulates its brightness, is no motion; a light that goes on is none either: the gate then
learns anew and says so, instead of calling everything motion.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.model import Boxes, Frame, Picture
from edge.vision.thinning import thinned

Grey = NDArray[np.float32]
Shape = tuple[int, int]
"""Height and width."""

MEMORY_S = 10.0
"""What stays for about so long belongs to the scene."""
LEARNING_S = 2.0
_LEARNING_MEMORY_S = 0.5
LIGHT_SHARE = 0.6
"""If more of the picture than this has changed, the light has."""
LIGHT_STEP = 30.0
"""If the picture as a whole is brighter or darker by this many grey levels, the light has changed as well."""
THRESHOLD = 20.0
"""Grey levels: from here on a cell has changed. Noise at night stays below a third of it."""
_CELL_PX, _LEAST_WIDE, _MOST_WIDE = 8, 160, 320
"""A person 130 pixels tall is 16 cells. A picture is 160 cells long, a large one up to 320."""
_LEAST_CELLS = 12
"""Of what has changed, grown by a cell on each side: a single cell is noise."""
MOST_BOXES = 64
"""The largest are told; in a storm of leaves nobody could look at more."""
_LONGEST_STEP_S = 5.0
_QUARTILES = (0.25, 0.5, 0.75)
_LEAST_CONTRAST, _MOST_GAIN = 20.0, 1.5
"""Grey levels between the quartiles; without them a change of contrast could not be told from noise."""


class Motion(NamedTuple):
    """What the gate says of one frame."""

    boxes: Boxes
    """Where something moves, in pixels of the frame."""
    learning: bool
    """Nothing can be said: it has just begun, or the light has changed."""


class MotionGate:
    """Sees motion in the frames of one camera."""

    def __init__(self, still_parts: Sequence[Sequence[tuple[float, float]]] = ()) -> None:
        """Changes in the `still_parts`, polygons in shares of the picture, are no motion."""
        self._still_parts = [np.array(part, np.float64) for part in still_parts]
        self._shape: Shape = (0, 0)
        self._average: Grey = np.empty((0, 0), np.float32)
        self._watched: NDArray[np.bool_] = np.empty((0, 0), np.bool_)
        self._seen_s = self._learns_until_s = -math.inf

    def look(self, frame: Frame) -> Motion:
        """What has moved by this frame; frames come in the order they were taken."""
        height, width = frame.pixels.shape[:2]
        grey = shrunken(frame.pixels)
        if (height, width) != self._shape:
            self._begin(grey, (height, width), frame.at_s)
        expected, step = relit(self._average, grey)
        changed = (np.abs(grey - expected) > THRESHOLD) & self._watched
        watched = max(1, int(np.count_nonzero(self._watched)))
        if abs(step) > LIGHT_STEP or np.count_nonzero(changed) > LIGHT_SHARE * watched:
            self._learns_until_s = frame.at_s + LEARNING_S
        learning = frame.at_s < self._learns_until_s
        self._learn(grey, frame.at_s, learning=learning)
        return Motion(_nowhere() if learning else self._boxes(changed), learning)

    def _begin(self, grey: Grey, shape: Shape, at_s: float) -> None:
        self._shape, self._average = shape, grey.copy()
        self._watched = self._cells_watched(grey.shape)
        self._seen_s, self._learns_until_s = at_s, at_s + LEARNING_S

    def _cells_watched(self, cells: tuple[int, ...]) -> NDArray[np.bool_]:
        ignored = np.zeros(cells[:2], np.uint8)
        for part in self._still_parts:
            cv2.fillPoly(ignored, [np.round(part * [cells[1], cells[0]]).astype(np.int32)], 1)
        return np.asarray(ignored == 0)

    def _learn(self, grey: Grey, at_s: float, *, learning: bool) -> None:
        passed = min(max(at_s - self._seen_s, 0.0), _LONGEST_STEP_S)
        self._seen_s = at_s
        memory = _LEARNING_MEMORY_S if learning else MEMORY_S
        cv2.accumulateWeighted(grey, self._average, 1 - math.exp(-passed / memory))

    def _boxes(self, changed: NDArray[np.bool_]) -> Boxes:
        grown = cv2.dilate(changed.astype(np.uint8), np.ones((3, 3), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(grown)
        found = stats[1:]  # the first is what has not changed
        found = found[found[:, cv2.CC_STAT_AREA] >= _LEAST_CELLS]
        found = found[np.argsort(-found[:, cv2.CC_STAT_AREA], kind="stable")[:MOST_BOXES]]
        low = found[:, [cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP]]
        high = low + found[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
        height, width = self._shape
        cell = np.array([width / changed.shape[1], height / changed.shape[0]] * 2)
        return np.asarray(np.concatenate((low, high), axis=1) * cell, np.float32)


def shrunken(pixels: Picture) -> Grey:
    """A small grey picture, a value a cell."""
    height, width = pixels.shape[:2]
    longer = max(height, width)
    wide = min(longer, max(longer // _CELL_PX, _LEAST_WIDE), _MOST_WIDE)
    step = max(1, longer // (2 * wide))  # every pixel of a large picture costs more than it tells
    few = thinned(pixels, step)
    cells = max(1, round(width * wide / longer)), max(1, round(height * wide / longer))
    grey = cv2.resize(cv2.cvtColor(few, cv2.COLOR_BGR2GRAY), cells, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(grey, (3, 3), 0), np.float32)


def relit(average: Grey, grey: Grey) -> tuple[Grey, float]:
    """The average in the light of this picture, and by how much that has made it brighter.

    Quartiles say how bright and how rich in contrast each is: what moves is less than a quarter of a picture.
    """
    dark, middle, bright = np.quantile(average[::2, ::2], _QUARTILES)
    now_dark, now_middle, now_bright = np.quantile(grey[::2, ::2], _QUARTILES)
    gain = 1.0
    if bright - dark > _LEAST_CONTRAST:
        gain = min(max((now_bright - now_dark) / (bright - dark), 1 / _MOST_GAIN), _MOST_GAIN)
    return np.asarray((average - middle) * gain + now_middle, np.float32), float(now_middle - middle)


def _nowhere() -> Boxes:
    return np.empty((0, 4), np.float32)
