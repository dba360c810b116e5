"""Work cycles of a crane (工作循环): each lift as a record of its own, from the load on the hook."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from sitewarden.derived.model import DerivedPoint, Subject, moved
from sitewarden.derived.telling import SLACK_MS
from sitewarden.derived.thresholds import chosen
from sitewarden.messages import HookPlace, WorkCycle
from sitewarden.points import quantise, vocabulary
from sitewarden.readings import Reading

LOAD = "crane.load"
PLACES = {"crane.radius": "radius", "crane.slew": "slew", "crane.hook_height": "height"}
PEAKS = {
    LOAD: "peak_load",
    "crane.load_ratio": "peak_load_ratio",
    "crane.moment": "peak_moment",
    "crane.moment_ratio": "peak_moment_ratio",
}


def make(subject: Subject) -> Iterator["Cycles"]:
    """Of a crane that tells its load; whatever else it does not tell is left out of the records."""
    births = {kind: birth for kind in (*PEAKS, *PLACES) if (birth := subject.first(kind)) is not None}
    if subject.kind != "crane" or LOAD not in births:
        return
    given = subject.parameters
    empty, load = chosen("cycle_empty_hook", given), chosen("cycle_load", given)
    limits = _Limits(
        on_from=empty + load,
        off_below=empty + load * (1.0 - chosen("cycle_dead_band", given)),
        settle_ms=round(1000 * chosen("cycle_settle_s", given)),
        gap_ms=round(1000 * chosen("cycle_gap_s", given)),
    )
    max_age_ms = max(birth.stale_after_ms for birth in births.values())
    yield Cycles(subject.device, {birth.p: kind for kind, birth in births.items()}, limits, max_age_ms)


class _Limits(msgspec.Struct, frozen=True):
    """When a load counts as on the hook, in t of what the hook shows, and for how long it must be so."""

    on_from: float
    off_below: float
    settle_ms: int
    gap_ms: int
    """Not seen for so long, a load is lost from sight."""


class _State(msgspec.Struct):
    """All that is remembered of the lift under way."""

    phase: Literal["empty", "taking", "carrying", "setting"] = "empty"
    """Taking and setting are not sure yet: a load must stay, on the hook or off it, for the settling time."""
    started_ms: int = 0
    ended_ms: int = 0
    seen_ms: int = 0
    """When the load was last read."""
    picked: HookPlace = HookPlace()
    set_down: HookPlace = HookPlace()
    peaks: dict[str, float] = {}
    """By kind."""


class _Memory(msgspec.Struct):
    state: _State
    latest: dict[str, Reading]


class Cycles:
    """The lifts of one crane; it adds no point, and what it finds waits to be fetched."""

    name = "crane-cycles"
    points: tuple[DerivedPoint, ...] = ()

    def __init__(self, device: str, kinds: Mapping[str, str], limits: _Limits, max_age_ms: int) -> None:
        """`kinds` is by input; one older than `max_age_ms` says nothing of where the hook is."""
        self.inputs = frozenset(kinds)
        self._device, self._kinds, self._limits, self._max_age_ms = device, kinds, limits, max_age_ms
        self._state = _State()
        self._latest: dict[str, Reading] = {}
        """Of each place the newest."""
        self._found: list[WorkCycle] = []

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """Follow the load; gives no readings."""
        now: dict[str, float] = {}
        for reading in readings:
            kind = self._kinds[reading.point]
            if kind in PLACES:
                self._latest[kind] = reading
            if reading.value is not None and reading.is_good:
                now[kind] = reading.value
        self._follow(readings[0].at_ms, now)
        return []

    def fetch(self) -> list[WorkCycle]:
        """The lifts that have ended since the last call."""
        found, self._found = self._found, []
        return found

    def remembered(self) -> Any:
        """The lift under way."""
        return _Memory(self._state, self._latest) if self._state.seen_ms else None

    def remember(self, saved: Any) -> None:
        """Take it up, unless the load was seen since."""
        memory = msgspec.convert(saved, _Memory)
        if not self._state.seen_ms:
            self._state = memory.state
            self._latest = {kind: r for kind, r in memory.latest.items() if self._kinds.get(r.point) == kind}

    def shift(self, by_ms: int, since_ms: int) -> None:
        """Move what was seen; a lift that began before keeps its beginning."""
        state = self._state
        state.started_ms = moved(state.started_ms, by_ms, since_ms)
        state.ended_ms = moved(state.ended_ms, by_ms, since_ms)
        state.seen_ms = moved(state.seen_ms, by_ms, since_ms)
        self._latest = {
            kind: reading._replace(at_ms=moved(reading.at_ms, by_ms, since_ms))
            for kind, reading in self._latest.items()
        }

    def _follow(self, at_ms: int, now: Mapping[str, float]) -> None:
        state, limits = self._state, self._limits
        if state.phase != "empty" and not 0 <= at_ms - state.seen_ms <= limits.gap_ms:
            self._lose_sight()
            state = self._state
        load = now.get(LOAD)
        if load is None:
            return
        state.seen_ms = at_ms
        if state.phase == "empty":
            if load < limits.on_from:
                return
            self._state = state = _State("taking", started_ms=at_ms, seen_ms=at_ms, picked=self._place(at_ms))
        self._note_peaks(now)
        self._go_on(state, at_ms, load)

    def _go_on(self, state: _State, at_ms: int, load: float) -> None:
        """From taking to carrying to setting to the end, or back where it was not so."""
        limits = self._limits
        if state.phase == "taking":
            if load < limits.off_below:
                self._state = _State(seen_ms=at_ms)
            elif self._has_settled(state.started_ms, at_ms):
                state.phase = "carrying"
        elif state.phase == "carrying":
            if load < limits.off_below:
                state.phase, state.ended_ms, state.set_down = "setting", at_ms, self._place(at_ms)
        elif load >= limits.on_from:
            state.phase = "carrying"
        if state.phase == "setting" and self._has_settled(state.ended_ms, at_ms):
            self._end(state.ended_ms, state.set_down)

    def _has_settled(self, since_ms: int, at_ms: int) -> bool:
        return at_ms - since_ms + SLACK_MS >= self._limits.settle_ms

    def _lose_sight(self) -> None:
        """Readings of the load have stopped: a lift ends with what was last seen of it."""
        state = self._state
        if state.phase == "setting":
            self._end(state.ended_ms, state.set_down)
        elif state.phase == "carrying":
            self._end(state.seen_ms, HookPlace(), broken_off=True)
        self._state = _State(seen_ms=state.seen_ms)

    def _end(self, ended_ms: int, set_down: HookPlace, *, broken_off: bool = False) -> None:
        state = self._state
        peaks = {
            name: _rounded(kind, state.peaks[kind]) for kind, name in PEAKS.items() if kind in state.peaks
        }
        self._found.append(
            WorkCycle(
                device=self._device,
                started_at=state.started_ms,
                # Where a clock was set back in the middle of a lift that began before it could be known.
                ended_at=max(state.started_ms, ended_ms),
                picked=state.picked,
                set_down=set_down,
                broken_off=broken_off,
                **peaks,
            )
        )
        self._state = _State(seen_ms=state.seen_ms)

    def _note_peaks(self, now: Mapping[str, float]) -> None:
        peaks = self._state.peaks
        for kind in PEAKS:
            if kind in now and now[kind] > peaks.get(kind, -1.0):
                peaks[kind] = now[kind]

    def _place(self, at_ms: int) -> HookPlace:
        """Where the hook is, by readings that are good and not old."""
        known = {
            name: _rounded(kind, reading.value)
            for kind, name in PLACES.items()
            if (reading := self._latest.get(kind)) is not None
            if reading.is_good and reading.value is not None
            if abs(at_ms - reading.at_ms) <= self._max_age_ms
        }
        return HookPlace(**known)


def _rounded(kind: str, value: float) -> float:
    return quantise(value, vocabulary()[kind].resolution)
