"""A measured danger is over when it was seen to be over for long enough; what nobody saw proves nothing."""

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.hazards.clearance import Need, Rate, Seen, Span, Watch, clear, window, working

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
CRANE = Need(kind="crane", seconds=7200, coverage=0.95)
PIT = Need(kind="pit", seconds=86_400, coverage=0.95)


def ago(**how) -> dt.datetime:
    return NOW - dt.timedelta(**how)


def lift(hours_ago: float, minutes: float) -> Span:
    start = ago(hours=hours_ago)
    return Span(start, start + dt.timedelta(minutes=minutes))


def judged(need: Need, watch: Watch, share: float = 1.0, rates: tuple[Rate, ...] = ()):
    span = window(need, watch)
    return clear(need, watch, Seen(covered_s=0.0 if span is None else share * span.seconds, rates=rates))


def test_a_pit_is_clear_after_a_day_of_readings_with_slow_rates():
    slow = Rate(point="pit-1/h1_rate", unit="mm/d", worst=1.2, control=2.0)
    watch = Watch(now=NOW, signal="cleared", since=ago(hours=25))
    found = judged(PIT, watch, rates=(slow,))
    assert found.met
    assert (found.elapsed_s, found.coverage, found.rate_ok, found.why) == (25 * 3600, 1.0, True, [])


def test_what_does_not_hold_is_said_with_its_numbers():
    fast = Rate(point="pit-1/h1_rate", unit="mm/d", worst=2.4, control=2.0)
    found = judged(PIT, Watch(now=NOW, signal="cleared", since=ago(hours=10)), share=0.9, rates=(fast,))
    assert found.why == ["time", "coverage", "rate"]
    said = {check.code: check.text.zh for check in found.checks}
    assert "10 h，需 24 h" in said["time"]
    assert "2.4 mm/d，控制值 2 mm/d" in said["rate"]


def test_a_rate_of_which_nothing_is_known_is_no_slow_one():
    for rate in (
        Rate(point="p", unit="", worst=None, control=2.0),
        Rate(point="p", unit="", worst=0.1, control=None),
        Rate(point="p", unit="", worst=2.0, control=2.0),
    ):
        assert judged(PIT, Watch(now=NOW, signal="cleared", since=ago(days=2)), rates=(rate,)).why == ["rate"]


def test_an_unplugged_sensor_never_clears_however_long_it_is_quiet():
    for signal in ("unknown", "active"):
        found = judged(PIT, Watch(now=NOW, signal=signal, since=ago(days=30)))
        assert not found.met
        assert found.cleared_since is None
        assert found.why[0] == "signal"


def test_of_a_crane_only_the_time_counts_in_which_it_worked():
    idle = judged(CRANE, Watch(now=NOW, signal="cleared", since=ago(days=3)))
    assert idle.why == ["working_time"]
    # Lifts every ten minutes, from five hours ago on: five hours of work, pauses and all.
    lifts = [lift(5 - n / 6, 4) for n in range(30)]
    found = judged(CRANE, Watch(now=NOW, signal="cleared", since=ago(days=3), lifts=lifts))
    assert found.met
    assert found.working_s is not None
    assert 4.5 * 3600 < found.working_s <= 5 * 3600


def test_a_long_rest_is_no_work_and_lifts_before_the_danger_was_over_do_not_count():
    lifts = [lift(9, 30), lift(6, 20), lift(3, 20)]
    watch = Watch(now=NOW, signal="cleared", since=ago(hours=6), lifts=lifts)
    assert sum(span.seconds for span in working(watch)) == 40 * 60


def test_work_that_is_still_to_come_by_a_clock_that_is_ahead_does_not_count():
    ahead = Span(ago(minutes=10), NOW + dt.timedelta(hours=5))
    for lifts in ([ahead], [lift(0.5, 20), ahead]):
        found = judged(CRANE, Watch(now=NOW, signal="cleared", since=ago(hours=1), lifts=lifts))
        assert found.why == ["working_time"]
        assert found.working_s <= 30 * 60


def test_a_witnessed_load_test_stands_for_the_working_time_but_not_one_of_before():
    watch = Watch(now=NOW, signal="cleared", since=ago(hours=1), load_test_at=ago(minutes=5))
    assert judged(CRANE, watch).met
    old = Watch(now=NOW, signal="cleared", since=ago(hours=1), load_test_at=ago(hours=2))
    assert judged(CRANE, old).why == ["working_time"]


def test_time_in_maintenance_does_not_count():
    mended = Watch(now=NOW, signal="cleared", since=ago(days=3), mended_until=ago(hours=2))
    assert judged(PIT, mended).why == ["time"]
    now = Watch(now=NOW, signal="cleared", since=ago(days=3), mended_until=NOW + dt.timedelta(hours=1))
    assert judged(PIT, now).why[:1] == ["maintenance"]


@settings(max_examples=60, deadline=None)
@given(
    since_h=st.floats(0.1, 100),
    mended_h=st.none() | st.floats(-5, 100),
    lifts=st.lists(st.tuples(st.floats(0, 120), st.floats(0.1, 60)), max_size=20),
    share=st.floats(0, 1),
)
def test_it_is_never_clear_by_time_before_it_was_over_or_not_read(since_h, mended_h, lifts, share):
    watch = Watch(
        now=NOW,
        signal="cleared",
        since=ago(hours=since_h),
        mended_until=None if mended_h is None else ago(hours=mended_h),
        lifts=[lift(*one) for one in lifts],
    )
    for need in (CRANE, PIT):
        found = judged(need, watch, share)
        if found.met:
            assert found.cleared_since is not None
            assert share >= 0.949
            assert (NOW - found.cleared_since).total_seconds() >= need.seconds
        span = window(need, watch)
        assert span is None or (found.cleared_since is not None and span.start >= found.cleared_since)
