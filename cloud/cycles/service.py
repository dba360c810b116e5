"""A crane's lifts gathered by day, and as lines of a table. Pure."""

import datetime as dt
import zoneinfo
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cloud.cycles.model import CycleDay, CyclesOfHour, CyclesOfRatio
from cloud.database import Row
from cloud.exports.cells import Column, Value
from cloud.instants import rfc3339

RATIO_STEP, RATIO_END = 10, 120
"""Of the histogram, %: beyond its end all count together."""

_HOUR = dt.timedelta(hours=1)
_COLUMNS = (
    ("开始 started", "started_at"),
    ("结束 ended", "ended_at"),
    ("时长 duration s", "duration_s"),
    ("最大起重量 peak load t", "peak_load"),
    ("起重量百分比 load ratio %", "peak_load_ratio"),
    ("最大力矩 peak moment t·m", "peak_moment"),
    ("力矩百分比 moment ratio %", "peak_moment_ratio"),
    ("起吊幅度 picked radius m", "picked_radius"),
    ("起吊回转 picked slew °", "picked_slew"),
    ("起吊高度 picked height m", "picked_height"),
    ("落钩幅度 set down radius m", "set_down_radius"),
    ("落钩回转 set down slew °", "set_down_slew"),
    ("落钩高度 set down height m", "set_down_height"),
    ("中断 broken off", "broken_off"),
)
COLUMNS = [Column(title) for title, _ in _COLUMNS]


class Span(NamedTuple):
    """From an instant, included, to another, excluded."""

    start: dt.datetime
    end: dt.datetime


def days_span(first: dt.date, last: dt.date, time_zone: str) -> Span:
    """Whole days by the clocks of a site; one on which they are set is shorter or longer."""
    zone = zoneinfo.ZoneInfo(time_zone)
    midnights = (
        dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)
        for day in (first, last + dt.timedelta(days=1))
    )
    return Span(*midnights)


def day_shown(day: dt.date, span: Span, rows: Sequence[Row]) -> CycleDay:
    """What a day's lifts come to."""
    ratios = [row["peak_moment_ratio"] for row in rows if row["peak_moment_ratio"] is not None]
    return CycleDay(
        day=day,
        start=rfc3339(span.start),
        end=rfc3339(span.end),
        cycles=len(rows),
        broken_off=sum(row["broken_off"] for row in rows),
        lifting_s=sum(_lasted_s(row) for row in rows),
        peak_load=max((row["peak_load"] for row in rows), default=None),
        peak_moment_ratio=max(ratios, default=None),
        hours=_hours(span, rows),
        moment_ratios=_histogram(ratios),
        without_ratio=len(rows) - len(ratios),
    )


def cells(row: Row) -> list[Value]:
    """A lift as a line of the table."""
    told = {**row, "duration_s": round(_lasted_s(row))}
    return [told[name] for _, name in _COLUMNS]


def _lasted_s(row: Row) -> float:
    lasted: dt.timedelta = row["ended_at"] - row["started_at"]
    return lasted.total_seconds()


def _hours(span: Span, rows: Iterable[Row]) -> list[CyclesOfHour]:
    counted = Counter((row["started_at"] - span.start) // _HOUR for row in rows)
    number = -((span.start - span.end) // _HOUR)
    return [CyclesOfHour(at=rfc3339(span.start + n * _HOUR), cycles=counted[n]) for n in range(number)]


def _histogram(ratios: Iterable[float]) -> list[CyclesOfRatio]:
    last = RATIO_END // RATIO_STEP
    counted = Counter(min(last, max(0, int(ratio // RATIO_STEP))) for ratio in ratios)
    return [
        CyclesOfRatio(low=n * RATIO_STEP, high=None if n == last else (n + 1) * RATIO_STEP, cycles=counted[n])
        for n in range(last + 1)
    ]
