"""What a crane's load chart makes of load, radius and falls: rated load, moment, and both ratios."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from sitewarden.derived.model import DerivedPoint, Subject, moved
from sitewarden.derived.thresholds import chosen
from sitewarden.errors import SiteWardenError
from sitewarden.loadchart import LoadChart, UnknownFallsError
from sitewarden.quality import Quality
from sitewarden.readings import Reading

BEYOND_CHART_PERCENT = 999.9
"""Shown for a load where the chart rates none: no ratio can be formed, and it must alarm."""
CRANE_INPUTS = ("crane.load", "crane.radius", "crane.falls")
CRANE_DERIVED = ("crane.rated_load", "crane.load_ratio", "crane.moment", "crane.moment_ratio")


class InputMissingError(SiteWardenError):
    """A crane lacks a point that its load ratio is made of."""


def make(subject: Subject) -> Iterator["Ratios"]:
    """Of a crane with a load chart; raises `InputMissingError` where it cannot be judged."""
    if subject.kind != "crane" or subject.chart is None:
        return
    inputs = {kind: subject.first(kind) for kind in CRANE_INPUTS}
    missing = [kind for kind, birth in inputs.items() if birth is None]
    if missing:
        raise InputMissingError(f"there is no point of kind {', '.join(missing)}")
    births = {kind: birth for kind, birth in inputs.items() if birth is not None}
    stale_ms = max(birth.stale_after_ms for birth in births.values())
    yield Ratios(subject, subject.chart, {birth.p: kind for kind, birth in births.items()}, stale_ms)


class Ratios:
    """The four points of a crane, from the newest reading of each input."""

    name = "crane-ratios"

    def __init__(self, subject: Subject, chart: LoadChart, kinds: Mapping[str, str], max_age_ms: int) -> None:
        """`kinds` is of the inputs by point; they may lie `max_age_ms` apart."""
        self._device, self._chart, self._kinds, self._max_age_ms = subject.device, chart, kinds, max_age_ms
        self._empty_t = empty_below_t(subject.parameters)
        self._latest: dict[str, Reading] = {}
        self._derived_at_ms = 0
        self.inputs = frozenset(kinds)
        self.points = tuple(
            DerivedPoint(
                subject.name(kind.removeprefix("crane.")),
                kind,
                tuple(kinds),
                max_age_ms,
                how="and the crane's load chart at the present radius and falls",
            )
            for kind in CRANE_DERIVED
        )

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """All four, or nothing where no input is newer than before: a point has one reading an instant."""
        at_ms = readings[0].at_ms
        if at_ms < self._derived_at_ms:
            # What a wrong clock has dated in the future must not make everything else look old.
            self._latest = {kind: r for kind, r in self._latest.items() if r.at_ms <= at_ms}
        for reading in readings:
            self._latest[self._kinds[reading.point]] = reading
        derived = crane_points(self._device, self._chart, self._latest, self._max_age_ms, self._empty_t)
        if derived[0].at_ms == self._derived_at_ms:
            return []
        self._derived_at_ms = derived[0].at_ms
        return derived

    def remembered(self) -> Any:
        """The newest of each input."""
        return {"latest": self._latest, "derived_at_ms": self._derived_at_ms} if self._latest else None

    def remember(self, saved: Any) -> None:
        """Take up what was the newest; what came since is newer."""
        memory = msgspec.convert(saved, _Memory)
        known = {kind: r for kind, r in memory.latest.items() if self._kinds.get(r.point) == kind}
        self._latest = {**known, **self._latest}
        self._derived_at_ms = max(self._derived_at_ms, memory.derived_at_ms)

    def shift(self, by_ms: int, since_ms: int) -> None:
        """Move what was dated since."""
        self._latest = {
            kind: reading._replace(at_ms=moved(reading.at_ms, by_ms, since_ms))
            for kind, reading in self._latest.items()
        }
        self._derived_at_ms = moved(self._derived_at_ms, by_ms, since_ms)


class _Memory(msgspec.Struct):
    latest: dict[str, Reading]
    derived_at_ms: int


def empty_below_t(parameters: Mapping[str, float]) -> float:
    """What a limiter may show (t) without a load on the hook."""
    return chosen("cycle_empty_hook", parameters) + chosen("beyond_chart_load", parameters)


def crane_points(
    device: str, chart: LoadChart, latest: Mapping[str, Reading], max_age_ms: int, empty_t: float
) -> list[Reading]:
    """Rated load (t), load ratio (%), moment (t·m), moment ratio (%) from the newest reading of each input.

    `latest` is by kind. The ratios are of the chart at the present radius and falls, never of a nominal
    moment. Beyond the chart any load from `empty_t` on is too much, and what shows less is an empty hook,
    which may be there. An input missing, not good, or more than `max_age_ms` older than the newest, makes
    all four bad.
    """
    inputs = [latest.get(kind) for kind in CRANE_INPUTS]
    at_ms = max((r.at_ms for r in inputs if r is not None), default=0)
    values = [r.value for r in inputs if r is not None and r.is_good and at_ms - r.at_ms <= max_age_ms]
    if len(values) < len(inputs):
        return _bad(device, at_ms)
    load, radius, falls = (float(v or 0.0) for v in values)
    try:
        rated = chart.rated_load(radius, round(falls))
    except UnknownFallsError:
        return _bad(device, at_ms)
    moment = load * radius
    if rated > 0.0:
        ratios = _percent(load, rated), _percent(moment, rated * radius)
    else:
        ratios = (BEYOND_CHART_PERCENT if load >= empty_t else 0.0,) * 2
    return [
        Reading(f"{device}/{kind.removeprefix('crane.')}", at_ms, value)
        for kind, value in zip(CRANE_DERIVED, (rated, ratios[0], moment, ratios[1]), strict=True)
    ]


def _percent(part: float, whole: float) -> float:
    return min(BEYOND_CHART_PERCENT, 100.0 * part / whole) if whole > 0.0 else 0.0


def _bad(device: str, at_ms: int) -> list[Reading]:
    keys = (kind.removeprefix("crane.") for kind in CRANE_DERIVED)
    return [Reading(f"{device}/{key}", at_ms, None, Quality.BAD_INPUT) for key in keys]
