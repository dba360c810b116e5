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
        lengths_s = {step: chosen(f"wind_{step}_s", subject.parameters) for step in ("gust", "mean")}
        points = tuple(
            DerivedPoint(
                f"{birth.p}.{step}",
                f"{birth.kind}.{step}",
                (birth.p,),
                stale_ms,
                birth.label,
                f"as mean of the last {length_s:g} s, once readings cover them",
            )
            for step, length_s in lengths_s.items()
        )
        windows_ms = [round(1000 * length_s) for length_s in lengths_s.values()]
        yield Wind(birth.p, points, windows_ms, birth.stale_after_ms)


class _Bin(NamedTuple):
    """Readings of a second, the first of which began it."""

    at_ms: int
    total: float
    readings: int


class _Memory(msgspec.Struct):
    """What the windows hold, oldest first."""

    since_ms: int
    """Since when the readings follow one another without a gap or a bad one."""
    last_ms: int
    bins: list[_Bin]
    told_bad: Told


class Wind:
    """Means of one anemometer over several windows, told once a second.

    A mean of a window is of all readings from its length ago until now. Nothing is said before readings
    cover it without a gap; a bad reading makes both bad, and they begin anew. A sensor that is read more
    seldom than a window is long gives its reading itself: then the averaging is the instrument's own.
    """

    def __init__(
        self, point: str, points: tuple[DerivedPoint, ...], windows_ms: Sequence[int], max_gap_ms: int
    ) -> None:
        """`points` belong to `windows_ms`; readings further apart than `max_gap_ms` cover nothing."""
        self.name, self.inputs, self.points = f"wind {point}", frozenset((point,)), points
        self._windows = tuple(zip((p.point for p in points), windows_ms, strict=True))
        self._longest_ms, self._max_gap_ms = max(windows_ms), max_gap_ms
        self._bins: deque[_Bin] = deque()
        self._since_ms = self._last_ms = 0
        self._told_bad = NOTHING

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """The means that are due."""
        return [made for reading in readings for made in self._take(reading)]

    def remembered(self) -> Any:
        """What the windows hold."""
        if not self._bins and self._told_bad == NOTHING:
            return None
        return _Memory(self._since_ms, self._last_ms, list(self._bins), self._told_bad)

    def remember(self, saved: Any) -> None:
        """Take it up, unless readings have come since."""
        memory = msgspec.convert(saved, _Memory)
        if not self._bins and self._told_bad == NOTHING:
            self._since_ms, self._last_ms = memory.since_ms, memory.last_ms
            self._bins, self._told_bad = deque(memory.bins), memory.told_bad

    def shift(self, by_ms: int, since_ms: int) -> None:
        """Move the windows; one that reaches back into what does not move begins anew."""
        if self._since_ms < since_ms:
            self._bins.clear()
        self._bins = deque(one._replace(at_ms=one.at_ms + by_ms) for one in self._bins)
        self._since_ms += by_ms
        self._last_ms += by_ms
        self._told_bad = NOTHING

    def _take(self, reading: Reading) -> list[Reading]:
        at_ms = reading.at_ms
        if reading.value is None or reading.quality is not Quality.GOOD:
            return self._take_bad(at_ms)
        self._told_bad = NOTHING
        if at_ms == self._last_ms:
            return []  # a point has one reading an instant
        if not self._bins or not 0 < at_ms - self._last_ms <= self._max_gap_ms:
            self._bins.clear()
            self._since_ms = at_ms
        self._last_ms = at_ms
        newest = self._bins[-1] if self._bins else None
        if newest is not None and at_ms - newest.at_ms + SLACK_MS < TELL_MS:
            self._bins[-1] = _Bin(newest.at_ms, newest.total + reading.value, newest.readings + 1)
            return []
        self._bins.append(_Bin(at_ms, reading.value, 1))
        while self._bins[0].at_ms < at_ms - self._longest_ms - SLACK_MS:
            self._bins.popleft()
        return list(self._means(at_ms))

    def _take_bad(self, at_ms: int) -> list[Reading]:
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
            mean = sum(one.total for one in within) / sum(one.readings for one in within)
            yield Reading(point, at_ms, mean)
