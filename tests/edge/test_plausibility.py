"""Frozen numbers and jumps are bad; what really moved is believed as soon as it stays."""

import msgspec

from edge.plausibility import CONFIRMING, Plausibility, watched
from sitewarden.profiles.model import ModbusPoint
from sitewarden.quality import Quality


def point(**fields: object) -> ModbusPoint:
    return msgspec.convert({"kind": "crane.load", "unit": "t", "register": 0, **fields}, ModbusPoint)


def qualities(plausible: Plausibility, *values: float) -> list[Quality]:
    return [plausible.judge(value, float(i)) for i, value in enumerate(values)]


def test_a_point_of_which_nothing_is_declared_is_not_watched() -> None:
    assert not watched(point())
    assert watched(point(max_step=1))
    assert watched(point(frozen_after_s=60))


def test_a_number_that_stands_too_long_is_frozen_until_it_moves() -> None:
    plausible = Plausibility(point(frozen_after_s=60))
    assert [plausible.judge(5.0, at_s) for at_s in (0.0, 59.0, 60.0, 61.0)] == [
        Quality.GOOD,
        Quality.GOOD,
        Quality.FROZEN,
        Quality.FROZEN,
    ]
    assert plausible.judge(5.1, 62.0) is Quality.GOOD
    assert plausible.judge(5.1, 121.0) is Quality.GOOD


def test_a_spike_is_never_believed() -> None:
    plausible = Plausibility(point(max_step=1))
    assert qualities(plausible, 5.0, 40.0, 5.2, -30.0, 5.1) == [
        Quality.GOOD,
        Quality.JUMP,
        Quality.GOOD,
        Quality.JUMP,
        Quality.GOOD,
    ]


def test_a_jump_that_stays_is_believed_after_two_more_readings() -> None:
    plausible = Plausibility(point(max_step=1))
    assert qualities(plausible, 5.0, 40.0, 40.3, 39.9, 40.2) == [
        Quality.GOOD,
        Quality.JUMP,
        Quality.JUMP,
        Quality.GOOD,
        Quality.GOOD,
    ]
    assert CONFIRMING == 2


def test_noise_that_agrees_with_nothing_is_never_believed() -> None:
    plausible = Plausibility(point(max_step=1))
    assert set(qualities(plausible, 5.0, 40.0, -20.0, 90.0, 11.0, -60.0)[1:]) == {Quality.JUMP}


def test_after_readings_that_did_not_come_a_large_step_is_no_jump() -> None:
    plausible = Plausibility(point(max_step=1))
    plausible.judge(5.0, 0.0)
    plausible.missed()
    assert plausible.judge(40.0, 600.0) is Quality.GOOD


def test_a_lost_reading_does_not_begin_the_time_of_a_frozen_number_anew() -> None:
    plausible = Plausibility(point(frozen_after_s=600))
    plausible.judge(5.0, 0.0)
    plausible.missed()
    assert plausible.judge(5.0, 300.0) is Quality.GOOD
    plausible.missed()
    assert plausible.judge(5.0, 601.0) is Quality.FROZEN
