"""Rules at work on points: whose readings move them, what else they look at, what holds them back. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.rules.engine import NORMAL, Gate, RuleState, Transition, elapse, step
from sitewarden.rules.model import BoundRule

RuleKey = tuple[str, str]
"""Point and rule."""


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
        self._stood: tuple[int, int] = (0, 0)
        """From when to when the last episode stood."""

    def step(self, at_ms: int, value: float | None, quality: Quality) -> list[Transition]:
        """Take a reading; almost always nothing comes of it."""
        bound, moved = self.bound, []
        if bound.is_timed:
            moved = self.elapse(at_ms)
        inputs = [newest.as_of(at_ms) for newest in self.inputs] if bound.arm or self.inputs else ()
        gated = self.is_gated(at_ms) if self.suppressors or self.shelved_until_ms else self.is_out_of_service
        self.state, transition = step(bound, self.state, at_ms, value, quality, inputs=inputs, gated=gated)
        return moved if transition is None else [*moved, self._noted(transition)]

    def elapse(self, now_ms: int) -> list[Transition]:
        """Time has passed; only a rule that watches for silence cares."""
        self.state, transition = elapse(self.bound, self.state, now_ms)
        return [] if transition is None else [self._noted(transition)]

    def gate(self, at_ms: int) -> Gate | None:
        """What holds a raise back at this instant."""
        if self.is_out_of_service:
            return "out-of-service"
        if at_ms < self.shelved_until_ms:
            return "shelved"
        return "suppressed" if any(other.stood(at_ms) for other in self.suppressors) else None

    def is_gated(self, at_ms: int) -> bool:
        """Whether anything does."""
        return self.gate(at_ms) is not None

    def stood(self, at_ms: int) -> bool:
        """Whether its alarm stood just before the instant, whatever arrives at the instant itself."""
        if self.state.is_active:
            return self.state.raised_at_ms < at_ms
        return self._stood[0] < at_ms <= self._stood[1]

    def _noted(self, transition: Transition) -> Transition:
        if transition.change == "cleared":
            self._stood = transition.raised_at_ms, transition.at_ms
        return transition


class Rules:
    """Every rule of some devices over a stream of readings in the order of their source times."""

    def __init__(self, bounds: Iterable[BoundRule], since_ms: int) -> None:
        """Watching begins at `since_ms`: from then on a silence counts."""
        self.watches = {key_of(bound): Watch(bound) for bound in bounds}
        self._newest = link(self.watches.values())
        self._listeners: dict[str, list[Watch]] = {}
        for watch in self.watches.values():
            for point in watch.bound.listens_to:
                self._listeners.setdefault(point, []).append(watch)
        self.tick(since_ms)

    def take(self, readings: Iterable[Reading]) -> list["Moved"]:
        """Judge readings; what was raised or cleared, in order."""
        moved: list[Moved] = []
        for reading in readings:
            if (newest := self._newest.get(reading.point)) is not None:
                newest.add(reading)
            for watch in self._listeners.get(reading.point, ()):
                moved += (
                    Moved(watch.bound, t) for t in watch.step(reading.at_ms, reading.value, reading.quality)
                )
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
