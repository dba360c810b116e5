"""From readings to alarms: derive, judge, and tell each transition with its evidence. Waits for nothing."""

import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import msgspec

from edge.config import Device
from edge.derivation import Derivation
from edge.tone import Standing, siren_of
from sitewarden.messages import Alarm, ClockState, Series, series_of
from sitewarden.points import PointKind, point_kind, quantise
from sitewarden.readings import Reading
from sitewarden.rules.engine import NORMAL, Phase, RuleState, Transition, step
from sitewarden.rules.model import BoundRule

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


class _Watch:
    """A rule on its point and where it stands."""

    def __init__(self, device: Device, bound: BoundRule, kind: str) -> None:
        self.device, self.bound, self.kind = device, bound, kind
        self.state = NORMAL
        self.alarm: Alarm | None = None
        """The raise of the standing episode."""
        self.sounded_s = 0.0


class Judge:
    """Every rule on every point of a gateway. One reading moves it; it has no clock and no tasks."""

    def __init__(self, devices: Iterable[Device], clock_state: Callable[[], ClockState]) -> None:
        """`clock_state` is asked at each transition."""
        self._devices = list(devices)
        self._clock_state = clock_state
        self.derivations = {device.name: Derivation(device) for device in self._devices}
        births = [birth for device in self._devices for birth in device.points]
        self._kinds: dict[str, PointKind] = {birth.p: point_kind(birth.kind) for birth in births}
        self._watches: dict[str, list[_Watch]] = {}
        kinds = {birth.p: birth.kind for birth in births}
        for device in self._devices:
            for bound in device.rules:
                watch = _Watch(device, bound, kinds[bound.point])
                self._watches.setdefault(bound.point, []).append(watch)
        self._beside = {device.name: _points_beside(device) for device in self._devices}
        kept = {*self._watches, *chain.from_iterable(self._beside.values())}
        self._recent = {point: _Recent() for point in kept}

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
        return [
            msgspec.structs.replace(
                orphan.alarm, change="cleared", at=now_ms, cleared_at=now_ms, peak=orphan.state.peak
            )
            for orphan in waiting.values()
        ]

    def take(self, device: Device, readings: Sequence[Reading]) -> Judgement:
        """Judge the readings of one poll, and what is derived from them."""
        judged = [*readings, *self.derivations[device.name].derive(readings)]
        recorded = [self._rounded(reading) for reading in judged]
        for reading in recorded:
            recent = self._recent.get(reading.point)
            if recent is not None:
                recent.add(reading)
        return Judgement(recorded, list(self._transitions(judged)))

    def episodes(self) -> list[Episode]:
        """The standing alarms, to be kept over a restart."""
        return [
            Episode(alarm=watch.alarm, state=watch.state, sounded_s=watch.sounded_s)
            for watch in self._all()
            if watch.alarm is not None
        ]

    def acknowledge(self, episode: str | None, at_ms: int, by: str) -> list[Alarm]:
        """Note that somebody knows of an alarm, or of all that stand (`None`).

        Returns a transition for each that nobody had acknowledged before.
        """
        alarms = []
        for watch in self._all():
            raised = watch.alarm
            if raised is None or raised.acknowledged_at is not None or episode not in (None, raised.episode):
                continue
            watch.alarm = msgspec.structs.replace(raised, acknowledged_at=at_ms, acknowledged_by=by)
            alarms.append(self._acknowledged(watch, watch.alarm, at_ms))
        return alarms

    def sounded(self, seconds: float, max_on_s: float) -> None:
        """The siren has sounded for so long since the last call, for every alarm that asks for it."""
        for watch in self._all():
            if watch.alarm is not None and siren_of(_standing(watch, watch.alarm), max_on_s) == "continuous":
                watch.sounded_s += seconds

    def standing(self) -> list[Standing]:
        """The standing alarms, as siren and lamp need them."""
        return [_standing(watch, watch.alarm) for watch in self._all() if watch.alarm is not None]

    def worst_level(self) -> int:
        """Of the standing alarms; 0 where there is none."""
        return max((alarm.level for alarm in self.standing()), default=0)

    def _all(self) -> Iterator[_Watch]:
        return chain.from_iterable(self._watches.values())

    def _rounded(self, reading: Reading) -> Reading:
        point, at_ms, value, quality = reading
        if value is None:
            return reading
        return Reading(point, at_ms, quantise(value, self._kinds[point].resolution), quality)

    def _transitions(self, judged: Iterable[Reading]) -> Iterator[Alarm]:
        for point, at_ms, exact, quality in judged:
            watches = self._watches.get(point)
            if watches is None:
                continue
            value = None if exact is None else round(exact, _DUST_DECIMALS)
            for watch in watches:
                watch.state, transition = step(watch.bound, watch.state, at_ms, value, quality)
                if transition is not None:
                    yield self._told(watch, transition)

    def _told(self, watch: _Watch, transition: Transition) -> Alarm:
        """The transition as a message; the watch remembers the raise until the clear."""
        resolution = self._kinds[watch.bound.point].resolution
        alarm = msgspec.structs.replace(
            watch.alarm or self._raised(watch, transition),
            change=transition.change,
            at=transition.at_ms,
            value=quantise(transition.value, resolution),
            peak=quantise(transition.peak, resolution),
            cleared_at=transition.at_ms if transition.change == "cleared" else None,
            clock=self._clock_state(),
        )
        watch.alarm = alarm if transition.change == "raised" else None
        watch.sounded_s = 0.0
        return msgspec.structs.replace(alarm, evidence=self._evidence(watch, transition.at_ms))

    def _acknowledged(self, watch: _Watch, alarm: Alarm, at_ms: int) -> Alarm:
        newest = self._recent[watch.bound.point].newest_value()
        return msgspec.structs.replace(
            alarm,
            change="acknowledged",
            at=at_ms,
            value=alarm.value if newest is None else newest,
            peak=quantise(watch.state.peak, self._kinds[watch.bound.point].resolution),
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
            unit=self._kinds[watch.bound.point].unit,
            value=transition.value,
            limit=watch.bound.limit,
            peak=transition.peak,
            raised_at=transition.raised_at_ms,
            basis=rule.basis,
            hazard=rule.hazard,
        )

    def _evidence(self, watch: _Watch, at_ms: int) -> list[Series]:
        points = dict.fromkeys((watch.bound.point, *self._beside[watch.device.name]))
        readings = chain.from_iterable(self._recent[point].minute_before(at_ms) for point in points)
        return series_of(list(readings), at_ms)


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
