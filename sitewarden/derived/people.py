"""Who is inside: passages of a gate, added up. A gate that counts itself is believed instead."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from sitewarden.derived.model import DerivedPoint, Subject, moved
from sitewarden.derived.telling import NOTHING, Told, bad
from sitewarden.derived.thresholds import chosen
from sitewarden.quality import Quality
from sitewarden.readings import Reading

PASSAGE, INSIDE, ENTERED = "gate.passage", "people.inside", "people.entered"
_HOUR_MS, _DAY_MS = 3_600_000, 86_400_000


def make(subject: Subject) -> Iterator["HeadCount"]:
    """Of the gate that says passages; its signs of life tell the count again."""
    passage = subject.first(PASSAGE)
    if passage is None:
        return
    others = [point for point in subject.points if point.kind not in {PASSAGE, INSIDE, ENTERED}]
    stale_ms = min((point.stale_after_ms for point in others), default=passage.stale_after_ms)
    points = tuple(
        DerivedPoint(subject.name(key), kind, (passage.p,), stale_ms, how=how)
        for key, kind, how in (
            ("inside", INSIDE, "as the sum of all passages, never below nobody"),
            ("entered", ENTERED, "as the passages inwards since the site's day began"),
        )
    )
    offset_h = chosen("people_utc_offset_h", subject.parameters)
    yield HeadCount(passage.p, [point.p for point in others], points, Day(offset_h, _empties_h(subject)))


def _empties_h(subject: Subject) -> float | None:
    try:
        return chosen("people_empties_h", subject.parameters)
    except KeyError:
        return None


class Day(NamedTuple):
    """When a day begins on the site."""

    offset_h: float
    """Of its clock from UTC."""
    empties_h: float | None
    """The hour at which nobody is inside any more; `None`: it is never taken for granted."""

    def number(self, at_ms: int) -> int:
        """Of the day, for entries."""
        return (at_ms + round(self.offset_h * _HOUR_MS)) // _DAY_MS

    def shift(self, at_ms: int) -> int:
        """Of the span between two emptyings; always the same where there is none."""
        if self.empties_h is None:
            return 0
        return (at_ms + round((self.offset_h - self.empties_h) * _HOUR_MS)) // _DAY_MS


class _Memory(msgspec.Struct):
    inside: int
    entered: int
    at_ms: int
    """Of the newest reading."""


class HeadCount:
    """People inside, and entries of the day."""

    name = "head-count"

    def __init__(
        self, passage: str, others: Sequence[str], points: tuple[DerivedPoint, ...], day: Day
    ) -> None:
        """Nobody has passed yet."""
        self._passage, self._day = passage, day
        self.inputs, self.points = frozenset((passage, *others)), points
        self._memory: _Memory | None = None
        self._told: dict[str, Told] = {}

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """Both, at every passage and at every sign of life; bad where the gate is."""
        at_ms = readings[0].at_ms
        memory = self._begun(at_ms)
        for reading in readings:
            if reading.point == self._passage and reading.is_good:
                step = round(reading.value or 0.0)
                memory.inside = max(0, memory.inside + step)
                memory.entered += max(0, step)
        memory.at_ms = max(memory.at_ms, at_ms)
        is_good = all(reading.is_good for reading in readings)
        values = (float(memory.inside), float(memory.entered)) if is_good else (None, None)
        return list(self._telling(at_ms, dict(zip(self.points, values, strict=True))))

    def remembered(self) -> Any:
        """The counts, for a gateway that starts again does not empty the site."""
        return self._memory

    def remember(self, saved: Any) -> None:
        """Take them up; who passed since then counts on top."""
        known = msgspec.convert(saved, _Memory, from_attributes=True)
        if self._memory is None:
            self._memory = known

    def shift(self, by_ms: int, since_ms: int) -> None:
        """Move the instant; the counts stay."""
        self._told.clear()
        if self._memory is not None:
            self._memory.at_ms = moved(self._memory.at_ms, by_ms, since_ms)

    def _begun(self, at_ms: int) -> _Memory:
        """The counts of the present day and shift."""
        memory = self._memory = self._memory or _Memory(0, 0, at_ms)
        if self._day.number(at_ms) > self._day.number(memory.at_ms):
            memory.entered = 0
        if self._day.shift(at_ms) > self._day.shift(memory.at_ms):
            memory.inside = 0
        return memory

    def _telling(self, at_ms: int, values: Mapping[DerivedPoint, float | None]) -> Iterator[Reading]:
        for point, value in values.items():
            quality = Quality.GOOD if value is not None else Quality.BAD_INPUT
            if self._told.get(point.point, NOTHING).is_due(value, quality, at_ms):
                self._told[point.point] = Told(at_ms, value, quality)
                yield bad(point.point, at_ms) if value is None else Reading(point.point, at_ms, value)
