"""Creep and time to limit: walls by other laws than the detector's own, seeds pinned (`bench/creep.py`)."""

import math
from collections.abc import Iterable, Sequence
from functools import cache
from random import Random
from typing import Any

import msgspec
import pytest

from bench.creep_motion import FAILING, STABLE, readings
from sitewarden.derived import Subject, derivations_of
from sitewarden.derived.creep import BIN_MS, HORIZON_H, HOUR_MS, RETRACTIONS, Creep, State
from sitewarden.derived.creep_law import Fit
from sitewarden.derived.regression import student, without_outliers
from sitewarden.messages import PointBirth
from sitewarden.quality import Quality
from sitewarden.readings import Reading

T = 1_763_650_000_000
POINT = "p/h1.cumulative"
CONTROL_MM = 30.0
Series = Iterable[tuple[float, float | None]]
"""(hour, mm); `None` where the sensor was silent."""


def reading(hour: float, mm: float | None) -> Reading:
    quality = Quality.TIMEOUT if mm is None else Quality.GOOD
    return Reading(POINT, T + round(hour * HOUR_MS), mm, quality)


def run(series: Series, creep: Creep | None = None) -> list[Reading]:
    creep = creep or Creep(POINT, CONTROL_MM)
    return [said for hour, mm in series for said in creep.take([reading(hour, mm)])]


def of(suffix: str, said: Sequence[Reading]) -> list[tuple[float, float | None]]:
    return [((r.at_ms - T) / HOUR_MS, r.value) for r in said if r.point == f"p/h1.{suffix}"]


def foretold(said: Sequence[Reading]) -> list[float]:
    return [hour for hour, left in of("hours_to_failure", said) if left is not None and left < HORIZON_H]


def creeping(
    pace_mm_d: float, hours: float, *, seed: int = 1, noise_mm: float = 0.05
) -> list[tuple[float, float]]:
    rng = Random(seed)
    return [
        (h, pace_mm_d * h / 24 + 0.3 * math.sin(2 * math.pi * h / 24) + rng.gauss(0, noise_mm))
        for h in map(float, range(round(hours)))
    ]


@cache
def failing(law: str) -> tuple[list[tuple[float, float]], list[Reading]]:
    """A wall until its control value, and what was said of it."""
    series = list(readings(FAILING[law], f"pinned/{law}", 20, until_mm=CONTROL_MM))
    return series, run(series)


@pytest.mark.parametrize("law", FAILING)
def test_a_wall_that_fails_is_warned_of_hours_before_its_control_value(law: str) -> None:
    series, said = failing(law)
    soon = [hour for hour, left in of("time_to_limit", said) if left is not None and left <= 72]
    proven = foretold(said)
    assert proven, "the law of failure was never proven"
    assert series[-1][0] - min(soon[0], proven[0]) >= 12


@pytest.mark.parametrize("law", STABLE)
def test_a_wall_that_is_stable_is_never_said_to_fail(law: str) -> None:
    assert foretold(run(readings(STABLE[law], f"pinned/{law}", 9))) == []


def test_failure_comes_nearer_and_its_bound_lies_before_it() -> None:
    _, said = failing("fukuzono")
    left = [hours for _, hours in of("hours_to_failure", said) if hours is not None and hours < HORIZON_H]
    least = [
        hours for _, hours in of("hours_to_failure_least", said) if hours is not None and hours < HORIZON_H
    ]
    assert left[-1] < 0.5 * left[0]
    assert all(low <= mean for low, mean in zip(least, left, strict=True))
    assert all(0 <= fit <= 1 for _, fit in of("creep_fit", said) if fit is not None)


def test_an_hour_of_noise_takes_no_proven_failure_back() -> None:
    series, clean = failing("exponential")
    since = foretold(clean)[0] + 10
    spoilt = [(hour, mm - 1 if since <= hour < since + 2 else mm) for hour, mm in series if hour < since + 12]
    said = run(spoilt)
    assert {left for hour, left in of("hours_to_failure", said) if hour > since} & {HORIZON_H} == set()
    assert {state for hour, state in of("creep_state", said) if hour > since} == {State.FAILING}


def test_what_is_not_known_before_two_days_is_said_to_be_unknown() -> None:
    said = run(creeping(1.0, 36))
    assert {state for _, state in of("creep_state", said)} == {float(State.UNKNOWN)}
    assert {r.point for r in said} == {"p/h1.creep_state"}


def test_an_even_creep_tells_when_it_reaches_the_control_value() -> None:
    hour, left = of("time_to_limit", said := run(creeping(2.0, 120)))[-1]
    assert left == pytest.approx(24 * (CONTROL_MM - 2.0 * hour / 24) / 2.0, rel=0.05)
    least, most = of("time_to_limit_least", said)[-1][1], of("time_to_limit_most", said)[-1][1]
    assert least is not None
    assert most is not None
    assert left is not None
    assert least < left < most
    assert of("creep_state", said)[-1][1] == State.STEADY


@pytest.mark.parametrize("seed", range(2))
def test_a_wall_that_only_breathes_tells_of_no_limit(seed: int) -> None:
    said = run(creeping(0.0, 96, seed=seed))
    assert of("time_to_limit", said) == []
    assert {state for hour, state in of("creep_state", said) if hour > 50} <= {State.STILL, State.STEADY}


def test_heave_is_watched_as_settlement_is() -> None:
    series, said = failing("exponential")
    assert [(r.at_ms, r.value) for r in run((h, -mm) for h, mm in series)] == [
        (r.at_ms, r.value) for r in said
    ]


def test_a_wall_on_its_way_back_tells_of_no_limit() -> None:
    assert of("time_to_limit", run((h, 20 - mm) for h, mm in creeping(2.0, 100))) == []


def test_where_the_control_value_is_reached_no_time_is_left() -> None:
    said = run((h, CONTROL_MM + mm) for h, mm in creeping(2.0, 60))
    assert of("time_to_limit", said)[-1][1] == 0.0


def test_a_forecast_that_no_longer_holds_is_taken_back_and_then_nothing_is_said() -> None:
    moving = creeping(3.0, 72)
    resting = [(72 + h, moving[-1][1] + mm) for h, mm in creeping(0.0, 96)]
    told = of("time_to_limit", run([*moving, *resting]))
    assert [left for _, left in told[-RETRACTIONS:]] == [HORIZON_H] * RETRACTIONS
    assert told[-1][0] < 72 + 90


def test_a_silent_sensor_ends_no_forecast() -> None:
    silent = [(96 + h / 2, None) for h in range(30)]
    said = [r for r in run([*creeping(3.0, 96), *silent]) if r.at_ms > T + 100 * HOUR_MS]
    assert said
    assert {(r.value, r.quality) for r in said} == {(None, Quality.BAD_INPUT)}
    assert {r.point for r in said} >= {"p/h1.creep_state", "p/h1.time_to_limit"}


def test_a_lone_outlier_changes_no_forecast() -> None:
    clean = creeping(2.0, 100)
    spoilt = [(h, mm + (15 if i == 75 else 0)) for i, (h, mm) in enumerate(clean)]
    before, after = of("time_to_limit", run(clean))[-1][1], of("time_to_limit", run(spoilt))[-1][1]
    assert after == pytest.approx(before, rel=0.02)


def test_fast_polling_remembers_no_more_than_four_days_of_half_hours() -> None:
    creep = Creep(POINT, CONTROL_MM)
    for second in range(0, 5 * 86_400, 20):
        creep.take([Reading(POINT, T + 1000 * second, second / 86_400)])
    memory = creep.remembered()
    assert len(memory["samples"]) <= 4 * 48 + 1
    assert len(memory["open"]) <= 7


def restarted(creep: Creep) -> Creep:
    after = Creep(POINT, CONTROL_MM)
    after.remember(msgspec.json.decode(msgspec.json.encode(creep.remembered())))
    return after


@pytest.mark.parametrize("cut", [1, 7, 60])
def test_a_restart_changes_nothing(cut: int) -> None:
    series, expected = failing("exponential")
    first = Creep(POINT, CONTROL_MM)
    got = run(series[:-cut], first)
    got += run(series[-cut:], restarted(first))
    assert got == expected


def test_a_clock_that_was_set_moves_what_is_remembered() -> None:
    """An hour is a whole number of half hours, so that nothing but the instants may differ."""
    series = creeping(2.0, 100)
    creep, expected = Creep(POINT, CONTROL_MM), run(series)
    got = run(series[:75], creep)
    creep.shift(HOUR_MS, T - 1)
    got += [r._replace(at_ms=r.at_ms - HOUR_MS) for r in run(((h + 1, mm) for h, mm in series[75:]), creep)]
    assert [(r.point, r.at_ms, round(r.value or 0, 9)) for r in got] == [
        (r.point, r.at_ms, round(r.value or 0, 9)) for r in expected
    ]


def test_one_reading_dated_in_the_future_silences_nothing_for_ever() -> None:
    series: list[tuple[float, float]] = creeping(2.0, 100)
    series.insert(30, (10_000.0, 0.0))
    series.insert(31, (10_001.0, 0.0))
    said = run(series)
    assert of("time_to_limit", [r for r in said if r.at_ms < T + 200 * HOUR_MS])[-1][0] == 99.0


def subject(**settings: Any) -> Subject:
    births = (PointBirth(p="p/h1", kind="pit.displacement.horizontal", stale_after_ms=10_000),)
    return Subject(device="p", kind="pit", points=births, zero={"h1": 100.0}, **settings)


def test_time_to_limit_needs_a_control_value_and_creep_does_not() -> None:
    without = {point.point for point in derivations_of(subject()).points}
    assert "p/h1.hours_to_failure" in without
    assert "p/h1.time_to_limit" not in without
    given_one = subject(parameters={"control_cumulative_mm": 30.0})
    assert "p/h1.time_to_limit" in {point.point for point in derivations_of(given_one).points}


def test_raw_readings_of_a_device_lead_to_its_forecast() -> None:
    derivations = derivations_of(subject(parameters={"control_cumulative_mm": CONTROL_MM}))
    said = [
        r
        for hour, mm in creeping(2.0, 80)
        for r in derivations.take([Reading("p/h1", T + round(hour * HOUR_MS), 100 + mm)])
    ]
    assert of("time_to_limit", said)[-1][1] == pytest.approx(24 * (CONTROL_MM - 2 * 79 / 24) / 2, rel=0.05)


@pytest.mark.parametrize("alpha", [1.5, 2.0, 2.5])
def test_a_law_reaches_the_limit_when_its_own_growth_does(alpha: float) -> None:
    fit = Fit(0.0, 40.0, alpha, 8.0)
    power = 1 / (alpha - 1) - 1
    hours = fit.reaches_h(5.0)
    left = 1 - hours / 40
    grown = -8 * math.log(left) if alpha == 2.0 else 8 * (left**-power - 1) / power
    assert grown == pytest.approx(5.0)
    assert 0 < hours < 40


@pytest.mark.parametrize(
    ("probability", "freedom", "table"), [(0.975, 5, 2.571), (0.995, 10, 3.169), (0.95, 3, 2.353)]
)
def test_students_quantiles_are_those_of_the_table(probability: float, freedom: float, table: float) -> None:
    assert student(probability, freedom) == pytest.approx(table, rel=0.02)


def test_outliers_go_and_what_moves_stays() -> None:
    assert without_outliers([1, 2, 9, 4, 5, 6]) == [1, 2, 4, 5, 5, 5]
    assert without_outliers([1, 2, 3, 4, 5]) == [1, 2, 3, 4, 5]


def test_the_points_of_a_device_are_judged_at_different_instants() -> None:
    phases = {Creep(f"p/h{n}.cumulative", None)._phase_ms for n in range(8)}
    assert len(phases) == 8
    assert all(0 <= phase < BIN_MS for phase in phases)
