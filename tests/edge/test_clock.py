"""What the machine says of its own clock."""

import time

from edge.clock import clock_state, now_ms


def test_now_is_milliseconds_utc() -> None:
    assert abs(now_ms() - time.time() * 1000) < 1000


def test_the_clock_is_synced_or_not_as_the_kernel_says() -> None:
    assert clock_state() in {"synced", "unsynced"}
