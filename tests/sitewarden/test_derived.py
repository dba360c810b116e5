"""Derived points by hand-computed vectors."""

from pathlib import Path

import pytest

from sitewarden.charts import load_chart
from sitewarden.derived import (
    BEYOND_CHART_PERCENT,
    DAY_MS,
    SPACING_MS,
    Displacement,
    Subject,
    crane_points,
    derivations_of,
)
from sitewarden.messages import PointBirth
from sitewarden.quality import Quality
from sitewarden.readings import Reading

CHART = load_chart("tc5610-like", Path())
T = 1_763_650_000_000


def crane(load: float | None, radius: float, falls: float = 4, load_at: int = T) -> dict[str, Reading]:
    quality = Quality.GOOD if load is not None else Quality.TIMEOUT
    readings = crane_points(
        "c1",
        CHART,
        {
            "crane.load": Reading("c1/load", load_at, load, quality),
            "crane.radius": Reading("c1/radius", T, radius),
            "crane.falls": Reading("c1/falls", T, falls),
        },
        2000,
        0.1,
    )
    return {r.point: r for r in readings}


@pytest.mark.parametrize(
    ("load", "radius", "percent"), [(2.80, 25, 95.3), (3.00, 25, 102.1), (2.6, 30, 110.8)]
)
def test_ratios_follow_the_chart_at_the_radius_not_a_nominal_moment(
    load: float, radius: float, percent: float
) -> None:
    points = crane(load, radius)
    assert points["c1/load_ratio"].value == pytest.approx(percent, abs=0.3)
    assert points["c1/moment_ratio"].value == pytest.approx(percent, abs=0.3)
    assert points["c1/moment"].value == pytest.approx(load * radius)


def test_at_the_tip_a_load_far_below_the_nominal_moment_overloads() -> None:
    # 1.1 t at 56 m is 61.6 t·m, below 630 kN·m (64.2 t·m), yet 110 % of what the tip may carry.
    assert crane(1.1, 56)["c1/moment_ratio"].value == pytest.approx(110.0)


def test_fewer_falls_rate_less_near_the_mast() -> None:
    assert crane(3.0, 15, falls=2)["c1/load_ratio"].value == pytest.approx(100.0)
    assert crane(3.0, 15, falls=4)["c1/load_ratio"].value == pytest.approx(100 * 3 / 5.4)


def test_any_load_beyond_the_chart_alarms_and_none_does_not() -> None:
    assert crane(0.5, 57)["c1/load_ratio"].value == BEYOND_CHART_PERCENT
    assert crane(0.0, 57)["c1/load_ratio"].value == 0.0


def test_an_empty_hook_at_the_tip_is_no_overload_for_its_encoder_s_noise() -> None:
    for key in ("c1/load_ratio", "c1/moment_ratio"):
        assert crane(0.02, 56.1)[key].value == 0.0
        assert crane(0.02, 56.0)[key].value == pytest.approx(2.0)
        assert crane(0.1, 56.1)[key].value == BEYOND_CHART_PERCENT


@pytest.mark.parametrize(("empty", "ratio"), [(0.0, BEYOND_CHART_PERCENT), (0.3, 0.0)])
def test_what_a_limiter_shows_of_its_empty_hook_is_no_load(empty: float, ratio: float) -> None:
    subject = Subject(
        device="c1",
        kind="crane",
        chart=CHART,
        points=tuple(
            PointBirth(p=f"c1/{key}", kind=f"crane.{key}", stale_after_ms=2000)
            for key in ("load", "radius", "falls")
        ),
        parameters={"cycle_empty_hook": empty},
    )
    read = [Reading("c1/load", T, 0.35), Reading("c1/radius", T, 57.0), Reading("c1/falls", T, 4.0)]
    made = {r.point: r.value for r in derivations_of(subject).take(read)}
    assert made["c1/load_ratio"] == ratio


@pytest.mark.parametrize(
    "points",
    [crane(None, 25), crane(2.0, 25, falls=3), crane(2.0, 25, load_at=T - 2001)],
)
def test_a_missing_wrong_or_old_input_makes_all_four_bad(points: dict[str, Reading]) -> None:
    assert {(r.value, r.quality) for r in points.values()} == {(None, Quality.BAD_INPUT)}
    assert len(points) == 4


def run(values: list[tuple[int, float]], zero: float = 100.0) -> list[Reading]:
    point = Displacement("pit-1/h1", zero)
    return [r for at, mm in values for r in point.derive(Reading("pit-1/h1", at, mm))]


def test_cumulative_counts_from_the_zero_reading() -> None:
    assert run([(T, 112.5)]) == [Reading("pit-1/h1.cumulative", T, 12.5)]


def test_no_daily_rate_is_claimed_before_a_day_of_history() -> None:
    readings = run([(T + i * SPACING_MS, 100 + i) for i in range(144)])
    assert not [r for r in readings if r.point.endswith(".rate")]


def test_a_steady_creep_has_its_rate_per_day() -> None:
    readings = run([(T + i * SPACING_MS, 100 + 2.0 * i * SPACING_MS / DAY_MS) for i in range(300)])
    rates = [r.value for r in readings if r.point.endswith(".rate")]
    assert len(rates) == 300 - 144
    assert rates == pytest.approx([2.0] * len(rates))


def test_readings_every_second_still_look_back_a_day_in_bounded_memory() -> None:
    point = Displacement("pit-1/h1", 0.0)
    point.remember([(T + i * SPACING_MS, 1.0) for i in range(145)])
    start = T + 144 * SPACING_MS
    for second in range(3600):
        readings = point.derive(Reading("pit-1/h1", start + second * 1000, 4.0))
        assert readings[1].value == pytest.approx(3.0, rel=0.01)
    assert len(point.remembered()) <= 146


def test_a_bad_reading_makes_bad_derived_ones_and_forgets_nothing() -> None:
    point = Displacement("p/h", 0.0)
    point.remember([(T, 1.0)])
    bad = point.derive(Reading("p/h", T + DAY_MS, None, Quality.TIMEOUT))
    assert {r.quality for r in bad} == {Quality.BAD_INPUT}
    assert point.derive(Reading("p/h", T + DAY_MS, 3.0))[1].value == pytest.approx(2.0)


def test_saved_and_restored_memory_changes_nothing() -> None:
    history = [(T + i * SPACING_MS, i * 0.01) for i in range(200)]
    whole, first, second = (Displacement("p/h", 0.0) for _ in range(3))
    expected = [r for at, v in history for r in whole.derive(Reading("p/h", at, v))]
    got = [r for at, v in history[:120] for r in first.derive(Reading("p/h", at, v))]
    second.remember(first.remembered())
    got += [r for at, v in history[120:] for r in second.derive(Reading("p/h", at, v))]
    assert got == expected


def test_one_reading_dated_in_the_future_does_not_silence_the_rate_for_ever() -> None:
    steady = [(T + i * SPACING_MS, 2.0 * i * SPACING_MS / DAY_MS) for i in range(400)]
    readings = run([*steady[:100], (T + 3650 * DAY_MS, 0.0), *steady[100:]], zero=0.0)
    rates = [r.value for r in readings if r.point.endswith(".rate") and r.at_ms <= steady[-1][0]]
    assert rates[-1] == pytest.approx(2.0)


def test_over_a_long_gap_no_mean_hides_what_moves_today() -> None:
    rows = [(T, 0.0), (T + 9 * DAY_MS, 10.0), (T + 9 * DAY_MS + 3_600_000, 12.0)]
    assert not [r for r in run(rows, zero=0.0) if r.point.endswith(".rate")]


def test_an_older_memory_does_not_push_out_what_was_seen_since() -> None:
    live = Displacement("pit-1/h1", 0.0)
    for hour in range(30):
        live.derive(Reading("pit-1/h1", 10 * DAY_MS + hour * 3_600_000, float(hour)))
    seen = live.remembered()
    live.remember([(DAY_MS, 1.0), (2 * DAY_MS, 2.0)])
    assert live.remembered()[-len(seen) :] == seen
    rates = [
        r for r in live.derive(Reading("pit-1/h1", 10 * DAY_MS + 30 * 3_600_000, 30.0)) if "rate" in r.point
    ]
    assert [round(r.value or 0, 1) for r in rates] == [24.0]


@pytest.mark.parametrize("days", [1, 2, 3, 7])
def test_rounds_days_apart_give_the_mean_of_the_days_between(days: int) -> None:
    rounds = [(T + i * days * DAY_MS + i % 3 * 60_000, 10.0 * i * days) for i in range(9)]
    rates = [r.value for r in run(rounds, zero=0.0) if r.point.endswith(".rate")]
    assert len(rates) >= 7  # a round a minute early is no day yet
    assert rates == pytest.approx([10.0] * len(rates), rel=0.01)


def test_readings_again_and_again_after_a_gap_do_not_repeat_its_mean() -> None:
    again = [(T + 5 * DAY_MS + i * SPACING_MS // 10, 50.0) for i in range(30)]
    rates = [r for r in run([(T, 0.0), *again], zero=0.0) if r.point.endswith(".rate")]
    assert [r.at_ms for r in rates] == [T + 5 * DAY_MS]
    assert [r.value for r in rates] == pytest.approx([10.0])


def test_of_a_gap_longer_than_any_round_no_rate_is_made() -> None:
    assert not [r for r in run([(T, 0.0), (T + 9 * DAY_MS, 90.0)], zero=0.0) if r.point.endswith(".rate")]
