"""Whether a picture shows anything: a camera that sends dark, covered, torn or old pictures does not see.

Everything is told from a small copy of the picture. What a camera usually shows is learned slowly and only
from pictures in order, so that a lens that is turned away is told from the sun that wanders. Numbers were
chosen on drawn pictures and held against spoilt photos; no camera in the field has confirmed them yet.
"""

import math
from enum import IntEnum
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.model import Picture
from edge.vision.thinning import thinned

Grey = NDArray[np.float32]

WIDE = 160
"""The small copy's longer side."""
DARK = 28.0
"""Grey levels: if all but one in a hundred cells stay below, nothing is lit."""
FLAT = 2.0
"""Standard deviation in grey levels: below it a picture is one shade."""
BLURRED = 2.2
"""Mean step from cell to cell in grey levels: below it there may be nothing but light and shade."""
PLAIN = 1.2
"""Below it there is surely nothing else."""
LOST_DETAIL = 0.25
"""And less than this share of what the camera usually shows."""
EMPTY_GREEN = np.array([0, 91, 0], np.uint8), np.array([39, 189, 39], np.uint8)
"""From and to, blue, green and red: the colour of YUV zero."""
GREEN_ALL, GREEN_PART = 0.9, 0.08
"""Share of cells that have the green of a decoder that was given nothing."""
SMEARED = 0.12
"""Share of the height below which every row is as the one above it."""
FROZEN_S = 30.0
"""No living camera shows the very same picture for so long: its sensor has noise."""
MOVED_PART, MOVED_LIKE = 0.03, 0.5
"""Of the picture's width: so far everything is off, and there it is as like as this."""
TURNED_LIKE = 0.2
"""Less alike than this, it is another view."""
MOVED_S, TURNED_S = 10.0, 60.0
"""For so long, for a machine may stand before the lens."""
BACK_S = 10.0
"""So long the view that outlines were drawn in is seen again, before it no longer counts as moved."""
LEARN_S, FOLLOW_S = 10.0, 600.0
"""How long a view is learned at first, and how slowly it follows what changes."""
HOLDS_S = 2.0
"""Before something is wrong it is so for this long, and as long before it is right again."""


class State(IntEnum):
    """What the point `state` of a camera says; the numbers travel."""

    SEES = 0
    DARK = 1
    COVERED = 2
    CONSTANT = 3
    TORN = 4
    FROZEN = 5
    MOVED = 6
    OVERLOADED = 7
    NO_DETECTOR = 8


BLIND = frozenset({State.DARK, State.COVERED, State.CONSTANT, State.TORN, State.FROZEN})
"""States in which nobody can say who is there."""
SPOILT = frozenset({State.CONSTANT, State.TORN})
"""A single picture of which no head may be read."""


class Known(NamedTuple):
    """What a camera usually shows; no person stays in it."""

    view: Grey
    """Its edges, by cells of the small copy."""
    detail: float


class Sanity:
    """Looks at the pictures of one camera in the order in which they were taken."""

    def __init__(self, frozen_s: float = FROZEN_S, known: Known | None = None) -> None:
        """`known`: what it showed when it was looked at before; else nothing is known of it yet."""
        self._frozen_s = frozen_s
        self._view: Grey | None = None if known is None else known.view.copy()
        """The edges that it usually shows."""
        self._detail = 0.0 if known is None else known.detail
        self._began_s = self._seen_s = -math.inf
        self._is_known = known is not None
        self._now: Grey | None = None
        """The newest picture, whatever it shows."""
        self._last: Grey | None = None
        self._same_since_s = 0.0
        self._off_since_s: float | None = None
        self._turned_since_s: float | None = None
        self._held = _Held()
        self.is_spoilt = False
        """The newest picture itself shows nothing, whatever the camera's state is."""

    def look(self, at_s: float, picture: Picture) -> State:
        """The camera's state after this picture."""
        small = small_copy(picture)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.float32)
        self._now = grey
        if any(before is not None and before.shape != grey.shape for before in (self._last, self._view)):
            self._forget()
        edges = _edges(grey)
        now = (
            self._spoilt(small, grey)
            or self._covered(edges)
            or self._old(at_s, grey)
            or self._moved(at_s, edges)
        )
        self.is_spoilt = now in SPOILT
        if now is None:
            self._learn(at_s, edges)
        self._seen_s = at_s
        # What takes long to tell has been held long enough.
        held_s = 0.0 if now in {State.FROZEN, State.MOVED} else HOLDS_S
        if now is None and self._held.state is State.MOVED:
            held_s = BACK_S
        return self._held.next(at_s, now or State.SEES, held_s)

    def broken(self, at_s: float) -> State:
        """A picture came that could not be decoded at all."""
        self.is_spoilt = True
        return self._held.next(at_s, State.TORN, HOLDS_S)

    def shows(self, known: Known) -> bool:
        """Whether the newest picture is of that view."""
        if self._now is None or (view := _fitted(known.view, self._now.shape)) is None:
            return False
        return not any(_is_apart(view, _edges(self._now)))

    def accept(self, known: Known) -> bool:
        """Somebody says that this is the right view: taken where the camera shows it. Whether it does."""
        if self.is_spoilt or not self.shows(known):
            return False
        self._forget()
        assert self._now is not None  # noqa: S101  else it would not show it
        self._view, self._detail = _fitted(known.view, self._now.shape), known.detail
        self._is_known = True
        self._held = _Held()
        return True

    @property
    def known(self) -> Known | None:
        """What it usually shows, once that is learned and while it is shown."""
        if self._view is None or not self._is_learned or self._held.state is not State.SEES:
            return None
        return Known(self._view.copy(), self._detail)

    def _forget(self) -> None:
        """Another view is learned: it shows pictures of another shape, or somebody says which is right."""
        self._view, self._last = None, None
        self._is_known = False
        self._off_since_s = self._turned_since_s = None

    def _spoilt(self, small: Picture, grey: Grey) -> State | None:
        green = _is_empty_green(small)
        share = float(green.mean())
        if share >= GREEN_ALL:
            return State.CONSTANT
        if share >= GREEN_PART and float(green[-1].mean()) >= GREEN_ALL:
            return State.TORN
        is_lit = np.percentile(grey, 99) >= DARK
        if is_lit and grey.std() < FLAT:
            return State.CONSTANT
        if not is_lit:
            return State.DARK
        return State.TORN if self._is_smeared(grey) else None

    def _is_smeared(self, grey: Grey) -> bool:
        """From some row on every row is the same, though there the camera usually shows something."""
        if self._view is None or not self._is_learned:
            return False
        steps = np.abs(np.diff(grey, axis=0)).max(axis=1)
        moving = np.flatnonzero(steps > 1.0)
        rows = len(grey) - 1 - (int(moving[-1]) + 1 if len(moving) else 0)
        if rows < SMEARED * len(grey):
            return False
        usually = float(self._view[-rows:].mean())
        return usually > PLAIN

    def _covered(self, edges: Grey) -> State | None:
        detail = float(edges.mean())
        if self._is_learned and detail < BLURRED and detail < LOST_DETAIL * self._detail:
            return State.COVERED
        return None

    def _old(self, at_s: float, grey: Grey) -> State | None:
        if self._last is None or not np.array_equal(self._last, grey):
            self._last, self._same_since_s = grey, at_s
        return State.FROZEN if at_s - self._same_since_s >= self._frozen_s else None

    def _moved(self, at_s: float, edges: Grey) -> State | None:
        if self._view is None or not self._is_learned:
            return None
        is_off, is_turned = _is_apart(self._view, edges)
        self._off_since_s = (self._off_since_s or at_s) if is_off else None
        self._turned_since_s = (self._turned_since_s or at_s) if is_turned else None
        was_moved = self._off_since_s is not None and at_s - self._off_since_s >= MOVED_S
        was_turned = self._turned_since_s is not None and at_s - self._turned_since_s >= TURNED_S
        return State.MOVED if was_moved or was_turned else None

    @property
    def _is_learned(self) -> bool:
        return self._view is not None and (self._is_known or self._seen_s - self._began_s >= LEARN_S)

    def _learn(self, at_s: float, edges: Grey) -> None:
        if self._view is None:
            self._view, self._began_s = edges, at_s
            self._detail = float(edges.mean())
            return
        if self._off_since_s is not None or self._turned_since_s is not None:
            return
        memory_s = FOLLOW_S if self._is_learned else LEARN_S / 3
        share = 1 - math.exp(-min(max(at_s - self._seen_s, 0.0), 5.0) / memory_s)
        self._view += share * (edges - self._view)
        self._detail += share * (float(edges.mean()) - self._detail)


class _Held:
    """A state changes once another has been there for a while."""

    def __init__(self) -> None:
        self.state = self._other = State.SEES
        self._since_s = 0.0

    def next(self, at_s: float, now: State, held_s: float) -> State:
        if now is self.state:
            self._other = now
        elif now is not self._other:
            self._other, self._since_s = now, at_s
        if now is not self.state and at_s - self._since_s >= held_s:
            self.state = now
        return self.state


def view_of(picture: Picture) -> Known:
    """What one picture shows."""
    edges = _edges(np.asarray(cv2.cvtColor(small_copy(picture), cv2.COLOR_BGR2GRAY), np.float32))
    return Known(edges, float(edges.mean()))


def small_copy(picture: Picture) -> Picture:
    """The picture, its longer side `WIDE`; every cell from a few pixels of it only, for that is enough."""
    height, width = picture.shape[:2]
    longer = max(height, width)
    step = max(1, longer // (4 * WIDE))
    few = thinned(picture, step)
    size = max(1, round(width * WIDE / longer)), max(1, round(height * WIDE / longer))
    return np.asarray(cv2.resize(few, size, interpolation=cv2.INTER_AREA), np.uint8)


def _is_empty_green(small: Picture) -> NDArray[np.bool_]:
    """Where the picture has the colour of YUV zero: no blue, no red, half of green."""
    return np.asarray(cv2.inRange(small, EMPTY_GREEN[0], EMPTY_GREEN[1]) > 0)


def _edges(grey: Grey) -> Grey:
    """How steeply brightness changes at each cell."""
    grey = np.asarray(cv2.GaussianBlur(grey, (3, 3), 0), np.float32)  # noise is no edge
    across = np.abs(np.diff(grey, axis=1, prepend=grey[:, :1]))
    down = np.abs(np.diff(grey, axis=0, prepend=grey[:1]))
    return np.asarray(np.minimum(across + down, 60.0), np.float32)


def _fitted(view: Grey, shape: tuple[int, ...]) -> Grey | None:
    """A view with so many cells: of a picture that was kept smaller one row may be rounded away."""
    if max(abs(had - has) for had, has in zip(view.shape, shape, strict=True)) > 1:
        return None
    return np.asarray(cv2.resize(view, (shape[1], shape[0])), np.float32)


def _is_apart(before: Grey, now: Grey) -> tuple[bool, bool]:
    """Whether the same is seen elsewhere in the picture, and whether another view is seen."""
    off, there, here = displacement(before, now)
    return off >= MOVED_PART and there >= MOVED_LIKE and there > here + 0.2, here < TURNED_LIKE


def displacement(before: Grey, now: Grey) -> tuple[float, float, float]:
    """How far a view is off, as a share of its width; how alike it is there, and how alike where it is."""
    window = cv2.createHanningWindow((before.shape[1], before.shape[0]), cv2.CV_32F)
    # It writes on what it is given.
    (x, y), _ = cv2.phaseCorrelate(before.copy(), now.copy(), window)
    off = math.hypot(x, y) / max(before.shape)
    return off, _alike(before, now, round(x), round(y)), _alike(before, now, 0, 0)


def _alike(before: Grey, now: Grey, x: int, y: int) -> float:
    """Correlation of what both show when `now` is moved back by `x` and `y` cells, -1 to 1."""
    height, width = before.shape
    if abs(x) > width // 2 or abs(y) > height // 2:
        return 0.0
    left = before[max(0, -y) : height - max(0, y), max(0, -x) : width - max(0, x)]
    right = now[max(0, y) : height - max(0, -y), max(0, x) : width - max(0, -x)]
    left, right = left - left.mean(), right - right.mean()
    size = math.sqrt(float((left**2).sum()) * float((right**2).sum()))
    return float((left * right).sum()) / size if size > 0 else 0.0
