"""What one reading says about a condition: back inside, within the dead-band, beyond, or nothing. Pure.

Each condition is a function of the reading and of what it remembers; the delays and the alarm itself are the
engine's. `scan` says the same over arrays, and a property test holds the two together.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum
from math import fsum
from typing import NamedTuple

import msgspec

from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.rules.model import (
    Bad,
    Band,
    Bit,
    BoundRule,
    Condition,
    Consecutive,
    Count,
    Frozen,
    High,
    Jump,
    Low,
    Rate,
    Stale,
    Vote,
)

KEPT = 64
"""Readings that a window remembers."""
SPANNED = 0.5
"""A rate is told once its readings span this part of its window."""


class Verdict(IntEnum):
    """What a reading says."""

    BACK = 0
    """Inside the limit, past the dead-band."""
    HELD = 1
    """Inside the limit, within the dead-band: neither raises nor clears."""
    BEYOND = 2
    UNKNOWN = 3
    """Not good enough to say anything: changes nothing, and breaks off a return."""


BACK, HELD, BEYOND, UNKNOWN = Verdict


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a condition remembers between two readings; each uses the fields that it needs."""

    at_ms: int = 0
    """The last good reading, or the last one that was counted."""
    value: float = 0.0
    count: int = 0
    """Readings in a row, or the milliseconds that a value has stood still."""
    kept: tuple[tuple[int, float], ...] = ()
    """The readings of a window, or with value 0 the instants of what is counted."""
    verdict: Verdict = UNKNOWN
    """Of the last reading that was looked at closely; it holds for those between."""


NOTHING = Memory()


class Seen(NamedTuple):
    """What a reading says, the number that is compared, and what is remembered from it."""

    verdict: Verdict
    compared: float
    memory: Memory


Inputs = Sequence[Reading | None]
"""The newest readings of `BoundRule.inputs`: of the same sensor up to the judged instant, of others strictly
before it, so that the order in which the answers of one instant arrive changes nothing."""


def observe(
    bound: BoundRule, memory: Memory, at_ms: int, value: float | None, quality: Quality, inputs: Inputs = ()
) -> Seen:
    """What the reading says of the rule's condition, its arming included."""
    is_good = value is not None and quality is Quality.GOOD
    seen = _OBSERVE[type(bound.rule.condition)](
        bound, memory, at_ms, value if is_good else None, quality, inputs
    )
    if not bound.arm or seen.verdict is UNKNOWN or isinstance(bound.rule.condition, Frozen):
        return seen  # what stands still sees to its arming itself
    armed = is_armed(bound, at_ms, inputs)
    if armed is False:
        return Seen(BACK, seen.compared, seen.memory)
    # What is back inside is so whether the rule is armed or not.
    return seen if armed or seen.verdict is BACK else seen._replace(verdict=UNKNOWN)


def is_armed(bound: BoundRule, at_ms: int, inputs: Inputs) -> bool | None:
    """Whether every arming condition holds; `None` where nobody can say."""
    known: bool | None = True
    for arming in bound.arm:
        reading = inputs[arming.index]
        if reading is None or not reading.is_good or at_ms - reading.at_ms > arming.max_age_ms:
            known = None
            continue
        value = abs(reading.value or 0.0) if arming.magnitude else reading.value or 0.0
        if (arming.at_least is not None and value < arming.at_least) or (
            arming.at_most is not None and value > arming.at_most
        ):
            return False
    return known


def level(bound: BoundRule, value: float) -> Verdict:
    """Of a number against limit and dead-band."""
    if bound.high:
        return BEYOND if value >= bound.limit else BACK if value < bound.clear_at else HELD
    return BEYOND if value <= bound.limit else BACK if value > bound.clear_at else HELD


def _limit(
    bound: BoundRule, memory: Memory, at_ms: int, value: float | None, quality: Quality, inputs: Inputs
) -> Seen:
    if value is None:
        return Seen(UNKNOWN, 0.0, memory)
    if isinstance(bound.rule.condition, High) and bound.rule.condition.magnitude:
        value = abs(value)
    return Seen(level(bound, value), value, memory)


def _band(
    bound: BoundRule, memory: Memory, at_ms: int, value: float | None, quality: Quality, inputs: Inputs
) -> Seen:
    if value is None:
        return Seen(UNKNOWN, 0.0, memory)
    return Seen(band(bound, value), value, memory)


def band(bound: BoundRule, value: float) -> Verdict:
    """Of a number against both ends."""
    low = bound.limit if bound.low is None else bound.low
    if value >= bound.limit or value <= low:
        return BEYOND
    is_inside = low + bound.rule.dead_band < value < bound.clear_at
    return BACK if is_inside else HELD


def _rate(
    bound: BoundRule, memory: Memory, at_ms: int, value: float | None, quality: Quality, inputs: Inputs
) -> Seen:
    if value is None:
        return Seen(UNKNOWN, memory.value, memory)
    if memory.kept and 0 <= at_ms - memory.kept[-1][0] < spacing_ms(bound):
        return Seen(memory.verdict, memory.value, memory)
    return rate_of(bound, memory, at_ms, value)


def spacing_ms(bound: BoundRule) -> int:
    """How far apart the readings of a window are kept."""
    condition = bound.rule.condition
    assert isinstance(condition, Rate)  # noqa: S101  only a rate asks
    return max(1, round(condition.window_s * 1000) // KEPT)


def rate_of(bound: BoundRule, memory: Memory, at_ms: int, value: float) -> Seen:
    """Take a reading into the window and tell the slope, in the kind's unit per `per_s`."""
    condition = bound.rule.condition
    assert isinstance(condition, Rate)  # noqa: S101
    window_ms = round(condition.window_s * 1000)
    # One dated later than this was dated by a clock that has been set back since.
    kept = (*(k for k in memory.kept if at_ms - window_ms <= k[0] < at_ms), (at_ms, value))
    if len(kept) < condition.at_least or at_ms - kept[0][0] < SPANNED * window_ms:
        return Seen(UNKNOWN, 0.0, Memory(kept=kept))
    slope = round(slope_per_ms(kept) * condition.per_s * 1000, 9)
    compared = abs(slope) if condition.direction == "either" else slope
    verdict = level(bound, compared)
    return Seen(verdict, compared, Memory(value=compared, kept=kept, verdict=verdict))


def slope_per_ms(kept: Sequence[tuple[int, float]]) -> float:
    """Of the least-squares line; the same whatever the order of summing."""
    middle_ms = fsum(at_ms for at_ms, _ in kept) / len(kept)
    middle = fsum(value for _, value in kept) / len(kept)
    across = fsum((at_ms - middle_ms) ** 2 for at_ms, _ in kept)
    return fsum((at_ms - middle_ms) * (value - middle) for at_ms, value in kept) / across


def _consecutive(
    bound: BoundRule, memory: Memory, at_ms: int, value: float | None, quality: Quality, inputs: Inputs
) -> Seen:
    condition = bound.rule.condition
    assert isinstance(condition, Consecutive)  # noqa: S101
    if value is None:
        return Seen(UNKNOWN, memory.value, memory)
    compared = abs(value) if condition.magnitude else value
    if memory.at_ms and 0 <= at_ms - memory.at_ms < round(condition.every_s * 1000):
        return Seen(memory.verdict, compared, memory)
    is_near = compared >= round(condition.fraction * bound.limit, 9)
    count = memory.count + 1 if is_near else 0
    verdict = BACK if not is_near else BEYOND if count >= condition.times else HELD
    return Seen(verdict, compared, Memory(at_ms=at_ms, count=min(count, condition.times), verdict=verdict))


def _stale(
    bound: BoundRule, memory: Memory, at_ms: int, value: float | None, quality: Quality, inputs: Inputs
) -> Seen:
    if value is None:
        return Seen(UNKNOWN, 0.0, memory)
    # A good reading that is dated before the last one is as good.
    silent_s = max(0, at_ms - (memory.at_ms or at_ms)) / 1000
    return Seen(BACK, silent_s, Memory(at_ms=at_ms))


def _bad(
    bound: BoundRule, memory: Memory, at_ms: int, value: float | None, quality: Quality, inputs: Inputs
) -> Seen:
    condition = bound.rule.condition
    assert isinstance(condition, Bad)  # noqa: S101
    if value is not None:
        return Seen(BACK, 0.0, NOTHING)
    if quality.word not in condition.any_of:
        return Seen(UNKNOWN, 0.0, memory)
    since_ms = memory.at_ms if 0 < memory.at_ms <= at_ms else at_ms
    return Seen(BEYOND, (at_ms - since_ms) / 1000, Memory(at_ms=since_ms))


def _frozen(
    bound: BoundRule, memory: Memory, at_ms: int, value: float | None, quality: Quality, inputs: Inputs
) -> Seen:
    condition = bound.rule.condition
    assert isinstance(condition, Frozen)  # noqa: S101
    if value is None:
        return Seen(UNKNOWN, 0.0, memory if memory.verdict is UNKNOWN else _interrupted(memory))
    is_still = memory.at_ms and abs(value - memory.value) <= condition.tolerance and at_ms >= memory.at_ms
    if not is_still:
        return Seen(BACK, 0.0, Memory(at_ms=at_ms, value=value, verdict=BACK))
    # Only time between two good readings counts, while the rule is armed, and no gap that alone would do.
    gap_ms, armed = at_ms - memory.at_ms, is_armed(bound, at_ms, inputs)
    counts = armed and memory.verdict is not UNKNOWN and gap_ms < bound.limit * 500
    still_ms = memory.count + gap_ms * bool(counts)
    now = Memory(at_ms=at_ms, value=memory.value, count=still_ms, verdict=BACK)
    if armed is None:
        return Seen(UNKNOWN, still_ms / 1000, now)
    # Where the rule is not armed the sensor is as dead as it was.
    is_long = still_ms >= bound.limit * 1000
    verdict = BACK if not is_long else BEYOND if armed else HELD
    return Seen(verdict, still_ms / 1000, now)


def _interrupted(memory: Memory) -> Memory:
    return msgspec.structs.replace(memory, verdict=UNKNOWN)


def _jump(
    bound: BoundRule, memory: Memory, at_ms: int, value: float | None, quality: Quality, inputs: Inputs
) -> Seen:
    condition = bound.rule.condition
    assert isinstance(condition, Jump)  # noqa: S101
    if value is None:
        # The gateway has seen the jump itself, by the device's profile.
        return Seen(BEYOND if quality is Quality.JUMP else UNKNOWN, bound.limit, memory)
    since_ms = at_ms - memory.at_ms
    is_near = memory.at_ms and 0 <= since_ms <= round(condition.within_s * 1000)
    step = round(abs(value - memory.value), 9) if is_near else 0.0
    return Seen(BEYOND if step > bound.limit else BACK, step, Memory(at_ms=at_ms, value=value))


def _bit(
    bound: BoundRule, memory: Memory, at_ms: int, value: float | None, quality: Quality, inputs: Inputs
) -> Seen:
    condition = bound.rule.condition
    assert isinstance(condition, Bit)  # noqa: S101
    if value is None:
        return Seen(UNKNOWN, 0.0, memory)
    bit = int(value) >> condition.bit & 1
    return Seen(BEYOND if bit == condition.value else BACK, float(bit), memory)


def _count(
    bound: BoundRule, memory: Memory, at_ms: int, value: float | None, quality: Quality, inputs: Inputs
) -> Seen:
    condition = bound.rule.condition
    assert isinstance(condition, Count)  # noqa: S101
    if value is None:
        return Seen(UNKNOWN, float(len(memory.kept)), memory)
    since_ms = at_ms - round(condition.window_s * 1000)
    verdict = level(bound, value)
    was_beyond = memory.verdict in (BEYOND, HELD)
    # Within the dead-band it is still the same crossing.
    is_beyond = verdict is BEYOND or (verdict is HELD and was_beyond)
    kept = tuple(k for k in memory.kept if since_ms < k[0] <= at_ms)
    if is_beyond and not was_beyond:
        kept = (*kept, (at_ms, 0.0))[-condition.times :]
    told = BEYOND if len(kept) >= condition.times else BACK
    return Seen(told, float(len(kept)), Memory(kept=kept, verdict=BEYOND if is_beyond else BACK))


def _vote(
    bound: BoundRule, memory: Memory, at_ms: int, value: float | None, quality: Quality, inputs: Inputs
) -> Seen:
    condition = bound.rule.condition
    assert isinstance(condition, Vote)  # noqa: S101
    if value is None:
        return Seen(UNKNOWN, 0.0, memory)
    verdict = level(bound, value)
    if verdict is not BEYOND:
        return Seen(verdict, value, memory)
    others = inputs[len({arming.index for arming in bound.arm}) :]
    beyond = 1 + sum(o is not None and o.is_good and (o.value or 0.0) >= bound.limit for o in others)
    unknown = sum(o is None or not o.is_good for o in others)
    if beyond >= condition.at_least:
        return Seen(BEYOND, value, memory)
    return Seen(UNKNOWN if beyond + unknown >= condition.at_least else BACK, value, memory)


_OBSERVE: dict[type[Condition], Callable[[BoundRule, Memory, int, float | None, Quality, Inputs], Seen]] = {
    High: _limit,
    Low: _limit,
    Band: _band,
    Rate: _rate,
    Consecutive: _consecutive,
    Stale: _stale,
    Bad: _bad,
    Frozen: _frozen,
    Jump: _jump,
    Bit: _bit,
    Count: _count,
    Vote: _vote,
}
