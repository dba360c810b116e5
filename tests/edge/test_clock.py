"""What the machine says of its own clock."""

import time

import pytest

from edge.clock import Steps, clock_state, now_ms


def test_now_is_milliseconds_utc() -> None:
    assert abs(now_ms() - time.time() * 1000) < 1000


def test_the_clock_is_synced_or_not_as_the_kernel_says() -> None:
    assert clock_state() in {"synced", "unsynced"}


def test_a_clock_that_was_set_is_noticed_once_and_drift_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = [1000.0]
    monkeypatch.setattr(time, "time", lambda: wall[0])
    monkeypatch.setattr(time, "monotonic", lambda: 5.0)
    steps = Steps()
    wall[0] += 0.01
    assert steps.since_last_s() == 0
    wall[0] -= 3600
    assert steps.since_last_s() == -3600
    assert steps.since_last_s() == 0
