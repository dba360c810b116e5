"""Who is on duty, by a weekly pattern and what stands in its place; pure."""

import datetime as dt
import itertools
import zoneinfo
from collections.abc import Iterator, Sequence

import msgspec

_DAY = dt.timedelta(days=1)


class Shift(msgspec.Struct, frozen=True, kw_only=True, rename={"begins": "from", "ends": "to"}):
    """A person's hours on some days of the week, by local time."""

    days: list[int]
    """0 is Monday."""
    begins: str
    ends: str
    """`HH:MM`; no later than it begins: of the day after."""
    account: int


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """What holds in place of the pattern."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    account: int | None
    """Nobody: the hours are called off."""


class Rota(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern and what stands in its place, the newest last."""

    time_zone: str
    week: list[Shift]
    overrides: list[Override] = []

    def on_duty(self, at: dt.datetime) -> frozenset[int]:
        """The accounts that are on duty at that instant."""
        for override in reversed(self.overrides):
            if override.starts_at <= at < override.ends_at:
                return frozenset() if override.account is None else frozenset({override.account})
        today = at.astimezone(self._zone).date()
        return frozenset(
            shift.account
            for shift in self.week
            for start, end in self._hours(shift, today - _DAY, today)
            if start <= at < end
        )

    def spans(self, since: dt.datetime, until: dt.datetime) -> list["Span"]:
        """Who is on duty from one instant to the other, without a hole: one with nobody is a gap."""
        edges = sorted({since, until, *(edge for edge in self._edges(since, until) if since < edge < until)})
        found: list[Span] = []
        for start, end in itertools.pairwise(edges):
            accounts = self.on_duty(start)
            if found and found[-1].accounts == accounts:
                found[-1] = msgspec.structs.replace(found[-1], ends_at=end)
            else:
                found.append(Span(starts_at=start, ends_at=end, accounts=accounts))
        return found

    @property
    def _zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    def _edges(self, since: dt.datetime, until: dt.datetime) -> Iterator[dt.datetime]:
        for override in self.overrides:
            yield from (override.starts_at, override.ends_at)
        first, last = (at.astimezone(self._zone).date() for at in (since, until))
        for shift in self.week:
            for hours in self._hours(shift, first - _DAY, last):
                yield from hours

    def _hours(
        self, shift: Shift, first: dt.date, last: dt.date
    ) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        begins, ends = dt.time.fromisoformat(shift.begins), dt.time.fromisoformat(shift.ends)
        for number in range((last - first).days + 1):
            day = first + number * _DAY
            if day.weekday() in shift.days:
                over = day + _DAY if ends <= begins else day
                yield self._instant(day, begins), self._instant(over, ends)

    def _instant(self, day: dt.date, at: dt.time) -> dt.datetime:
        # In UTC: times of one zone are compared by the clock on the wall, which at its change goes back.
        return dt.datetime.combine(day, at, self._zone).astimezone(dt.UTC)


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which the same persons are on duty."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    accounts: frozenset[int]


def gaps(spans: Sequence[Span]) -> list[Span]:
    """Those with nobody."""
    return [span for span in spans if not span.accounts]


def begin_of(day: dt.date, time_zone: str) -> dt.datetime:
    """When a day begins by these clocks."""
    return dt.datetime.combine(day, dt.time(), zoneinfo.ZoneInfo(time_zone)).astimezone(dt.UTC)
