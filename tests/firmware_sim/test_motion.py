"""Drives move along trapezoids of speed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.motion import Axis, Drive, approach, brake

DT = 0.05


@given(
    st.floats(-100, 100),
    st.floats(-100, 100),
    st.floats(0.1, 5),
    st.floats(0.05, 2),
)
def test_a_drive_reaches_its_target_within_its_limits_and_without_passing_it(
    begin: float, target: float, speed: float, acceleration: float
) -> None:
    drive, axis = Drive(speed, acceleration), Axis(begin)
    most = abs(target - begin) / speed + 2 * speed / acceleration + 2
    for _ in range(int(most / DT)):
        before, axis = axis, approach(axis, target, drive, DT)
        assert abs(axis.speed) <= speed + 1e-9
        assert abs(axis.speed - before.speed) <= acceleration * DT * 1.001 + 1e-9
        slack = acceleration * DT * DT  # less than a millimetre: what one step of braking cannot resolve
        assert min(begin, target) - slack <= axis.position <= max(begin, target) + slack
    assert axis == Axis(target)


def test_a_long_way_takes_the_time_of_a_trapezoid() -> None:
    axis, steps, drive = Axis(0.0), 0, Drive(speed=1.0, acceleration=0.5)
    while axis != Axis(20.0):
        axis, steps = approach(axis, 20.0, drive, DT), steps + 1
    assert steps * DT == pytest.approx(22.0, abs=0.2)  # 20 m at 1 m/s and 2 s for the ramps together


def test_a_drive_without_power_comes_to_rest_and_stays() -> None:
    axis, drive = Axis(0.0, -1.0), Drive(speed=1.0, acceleration=0.5)
    for _ in range(60):
        axis = brake(axis, drive, DT)
    assert axis.speed == 0.0
    assert axis.position == pytest.approx(-1.0, abs=0.05)
