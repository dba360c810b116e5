"""What is left out when the machine cannot keep up, in an order decided beforehand; and taken up again.

First looks, then squares a look, then the larger detector, then looks down to 2.5 a second; and whoever still
cannot keep up says so: its cameras are degraded.
"""

import math
from collections.abc import Iterable
from enum import IntEnum

BUSY, AT_EASE = 0.85, 0.5
"""Share of the time in which the eyes looked at something: more is too much, less has room for more."""
OLD_S, YOUNG_S = 0.5, 0.25
"""How old pictures are when they are judged (95 %)."""
TWICE = 2
"""So many intervals in a row are too much before something is left out."""
LEAST_EASE, MOST_EASE = 6, 60
"""So many are at ease before something is taken up again; doubled whenever that was too early."""
FORGIVEN = 3 * MOST_EASE
"""So many intervals after something was taken up for good, how often that failed before is forgotten."""
SLOWEST_PER_S = 2.5
FEWER_LOOKS = 0.7
MOST_SQUARES, FEWER_SQUARES, FEWEST_SQUARES = 4, 2, 1


class Shed(IntEnum):
    """What is left out; each step leaves out what those before it do as well."""

    NOTHING = 0
    LOOKS = 1
    SQUARES = 2
    LARGE_DETECTOR = 3
    SLOW = 4
    OVERLOADED = 5

    @property
    def squares(self) -> int:
        """At most so many a look."""
        if self < Shed.SQUARES:
            return MOST_SQUARES
        return FEWER_SQUARES if self < Shed.SLOW else FEWEST_SQUARES

    def looks_per_s(self, wanted: float) -> float:
        """Of a camera that would be looked at `wanted` times a second."""
        if self < Shed.LOOKS:
            return wanted
        slowest = min(wanted, SLOWEST_PER_S)
        return slowest if self >= Shed.SLOW else max(slowest, FEWER_LOOKS * wanted)

    @property
    def word(self) -> str:
        """For people."""
        return self.name.lower().replace("_", " ")


class Shedding:
    """Decides, interval by interval, what is left out."""

    def __init__(self) -> None:
        """Nothing is."""
        self.shed = Shed.NOTHING
        self._strained = self._at_ease = 0
        self._ease = LEAST_EASE
        self._since_taken_up = FORGIVEN

    def interval(self, busy: float, ages_s: Iterable[float]) -> Shed:
        """One more interval has passed: how busy the eyes were, and how old each picture was when judged."""
        age_s = percentile(ages_s, 95)
        self._since_taken_up += 1
        self._strained = self._strained + 1 if busy > BUSY or age_s > OLD_S else 0
        self._at_ease = self._at_ease + 1 if busy < AT_EASE and age_s < YOUNG_S else 0
        if self._strained >= TWICE and self.shed < Shed.OVERLOADED:
            self._leave_out()
        elif self._at_ease >= self._ease and self.shed > Shed.NOTHING:
            self.shed = Shed(self.shed - 1)
            self._at_ease = self._since_taken_up = 0
        elif self._since_taken_up > FORGIVEN:
            self._ease = LEAST_EASE
        return self.shed

    def _leave_out(self) -> None:
        if self._since_taken_up <= self._ease:
            self._ease = min(2 * self._ease, MOST_EASE)
        self.shed = Shed(self.shed + 1)
        self._strained = 0


def percentile(values: Iterable[float], of_100: int) -> float:
    """The value below which so many of a hundred lie; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.floor(len(ordered) * of_100 / 100))] if ordered else 0.0
