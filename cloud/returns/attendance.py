"""Who of the key posts was at the site in the months before a day, and who was not. Pure.

A day of which the register says nothing is a day without data, and never an absence.
"""

import calendar
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

DayState = Literal["present", "absent", "no_data"]
_DAY = dt.timedelta(days=1)
_MONTHS = 12


class Attended(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the register."""

    day: dt.date
    person: str
    name: str
    post: str
    is_present: bool
    first_in: dt.datetime | None = None
    last_out: dt.datetime | None = None


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """Days without interruption on which the register says that somebody was not there."""

    days: int
    first: dt.date
    last: dt.date


class AlarmThen(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm of the site, by the day of its clocks."""

    id: str
    day: dt.date
    level: int


class PostTrace(msgspec.Struct, frozen=True, kw_only=True):
    """Of one person in one key post; without a person nobody has a line in the register."""

    post: str
    person: str
    name: str
    present: int
    absent: int
    no_data: int
    longest_absence: Absence | None
    alarms_while_absent: int
    alarms: list[str]
    """Their ids."""
    on_the_day: DayState
    """Of the incident, or when the hazard became overdue."""


def window(day: dt.date, months: int) -> tuple[dt.date, dt.date]:
    """The first and the last of exactly so many calendar months before a day, which is not among them.

    Of a month that has no such day the last one: three before 31 May begin with the last of February.
    """
    year, month = divmod(day.year * _MONTHS + day.month - 1 - months, _MONTHS)
    first = dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    return first, day - _DAY


def trace(
    day: dt.date,
    months: int,
    register: Iterable[Attended],
    alarms: Sequence[AlarmThen],
    posts: Sequence[str],
) -> list[PostTrace]:
    """One for each person in each post of the register, and one for each key post that has nobody in it."""
    by_person: dict[tuple[str, str], dict[dt.date, Attended]] = {}
    for line in register:
        by_person.setdefault((line.post, line.person), {})[line.day] = line
    found = {post for post, _ in by_person}
    for post in posts:
        if post not in found:
            by_person[post, ""] = {}
    rank = {post: place for place, post in enumerate(posts)}
    order = sorted(by_person, key=lambda key: (rank.get(key[0], len(rank)), *key))
    return [_of_person(key, by_person[key], day, months, alarms) for key in order]


def _of_person(
    key: tuple[str, str],
    lines: Mapping[dt.date, Attended],
    day: dt.date,
    months: int,
    alarms: Sequence[AlarmThen],
) -> PostTrace:
    first, last = window(day, months)
    states = {one: _state(lines.get(one)) for one in _days(first, last)}
    counted = list(states.values())
    missed = [alarm.id for alarm in alarms if states.get(alarm.day) == "absent"]
    newest = lines[max(lines)] if lines else None
    return PostTrace(
        post=key[0],
        person=key[1],
        name="" if newest is None else newest.name,
        present=counted.count("present"),
        absent=counted.count("absent"),
        no_data=counted.count("no_data"),
        longest_absence=_longest(states),
        alarms_while_absent=len(missed),
        alarms=missed,
        on_the_day=_state(lines.get(day)),
    )


def _state(line: Attended | None) -> DayState:
    if line is None:
        return "no_data"
    return "present" if line.is_present else "absent"


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    for number in range((last - first).days + 1):
        yield first + number * _DAY


def _longest(states: Mapping[dt.date, DayState]) -> Absence | None:
    """The first of those that are longest; a day without data ends one, for nobody knows what it was."""
    best: Absence | None = None
    running: Absence | None = None
    for day, state in states.items():
        if state != "absent":
            running = None
            continue
        begun = day if running is None else running.first
        running = Absence(days=(day - begun).days + 1, first=begun, last=day)
        if best is None or running.days > best.days:
            best = running
    return best
