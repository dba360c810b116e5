"""Periods of duties: of the calendar, owed by whoever was at work, missed only where a source is declared."""

import datetime as dt
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.duties.due import Span, due, last_day, merged, periods
from cloud.duties.kinds import FREQUENCIES, kinds
from cloud.jurisdictions.loading import jurisdiction

ALWAYS = [Span(since=dt.date(1970, 1, 1), until=dt.date(9999, 12, 30))]
DAYS = st.dates(dt.date(2023, 1, 1), dt.date(2027, 12, 31))


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def span(since: str, until: str) -> Span:
    return Span(since=day(since), until=day(until))


def states(frequency, within, *, active=ALWAYS, done=(), today="2026-11-27", known=None):
    found = due(
        frequency,
        within,
        active=active,
        done=[day(one) for one in done],
        today=day(today),
        known=known,
    )
    return [(one.span.until.isoformat(), one.state) for one in found]


@given(DAYS, st.integers(0, 500), st.sampled_from(FREQUENCIES))
@settings(max_examples=60, deadline=None)
def test_periods_follow_one_another_and_leave_out_no_day(since, length, frequency):
    within = Span(since=since, until=since + dt.timedelta(days=length))
    found = list(periods(frequency, within))
    assert found[0].since <= within.since
    assert found[-1].until >= within.until
    for before, after in itertools.pairwise(found):
        assert after.since == before.until + dt.timedelta(days=1)
    assert all(last_day(frequency, one.since) == one.until for one in found)


@given(DAYS, DAYS, st.sampled_from(FREQUENCIES), st.lists(DAYS, max_size=6), DAYS)
@settings(max_examples=60, deadline=None)
def test_what_is_done_is_never_missed_and_what_is_not_over_neither(since, until, frequency, done, today):
    within = Span(since=min(since, until), until=max(since, until))
    for one in due(frequency, within, active=ALWAYS, done=done, today=today):
        if one.state == "missed":
            assert one.span.until < today
            assert not any(one.span.since <= on <= one.span.until for on in done)
        assert (one.state == "done") == bool(one.done_on)


def test_quarters_end_where_quarters_end():
    found = states("quarterly", span("2026-01-01", "2026-12-31"), done=["2026-01-01", "2026-09-30"])
    assert found == [
        ("2026-03-31", "done"),
        ("2026-06-30", "missed"),
        ("2026-09-30", "done"),
        ("2026-12-31", "due"),
    ]


def test_whoever_begins_or_ends_in_the_middle_owes_only_what_lies_mostly_within():
    active = [span("2026-03-20", "2026-05-14")]
    found = states("monthly", span("2026-01-01", "2026-06-30"), active=active)
    assert [one for one, _ in found] == ["2026-04-30"]


def test_a_pause_in_the_middle_counts_as_it_is():
    active = merged([span("2026-03-01", "2026-03-10"), span("2026-03-21", "2026-03-31")])
    assert states("monthly", span("2026-03-01", "2026-03-31"), active=active) == [("2026-03-31", "missed")]


def test_where_nobody_keeps_what_shows_it_nothing_is_missed():
    known = [span("2026-11-25", "2026-12-31")]
    found = states("daily", span("2026-11-24", "2026-11-27"), known=known)
    assert [state for _, state in found] == ["unknown", "missed", "missed", "due"]


def test_of_several_jurisdictions_the_strictest_holds():
    check = kinds().duties["principal_check"]
    assert check.frequency([jurisdiction("changzhi")]) == "quarterly"
    assert check.frequency([jurisdiction("changzhi"), jurisdiction("changji")]) == "monthly"


@pytest.mark.parametrize("name", ["drill", "meeting", "education", "guidance"])
def test_every_duty_says_what_it_is(name):
    kind = kinds().duties[name]
    assert kind.label.zh
    assert kind.label.en
    assert kind.inspections is None
