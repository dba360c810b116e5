"""When a silent unit is asked again, and how long the bus waits for it."""

import pytest

from edge.breaker import Breaker

WHOLE_S, QUIET_S = 0.5, 0.3


def silent_since(breaker: Breaker, now: float, times: int) -> float:
    """Be silent `times` times, each as soon as asking is allowed; returns the last instant."""
    for _ in range(times):
        while not breaker.may_ask(now):
            now += 0.1
        breaker.was_silent(now)
    return now


def test_one_lost_packet_puts_nobody_off() -> None:
    breaker = Breaker()
    assert not breaker.was_silent(10.0)
    assert breaker.may_ask(10.0)


def test_the_second_silence_is_the_news() -> None:
    breaker = Breaker()
    breaker.was_silent(10.0)
    assert breaker.was_silent(10.2)
    assert not breaker.was_silent(12.0)


def test_a_unit_that_stays_silent_is_asked_after_1_2_4_up_to_60_seconds() -> None:
    breaker = Breaker()
    breaker.was_silent(0.0)
    now, delays = 0.0, []
    for _ in range(8):
        breaker.was_silent(now)
        asked = now
        while not breaker.may_ask(now):
            now += 0.5
        delays.append(now - asked)
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60]


def test_an_answer_mends_everything_and_is_news_only_of_a_unit_that_was_down() -> None:
    breaker = Breaker()
    silent_since(breaker, 0.0, 1)
    assert not breaker.answered(0.01)
    now = silent_since(breaker, 0.0, 3)
    assert breaker.answered(0.01)
    assert breaker.may_ask(now)
    assert breaker.timeout_s(now, WHOLE_S, 0.0, slack_s=0.1) == WHOLE_S


def test_after_one_silence_the_bus_waits_no_longer_than_it_is_idle() -> None:
    breaker = Breaker()
    breaker.answered(0.01)
    silent_since(breaker, 0.0, 1)
    assert breaker.timeout_s(1.0, WHOLE_S, 0.0, slack_s=0.15) == 0.15
    assert breaker.timeout_s(1.0, WHOLE_S, 0.0, slack_s=9.0) == WHOLE_S


def test_a_wait_is_long_enough_for_the_slowest_answer_so_far() -> None:
    breaker = Breaker()
    breaker.answered(0.2)
    silent_since(breaker, 0.0, 1)
    assert breaker.timeout_s(1.0, WHOLE_S, 0.0, slack_s=0.01) == 0.4


def test_a_probe_starts_only_if_waiting_and_quiet_time_end_before_the_next_deadline() -> None:
    breaker = Breaker()
    breaker.answered(0.05)
    silent_since(breaker, 0.0, 2)
    assert breaker.timeout_s(1.0, WHOLE_S, QUIET_S, slack_s=QUIET_S + 0.09) is None
    assert breaker.timeout_s(1.0, WHOLE_S, QUIET_S, slack_s=QUIET_S + 0.25) == pytest.approx(0.25)
    assert breaker.timeout_s(1.0, WHOLE_S, QUIET_S, slack_s=QUIET_S + WHOLE_S) == WHOLE_S


def test_a_unit_that_never_fits_is_asked_all_the_same_for_one_per_cent_of_the_time() -> None:
    breaker = Breaker()
    silent_since(breaker, 0.0, 2)
    assert breaker.timeout_s(0.0, WHOLE_S, QUIET_S, slack_s=0.01) is None
    assert breaker.timeout_s(79.9, WHOLE_S, QUIET_S, slack_s=0.01) is None
    assert breaker.timeout_s(80.0, WHOLE_S, QUIET_S, slack_s=0.01) == WHOLE_S
    assert breaker.timeout_s(80.1, WHOLE_S, QUIET_S, slack_s=0.01) is None
