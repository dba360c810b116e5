"""The same judgement over arrays: a history at once instead of reading by reading.

What a condition says of every reading is found in whole-array passes; the way of the alarm is then walked
over the runs of equal verdicts, of which there are few. `engine` is the definition; a property test holds the
two together for every condition and every cut.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from sitewarden.quality import Quality
from sitewarden.rules import conditions
from sitewarden.rules.binding import suppressors_of
from sitewarden.rules.conditions import NOTHING, Memory, Verdict
from sitewarden.rules.engine import DELAY_SLACK_MS, NORMAL, Phase, RuleState, Transition, worse
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

Codes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Instants = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

BACK, HELD, BEYOND, UNKNOWN = (np.uint8(verdict) for verdict in Verdict)


BLOCK = 65_536
"""Readings that are looked at together; their values fill half a megabyte of cache."""


class Track(NamedTuple):
    """The readings of one point, oldest first."""

    times: Instants
    """Source times, UTC milliseconds, ascending."""
    values: Floats
    """NaN where there is none."""
    quality: Codes
    """`Quality`; a NaN is never good."""

    @classmethod
    def of(
        cls,
        times: npt.ArrayLike,
        values: npt.ArrayLike,
        quality: npt.ArrayLike | None = None,
    ) -> "Track":
        """Checked; raises `ValueError` where times step back or lengths differ."""
        instants = np.asarray(times, dtype=np.int64)
        numbers = np.asarray(values, dtype=np.float64)
        codes = np.zeros(len(instants), np.uint8) if quality is None else np.array(quality, np.uint8)
        if not len(instants) == len(numbers) == len(codes):
            raise ValueError("times, values and quality differ in length")
        if len(instants) > 1 and bool((instants[1:] < instants[:-1]).any()):
            raise ValueError("times step back")
        codes[np.isnan(numbers) & (codes == Quality.GOOD)] = Quality.NOT_A_NUMBER
        return cls(instants, numbers, codes)

    def between(self, since_ms: int, until_ms: int) -> "Track":
        """The readings of a time range, both ends included; views, not copies."""
        first, last = np.searchsorted(self.times, since_ms), np.searchsorted(self.times, until_ms, "right")
        return Track(self.times[first:last], self.values[first:last], self.quality[first:last])


EMPTY = Track(np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint8))
PIECE = 65_536
"""Readings that `scan_all` judges between two calls of `spend`."""
SLOPES = 4
"""Where a slope is asked for, which takes up to 0.1 ms a reading, this part of a piece."""
Gates = Sequence[tuple[int, int]]
"""Time ranges, both ends included, in which a raise is withheld; ascending, no two overlapping."""


class _Seen(NamedTuple):
    """What every reading of a track says."""

    times: Instants
    codes: Codes
    compared: Floats
    memory: Memory


def scan(
    bound: BoundRule,
    tracks: Mapping[str, Track],
    *,
    since_ms: int,
    until_ms: int,
    state: RuleState = NORMAL,
    gates: Gates = (),
) -> tuple[list[Transition], RuleState]:
    """Every transition of a rule over the readings from `since_ms` to `until_ms`, and the state after them.

    `tracks` holds the rule's points, whole: other points are looked at before `since_ms` as well. To go on
    with a later range give the returned state.
    """
    own = tracks.get(bound.point, EMPTY).between(since_ms, until_ms)
    is_normal, is_plain = state.phase is Phase.NORMAL, isinstance(bound.rule.condition, High | Low)
    # Only what is beyond leaves the normal state, and mostly nothing is.
    if is_normal and is_plain and _is_calm(bound, own.values):
        return [], _resting(state.memory)
    if isinstance(bound.rule.condition, Stale):
        seen = _stale(bound, state.memory, tracks, since_ms, until_ms)
    else:
        seen = _OBSERVE[type(bound.rule.condition)](bound, state.memory, own, tracks)
        if bound.arm and not isinstance(bound.rule.condition, Frozen):
            seen = _armed(bound, seen, tracks)
    if is_normal and not is_plain and not (seen.codes == BEYOND).any():
        return [], _resting(seen.memory)
    return _Walk(bound, seen, gates).walk(state)


def scan_all(
    bounds: Iterable[BoundRule],
    tracks: Mapping[str, Track],
    *,
    since_ms: int,
    until_ms: int,
    spend: Callable[[int], None] = lambda _: None,
) -> dict[tuple[str, str], list[Transition]]:
    """The transitions of many rules by (point, rule); a suppressed rule sees when its suppressors stood.

    `spend` is told after every piece of a rule how many transitions it gave, and may raise where that is
    enough.
    """
    bounds = list(bounds)
    done: dict[tuple[str, str], list[Transition]] = {}
    for bound in _suppressors_first(bounds):
        found = suppressors_of(bound, bounds) if bound.rule.suppressed_by else ()
        gates = _merged(gate for other in found for gate in _stood(done[_key(other)], until_ms))
        state, moved = NORMAL, list[Transition]()
        own = tracks.get(bound.point, EMPTY).between(since_ms, until_ms)
        for first_ms, last_ms in _pieces(bound, own.times, since_ms, until_ms):
            turns, state = scan(bound, tracks, since_ms=first_ms, until_ms=last_ms, state=state, gates=gates)
            moved += turns
            spend(len(turns))
        done[_key(bound)] = moved
    return done


def _pieces(bound: BoundRule, times: Instants, since_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
    """The range cut before every so manyth reading, or where its instant begins."""
    size = max(1, PIECE // SLOPES) if isinstance(bound.rule.condition, Rate) else PIECE
    first_ms = since_ms
    for at_ms in times[size::size].tolist():
        if at_ms > first_ms:
            yield first_ms, at_ms - 1
            first_ms = at_ms
    yield first_ms, until_ms


def _merged(gates: Iterable[tuple[int, int]]) -> Gates:
    found: list[tuple[int, int]] = []
    for since_ms, until_ms in sorted(gates):
        if found and since_ms <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], until_ms)
        else:
            found.append((since_ms, until_ms))
    return found


def _key(bound: BoundRule) -> tuple[str, str]:
    return bound.point, bound.rule.rule


def _suppressors_first(bounds: Iterable[BoundRule]) -> list[BoundRule]:
    waiting, ordered, names = list(bounds), list[BoundRule](), set[str]()
    while waiting:
        left = {bound.rule.rule for bound in waiting}
        ready = [bound for bound in waiting if not left.intersection(bound.rule.suppressed_by)]
        if not ready:
            raise ValueError(f"rules suppress one another in a circle: {', '.join(sorted(left))}")
        ordered += ready
        names |= {bound.rule.rule for bound in ready}
        waiting = [bound for bound in waiting if bound.rule.rule not in names]
    return ordered


def _stood(moved: Sequence[Transition], until_ms: int) -> Iterable[tuple[int, int]]:
    """From just after the raise to the clear itself: what `Watch.stood` says of single instants."""
    for i, transition in enumerate(moved):
        if transition.change == "raised":
            cleared = moved[i + 1].at_ms if i + 1 < len(moved) else until_ms
            yield transition.at_ms + 1, cleared


class _Walk:
    """The alarm's way, run of equal verdicts by run: what `engine.advance` does reading by reading."""

    def __init__(self, bound: BoundRule, seen: _Seen, gates: Gates) -> None:
        self._bound, self._gates = bound, gates
        self._times, self._codes, self._compared, self._memory = seen
        count = len(self._codes)
        changes = np.flatnonzero(self._codes[1:] != self._codes[:-1]) + 1 if count else np.empty(0, np.int64)
        starts = np.concatenate(([0], changes)) if count else changes
        self._firsts: list[int] = starts.tolist()
        self._lasts: list[int] = [*(changes - 1).tolist(), count - 1] if count else []
        self._verdicts: list[int] = self._codes[starts].tolist()
        self._beyonds: list[int] = np.flatnonzero(self._codes[starts] == BEYOND).tolist()
        self._backs: list[int] = np.flatnonzero(self._codes[starts] == BACK).tolist()
        self._moved: list[Transition] = []

    def walk(self, state: RuleState) -> tuple[list[Transition], RuleState]:
        run, runs = 0, len(self._firsts)
        while run < runs:
            if state.phase is Phase.NORMAL:
                # Only a run beyond the limit leaves the normal state.
                following = bisect_left(self._beyonds, run)
                if following == len(self._beyonds):
                    break
                run = self._beyonds[following]
            elif state.phase is Phase.ACTIVE and self._verdicts[run] != Verdict.BACK:
                run, state = self._stays(state, run)
                continue
            state = self._take(state, self._verdicts[run], self._firsts[run], self._lasts[run])
            run += 1
        if state.phase is Phase.NORMAL:
            return self._moved, _resting(self._memory)
        return self._moved, msgspec.structs.replace(state, memory=self._memory)

    def _stays(self, state: RuleState, run: int) -> tuple[int, RuleState]:
        """Until a run that is back inside nothing but the peak of a standing alarm can change."""
        following = bisect_left(self._backs, run)
        back = self._backs[following] if following < len(self._backs) else len(self._firsts)
        first, last = self._firsts[run], self._lasts[back - 1]
        return back, self._at(state, Phase.ACTIVE, first, last)

    def _take(self, state: RuleState, verdict: int, first: int, last: int) -> RuleState:
        if verdict == Verdict.BEYOND:
            if not state.is_active:
                return self._beyond(state, first, last)
            return self._at(state, Phase.ACTIVE, first, last)
        if verdict == Verdict.UNKNOWN:
            return _moved(state, Phase.ACTIVE) if state.phase is Phase.RETURNING else state
        if verdict == Verdict.HELD:
            if not state.is_active:
                return state
            return self._at(state, state.phase if state.phase is Phase.LATCHED else Phase.ACTIVE, first, last)
        return self._back(state, first, last) if state.is_active else NORMAL

    def _beyond(self, state: RuleState, first: int, last: int) -> RuleState:
        bound, times = self._bound, self._times
        running = state.phase is Phase.PENDING
        since_ms = state.since_ms if running else int(times[first])
        raise_at = self._first_at(since_ms + bound.on_delay_ms - DELAY_SLACK_MS, first, last)
        while raise_at <= last and (until_ms := self._gated_until(int(times[raise_at]))) is not None:
            raise_at = self._first_at(until_ms + 1, raise_at, last)
        peak = self._worst(first, min(raise_at, last), state.peak if running else None)
        if raise_at > last:
            return RuleState(Phase.PENDING, since_ms, 0, peak)
        at_ms = int(times[raise_at])
        self._moved.append(Transition("raised", at_ms, float(self._compared[raise_at]), peak, at_ms))
        raised = RuleState(Phase.ACTIVE, 0, at_ms, peak)
        return self._at(raised, Phase.ACTIVE, raise_at + 1, last) if raise_at < last else raised

    def _back(self, state: RuleState, first: int, last: int) -> RuleState:
        bound, times = self._bound, self._times
        if state.phase is Phase.LATCHED:
            return self._at(state, Phase.LATCHED, first, last)
        since_ms = state.since_ms if state.phase is Phase.RETURNING else int(times[first])
        clear_at = self._first_at(since_ms + bound.off_delay_ms - DELAY_SLACK_MS, first, last)
        if clear_at > last:
            return msgspec.structs.replace(self._at(state, Phase.RETURNING, first, last), since_ms=since_ms)
        if bound.rule.latching and not state.is_acknowledged:
            return self._at(state, Phase.LATCHED, first, last)
        peak, at_ms = self._worst(first, clear_at, state.peak), int(times[clear_at])
        self._moved.append(
            Transition("cleared", at_ms, float(self._compared[clear_at]), peak, state.raised_at_ms)
        )
        return NORMAL

    def _at(self, state: RuleState, phase: Phase, first: int, last: int) -> RuleState:
        return _moved(state, phase, self._worst(first, last, state.peak))

    def _first_at(self, at_ms: int, first: int, last: int) -> int:
        """The first reading of the run that is not before the instant; `last + 1` where none is."""
        return first + int(np.searchsorted(self._times[first : last + 1], at_ms))

    def _gated_until(self, at_ms: int) -> int | None:
        place = bisect_right(self._gates, at_ms, key=itemgetter(0))
        if not place or self._gates[place - 1][1] < at_ms:
            return None
        return self._gates[place - 1][1]

    def _worst(self, first: int, last: int, before: float | None) -> float:
        part, codes, bound = self._compared[first : last + 1], self._codes[first : last + 1], self._bound
        known = codes != UNKNOWN
        if not known.all():
            part = part[known]
        if not len(part):
            return bound.limit if before is None else before
        if bound.low is not None:
            found = worse(bound, float(part.max()), float(part.min()))
        else:
            found = float(part.max() if bound.high else part.min())
        return found if before is None else worse(bound, before, found)


def _resting(memory: Memory) -> RuleState:
    return NORMAL if memory == NOTHING else RuleState(memory=memory)


def _moved(state: RuleState, phase: Phase, peak: float | None = None) -> RuleState:
    return RuleState(
        phase, 0, state.raised_at_ms, state.peak if peak is None else peak, state.is_acknowledged
    )


def _armed(bound: BoundRule, seen: _Seen, tracks: Mapping[str, Track]) -> _Seen:
    """Where it is not armed the alarm is over; where nobody can say, nothing is known."""
    asked = np.flatnonzero((seen.codes == HELD) | (seen.codes == BEYOND))
    if not len(asked):
        return seen
    false, unknown = _arming(bound, seen.times[asked], tracks)
    codes = seen.codes.copy()
    codes[asked[unknown & ~false]] = UNKNOWN
    codes[asked[false]] = BACK
    return seen._replace(codes=codes)


def _arming(bound: BoundRule, times: Instants, tracks: Mapping[str, Track]) -> tuple[Bools, Bools]:
    """For each instant: whether an arming condition does not hold, and whether one cannot be told."""
    false, unknown = np.zeros(len(times), bool), np.zeros(len(times), bool)
    for arming in bound.arm:
        track = tracks.get(bound.inputs[arming.index], EMPTY)
        values, known = _as_of(track, times, arming.max_age_ms, is_akin=bound.is_akin[arming.index])
        values = np.abs(values) if arming.magnitude else values
        outside = np.zeros(len(times), bool)
        if arming.at_least is not None:
            outside |= values < arming.at_least
        if arming.at_most is not None:
            outside |= values > arming.at_most
        false |= known & outside
        unknown |= ~known
    return false, unknown


def _as_of(
    track: Track, times: Instants, max_age_ms: int | None, *, is_akin: bool = False
) -> tuple[Floats, Bools]:
    """The newest value strictly before each instant (of the same sensor: up to it); if it can be believed."""
    if not len(track.times):
        return np.zeros(len(times)), np.zeros(len(times), bool)
    index = np.searchsorted(track.times, times, "right" if is_akin else "left") - 1
    before = np.maximum(index, 0)
    known = (index >= 0) & (track.quality[before] == Quality.GOOD)
    if max_age_ms is not None:
        known &= times - track.times[before] <= max_age_ms
    return track.values[before], known


def _is_calm(bound: BoundRule, values: Floats) -> bool:
    """Whether no value, not even a bad one, is beyond the limit; ends at the first block that has one."""
    is_beyond = np.greater_equal if bound.high else np.less_equal
    is_magnitude = isinstance(bound.rule.condition, High) and bound.rule.condition.magnitude
    for first in range(0, len(values), BLOCK):
        part = values[first : first + BLOCK]
        if is_beyond(np.abs(part) if is_magnitude else part, bound.limit).any():
            return False
    return True


def _levels(bound: BoundRule, values: Floats, quality: Codes) -> Codes:
    """Limit and dead-band over an array, block by block: to look again at what is cached costs little."""
    is_beyond, is_back = (np.greater_equal, np.less) if bound.high else (np.less_equal, np.greater)
    codes, back = np.empty(len(values), np.uint8), np.empty(BLOCK, np.bool_)
    for first in range(0, len(values), BLOCK):
        part, told = values[first : first + BLOCK], codes[first : first + BLOCK]
        is_beyond(part, bound.limit, out=told.view(np.bool_))
        is_back(part, bound.clear_at, out=back[: len(part)])
        told += HELD
        told -= back[: len(part)].view(np.uint8)
        _unknown_where_bad(told, quality[first : first + BLOCK])
    return codes


def _unknown_where_bad(codes: Codes, quality: Codes) -> Codes:
    if quality.any():
        codes[quality != Quality.GOOD] = UNKNOWN
    return codes


def _limit(bound: BoundRule, memory: Memory, own: Track, tracks: Mapping[str, Track]) -> _Seen:
    condition = bound.rule.condition
    values = np.abs(own.values) if isinstance(condition, High) and condition.magnitude else own.values
    return _Seen(own.times, _levels(bound, values, own.quality), values, memory)


def _band(bound: BoundRule, memory: Memory, own: Track, tracks: Mapping[str, Track]) -> _Seen:
    values, low = own.values, bound.limit if bound.low is None else bound.low
    beyond = (values >= bound.limit) | (values <= low)
    inside = (values > low + bound.rule.dead_band) & (values < bound.clear_at)
    codes = np.where(beyond, BEYOND, np.where(inside, BACK, HELD))
    return _Seen(own.times, _unknown_where_bad(codes, own.quality), values, memory)


def _rate(bound: BoundRule, memory: Memory, own: Track, tracks: Mapping[str, Track]) -> _Seen:
    """A slope is found where a reading is kept, by the engine's own function; until the next it holds."""
    good = np.flatnonzero(own.quality == Quality.GOOD)
    times, spacing_ms = own.times[good], conditions.spacing_ms(bound)
    kept_at, verdicts, slopes = [0], [int(memory.verdict)], [memory.value]
    i = 0
    while i < len(good):
        at_ms = int(times[i])
        if memory.kept and 0 <= at_ms - memory.kept[-1][0] < spacing_ms:
            i = int(np.searchsorted(times, memory.kept[-1][0] + spacing_ms))
            continue
        seen = conditions.rate_of(bound, memory, at_ms, float(own.values[good[i]]))
        memory = seen.memory
        kept_at.append(int(good[i]))
        verdicts.append(int(seen.verdict))
        slopes.append(memory.value)
        i += 1
    lengths = np.diff([*kept_at, len(own.times)])
    codes = np.repeat(np.array(verdicts, np.uint8), lengths)
    return _Seen(
        own.times, _unknown_where_bad(codes, own.quality), np.repeat(np.array(slopes), lengths), memory
    )


def _consecutive(bound: BoundRule, memory: Memory, own: Track, tracks: Mapping[str, Track]) -> _Seen:
    condition = bound.rule.condition
    assert isinstance(condition, Consecutive)  # noqa: S101  chosen by this type
    values = np.abs(own.values) if condition.magnitude else own.values
    good = np.flatnonzero(own.quality == Quality.GOOD)
    rounds = _rounds(own.times[good], memory.at_ms, round(condition.every_s * 1000))
    counted = good[rounds]
    near = values[counted] >= round(condition.fraction * bound.limit, 9)
    index = np.arange(len(counted))
    # How many in a row: the distance to the last one that was not near, and what was counted before.
    last_far = np.maximum.accumulate(np.where(near, -1, index)) if len(counted) else index
    counts = np.where(last_far < 0, index + 1 + memory.count, index - last_far)
    told = np.where(near, np.where(counts >= condition.times, BEYOND, HELD), BACK).astype(np.uint8)
    starts = np.concatenate(([0], counted))
    lengths = np.diff([*starts.tolist(), len(own.times)])
    codes = np.repeat(np.concatenate(([np.uint8(memory.verdict)], told)), lengths)
    if len(counted):
        count = min(int(counts[-1]), condition.times) if near[-1] else 0
        memory = Memory(at_ms=int(own.times[counted[-1]]), count=count, verdict=Verdict(int(told[-1])))
    return _Seen(own.times, _unknown_where_bad(codes, own.quality), values, memory)


def _rounds(times: Instants, last_ms: int, every_ms: int) -> Instants:
    """Which readings are counted: the first, and then each that is a round after the last one counted."""
    if not every_ms:
        return np.arange(len(times))
    counted, due_ms = list[int](), last_ms + every_ms if last_ms else 0
    while (i := int(np.searchsorted(times, due_ms))) < len(times):
        counted.append(i)
        due_ms = int(times[i]) + every_ms
    return np.array(counted, np.int64)


def _stale(
    bound: BoundRule, memory: Memory, tracks: Mapping[str, Track], since_ms: int, until_ms: int
) -> _Seen:
    """The instants at which a silence was due, dated as by `engine.elapse`, among the good readings."""
    parts = [tracks[point].between(since_ms, until_ms) for point in bound.listens_to if point in tracks]
    goods = [_good_times(part) for part in parts] or [EMPTY.times]
    good = goods[0] if len(goods) == 1 else np.unique(np.concatenate(goods))
    last_ms, limit_ms = memory.at_ms or since_ms, round(bound.limit * 1000)
    instants = np.concatenate((np.array([last_ms], np.int64), good, np.array([until_ms], np.int64)))
    silent_ms = instants[1:] - instants[:-1]
    silences = np.flatnonzero(silent_ms > limit_ms)
    # Numbers are made floating ones by themselves: on the way of a division that takes longer.
    codes, compared = np.zeros(len(good), np.uint8), silent_ms[:-1].astype(np.float64) / 1000
    memory = Memory(at_ms=int(instants[-2]))
    if not len(silences):
        return _Seen(good, codes, compared, memory)
    return _Seen(
        np.insert(good, silences, instants[silences] + limit_ms),
        np.insert(codes, silences, BEYOND),
        np.insert(compared, silences, bound.limit),
        memory,
    )


def _good_times(track: Track) -> Instants:
    return track.times[track.quality == Quality.GOOD] if track.quality.any() else track.times


def _bad(bound: BoundRule, memory: Memory, own: Track, tracks: Mapping[str, Track]) -> _Seen:
    condition = bound.rule.condition
    assert isinstance(condition, Bad)  # noqa: S101
    codes, compared = np.zeros(len(own.times), np.uint8), np.zeros(len(own.times))
    bad = np.flatnonzero(own.quality != Quality.GOOD)
    if not len(bad):
        return _Seen(own.times, codes, compared, NOTHING if len(own.times) else memory)
    is_named = np.zeros(256, np.bool_)
    is_named[[quality for quality in Quality if quality.word in condition.any_of]] = True
    told = bad[is_named[own.quality[bad]]]
    codes[bad], codes[told] = UNKNOWN, BEYOND
    # Stretches between good readings, by the good ones before; each counts from its first of a named quality.
    stretches = told - np.searchsorted(bad, told)
    found, firsts = np.unique(stretches, return_index=True)
    since = own.times[told[firsts]]
    if len(found) and found[0] == 0 and memory.at_ms:
        since[0] = memory.at_ms
    compared[told] = (own.times[told] - since[np.searchsorted(found, stretches)]) / 1000
    tail = len(own.times) - len(bad)
    if len(found) and found[-1] == tail:
        memory = Memory(at_ms=int(since[-1]))
    elif tail:
        memory = NOTHING
    return _Seen(own.times, codes, compared, memory)


def _frozen(bound: BoundRule, memory: Memory, own: Track, tracks: Mapping[str, Track]) -> _Seen:
    condition = bound.rule.condition
    assert isinstance(condition, Frozen)  # noqa: S101
    good = np.flatnonzero(own.quality == Quality.GOOD)
    codes = np.full(len(own.times), UNKNOWN)
    compared = np.zeros(len(own.times))
    if not len(good):
        interrupted = msgspec.structs.replace(memory, verdict=Verdict.UNKNOWN) if len(own.times) else memory
        return _Seen(own.times, codes, compared, interrupted)
    times, values = own.times[good], own.values[good]
    false, unknown = _arming(bound, times, tracks)
    moved, anchor = _movements(values, memory, condition.tolerance)
    # Only time between two good readings counts, while the rule is armed, and no gap that alone would do.
    gaps = np.diff(times, prepend=memory.at_ms)
    counts = ~false & ~unknown & (gaps < bound.limit * 500)
    counts[1:] &= np.diff(good) == 1
    counts[0] &= memory.verdict is not Verdict.UNKNOWN and good[0] == 0
    still = np.cumsum(np.where(counts & ~moved, gaps, 0))
    starts = np.maximum.accumulate(np.where(moved, np.arange(len(good)), -1))
    still_ms = np.where(starts < 0, still + memory.count, still - still[np.maximum(starts, 0)])
    long = still_ms >= bound.limit * 1000
    told = np.where(unknown & ~false & ~moved, UNKNOWN, np.where(~long, BACK, np.where(false, HELD, BEYOND)))
    codes[good], compared[good] = told, still_ms / 1000
    is_interrupted = good[-1] + 1 < len(own.times)
    memory = Memory(
        at_ms=int(times[-1]),
        value=float(anchor),
        count=int(still_ms[-1]),
        verdict=Verdict.UNKNOWN if is_interrupted else Verdict.BACK,
    )
    return _Seen(own.times, codes, compared, memory)


def _movements(values: Floats, memory: Memory, tolerance: float) -> tuple[Bools, float]:
    """Where a value left the tolerance about its anchor, and the last anchor."""
    if not tolerance:
        before = np.concatenate(([memory.value], values[:-1]))
        moved = values != before
        moved[0] |= not memory.at_ms
        return moved, float(values[-1])
    moved, anchor = np.zeros(len(values), bool), memory.value if memory.at_ms else float("inf")
    for i, value in enumerate(values.tolist()):
        if abs(value - anchor) > tolerance:
            moved[i], anchor = True, value
    return moved, anchor


def _jump(bound: BoundRule, memory: Memory, own: Track, tracks: Mapping[str, Track]) -> _Seen:
    condition = bound.rule.condition
    assert isinstance(condition, Jump)  # noqa: S101
    good = np.flatnonzero(own.quality == Quality.GOOD)
    codes = np.where(own.quality == Quality.JUMP, BEYOND, UNKNOWN).astype(np.uint8)
    compared = np.full(len(own.times), bound.limit)
    if not len(good):
        return _Seen(own.times, codes, compared, memory)
    times, values = own.times[good], own.values[good]
    since_ms = np.diff(times, prepend=memory.at_ms)
    near = since_ms <= round(condition.within_s * 1000)
    near[0] &= memory.at_ms > 0
    steps = np.where(near, np.round(np.abs(np.diff(values, prepend=memory.value)), 9), 0.0)
    codes[good], compared[good] = np.where(steps > bound.limit, BEYOND, BACK), steps
    return _Seen(own.times, codes, compared, Memory(at_ms=int(times[-1]), value=float(values[-1])))


def _bit(bound: BoundRule, memory: Memory, own: Track, tracks: Mapping[str, Track]) -> _Seen:
    condition = bound.rule.condition
    assert isinstance(condition, Bit)  # noqa: S101
    bits = np.nan_to_num(own.values).astype(np.int64) >> condition.bit & 1
    codes = np.where(bits == condition.value, BEYOND, BACK).astype(np.uint8)
    return _Seen(own.times, _unknown_where_bad(codes, own.quality), bits.astype(np.float64), memory)


def _count(bound: BoundRule, memory: Memory, own: Track, tracks: Mapping[str, Track]) -> _Seen:
    condition = bound.rule.condition
    assert isinstance(condition, Count)  # noqa: S101
    good = np.flatnonzero(own.quality == Quality.GOOD)
    codes, compared = np.full(len(own.times), UNKNOWN), np.zeros(len(own.times))
    if not len(good):
        return _Seen(own.times, codes, compared, memory)
    times, window_ms = own.times[good], round(condition.window_s * 1000)
    levels = _levels(bound, own.values[good], own.quality[good])
    # Within the dead-band it is still what it was before.
    known = np.maximum.accumulate(np.where(levels == HELD, -1, np.arange(len(good))))
    was = memory.verdict is Verdict.BEYOND
    beyond = np.where(known < 0, was, levels[np.maximum(known, 0)] == BEYOND)
    crossings = times[np.flatnonzero(beyond & ~np.concatenate(([was], beyond[:-1])))]
    events = np.concatenate((np.array([at_ms for at_ms, _ in memory.kept], np.int64), crossings))
    counts = np.searchsorted(events, times, "right") - np.searchsorted(events, times - window_ms, "right")
    counts = np.minimum(counts, condition.times)
    codes[good], compared[good] = np.where(counts >= condition.times, BEYOND, BACK), counts
    last_ms = int(times[-1])
    kept = [(int(at_ms), 0.0) for at_ms in events[-condition.times :] if at_ms > last_ms - window_ms]
    verdict = Verdict.BEYOND if beyond[-1] else Verdict.BACK
    return _Seen(own.times, codes, compared, Memory(kept=tuple(kept), verdict=verdict))


def _vote(bound: BoundRule, memory: Memory, own: Track, tracks: Mapping[str, Track]) -> _Seen:
    condition = bound.rule.condition
    assert isinstance(condition, Vote)  # noqa: S101
    codes = _levels(bound, own.values, own.quality)
    asked = np.flatnonzero(codes == BEYOND)
    sure, possible = np.ones(len(asked), np.int64), np.ones(len(asked), np.int64)
    for i in range(len({arming.index for arming in bound.arm}), len(bound.inputs)):
        track = tracks.get(bound.inputs[i], EMPTY)
        values, known = _as_of(track, own.times[asked], None, is_akin=bound.is_akin[i])
        sure += known & (values >= bound.limit)
        possible += ~known | (values >= bound.limit)
    enough = np.where(
        sure >= condition.at_least, BEYOND, np.where(possible >= condition.at_least, UNKNOWN, BACK)
    )
    codes[asked] = enough
    return _Seen(own.times, codes, own.values, memory)


_OBSERVE: dict[type[Condition], Callable[[BoundRule, Memory, Track, Mapping[str, Track]], _Seen]] = {
    High: _limit,
    Low: _limit,
    Band: _band,
    Rate: _rate,
    Consecutive: _consecutive,
    Bad: _bad,
    Frozen: _frozen,
    Jump: _jump,
    Bit: _bit,
    Count: _count,
    Vote: _vote,
}
