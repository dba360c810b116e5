"""Rules run straight over a history: the alarms that they give, and what could not be judged and why."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from sitewarden.backtest.binding import NotJudged, bind_device
from sitewarden.backtest.episodes import Episode, episodes_of, in_order
from sitewarden.backtest.lead import LeadTime, Step, lead_times
from sitewarden.backtest.silence import with_silences
from sitewarden.history import DevicePast, Track
from sitewarden.messages import Gap
from sitewarden.quality import Quality
from sitewarden.rules import scan
from sitewarden.rules.engine import Transition
from sitewarden.rules.model import Band, BoundRule, High, LimitChange, Low, Vote
from sitewarden.rules.packs import RulePack


class Span(NamedTuple):
    """From when to when, UTC milliseconds; the end is left out."""

    warm_ms: int
    """No reading before this is seen; from here to the range rules see what they can remember."""
    since_ms: int
    """Alarms that ended before are not told."""
    until_ms: int


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A number that a rule compares a point with, for the eye."""

    point: str
    rule: str
    level: int
    limit: float
    direction: Literal["high", "low"]


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What one set of rules makes of a history."""

    episodes: list[Episode]
    limits: list[Limit]
    leads: list[LeadTime]
    not_judged: list[NotJudged]

    @classmethod
    def of(cls, parts: Iterable["Judgement"], nowhere: Iterable[NotJudged] = ()) -> "Judgement":
        """Several put together."""
        whole = list(parts)
        return cls(
            episodes=in_order(e for part in whole for e in part.episodes),
            limits=[limit for part in whole for limit in part.limits],
            leads=[lead for part in whole for lead in part.leads],
            not_judged=[*nowhere, *(n for part in whole for n in part.not_judged)],
        )


def judge(
    device: DevicePast,
    packs: Iterable[RulePack],
    tracks: Mapping[str, Track],
    span: Span,
    changes: Sequence[LimitChange] = (),
    *,
    gaps: Iterable[Gap] = (),
    spend: Callable[[int], None] = lambda _: None,
) -> Judgement:
    """Every rule on every point of the device that it watches; `spend` as of `scan_all`.

    A hole in its readings is a silence, as a replay plays it, but where `gaps` says that readings were lost.
    """
    tracks = with_silences(device, tracks, gaps)
    bounds, not_judged = bind_device(device, packs, tracks, changes)
    kinds = {point.p: point.kind for point in device.points}
    first_ms, last_ms = _watched_between(tracks, span)
    found = scan.scan_all(
        bounds,
        {point: scan.Track(*track) for point, track in tracks.items()},
        since_ms=first_ms,
        until_ms=last_ms,
        spend=spend,
    )
    past = _Past(kinds, tracks, span)
    judged = [(bound, _episodes(bound, found[bound.point, bound.rule.rule], past)) for bound in bounds]
    return Judgement(
        episodes=[episode for _, episodes in judged for episode in episodes],
        limits=[limit for bound in bounds for limit in _limits(bound)],
        leads=list(_leads(judged, tracks, spend)),
        not_judged=not_judged,
    )


def _watched_between(tracks: Mapping[str, Track], span: Span) -> tuple[int, int]:
    """The first and the last reading of a device within the span.

    Before and after nobody watched it, which is no silence: a device that does not answer has readings that
    say so.
    """
    first_ms = min((int(track.times[0]) for track in tracks.values()), default=span.warm_ms)
    last_ms = max((int(track.times[-1]) for track in tracks.values()), default=span.warm_ms)
    return max(span.warm_ms, first_ms), min(span.until_ms - 1, last_ms)


class _Past(NamedTuple):
    kinds: Mapping[str, str]
    tracks: Mapping[str, Track]
    span: Span


def _episodes(bound: BoundRule, turns: Iterable[Transition], past: _Past) -> list[Episode]:
    found = episodes_of(_opening(bound, past.kinds), turns)
    if found and found[-1].cleared_at is None and isinstance(bound.rule.condition, High | Low):
        found[-1] = _so_far(found[-1], bound, past)
    return [episode for episode in found if episode.ends_at >= past.span.since_ms]


def _so_far(standing: Episode, bound: BoundRule, past: _Past) -> Episode:
    """A standing alarm with the worst value since; its raise knew only what came before."""
    track = past.tracks[bound.point]
    first, end = np.searchsorted(track.times, [standing.raised_at, past.span.until_ms])
    values = track.values[first:end][track.quality[first:end] == Quality.GOOD]
    if _is_magnitude(bound):
        values = np.abs(values)
    known = values[0] if standing.peak is None else standing.peak
    worst = max(known, values.max()) if bound.high else min(known, values.min())
    return msgspec.structs.replace(standing, peak=float(worst))


def _opening(bound: BoundRule, kinds: Mapping[str, str]) -> Episode:
    rule = bound.rule
    return Episode(
        point=bound.point,
        kind=kinds[bound.point],
        rule=rule.rule,
        rule_version=bound.version,
        family=rule.family,
        level=rule.level,
        label=rule.label,
        limit=bound.limit,
        raised_at=0,
    )


def _limits(bound: BoundRule) -> Iterator[Limit]:
    """The lines to draw beside the value; a rule on anything else has none."""
    if not isinstance(bound.rule.condition, High | Low | Band | Vote):
        return
    ends: list[tuple[float, Literal["high", "low"]]] = [(bound.limit, "high" if bound.high else "low")]
    if bound.low is not None:
        ends.append((bound.low, "low"))
    if _is_magnitude(bound):
        ends.append((-bound.limit, "low"))
    for limit, direction in ends:
        yield Limit(
            point=bound.point,
            rule=bound.rule.rule,
            level=bound.rule.level,
            limit=limit,
            direction=direction,
        )


def _is_magnitude(bound: BoundRule) -> bool:
    return isinstance(bound.rule.condition, High) and bound.rule.condition.magnitude


def _leads(
    judged: Iterable[tuple[BoundRule, list[Episode]]],
    tracks: Mapping[str, Track],
    spend: Callable[[int], None],
) -> Iterator[LeadTime]:
    """Of rules that compare the value itself; a count or a slope reaches no limit that a curve shows."""
    dangers: defaultdict[tuple[str, str], list[Step]] = defaultdict(list)
    for bound, episodes in judged:
        if isinstance(bound.rule.condition, High | Low):
            dangers[bound.point, bound.rule.family].append(
                Step(
                    rule=bound.rule.rule,
                    level=bound.rule.level,
                    limit=bound.limit,
                    high=bound.high,
                    magnitude=_is_magnitude(bound),
                    episodes=episodes,
                )
            )
    for (point, family), steps in dangers.items():
        spend(0)
        yield from lead_times(point, family, steps, tracks[point])
