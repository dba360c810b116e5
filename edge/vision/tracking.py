"""From heads in single looks to heads over time: who of this look is who of the last.

A head goes on at its speed; a head found near where it is expected is the same one. What is found where
nobody is expected goes on with whoever was found nowhere and could have come so far. Nothing but place, size
and what is worn decides: nobody is known again by looks, and whoever left and comes back is a new track.

Heads that score low go on with a track but begin none, and keep it for a moment only: a track that lost its
head would else live on what looks a little like one, such as a vest. A track that was looked for and not
found is reckoned on for a while and then ends; where nobody looked, nothing was missed.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.vision.boxes import overlaps, side
from edge.vision.model import Heads, Region, Track

Box = tuple[float, float, float, float]
Matrix = NDArray[np.float64]

STEADY, TURNS_S = 0.8, 0.55
"""How much of what a head is off its expected place corrects its place; and for so long its speed is the mean
of what was seen."""
WALKING, RUNNING, WIDEST = 7.0, 21.0, 6.0
"""Head sides a second (a head of 21 cm at 1.5 and 4.4 m/s), and at most so many: as far from where he is
expected may be who has changed his pace, and who was seen but once and may be running."""
SLACK, SIZED, SAME_WORN = 0.5, 0.7, 0.5
"""A little farther, for boxes tremble; who is found so far away is as large as that and wears the same."""
CALM, TREMBLING, STANDING = 5, 0.2, 0.5
"""After so many sights that are off by less than this share of a side, at less than a side a second, a head
stands; it may be off by this share of what another may."""
SLOWING_S = 0.7
"""Whoever is not seen is expected to go on ever more slowly."""
REMEMBERED = 6
"""What a head wears is the mean of about so many looks, for one look may be mistaken."""
ALIKE = 0.5
"""Of two boxes of one head the smaller has at least this share of the larger one's side."""
COVERED = 0.6
"""A new head that shares so much of itself with one that is followed is that one, seen twice."""
SEEN_PX, SHRUNK = 20.0, 0.8
"""A head of so many pixels of the input would be seen, as would one that is shrunk to no less than this."""
OVER, NEAR, WORN = 1.0, 0.5, 0.6
"""What overlap, nearness and the same thing worn weigh in telling who is who."""


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """How heads are followed."""

    begin: float = 0.3
    """A score from here on begins a track."""
    faint: float = 0.1
    """A score below says nothing."""
    near: float = 1.5
    """How far a head may be from where it is expected, in sides of a head; twice as far once missed."""
    clear: float = 0.35
    """A score from here on is a head beyond doubt."""
    faint_s: float = 3.0
    """For how long nothing clearer than that may be found."""
    gap_s: float = 1.5
    """For how long a head may not be found; and for three looks at least, for some cameras look seldom."""
    gap_looks: int = 3
    longest_s: float = 30.0
    """Who was not found for so long is followed no more, whether anybody looked or not."""


class _Path:
    """One track while it is followed."""

    def __init__(
        self, number: int, at_s: float, box: Box, scores: tuple[float, float], input_px: float
    ) -> None:
        self.number, self.began_s, self.seen_s, self.reckoned_s = number, at_s, at_s, at_s
        self.clear_s = at_s
        self.x, self.y, self.width, self.height = _middle(box)
        self.vx = self.vy = 0.0
        self.scores, self.input_px = scores, input_px
        self.bareness = _bare(scores)
        self.hits, self.misses, self.calm = 1, 0, 0
        self.faint = 0
        """So many sights in a row were not clear."""
        self.missed_s: float | None = None
        self._last = self.x, self.y, self.vx, self.vy
        """As it was last seen."""

    @property
    def box(self) -> Box:
        return self._around(self.x, self.y)

    @property
    def onward(self) -> Box:
        """Where it is if it has gone on as it went when it was last seen, and was hidden meanwhile."""
        x, y, vx, vy = self._last
        passed = self.reckoned_s - self.seen_s
        return self._around(x + vx * passed, y + vy * passed)

    def _around(self, x: float, y: float) -> Box:
        across, down = self.width / 2, self.height / 2
        return x - across, y - down, x + across, y + down

    @property
    def side(self) -> float:
        return max(1.0, math.sqrt(self.width * self.height))

    @property
    def reach(self) -> float:
        """How far it may be from where it is expected, as a share of what is usual."""
        # Nobody who stands is a step away at the next look: that is another, or nobody at all.
        return min(2.0, 1.0 + self.misses) * (STANDING if self.calm >= CALM else 1.0)

    @property
    def is_new(self) -> bool:
        """It was seen but once, and just now: nobody knows where it goes."""
        return self.hits == 1 and not self.misses

    @property
    def leap(self) -> float:
        """In sides, how far it may be from where it is expected if nobody nearer can be it."""
        pace = max(WALKING, math.hypot(self.vx, self.vy) / self.side)
        passed = self.reckoned_s - self.seen_s
        return min(WIDEST, SLACK + (RUNNING if self.is_new else pace) * passed)

    def reckon(self, at_s: float) -> None:
        """Go on to an instant."""
        passed = at_s - self.reckoned_s
        self.reckoned_s = at_s
        self.x += self.vx * passed
        self.y += self.vy * passed
        if self.misses:
            slower = math.exp(-passed / SLOWING_S)
            self.vx, self.vy = self.vx * slower, self.vy * slower

    def found(self, at_s: float, box: Box, scores: tuple[float, float], input_px: float) -> None:
        """It was seen, some way off where it was expected."""
        x, y, width, height = _middle(box)
        off_x, off_y, passed = x - self.x, y - self.y, max(at_s - self.seen_s, 1e-3)
        # The second sight gives the speed, later ones correct it: the more, the longer ago the last was.
        turn = 1.0 if self.hits == 1 else 1 - math.exp(-passed / TURNS_S)
        steady = 1.0 if self.misses else STEADY
        was_x, was_y, *_ = self._last
        is_calm = math.hypot(x - self.x, y - self.y) < TREMBLING * self.side
        is_calm &= math.hypot(self.vx, self.vy) < self.side
        self.calm = self.calm + 1 if is_calm else 0
        self.vx, self.vy = self._limited(
            self.vx + turn * ((x - was_x) / passed - self.vx),
            self.vy + turn * ((y - was_y) / passed - self.vy),
        )
        self.x, self.y = self.x + steady * off_x, self.y + steady * off_y
        self._last = self.x, self.y, self.vx, self.vy
        self.width, self.height = (self.width + width) / 2, (self.height + height) / 2
        self.seen_s, self.scores, self.input_px = at_s, scores, input_px
        self.bareness += (_bare(scores) - self.bareness) / min(self.hits + 1, REMEMBERED)
        self.hits, self.misses, self.missed_s = self.hits + 1, 0, None
        self.faint += 1

    def _limited(self, vx: float, vy: float) -> tuple[float, float]:
        most = RUNNING * self.side
        over = max(1.0, math.hypot(vx, vy) / most)
        return vx / over, vy / over

    def cleared(self, at_s: float) -> None:
        """It was seen beyond doubt."""
        self.clear_s, self.faint = at_s, 0

    def missed(self, at_s: float) -> None:
        """It was looked for and not there."""
        self.misses += 1
        if self.missed_s is None:
            self.missed_s = at_s

    def told(self) -> Track:
        return Track(
            self.number,
            self.began_s,
            self.seen_s,
            self.box,
            self.scores,
            self.input_px,
            self.hits,
            (self.vx, self.vy),
            self.clear_s,
        )


class Bounds(NamedTuple):
    """What a head must keep to be that of a track."""

    near: float
    """From where it is expected, in sides of a head at most."""
    alike: float
    """Of the two sides the smaller, as a share of the larger, at least."""
    worn: float
    """How far both wear the same, at least: 1 for the same, 0 for the other kind."""


Bound = Callable[[_Path], Bounds]


class Tracker:
    """Follows the heads of one camera."""

    def __init__(self, following: Following | None = None) -> None:
        """Nobody is there yet."""
        self._how = following or Following()
        self._paths: list[_Path] = []
        self._last = 0
        self.missed: frozenset[int] = frozenset()
        """Who was looked for in vain in the last look."""

    def look(
        self,
        at_s: float,
        heads: Heads,
        regions: Sequence[Region] | None = None,
        size: tuple[int, int] | None = None,
        input_px: int | None = None,
    ) -> Sequence[Track]:
        """Everybody who is followed after this look, by number.

        `regions` are those that were looked at; left out, the whole frame was. `size` is the frame's, width
        and height: who is expected beyond its edge was looked for where the edge was. `input_px` is the side
        of the detector's input: who would be too small in it was not looked for. Instants must not go back.
        """
        self._paths = [path for path in self._paths if at_s - path.seen_s < self._how.longest_s]
        for path in self._paths:
            path.reckon(at_s)
        best = heads.scores.max(axis=1, initial=0.0)
        clear = [int(at) for at in np.flatnonzero(best >= self._how.begin)]
        faint = [int(at) for at in np.flatnonzero((best >= self._how.faint) & (best < self._how.begin))]
        seen: set[int] = set()
        for candidates in (clear, faint):
            seen |= self._follow(at_s, heads, candidates, self._near)
        # Whom nobody expects nearby may be somebody who has begun to walk, or who runs.
        seen |= self._follow(at_s, heads, [at for at in clear if at not in seen], _leaping)
        self._miss(at_s, regions, size or (math.inf, math.inf), input_px or math.inf)
        self._begin(at_s, heads, [at for at in clear if at not in seen])
        return [path.told() for path in self._paths]

    def _follow(self, at_s: float, heads: Heads, candidates: Sequence[int], bound: Bound) -> set[int]:
        """Give heads to the tracks that expect them; which heads were given."""
        waiting = [path for path in self._paths if path.seen_s < at_s]
        if not waiting or not candidates:
            return set()
        given = matched(_fits(waiting, heads, candidates, bound))
        for row, column in given.items():
            box, scores, input_px = _head(heads, candidates[column])
            waiting[row].found(at_s, box, scores, input_px)
            if max(scores) >= self._how.clear:
                waiting[row].cleared(at_s)
        return {candidates[column] for column in given.values()}

    def _near(self, path: _Path) -> Bounds:
        # Whoever was missed may have turned meanwhile.
        return Bounds(self._how.near * path.reach, ALIKE, 0.0)

    def _miss(
        self, at_s: float, regions: Sequence[Region] | None, size: tuple[float, float], input_px: float
    ) -> None:
        missing = [
            path for path in self._paths if path.seen_s < at_s and _is_in(path, regions, size, input_px)
        ]
        for path in missing:
            path.missed(at_s)
        self.missed = frozenset(path.number for path in missing)
        self._paths = [path for path in self._paths if not self._is_over(path, at_s)]

    def _is_over(self, path: _Path, at_s: float) -> bool:
        if path.faint >= self._how.gap_looks and at_s - path.clear_s >= self._how.faint_s:
            return True
        return (
            path.misses >= self._how.gap_looks
            and path.missed_s is not None
            and at_s - path.seen_s >= self._how.gap_s
        )

    def _begin(self, at_s: float, heads: Heads, left: Sequence[int]) -> None:
        for at in sorted(left, key=lambda at: -float(heads.scores[at].max())):
            box, scores, input_px = _head(heads, at)
            if any(path.seen_s == at_s and _covered(box, path.box) > COVERED for path in self._paths):
                continue
            self._last += 1
            self._paths.append(_Path(self._last, at_s, box, scores, input_px))


def _leaping(path: _Path) -> Bounds:
    return Bounds(path.leap, SIZED, 0.0 if path.is_new else SAME_WORN)


def _fits(paths: Sequence[_Path], heads: Heads, candidates: Sequence[int], bound: Bound) -> Matrix:
    """How well each head is what each track expects; negative where it cannot be."""
    expected, onward = np.array([path.box for path in paths]), np.array([path.onward for path in paths])
    found = heads.boxes[candidates].astype(float)
    over = np.maximum(overlaps(expected, found), overlaps(onward, found))
    sides, theirs = np.maximum(side(expected), 1.0), np.maximum(side(found), 1.0)
    apart = np.minimum(_apart(expected, found), _apart(onward, found))
    apart /= (sides[:, None] + theirs[None]) / 2
    alike = np.minimum(sides[:, None], theirs[None]) / np.maximum(sides[:, None], theirs[None])
    bareness = np.array([path.bareness for path in paths])
    worn = 1 - np.abs(bareness[:, None] - _bareness(heads.scores[candidates])[None])
    near, least_alike, least_worn = (
        column[:, None] for column in np.array([bound(path) for path in paths]).T
    )
    fits = OVER * over + NEAR * (1 - apart / near) + WORN * worn
    can_be = (alike >= least_alike) & (apart <= near) & (worn >= least_worn)
    return np.where(can_be, np.maximum(fits, 0.0), -1.0)


def matched(fits: Matrix) -> dict[int, int]:
    """A column for each row that can have one: the best fits first, then exchanged while that fits better.

    Negative fits cannot be. Two who cross each fit both places; who is who, both together tell.
    """
    given: dict[int, int] = {}
    for flat in np.argsort(-fits, axis=None, kind="stable"):
        row, column = divmod(int(flat), fits.shape[1])
        if fits[row, column] < 0:
            break
        if row not in given and column not in given.values():
            given[row] = column
    # Each exchange raises the sum, so this ends.
    while any(_exchange(fits, given, one, other) for one, other in itertools.combinations(given, 2)):
        pass
    return given


def _exchange(fits: Matrix, given: dict[int, int], one: int, other: int) -> bool:
    """Exchange the columns of two rows if that fits better."""
    ours, theirs = given[one], given[other]
    swapped = fits[one, theirs], fits[other, ours]
    if min(swapped) < 0 or sum(swapped) <= fits[one, ours] + fits[other, theirs] + 1e-9:
        return False
    given[one], given[other] = theirs, ours
    return True


def _apart(left: Matrix, right: Matrix) -> Matrix:
    middles = (left[:, None, :2] + left[:, None, 2:] - right[None, :, :2] - right[None, :, 2:]) / 2
    return np.asarray(np.hypot(middles[..., 0], middles[..., 1]))


def _bareness(scores: NDArray[np.floating]) -> Matrix:
    """0 for a helmet, 1 for a bare head, by what the two scores say."""
    return np.array([_bare(row) for row in scores.tolist()])


def _bare(scores: Sequence[float]) -> float:
    helmet, bare = scores
    return bare / max(helmet + bare, 1e-6)


def _covered(box: Box, by: Box) -> float:
    """The share of the smaller of two boxes that lies in the other."""
    wide = min(box[2], by[2]) - max(box[0], by[0])
    high = min(box[3], by[3]) - max(box[1], by[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]), (by[2] - by[0]) * (by[3] - by[1]))
    return max(0.0, wide) * max(0.0, high) / max(smaller, 1e-6)


def _is_in(path: _Path, regions: Sequence[Region] | None, size: tuple[float, float], input_px: float) -> bool:
    """Whether a look at these regions would have found it: whoever has left the frame as well."""
    x, y = min(max(path.x, 0.0), size[0]), min(max(path.y, 0.0), size[1])
    return regions is None or any(
        region.x <= x <= region.x + region.side
        and region.y <= y <= region.y + region.side
        and path.side * min(1.0, input_px / region.side) >= min(SEEN_PX, SHRUNK * path.side)
        for region in regions
    )


def _head(heads: Heads, at: int) -> tuple[Box, tuple[float, float], float]:
    left, top, right, bottom = (float(value) for value in heads.boxes[at])
    helmet, bare = (float(value) for value in heads.scores[at])
    return (left, top, right, bottom), (helmet, bare), float(heads.input_px[at])


def _middle(box: Box) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
