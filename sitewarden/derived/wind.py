"""Gust and mean of the wind: means over moving windows of source time."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from sitewarden.derived.model import DerivedPoint, Subject
from sitewarden.derived.telling import NOTHING, SLACK_MS, STALE_MS, TELL_MS, Told, bad
from sitewarden.derived.thresholds import chosen
from sitewarden.quality import Quality
from sitewarden.readings import Reading

WINDS = ("crane.wind_speed", "weather.wind_speed")


def make(subject: Subject) -> Iterator["Wind"]:
    """One for every anemometer."""
    for birth in subject.of_kinds(WINDS):
        stale_ms = max(birth.stale_after_ms, STALE_MS)
        given = subject.parameters_of(birth.p)
        share = chosen("wind_coverage", given)
        lengths_s = {step: chosen(f"wind_{step}_s", given) for step in ("gust", "mean")}
        points = tuple(
            DerivedPoint(
                f"{birth.p}.{step}",
                f"{birth.kind}.{step}",
                (birth.p,),
                stale_ms,
                birth.label,
                f"as mean of the last {length_s:g} s, once readings cover {share:.0%} of them",
            )
            for step, length_s in lengths_s.items()
        )
        windows_ms = [round(1000 * length_s) for length_s in lengths_s.values()]
        break_ms = max(birth.stale_after_ms, round(1000 * chosen("wind_gap_s", given)))
        yield Wind(birth.p, points, windows_ms, Gaps(birth.stale_after_ms, break_ms, share))


class Gaps(NamedTuple):
    """What of a window may be missing."""

    step_ms: int
    """Readings further apart cover nothing of the time between them."""
    break_ms: int
    """Good readings further apart do not belong together."""
    coverage: float
    """The share of a window that good readings must cover."""


class _Bin(NamedTuple):
    """Readings of a second, the first of which began it."""

    at_ms: int
    total: float
    readings: int
    covered_ms: int
    """How much time they stand for: each since the reading before it, good or bad."""


class _Memory(msgspec.Struct):
    """What the windows hold, oldest first."""

    since_ms: int
    """Since when good readings follow one another without a break."""
    good_ms: int
    """The newest good one."""
    seen_ms: int
    """The newest one."""
    bins: list[_Bin]
    told_bad: Told


class Wind:
    """Means of one anemometer over several windows, told once a second.

    A mean of a window is of all good readings from its length ago until now. Nothing is said before they
    cover enough of it: a lost poll takes away its own time and no more. A bad stretch longer than a break
    makes both bad, and after a break they begin anew. A sensor that is read more seldom than a window is
    long gives its reading itself: then the averaging is the instrument's own.
    """

    def __init__(
        self, point: str, points: tuple[DerivedPoint, ...], windows_ms: Sequence[int], gaps: Gaps
    ) -> None:
        """`points` belong to `windows_ms`."""
        self.name, self.inputs, self.points = f"wind {point}", frozenset((point,)), points
        self._windows = tuple(zip((p.point for p in points), windows_ms, strict=True))
        self._longest_ms, self._gaps = max(windows_ms), gaps
        self._bins: deque[_Bin] = deque()
        self._since_ms = self._good_ms = self._seen_ms = 0
        self._told_bad = NOTHING

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """The means that are due."""
        return [made for reading in readings for made in self._take(reading)]

    def remembered(self) -> Any:
        """What the windows hold."""
        if not self._bins and self._told_bad == NOTHING:
            return None
        return _Memory(self._since_ms, self._good_ms, self._seen_ms, list(self._bins), self._told_bad)

    def remember(self, saved: Any) -> None:
        """Take it up, unless readings have come since."""
        memory = msgspec.convert(saved, _Memory)
        if not self._bins and self._told_bad == NOTHING:
            self._since_ms = memory.since_ms
            self._good_ms, self._seen_ms = memory.good_ms, memory.seen_ms
            self._bins, self._told_bad = deque(memory.bins), memory.told_bad

    def shift(self, by_ms: int, since_ms: int) -> None:
        """Move the windows; one that reaches back into what does not move begins anew."""
        if self._since_ms < since_ms:
            self._bins.clear()
        self._bins = deque(one._replace(at_ms=one.at_ms + by_ms) for one in self._bins)
        self._since_ms += by_ms
        self._good_ms += by_ms
        self._seen_ms += by_ms
        self._told_bad = NOTHING

    def _take(self, reading: Reading) -> list[Reading]:
        at_ms = reading.at_ms
        if reading.value is None or reading.quality is not Quality.GOOD:
            return self._take_bad(at_ms)
        self._told_bad = NOTHING
        if self._bins and at_ms == self._good_ms:
            return []  # a point has one reading an instant
        covered_ms = at_ms - self._seen_ms if 0 < at_ms - self._seen_ms <= self._gaps.step_ms else 0
        if not self._goes_on(at_ms):
            self._bins.clear()
            self._since_ms, covered_ms = at_ms, 0
        self._good_ms = self._seen_ms = at_ms
        newest = self._bins[-1] if self._bins else None
        if newest is not None and at_ms - newest.at_ms + SLACK_MS < TELL_MS:
            self._bins[-1] = _Bin(
                newest.at_ms,
                newest.total + reading.value,
                newest.readings + 1,
                newest.covered_ms + covered_ms,
            )
            return []
        self._bins.append(_Bin(at_ms, reading.value, 1, covered_ms))
        while self._bins[0].at_ms < at_ms - self._longest_ms - SLACK_MS:
            self._bins.popleft()
        return list(self._means(at_ms))

    def _goes_on(self, at_ms: int) -> bool:
        """Whether it is near enough to the newest good reading to belong to it."""
        return bool(self._bins) and 0 < at_ms - self._good_ms <= self._gaps.break_ms

    def _take_bad(self, at_ms: int) -> list[Reading]:
        if self._goes_on(at_ms):
            self._seen_ms = at_ms  # a lost poll: what was before it still counts
            return []
        self._bins.clear()
        if not self._told_bad.is_due(None, Quality.BAD_INPUT, at_ms):
            return []
        self._told_bad = Told(at_ms, None, Quality.BAD_INPUT)
        return [bad(point, at_ms) for point, _ in self._windows]

    def _means(self, at_ms: int) -> Iterator[Reading]:
        for point, window_ms in self._windows:
            from_ms = at_ms - window_ms
            if self._since_ms > from_ms + SLACK_MS:
                continue
            within = [one for one in self._bins if one.at_ms >= from_ms - SLACK_MS]
            if sum(one.covered_ms for one in within) < self._gaps.coverage * window_ms:
                continue
            mean = sum(one.total for one in within) / sum(one.readings for one in within)
            yield Reading(point, at_ms, mean)
