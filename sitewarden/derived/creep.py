"""Where a pit's displacement leads: when it reaches the control value, and whether it creeps to failure."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from sitewarden.derived.creep_law import LEAST_FREEDOM, Found, Look, look, nearest, pace
from sitewarden.derived.model import DerivedPoint, Subject, moved
from sitewarden.derived.regression import DAY_H, Slope, student, without_outliers
from sitewarden.quality import Quality
from sitewarden.readings import Reading

CONTROLS = {
    "pit.displacement.horizontal.cumulative": "control_cumulative_mm",
    "pit.displacement.vertical.cumulative": "control_vertical_mm",
    "pit.displacement.deep.cumulative": "control_deep_mm",
}
"""Kinds that are looked at, and the parameter that gives the control value to their rules and forecasts."""
HOUR_MS = 3_600_000
SPACING_MS = 300_000
"""Of readings that come faster one in five minutes is kept."""
BIN_MS = 1_800_000
"""What was kept in half an hour becomes one sample, its median; then everything is judged anew."""
WINDOWS_H = (48.0, 96.0)
"""Whole days, two at least, or the daily cycle would look like motion."""
COVERED = 0.9
"""The oldest sample of a window must lie so far back, as a share of the window."""
LEAST_SAMPLES = 40
LONGEST_GAP_MS = 6 * HOUR_MS
FRESH_MS = 2 * HOUR_MS
"""The newest sample must not be older: nobody knows what the wall did since."""
PERSISTENCE_MS = 6 * HOUR_MS
"""So long must a law have been the only explanation before it is said: half a shift of digging."""
PAUSE_MS = 2 * HOUR_MS
"""A law that was proven stands though noise hides it for so long."""
RECEDING = 1.05
"""Failure that comes no nearer as time goes on is none: so it looks where somebody digs at an even pace."""
NEAR_H, NEARER_H = 12.0, 1.0
"""And where it is near it must have come nearer by a third of half that time: a shift that digs faster than
yesterday's shows the same few hours all day long."""
HORIZON_H = 720.0
"""Nothing is said of what lies further ahead, and a forecast that no longer holds is taken back with it."""
STALE_MS = 3 * BIN_MS
RETRACTIONS = 4
"""Times that it is taken back, so that a rule sees its off-delay through."""
SURE = 0.995
"""Of Student's t: a trend that is spoken of stands out from noise by so much, either way."""
BAND = 0.975
"""Of Student's t: least and most time hold 95 % of what the readings allow."""
LEAST_DAY_MM = 0.3
"""Less motion in a day is not looked at for a law."""


class State(IntEnum):
    """Of creep, the worst last; the numbers are the values of `pit.creep.state`."""

    UNKNOWN = 0
    """Not two days of readings yet, a gap, or too much disturbance to tell."""
    STILL = 1
    """No motion that stands out from noise and the daily cycle."""
    STEADY = 2
    """Moving at an even pace or slowing down."""
    STEP = 3
    """A new pace since a while: digging, a load, or a sensor that was touched."""
    QUICKENING = 4
    """Quickening, but not for long enough to be sure."""
    FAILING = 5
    """Only a law that ends in failure explains it, and has for hours."""


SUFFIXES = {
    "creep_state": "pit.creep.state",
    "hours_to_failure": "pit.creep.hours_to_failure",
    "hours_to_failure_least": "pit.creep.hours_to_failure.least",
    "creep_fit": "pit.creep.fit",
    "time_to_limit": "pit.time_to_limit",
    "time_to_limit_least": "pit.time_to_limit.least",
    "time_to_limit_most": "pit.time_to_limit.most",
}
FAILURE = ("hours_to_failure", "hours_to_failure_least")
LIMIT = ("time_to_limit", "time_to_limit_least", "time_to_limit_most")


def make(subject: Subject) -> Iterator["Creep"]:
    """One for every point of cumulative displacement; those with a control value also tell the time to it."""
    for birth in subject.of_kinds(CONTROLS):
        base = birth.p.removesuffix(".cumulative")
        control_mm = subject.parameters_of(birth.p).get(CONTROLS[birth.kind])
        wanted = (suffix for suffix in SUFFIXES if control_mm is not None or suffix not in LIMIT)
        points = tuple(
            DerivedPoint(
                f"{base}.{suffix}",
                SUFFIXES[suffix],
                (birth.p,),
                STALE_MS,
                birth.label,
                _how(suffix, control_mm),
            )
            for suffix in wanted
        )
        yield Creep(birth.p, control_mm, points)


def _how(suffix: str, control_mm: float | None) -> str:
    if suffix in LIMIT:
        return f"by the pace of two days, until {control_mm:g} mm either way"
    return "by the motion of two and of four days"


class Judged(NamedTuple):
    """What one look at a point came to."""

    state: State
    failure: tuple[float, float] | None = None
    """Hours to failure, and the least that the readings allow."""
    fit: float | None = None
    limit: tuple[float, float, float] | None = None
    """Hours to the control value, least and most."""


class Creep:
    """Remembers four days of one point in samples of half an hour, and judges them at each new one."""

    def __init__(self, point: str, control_mm: float | None, points: tuple[DerivedPoint, ...] = ()) -> None:
        """`point` is of cumulative displacement, mm; `control_mm` holds either way."""
        self.name, self.inputs, self.points = f"creep/{point}", frozenset((point,)), points
        self._base, self._control_mm = point.removesuffix(".cumulative"), control_mm
        # The points of a device are judged one after another, not all at the same instant.
        self._phase_ms = crc32(point.encode()) % BIN_MS
        self.is_judging = True
        """False while a past is taken in that nobody wants a forecast of."""
        self.due_ms: int | None = None
        """The instant at which half an hour was full and that is still to be judged."""
        self._last_ms: int | None = None
        self._open: list[tuple[int, float]] = []
        self._samples: deque[tuple[int, float]] = deque()
        self._quickening: list[list[tuple[int, float]]] = [[] for _ in WINDOWS_H]
        """By window: instants without a break at which only a law of failure explains it, and its hours."""
        self._proven_ms: int | None = None
        """When a law of failure was last said."""
        self._to_retract = {FAILURE: 0, LIMIT: 0}

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """What follows where half an hour is full, else nothing."""
        return [*self.judge(), *self.note(readings), *self.judge()]

    def note(self, readings: Sequence[Reading]) -> list[Reading]:
        """Take a reading and judge nothing yet: `due_ms` says whether there is something to judge.

        That costs some milliseconds, and whoever has an alarm to raise may do so first; but all that is due
        must be judged before the next reading is noted.
        """
        reading = readings[0]
        at_ms, last_ms = reading.at_ms, self._last_ms
        self._last_ms = at_ms
        said = [] if last_ms is None or self._bin(last_ms) == self._bin(at_ms) else self._close(at_ms)
        if reading.is_good and reading.value is not None:
            while self._open and self._open[-1][0] > at_ms:
                self._open.pop()  # dated in the future by a clock that was wrong
            if not self._open or at_ms - self._open[-1][0] >= SPACING_MS:
                self._open.append((at_ms, reading.value))
        return said

    def judge(self) -> list[Reading]:
        """What has to be said at the instant that is due, if one is."""
        at_ms, self.due_ms = self.due_ms, None
        if at_ms is None:
            return []
        judged = self._judged(at_ms)
        if judged.state is State.UNKNOWN and any(self._to_retract.values()):
            return list(self._unsaid(at_ms))
        return list(self._said(at_ms, judged))

    def remembered(self) -> Any:
        """All that the next look needs."""
        if self._last_ms is None:
            return None
        return {
            "last_ms": self._last_ms,
            "due_ms": self.due_ms,
            "open": self._open,
            "samples": list(self._samples),
            "quickening": self._quickening,
            "proven_ms": self._proven_ms,
            "to_retract": [self._to_retract[FAILURE], self._to_retract[LIMIT]],
        }

    def remember(self, saved: Any) -> None:
        """Take up what was remembered, or what a logger remembers of the time before; what is newer stays."""
        memory = msgspec.convert(saved, _Memory)
        self._samples = deque(sorted({**dict(memory.samples), **dict(self._samples)}.items()))
        if self._last_ms is None:
            self._last_ms, self._open, self._quickening = memory.last_ms, memory.open, memory.quickening
            self._proven_ms, self.due_ms = memory.proven_ms, memory.due_ms
            self._to_retract = dict(zip((FAILURE, LIMIT), memory.to_retract, strict=True))

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: what was dated since moves, and nothing else may lie behind it."""
        self._samples = deque(_shifted(self._samples, by_ms, since_ms))
        self._open = _shifted(self._open, by_ms, since_ms)
        self._quickening = [_shifted(passed, by_ms, since_ms) for passed in self._quickening]
        if self.due_ms is not None:
            self.due_ms = moved(self.due_ms, by_ms, since_ms)
        if self._last_ms is not None:
            self._last_ms = moved(self._last_ms, by_ms, since_ms)
        if self._proven_ms is not None:
            self._proven_ms = moved(self._proven_ms, by_ms, since_ms)

    def _bin(self, at_ms: int) -> int:
        return (at_ms - self._phase_ms) // BIN_MS

    def _close(self, at_ms: int) -> list[Reading]:
        """Make a sample of what is open, due as of this instant; what is said where there is none."""
        if not self._open:
            return list(self._unsaid(at_ms))
        middle_ms = sum(t for t, _ in self._open) // len(self._open)
        while self._samples and self._samples[-1][0] >= min(middle_ms, at_ms):
            self._samples.pop()  # dated in the future by a clock that was wrong
        self._samples.append((middle_ms, median(mm for _, mm in self._open)))
        self._open = []
        while self._samples and self._samples[0][0] < at_ms - WINDOWS_H[-1] * HOUR_MS:
            self._samples.popleft()
        if self.is_judging:
            self.due_ms = at_ms
        return []

    def _unsaid(self, at_ms: int) -> Iterator[Reading]:
        """Bad readings of whatever was said last: it may still hold, and what is bad ends no alarm."""
        yield self._reading("creep_state", at_ms, None)
        for group in (group for group, left in self._to_retract.items() if left):
            yield from (self._reading(suffix, at_ms, None) for suffix in group)

    def _said(self, at_ms: int, judged: Judged) -> Iterator[Reading]:
        yield self._reading("creep_state", at_ms, float(judged.state))
        if judged.fit is not None:
            yield self._reading("creep_fit", at_ms, judged.fit)
        if judged.failure is not None or judged.state is not State.FAILING:
            yield from self._forecast(FAILURE, at_ms, judged.failure)
        yield from self._forecast(LIMIT, at_ms, judged.limit)

    def _forecast(
        self, group: tuple[str, ...], at_ms: int, hours: tuple[float, ...] | None
    ) -> Iterator[Reading]:
        """A forecast, or that the last one no longer holds."""
        if hours is not None:
            self._to_retract[group] = RETRACTIONS
        elif self._to_retract[group]:
            self._to_retract[group] -= 1
            hours = (HORIZON_H,) * len(group)
        else:
            return
        yield from (self._reading(suffix, at_ms, h) for suffix, h in zip(group, hours, strict=True))

    def _reading(self, suffix: str, at_ms: int, value: float | None) -> Reading:
        quality = Quality.BAD_INPUT if value is None else Quality.GOOD
        return Reading(f"{self._base}.{suffix}", at_ms, value, quality)

    def _judged(self, at_ms: int) -> Judged:
        """Judge the samples, and note which windows quicken."""
        windows = [_window(self._samples, at_ms, hours) for hours in WINDOWS_H]
        if windows[0] is None:
            self._quickening = [[] for _ in WINDOWS_H]
            return Judged(State.UNKNOWN)
        trend = pace(windows[0].hours, windows[0].values)
        looks = [_look(window) for window in windows]
        for seen, found in zip(self._quickening, looks, strict=True):
            _note(seen, at_ms, found)
        stands = self._proven_ms is not None and at_ms - self._proven_ms <= PAUSE_MS
        proven = [
            found
            for seen, found in zip(self._quickening, looks, strict=True)
            if _is_proven(seen, at_ms) or (stands and found.found is Found.QUICKENING)
        ]
        law = min(proven, key=lambda found: found.left_h, default=None)
        now_mm = windows[0].values[-1]
        limit = None if self._control_mm is None else time_to_limit(now_mm, self._control_mm, trend, law)
        if law is None:
            return Judged(State.FAILING if stands else _state(trend, looks), limit=limit)
        self._proven_ms = at_ms
        least_h = min(law.left_h, *(fit.left_h for fit in law.likely))
        return Judged(State.FAILING, (law.left_h, least_h), law.gain, limit)


class Window(NamedTuple):
    """Samples of some days, freed of outliers."""

    hours: list[float]
    """Before the newest sample: none above 0."""
    values: list[float]
    """mm"""


class _Memory(msgspec.Struct):
    last_ms: int
    open: list[tuple[int, float]]
    samples: list[tuple[int, float]]
    quickening: list[list[tuple[int, float]]]
    proven_ms: int | None
    to_retract: list[int]
    due_ms: int | None = None


def time_to_limit(
    now_mm: float, control_mm: float, trend: Slope, law: Look | None
) -> tuple[float, float, float] | None:
    """Hours until the control value is reached either way, least and most (95 %); 0 where it is.

    By the law that ends in failure where one is proven, else by the trend. `None` where the motion does not
    stand out from noise, leads back towards zero, or takes longer than the horizon.
    """
    if abs(now_mm) >= control_mm:
        return 0.0, 0.0, 0.0
    if now_mm * trend.value < 0.0:
        return None
    further_mm = control_mm - abs(now_mm)
    if law is not None and law.best is not None:
        reached = [fit.reaches_h(further_mm) for fit in law.likely]
        return law.best.reaches_h(further_mm), min(reached), max(reached)
    if not _stands_out(trend):
        return None
    pace, doubt = abs(trend.value), student(BAND, trend.freedom) * trend.error
    hours = further_mm / pace, further_mm / (pace + doubt), further_mm / (pace - doubt)
    return hours if hours[0] <= HORIZON_H else None


def _window(samples: Sequence[tuple[int, float]], at_ms: int, wanted_h: float) -> Window | None:
    """The samples of the last hours; `None` where they are too few, too old or torn by a gap."""
    since_ms = at_ms - wanted_h * HOUR_MS
    kept = [sample for sample in samples if sample[0] >= since_ms]
    if len(kept) < LEAST_SAMPLES or at_ms - kept[-1][0] > FRESH_MS:
        return None
    if kept[-1][0] - kept[0][0] < COVERED * wanted_h * HOUR_MS:
        return None
    if max(after[0] - before[0] for before, after in pairwise(kept)) > LONGEST_GAP_MS:
        return None
    newest_ms = kept[-1][0]
    hours = [(sample_ms - newest_ms) / HOUR_MS for sample_ms, _ in kept]
    return Window(hours, without_outliers([mm for _, mm in kept]))


def _look(window: Window | None) -> Look:
    """Look for a law where the last day moved further than the one before; else it is not worth the work."""
    if window is None:
        return Look(Found.UNKNOWN)
    today, yesterday = _days(window)
    way = 1.0 if today > 0.0 else -1.0
    if abs(today) < LEAST_DAY_MM or today * way < yesterday * way:
        return Look(Found.NOT_QUICKENING)
    return look(window.hours, [way * mm for mm in window.values])


def _days(window: Window) -> tuple[float, float]:
    """How far it moved in the last day and in the one before, mm: whole days show no cycle of the day."""
    now, day, two_days = (window.values[nearest(window.hours, -n * DAY_H)] for n in (0, 1, 2))
    return now - day, day - two_days


def _note(seen: list[tuple[int, float]], at_ms: int, found: Look) -> None:
    """Note the hours to failure where it quickens; a break ends what was noted."""
    if found.found is not Found.QUICKENING:
        seen.clear()
        return
    seen.append((at_ms, found.left_h))
    while len(seen) > 1 and seen[1][0] <= at_ms - PERSISTENCE_MS:
        seen.pop(0)


def _is_proven(seen: Sequence[tuple[int, float]], at_ms: int) -> bool:
    """Whether a law has held for long enough, and failure does not recede as time goes on."""
    if not seen or at_ms - seen[0][0] < PERSISTENCE_MS:
        return False
    half = len(seen) // 2
    hours = [left_h for _, left_h in seen]
    before_h, after_h = median(hours[:half] or hours), median(hours[half:])
    if before_h <= NEAR_H:
        return after_h <= before_h - NEARER_H
    return after_h <= RECEDING * before_h


def _state(trend: Slope, looks: Sequence[Look]) -> State:
    """The state where no law is proven."""
    found = {one.found for one in looks}
    if Found.QUICKENING in found:
        return State.QUICKENING
    if Found.STEP in found:
        return State.STEP
    if not _stands_out(trend):
        return State.STILL
    # What moves and bends so much that no law tells its own doubt has changed its pace.
    return State.STEP if looks[0].found is Found.UNKNOWN else State.STEADY


def _stands_out(trend: Slope) -> bool:
    return trend.freedom >= LEAST_FREEDOM and abs(trend.value) > student(SURE, trend.freedom) * trend.error


def _shifted(history: Iterable[tuple[int, float]], by_ms: int, since_ms: int) -> list[tuple[int, float]]:
    history = list(history)
    after = [(at_ms + by_ms, value) for at_ms, value in history if at_ms >= since_ms]
    first_ms = min(since_ms, after[0][0]) if after else since_ms
    return [entry for entry in history if entry[0] < first_ms] + after
