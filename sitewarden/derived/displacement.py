"""What a pit's displacement sensors come to: the change since the zero reading, and the change a day."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from sitewarden.derived.model import DerivedPoint, Subject
from sitewarden.quality import Quality
from sitewarden.readings import Reading

DAY_MS = 86_400_000
TODAY_MS = 2 * DAY_MS
"""Looking back farther, a mean may hide what moved today: only the reading that ends the gap gives it."""
LONGEST_MS = 8 * DAY_MS
"""Over a longer gap nothing is said. Rounds of monitoring lie up to a week apart (GB 50497 table 7.0.3), and
a mean over the days between that is beyond its limit was so on some day for certain."""
SPACING_MS = 600_000
"""A day's rate looks back 24 h; one remembered reading in ten minutes is fine enough for that."""

DISPLACEMENTS = ("pit.displacement.horizontal", "pit.displacement.vertical")


def make(subject: Subject) -> Iterator["Displacement"]:
    """One for every displacement point."""
    for birth in subject.of_kinds(DISPLACEMENTS):
        zero_mm = subject.zero[subject.key(birth.p)]
        steps = {
            "cumulative": f"less its zero of {zero_mm:g} mm",
            "rate": "as change a day, once readings of a day are there",
        }
        points = tuple(
            DerivedPoint(
                f"{birth.p}.{step}",
                f"{birth.kind}.{step}",
                (birth.p,),
                birth.stale_after_ms,
                birth.label,
                how,
            )
            for step, how in steps.items()
        )
        yield Displacement(birth.p, zero_mm, points)


class Displacement:
    """Cumulative displacement (mm) against the zero reading, and per day (mm/d), of one raw point.

    Per day is the change since the last reading at least 24 h old, over the time between. Before a day
    of history is there it says nothing, rather than blow up an hour's noise to a day. The first reading
    after a gap of days, be it between rounds or of a sensor that failed, gives the mean over the gap.
    """

    def __init__(self, point: str, zero_mm: float, points: tuple[DerivedPoint, ...] = ()) -> None:
        """`zero_mm` is the zero reading in the sensor's own terms."""
        self.name, self.inputs, self.points = point, frozenset((point,)), points
        self._cumulative, self._rate, self._zero_mm = f"{point}.cumulative", f"{point}.rate", zero_mm
        self._day: deque[tuple[int, float]] = deque()

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """The derived readings of one instant."""
        return [derived for raw in readings for derived in self.derive(raw)]

    def derive(self, raw: Reading) -> list[Reading]:
        """The derived readings of a raw one, in the order of time that `raw` is given in."""
        if not raw.is_good or raw.value is None:
            return [
                Reading(self._cumulative, raw.at_ms, None, Quality.BAD_INPUT),
                Reading(self._rate, raw.at_ms, None, Quality.BAD_INPUT),
            ]
        value = raw.value - self._zero_mm
        derived = [Reading(self._cumulative, raw.at_ms, value)]
        rate = self._remember_and_rate(raw.at_ms, value)
        if rate is not None:
            derived.append(Reading(self._rate, raw.at_ms, rate))
        return derived

    def remember(self, saved: Any) -> None:
        """Take up (instant ms, cumulative mm) saved earlier; what is remembered already stays."""
        history = msgspec.convert(saved, list[tuple[int, float]])
        self._day = deque(sorted({**dict(history), **dict(self._day)}.items()))

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: what was dated since `since_ms` moves, and nothing else may lie behind it."""
        moved = [(at_ms + by_ms, value) for at_ms, value in self._day if at_ms >= since_ms]
        first_ms = min(since_ms, moved[0][0] if moved else since_ms)
        older = [entry for entry in self._day if entry[0] < first_ms]
        self._day = deque(older + moved)

    def remembered(self) -> list[tuple[int, float]]:
        """What must be saved to go on after a restart as if nothing had happened."""
        return list(self._day)

    def _remember_and_rate(self, at_ms: int, value: float) -> float | None:
        day = self._day
        while day and at_ms < day[-1][0]:
            day.pop()  # dated in the future by a clock that was wrong: it must not silence the rate for ever
        if not day or at_ms - day[-1][0] >= SPACING_MS:
            day.append((at_ms, value))
        while len(day) > 1 and day[1][0] <= at_ms - DAY_MS:
            day.popleft()
        since_ms, before = day[0]
        elapsed_ms = at_ms - since_ms
        ends_gap = len(day) == 2 and day[1][0] == at_ms  # noqa: PLR2004
        if not DAY_MS <= elapsed_ms <= (LONGEST_MS if ends_gap else TODAY_MS):
            return None
        return (value - before) * DAY_MS / elapsed_ms
