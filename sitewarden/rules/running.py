"""Rules at work on points: whose readings move them, what else they look at, what holds them back. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.rules.engine import NORMAL, Gate, RuleState, Transition, elapse, step
from sitewarden.rules.model import BoundRule

RuleKey = tuple[str, str]
"""Point and rule."""
_GOOD = Quality.GOOD


class Newest:
    """The newest reading of a point, and the one before it, for rules of other points."""

    __slots__ = ("before", "now")

    def __init__(self) -> None:
        self.now: Reading | None = None
        self.before: Reading | None = None

    def add(self, reading: Reading) -> None:
        """Take the next reading of the point."""
        if self.now is None or reading.at_ms > self.now.at_ms:
            self.before = self.now
        elif reading.at_ms < self.now.at_ms:
            self.before = None  # the clock was set back: what was known lies in the future
        self.now = reading

    def as_of(self, at_ms: int) -> Reading | None:
        """The newest strictly before the instant; within one instant the order of arrival says nothing."""
        if self.now is not None and self.now.at_ms < at_ms:
            return self.now
        return self.before if self.before is not None and self.before.at_ms < at_ms else None

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: move what was dated since then."""
        self.now, self.before = (
            None if r is None else r._replace(at_ms=r.at_ms + by_ms) if r.at_ms >= since_ms else r
            for r in (self.now, self.before)
        )


class Watch:
    """A rule on its point: where it stands, and what holds it back from being raised."""

    def __init__(self, bound: BoundRule) -> None:
        """Nothing seen yet."""
        self.bound = bound
        self.state = NORMAL
        self.inputs: Sequence[Newest] = ()
        self.suppressors: Sequence[Watch] = ()
        self.shelved_until_ms = 0
        self.is_out_of_service = False
        self._is_timed = bound.is_timed
        self._stood: tuple[int, int] = (0, 0)
        """From when to when the last episode stood."""

    def step(self, at_ms: int, value: float | None, quality: Quality) -> Sequence[Transition]:
        """Take a reading; almost always nothing comes of it."""
        moved: Sequence[Transition] = ()
        if self._is_timed:
            if at_ms == self.state.memory.at_ms:
                return moved  # the device has answered at this instant already
            moved = self.elapse(at_ms)
        inputs = [newest.as_of(at_ms) for newest in self.inputs] if self.inputs else ()
        gated = self.is_out_of_service
        if self.suppressors or self.shelved_until_ms:
            gated = self.gate(at_ms) is not None
        self.state, transition = step(
            self.bound, self.state, at_ms, value, quality, inputs=inputs, gated=gated
        )
        return moved if transition is None else (*moved, self._noted(transition))

    def elapse(self, now_ms: int) -> Sequence[Transition]:
        """Time has passed; only a rule that watches for silence cares."""
        gated = self.is_out_of_service or now_ms < self.shelved_until_ms
        self.state, transition = elapse(self.bound, self.state, now_ms, gated=gated)
        return () if transition is None else (self._noted(transition),)

    def gate(self, at_ms: int) -> Gate | None:
        """What holds a raise back at this instant."""
        if self.is_out_of_service:
            return "out-of-service"
        if at_ms < self.shelved_until_ms:
            return "shelved"
        return "suppressed" if any(other.stood(at_ms) for other in self.suppressors) else None

    def stood(self, at_ms: int) -> bool:
        """Whether its alarm stood just before the instant, whatever arrives at the instant itself."""
        if self.state.is_active:
            return self.state.raised_at_ms < at_ms
        return self._stood[0] < at_ms <= self._stood[1]

    def _noted(self, transition: Transition) -> Transition:
        if transition.change == "cleared":
            self._stood = transition.raised_at_ms, transition.at_ms
        return transition


class Listeners:
    """The rules that a point's readings move.

    A good value between the limits of plain rules none of which has begun to move is nothing to any of them:
    that is what nearly every reading is, and it costs two comparisons.
    """

    __slots__ = ("_above", "_below", "_others", "_plain")

    def __init__(self) -> None:
        self._plain: list[Watch] = []
        self._others: list[Watch] = []
        self._above, self._below = math.inf, -math.inf
        """Between these is calm; nowhere, until somebody has looked."""

    def add(self, watch: Watch) -> None:
        """One more rule."""
        (self._plain if watch.bound.is_plain else self._others).append(watch)

    def __bool__(self) -> bool:
        return bool(self._plain or self._others)

    def take(self, reading: Reading) -> "Sequence[tuple[Watch, Transition]]":
        """What the reading raises and clears."""
        _, at_ms, value, quality = reading
        moved: Sequence[tuple[Watch, Transition]] = ()
        if value is None or quality is not _GOOD or not self._above < value < self._below:
            moved = _stepped(self._plain, at_ms, value, quality)
            self._look()
        if self._others:
            moved = (*moved, *_stepped(self._others, at_ms, value, quality))
        return moved

    def _look(self) -> None:
        self._above, self._below = math.inf, -math.inf
        if all(watch.state is NORMAL for watch in self._plain):
            bounds = [watch.bound for watch in self._plain]
            self._above = max((bound.limit for bound in bounds if not bound.high), default=-math.inf)
            self._below = min((bound.limit for bound in bounds if bound.high), default=math.inf)


def _stepped(
    watches: Iterable[Watch], at_ms: int, value: float | None, quality: Quality
) -> Sequence[tuple[Watch, Transition]]:
    moved: Sequence[tuple[Watch, Transition]] = ()
    for watch in watches:
        if transitions := watch.step(at_ms, value, quality):
            moved = (*moved, *((watch, transition) for transition in transitions))
    return moved


class Rules:
    """Every rule of some devices over a stream of readings in the order of their source times."""

    def __init__(self, bounds: Iterable[BoundRule], since_ms: int) -> None:
        """Watching begins at `since_ms`: from then on a silence counts."""
        self.watches = {key_of(bound): Watch(bound) for bound in bounds}
        self._newest = link(self.watches.values())
        self._listeners: dict[str, Listeners] = {}
        for watch in self.watches.values():
            for point in watch.bound.listens_to:
                self._listeners.setdefault(point, Listeners()).add(watch)
        self.tick(since_ms)

    def take(self, readings: Iterable[Reading]) -> list["Moved"]:
        """Judge readings; what was raised or cleared, in order."""
        moved: list[Moved] = []
        for reading in readings:
            if (newest := self._newest.get(reading.point)) is not None:
                newest.add(reading)
            if (listeners := self._listeners.get(reading.point)) is not None:
                for watch, transition in listeners.take(reading):
                    moved.append(Moved(watch.bound, transition))
        return moved

    def tick(self, now_ms: int) -> list["Moved"]:
        """Time has passed without readings."""
        return [
            Moved(watch.bound, transition)
            for watch in self.watches.values()
            if watch.bound.is_timed
            for transition in watch.elapse(now_ms)
        ]

    def saved(self) -> Mapping[RuleKey, RuleState]:
        """The states that differ from normal."""
        return {key: watch.state for key, watch in self.watches.items() if watch.state != NORMAL}

    def resume(self, saved: Mapping[RuleKey, RuleState]) -> None:
        """Go on from saved states; one whose rule is gone is left out."""
        for key, state in saved.items():
            if key in self.watches:
                self.watches[key].state = state


class Moved(NamedTuple):
    """A transition and whose it is."""

    bound: BoundRule
    transition: Transition


def key_of(bound: BoundRule) -> RuleKey:
    """By which a rule on a point is known."""
    return bound.point, bound.rule.rule


def link(watches: Iterable[Watch]) -> dict[str, Newest]:
    """Give each watch its inputs and suppressors; returns the points whose newest readings must be kept."""
    watches, newest = list(watches), dict[str, Newest]()
    by_rule: dict[tuple[str, str], list[Watch]] = {}
    for watch in watches:
        by_rule.setdefault((_device(watch), watch.bound.rule.rule), []).append(watch)
    for watch in watches:
        if not watch.bound.is_timed:
            watch.inputs = [newest.setdefault(point, Newest()) for point in watch.bound.inputs]
        watch.suppressors = [
            other
            for name in watch.bound.rule.suppressed_by
            for other in by_rule.get((_device(watch), name), ())
        ]
    return newest


def _device(watch: Watch) -> str:
    return watch.bound.point.partition("/")[0]
