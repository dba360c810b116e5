"""The judgement: one reading at a time, no clock and no I/O, the same live, in a back-test and in a replay.

Only readings move it. A delay ends at the first reading that is old enough, so cutting a history differently,
or running it faster, cannot change what is raised.
"""

from enum import IntEnum
from typing import Literal

import msgspec

from sitewarden.quality import Quality
from sitewarden.rules.model import BoundRule

DELAY_SLACK_MS = 20
"""Source times jitter by milliseconds around the polling grid; without this a delay of whole intervals would
take one interval more, every other time."""


class Phase(IntEnum):
    """Where a rule stands on one point."""

    NORMAL = 0
    PENDING = 1
    """Beyond the limit, the on-delay runs."""
    ACTIVE = 2
    RETURNING = 3
    """Back inside, the off-delay runs; still an active alarm."""


class RuleState(msgspec.Struct, frozen=True):
    """All that the engine remembers between two readings; can be saved and given back."""

    phase: Phase = Phase.NORMAL
    since_ms: int = 0
    """When the running delay began."""
    raised_at_ms: int = 0
    peak: float = 0.0
    """The worst value since the limit was first passed."""

    @property
    def is_active(self) -> bool:
        """Whether an alarm stands."""
        return self.phase >= Phase.ACTIVE


NORMAL = RuleState()
_GOOD = Quality.GOOD


class Transition(msgspec.Struct, frozen=True):
    """An alarm raised or cleared."""

    change: Literal["raised", "cleared"]
    at_ms: int
    value: float
    peak: float
    raised_at_ms: int


_UNMOVED: tuple[RuleState, Transition | None] = (NORMAL, None)
"""What nearly every reading comes to."""


def step(
    bound: BoundRule, state: RuleState, at_ms: int, value: float | None, quality: Quality = Quality.GOOD
) -> tuple[RuleState, Transition | None]:
    """What a reading makes of the state.

    A reading that is not good changes nothing but this: it breaks off a return to normal, for bad quality
    never clears an alarm and an off-delay must be seen through with good readings.
    """
    if value is None or quality is not _GOOD:
        if state.phase is Phase.RETURNING:
            return msgspec.structs.replace(state, phase=Phase.ACTIVE, since_ms=at_ms), None
        return state, None
    beyond = value >= bound.limit if bound.high else value <= bound.limit
    if not beyond and state is NORMAL:
        return _UNMOVED
    if state.phase >= Phase.ACTIVE:
        return _step_active(bound, state, at_ms, value)
    if not beyond:
        # A load that swings about its limit must not begin its delay anew with every swing.
        is_held = state.phase is Phase.PENDING and not _is_back(bound, value)
        return (state if is_held else NORMAL), None
    return _step_beyond(bound, state, at_ms, value)


def _step_beyond(
    bound: BoundRule, state: RuleState, at_ms: int, value: float
) -> tuple[RuleState, Transition | None]:
    # A clock that was set back must not stretch a delay for an hour: it begins anew.
    running = state.phase is Phase.PENDING and at_ms >= state.since_ms
    since_ms = state.since_ms if running else at_ms
    peak = _worse(bound, state.peak, value) if running else value
    if at_ms - since_ms + DELAY_SLACK_MS < bound.on_delay_ms:
        return RuleState(Phase.PENDING, since_ms, 0, peak), None
    return RuleState(Phase.ACTIVE, at_ms, at_ms, peak), Transition("raised", at_ms, value, peak, at_ms)


def _step_active(
    bound: BoundRule, state: RuleState, at_ms: int, value: float
) -> tuple[RuleState, Transition | None]:
    if not _is_back(bound, value):
        peak = _worse(bound, state.peak, value)
        if state.phase is Phase.ACTIVE and peak == state.peak:
            return state, None
        return RuleState(Phase.ACTIVE, at_ms, state.raised_at_ms, peak), None
    running = state.phase is Phase.RETURNING and at_ms >= state.since_ms
    since_ms = state.since_ms if running else at_ms
    if at_ms - since_ms + DELAY_SLACK_MS < bound.off_delay_ms:
        return RuleState(Phase.RETURNING, since_ms, state.raised_at_ms, state.peak), None
    return NORMAL, Transition("cleared", at_ms, value, state.peak, state.raised_at_ms)


def _is_back(bound: BoundRule, value: float) -> bool:
    return value < bound.clear_at if bound.high else value > bound.clear_at


def _worse(bound: BoundRule, one: float, other: float) -> float:
    return max(one, other) if bound.high else min(one, other)
