"""A back-test: the rules in force and the proposed ones over the same history, and what differs."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from sitewarden.backtest.binding import NotJudged, memory_ms, nowhere, points_needed
from sitewarden.backtest.changes import RuleChange, changes, rules_of
from sitewarden.backtest.comparison import Comparison, compare
from sitewarden.backtest.episodes import Episode
from sitewarden.backtest.judging import Judgement, Limit, Span, judge
from sitewarden.backtest.lead import LeadTime
from sitewarden.backtest.silence import witnesses
from sitewarden.errors import SiteWardenError
from sitewarden.history import DevicePast, Header, PastAlarm, Track
from sitewarden.rules.packs import RulePack
from sitewarden.text import Text

MOST_ALARMS = 50_000
"""Of one set of rules: nobody reads more, and each takes memory."""


class TooManyAlarmsError(SiteWardenError):
    """Rules that would alarm without end."""


class Source(Protocol):
    """Where a history comes from."""

    @property
    def header(self) -> Header:
        """Everything about it but its readings."""

    def tracks(self, points: Sequence[str], first_ms: int, end_ms: int) -> Mapping[str, Track]:
        """The readings of these points at `first_ms` <= instant < `end_ms`; those without any left out."""


class FalseAlarms(msgspec.Struct, frozen=True, kw_only=True):
    """How many alarms belong to hazards that people judged, and how many of these were judged false."""

    judged: int
    false: int
    rate: float | None
    """0 to 1; `None` where nothing is judged, for then nobody can say."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One set of rules."""

    rules: int
    alarms: int
    by_level: dict[int, int]
    limits: list[Limit]
    leads: list[LeadTime]
    not_judged: list[NotJudged]
    false_alarms: FalseAlarms


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the proposed rules would have done."""

    site: str
    time_zone: str
    since_ms: int
    until_ms: int
    devices: list[str]
    readings: int
    """That the rules looked at."""
    rule_changes: list[RuleChange]
    in_force: Side
    proposed: Side
    changes: Comparison
    """Alarms of the rules in force, beside those of the proposed ones."""
    recorded: Comparison
    """Alarms that really happened, beside those that the rules in force give: a check of ourselves."""
    notes: list[Text] = []
    """What limits the answer, for people."""


def backtest(
    source: Source,
    in_force: Sequence[RulePack],
    proposed: Sequence[RulePack],
    span: Span,
    *,
    notes: Sequence[Text] = (),
    go_on: Callable[[], None] = lambda: None,
    most_alarms: int = MOST_ALARMS,
) -> Report:
    """Judge the history twice: by the rules in force, with the limits that the site has changed, and anew.

    A proposed rule that is the very one in force keeps the site's change; one that differs stands for itself.
    `go_on` is called all the while and raises where there is no more time. Raises `TooManyAlarmsError` where
    one set of rules gives more than `most_alarms`.
    """
    header = source.header
    differing = {change.rule for change in changes(in_force, proposed)}
    # A pack has rules for much that a site does not have; only of what is proposed it is worth a word.
    new = [rule for rule in rules_of(proposed) if rule.rule in differing]
    kept = [change for change in header.changes if change.rule not in differing]
    before, after, readings = list[Judgement](), list[Judgement](), 0
    gaps, ours_left, theirs_left = header.gaps, _Left(most_alarms, go_on), _Left(most_alarms, go_on)
    for device in header.devices:
        go_on()
        points = points_needed(device, (*in_force, *proposed))
        own = warmed(span, device, (*in_force, *proposed))
        asked = [*points, *witnesses(device, points)]
        tracks = source.tracks(asked, own.warm_ms, own.until_ms) if points else {}
        readings += sum(tracks[point].times.size for point in points if point in tracks)
        before.append(judge(device, in_force, tracks, own, header.changes, gaps=gaps, spend=ours_left.spend))
        after.append(judge(device, proposed, tracks, own, kept, gaps=gaps, spend=theirs_left.spend))
    ours = Judgement.of(before)
    theirs = Judgement.of(after, nowhere(new, header.devices))
    happened = _happened(header, span)
    return Report(
        site=header.site,
        time_zone=header.time_zone,
        since_ms=span.since_ms,
        until_ms=span.until_ms,
        devices=[device.device for device in header.devices],
        readings=readings,
        rule_changes=changes(in_force, proposed),
        in_force=_side(in_force, ours, happened),
        proposed=_side(proposed, theirs, happened),
        changes=compare(ours.episodes, theirs.episodes, go_on),
        recorded=compare(happened, ours.episodes, go_on),
        notes=[*notes, *_unlatched((*in_force, *proposed), (*ours.episodes, *theirs.episodes))],
    )


class _Left:
    """How many alarms one set of rules may still give, and the time there is."""

    def __init__(self, most: int, go_on: Callable[[], None]) -> None:
        self._most, self._go_on = most, go_on
        # A raise and a clear each.
        self._left = 2 * most

    def spend(self, transitions: int) -> None:
        self._go_on()
        self._left -= transitions
        if self._left < 0:
            message = f"a set of rules gives more than {self._most:,} alarms; give them delays or a dead-band"
            raise TooManyAlarmsError(f"{message}, or ask for one device, or a shorter range")


def warmed(span: Span, device: DevicePast, packs: Sequence[RulePack]) -> Span:
    """The span with no more before it than the rules of the device can remember."""
    first_ms = span.since_ms - memory_ms(device, packs)
    return span._replace(warm_ms=max(span.warm_ms, first_ms))


def _happened(header: Header, span: Span) -> list[Episode]:
    """The recorded alarms of the range, as they stood at its end."""
    found = [episode_of(alarm) for alarm in header.alarms]
    return [
        msgspec.structs.replace(e, cleared_at=None) if e.ends_at >= span.until_ms else e
        for e in found
        if e.raised_at < span.until_ms and e.ends_at >= span.since_ms
    ]


def _unlatched(packs: Iterable[RulePack], alarms: Iterable[Episode]) -> list[Text]:
    raised = {alarm.rule for alarm in alarms}
    names = {rule.rule for rule in rules_of(packs) if rule.latching and rule.rule in raised}
    if not names:
        return []
    listed = ", ".join(sorted(names))
    return [
        Text(
            f"回测中无人确认，需确认才解除的规则在危险结束时即解除：{listed}。",
            f"Nobody acknowledges in a back-test: alarms that wait for it end with their danger: {listed}.",
        )
    ]


def episode_of(alarm: PastAlarm) -> Episode:
    """An alarm of a history file as a back-test sees it."""
    return Episode(
        point=alarm.point,
        kind=alarm.kind,
        rule=alarm.rule,
        rule_version=alarm.rule_version,
        family=alarm.family,
        level=alarm.level,
        label=alarm.label,
        limit=alarm.limit,
        raised_at=alarm.raised_at,
        cleared_at=alarm.cleared_at,
        peak=alarm.peak,
    )


def false_alarms(episodes: Iterable[Episode], recorded: Iterable[Episode]) -> FalseAlarms:
    """How the alarms fare by what people said of the recorded ones that they overlap."""
    judged: dict[tuple[str, str], list[Episode]] = {}
    for past in recorded:
        if past.judged is not None:
            judged.setdefault((past.point, past.family), []).append(past)
    verdicts = Counter(
        _verdict(episode, judged.get((episode.point, episode.family), [])) for episode in episodes
    )
    n = verdicts["real"] + verdicts["false"]
    return FalseAlarms(judged=n, false=verdicts["false"], rate=verdicts["false"] / n if n else None)


def _verdict(episode: Episode, judged: Sequence[Episode]) -> str | None:
    """Real where any of what it overlaps was real: an alarm that caught a danger was not false."""
    said = {p.judged for p in judged if p.raised_at <= episode.ends_at and episode.raised_at <= p.ends_at}
    return "real" if "real" in said else "false" if "false" in said else None


def _side(packs: Sequence[RulePack], judgement: Judgement, recorded: Sequence[Episode]) -> Side:
    levels = Counter(episode.level for episode in judgement.episodes)
    return Side(
        rules=len(rules_of(packs)),
        alarms=len(judgement.episodes),
        by_level={level: levels[level] for level in sorted(levels)},
        limits=judgement.limits,
        leads=judgement.leads,
        not_judged=judgement.not_judged,
        false_alarms=false_alarms(judgement.episodes, recorded),
    )
