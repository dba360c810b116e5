"""A detector that is told what it sees: for tests, and for scenes whose heads are known exactly."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.boxes import side
from edge.vision.detectors import FAINTEST, nothing
from edge.vision.model import Boxes, Frame, Heads, Picture, Region, Scores

Script = Callable[[Frame], tuple[Boxes, Scores]]
"""Every head of a frame, with its scores."""

HELMET_BGR, HEAD_BGR = (0, 200, 255), (64, 92, 142)
"""Heads of drawn scenes are filled with one of these, and nothing else has exactly that colour."""
SCORE = 0.9
_LEAST_PX = 6
"""In the input: whoever is smaller is not seen, as a network would not."""


class Scripted:
    """Sees what the script says, as far as the squares that it is shown hold it."""

    def __init__(self, script: Script, size: int = 416, name: str = "scripted") -> None:
        """`size` is the side of the input that it would have."""
        self._script, self._size, self._name = script, size, name

    @property
    def name(self) -> str:
        """As people are told."""
        return self._name

    @property
    def size(self) -> int:
        """The side of the input that it would have, in pixels."""
        return self._size

    def find(self, frame: Frame, regions: Sequence[Region], faintest: float = FAINTEST) -> Heads:
        """The script's heads that lie whole in one of the squares, where each is largest."""
        boxes, scores = self._script(frame)
        if not len(boxes) or not regions:
            return nothing()
        input_px = np.max([self._shown(boxes, region) for region in regions], axis=0)
        seen = (input_px >= _LEAST_PX) & (scores.max(axis=1) >= faintest)
        return Heads(
            boxes[seen].astype(np.float32), scores[seen].astype(np.float32), input_px[seen].astype(np.float32)
        )

    def _shown(self, boxes: Boxes, region: Region) -> NDArray[np.floating]:
        """How large each head is in a square's input; 0 where it is not in it whole."""
        low = np.array([region.x, region.y])
        inside = (boxes[:, :2] >= low).all(axis=1) & (boxes[:, 2:] <= low + region.side).all(axis=1)
        return np.asarray(side(boxes) * min(1.0, self._size / region.side) * inside)


def drawn(frame: Frame) -> tuple[Boxes, Scores]:
    """The heads of a drawn scene, by their colours; a script."""
    helmets, bare = _areas(frame.pixels, HELMET_BGR), _areas(frame.pixels, HEAD_BGR)
    scores = np.full((len(helmets) + len(bare), 2), 1 - SCORE, np.float32)
    scores[: len(helmets), 0] = scores[len(helmets) :, 1] = SCORE
    return np.concatenate((helmets, bare)), scores


def _areas(pixels: Picture, colour: tuple[int, int, int]) -> Boxes:
    """The box around each connected area of one colour."""
    exactly = np.array(colour, np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(cv2.inRange(pixels, exactly, exactly))
    found = stats[1:].astype(np.float32)  # the first is all that has another colour
    x, y = found[:, cv2.CC_STAT_LEFT], found[:, cv2.CC_STAT_TOP]
    right, bottom = x + found[:, cv2.CC_STAT_WIDTH], y + found[:, cv2.CC_STAT_HEIGHT]
    return np.stack((x, y, right, bottom), axis=1)
