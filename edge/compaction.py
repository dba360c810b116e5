"""What old records become at rest: merged without loss, then thinned, then least and greatest. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

import msgspec

from sitewarden.messages import Alarm, Gap, Readings, Series, WorkCycle
from sitewarden.quality import Quality

POLLS = 300
"""Of one point in a merged record."""
READINGS = 6000
"""Of a merged record: 3 to 12 kB, so that on a line of 64 kbit/s it holds up an alarm for a second or so."""
SAME_CLOCK_MS = 500
"""Wall clock and boot's clock of records that may be merged went alike, but for so much."""
MINUTE_MS = 60_000
NEAR_MS = 60_000
"""Gaps so near each other, of one reason and the same points, are one."""
GAPS = 100
"""Of one record; beyond it the oldest grow together."""

Reason = Literal["thinned", "evicted", "damaged", "disk"]


class Kept(NamedTuple):
    """What remains of readings, and what says that the others are gone."""

    message: Readings
    gap: Gap | None


class _Columns(NamedTuple):
    t: list[int]
    """Instants."""
    x: list[float | None]
    q: list[Quality]

    @property
    def in_order(self) -> "_Columns":
        """The same by their instants."""
        if self.t == sorted(self.t):
            return self
        return self.at(sorted(range(len(self.t)), key=self.t.__getitem__))

    def at(self, indices: Iterable[int]) -> "_Columns":
        """The readings at those places."""
        indices = list(indices)
        t, x, q = ([column[i] for i in indices] for column in self)
        return _Columns(t, x, q)  # type: ignore[arg-type]


class Gathered:
    """Readings of messages that go together, by point."""

    def __init__(self, first: Readings) -> None:
        """Begins with a message; what it says beside its readings is said of all."""
        self._first = first
        self._columns: dict[str, _Columns] = {}
        self.cycles: list[WorkCycle] = []
        """Of all messages: however few readings remain, a lift is a lift."""
        self.add(first)

    def add(self, message: Readings) -> None:
        """Take the readings of one more message."""
        at = message.at
        self.cycles += message.cycles
        for series in message.series:
            columns = self._columns.get(series.p)
            if columns is None:
                columns = self._columns[series.p] = _Columns([], [], [])
            columns.t.extend([at + t for t in series.t])
            columns.x.extend(series.x)
            columns.q.extend([Quality.GOOD] * len(series.t) if series.q is None else series.q)

    def columns(self) -> dict[str, _Columns]:
        """All by point, in the order of their instants."""
        return {point: columns.in_order for point, columns in self._columns.items()}

    def merged(self) -> Iterator[Readings]:
        """The same as back-fill in few messages, points that were read together side by side."""
        columns, cycles = self.columns(), self.cycles
        for points in _portions(columns):
            yield _made_of(self._first, {point: columns[point] for point in points}, cycles)
            cycles = []


def polls(message: Readings) -> int:
    """How many instants the point with the most has."""
    return max((len(series.t) for series in message.series), default=0)


def go_together(one: Readings, other: Readings) -> bool:
    """Whether two records may be merged: all that they say beside their readings is the same."""
    if (one.boot, one.clock, one.moved_ms) != (other.boot, other.clock, other.moved_ms):
        return False
    if one.gaps or other.gaps or (one.mono is None) != (other.mono is None):
        return False
    if one.mono is None or other.mono is None:
        return True
    return abs((one.at - one.mono) - (other.at - other.mono)) <= SAME_CLOCK_MS


def merged(messages: Sequence[Readings]) -> Iterator[Readings]:
    """Messages that go together as few."""
    return _gathered(messages).merged()


def thinned(message: Readings) -> Kept:
    """Every second poll of each point."""
    columns = _gathered([message]).columns()
    kept = {point: _Columns(c.t[::2], c.x[::2], c.q[::2]) for point, c in columns.items()}
    gone = {point: c.t[1::2] for point, c in columns.items()}
    return Kept(_made_of(message, kept, message.cycles), gap_of(gone, "thinned"))


def aggregated(messages: Sequence[Readings]) -> Kept:
    """Of each point and minute the least, the greatest and the first of each bad quality, when they were."""
    kept: dict[str, _Columns] = {}
    gone: dict[str, list[int]] = {}
    gathered = _gathered(messages)
    for point, columns in gathered.columns().items():
        chosen = sorted(_telling(columns))
        kept[point] = columns.at(chosen)
        rest = set(range(len(columns.t))).difference(chosen)
        gone[point] = [columns.t[i] for i in rest]
    return Kept(_made_of(messages[0], kept, gathered.cycles), gap_of(gone, "thinned"))


def parted(messages: Sequence[Readings]) -> tuple[Readings, Readings] | None:
    """The readings before the last minute of all, and those of it, which may go on; nothing without both."""
    gathered = _gathered(messages)
    columns = gathered.columns()
    minute_ms = max((c.t[-1] for c in columns.values() if c.t), default=0) // MINUTE_MS * MINUTE_MS
    before, of_last = (
        {
            point: c.at([i for i, t in enumerate(c.t) if (t < minute_ms) == is_before])
            for point, c in columns.items()
        }
        for is_before in (True, False)
    )
    if not any(c.t for c in before.values()):
        return None
    return _made_of(messages[0], before, gathered.cycles), _made_of(messages[0], of_last, [])


def gap_of(gone: Mapping[str, Sequence[int]], reason: Reason) -> Gap | None:
    """The gap that instants leave, by point."""
    instants = [instant for of_point in gone.values() for instant in of_point]
    if not instants:
        return None
    points = sorted(point for point, of_point in gone.items() if of_point)
    return Gap(from_at=min(instants), to_at=max(instants), count=len(instants), reason=reason, points=points)


def gap_left_by(messages: Iterable[Readings], reason: Reason) -> list[Gap]:
    """What must be said where messages are given up; gaps that they told of are not forgotten."""
    left: list[Gap] = []
    for message in messages:
        left += message.gaps
        gone = {point: columns.t for point, columns in _gathered([message]).columns().items()}
        gap = gap_of(gone, reason)
        left += [gap] if gap is not None else []
    return left


def coalesced(gaps: Iterable[Gap]) -> list[Gap]:
    """The same gaps, fewer: near ones of one kind are one, and beyond a number the oldest grow together."""
    found: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: (gap.reason, gap.points, gap.from_at)):
        last = found[-1] if found else None
        if last is not None and _is_near(last, gap):
            found[-1] = _grown(last, gap)
        else:
            found.append(gap)
    if len(found) <= GAPS:
        return found
    # Neighbours of a reason, whatever their points: less exact, and nothing is silent.
    by_reason = groupby(sorted(found, key=lambda gap: (gap.reason, gap.from_at)), lambda gap: gap.reason)
    return [gap for _, group in by_reason for gap in _grown_together(list(group), GAPS // 4)]


def moved(message: Readings | Alarm, by_ms: int) -> Readings | Alarm:
    """The message with its instants put right.

    What a device or its logger had kept was dated by a clock of theirs (no `mono`), and nobody has set that.
    """
    if isinstance(message, Readings) and message.hist and message.mono is None and not message.gaps:
        return message
    instants: dict[str, object] = {"at": message.at + by_ms, "moved_ms": message.moved_ms + by_ms}
    # What an earlier boot of the machine dated stays: its clock was another.
    began_ms = message.at - message.mono if message.mono is not None else 0
    if isinstance(message, Alarm):
        names = ("raised_at", "cleared_at", "acknowledged_at")
        known = {name: at for name in names if (at := getattr(message, name)) is not None}
        instants |= {name: at + by_ms for name, at in known.items() if at >= began_ms}
    else:
        instants["gaps"] = [
            msgspec.structs.replace(gap, from_at=gap.from_at + by_ms, to_at=gap.to_at + by_ms)
            for gap in message.gaps
        ]
        instants["cycles"] = [_moved_cycle(cycle, by_ms, began_ms) for cycle in message.cycles]
    return msgspec.structs.replace(message, **instants)


def _moved_cycle(cycle: WorkCycle, by_ms: int, began_ms: int) -> WorkCycle:
    started_at, ended_at = (at + by_ms if at >= began_ms else at for at in (cycle.started_at, cycle.ended_at))
    return msgspec.structs.replace(cycle, started_at=started_at, ended_at=max(started_at, ended_at))


def _gathered(messages: Sequence[Readings]) -> Gathered:
    gathered = Gathered(messages[0])
    for message in messages[1:]:
        gathered.add(message)
    return gathered


def _portions(columns: Mapping[str, _Columns]) -> Iterator[list[str]]:
    """Points by messages: those of the same instants side by side, not too many readings in one."""
    together: dict[tuple[int, ...], list[str]] = {}
    for point, of_point in columns.items():
        together.setdefault(tuple(of_point.t), []).append(point)
    portion: list[str] = []
    size = 0
    for instants, points in together.items():
        for point in points:
            if portion and size + len(instants) > READINGS:
                yield portion
                portion, size = [], 0
            portion.append(point)
            size += len(instants)
    if portion:
        yield portion


def _made_of(first: Readings, columns: Mapping[str, _Columns], cycles: list[WorkCycle]) -> Readings:
    """A message like `first` with other readings and lifts; its instants count from the first reading."""
    at = min((c.t[0] for c in columns.values() if c.t), default=first.at)
    series = [
        Series(p=point, t=[t - at for t in c.t], x=c.x, q=c.q if any(c.q) else None)
        for point, c in columns.items()
        if c.t
    ]
    mono = None if first.mono is None else first.mono + at - first.at
    return msgspec.structs.replace(first, at=at, mono=mono, series=series, cycles=cycles, hist=True)


def _telling(columns: _Columns) -> set[int]:
    """The indices of the readings that a minute cannot do without."""
    least: dict[int, int] = {}
    greatest: dict[int, int] = {}
    first_bad: dict[tuple[int, Quality], int] = {}
    x = columns.x
    for i, (t, value, quality) in enumerate(zip(*columns, strict=True)):
        minute = t // MINUTE_MS
        if quality is not Quality.GOOD or value is None:
            first_bad.setdefault((minute, quality), i)
            continue
        if minute not in least:
            least[minute] = greatest[minute] = i
        elif value < (x[least[minute]] or 0.0):
            least[minute] = i
        elif value > (x[greatest[minute]] or 0.0):
            greatest[minute] = i
    return {*least.values(), *greatest.values(), *first_bad.values()}


def _is_near(one: Gap, next_one: Gap) -> bool:
    is_alike = (one.reason, one.points) == (next_one.reason, next_one.points)
    return is_alike and next_one.from_at <= one.to_at + NEAR_MS


def _grown(one: Gap, other: Gap) -> Gap:
    return Gap(
        from_at=min(one.from_at, other.from_at),
        to_at=max(one.to_at, other.to_at),
        count=one.count + other.count,
        reason=one.reason,
        points=one.points if one.points == other.points else _either(one.points, other.points),
    )


def _either(some: list[str], others: list[str]) -> list[str]:
    """Points of either; none named means all."""
    return sorted({*some, *others}) if some and others else []


def _grown_together(gaps: list[Gap], most: int) -> list[Gap]:
    while len(gaps) > most:
        gaps[:2] = [_grown(gaps[0], gaps[1])]
    return gaps
