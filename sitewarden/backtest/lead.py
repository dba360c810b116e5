"""Lead time: how long before a higher limit was reached the lower level had warned."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

import msgspec
import numpy as np
from numpy.typing import NDArray

from sitewarden.backtest.episodes import Episode
from sitewarden.history import Track
from sitewarden.quality import Quality


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of a danger on one point, and the alarms that it gave."""

    rule: str
    level: int
    limit: float
    high: bool
    """Whether beyond is above."""
    magnitude: bool = False
    """Whether the value is judged without its sign."""
    episodes: Sequence[Episode]
    """In order of time."""


class LeadTime(msgspec.Struct, frozen=True, kw_only=True):
    """How a level warned of the next one of the same danger on the same point."""

    point: str
    family: str
    rule: str
    """That warned."""
    level: int
    of_rule: str
    """Of whose limit it warned."""
    of_level: int
    of_limit: float
    leads_ms: list[int]
    """A warning each that the limit followed upon: from its raise to the first reading beyond the limit.
    Negative where the limit was passed before the warning's delay had run."""
    not_reached: int
    """Warnings that ended, or stand, without the limit being reached."""
    unwarned: int
    """Alarms of the higher level before which no warning stood."""
    least_ms: int | None
    """The shortest lead; `None` where the limit was never reached after a warning."""
    median_ms: float | None
    """The usual lead."""


def lead_times(point: str, family: str, steps: Sequence[Step], track: Track) -> list[LeadTime]:
    """The lead of each level over the next one; steps of one direction of one family on one point.

    Where several steps have one level, the one whose limit is reached first speaks for it.
    """
    return [_lead(point, family, lower, higher, track) for lower, higher in _ladder(steps)]


def _ladder(steps: Sequence[Step]) -> Iterator[tuple[Step, Step]]:
    for high in (True, False):
        nearest: dict[int, Step] = {}
        for step in sorted(
            (s for s in steps if s.high is high), key=lambda s: (s.level, s.limit if high else -s.limit)
        ):
            nearest.setdefault(step.level, step)
        yield from pairwise(nearest.values())


def _lead(point: str, family: str, lower: Step, higher: Step, track: Track) -> LeadTime:
    good = track.quality == Quality.GOOD
    reached = np.flatnonzero(good & _beyond(track, higher))
    inside = np.flatnonzero(good & ~_beyond(track, lower))
    leads, not_reached, earliest = list[int](), 0, 0
    for episode in lower.episodes:
        raised = int(np.searchsorted(track.times, episode.raised_at))
        # The danger began before the warning: with the first reading of the run that raised it.
        begun = max(_after_last(inside, raised), earliest)
        earliest = int(np.searchsorted(track.times, episode.ends_at, side="right"))
        first = int(np.searchsorted(reached, begun))
        if first < reached.size and reached[first] < earliest:
            leads.append(int(track.times[reached[first]]) - episode.raised_at)
        else:
            not_reached += 1
    return LeadTime(
        point=point,
        family=family,
        rule=lower.rule,
        level=lower.level,
        of_rule=higher.rule,
        of_level=higher.level,
        of_limit=higher.limit,
        leads_ms=leads,
        not_reached=not_reached,
        unwarned=sum(not _is_warned(alarm, lower.episodes) for alarm in higher.episodes),
        least_ms=min(leads, default=None),
        median_ms=median(leads) if leads else None,
    )


def _beyond(track: Track, step: Step) -> NDArray[np.bool_]:
    # Not a number is beyond nothing.
    values = np.abs(track.values) if step.magnitude else track.values
    return values >= step.limit if step.high else values <= step.limit


def _after_last(inside: NDArray[np.int64], before: int) -> int:
    """The place behind the last of `inside` that lies before `before`."""
    place = int(np.searchsorted(inside, before))
    return int(inside[place - 1]) + 1 if place else 0


def _is_warned(alarm: Episode, warnings: Sequence[Episode]) -> bool:
    """Whether the last warning before stood still; warnings of one rule never overlap."""
    place = bisect_right(warnings, alarm.raised_at, key=_raised_at)
    return place > 0 and warnings[place - 1].ends_at >= alarm.raised_at


def _raised_at(episode: Episode) -> int:
    return episode.raised_at
