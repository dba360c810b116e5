"""Who of the key posts was there in the three months before: a day without a record is no absence."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.returns.attendance import Absence, AlarmThen, Attended, trace, window
from cloud.returns.figures import figures

DAY = dt.date(2026, 11, 20)


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        ("2026-11-20", "2026-08-20", "2026-11-19"),
        ("2026-05-31", "2026-02-28", "2026-05-30"),
        ("2028-05-29", "2028-02-29", "2028-05-28"),
        ("2026-01-15", "2025-10-15", "2026-01-14"),
        ("2026-03-01", "2025-12-01", "2026-02-28"),
    ],
)
def test_the_window_is_exactly_three_calendar_months(day, first, last):
    found = window(dt.date.fromisoformat(day), figures().trace_months)
    assert found == (dt.date.fromisoformat(first), dt.date.fromisoformat(last))


def line(day: dt.date, is_present: bool, person: str = "p-1") -> Attended:
    return Attended(day=day, person=person, name="张三", post="safety_officer", is_present=is_present)


def test_absences_are_what_the_register_says_and_alarms_fall_into_them():
    days = {-1: True, -2: False, -3: False, -5: False, -6: False, -7: False, 0: True, -200: False}
    register = [line(DAY + dt.timedelta(days=n), there) for n, there in days.items()]
    alarms = [
        AlarmThen(id="a", day=DAY - dt.timedelta(days=2), level=3),
        AlarmThen(id="b", day=DAY - dt.timedelta(days=1), level=3),
        AlarmThen(id="c", day=DAY - dt.timedelta(days=4), level=4),
    ]
    (found,) = trace(DAY, 3, register, alarms, ["safety_officer"])
    assert (found.present, found.absent, found.no_data) == (1, 5, 92 - 6)
    first = DAY - dt.timedelta(days=7)
    assert found.longest_absence == Absence(days=3, first=first, last=first + dt.timedelta(days=2))
    assert (found.alarms_while_absent, found.alarms, found.on_the_day) == (1, ["a"], "present")


def test_a_post_that_nobody_ever_registered_for_has_no_data_and_no_absence():
    found = trace(DAY, 3, [], [], ["project_manager", "safety_officer"])
    assert [one.post for one in found] == ["project_manager", "safety_officer"]
    assert all((one.present, one.absent, one.longest_absence) == (0, 0, None) for one in found)
    assert {one.on_the_day for one in found} == {"no_data"}


@settings(max_examples=40)
@given(st.dictionaries(st.integers(-100, 1), st.booleans()))
def test_every_day_is_counted_once_and_only_what_was_registered(days):
    register = [line(DAY + dt.timedelta(days=n), there) for n, there in days.items()]
    (found,) = trace(DAY, 3, register, [], ["safety_officer"])
    inside = {n: there for n, there in days.items() if -92 <= n < 0}
    assert found.present == sum(inside.values())
    assert found.absent == len(inside) - found.present
    assert found.present + found.absent + found.no_data == 92
    longest = found.longest_absence
    assert (longest.days if longest else 0) <= found.absent
