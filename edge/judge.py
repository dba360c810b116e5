"""From readings to alarms: derive, judge, and tell each transition with its evidence. Waits for nothing."""

import logging
import uuid
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import msgspec

from edge.again import Again, Polled, hurried, wanted
from edge.config import Device
from edge.derivation import derivations_for, derived_from
from edge.grouping import Grouping, GroupPlan, told_beside
from edge.tone import Standing, siren_of
from sitewarden import holes
from sitewarden.derived import Derivations, DerivedPoint
from sitewarden.holes import Hole, Holes
from sitewarden.messages import Alarm, ClockState, Ended, PointBirth, Series, ToldState, WorkCycle, series_of
from sitewarden.points import PointKind, point_kind, quantiser
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.rules.binding import limit_passed, unit_of
from sitewarden.rules.conditions import BEYOND, level
from sitewarden.rules.engine import (
    NORMAL,
    AlarmStatus,
    Phase,
    RuleState,
    Transition,
    acknowledge,
    is_clearly_worse,
    status_of,
    unacknowledged,
)
from sitewarden.rules.model import BoundRule, Rate
from sitewarden.rules.running import Listeners, Newest, RuleKey, Watch, key_of, link

log = logging.getLogger(__name__)

EVIDENCE_MS = 60_000
EVIDENCE_READINGS = 300
"""Of one point in one alarm."""
EVIDENCE_SPACING_MS = 160
"""Faster ones are thinned; a little under a minute's 300th part, so that polls of 200 ms all stay."""

_FINE = 0.001
"""To which slopes, counts and seconds are told."""

_TOLD: Mapping[AlarmStatus, ToldState] = {
    AlarmStatus.UNACKNOWLEDGED: "unacknowledged",
    AlarmStatus.LATCHED_UNACKNOWLEDGED: "latched-unacknowledged",
    AlarmStatus.SUPPRESSED: "suppressed-by-design",
    AlarmStatus.OUT_OF_SERVICE: "out-of-service",
}

UNWRITTEN = "unwritten"
"""In place of a boot until the outbox gives boot and seq."""


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """A standing alarm as it is kept over a restart."""

    alarm: Alarm
    """Its raise, without evidence, and since somebody acknowledged it who did and when."""
    state: RuleState
    sounded_s: float = 0.0
    """Seconds of continuous tone that it has made."""
    silenced_peak: float | None = None
    """The worst value when it fell silent, by somebody or by time; what is clearly worse sounds anew."""
    met: list[float] = []
    """Whom the crane has come too near to in this episode, by number; somebody else sounds anew."""


class RulesMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What rules remember between two readings, as it is kept over a restart."""

    states: dict[str, RuleState] = {}
    """By point and rule, of those without a standing alarm."""
    inputs: dict[str, list[tuple[str, int, float | None, Quality]]] = {}
    """The newest readings, older first, of points that rules of other points look at."""


class Judgement(NamedTuple):
    """What one poll came to."""

    readings: list[Reading]
    """Raw and derived, rounded to the resolution of their kinds: what is recorded."""
    alarms: list[Alarm]
    """Transitions in order; `boot` and `seq` are the outbox's to give."""
    cycles: list[WorkCycle]
    """Lifts that ended with this poll."""
    again: Sequence[Again] = ()
    """What should be read once more ahead of its time, for an on-delay will be over before."""

    def then(self, later: "Judgement") -> "Judgement":
        """Both as one."""
        return Judgement(
            [*self.readings, *later.readings],
            [*self.alarms, *later.alarms],
            [*self.cycles, *later.cycles],
            [*self.again, *later.again],
        )


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

    def take_over(self, before: "_Recent | None") -> None:
        if before is not None:
            self._kept, self._newest = before.all()

    def all(self) -> tuple[deque[Reading], Reading | None]:
        return self._kept, self._newest

    def newest_value(self) -> float | None:
        return None if self._newest is None else self._newest.value

    def good_value(self) -> float | None:
        return self._newest.value if self._newest is not None and self._newest.is_good else None

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

    __slots__ = ("listeners", "newest", "quantise", "recent", "unit")

    def __init__(self, kind: PointKind) -> None:
        self.unit, self.quantise = kind.unit, quantiser(kind.resolution)
        self.recent: _Recent | None = None
        """Only of points that evidence is made from."""
        self.newest: Newest | None = None
        """Only of points that rules of other points look at."""
        self.listeners = Listeners()

    def rounded(self, reading: Reading) -> Reading:
        """To the resolution of its kind: what is judged is what is recorded."""
        value = reading.value
        if value is None or (rounded := self.quantise(value)) == value:
            return reading
        return reading._replace(value=rounded)

    def note(self, reading: Reading) -> None:
        """Remember it where it is asked for."""
        if self.recent is not None:
            self.recent.add(reading)
        if self.newest is not None:
            self.newest.add(reading)

    def take_over(self, before: "_Tracked | None") -> None:
        """The last minute of the same point under another configuration."""
        if self.recent is not None and before is not None and before.unit == self.unit:
            self.recent.take_over(before.recent)

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set."""
        for memory in (self.recent, self.newest):
            if memory is not None:
                memory.shift(by_ms, since_ms)


class _Watch(Watch):
    """A rule on its point, where it stands, and the alarm that it has raised."""

    def __init__(self, device: Device, bound: BoundRule, kind: PointBirth) -> None:
        super().__init__(bound)
        self.device, self.kind = device, kind.kind
        self.is_out_of_service = bound.point in device.out_of_service
        self.alarm: Alarm | None = None
        """The raise of the standing episode."""
        self.partner: _Recent | None = None
        """Of the point that says to whom the value is, where there is one."""
        self._begin()

    def _begin(self) -> None:
        self.sounded_s = 0.0
        self.silenced_peak: float | None = None
        self.met: set[float] = set()

    def resume(self, episode: Episode) -> None:
        """Go on with an episode that stood before a restart."""
        self.alarm, self.state = episode.alarm, _resumed(episode)
        self.sounded_s, self.met = episode.sounded_s, set(episode.met)
        self.silenced_peak = episode.silenced_peak
        if self.silenced_peak is None and self.alarm.acknowledged_at is not None:
            self.silenced_peak = self.state.peak  # an older version kept none

    def take_over(self, before: "_Watch") -> None:
        """Nobody was away meanwhile: delays run on, where the alarm goes on or there was none."""
        if (self.alarm is None) == (before.alarm is None) and type(self.bound.rule.condition) is type(
            before.bound.rule.condition
        ):
            self.state = before.state
        self._stood = before._stood  # noqa: SLF001  one of us

    def turn(self, alarm: Alarm | None) -> None:
        """An episode begins or ends."""
        self.alarm = alarm
        self._begin()

    def listen_to(self, value: float | None) -> None:
        """After a reading of a standing alarm: what is clearly worse, or of somebody else, sounds anew."""
        is_worse = self.silenced_peak is not None and is_clearly_worse(
            self.bound, self.silenced_peak, self.state.peak
        )
        if not (self._meets_another(value) or is_worse) or self.alarm is None:
            return
        self.silenced_peak, self.sounded_s = None, 0.0
        self.state = unacknowledged(self.state)
        self.alarm = msgspec.structs.replace(self.alarm, acknowledged_at=None, acknowledged_by="")

    def _meets_another(self, value: float | None) -> bool:
        partner = self.partner.good_value() if self.partner is not None else None
        if partner is None or partner in self.met or value is None:
            return False
        if level(self.bound, value) is not BEYOND:
            return False
        self.met.add(partner)
        return True

    def shift(self, by_ms: int, since_ms: int) -> None:
        """Move the instants of what began since then."""
        super().shift(by_ms, since_ms)
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
    """Every rule on every point of a gateway. Readings and ticks move it; it has no clock and no tasks."""

    def __init__(
        self,
        devices: Iterable[Device],
        clock_state: Callable[[], ClockState],
        groups: Sequence[GroupPlan] = (),
        before: "Judge | None" = None,
    ) -> None:
        """`clock_state` is asked at each transition.

        Of a judge `before` this one has the derivations of devices that are as they were; `go_on_from` does
        the rest, when the other one judges no more.
        """
        self._devices = list(devices)
        self._clock_state = clock_state
        same = {} if before is None else before.unchanged(self._devices)
        self.derivations = {
            device.name: same.get(device.name) or derivations_for(device) for device in self._devices
        }
        self.grouping = Grouping(groups, chain.from_iterable(device.rules for device in self._devices))
        self._points: dict[str, _Tracked] = {}
        self._holes = {device.name: _holes_of(device) for device in self._devices}
        self._watches: dict[RuleKey, _Watch] = {}
        self._standing: list[_Watch] = []
        """Those with an alarm, oldest first."""
        for device in self._devices:
            self._track(device)
        for point, newest in link(self._watches.values()).items():
            self._points[point].newest = newest
        self._now_ms = 0
        """Of the last tick."""
        self._timed = [watch for watch in self._watches.values() if watch.bound.is_timed]
        self._beside = {device.name: _points_beside(device) for device in self._devices}
        self._told_beside = {
            point: told
            for device in self._devices
            for point, told in told_beside(device.group_points).items()
        }
        for point in chain(*self._beside.values(), *self._told_beside.values()):
            self._points[point].recent = self._points[point].recent or _Recent()
        for watch in self._watches.values():
            partner = f"{watch.bound.point}.partner"
            if watch.bound.is_plain and partner in self._told_beside.get(watch.bound.point, ()):
                watch.partner = self._points[partner].recent
        self._hurried = hurried(self._watches.values(), Polled(self._devices, self._derived_points()))
        self._seldom = {name for rules in self._hurried.values() for one in rules for name, _ in one.sources}
        """Devices with points that such a rule is about."""
        self._involved = self._let_wait()
        """By derivation that may wait: points of which no later reading may be judged before it."""
        self._forecast = [device for device in self._devices if self.derivations[device.name].patient]
        """Those with something that may wait."""

    def unchanged(self, devices: Iterable[Device]) -> Mapping[str, Derivations]:
        """The derivations of devices from which the same is derived as before."""
        known = {device.name: derived_from(device) for device in self._devices}
        return {
            device.name: self.derivations[device.name]
            for device in devices
            if known.get(device.name) == derived_from(device)
        }

    def go_on_from(self, before: "Judge", now_ms: int) -> list[Alarm]:
        """Take over from a judge of another configuration: rules that stay keep their state to the last bit.

        Returns what `resume` does: the ends of alarms that cannot go on.
        """
        for name, derivations in before.derivations.items():
            mine = self.derivations.get(name)
            if mine is not None and mine is not derivations:
                # As over a restart, so that what is kept means the same.
                mine.remember(msgspec.json.decode(msgspec.json.encode(derivations.remembered())))
        for group, body in before.grouping.remembered().items():
            self.grouping.remember(group, body)
        ended = self.resume(before.episodes(), now_ms, before.memory())
        points, watches, self._now_ms = before.at_work()
        for name, holes_of in self._holes.items():
            if name in before.holes:
                holes_of.go_on_from(before.holes[name])
        for point, tracked in self._points.items():
            tracked.take_over(points.get(point))
        for key, watch in self._watches.items():
            if (other := watches.get(key)) is not None:
                watch.take_over(other)
        return ended

    def at_work(self) -> tuple[Mapping[str, _Tracked], Mapping[RuleKey, _Watch], int]:
        """For whoever takes over: points, rules, and the instant up to which time has passed."""
        return self._points, self._watches, self._now_ms

    @property
    def holes(self) -> Mapping[str, Holes]:
        """By device, for whoever takes over."""
        return self._holes

    def _derived_points(self) -> Iterator[DerivedPoint]:
        for device in self._devices:
            yield from self.derivations[device.name].points
            yield from device.group_points

    def _track(self, device: Device) -> None:
        births = {birth.p: birth for birth in device.points}
        for point, birth in births.items():
            self._points[point] = _Tracked(point_kind(birth.kind))
        for bound in device.rules:
            watch = self._watches[key_of(bound)] = _Watch(device, bound, births[bound.point])
            for point in bound.listens_to:
                self._points[point].listeners.add(watch)
            tracked = self._points[bound.point]
            tracked.recent = tracked.recent or _Recent()

    def resume(
        self, episodes: Iterable[Episode], now_ms: int, memory: RulesMemory | None = None
    ) -> list[Alarm]:
        """Go on with the alarms that stood when the agent ended, and with what else its rules remembered.

        Returns a clear for each that cannot go on: its rule or point is gone from the configuration and
        nothing could end it, or its device was put into use, or on trial: then a danger that stands is
        raised anew, heard or not as it now should be.
        """
        self._remember(memory or RulesMemory())
        waiting = {(episode.alarm.point, episode.alarm.rule): episode for episode in episodes}
        ended: list[Alarm] = []
        for watch in self._watches.values():
            episode = waiting.pop(key_of(watch.bound), None)
            if episode is None:
                continue
            if episode.alarm.test != watch.device.is_on_trial:
                ended.append(_ended(episode, watch.device.commissioning, now_ms))
                continue
            watch.resume(episode)
            self._standing.append(watch)
        return ended + [_ended(orphan, "orphaned", now_ms) for orphan in waiting.values()]

    def _remember(self, memory: RulesMemory) -> None:
        for watch in self._watches.values():
            state = memory.states.get(_memory_key(watch))
            if state is not None and not state.is_active:
                watch.state = state
        for point, readings in memory.inputs.items():
            tracked = self._points.get(point)
            if tracked is not None and tracked.newest is not None:
                for name, at_ms, value, quality in readings:
                    tracked.newest.add(Reading(name, at_ms, value, quality))

    def take(self, device: Device, readings: Sequence[Reading]) -> Judgement:
        """Judge the readings of one poll, and all that is derived from them.

        All follows from the rounded raw readings, which are recorded: a history judged later, or replayed,
        comes to the same.
        """
        judged = self.take_at_once(device, readings)
        for late in self._late_work(device):
            judged = judged.then(late)
        return judged

    def take_at_once(self, device: Device, readings: Sequence[Reading]) -> Judgement:
        """As `take`, less costly forecasts, of which `work` makes one at a time.

        They come to the same alarms of the same instants: what still waits and has to do with these readings
        is judged before them.
        """
        points, derivations = self._points, self.derivations[device.name]
        taken = {reading.point for reading in readings} if derivations.waiting else ()
        overdue = [one for one in derivations.waiting if not self._involved[one.name].isdisjoint(taken)]
        before = [self._judged(device, derivations.judge(one)) for one in overdue]
        if missed := self._holes[device.name].take(readings):
            before += [*self._late_work(device), self._missed(missed)]
        recorded = [points[reading.point].rounded(reading) for reading in readings]
        derived = (*derivations.take_at_once(recorded), *self.grouping.take(device.name, recorded))
        judged = self._judged(device, derived, recorded)
        for earlier in reversed(before):
            judged = earlier.then(judged)
        return judged

    def work(self) -> Judgement | None:
        """Make one of the forecasts that wait, judged as of its own instant; `None` where none waits."""
        late = (judged for device in self._forecast for judged in self._late_work(device))
        return next(late, None)

    @property
    def is_waiting(self) -> bool:
        """Whether there is work."""
        return any(self.derivations[device.name].waiting for device in self._forecast)

    def _known_ms(self, device: Device, now_ms: int) -> int:
        """Up to when all of a device has been judged."""
        waiting = self.derivations[device.name].waiting
        return min((now_ms, *(one.due_ms for one in waiting if one.due_ms is not None)))

    def _late_work(self, device: Device) -> Iterator[Judgement]:
        derivations = self.derivations[device.name]
        for one in derivations.waiting:
            yield self._judged(device, derivations.judge(one))

    def _judged(
        self, device: Device, derived: Iterable[Reading], recorded: Sequence[Reading] = ()
    ) -> Judgement:
        """What is derived from readings, and they themselves, rounded already."""
        points = self._points
        recorded = [*recorded, *(points[reading.point].rounded(reading) for reading in derived)]
        moved: list[tuple[Watch, Transition]] = []
        # All are noted first: what one sensor gives at an instant belongs together, however it is ordered.
        for reading in recorded:
            points[reading.point].note(reading)
        for reading in recorded:
            moved += points[reading.point].listeners.take(reading)
        # Told only now: the evidence holds the whole poll.
        alarms = [self._told(self._watches[key_of(watch.bound)], transition) for watch, transition in moved]
        for standing in self._standing:
            recent = points[standing.bound.point].recent
            standing.listen_to(None if recent is None else recent.good_value())
        again: Sequence[Again] = ()
        if device.name in self._seldom:
            again = wanted({reading.point: reading.at_ms for reading in recorded}, self._hurried)
        return Judgement(recorded, alarms, self.derivations[device.name].fetch_cycles(), again)

    def _missed(self, missed: Iterable[Hole]) -> Judgement:
        """Nobody read these points when they were due: nothing is recorded of it, for nothing was heard."""
        moved: list[tuple[Watch, Transition]] = []
        for at_ms, names, quality in missed:
            for name in names:
                if (newest := self._points[name].newest) is not None:
                    newest.add(Reading(name, at_ms, None, quality))
            for name in names:
                moved += self._points[name].listeners.miss(at_ms, quality)
        alarms = [self._told(self._watches[key_of(watch.bound)], transition) for watch, transition in moved]
        return Judgement([], alarms, [])

    def _let_wait(self) -> dict[str, frozenset[str]]:
        """Forecasts of every device wait, unless a rule of another point looks at them.

        Returns by forecast the points that its own rules have to do with.
        """
        involved = {}
        for device in self._devices:
            derivations = self.derivations[device.name]
            watches = [self._watches[key_of(bound)] for bound in device.rules]
            maker = {point.point: one.name for one in derivations.forecasts for point in one.points}
            derivations.let_wait(
                {
                    point
                    for watch in watches
                    for point in watch.bound.inputs
                    if maker.get(point) != maker.get(watch.bound.point)
                }
            )
            inputs = {point.point: point.inputs for point in derivations.points}
            for one in derivations.patient:
                beside = _beside_rules_of({p.point for p in one.points}, watches)
                involved[one.name] = _with_inputs(one.inputs | beside, inputs)
        return involved

    def tick(self, now_ms: int) -> list[Alarm]:
        """Time has passed: whoever has been silent for too long is told of, as of the instant it was due.

        `now_ms` must not lie beyond a reading that is still to come. Of a device whose forecasts wait, time
        has passed up to these.
        """
        self._now_ms = now_ms
        known_ms = {device.name: self._known_ms(device, now_ms) for device in self._forecast}
        moved = [
            (watch, transition)
            for watch in self._timed
            for transition in watch.elapse(known_ms.get(watch.device.name, now_ms))
        ]
        return [self._told(watch, transition) for watch, transition in moved]

    def memory(self) -> RulesMemory:
        """What the rules remember beside the standing alarms, to be kept over a restart."""
        states = {
            _memory_key(watch): watch.state
            for watch in self._watches.values()
            if not watch.state.is_active and watch.state != NORMAL
        }
        newest = {point: tracked.newest for point, tracked in self._points.items() if tracked.newest}
        return RulesMemory(states=states, inputs={point: _kept(one) for point, one in newest.items()})

    def shelve(self, point: str, rule: str, until_ms: int) -> bool:
        """Hold back a rule's alarm until an instant (past: no longer); whether there is such a rule.

        A standing one goes on and is silent; a new one is raised when the time is over, if it is still due.
        """
        watch = self._watches.get((point, rule))
        if watch is not None:
            watch.shelved_until_ms = until_ms
        return watch is not None

    def is_test(self, point: str, rule: str) -> bool:
        """Whether the alarms of a rule are those of a device on trial."""
        watch = self._watches.get((point, rule))
        return watch is not None and watch.device.is_on_trial

    def stands(self, episode: str) -> bool:
        """Whether an alarm has not ended yet."""
        return any(watch.alarm is not None and watch.alarm.episode == episode for watch in self._standing)

    def told_states(self) -> dict[str, ToldState]:
        """Of standing alarms, by episode, what neither their transitions nor the shelves tell."""
        states: dict[str, ToldState] = {}
        for watch in self._standing:
            state = _TOLD.get(status_of(watch.state, watch.gate(self._now_ms)))
            if watch.alarm is not None and state is not None:
                states[watch.alarm.episode] = state
        return states

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: whatever was dated since `since_ms` is moved, so that no delay notices."""
        for derivation in self.derivations.values():
            derivation.shift(by_ms, since_ms)
        self.grouping.shift(by_ms, since_ms)
        for holes_of in self._holes.values():
            holes_of.shift(by_ms, since_ms)
        for tracked in self._points.values():
            tracked.shift(by_ms, since_ms)
        for watch in self._watches.values():
            watch.shift(by_ms, since_ms)

    def episodes(self) -> list[Episode]:
        """The standing alarms, to be kept over a restart."""
        return [
            Episode(
                alarm=watch.alarm,
                state=watch.state,
                sounded_s=watch.sounded_s,
                silenced_peak=watch.silenced_peak,
                met=sorted(watch.met),
            )
            for watch in self._standing
            if watch.alarm is not None
        ]

    def acknowledge(self, episode: str | None, at_ms: int, by: str) -> list[Alarm]:
        """Note that somebody knows of an alarm, or of all that stand and may be heard (`None`).

        Returns a transition for each that nobody had acknowledged before.
        """
        alarms = []
        for watch in list(self._standing):
            raised = watch.alarm
            if raised is None or raised.acknowledged_at is not None:
                continue
            if raised.episode != episode and (episode is not None or raised.test):
                continue
            watch.alarm = msgspec.structs.replace(raised, acknowledged_at=at_ms, acknowledged_by=by)
            alarms.append(self._acknowledged(watch, watch.alarm, at_ms))
            watch.silenced_peak = watch.state.peak
            watch.state, transition = acknowledge(watch.state, at_ms)
            if transition is not None:
                alarms.append(self._told(watch, transition))
        return alarms

    def sounded(self, seconds: float, max_on_s: float) -> None:
        """The siren has sounded for so long since the last call, for every alarm that asks for it."""
        for watch in self._standing:
            if (
                watch.alarm is not None
                and not watch.alarm.test
                and siren_of(_standing(watch, watch.alarm, self._now_ms), max_on_s) == "continuous"
            ):
                watch.sounded_s += seconds
                if watch.sounded_s >= max_on_s:
                    watch.silenced_peak = watch.state.peak

    def standing(self) -> list[Standing]:
        """The standing alarms, as siren and lamp need them: none of a device on trial."""
        return [
            _standing(watch, watch.alarm, self._now_ms)
            for watch in self._standing
            if watch.alarm is not None and not watch.alarm.test
        ]

    def _told(self, watch: _Watch, transition: Transition) -> Alarm:
        """The transition as a message; the watch remembers the raise until the clear."""
        quantise = self._quantiser(watch.bound)
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
            watch.turn(alarm)
            self._standing.append(watch)
        else:
            watch.turn(None)
            self._standing = [other for other in self._standing if other is not watch]
        try:
            return msgspec.structs.replace(alarm, evidence=self._evidence(watch, transition.at_ms))
        except Exception:
            # An alarm without evidence is an alarm; one that nobody hears of is none.
            log.exception("no evidence for the alarm point=%s rule=%s", alarm.point, alarm.rule)
            return alarm

    def _quantiser(self, bound: BoundRule) -> Callable[[float], float]:
        """Of what the rule compares; a slope, a count and seconds have no resolution of their own."""
        if bound.unit is None and not isinstance(bound.rule.condition, Rate):
            return self._points[bound.point].quantise
        return quantiser(_FINE)

    def _acknowledged(self, watch: _Watch, alarm: Alarm, at_ms: int) -> Alarm:
        tracked = self._points[watch.bound.point]
        newest = tracked.recent.newest_value() if tracked.recent is not None else None
        return msgspec.structs.replace(
            alarm,
            change="acknowledged",
            at=at_ms,
            value=alarm.value if newest is None or watch.bound.unit is not None else newest,
            peak=self._quantiser(watch.bound)(watch.state.peak),
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
            rule_version=watch.bound.version,
            family=rule.family,
            level=rule.level,
            label=rule.label,
            unit=unit_of(watch.bound, self._points[watch.bound.point].unit),
            value=transition.value,
            limit=limit_passed(watch.bound, transition.value),
            peak=transition.peak,
            raised_at=transition.raised_at_ms,
            basis=watch.bound.basis,
            # Nor does it propose a hazard: a cloud that does not know the mark must not open one.
            hazard=None if watch.device.is_on_trial else rule.hazard,
            test=watch.device.is_on_trial,
        )

    def _evidence(self, watch: _Watch, at_ms: int) -> list[Series]:
        told = self._told_beside.get(watch.bound.point, ())
        points = dict.fromkeys((watch.bound.point, *told, *self._beside[watch.device.name]))
        recents = (self._points[point].recent for point in points)
        readings = chain.from_iterable(r.minute_before(at_ms) for r in recents if r is not None)
        return series_of(list(readings), at_ms)


def _beside_rules_of(points: Container[str], watches: Iterable[Watch]) -> frozenset[str]:
    """What rules on these points look at, what holds them back, and what they hold back.

    Less rules on a device as a whole: of those only the time counts.
    """
    found = set[str]()
    for watch in watches:
        sensors = [s.bound.point for s in watch.suppressors if not s.bound.rule.is_of_device]
        if watch.bound.point in points:
            found.update(watch.bound.inputs, sensors)
        elif any(sensor in points for sensor in sensors):
            found.add(watch.bound.point)
    return frozenset(found)


def _with_inputs(points: Iterable[str], inputs: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """These points and all that they are made of, down to what is read."""
    found, waiting = set[str](), list(points)
    while waiting:
        point = waiting.pop()
        if point not in found:
            found.add(point)
            waiting += inputs.get(point, ())
    return frozenset(found)


def _moved(at_ms: int, by_ms: int, since_ms: int) -> int:
    return at_ms + by_ms if at_ms >= since_ms else at_ms


def _moved_reading(reading: Reading, by_ms: int, since_ms: int) -> Reading:
    return reading._replace(at_ms=_moved(reading.at_ms, by_ms, since_ms))


def _standing(watch: _Watch, alarm: Alarm, now_ms: int) -> Standing:
    is_shelved = watch.is_shelved(now_ms)
    return Standing(
        level=alarm.level,
        is_beyond=watch.state.is_beyond and not is_shelved,
        is_acknowledged=alarm.acknowledged_at is not None or is_shelved,
        sounded_s=watch.sounded_s,
    )


def _holes_of(device: Device) -> Holes:
    return Holes(holes.groups_of(device.profile, device.points, device.intervals_ms), device.points)


def _resumed(episode: Episode) -> RuleState:
    """An off-delay must be seen through with good readings, and there were none while the agent was away."""
    state = episode.state
    return msgspec.structs.replace(
        state,
        phase=Phase.ACTIVE if state.phase is Phase.RETURNING else state.phase,
        is_acknowledged=episode.alarm.acknowledged_at is not None,
    )


def _ended(episode: Episode, why: Ended, now_ms: int) -> Alarm:
    """The clear of an episode that cannot go on."""
    return msgspec.structs.replace(
        episode.alarm, change="cleared", at=now_ms, cleared_at=now_ms, peak=episode.state.peak, ended=why
    )


def _kept(newest: Newest) -> list[tuple[str, int, float | None, Quality]]:
    readings = (reading for reading in (newest.before, newest.now) if reading is not None)
    return [(r.point, r.at_ms, r.value, r.quality) for r in readings]


def _memory_key(watch: Watch) -> str:
    return " ".join(key_of(watch.bound))


def _points_beside(device: Device) -> list[str]:
    """What the evidence of a crane shows beside the watched point."""
    if device.profile.device_kind != "crane":
        return []
    wanted = ("crane.load", "crane.radius")
    return [f"{device.name}/{key}" for key, point in device.profile.points.items() if point.kind in wanted]
