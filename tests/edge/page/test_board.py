"""What the page is told: values with their age by a clock that nobody sets, and what stands."""

import msgspec
import pytest

from edge.config import Device
from edge.page.board import Board, PointNow
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from tests.edge.test_judge import Site


class Watch:
    """A clock that the test moves."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def shown(board: Board, point: str) -> PointNow:
    return next(one for one in board.points() if one.point == point)


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_a_point_that_was_never_heard_has_no_value_and_no_age(crane: Device, watch: Watch) -> None:
    board = Board([crane], watch)
    assert [one.point for one in board.points()] == [birth.p for birth in crane.points]
    load = shown(board, "crane-1/load")
    assert (load.value, load.age_ms, load.is_stale, load.quality) == (None, None, False, "none")
    assert (load.unit, load.resolution, load.label.zh, load.is_bit) == ("t", 0.01, "起重量", False)
    assert shown(board, "crane-1/limiter_bypass").is_bit


def test_a_value_grows_old_whatever_its_source_time_says(crane: Device, watch: Watch) -> None:
    board = Board([crane], watch)
    # The gateway's wall clock is years off; the age is right all the same.
    board.take([Reading("crane-1/load", 7, 3.25)])
    watch.now_s += 0.25
    load = shown(board, "crane-1/load")
    assert (load.value, load.age_ms, load.is_stale, load.quality) == (3.25, 250, False, "good")
    watch.now_s += load.stale_after_ms / 1000
    assert shown(board, "crane-1/load").is_stale


def test_beside_a_bad_reading_the_last_good_value_is_shown_with_its_own_age(
    crane: Device, watch: Watch
) -> None:
    board = Board([crane], watch)
    board.take([Reading("crane-1/load", 1, 3.25)])
    watch.now_s += 2
    board.take([Reading("crane-1/load", 2, None, Quality.TIMEOUT)])
    load = shown(board, "crane-1/load")
    assert (load.value, load.age_ms, load.quality) == (3.25, 2000, "timeout")


def test_standing_alarms_come_gravest_first_and_say_who_acknowledged(crane: Device, watch: Watch) -> None:
    site = Site(crane)
    site.crane(3.6, polls=100)
    board = Board([crane], watch)
    levels = [alarm.level for alarm in board.alarms(site.judge.episodes())]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] == 4
    site.judge.acknowledge(None, site.now_ms, "local")
    site.crane(1.0)
    worst = board.alarms(site.judge.episodes())[0]
    assert (worst.acknowledged_at, worst.acknowledged_by) == (site.now_ms - 200, "local")
    assert not worst.is_beyond
    assert worst.device_label.zh == "1号塔机"
    assert msgspec.json.encode(worst)
