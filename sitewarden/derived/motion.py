"""Whether a crane moves: from the speeds of slewing, trolley and hook."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from sitewarden.derived.model import DerivedPoint, Subject, moved
from sitewarden.derived.telling import NOTHING, SLACK_MS, STALE_MS, Told, bad
from sitewarden.derived.thresholds import chosen
from sitewarden.quality import Quality
from sitewarden.readings import Reading

AXES = {
    "crane.slew": "moving_slew_speed",
    "crane.radius": "moving_trolley_speed",
    "crane.hook_height": "moving_hoist_speed",
}
"""The threshold of each kind; without all three nobody can say that a crane stands still."""
SAMPLES = 5
"""Of a window: so often a speed is taken, and it looks back by the window or up to a fifth more."""


def make(subject: Subject) -> Iterator["Motion"]:
    """Of a crane that tells slew, radius and hook height."""
    if subject.kind != "crane":
        return
    births = {kind: birth for kind in AXES if (birth := subject.first(kind)) is not None}
    if len(births) < len(AXES):
        return
    given = subject.parameters
    window_ms = round(1000 * chosen("moving_window_s", given))
    stands = 1.0 - chosen("moving_dead_band", given)
    axes = {
        birth.p: _Axis(
            moves_from=(speed := chosen(AXES[kind], given)),
            stands_below=speed * stands,
            is_angle=kind == "crane.slew",
            window_ms=window_ms,
            max_gap_ms=birth.stale_after_ms,
        )
        for kind, birth in births.items()
    }
    stale_ms = max(STALE_MS, *(birth.stale_after_ms for birth in births.values()))
    how = f"1 while any of them changes, by its speed over {window_ms / 1000:g} s"
    yield Motion(DerivedPoint(subject.name("moving"), "crane.moving", tuple(axes), stale_ms, how=how), axes)


class _Sample(NamedTuple):
    at_ms: int
    value: float


class _AxisMemory(msgspec.Struct):
    samples: list[_Sample]
    last_ms: int | None
    is_moving: bool | None
    is_known_bad: bool


class _Axis:
    """One movement: its speed over the window, and whether that counts as moving."""

    def __init__(
        self, *, moves_from: float, stands_below: float, is_angle: bool, window_ms: int, max_gap_ms: int
    ) -> None:
        self._moves_from, self._stands_below, self._is_angle = moves_from, stands_below, is_angle
        self._window_ms, self._max_gap_ms = window_ms, max_gap_ms + window_ms // SAMPLES
        self._spacing_ms = window_ms // SAMPLES - SLACK_MS
        self._samples: deque[_Sample] = deque()
        self._last_ms: int | None = None
        self._is_moving: bool | None = None
        self._is_known_bad = False

    def take(self, reading: Reading) -> bool:
        """Look at a reading; `False` where it comes so soon after the last that it need not be."""
        at_ms, value = reading.at_ms, reading.value
        if value is None or reading.quality is not Quality.GOOD:
            self._forget()
            self._last_ms, self._is_known_bad = at_ms, True
            return True
        since_ms = None if self._last_ms is None else at_ms - self._last_ms
        if since_ms is not None and 0 <= since_ms < self._spacing_ms and not self._is_known_bad:
            return False
        if since_ms is not None and not 0 <= since_ms <= self._max_gap_ms:
            self._forget()
        self._last_ms, self._is_known_bad = at_ms, False
        samples, reach_ms = self._samples, at_ms - self._window_ms + SLACK_MS
        while len(samples) > 1 and samples[1].at_ms <= reach_ms:
            samples.popleft()
        if samples and samples[0].at_ms <= reach_ms:
            self._judge(samples[0], at_ms, value)
        samples.append(_Sample(at_ms, value))
        return True

    def is_bad(self, at_ms: int) -> bool:
        """Whether its newest reading is not good, or too old; one that was never read is not that yet."""
        if self._last_ms is None:
            return False
        return self._is_known_bad or at_ms - self._last_ms > self._max_gap_ms

    def is_moving(self, at_ms: int) -> bool | None:
        """`None` where nobody can say: no good reading, or not yet for the length of a window."""
        return None if self.is_bad(at_ms) else self._is_moving

    def remembered(self) -> _AxisMemory:
        return _AxisMemory(list(self._samples), self._last_ms, self._is_moving, self._is_known_bad)

    def remember(self, memory: _AxisMemory) -> None:
        if self._last_ms is None:
            self._samples, self._last_ms = deque(memory.samples), memory.last_ms
            self._is_moving, self._is_known_bad = memory.is_moving, memory.is_known_bad

    def shift(self, by_ms: int, since_ms: int) -> None:
        if self._samples and self._samples[0].at_ms < since_ms:
            self._forget()
        self._samples = deque(one._replace(at_ms=one.at_ms + by_ms) for one in self._samples)
        if self._last_ms is not None:
            self._last_ms = moved(self._last_ms, by_ms, since_ms)

    def _judge(self, before: _Sample, at_ms: int, value: float) -> None:
        way = value - before.value
        if self._is_angle:
            way = (way + 180.0) % 360.0 - 180.0  # from 359° to 1° are two degrees
        speed = abs(way) * 1000.0 / (at_ms - before.at_ms)
        self._is_moving = speed >= (self._stands_below if self._is_moving else self._moves_from)

    def _forget(self) -> None:
        self._samples.clear()
        self._is_moving = None


class Motion:
    """1 while any axis moves, 0 while all stand still; told at once when it changes, else once a second.

    One axis that surely moves is enough for 1, whatever the others say. For 0 all three must be known: one
    that is bad, or silent, makes the point bad.
    """

    name = "crane-moving"

    def __init__(self, point: DerivedPoint, axes: Mapping[str, _Axis]) -> None:
        """`axes` by their points."""
        self.inputs, self.points = frozenset(axes), (point,)
        self._point, self._axes = point.point, axes
        self._told = NOTHING

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """The point, where it is due."""
        axes = self._axes
        if not [reading for reading in readings if axes[reading.point].take(reading)]:
            return []
        at_ms = readings[0].at_ms
        states = [axis.is_moving(at_ms) for axis in self._axes.values()]
        if True in states:
            return self._tell(1.0, at_ms)
        if any(axis.is_bad(at_ms) for axis in self._axes.values()):
            return self._tell(None, at_ms)
        return [] if None in states else self._tell(0.0, at_ms)

    def remembered(self) -> Any:
        """What the axes have seen, and what was told."""
        return _Memory({point: axis.remembered() for point, axis in self._axes.items()}, self._told)

    def remember(self, saved: Any) -> None:
        """Take it up, where nothing has been seen since."""
        memory = msgspec.convert(saved, _Memory)
        for point, axis in memory.axes.items():
            if point in self._axes:
                self._axes[point].remember(axis)
        if self._told == NOTHING:
            self._told = memory.told

    def shift(self, by_ms: int, since_ms: int) -> None:
        """Move what was seen."""
        for axis in self._axes.values():
            axis.shift(by_ms, since_ms)
        self._told = NOTHING

    def _tell(self, value: float | None, at_ms: int) -> list[Reading]:
        quality = Quality.BAD_INPUT if value is None else Quality.GOOD
        if not self._told.is_due(value, quality, at_ms):
            return []
        self._told = Told(at_ms, value, quality)
        return [Reading(self._point, at_ms, value) if value is not None else bad(self._point, at_ms)]


class _Memory(msgspec.Struct):
    axes: dict[str, _AxisMemory]
    told: Told
