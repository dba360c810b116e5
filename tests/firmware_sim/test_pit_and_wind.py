"""An excavation's past runs on into its present; wind rises at its time; steps jump."""

import math
from random import Random

from firmware_sim import pit, steps, wind
from firmware_sim.model import GustFront, LiveStage, Pit, PitPoint, Stage, Steps, Wind

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
