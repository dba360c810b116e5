"""What people breathe over time: means of a gas over 15 min and 8 h, of which occupational limits are."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from sitewarden.derived.model import DerivedPoint, Subject, moved
from sitewarden.derived.telling import SLACK_MS, bad
from sitewarden.derived.thresholds import chosen
from sitewarden.messages import PointBirth
from sitewarden.points import vocabulary
from sitewarden.quality import Quality
from sitewarden.readings import Reading

STEPS = ("stel", "twa")
"""Short-term exposure (PC-STEL) and time-weighted average (PC-TWA), as added to the kind of a gas."""
PIECES = 90
"""A window is kept in so many pieces; what lies in one counts by the share of it that is in the window."""

ANEW_MS = 8 * 3_600_000
"""A night without a reading: whoever comes after it has breathed nothing of what was before. Less than that
is time that nobody measured, and a detector without power for the length of a window proves no clean air."""
LONGEST_TELL_MS = 60_000
"""A mean over hours need not be told more often."""
_NEVER_MS = -(2**53)


def make(subject: Subject) -> Iterator["Exposure"]:
    """One for each mean that the vocabulary has of a gas: only those have a limit."""
    for birth in subject.points:
        for step in STEPS:
            if birth.kind.startswith("gas.") and f"{birth.kind}.{step}" in vocabulary():
                yield _exposure(birth, step, subject.parameters_of(birth.p))


def _exposure(birth: PointBirth, step: str, given: Mapping[str, float]) -> "Exposure":
    window_ms = round(1000 * chosen(f"gas_{step}_s", given))
    share = chosen("gas_coverage", given)
    tell_ms = min(window_ms // PIECES, LONGEST_TELL_MS)
    point = DerivedPoint(
        f"{birth.p}.{step}",
        f"{birth.kind}.{step}",
        (birth.p,),
        max(birth.stale_after_ms, 3 * tell_ms),
        birth.label,
        f"as mean of the last {window_ms / 60_000:g} min; before the first reading nothing was breathed, and "
        f"where more than {1 - share:.0%} of it was not measured, it is told only where it cannot be less",
    )
    break_ms = max(birth.stale_after_ms, round(1000 * chosen("gas_gap_s", given)))
    return Exposure(birth.p, point, Times(window_ms, break_ms, share, tell_ms))


class Times(NamedTuple):
    """Of one mean."""

    window_ms: int
    break_ms: int
    """Good readings further apart leave the time between them unmeasured."""
    coverage: float
    """The share of the window that must not be unmeasured."""
    tell_ms: int


class _Piece(NamedTuple):
    """A stretch without a break, and what was breathed in it."""

    from_ms: int
    until_ms: int
    dose: float
    """mg/m³ times ms"""


class _Memory(msgspec.Struct):
    since_ms: int | None
    good_ms: int
    value: float
    pieces: list[_Piece]
    told_ms: int
    floor: float


class Exposure:
    """A mean of one gas over one moving window of source time.

    The standard's own sum: concentrations times how long each lasted, over the length of the window. Time
    before the first reading counts as not exposed, so that the sum grows from nothing and an alarm comes the
    moment that the window's limit is passed, not hours later. Time that went unmeasured since is left out of
    the length, up to a share; beyond that the sum over the whole window is only the least that it may be: it
    is told where it is no less than what was told last, so that it may raise an alarm and never end one, and
    is bad otherwise. After a silence of eight hours everything begins anew.
    """

    def __init__(self, point: str, derived: DerivedPoint, times: Times) -> None:
        """`point` is the gas, in mg/m³; less than nothing counts as nothing."""
        self.name, self.inputs, self.points = f"exposure {derived.point}", frozenset((point,)), (derived,)
        self._derived, self._times = derived.point, times
        self._pieces: deque[_Piece] = deque()
        self._since_ms: int | None = None
        """The first reading that counts."""
        self._good_ms = self._told_ms = _NEVER_MS
        self._value = self._floor = 0.0
        """The newest good reading, and what was told last and good."""

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """The mean, where it is due."""
        return [made for reading in readings for made in self._take(reading)]

    def remembered(self) -> Any:
        """What the window holds."""
        if self._told_ms == _NEVER_MS:
            return None
        return _Memory(
            self._since_ms, self._good_ms, self._value, list(self._pieces), self._told_ms, self._floor
        )

    def remember(self, saved: Any) -> None:
        """Take it up, unless readings have come since."""
        memory = msgspec.convert(saved, _Memory)
        if self._told_ms == _NEVER_MS:
            self._since_ms, self._good_ms, self._value = memory.since_ms, memory.good_ms, memory.value
            self._pieces, self._told_ms, self._floor = deque(memory.pieces), memory.told_ms, memory.floor

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: what was dated since moves, and nothing else may lie behind it."""
        after = [_moved(piece, by_ms) for piece in self._pieces if piece.from_ms >= since_ms]
        first_ms = min(since_ms, after[0].from_ms) if after else since_ms
        before = [piece for piece in self._pieces if piece.until_ms <= first_ms]
        self._pieces = deque((*before, *after))
        if self._since_ms is not None:
            self._since_ms = moved(self._since_ms, by_ms, since_ms)
        self._good_ms = moved(self._good_ms, by_ms, since_ms)
        self._told_ms = moved(self._told_ms, by_ms, since_ms)

    def _take(self, reading: Reading) -> list[Reading]:
        at_ms = reading.at_ms
        if reading.value is None or reading.quality is not Quality.GOOD:
            return self._take_bad(at_ms)
        self._add(at_ms, max(reading.value, 0.0))
        if not self._is_due(at_ms):
            return []
        self._told_ms = at_ms
        mean, is_sure = self._mean(at_ms)
        if not is_sure and mean < self._floor:
            return [bad(self._derived, at_ms)]
        self._floor = mean
        return [Reading(self._derived, at_ms, mean)]

    def _take_bad(self, at_ms: int) -> list[Reading]:
        """A lost poll says nothing; a sensor that is lost for longer has no mean."""
        if at_ms - self._good_ms <= self._times.break_ms or not self._is_due(at_ms):
            return []
        self._told_ms = at_ms
        return [bad(self._derived, at_ms)]

    def _is_due(self, at_ms: int) -> bool:
        return not -self._times.tell_ms < at_ms - self._told_ms + SLACK_MS < self._times.tell_ms

    def _add(self, at_ms: int, value: float) -> None:
        """What was breathed since the last reading: as much of the one as of the other.

        A clock that is set back by less than anybody notices dates some readings before the last one: they
        say nothing, and hours of exposure are not forgotten for them.
        """
        last_ms = self._good_ms
        if last_ms - self._times.break_ms <= at_ms < last_ms:
            return
        if self._since_ms is None or not 0 <= at_ms - last_ms < max(self._times.window_ms, ANEW_MS):
            self._pieces.clear()
            self._since_ms, self._floor = at_ms, 0.0
        elif 0 < at_ms - last_ms <= self._times.break_ms:
            dose = (self._value + value) / 2 * (at_ms - last_ms)
            newest = self._pieces[-1] if self._pieces else None
            if newest is not None and newest.until_ms == last_ms and self._has_room(newest):
                self._pieces[-1] = _Piece(newest.from_ms, at_ms, newest.dose + dose)
            else:
                self._pieces.append(_Piece(last_ms, at_ms, dose))
        self._good_ms, self._value = at_ms, value
        while self._pieces and self._pieces[0].until_ms <= at_ms - self._times.window_ms:
            self._pieces.popleft()

    def _has_room(self, piece: _Piece) -> bool:
        return piece.until_ms - piece.from_ms < self._times.window_ms // PIECES

    def _mean(self, at_ms: int) -> tuple[float, bool]:
        """The mean, and whether enough was measured for it; else the least that it may be."""
        from_ms = at_ms - self._times.window_ms
        dose, measured_ms = 0.0, 0.0
        for piece in self._pieces:
            within_ms = piece.until_ms - max(piece.from_ms, from_ms)
            dose += piece.dose * within_ms / (piece.until_ms - piece.from_ms)
            measured_ms += within_ms
        begun_ms = from_ms if self._since_ms is None else max(self._since_ms, from_ms)
        unmeasured_ms = at_ms - begun_ms - measured_ms
        if unmeasured_ms <= (1.0 - self._times.coverage) * self._times.window_ms:
            return dose / (self._times.window_ms - unmeasured_ms), True
        return dose / self._times.window_ms, False


def _moved(piece: _Piece, by_ms: int) -> _Piece:
    return piece._replace(from_ms=piece.from_ms + by_ms, until_ms=piece.until_ms + by_ms)
