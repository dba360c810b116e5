"""What the eyes pass on to one another: frames, heads found, tracks, and what a look comes to.

Boxes are `x1 y1 x2 y2` in pixels of the full frame, rows of a float32 array; scores have a column a kind of
head, in the order of `HEADS`. Instants are seconds of the monotonic clock, one for all processes.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

HEADS = ("helmet", "head")
"""The kinds that a detector tells apart, in the order of its scores; `head` is a bare one."""

HeadState = Literal["helmet", "bare", "unknown"]
"""What a track's votes come to; unknown is whoever is too small, too blurred or too new to say."""

Boxes: TypeAlias = NDArray[np.float32]
"""`[n, 4]`."""
Scores: TypeAlias = NDArray[np.float32]
"""`[n, len(HEADS)]`, each 0 to 1."""
Picture: TypeAlias = NDArray[np.uint8]
"""`[height, width, 3]`, BGR."""


class Frame(NamedTuple):
    """One picture of a camera."""

    at_s: float
    """When it was taken off the line; of one that came late, when it would have been."""
    number: int
    """Goes up with every picture of the camera, looked at or not."""
    pixels: Picture
    late_s: float = 0.0
    """How much later than usual it came."""


class Region(NamedTuple):
    """A square of the frame that goes into a detector; it may reach beyond the frame's edges."""

    x: int
    y: int
    side: int
    """Pixels."""


class Heads(NamedTuple):
    """What a detector has found in a frame, boxes of one head put together already."""

    boxes: Boxes
    scores: Scores
    input_px: NDArray[np.float32]
    """`[n]`: the side that each head had in the detector's input, where it was seen best."""


class Track(NamedTuple):
    """One head over time, as far as one camera can follow it: no person, and nobody is known again."""

    number: int
    """Of this camera, from 1; never used twice in one run."""
    began_s: float
    seen_s: float
    """When it was last found; since then its box is reckoned."""
    box: tuple[float, float, float, float]
    scores: tuple[float, float]
    input_px: float
    hits: int
    speed: tuple[float, float] = (0.0, 0.0)
    """Pixels a second, to the right and down."""
    clear_s: float = math.inf
    """When it was last found so that nobody would doubt it: fainter sights may be of something else."""

    @property
    def is_clear(self) -> bool:
        """Whether it was found in this look, or last, beyond doubt."""
        return self.clear_s >= self.seen_s


class Standing(NamedTuple):
    """A track and what is thought of it now."""

    track: Track
    state: HeadState
    zones: Sequence[str]
    """Keys of the zones in which it stands."""


class Look(NamedTuple):
    """What one look of one camera comes to."""

    at_s: float
    standing: Sequence[Standing]
    values: Mapping[str, float]
    """By key, of the points of zones."""
    confirmed: Sequence["Confirmed"]
    """Alarms-to-be that begin with this look: their evidence is stored before the values are told."""


class Confirmed(NamedTuple):
    """A track that has taken a slot, or with which a count leaves 0: its point goes to 1 or more."""

    key: str
    zone: str
    track: int
