"""A back-test's report in words, Chinese first, for a terminal."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Iterator

from sitewarden.backtest.binding import NotJudged
from sitewarden.backtest.comparison import Pair
from sitewarden.backtest.episodes import Episode
from sitewarden.backtest.lead import LeadTime
from sitewarden.backtest.trial import FalseAlarms, Report, Side

MOST = 40
"""Alarms of a list that are printed; the rest is a number, and all of them stand in the JSON."""


def lines(report: Report) -> Iterator[str]:
    """The whole report."""
    clock = Clock(report.time_zone)
    yield f"{report.site}  {clock.full(report.since_ms)} – {clock.full(report.until_ms)}  {report.time_zone}"
    yield f"设备 devices: {', '.join(report.devices) or '–'}; 读数 readings: {report.readings:,}"
    yield from (f"注意 note: {note.zh} {note.en}" for note in report.notes)
    yield ""
    yield from _rule_changes(report)
    yield ""
    yield f"现行规则 in force: {_side(report.in_force)}"
    yield f"拟用规则 proposed: {_side(report.proposed)}"
    yield ""
    yield from _list("新增 added", (clock.episode(e) for e in report.changes.added))
    yield from _list("减少 removed", (clock.episode(e) for e in report.changes.removed))
    yield from _list("移动 moved", (clock.pair(p) for p in report.changes.moved))
    yield f"不变 unchanged: {len(report.changes.unchanged)}"
    yield ""
    yield from _leads(report)
    yield _false_alarms(report)
    yield from _recorded(report, clock)
    yield from _not_judged(report)


def _rule_changes(report: Report) -> Iterator[str]:
    if not report.rule_changes:
        yield "规则无变化 the rules are the same"
    for change in report.rule_changes:
        if change.change != "changed":
            yield f"规则 rule {change.rule}: {'新增 added' if change.change == 'added' else '删除 removed'}"
        for field in change.fields:
            yield f"规则 rule {change.rule}: {field.field} {field.before} → {field.after}"


def _side(side: Side) -> str:
    levels = ", ".join(f"{n} × {level} 级 level {level}" for level, n in side.by_level.items())
    return f"{side.rules} 条 rules, {side.alarms} 次报警 alarms{f' ({levels})' if levels else ''}"


def _list(title: str, texts: Iterable[str], indent: str = "") -> Iterator[str]:
    found = list(texts)
    yield f"{indent}{title}: {len(found)}"
    yield from (f"{indent}  {text}" for text in found[:MOST])
    if len(found) > MOST:
        yield f"{indent}  … 另有 and {len(found) - MOST} more (--json)"


def _leads(report: Report) -> Iterator[str]:
    before = {(lead.point, lead.rule, lead.of_rule): lead for lead in report.in_force.leads}
    found = [lead for lead in report.proposed.leads if lead.leads_ms or lead.not_reached or lead.unwarned]
    yield "提前量 lead time: " + ("" if found else "没有分级预警 no warning before a higher limit")
    for lead in found:
        earlier = before.get((lead.point, lead.rule, lead.of_rule))
        yield f"  {lead.point}: {lead.rule} → {lead.of_rule} ({lead.of_limit:g})  {_lead(lead)}"
        if earlier is not None and earlier != lead:
            yield f"    现行 in force: {_lead(earlier)}"


def _lead(lead: LeadTime) -> str:
    if lead.least_ms is None or lead.median_ms is None:
        times = "未达到 never reached"
    else:
        times = (
            f"{len(lead.leads_ms)} 次 times, 最短 least {seconds(lead.least_ms)}, "
            f"中位 median {seconds(lead.median_ms)}"
        )
    return f"{times}; 未达 not reached {lead.not_reached}; 未预警 unwarned {lead.unwarned}"


def _false_alarms(report: Report) -> str:
    sides = report.in_force.false_alarms, report.proposed.false_alarms
    if not any(side.judged for side in sides):
        return "误报率 false alarms: 尚无人工判定的隐患 no hazard has been judged yet: no rate"
    return f"误报率 false alarms: 现行 in force {_rate(sides[0])}; 拟用 proposed {_rate(sides[1])}"


def _rate(found: FalseAlarms) -> str:
    if found.rate is None:
        return "无判定 none judged"
    return f"{found.rate:.0%} ({found.false} / {found.judged})"


def _recorded(report: Report, clock: "Clock") -> Iterator[str]:
    found = report.recorded
    pairs = len(found.unchanged) + len(found.moved)
    yield (
        f"与实际记录核对 check against what was recorded: 一致 same {len(found.unchanged)} / {pairs}, "
        f"时刻不同 moved {len(found.moved)}, 仅实际 recorded only {len(found.removed)}, "
        f"仅回测 back-test only {len(found.added)}"
    )
    if not found.is_equal:
        yield from _list("仅实际 recorded only", (clock.episode(e) for e in found.removed), "  ")
        yield from _list("仅回测 back-test only", (clock.episode(e) for e in found.added), "  ")
        yield from _list("时刻不同 moved", (clock.pair(p) for p in found.moved), "  ")


def _not_judged(report: Report) -> Iterator[str]:
    both = [*report.in_force.not_judged, *report.proposed.not_judged]
    found = list({(n.rule, n.where, n.reason): n for n in both}.values())
    if found:
        yield ""
        yield from _list("未能判断 not judged", map(_why, found))


def _why(found: NotJudged) -> str:
    return f"{found.rule}: {found.what.zh} {found.what.en}; {found.mend.zh} {found.mend.en}"


class Clock:
    """Instants and alarms on the site's clocks."""

    def __init__(self, time_zone: str) -> None:
        """By the name of the zone; one that is not known is UTC."""
        try:
            self._zone: dt.tzinfo = zoneinfo.ZoneInfo(time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            self._zone = dt.UTC

    def full(self, at_ms: int) -> str:
        """Date and time to the tenth of a second."""
        try:
            at = dt.datetime.fromtimestamp(at_ms / 1000, self._zone)
        except (ValueError, OverflowError, OSError):
            return f"{at_ms} ms"  # no year that a calendar has: a file may say anything
        return f"{at:%Y-%m-%d %H:%M:%S}.{at_ms // 100 % 10}"

    def episode(self, episode: Episode) -> str:
        """An alarm on one line."""
        limit = "" if episode.limit is None else f", 限值 limit {episode.limit:g}"
        peak = "" if episode.peak is None else f", 最不利 worst {episode.peak:g}"
        return (
            f"{self.full(episode.raised_at)} {self._lasts(episode)}  {episode.level} 级 {episode.point} "
            f"{episode.label.zh} {episode.label.en} [{episode.rule}]{limit}{peak}"
        )

    def pair(self, pair: Pair) -> str:
        """An alarm and how it moved."""
        later = pair.raised_later_ms
        moved = f"晚 later {seconds(later)}" if later > 0 else f"早 earlier {seconds(-later)}"
        return f"{moved if later else '起始不变 same start'}: {self.episode(pair.after)}"

    def _lasts(self, episode: Episode) -> str:
        if episode.cleared_at is None:
            return "(仍在 standing)"
        return f"({seconds(episode.cleared_at - episode.raised_at)})"


def seconds(ms: float) -> str:
    """A length of time in s, min or h."""
    for unit, length_ms in (("h", 3_600_000), ("min", 60_000)):
        if abs(ms) >= length_ms:
            return f"{ms / length_ms:.1f} {unit}"
    return f"{ms / 1000:.1f} s"
