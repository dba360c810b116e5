"""Which periods of a duty are due, done or missed. Pure; days are those of the place's own calendar.

Periods are those of the calendar: days, months, quarters, half-years, years. Whoever was at work for less
than half of a period's days owes nothing in it: a site that begins on the 25th owes no check for that month.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from cloud.jurisdictions.model import Frequency

State = Literal["done", "due", "missed", "unknown"]
_MONTHS = {"monthly": 1, "quarterly": 3, "half_yearly": 6, "yearly": 12}
_DAY = dt.timedelta(days=1)


class Span(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Some days, both included."""

    since: dt.date
    until: dt.date

    @property
    def days(self) -> int:
        """How many."""
        return (self.until - self.since).days + 1

    def met(self, other: "Span") -> int:
        """How many days both have."""
        first, last = max(self.since, other.since), min(self.until, other.until)
        return max(0, (last - first).days + 1)


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A period of a duty."""

    span: Span
    state: State
    done_on: list[dt.date]


def periods(frequency: Frequency, span: Span) -> Iterator[Span]:
    """The whole periods of the calendar that have a day within the span, the first first."""
    since = _first(frequency, span.since)
    while since <= span.until:
        following = _following(frequency, since)
        yield Span(since=since, until=following - _DAY)
        since = following


def due(
    frequency: Frequency,
    span: Span,
    *,
    active: Sequence[Span],
    done: Iterable[dt.date],
    today: dt.date,
    known: Sequence[Span] | None = None,
) -> list[Due]:
    """Every period that is owed and ends within the span.

    `active`: when whoever owes it was at work, without overlaps. `known`: when somebody was declared to keep
    what shows it; outside of that nothing is called missed. `None`: always.
    """
    days = sorted(set(done))
    found = []
    for period in periods(frequency, span):
        if period.until > span.until or not _is_owed(period, active):
            continue
        on = [day for day in days if period.since <= day <= period.until]
        is_known = known is None or sum(period.met(one) for one in known) == period.days
        found.append(Due(span=period, state=_state(period, on, today, is_known), done_on=on))
    return found


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same days without overlaps, the first first."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.since <= found[-1].until + _DAY:
            found[-1] = Span(since=found[-1].since, until=max(found[-1].until, span.until))
        else:
            found.append(span)
    return found


def last_day(frequency: Frequency, day: dt.date) -> dt.date:
    """Of the period that the day lies in."""
    return _following(frequency, _first(frequency, day)) - _DAY


def _is_owed(period: Span, active: Sequence[Span]) -> bool:
    return 2 * sum(period.met(one) for one in active) >= period.days


def _state(period: Span, on: list[dt.date], today: dt.date, is_known: bool) -> State:
    if on:
        return "done"
    if period.until >= today:
        return "due"
    return "missed" if is_known else "unknown"


def _first(frequency: Frequency, day: dt.date) -> dt.date:
    if frequency == "daily":
        return day
    months = _MONTHS[frequency]
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)


def _following(frequency: Frequency, since: dt.date) -> dt.date:
    if frequency == "daily":
        return since + _DAY
    months = since.month - 1 + _MONTHS[frequency]
    return since.replace(year=since.year + months // 12, month=months % 12 + 1)
