"""What is lost, doubled or missing between what devices served and what a listener heard. Pure.

A simulated register says how often it was read. So the values of one point, in the order of their instants,
count 0, 1, 2, …: a number left out is an answer that was lost, one that comes again is an answer told twice.
"""

from array import array
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

MODULUS = 10_000
"""A counting register begins again at 0 after so many reads."""


class Column:
    """Good readings of one point in the order in which they arrived, repetitions and all."""

    def __init__(self) -> None:
        """Empty; arrays, for a day of a site is some millions of readings."""
        self.instants = array("q")
        """UTC ms."""
        self.values = array("d")

    def add(self, instants: Iterable[int], values: Iterable[float]) -> None:
        """Take readings; both of one length."""
        self.instants.extend(instants)
        self.values.extend(values)


class Tally(NamedTuple):
    """Of one point or of many."""

    heard: int = 0
    """Different instants."""
    lost: int = 0
    """Answers that were served and are at no instant."""
    doubled: int = 0
    """Answers at two instants, and instants with two values."""
    repeated: int = 0
    """Readings that came again with the same instant and value: sent twice, counted once."""

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(*(mine + its for mine, its in zip(self, other, strict=True)))


def tally(column: Column, served: int, *, unheard_last: int = 0, modulus: int = MODULUS) -> Tally:
    """Compare what was heard of a counting register with how often it was served.

    Of the last answers `unheard_last` may be missing: whoever asked was ended while they were under way.
    """
    by_instant: dict[int, float] = {}
    doubled = 0
    for at_ms, value in zip(column.instants, column.values, strict=True):
        if by_instant.setdefault(at_ms, value) != value:
            doubled += 1
    counters = [round(by_instant[at_ms]) for at_ms in sorted(by_instant)]
    steps = [(after - before) % modulus for before, after in pairwise(counters)]
    again = steps.count(0)
    lost = (counters[0] if counters else served) + sum(step - 1 for step in steps if step)
    different = lost + len(counters) - again
    missing_last = max(0, served - different - unheard_last) if counters else 0
    repeated = len(column.instants) - len(by_instant) - doubled
    return Tally(len(by_instant), lost + missing_last, doubled + again, repeated)


def compare(column: Column, expected: range) -> Tally:
    """Compare what was heard of a point with the instants at which it was read."""
    by_instant: dict[int, float] = {}
    doubled = 0
    for at_ms, value in zip(column.instants, column.values, strict=True):
        if by_instant.setdefault(at_ms, value) != value:
            doubled += 1
    known = sum(at_ms in expected for at_ms in by_instant)
    repeated = len(column.instants) - len(by_instant) - doubled
    return Tally(len(by_instant), len(expected) - known, doubled + len(by_instant) - known, repeated)


def largest_gap_ms(instants: Iterable[int], since_ms: int, until_ms: int) -> int:
    """The longest time without a reading from `since_ms` to `until_ms`, the ends counted as readings."""
    within = sorted({at_ms for at_ms in instants if since_ms <= at_ms < until_ms})
    return max(after - before for before, after in pairwise([since_ms, *within, until_ms]))


def delivered(instants: Iterable[int], since_ms: int, until_ms: int, interval_ms: int) -> int:
    """Due readings of a point that came; two within one interval do not make up for another that did not."""
    within = sorted(at_ms for at_ms in set(instants) if since_ms <= at_ms < until_ms)
    # The grid is that of the first reading: a poll may come a little early or late on it.
    return len({round((at_ms - within[0]) / interval_ms) for at_ms in within})


def due(since_ms: int, until_ms: int, interval_ms: int) -> int:
    """Readings of one point that a window asks for."""
    return (until_ms - since_ms) // interval_ms


def percent(part: float, whole: float) -> float:
    """`part` of `whole`; of nothing, everything came."""
    return 100 * part / whole if whole else 100.0


def median(values: Sequence[float]) -> float:
    """The middle one, or the mean of the two in the middle."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2
