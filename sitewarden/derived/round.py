"""Readings of several sensors that belong together: what is made of them is made once a round."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from sitewarden.derived.model import moved
from sitewarden.readings import Reading


class Complete(NamedTuple):
    """One round of readings."""

    at_ms: int
    """The instant of the last of them."""
    values: Mapping[str, float | None]
    """By point; `None` where the reading is not good, or older than it may be."""


class Round:
    """The newest reading of each input.

    The answers of one poll lie milliseconds apart and come instant by instant; a sum over them must not mix
    the new half with the old. So a round is complete when every awaited input has been read since the last
    one. Those not awaited (temperatures) may be polled seldom: of them the newest counts, once there is one.
    """

    def __init__(self, max_age_ms: Mapping[str, int], awaited: Collection[str] | None = None) -> None:
        """`max_age_ms` names the inputs; all are awaited if not said otherwise."""
        self._max_age_ms = dict(max_age_ms)
        self._awaited = frozenset(self._max_age_ms if awaited is None else awaited)
        self._newest: dict[str, Reading] = {}
        self._fresh: set[str] = set()

    def take(self, readings: Sequence[Reading]) -> Complete | None:
        """Take the inputs of one instant, in the order of time; the round, where they complete it."""
        at_ms = readings[0].at_ms
        for point, old in list(self._newest.items()):
            if old.at_ms > at_ms:  # dated in the future by a clock that was wrong
                del self._newest[point]
                self._fresh.discard(point)
        for reading in readings:
            self._newest[reading.point] = reading
            self._fresh.add(reading.point)
        if not self._fresh >= self._awaited or len(self._newest) < len(self._max_age_ms):
            return None
        self._fresh.clear()
        return Complete(at_ms, {point: self._value(point, at_ms) for point in self._max_age_ms})

    def remembered(self) -> Any:
        """What must be kept over a restart."""
        return {"newest": list(self._newest.values()), "fresh": sorted(self._fresh)} if self._newest else None

    def remember(self, saved: Any) -> None:
        """Take up what was remembered; what came since is newer."""
        memory = msgspec.convert(saved, _Memory)
        for reading in memory.newest:
            if reading.point in self._max_age_ms and reading.point not in self._newest:
                self._newest[reading.point] = reading
                if reading.point in memory.fresh:
                    self._fresh.add(reading.point)

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: move what was dated since."""
        self._newest = {
            point: reading._replace(at_ms=moved(reading.at_ms, by_ms, since_ms))
            for point, reading in self._newest.items()
        }

    def _value(self, point: str, at_ms: int) -> float | None:
        reading = self._newest[point]
        is_fit = reading.is_good and at_ms - reading.at_ms <= self._max_age_ms[point]
        return reading.value if is_fit else None


class _Memory(msgspec.Struct):
    newest: list[Reading]
    fresh: list[str]
