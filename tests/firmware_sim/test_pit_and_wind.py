"""An excavation's past runs on into its present; wind rises at its time; steps jump."""

import math
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from firmware_sim import pit, steps, weather, wind
from firmware_sim.model import (
    Cell,
    Element,
    ExponentialCreep,
    GustFront,
    LiveStage,
    Pit,
    PitPoint,
    PowerCreep,
    Rain,
    Stage,
    Steps,
    Strut,
    WeatherStation,
    Well,
    Wind,
    Wire,
)

DAY_S = 86_400.0
PIT = Pit(
    points={"h1": PitPoint(along=0.1), "h2": PitPoint(along=0.3), "h3": PitPoint(along=0.5)},
    stages=[Stage(days_before=12, mm=5, middle=0.5), Stage(days_before=6, mm=5, middle=0.5)],
    live=[LiveStage(at_s=8, mm=11, over_s=12)],
)


def test_the_past_ends_exactly_at_the_start_and_the_present_goes_on_without_a_jump() -> None:
    past = list(pit.history(PIT, "7/pit-1", days=14, every_s=600))
    assert len(past) == 14 * 144 + 1
    assert past[-1][0] == 0.0
    assert past[0][0] == -14 * DAY_S
    now = pit.read(PIT, 1.0, Random(1))
    for key, value in past[-1][1].items():
        assert abs(now[key] - value) < 6 * PIT.noise_mm


def test_the_wall_moves_in_stages_and_most_in_the_middle_of_the_trough() -> None:
    by_day = [pit.displacement(PIT, PIT.points["h3"], -day * DAY_S) for day in range(14, -1, -1)]
    assert abs(by_day[0]) < 0.01
    assert by_day[4] - by_day[2] > 4.0, "the first stage"
    assert by_day[10] - by_day[8] > 4.0, "the second stage"
    assert 0.0 < by_day[7] - by_day[5] < 1.0, "creep between the two"
    ends = [pit.displacement(PIT, point, 0.0) for point in PIT.points.values()]
    assert ends[0] < ends[1] < ends[2]


def test_the_past_is_history_that_a_control_rate_of_5_mm_a_day_would_not_alarm() -> None:
    hours = [pit.displacement(PIT, PIT.points["h3"], -h * 3600.0) for h in range(14 * 24, -1, -1)]
    assert max(later - earlier for earlier, later in zip(hours, hours[24:], strict=False)) < 5.0


def test_a_live_movement_crosses_70_and_100_percent_within_40_seconds() -> None:
    instants = {
        limit: next(t for t in range(60) if pit.displacement(PIT, PIT.points["h3"], float(t)) >= limit)
        for limit in (14.0, 20.0)
    }
    assert 8 < instants[14.0] < instants[20.0] <= 40


def test_noise_has_the_size_that_the_scenario_gives() -> None:
    rng, truth = Random(3), 100.0 + pit.displacement(PIT, PIT.points["h1"], 0.0)
    errors = [pit.read(PIT, 0.0, rng)["h1"] - truth for _ in range(2000)]
    assert 0.045 < math.sqrt(sum(e * e for e in errors) / len(errors)) < 0.055


@pytest.mark.parametrize("exponent", [0.6, 1.0, 1 / 0.6, 2.5])
def test_a_wall_that_fails_speeds_up_by_the_power_of_the_time_left(exponent: float) -> None:
    creep = PowerCreep(at_s=0, mm_per_day=2.0, fails_s=10 * DAY_S, exponent=exponent, most_mm=1e6)
    for days in (0.0, 2.0, 5.0, 9.0, 9.9):
        t_s, dt_s = days * DAY_S, 1.0
        speed = (pit.crept(creep, t_s + dt_s) - pit.crept(creep, t_s)) / dt_s * DAY_S
        assert speed == pytest.approx(2.0 * (1 - days / 10) ** -exponent, rel=0.001)
    assert pit.crept(creep, 10 * DAY_S) == 1e6
    assert pit.crept(creep, -1.0) == 0.0


def test_a_wall_whose_speed_doubles_moves_as_far_as_it_may_and_no_farther() -> None:
    creep = ExponentialCreep(at_s=0, mm_per_day=1.0, doubles_s=DAY_S, most_mm=90)
    one, two, three = (pit.crept(creep, day * DAY_S) for day in (1, 2, 3))
    assert (two - one) / one == pytest.approx(2.0)
    assert (three - two) / (two - one) == pytest.approx(2.0)
    assert pit.crept(creep, 1e9) == 90


def test_a_failing_wall_goes_on_from_its_past_into_its_present() -> None:
    failing = Pit(
        points=PIT.points,
        creeps=[PowerCreep(at_s=-2 * DAY_S, mm_per_day=1.0, fails_s=3 * DAY_S, exponent=1.4)],
    )
    past = list(pit.history(failing, "1/pit", days=3, every_s=3600))
    assert past[0][1]["h3"] == pytest.approx(100, abs=0.5)
    assert past[-1][1]["h3"] - 100 == pytest.approx(pit.displacement(failing, PIT.points["h3"], 0.0), abs=0.3)
    ends = [pit.displacement(failing, PIT.points["h3"], day * DAY_S) for day in (0.0, 0.5, 0.9)]
    assert ends[2] - ends[1] > ends[1] - ends[0]


def test_a_strut_is_pressed_by_its_wall_and_by_the_sun_and_its_wire_says_so() -> None:
    wire = Wire(g=-2.0, r0=9000.0, k=1.5, t0=20.0)
    strut = Strut(along=0.5, kn=600, kn_per_mm=30, kn_per_degree=4, noise_kn=0.0)
    pushed = LiveStage(at_s=10, mm=10, over_s=5, creep_mm=0)
    braced = Pit(live=[pushed], struts={"f1": strut}, daily_mm=0)
    night, noon = 18 * 3600.0, 6 * 3600.0  # it starts at nine
    assert pit.force(braced, strut, noon) - pit.force(braced, strut, night) == pytest.approx(4 * 2 * 6)
    assert pit.force(braced, strut, 16.0) - pit.force(braced, strut, 9.0) == pytest.approx(300, abs=1)
    shown = pit.frequency(wire, kn=700.0, degrees=26.0)
    assert -2.0 * (shown**2 / 1000 - 9000.0) + 1.5 * (26.0 - 20.0) == pytest.approx(700.0)
    assert 2900 < shown < 3000
    assert pit.frequency(wire, kn=1e6, degrees=20.0) == 0.0, "a slack wire does not sound"


def test_an_inclinometers_elements_lean_so_that_their_sum_is_how_far_the_wall_has_moved() -> None:
    depths = [12.0, 9.0, 6.0, 3.0, 0.0]  # from the toe up
    chain = {
        f"a{i}": Element(along=0.5, upper_m=upper, lower_m=lower, toe_m=12.0, zero_deg=0.4 * i, noise_deg=0.0)
        for i, (lower, upper) in enumerate(pairwise(depths))
    }
    wall = Pit(stages=PIT.stages, elements=chain)
    said, moved = pit.read(wall, 0.0, Random(1)), 0.0
    for (key, element), upper in zip(chain.items(), depths[1:], strict=True):
        moved += 3000 * (math.sin(math.radians(said[key])) - math.sin(math.radians(element.zero_deg)))
        assert moved == pytest.approx(pit.deep_displacement(wall, element, upper, 0.0), abs=1e-6)
    assert moved == pytest.approx(pit.displacement(wall, PitPoint(along=0.5), 0.0))
    assert moved > 9


def test_a_levelling_cell_settles_against_the_one_that_stands_still() -> None:
    still, settles = Cell(along=0.5, share=0.0, noise_mm=0), Cell(along=0.5, share=0.5, noise_mm=0)
    line = Pit(stages=PIT.stages, cells={"c0": still, "c1": settles})
    noon, night = 6 * 3600.0, 18 * 3600.0
    for t_s in (noon, night):
        said = pit.read(line, t_s, Random(1))
        settled = 0.5 * pit.displacement(line, PitPoint(along=0.5), t_s)
        assert said["c1"] - said["c0"] == pytest.approx(settled)
    warm, cold = (pit.cell_level(line, still, t_s) for t_s in (noon, night))
    assert warm - cold == pytest.approx(0.02 * 12)


def test_groundwater_falls_with_the_pumps_rises_with_the_rain_and_ebbs() -> None:
    rain = Rain(at_s=3600, m=0.8, over_s=3600, ebbs_s=7200)
    well = Well(level_m=4.0, m_per_day=-0.5, daily_m=0.0, rains=[rain])
    assert pit.water_level(well, 0.0) == 4.0
    assert pit.water_level(well, 7200.0) == pytest.approx(4.0 - 0.5 / 12 + 0.8)
    assert pit.water_level(well, 14_400.0) == pytest.approx(4.0 - 0.5 / 6 + 0.8 / math.e)


def _blow(weather: Wind, seconds: int, seed: int = 1) -> list[float]:
    state, rng, shown = wind.WindState(), Random(seed), []
    for i in range(1, seconds * 20 + 1):
        state = wind.step(weather, state, t_s=i / 20, dt_s=0.05, rng=rng)
        shown.append(state.shown_mps)
    return shown


def test_a_gust_front_passes_force_6_at_its_time_and_goes_again() -> None:
    shown = _blow(Wind(fronts=[GustFront(at_s=60, peak_mps=14, hold_s=30)]), 200)
    assert max(shown[: 60 * 20]) < 10.8
    assert max(shown[60 * 20 : 100 * 20]) > 10.8
    assert max(shown[140 * 20 :]) < 10.8


def test_a_front_can_come_again() -> None:
    weather = Wind(fronts=[GustFront(at_s=10, peak_mps=14, every_s=300)])
    assert wind.mean(weather, 30.0) == wind.mean(weather, 630.0) == 14.0
    assert wind.mean(weather, 200.0) == weather.mean_mps


def test_gusts_have_the_mean_and_spread_that_the_scenario_gives() -> None:
    weather = Wind(mean_mps=6.0, gust_sd_mps=1.0)
    state, rng, gusts = wind.WindState(), Random(5), []
    for i in range(40_000):
        state = wind.step(weather, state, t_s=i / 20, dt_s=0.05, rng=rng)
        gusts.append(state.gust_mps)
    assert abs(sum(gusts) / len(gusts)) < 0.3
    assert 0.8 < math.sqrt(sum(g * g for g in gusts) / len(gusts)) < 1.2


def test_the_spectrum_of_the_gusts_falls_as_turbulence_does() -> None:
    """Energy over frequency to the power of -5/3, between the largest and the smallest gusts."""
    weather_, dt_s, count = Wind(gust_sd_mps=1.0, gust_s=8.0), 0.05, 1 << 15
    state, rng, gusts = wind.WindState(), Random(9), []
    for i in range(count):
        state = wind.step(weather_, state, t_s=i * dt_s, dt_s=dt_s, rng=rng)
        gusts.append(state.gust_mps)
    energy = np.abs(np.fft.rfft(gusts)) ** 2
    hertz = np.fft.rfftfreq(count, dt_s)
    band = (hertz > 0.03) & (hertz < 1.0)
    slope = np.polyfit(np.log(hertz[band]), np.log(energy[band]), 1)[0]
    assert -2.0 < slope < -1.4


def test_wind_veers_around_its_mean_direction_also_through_north() -> None:
    station, state = WeatherStation(direction_deg=2.0), weather.WeatherState()
    rng, noise, turned = Random(1), Random(2), []
    for i in range(1, 2 * 3600):
        state = weather.step(station, state, t_s=float(i), dt_s=1.0, rng=rng)
        said = weather.read(station, state, noise)["wind_direction"]
        assert 0.0 <= said < 360.0
        turned.append((said - 2.0 + 180.0) % 360.0 - 180.0)
    spread = math.sqrt(sum(t * t for t in turned) / len(turned))
    assert spread == pytest.approx(12.0, rel=0.25)


def test_steps_stay_on_each_side_as_long_as_they_may() -> None:
    plan = Steps(point="load", below=1.0, beyond=3.0, below_s=(2, 3), beyond_s=(4, 5), steady={"radius": 30})
    rng = Random(2)
    state, sides = steps.start(plan, rng), []
    for i in range(20 * 600):
        state = steps.step(plan, state, i / 20, rng)
        sides.append(steps.read(plan, state)["load"])
    runs = [len(run) / 20 for run in "".join("b" if s == 3.0 else "." for s in sides).split(".") if run]
    assert len(runs) > 60
    assert all(3.9 <= run <= 5.1 for run in runs[:-1])
    assert steps.read(plan, state)["radius"] == 30
