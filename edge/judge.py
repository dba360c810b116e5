"""From readings to alarms: derive, judge, and tell each transition with its evidence. Waits for nothing."""

import logging
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import msgspec

from edge.config import Device
from edge.derivation import derivations_for
from edge.tone import Standing, siren_of
from sitewarden.messages import Alarm, ClockState, Series, series_of
from sitewarden.points import PointKind, point_kind, quantiser
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.rules.engine import NORMAL, Phase, RuleState, Transition, step
from sitewarden.rules.model import BoundRule

log = logging.getLogger(__name__)

EVIDENCE_MS = 60_000
EVIDENCE_READINGS = 300
"""Of one point in one alarm."""
EVIDENCE_SPACING_MS = 160
"""Faster ones are thinned; a little under a minute's 300th part, so that polls of 200 ms all stay."""

_DUST_DECIMALS = 9
"""114.1 - 100.1 is 13.999999999999986 and must reach a limit of 14; no sensor resolves 1e-9."""


UNWRITTEN = "unwritten"
"""In place of a boot until the outbox gives boot and seq."""


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """A standing alarm as it is kept over a restart."""

    alarm: Alarm
    """Its raise, without evidence, and since somebody acknowledged it who did and when."""
    state: RuleState
    sounded_s: float = 0.0
    """Seconds of continuous tone that it has made."""


class Judgement(NamedTuple):
    """What one poll came to."""

    readings: list[Reading]
    """Raw and derived, rounded to the resolution of their kinds: what is recorded."""
    alarms: list[Alarm]
    """Transitions in order; `boot` and `seq` are the outbox's to give."""


class _Recent:
    """The last minute of one point, thinned, in memory that does not grow with the speed of polling."""

    def __init__(self) -> None:
        self._kept: deque[Reading] = deque(maxlen=EVIDENCE_READINGS)
        self._newest: Reading | None = None

    def add(self, reading: Reading) -> None:
        self._newest = reading
        since_ms = reading.at_ms - self._kept[-1].at_ms if self._kept else EVIDENCE_SPACING_MS
        # A clock that was set back makes the distance negative, and the reading no less worth keeping.
        if since_ms >= EVIDENCE_SPACING_MS or since_ms < 0:
            self._kept.append(reading)

    def newest_value(self) -> float | None:
        return None if self._newest is None else self._newest.value

    def minute_before(self, at_ms: int) -> list[Reading]:
        """Oldest first, the newest reading always among them."""
        minute = [reading for reading in self._kept if at_ms - EVIDENCE_MS <= reading.at_ms <= at_ms]
        if self._newest is not None and self._newest not in minute[-1:]:
            minute.append(self._newest)
        return minute[-EVIDENCE_READINGS:]

    def shift(self, by_ms: int, since_ms: int) -> None:
        """Move what was dated since then."""
        self._kept = deque((_moved_reading(r, by_ms, since_ms) for r in self._kept), maxlen=EVIDENCE_READINGS)
        self._newest = None if self._newest is None else _moved_reading(self._newest, by_ms, since_ms)


class _Tracked:
    """What a point needs at every reading: found with one look."""

    __slots__ = ("is_derived", "quantise", "recent", "resolution", "unit", "watches")

    def __init__(self, kind: PointKind, *, is_derived: bool) -> None:
        self.unit, self.resolution, self.quantise = kind.unit, kind.resolution, quantiser(kind.resolution)
        self.is_derived = is_derived
        self.recent: _Recent | None = None
        """Only of points that evidence is made from."""
        self.watches: list[_Watch] = []

    def step(
        self, at_ms: int, value: float | None, quality: Quality
    ) -> "list[tuple[_Watch, Transition]] | tuple[()]":
        """Step every rule on the point; the transitions that this makes, and nothing nearly always."""
        if value is not None and self.is_derived:
            value = round(value, _DUST_DECIMALS)  # raw ones come without dust
        moved: list[tuple[_Watch, Transition]] | tuple[()] = ()
        for watch in self.watches:
            watch.state, transition = step(watch.bound, watch.state, at_ms, value, quality)
            if transition is not None:
                moved = [*moved, (watch, transition)]
        return moved


class _Watch:
    """A rule on its point and where it stands."""

    def __init__(self, device: Device, bound: BoundRule, kind: str) -> None:
        self.device, self.bound, self.kind = device, bound, kind
        self.state = NORMAL
        self.alarm: Alarm | None = None
        """The raise of the standing episode."""
        self.sounded_s = 0.0

    def shift(self, by_ms: int, since_ms: int) -> None:
        """Move the instants of what began since then."""
        if self.state.phase is not Phase.NORMAL:
            self.state = msgspec.structs.replace(
                self.state,
                since_ms=_moved(self.state.since_ms, by_ms, since_ms),
                raised_at_ms=_moved(self.state.raised_at_ms, by_ms, since_ms),
            )
        if self.alarm is not None and self.alarm.raised_at >= since_ms:
            self.alarm = msgspec.structs.replace(
                self.alarm,
                at=self.alarm.at + by_ms,
                raised_at=self.alarm.raised_at + by_ms,
                moved_ms=self.alarm.moved_ms + by_ms,
            )
        if self.alarm is not None and self.alarm.acknowledged_at is not None:
            acknowledged_at = _moved(self.alarm.acknowledged_at, by_ms, since_ms)
            self.alarm = msgspec.structs.replace(self.alarm, acknowledged_at=acknowledged_at)


class Judge:
    """Every rule on every point of a gateway. One reading moves it; it has no clock and no tasks."""

    def __init__(self, devices: Iterable[Device], clock_state: Callable[[], ClockState]) -> None:
        """`clock_state` is asked at each transition."""
        self._devices = list(devices)
        self._clock_state = clock_state
        self.derivations = {device.name: derivations_for(device) for device in self._devices}
        self._points: dict[str, _Tracked] = {}
        self._standing: list[_Watch] = []
        """Those with an alarm, oldest first."""
        for device in self._devices:
            self._track(device)
        self._beside = {device.name: _points_beside(device) for device in self._devices}
        for point in chain.from_iterable(self._beside.values()):
            self._points[point].recent = self._points[point].recent or _Recent()

    def _track(self, device: Device) -> None:
        raw = {f"{device.name}/{key}" for key in device.profile.points}
        kinds = {birth.p: birth.kind for birth in device.points}
        for point, kind in kinds.items():
            self._points[point] = _Tracked(point_kind(kind), is_derived=point not in raw)
        for bound in device.rules:
            tracked = self._points[bound.point]
            tracked.watches.append(_Watch(device, bound, kinds[bound.point]))
            tracked.recent = tracked.recent or _Recent()

    def resume(self, episodes: Iterable[Episode], now_ms: int) -> list[Alarm]:
        """Go on with the alarms that stood when the agent ended.

        Returns a clear for each whose rule or point is gone from the configuration: nothing could end it.
        """
        waiting = {(episode.alarm.point, episode.alarm.rule): episode for episode in episodes}
        for watch in self._all():
            episode = waiting.pop((watch.bound.point, watch.bound.rule.rule), None)
            if episode is not None:
                watch.alarm, watch.state = episode.alarm, _resumed(episode.state)
                watch.sounded_s = episode.sounded_s
                self._standing.append(watch)
        return [
            msgspec.structs.replace(
                orphan.alarm, change="cleared", at=now_ms, cleared_at=now_ms, peak=orphan.state.peak
            )
            for orphan in waiting.values()
        ]

    def take(self, device: Device, readings: Sequence[Reading]) -> Judgement:
        """Judge the readings of one poll, and what is derived from them."""
        derived = self.derivations[device.name].take(readings)
        judged = [*readings, *derived] if derived else readings
        recorded: list[Reading] = []
        moved: list[tuple[_Watch, Transition]] = []
        for reading in judged:
            point, at_ms, value, quality = kept = reading
            tracked = self._points[point]
            if value is not None and (rounded := tracked.quantise(value)) != value:
                kept = Reading(point, at_ms, rounded, quality)
            recorded.append(kept)
            if tracked.recent is not None:
                tracked.recent.add(kept)
            if tracked.watches:
                moved += tracked.step(at_ms, value, quality)
        # Told only now: the evidence holds the whole poll.
        return Judgement(recorded, [self._told(watch, transition) for watch, transition in moved])

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: whatever was dated since `since_ms` is moved, so that no delay notices."""
        for derivation in self.derivations.values():
            derivation.shift(by_ms, since_ms)
        for tracked in self._points.values():
            if tracked.recent is not None:
                tracked.recent.shift(by_ms, since_ms)
        for watch in self._all():
            watch.shift(by_ms, since_ms)

    def episodes(self) -> list[Episode]:
        """The standing alarms, to be kept over a restart."""
        return [
            Episode(alarm=watch.alarm, state=watch.state, sounded_s=watch.sounded_s)
            for watch in self._standing
            if watch.alarm is not None
        ]

    def acknowledge(self, episode: str | None, at_ms: int, by: str) -> list[Alarm]:
        """Note that somebody knows of an alarm, or of all that stand (`None`).

        Returns a transition for each that nobody had acknowledged before.
        """
        alarms = []
        for watch in self._standing:
            raised = watch.alarm
            if raised is None or raised.acknowledged_at is not None or episode not in (None, raised.episode):
                continue
            watch.alarm = msgspec.structs.replace(raised, acknowledged_at=at_ms, acknowledged_by=by)
            alarms.append(self._acknowledged(watch, watch.alarm, at_ms))
        return alarms

    def sounded(self, seconds: float, max_on_s: float) -> None:
        """The siren has sounded for so long since the last call, for every alarm that asks for it."""
        for watch in self._standing:
            if watch.alarm is not None and siren_of(_standing(watch, watch.alarm), max_on_s) == "continuous":
                watch.sounded_s += seconds

    def standing(self) -> list[Standing]:
        """The standing alarms, as siren and lamp need them."""
        return [_standing(watch, watch.alarm) for watch in self._standing if watch.alarm is not None]

    def _all(self) -> Iterator[_Watch]:
        return chain.from_iterable(tracked.watches for tracked in self._points.values())

    def _told(self, watch: _Watch, transition: Transition) -> Alarm:
        """The transition as a message; the watch remembers the raise until the clear."""
        quantise = self._points[watch.bound.point].quantise
        alarm = msgspec.structs.replace(
            watch.alarm or self._raised(watch, transition),
            change=transition.change,
            at=transition.at_ms,
            value=quantise(transition.value),
            peak=quantise(transition.peak),
            cleared_at=transition.at_ms if transition.change == "cleared" else None,
            clock=self._clock_state(),
        )
        if transition.change == "raised":
            watch.alarm = alarm
            self._standing.append(watch)
        else:
            watch.alarm = None
            self._standing = [other for other in self._standing if other is not watch]
        watch.sounded_s = 0.0
        try:
            return msgspec.structs.replace(alarm, evidence=self._evidence(watch, transition.at_ms))
        except Exception:
            # An alarm without evidence is an alarm; one that nobody hears of is none.
            log.exception("no evidence for the alarm point=%s rule=%s", alarm.point, alarm.rule)
            return alarm

    def _acknowledged(self, watch: _Watch, alarm: Alarm, at_ms: int) -> Alarm:
        tracked = self._points[watch.bound.point]
        newest = tracked.recent.newest_value() if tracked.recent is not None else None
        return msgspec.structs.replace(
            alarm,
            change="acknowledged",
            at=at_ms,
            value=alarm.value if newest is None else newest,
            peak=tracked.quantise(watch.state.peak),
            clock=self._clock_state(),
        )

    def _raised(self, watch: _Watch, transition: Transition) -> Alarm:
        rule = watch.bound.rule
        return Alarm(
            boot=UNWRITTEN,
            seq=1,
            at=transition.at_ms,
            change="raised",
            episode=uuid.uuid4().hex,
            device=watch.device.name,
            point=watch.bound.point,
            kind=watch.kind,
            rule=rule.rule,
            rule_version=rule.version,
            family=rule.family,
            level=rule.level,
            label=rule.label,
            unit=self._points[watch.bound.point].unit,
            value=transition.value,
            limit=watch.bound.limit,
            peak=transition.peak,
            raised_at=transition.raised_at_ms,
            basis=rule.basis,
            hazard=rule.hazard,
        )

    def _evidence(self, watch: _Watch, at_ms: int) -> list[Series]:
        points = dict.fromkeys((watch.bound.point, *self._beside[watch.device.name]))
        recents = (self._points[point].recent for point in points)
        readings = chain.from_iterable(r.minute_before(at_ms) for r in recents if r is not None)
        return series_of(list(readings), at_ms)


def _moved(at_ms: int, by_ms: int, since_ms: int) -> int:
    return at_ms + by_ms if at_ms >= since_ms else at_ms


def _moved_reading(reading: Reading, by_ms: int, since_ms: int) -> Reading:
    return reading._replace(at_ms=_moved(reading.at_ms, by_ms, since_ms))


def _standing(watch: _Watch, alarm: Alarm) -> Standing:
    return Standing(
        level=alarm.level,
        is_beyond=watch.state.phase is not Phase.RETURNING,
        is_acknowledged=alarm.acknowledged_at is not None,
        sounded_s=watch.sounded_s,
    )


def _resumed(state: RuleState) -> RuleState:
    """An off-delay must be seen through with good readings, and there were none while the agent was away."""
    return msgspec.structs.replace(state, phase=Phase.ACTIVE)


def _points_beside(device: Device) -> list[str]:
    """What the evidence of a crane shows beside the watched point."""
    if device.profile.device_kind != "crane":
        return []
    wanted = ("crane.load", "crane.radius")
    return [f"{device.name}/{key}" for key, point in device.profile.points.items() if point.kind in wanted]
