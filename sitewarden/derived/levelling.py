"""Hydrostatic levelling: how far cells on one pipe have sunk against a cell that does not move."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from sitewarden.derived.displacement import Displacement
from sitewarden.derived.model import DerivedPoint, Subject
from sitewarden.derived.round import Round
from sitewarden.instruments import Levelling
from sitewarden.quality import Quality
from sitewarden.readings import Reading

VERTICAL = "pit.displacement.vertical"
LEVEL = "pit.hydrostatic_level"
TEMPERATURE = "pit.temperature"


def make(subject: Subject) -> Iterator["Cells"]:
    """One for every pipe of the device."""
    for name, levelling in subject.instruments.levellings.items():
        yield Cells(subject, name, levelling)


class Cells:
    """Vertical displacement (mm) of each cell, and per day: (h - h0) - (h_ref - h_ref0).

    The liquid stands higher in a cell that sank: positive is settlement. All cells are of one round, for
    the whole pipe moves with weather and filling; a bad reference makes every cell bad, a bad cell itself.
    """

    def __init__(self, subject: Subject, name: str, levelling: Levelling) -> None:
        """`name` is the pipe's."""
        self.name = f"levelling/{name}"
        births = {birth.p: birth for birth in subject.points}
        keys = (levelling.reference, *levelling.cells)
        self._reference = subject.name(levelling.reference)
        self._zero_mm = {subject.name(key): subject.zero[key] for key in keys}
        self._compensation = {subject.name(key): c for key, c in levelling.compensation.items()}
        self._temperature = {cell: subject.name(c.temperature) for cell, c in self._compensation.items()}
        self.inputs = frozenset((*self._zero_mm, *self._temperature.values()))
        ages = {point: births[point].stale_after_ms for point in sorted(self.inputs)}
        self._round = Round(ages, awaited=self._zero_mm)
        self._moved = {subject.name(key): Displacement(subject.name(key), 0.0) for key in levelling.cells}
        stale_ms = max(ages[point] for point in self._zero_mm)
        self.points = tuple(
            DerivedPoint(
                f"{cell}.{step}",
                f"{VERTICAL}.{step}",
                self._inputs_of(cell),
                stale_ms,
                births[cell].label,
                how,
            )
            for cell in self._moved
            for step, how in (
                ("cumulative", f"risen since its zero, less what `{levelling.reference}` has risen"),
                ("rate", "as change a day, once readings of a day are there"),
            )
        )

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """All cells once each has been read, else nothing."""
        complete = self._round.take(readings)
        if complete is None:
            return []
        fixed_mm = self._risen(self._reference, complete.values)
        derived: list[Reading] = []
        for cell, moved in self._moved.items():
            risen_mm = self._risen(cell, complete.values)
            if risen_mm is None or fixed_mm is None:
                reading = Reading(cell, complete.at_ms, None, Quality.BAD_INPUT)
            else:
                reading = Reading(cell, complete.at_ms, risen_mm - fixed_mm)
            derived += moved.derive(reading)
        return derived

    def remembered(self) -> Any:
        """The day of every cell, and the round that is under way."""
        days = {cell: day for cell, moved in self._moved.items() if (day := moved.remembered())}
        under_way = self._round.remembered()
        return {"days": days, "round": under_way} if days or under_way else None

    def remember(self, saved: Any) -> None:
        """Take up what was remembered; cells that are gone are forgotten."""
        memory = msgspec.convert(saved, _Memory)
        for cell, day in memory.days.items():
            if cell in self._moved:
                self._moved[cell].remember(day)
        if memory.round is not None:
            self._round.remember(memory.round)

    def shift(self, by_ms: int, since_ms: int) -> None:
        """Move what was dated since."""
        self._round.shift(by_ms, since_ms)
        for moved in self._moved.values():
            moved.shift(by_ms, since_ms)

    def _risen(self, cell: str, values: Mapping[str, float | None]) -> float | None:
        """How far the liquid has risen in a cell since its zero reading, less what warmth did."""
        level_mm = values[cell]
        if level_mm is None:
            return None
        risen_mm = level_mm - self._zero_mm[cell]
        compensation = self._compensation.get(cell)
        if compensation is None:
            return risen_mm
        warmth_c = values[self._temperature[cell]]
        if warmth_c is None:
            return None
        return risen_mm - compensation.mm_per_c * (warmth_c - compensation.zero_c)

    def _inputs_of(self, cell: str) -> tuple[str, ...]:
        cells = (cell, self._reference)
        return (*cells, *(self._temperature[one] for one in cells if one in self._temperature))


class _Memory(msgspec.Struct):
    days: dict[str, list[tuple[int, float]]]
    round: Any = None
