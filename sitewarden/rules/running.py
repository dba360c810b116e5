"""Rules at work on points: whose readings move them, what else they look at, what holds them back. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.rules.binding import is_limit, suppressors_of
from sitewarden.rules.conditions import Inputs
from sitewarden.rules.engine import NORMAL, Gate, RuleState, Transition, elapse, shifted, step
from sitewarden.rules.model import Bad, BoundRule

RuleKey = tuple[str, str]
"""Point and rule."""
_GOOD = Quality.GOOD
LONGEST_SHELF_MS = 24 * 3_600_000
"""Nobody holds an alarm back for longer than a day without saying so again."""


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

    def as_of(self, at_ms: int, *, is_akin: bool = False) -> Reading | None:
        """The newest strictly before the instant; of the same sensor (`is_akin`) up to it."""
        if self.now is not None and (self.now.at_ms < at_ms or (is_akin and self.now.at_ms == at_ms)):
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
        self.is_moved_by_values = not bound.is_timed and not isinstance(bound.rule.condition, Bad)
        self._stood: tuple[int, int] = (0, 0)
        """From when to when the last episode stood."""

    def step(self, at_ms: int, value: float | None, quality: Quality) -> Sequence[Transition]:
        """Take a reading; almost always nothing comes of it."""
        moved: Sequence[Transition] = ()
        if self._is_timed:
            if at_ms == self.state.memory.at_ms:
                return moved  # the device has answered at this instant already
            moved = self.elapse(at_ms)
        inputs: Inputs = ()
        if self.inputs:
            pairs = zip(self.inputs, self.bound.is_akin, strict=True)
            inputs = [newest.as_of(at_ms, is_akin=is_akin) for newest, is_akin in pairs]
        gated = self.is_out_of_service
        if self.suppressors or self.shelved_until_ms:
            gated = self.gate(at_ms) is not None
        self.state, transition = step(
            self.bound, self.state, at_ms, value, quality, inputs=inputs, gated=gated
        )
        return moved if transition is None else (*moved, self._noted(transition))

    def elapse(self, now_ms: int) -> Sequence[Transition]:
        """Time has passed; only a rule that watches for silence cares."""
        gated = self.is_out_of_service or self.is_shelved(now_ms)
        self.state, transition = elapse(self.bound, self.state, now_ms, gated=gated)
        return () if transition is None else (self._noted(transition),)

    def gate(self, at_ms: int) -> Gate | None:
        """What holds a raise back at this instant."""
        if self.is_out_of_service:
            return "out-of-service"
        if self.is_shelved(at_ms):
            return "shelved"
        return "suppressed" if any(other.stood(at_ms) for other in self.suppressors) else None

    def is_shelved(self, at_ms: int) -> bool:
        """Whether somebody holds it back; never for longer than a day, whatever the clock has done since."""
        return 0 < self.shelved_until_ms - at_ms <= LONGEST_SHELF_MS

    def stood(self, at_ms: int) -> bool:
        """Whether its alarm stood just before the instant, whatever arrives at the instant itself.

        One that nobody hears, shelved or out of service, does not stand in another's way.
        """
        if self.is_out_of_service or self.is_shelved(at_ms):
            return False
        if self.state.is_active:
            return self.state.raised_at_ms < at_ms
        if self._is_timed and self.state.memory.at_ms + self.bound.limit * 1000 < at_ms:
            return self.state.memory.at_ms > 0  # due already, only nobody has looked
        return self._stood[0] < at_ms <= self._stood[1]

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: move the instants of what began since then."""
        self.state = shifted(self.state, by_ms, since_ms)
        self._stood = (0, 0)
        if self.shelved_until_ms:
            self.shelved_until_ms += by_ms

    def _noted(self, transition: Transition) -> Transition:
        if transition.change == "cleared":
            self._stood = transition.raised_at_ms, transition.at_ms
        return transition


class Listeners:
    """The rules that a point's readings move.

    A good value between the limits of rules none of which has begun to move is nothing to any of them, armed
    or not, nor to a rule that watches for bad readings: that is what nearly every reading is, and it costs
    two comparisons.
    """

    __slots__ = ("_above", "_below", "_calm", "_others")

    def __init__(self) -> None:
        self._calm: list[Watch] = []
        """Those to which such a value is nothing."""
        self._others: list[Watch] = []
        self._above, self._below = math.inf, -math.inf
        """Between these is calm; nowhere, until somebody has looked."""

    def add(self, watch: Watch) -> None:
        """One more rule."""
        condition = watch.bound.rule.condition
        is_calm = is_limit(condition) or isinstance(condition, Bad)
        (self._calm if is_calm else self._others).append(watch)

    def __bool__(self) -> bool:
        return bool(self._calm or self._others)

    def take(self, reading: Reading) -> "Sequence[tuple[Watch, Transition]]":
        """What the reading raises and clears."""
        _, at_ms, value, quality = reading
        moved: Sequence[tuple[Watch, Transition]] = ()
        if value is None or quality is not _GOOD or not self._above < value < self._below:
            moved = _stepped(self._calm, at_ms, value, quality)
            self._look()
        if self._others:
            moved = (*moved, *_stepped(self._others, at_ms, value, quality))
        return moved

    def miss(self, at_ms: int, quality: Quality) -> "Sequence[tuple[Watch, Transition]]":
        """The point was not read though it was due: nothing is known of it, and no return is seen through.

        That is no reading: what watches for bad ones or for silence is told by those, or by time.
        """
        watches = (watch for watch in (*self._calm, *self._others) if watch.is_moved_by_values)
        moved = _stepped(watches, at_ms, None, quality)
        self._look()
        return moved

    def _look(self) -> None:
        self._above, self._below = math.inf, -math.inf
        if all(watch.state is NORMAL for watch in self._calm):
            bounds = [watch.bound for watch in self._calm if is_limit(watch.bound.rule.condition)]
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
        for _, group in groupby(readings, key=attrgetter("at_ms")):
            instant = list(group)
            for reading in instant:
                if (newest := self._newest.get(reading.point)) is not None:
                    newest.add(reading)
            for reading in instant:
                if (listeners := self._listeners.get(reading.point)) is not None:
                    moved += (Moved(watch.bound, t) for watch, t in listeners.take(reading))
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

    def inputs(self) -> list[Reading]:
        """The readings of other points that rules still look at, older first."""
        kept = ((newest.before, newest.now) for newest in self._newest.values())
        return [reading for pair in kept for reading in pair if reading is not None]

    def resume(self, saved: Mapping[RuleKey, RuleState], inputs: Iterable[Reading] = ()) -> None:
        """Go on from saved states and inputs; what is of a rule that is gone is left out."""
        for reading in inputs:
            if reading.point in self._newest:
                self._newest[reading.point].add(reading)
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
    by_key = {key_of(watch.bound): watch for watch in watches}
    suppressing = [watch.bound for watch in watches]
    for watch in watches:
        if not watch.bound.is_timed:
            watch.inputs = [newest.setdefault(point, Newest()) for point in watch.bound.inputs]
        if watch.bound.rule.suppressed_by:
            found = suppressors_of(watch.bound, suppressing)
            watch.suppressors = [by_key[key_of(bound)] for bound in found]
    return newest
