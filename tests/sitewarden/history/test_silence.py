"""A hole in a history is a silence, where readings were missed and not where they were thinned out."""

import numpy as np
import pytest

from sitewarden.history.silence import AGAIN_MS, LONG_MS, lost_of, silences
from sitewarden.messages import Gap


def times(*ms):
    return np.array(ms, np.int64)


def found(*args, **kwargs):
    return silences(*args, **kwargs).tolist()


def test_an_unbroken_row_has_none():
    assert found(times(0, 500, 1000, 1500), 500, 1501) == []


def test_a_poll_that_came_late_is_none():
    assert found(times(0, 500, 2000, 2500), 500, 2501) == []


def test_a_hole_begins_an_interval_after_the_last_reading_and_is_told_again():
    silent = found(times(0, 500, 1000, 30_000, 30_500), 500, 30_501)
    assert silent == [1500, 1500 + AGAIN_MS, 1500 + 2 * AGAIN_MS]


def test_a_device_that_was_away_for_years_is_not_told_of_every_ten_seconds():
    years_ms = 10 * 365 * 86_400_000
    silent = found(times(0, 500, 1000, years_ms), 500, years_ms + 1)
    assert np.diff(silent[:360]).tolist() == [AGAIN_MS] * 359
    assert [at - 1500 for at in silent[360:363]] == [LONG_MS, 2 * LONG_MS, 4 * LONG_MS]
    assert len(silent) < 400


def test_a_device_that_ends_before_the_others_is_silent_until_the_end():
    assert found(times(0, 500, 1000), 500, 4000) == [1500]


def test_a_history_thinned_to_one_reading_in_ten_seconds_is_no_row_of_holes():
    assert found(times(*range(0, 100_000, 10_000)), 200, 100_000) == []


def test_what_was_lost_was_read():
    gap = Gap(from_at=1000, to_at=29_000, count=50, reason="evicted")
    assert found(times(0, 500, 1000, 30_000, 30_500), 500, 30_501, lost=[gap]) == []


@pytest.mark.parametrize("reason", ["thinned", "evicted", "damaged", "disk"])
def test_readings_lost_for_whatever_reason_are_no_silence_of_that_device(reason):
    gap = Gap(from_at=1000, to_at=29_000, count=50, reason=reason, points=["crane-1/load"])
    assert lost_of("crane-1", [gap]) == [gap]
    assert lost_of("crane-2", [gap]) == []


def test_a_silence_that_was_recorded_is_not_told_twice():
    asked = times(0, 500, 1000, 2000, 4000, 30_000)
    silent = np.array([False, False, True, True, True, False])
    assert found(asked, 500, 30_001, silent=silent) == [14_000, 24_000]
