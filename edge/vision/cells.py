"""What is remembered of the parts of a picture: when each was looked at closely, and how often in vain.

A part counts by the middles of its cells, so that nothing is held to be looked at of which only an edge was.
"""

import math

import numpy as np
from numpy.typing import NDArray

from edge.vision.model import Region

Box = tuple[float, float, float, float]
Part = tuple[slice, slice]

CELL_PX = 64
IN_VAIN = 3
"""So many looks in a row at what moves may have missed a person; each further one lets it wait longer."""
EACH_S, LONGEST_S = 0.1, 0.5
"""By how much longer, and at most: so soon whoever steps out from behind a machine is looked at. It is less
than pictures that are kept are covered for before a head was found (`covering.BETWEEN_S`)."""
FRESH = 0.125
"""If this share of what moves is new there, all of it is: somebody has come beside a machine."""
STILL_S = 10.0
"""Where nothing has moved for so long, motion is new."""


class Cells:
    """Of one picture, in cells of `CELL_PX`."""

    def __init__(self, height: int, width: int, looked_s: float) -> None:
        """All of it was looked at last at `looked_s`."""
        self._y, self._x = (_middles(length) for length in (height, width))
        shape = len(self._y), len(self._x)
        self._looked_s = np.full(shape, looked_s)
        self._moved_s = np.full(shape, -math.inf)
        self._in_vain: NDArray[np.int16] = np.zeros(shape, np.int16)
        """How often in a row what moved there was looked at and was nobody, or only whom we know."""

    def looked(self, region: Region, at_s: float) -> None:
        """A square was looked at closely."""
        box = region.x, region.y, region.x + region.side, region.y + region.side
        self._looked_s[self._part(box)] = at_s

    def waited_s(self, box: Box, at_s: float) -> float:
        """How long ago the middle of a box was looked at."""
        row, column = _nearest(self._y, (box[1] + box[3]) / 2), _nearest(self._x, (box[0] + box[2]) / 2)
        return float(at_s - self._looked_s[row, column])

    def moves(self, box: Box, at_s: float) -> None:
        """Something moves there."""
        part = self._part(box)
        self._in_vain[part][at_s - self._moved_s[part] > STILL_S] = 0
        self._moved_s[part] = at_s

    def found(self, box: Box, *, in_vain: bool) -> None:
        """What moves there was looked at."""
        part = self._part(box)
        self._in_vain[part] = self._in_vain[part] + 1 if in_vain else 0

    def waits(self, box: Box, at_s: float, rests_s: float) -> bool:
        """Whether what moves there is not looked at now: for `rests_s` at least, longer if often in vain."""
        part = self._part(box)
        in_vain = np.sort(self._in_vain[part], axis=None)
        longer_s = EACH_S * (int(in_vain[int(FRESH * len(in_vain))]) - IN_VAIN)
        return bool(at_s - self._looked_s[part].min() < max(rests_s, min(longer_s, LONGEST_S)))

    def _part(self, box: Box) -> Part:
        """The cells whose middles lie in a box; the nearest one where none does."""
        return _within(self._y, box[1], box[3]), _within(self._x, box[0], box[2])


def _middles(length: int) -> NDArray[np.float64]:
    """Of cells along a side; the last one ends with the picture."""
    starts = np.arange(0, length, CELL_PX)
    return np.asarray((starts + np.minimum(starts + CELL_PX, length)) / 2, np.float64)


def _within(middles: NDArray[np.float64], low: float, high: float) -> slice:
    first, last = int(np.searchsorted(middles, low)), int(np.searchsorted(middles, high, "right"))
    if first < last:
        return slice(first, last)
    nearest = _nearest(middles, (low + high) / 2)
    return slice(nearest, nearest + 1)


def _nearest(middles: NDArray[np.float64], place: float) -> int:
    return int(np.abs(middles - place).argmin())
