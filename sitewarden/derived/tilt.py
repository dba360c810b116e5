"""The verticality of a mast, measured while the crane stands still and empty.

A loaded mast bends by more than what verticality allows, so tilt as it is read must never be judged as
verticality: 4/1000 are 0.229°, and a working crane shows a degree and more.

An unloaded crane leans towards its counterweight, which says nothing of how plumb it stands. So the lean
across the jib is told too (GB/T 5031 speaks of 侧向垂直度, from memory), where the site says how the
inclinometer is mounted.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from sitewarden.derived.model import DerivedPoint, Subject, moved
from sitewarden.derived.telling import NOTHING, SLACK_MS, Told, bad
from sitewarden.derived.thresholds import chosen
from sitewarden.messages import PointBirth
from sitewarden.quality import Quality
from sitewarden.readings import Reading

TILTS = ("crane.tilt.x", "crane.tilt.y")
LOAD, MOVING, WIND, SLEW = "crane.load_ratio", "crane.moving", "crane.wind_speed.mean", "crane.slew"
STALE_MS = 86_400_000
"""A working crane stands empty in a calm many times a day, though not every hour."""


def make(subject: Subject) -> Iterator["Verticality"]:
    """Of a crane that tells its tilt, and whether it stands still and empty in a calm."""
    x_slew_deg = subject.parameters.get("tilt_x_slew")
    wanted = (*TILTS, LOAD, MOVING, WIND, *([] if x_slew_deg is None else [SLEW]))
    births = {kind: birth for kind in wanted if (birth := subject.first(kind)) is not None}
    if subject.kind != "crane" or len(births) < len(wanted):
        return
    window = _Window(
        round(1000 * chosen("static_s", subject.parameters)),
        chosen("static_load_percent", subject.parameters),
        chosen("static_wind", subject.parameters),
    )
    inputs, how = tuple(birth.p for birth in births.values()), window.explained()
    points = [DerivedPoint(subject.name("verticality"), "crane.verticality", inputs, STALE_MS, how=how)]
    if x_slew_deg is not None:
        across = f"{how}, across the jib"
        name, kind = subject.name("verticality.lateral"), "crane.verticality.lateral"
        points.append(DerivedPoint(name, kind, inputs, STALE_MS, how=across))
    zero_x, zero_y = (subject.zero.get(subject.key(births[kind].p), 0.0) for kind in TILTS)
    yield Verticality(points, births, _Mounting((zero_x, zero_y), x_slew_deg), window)


class _Mounting(NamedTuple):
    """How an inclinometer sits on its mast."""

    zero: tuple[float, float]
    """What it shows of a plumb mast, °."""
    x_slew_deg: float | None
    """At which slew angle the jib points along its +x; `None` where nobody has said."""


class _Window(msgspec.Struct, frozen=True):
    """When a crane counts as static."""

    length_ms: int
    load_percent: float
    """Below it."""
    wind: float
    """Up to it, m/s."""

    def explained(self) -> str:
        static = f"load below {self.load_percent:g} % of rated, not moving, mean wind up to {self.wind:g} m/s"
        return f"by the mean tilt of {self.length_ms / 1000:g} s of standing still ({static})"

    def holds(self, load: float, moving: float, wind: float) -> bool:
        return load < self.load_percent and moving == 0.0 and wind <= self.wind


class _Memory(msgspec.Struct):
    latest: dict[str, Reading]
    sums: "_Sums | None"
    told_bad: Told


class _Sums(msgspec.Struct):
    """Of the tilts in the static window that runs."""

    since_ms: int
    last_ms: int
    count: int = 0
    x: float = 0.0
    y: float = 0.0


class Verticality:
    """How far a mast leans, in 1/1000, by the mean tilt over each static window that was seen to its end.

    While the crane works nothing is said. Whatever is not good, of tilt or of what tells that the crane is
    static, makes the point bad and ends the window.
    """

    name = "crane-verticality"

    def __init__(
        self,
        points: Sequence[DerivedPoint],
        births: Mapping[str, PointBirth],
        mounting: _Mounting,
        window: _Window,
    ) -> None:
        """`births` are the inputs by kind; `points` have the lateral one where the mounting tells."""
        self._kinds = {birth.p: kind for kind, birth in births.items()}
        self._ages_ms = {kind: birth.stale_after_ms for kind, birth in births.items()}
        self.inputs, self.points = frozenset(self._kinds), tuple(points)
        self._mounting, self._window = mounting, window
        self._latest: dict[str, Reading] = {}
        self._sums: _Sums | None = None
        self._told_bad = NOTHING

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """The verticality, where a window is over; or that it is bad."""
        for reading in readings:
            self._latest[self._kinds[reading.point]] = reading
        at_ms = readings[0].at_ms
        if len(self._latest) < len(self._kinds):
            return []
        values = {kind: self._value(kind, at_ms) for kind in self._latest}
        known = {kind: value for kind, value in values.items() if value is not None}
        if len(known) < len(values):
            return self._tell_bad(at_ms)
        self._told_bad = NOTHING
        if not self._window.holds(known[LOAD], known[MOVING], known[WIND]):
            self._sums = None
            return []
        is_new = all(self._latest[kind].at_ms == at_ms for kind in TILTS)
        return self._add(at_ms, known) if is_new else []

    def remembered(self) -> Any:
        """The newest inputs and the window that runs."""
        return _Memory(self._latest, self._sums, self._told_bad) if self._latest else None

    def remember(self, saved: Any) -> None:
        """Take it up, unless something was seen since."""
        memory = msgspec.convert(saved, _Memory)
        if not self._latest:
            self._latest = {kind: r for kind, r in memory.latest.items() if self._kinds.get(r.point) == kind}
            self._sums, self._told_bad = memory.sums, memory.told_bad

    def shift(self, by_ms: int, since_ms: int) -> None:
        """Move what was seen; a window that reaches back into what does not move begins anew."""
        self._latest = {
            kind: reading._replace(at_ms=moved(reading.at_ms, by_ms, since_ms))
            for kind, reading in self._latest.items()
        }
        if self._sums is not None and self._sums.since_ms >= since_ms:
            self._sums.since_ms += by_ms
            self._sums.last_ms += by_ms
        else:
            self._sums = None
        self._told_bad = NOTHING

    def _value(self, kind: str, at_ms: int) -> float | None:
        reading = self._latest[kind]
        fresh = 0 <= at_ms - reading.at_ms <= self._ages_ms[kind]
        return reading.value if fresh and reading.is_good else None

    def _add(self, at_ms: int, known: Mapping[str, float]) -> list[Reading]:
        sums = self._sums
        if sums is None or not 0 < at_ms - sums.last_ms <= self._ages_ms[TILTS[0]]:
            sums = self._sums = _Sums(at_ms, at_ms)
        sums.last_ms = at_ms
        sums.count += 1
        sums.x += known[TILTS[0]] - self._mounting.zero[0]
        sums.y += known[TILTS[1]] - self._mounting.zero[1]
        if at_ms - sums.since_ms + SLACK_MS < self._window.length_ms:
            return []
        self._sums = _Sums(at_ms, at_ms)
        x_deg, y_deg = sums.x / sums.count, sums.y / sums.count
        leans = [per_mille(x_deg, y_deg)]
        if self._mounting.x_slew_deg is not None:
            leans.append(lateral_per_mille(x_deg, y_deg, self._mounting.x_slew_deg - known[SLEW]))
        return [Reading(point.point, at_ms, lean) for point, lean in zip(self.points, leans, strict=True)]

    def _tell_bad(self, at_ms: int) -> list[Reading]:
        self._sums = None
        if not self._told_bad.is_due(None, Quality.BAD_INPUT, at_ms):
            return []
        self._told_bad = Told(at_ms, None, Quality.BAD_INPUT)
        return [bad(point.point, at_ms) for point in self.points]


def per_mille(x_deg: float, y_deg: float) -> float:
    """How far what leans by x and y (°, at right angles) is off the plumb line, in 1/1000 of its height."""
    return 1000.0 * math.hypot(math.tan(math.radians(x_deg)), math.tan(math.radians(y_deg)))


def lateral_per_mille(x_deg: float, y_deg: float, x_from_jib_deg: float) -> float:
    """The part of that across the jib; +x lies `x_from_jib_deg` clockwise of the jib, +y 90° before +x."""
    x, y, turned = math.tan(math.radians(x_deg)), math.tan(math.radians(y_deg)), math.radians(x_from_jib_deg)
    return 1000.0 * abs(x * math.sin(turned) - y * math.cos(turned))
