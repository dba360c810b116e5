"""A case pack judged again: the alarms must be exactly those that it expects. Pure."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sitewarden.backtest.episodes import Episode
from sitewarden.backtest.judging import Judgement, Span, judge
from sitewarden.backtest.text import Clock, seconds
from sitewarden.casepack.model import CasePack
from sitewarden.history import History

SAME = 1e-9
"""Relative: a slope may differ in its last bits from one processor to the next."""


class Outcome(NamedTuple):
    """What came of it."""

    alarms: list[Episode]
    differences: list[str]
    """For people, a line each; none where all is as expected."""


def run_pack(pack: CasePack) -> Outcome:
    """Judge the pack's history by the pack's rules."""
    found = judged(pack.history).episodes
    clock = Clock(pack.history.header.time_zone)
    return Outcome(found, list(_differences(pack.expected, found, clock)))


def judged(history: History) -> Judgement:
    """What the rules of a history's own header make of it."""
    header = history.header
    span = Span(header.since_ms, header.since_ms, header.until_ms)
    return Judgement.of(
        judge(device, header.rules, history.tracks, span, header.changes, gaps=header.gaps)
        for device in header.devices
    )


def _differences(expected: Sequence[Episode], found: Sequence[Episode], clock: Clock) -> Iterator[str]:
    ours = {(e.point, e.rule, e.raised_at): e for e in found}
    theirs = {(e.point, e.rule, e.raised_at): e for e in expected}
    for key in sorted(ours.keys() | theirs.keys(), key=lambda key: (key[2], key)):
        if key not in ours:
            yield f"- 缺少 missing: {clock.episode(theirs[key])}"
        elif key not in theirs:
            yield f"+ 多出 unexpected: {clock.episode(ours[key])}"
        elif differing := ", ".join(_fields(theirs[key], ours[key])):
            yield f"~ 不同 differs: {clock.episode(theirs[key])}: {differing}"


def _fields(expected: Episode, found: Episode) -> Iterator[str]:
    if expected.cleared_at != found.cleared_at:
        yield f"解除 cleared {_after(expected)} → {_after(found)}"
    for name in ("rule_version", "family", "level"):
        before, after = getattr(expected, name), getattr(found, name)
        if before != after:
            yield f"{name} {before} → {after}"
    for name in ("limit", "peak"):
        before, after = getattr(expected, name), getattr(found, name)
        if not _is_same(before, after):
            yield f"{name} {before} → {after}"


def _after(episode: Episode) -> str:
    if episode.cleared_at is None:
        return "未解除 never"
    return f"{seconds(episode.cleared_at - episode.raised_at)} 后 after the raise"


def _is_same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=SAME)
