"""What is to be handed in, and by when, under a jurisdiction. Pure.

A monthly return before the 1st tells the state up to the end of the month before: at its cut-off, 00:00 of
the 1st, it cannot be ready yet, so its deadline is read as the end of that day.
"""

import datetime as dt
from collections.abc import Iterator

import msgspec

from cloud.jurisdictions.model import Jurisdiction
from sitewarden.text import Text

MONTHLY = Text("月报", "Monthly return")


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is due by the end of a day."""

    on: dt.date
    what: Text
    cut_off: dt.date | None = None
    """Of a return with figures: everything before this day is counted."""


def due_between(limits: Jurisdiction, since: dt.date, until: dt.date) -> list[Due]:
    """Everything that is due from `since` to `until`, both included, the first first."""
    found = [*_monthly(limits, since, until), *_returns(limits, since, until)]
    return sorted(found, key=lambda due: (due.on, due.what.zh))


def _monthly(limits: Jurisdiction, since: dt.date, until: dt.date) -> Iterator[Due]:
    day = since.replace(day=1)
    while day <= until:
        on = day.replace(day=limits.monthly_report_day)
        if since <= on <= until:
            yield Due(on=on, what=MONTHLY, cut_off=on)
        day = (day + dt.timedelta(days=32)).replace(day=1)


def _returns(limits: Jurisdiction, since: dt.date, until: dt.date) -> Iterator[Due]:
    for one in limits.returns:
        for on in days_of(one.on, since.year, until.year):
            if since <= on <= until:
                yield Due(on=on, what=one.what)


def days_of(written: str, first: int, last: int) -> list[dt.date]:
    """The days that a date of a file means within these years; `02-29` is the 28th where there is none."""
    parts = [int(part) for part in written.split("-")]
    if len(parts) == 3:  # noqa: PLR2004  year, month, day
        return [dt.date(*parts)]
    return [_day(year, *parts) for year in range(first, last + 1)]


def _day(year: int, month: int, day: int) -> dt.date:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return dt.date(year, month, 28)
