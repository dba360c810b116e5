"""In-place inclinometers: how far a wall has moved at each depth, from a chain of tilt sensors."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

import msgspec

from sitewarden.derived.displacement import Displacement
from sitewarden.derived.model import DerivedPoint, Subject
from sitewarden.derived.round import Round
from sitewarden.instruments import Inclinometer
from sitewarden.quality import Quality
from sitewarden.readings import Reading

DEEP = "pit.displacement.deep"
TILTS = ("tilt.x", "tilt.y")


def make(subject: Subject) -> Iterator["Profile"]:
    """One for every inclinometer of the device."""
    for name, inclinometer in subject.instruments.inclinometers.items():
        yield Profile(subject, name, inclinometer)


class Profile:
    """Displacement (mm) at the upper end of each element, per day too, and the greatest with its depth.

    The sum of L·sin θ from the toe up, less the same sum of the zero readings (GB 50497 深层水平位移). A sum
    over an element that is not good is nobody's guess: everything above it is bad, and with it the greatest;
    what lies below goes on.
    """

    def __init__(self, subject: Subject, name: str, inclinometer: Inclinometer) -> None:
        """`name` is the inclinometer's."""
        self.name = f"inclinometer/{name}"
        births = {birth.p: birth for birth in subject.points}
        self._elements = [subject.name(element.point) for element in inclinometer.elements]
        self._lengths_mm = [1000.0 * element.length_m for element in inclinometer.elements]
        self._sines = [_sine(subject.zero[element.point]) for element in inclinometer.elements]
        lengths_m = (element.length_m for element in inclinometer.elements)
        self._depths_m = [round(inclinometer.toe_m - reach, 6) for reach in accumulate(lengths_m)]
        ages = {point: births[point].stale_after_ms for point in self._elements}
        self.inputs = frozenset(self._elements)
        self._round = Round(ages)
        self._moved = {point: Displacement(point, 0.0) for point in self._elements}
        self._greatest, self._depth = subject.name(f"{name}.greatest"), subject.name(f"{name}.depth")
        every, stale_ms = tuple(self._elements), max(ages.values())
        self.points = (
            *(
                DerivedPoint(
                    f"{point}.{step}", f"{DEEP}.{step}", every[: i + 1], stale_ms, births[point].label, how
                )
                for i, point in enumerate(self._elements)
                for step, how in (
                    ("cumulative", f"summed from {inclinometer.toe_m:g} m up to {self._depths_m[i]:g} m"),
                    ("rate", "as change a day, once readings of a day are there"),
                )
            ),
            DerivedPoint(
                self._greatest, f"{DEEP}.greatest", every, stale_ms, how="the greatest of any depth"
            ),
            DerivedPoint(self._depth, f"{DEEP}.depth", every, stale_ms, how="where the greatest is"),
        )

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """The whole profile once every element has been read, else nothing."""
        complete = self._round.take(readings)
        if complete is None:
            return []
        at_ms = complete.at_ms
        profile = list(self._profile(complete.values))
        raw = [_reading(point, at_ms, mm) for point, mm in zip(self._elements, profile, strict=True)]
        return [
            *(derived for reading in raw for derived in self._moved[reading.point].derive(reading)),
            *self._extreme(at_ms, profile),
        ]

    def remembered(self) -> Any:
        """The day of every depth, and the round that is under way."""
        days = {point: day for point, moved in self._moved.items() if (day := moved.remembered())}
        under_way = self._round.remembered()
        return {"days": days, "round": under_way} if days or under_way else None

    def remember(self, saved: Any) -> None:
        """Take up what was remembered; elements that are gone are forgotten."""
        memory = msgspec.convert(saved, _Memory)
        for point, day in memory.days.items():
            if point in self._moved:
                self._moved[point].remember(day)
        if memory.round is not None:
            self._round.remember(memory.round)

    def shift(self, by_ms: int, since_ms: int) -> None:
        """Move what was dated since."""
        self._round.shift(by_ms, since_ms)
        for moved in self._moved.values():
            moved.shift(by_ms, since_ms)

    def _profile(self, tilts: Mapping[str, float | None]) -> Iterator[float | None]:
        """From the toe up; `None` from the first bad element on."""
        at_mm: float | None = 0.0
        for point, length_mm, sine in zip(self._elements, self._lengths_mm, self._sines, strict=True):
            tilt = tilts[point]
            at_mm = None if at_mm is None or tilt is None else at_mm + length_mm * (_sine(tilt) - sine)
            yield at_mm

    def _extreme(self, at_ms: int, profile: Sequence[float | None]) -> list[Reading]:
        """The displacement that is greatest either way, with its sign, and how deep it is."""
        known = [mm for mm in profile if mm is not None]
        if len(known) < len(profile):
            return [_reading(self._greatest, at_ms, None), _reading(self._depth, at_ms, None)]
        place = max(range(len(known)), key=lambda i: abs(known[i]))
        return [
            Reading(self._greatest, at_ms, known[place]),
            Reading(self._depth, at_ms, self._depths_m[place]),
        ]


class _Memory(msgspec.Struct):
    days: dict[str, list[tuple[int, float]]]
    round: Any = None


def _sine(degrees: float) -> float:
    return math.sin(math.radians(degrees))


def _reading(point: str, at_ms: int, value: float | None) -> Reading:
    return Reading(point, at_ms, value, Quality.BAD_INPUT if value is None else Quality.GOOD)
