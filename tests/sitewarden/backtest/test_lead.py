"""Lead time: known curves, known answers."""

import numpy as np

from sitewarden.backtest.lead import Step, lead_times
from sitewarden.history import Track
from sitewarden.quality import Quality
from tests.sitewarden.backtest.episode import SECOND, episode

POINT, FAMILY = "crane-1/load_ratio", "crane-overload"


def track(*values: float | None) -> Track:
    """A reading a second from instant 0; none is a bad one."""
    return Track(
        np.arange(len(values), dtype=np.int64) * SECOND,
        np.array([np.nan if v is None else v for v in values]),
        np.array([Quality.TIMEOUT if v is None else Quality.GOOD for v in values], dtype=np.uint8),
    )


def step(level: int, limit: float, *episodes, high: bool = True) -> Step:
    return Step(rule=f"load-{limit:g}", level=level, limit=limit, high=high, episodes=episodes)


def lead(steps, readings):
    (found,) = lead_times(POINT, FAMILY, steps, readings)
    return found


def test_the_lead_runs_from_the_warning_to_the_first_reading_beyond_the_higher_limit():
    warned = step(2, 90, episode(2, 8))
    reached = step(3, 100, episode(7, 8))
    found = lead([warned, reached], track(80, 91, 92, 95, 97, 100, 105, 103, 80))
    assert found.leads_ms == [3 * SECOND]
    assert (found.rule, found.of_rule, found.not_reached, found.unwarned) == ("load-90", "load-100", 0, 0)
    assert found.least_ms == found.median_ms == 3000


def test_a_warning_raised_after_the_limit_was_passed_has_a_negative_lead():
    warned, reached = step(2, 90, episode(4, 7)), step(3, 100, episode(4, 7))
    assert lead([warned, reached], track(80, 80, 105, 105, 105, 105, 80, 80)).leads_ms == [-2 * SECOND]


def test_a_warning_that_comes_to_nothing_is_counted_as_such():
    found = lead([step(2, 90, episode(1, 3)), step(3, 100)], track(80, 92, 92, 80, 110))
    assert (found.leads_ms, found.not_reached, found.least_ms, found.median_ms) == ([], 1, None, None)


def test_an_alarm_before_which_nothing_warned_is_counted():
    found = lead([step(2, 90, episode(1, 2)), step(3, 100, episode(5, 6))], track(80, 92, 80, 80, 80, 110))
    assert found.unwarned == 1


def test_bad_readings_reach_no_limit():
    found = lead([step(2, 90, episode(1, None)), step(3, 100)], track(80, 92, None, None))
    assert found.not_reached == 1


def test_below_a_low_limit_beyond_is_less():
    steps = [step(2, 10, episode(1, None), high=False), step(3, 5, high=False)]
    assert lead(steps, track(20, 9, 8, 4)).leads_ms == [2 * SECOND]


def test_each_level_warns_of_the_next_and_limits_of_either_side_are_no_ladder():
    steps = [step(2, 90), step(3, 100), step(4, 110), step(1, 5, high=False)]
    found = lead_times(POINT, FAMILY, steps, track(1.0))
    assert [(f.level, f.of_level) for f in found] == [(2, 3), (3, 4)]


def test_two_warnings_in_one_excursion_do_not_share_their_crossing():
    # Cleared at 4 and raised again at 6, always above 90 in between: the crossing at 2 is the first one's.
    warned = step(2, 90, episode(1, 4), episode(6, 8))
    found = lead([warned, step(3, 100)], track(80, 92, 101, 92, 92, 92, 92, 92, 80))
    assert (found.leads_ms, found.not_reached) == ([SECOND], 1)
