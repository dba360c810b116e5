"""A second look at a picture that is to be kept, at all of it and believing more than looks do.

Alarms ask who is surely a head; what is covered is whatever may be one. It takes no longer than an alarm can
wait: the whole picture first, then its parts for as long as there is time.
"""

import time
from collections.abc import Callable

import numpy as np

from edge.vision.detectors import Detector
from edge.vision.letterbox import whole
from edge.vision.model import Boxes, Frame, Picture
from edge.vision.regions import tiles

FAINTEST = 0.05
"""Heads that score less are none; chosen on validation photos (`bench vision`)."""
LONGEST_S = 1.0
"""No part is begun later than so long after the first, of all pictures that one look asks for."""


def maybe_heads(
    picture: Picture,
    detector: Detector,
    until_s: float | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Boxes:
    """Wherever a head may be, in the picture's pixels, some twice; raises `DetectorFailedError`.

    No part is begun after `until_s` by the clock; left out, that is `LONGEST_S` from now.
    """
    frame = Frame(0.0, 0, picture)
    until_s = clock() + LONGEST_S if until_s is None else until_s
    parts = [whole(picture.shape), *tiles(picture.shape, detector.size)]
    found = [detector.find(frame, parts[:1], FAINTEST).boxes]
    for part in parts[1:]:
        if clock() >= until_s:
            break
        found.append(detector.find(frame, [part], FAINTEST).boxes)
    return np.concatenate(found)
