"""The judgement: one reading at a time, no clock and no I/O, the same live, in a back-test and in a replay.

Only readings move it, and for a silence the time that has passed. A delay ends at the first reading that is
old enough, a silence at the very instant it was due; so cutting a history differently, or running it faster,
cannot change what is raised.
"""

from enum import IntEnum, StrEnum
from typing import Literal

import msgspec

from sitewarden.quality import Quality
from sitewarden.rules.conditions import (
    BACK,
    BEYOND,
    HELD,
    NOTHING,
    UNKNOWN,
    Inputs,
    Memory,
    Seen,
    observe,
)
from sitewarden.rules.model import BoundRule

DELAY_SLACK_MS = 20
"""Source times jitter by milliseconds around the polling grid; without this a delay of whole intervals would
take one interval more, every other time."""


FUTURE_MS = 3_600_000
"""A reading that lies so far ahead was dated by a wrong clock. Whoever asks for silences may lag behind by
minutes, for slow devices."""


class Phase(IntEnum):
    """Where a rule stands on one point."""

    NORMAL = 0
    PENDING = 1
    """Beyond the limit, the on-delay runs."""
    ACTIVE = 2
    RETURNING = 3
    """Back inside, the off-delay runs; still an active alarm."""
    LATCHED = 4
    """Back inside for good; an alarm still, until somebody acknowledges it."""


class RuleState(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that the engine remembers between two readings; can be saved and given back."""

    phase: Phase = Phase.NORMAL
    since_ms: int = 0
    """When the running delay began."""
    raised_at_ms: int = 0
    peak: float = 0.0
    """The worst value since the limit was first passed."""
    is_acknowledged: bool = False
    memory: Memory = NOTHING

    @property
    def is_active(self) -> bool:
        """Whether an alarm stands."""
        return self.phase >= Phase.ACTIVE

    @property
    def is_beyond(self) -> bool:
        """Whether the danger of a standing alarm goes on, as far as anybody knows."""
        return self.phase is Phase.ACTIVE


NORMAL = RuleState()
_GOOD = Quality.GOOD


class Transition(msgspec.Struct, frozen=True):
    """An alarm raised or cleared."""

    change: Literal["raised", "cleared"]
    at_ms: int
    value: float
    """What was compared: the value, a slope, seconds of silence, a count."""
    peak: float
    raised_at_ms: int


_UNMOVED: tuple[RuleState, Transition | None] = (NORMAL, None)
"""What nearly every reading comes to."""


def step(
    bound: BoundRule,
    state: RuleState,
    at_ms: int,
    value: float | None,
    quality: Quality = Quality.GOOD,
    *,
    inputs: Inputs = (),
    gated: bool = False,
) -> tuple[RuleState, Transition | None]:
    """What a reading makes of the state.

    A reading that says nothing changes nothing but this: it breaks off a return to normal, for bad quality
    never clears an alarm and an off-delay must be seen through with good readings. `gated` (shelved,
    suppressed, out of service) withholds a raise and ends none; its on-delay goes on.
    """
    if not bound.is_plain:
        if bound.is_timed and (value is None or quality is not _GOOD or at_ms == state.memory.at_ms):
            return (
                state,
                None,
            )  # a bad reading neither is a silence nor ends one, nor is a second good one news
        seen = observe(bound, state.memory, at_ms, value, quality, inputs)
        return advance(bound, state, at_ms, seen, gated=gated)
    if value is None or quality is not _GOOD:
        return advance(bound, state, at_ms, _NOTHING_SEEN, gated=gated)
    # The short way of a plain limit; `observe` would say the same.
    beyond = value >= bound.limit if bound.high else value <= bound.limit
    if not beyond and state is NORMAL:
        return _UNMOVED
    is_back = value < bound.clear_at if bound.high else value > bound.clear_at
    verdict = BEYOND if beyond else BACK if is_back else HELD
    return advance(bound, state, at_ms, Seen(verdict, value, NOTHING), gated=gated)


_NOTHING_SEEN = Seen(UNKNOWN, 0.0, NOTHING)


def elapse(
    bound: BoundRule, state: RuleState, now_ms: int, *, gated: bool = False
) -> tuple[RuleState, Transition | None]:
    """What time alone makes of a rule that watches for silence; asked before each of its readings as well.

    The alarm is dated at the instant at which the silence was too long, however late anybody looked.
    """
    last_ms = state.memory.at_ms
    if not last_ms:
        return msgspec.structs.replace(state, memory=Memory(at_ms=now_ms)), None
    limit_ms = round(bound.limit * 1000)
    if last_ms > now_ms + FUTURE_MS:
        # Dated by a clock that was wrong: it must not hide a silence until that day has come.
        return msgspec.structs.replace(state, memory=Memory(at_ms=now_ms)), None
    due_ms = last_ms + limit_ms
    if state.phase is Phase.ACTIVE or now_ms <= due_ms or (gated and not state.is_active):
        return state, None
    return advance(bound, state, due_ms, Seen(BEYOND, bound.limit, state.memory))


def acknowledge(state: RuleState, at_ms: int) -> tuple[RuleState, Transition | None]:
    """Somebody knows of the standing alarm; one that is only latched ends by it."""
    if not state.is_active:
        return state, None
    if state.phase is Phase.LATCHED:
        return _normal(state.memory), Transition("cleared", at_ms, state.peak, state.peak, state.raised_at_ms)
    return msgspec.structs.replace(state, is_acknowledged=True), None


def unacknowledged(state: RuleState) -> RuleState:
    """What somebody knew of a standing alarm holds no more; one that latches waits for somebody anew."""
    return msgspec.structs.replace(state, is_acknowledged=False) if state.is_acknowledged else state


def advance(
    bound: BoundRule, state: RuleState, at_ms: int, seen: Seen, *, gated: bool = False
) -> tuple[RuleState, Transition | None]:
    """The alarm's way from what a reading says; delays, latching and gating serve every condition alike."""
    verdict, _, memory = seen
    if state.phase >= Phase.ACTIVE:
        return _advance_active(bound, state, at_ms, seen)
    if verdict is BEYOND:
        return _advance_beyond(bound, state, at_ms, seen, gated=gated)
    # A load that swings about its limit must not begin its delay anew with every swing.
    if state.phase is Phase.PENDING and verdict is not BACK:
        return _with_memory(state, memory), None
    return _normal(memory), None


def _advance_beyond(
    bound: BoundRule, state: RuleState, at_ms: int, seen: Seen, *, gated: bool
) -> tuple[RuleState, Transition | None]:
    _, compared, memory = seen
    # A clock that was set back must not stretch a delay for an hour: it begins anew.
    running = state.phase is Phase.PENDING and at_ms >= state.since_ms
    since_ms = state.since_ms if running else at_ms
    peak = worse(bound, state.peak, compared) if running else compared
    if gated or at_ms - since_ms + DELAY_SLACK_MS < bound.on_delay_ms:
        return RuleState(Phase.PENDING, since_ms, 0, peak, memory=memory), None
    raised = RuleState(Phase.ACTIVE, 0, at_ms, peak, memory=memory)
    return raised, Transition("raised", at_ms, compared, peak, at_ms)


def _advance_active(
    bound: BoundRule, state: RuleState, at_ms: int, seen: Seen
) -> tuple[RuleState, Transition | None]:
    verdict, compared, memory = seen
    if verdict is UNKNOWN:
        phase = Phase.ACTIVE if state.phase is Phase.RETURNING else state.phase
        return _still_active(state, phase, 0, state.peak, memory), None
    peak = worse(bound, state.peak, compared)
    if verdict is not BACK and not (verdict is HELD and state.phase is Phase.LATCHED):
        return _still_active(state, Phase.ACTIVE, 0, peak, memory), None
    if state.phase is Phase.LATCHED:
        return _still_active(state, Phase.LATCHED, 0, peak, memory), None
    running = state.phase is Phase.RETURNING and at_ms >= state.since_ms
    since_ms = state.since_ms if running else at_ms
    if at_ms - since_ms + DELAY_SLACK_MS < bound.off_delay_ms:
        return _still_active(state, Phase.RETURNING, since_ms, peak, memory), None
    if bound.rule.latching and not state.is_acknowledged:
        return _still_active(state, Phase.LATCHED, 0, peak, memory), None
    return _normal(memory), Transition("cleared", at_ms, compared, peak, state.raised_at_ms)


def shifted(state: RuleState, by_ms: int, since_ms: int) -> RuleState:
    """The state after the clock was set: whatever it dated since `since_ms` has moved."""

    def moved(at_ms: int) -> int:
        return at_ms + by_ms if at_ms >= since_ms else at_ms

    memory = state.memory
    if memory is not NOTHING:
        kept = tuple((moved(at_ms), value) for at_ms, value in memory.kept)
        memory = msgspec.structs.replace(memory, at_ms=moved(memory.at_ms), kept=kept)
    if state.phase is Phase.NORMAL and memory is state.memory:
        return state
    return msgspec.structs.replace(
        state, since_ms=moved(state.since_ms), raised_at_ms=moved(state.raised_at_ms), memory=memory
    )


def _still_active(state: RuleState, phase: Phase, since_ms: int, peak: float, memory: Memory) -> RuleState:
    made = (phase, since_ms, peak, memory)
    if made == (state.phase, state.since_ms, state.peak, state.memory):
        return state
    return RuleState(phase, since_ms, state.raised_at_ms, peak, state.is_acknowledged, memory)


def _normal(memory: Memory) -> RuleState:
    return NORMAL if memory is NOTHING else RuleState(memory=memory)


def _with_memory(state: RuleState, memory: Memory) -> RuleState:
    return state if state.memory is memory else msgspec.structs.replace(state, memory=memory)


def worse(bound: BoundRule, one: float, other: float) -> float:
    """Of two compared numbers; of a band the one further outside."""
    low = bound.low
    if low is not None:
        # Of two as far outside the larger, so that the order of looking says nothing.
        return max(one, other, key=lambda value: (max(value - bound.limit, low - value), value))
    return max(one, other) if bound.high else min(one, other)


STEP_OF_LIMIT = 0.1
"""By this part of its limit a value is clearly worse, where the rule has no dead-band."""
_DUST = 1e-9


def is_clearly_worse(bound: BoundRule, before: float, now: float) -> bool:
    """Whether the second of two compared numbers is worse by the dead-band or more, not by a tremble."""
    gained = _beyond_by(bound, now) - _beyond_by(bound, before)
    return gained > _DUST and gained + _DUST >= (bound.rule.dead_band or abs(bound.limit) * STEP_OF_LIMIT)


def _beyond_by(bound: BoundRule, compared: float) -> float:
    if bound.low is not None:
        return max(compared - bound.limit, bound.low - compared)
    return compared - bound.limit if bound.high else bound.limit - compared


class AlarmStatus(StrEnum):
    """The state of an alarm as ANSI/ISA-18.2 names it."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    LATCHED_UNACKNOWLEDGED = "latched-unacknowledged"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed-by-design"
    OUT_OF_SERVICE = "out-of-service"


Gate = Literal["shelved", "suppressed", "out-of-service"]
_GATED = {
    "shelved": AlarmStatus.SHELVED,
    "suppressed": AlarmStatus.SUPPRESSED,
    "out-of-service": AlarmStatus.OUT_OF_SERVICE,
}


def status_of(state: RuleState, gate: Gate | None = None) -> AlarmStatus:
    """Where the alarm stands for people.

    One that has cleared unacknowledged is normal here: its episode stays in the list, ended and not
    acknowledged, which the standard calls 'returned to normal, unacknowledged'.
    """
    if gate is not None:
        return _GATED[gate]
    if not state.is_active:
        return AlarmStatus.NORMAL
    if state.phase is Phase.LATCHED:
        return AlarmStatus.LATCHED_UNACKNOWLEDGED
    return AlarmStatus.ACKNOWLEDGED if state.is_acknowledged else AlarmStatus.UNACKNOWLEDGED
