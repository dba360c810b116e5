"""Wind, motion and verticality of a crane, by cases made by hand."""

from collections.abc import Iterable, Sequence
from math import cos, isclose, radians, sin
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitewarden.charts import load_chart
from sitewarden.derived import Derivations, Subject, derivations_of
from sitewarden.derived.tilt import per_mille
from sitewarden.messages import PointBirth
from sitewarden.quality import Quality
from sitewarden.readings import Reading

T = 1_763_650_000_000
KINDS = {
    "load": "crane.load",
    "radius": "crane.radius",
    "falls": "crane.falls",
    "hook_height": "crane.hook_height",
    "slew": "crane.slew",
    "wind_speed": "crane.wind_speed",
    "tilt_x": "crane.tilt.x",
    "tilt_y": "crane.tilt.y",
}
IDLE = {
    "load": 0.05,
    "radius": 20.0,
    "falls": 4.0,
    "hook_height": 30.0,
    "slew": 90.0,
    "wind_speed": 2.0,
    "tilt_x": 0.1,
    "tilt_y": 0.0,
}
CRANE = Subject(
    device="c1",
    kind="crane",
    points=tuple(PointBirth(p=f"c1/{key}", kind=kind, stale_after_ms=2000) for key, kind in KINDS.items()),
    chart=load_chart("tc5610-like", Path()),
)
Poll = tuple[int, dict[str, float | None]]


def polls(
    seconds: float, *, begin_s: float = 0.0, every_s: float = 0.2, **changed: float | None
) -> list[Poll]:
    count = round(seconds / every_s)
    return [(T + round(1000 * (begin_s + i * every_s)), {**IDLE, **changed}) for i in range(count)]


def readings_of(poll: Poll) -> list[Reading]:
    at_ms, values = poll
    return [
        Reading(f"c1/{key}", at_ms, value, Quality.GOOD if value is not None else Quality.TIMEOUT)
        for key, value in values.items()
    ]


def taken(history: Iterable[Poll], derivations: Derivations | None = None) -> list[Reading]:
    derivations = derivations or derivations_of(CRANE)
    return [made for poll in history for made in derivations.take(readings_of(poll))]


def of(key: str, readings: Iterable[Reading]) -> list[Reading]:
    return [reading for reading in readings if reading.point == f"c1/{key}"]


def at_s(readings: Iterable[Reading]) -> list[float]:
    return [(reading.at_ms - T) / 1000 for reading in readings]


def changes(readings: Sequence[Reading]) -> list[tuple[float, float | None]]:
    """When a point took which value."""
    told = [((r.at_ms - T) / 1000, r.value) for r in readings]
    return [one for before, one in zip([(0.0, -1.0), *told], told, strict=False) if before[1] != one[1]]


def test_a_gust_is_the_mean_of_three_seconds_and_said_once_they_are_covered() -> None:
    # 4 m/s for three seconds, then 12: one second later a fourth of the window is full of it.
    history = polls(3, wind_speed=4.0) + polls(4, begin_s=3, wind_speed=12.0)
    gusts = of("wind_speed.gust", taken(history))
    assert at_s(gusts) == [3, 4, 5, 6]
    assert [g.value for g in gusts] == [pytest.approx(v) for v in (4.5, 7.0, 9.5, 12.0)]


def test_the_mean_of_a_minute_is_said_after_a_minute() -> None:
    means = of("wind_speed.mean", taken(polls(30, wind_speed=4.0) + polls(32, begin_s=30, wind_speed=8.0)))
    assert at_s(means) == [60, 61]
    assert means[0].value == pytest.approx((150 * 4 + 151 * 8) / 301)


def test_bad_wind_makes_bad_means_that_begin_anew() -> None:
    history = polls(5) + polls(7.4, begin_s=5, wind_speed=None) + polls(4, begin_s=12.4)
    gusts = of("wind_speed.gust", taken(history))
    assert [(at, g.quality) for at, g in zip(at_s(gusts), gusts, strict=True)] == [
        (3, Quality.GOOD),
        (4, Quality.GOOD),
        (10, Quality.BAD_INPUT),
        (11, Quality.BAD_INPUT),
        (12, Quality.BAD_INPUT),
        (15.4, Quality.GOOD),
    ]


@pytest.mark.parametrize("every", [5, 25, 250])
def test_a_lost_poll_takes_away_no_mean(every: int) -> None:
    history = [
        (at, {**values, "wind_speed": None if i % every == every - 1 else 11.5})
        for i, (at, values) in enumerate(polls(180))
    ]
    means = of("wind_speed.mean", taken(history))
    assert len(means) > 100
    assert [mean.value for mean in means] == pytest.approx([11.5] * len(means))


def test_of_a_window_that_readings_half_cover_nothing_is_said() -> None:
    history = [
        (at, {**values, "wind_speed": None if i % 2 else 11.5}) for i, (at, values) in enumerate(polls(180))
    ]
    assert of("wind_speed.mean", taken(history)) == []
    assert of("wind_speed.gust", taken(history)) == []


@given(
    st.lists(
        st.tuples(st.sampled_from([200, 200, 1000, 4000, 9000]), st.sampled_from([3.0, 9.0, 15.0, None])),
        max_size=120,
    )
)
def test_a_mean_lies_among_its_readings_and_is_bad_only_where_no_good_one_is_near(
    rows: list[tuple[int, float | None]],
) -> None:
    derivations, at_ms, good = derivations_of(CRANE), T, list[tuple[int, float]]()
    for apart_ms, wind in rows:
        at_ms += apart_ms
        good += [] if wind is None else [(at_ms, wind)]
        for made in derivations.take(readings_of((at_ms, {"wind_speed": wind}))):
            if made.point == "c1/wind_speed.gust" and made.value is not None:
                recent = [value for at, value in good if at >= at_ms - 3040]
                assert min(recent) <= made.value <= max(recent)
            elif made.point == "c1/wind_speed.gust":
                assert not good or at_ms - good[-1][0] > 5000


def test_a_gap_is_never_averaged_over() -> None:
    gusts = of("wind_speed.gust", taken(polls(4) + polls(4, begin_s=9)))
    assert at_s(gusts) == [3, 12]


def test_a_station_read_every_ten_seconds_gives_its_readings_as_its_gusts() -> None:
    station = Subject(
        device="w1",
        kind="weather",
        points=(PointBirth(p="w1/wind", kind="weather.wind_speed", stale_after_ms=30_000),),
    )
    derivations = derivations_of(station)
    rows = [(T + i * 10_000, 5.0 + i) for i in range(8)]
    made = [d for at, v in rows for d in derivations.take([Reading("w1/wind", at, v)])]
    assert [r.value for r in made if r.point == "w1/wind.gust"] == [6, 7, 8, 9, 10, 11, 12]
    assert [r.value for r in made if r.point == "w1/wind.mean"] == [8, 9]


def test_a_site_may_choose_its_own_window() -> None:
    subject = msgspec.structs.replace(CRANE, parameters={"wind_gust_s": 5})
    gusts = of("wind_speed.gust", taken(polls(7), derivations_of(subject)))
    assert at_s(gusts) == [5, 6]


def moving_of(history: Sequence[Poll]) -> list[tuple[float, float | None]]:
    return changes(of("moving", taken(history)))


def slewing(begin_s: float, seconds: float, speed: float, start: float = 90.0) -> list[Poll]:
    history = polls(seconds, begin_s=begin_s)
    for i, (_, values) in enumerate(history):
        values["slew"] = (start + speed * 0.2 * i) % 360.0
    return history


def test_a_crane_at_rest_is_said_not_to_move_once_a_window_was_seen() -> None:
    assert moving_of(polls(6)) == [(2.0, 0.0)]


def test_slewing_through_north_is_movement_and_not_a_turn_of_360_degrees() -> None:
    ways = slewing(0, 4, 1.0, start=358.0)
    assert moving_of(ways) == [(2.0, 1.0)]
    creeping = slewing(0, 10, 0.1, start=359.5)
    assert moving_of(creeping) == [(2.0, 0.0)]


@pytest.mark.parametrize(
    ("key", "slow", "fast"), [("slew", 0.2, 0.4), ("radius", 0.08, 0.12), ("hook_height", 0.04, 0.06)]
)
def test_each_axis_moves_from_its_own_speed_on(key: str, slow: float, fast: float) -> None:
    for speed, moves in ((slow, 0.0), (fast, 1.0)):
        history = polls(6)
        for i, (_, values) in enumerate(history):
            values[key] = IDLE[key] + speed * 0.2 * i
        assert moving_of(history) == [(2.0, moves)]


def test_between_the_half_and_the_whole_of_the_speed_what_moved_still_moves() -> None:
    history = slewing(0, 6, 0.4) + slewing(6, 6, 0.2, start=92.4) + slewing(12, 6, 0.1, start=93.6)
    told = moving_of(history)
    assert told[0] == (2.0, 1.0)
    assert [value for _, value in told] == [1.0, 0.0]
    assert 12 < told[1][0] <= 14


def test_the_noise_of_encoders_is_no_movement() -> None:
    history = polls(60)
    for i, (_, values) in enumerate(history):
        values["slew"] = 90.0 + 0.1 * (i % 3)
        values["radius"] = 20.0 + 0.01 * (i % 4)
        values["hook_height"] = 30.0 + 0.01 * (i % 5)
    assert moving_of(history) == [(2.0, 0.0)]


def test_a_dead_encoder_makes_standing_still_unknown_but_not_moving() -> None:
    history = polls(4)
    history += [(at, {**values, "radius": None}) for at, values in polls(4, begin_s=4)]
    history += [(at, {**values, "radius": None}) for at, values in slewing(8, 4, 2.0)]
    assert [value for _, value in moving_of(history)] == [0.0, None, 1.0]


def test_a_crane_without_a_slew_encoder_says_nothing_of_moving() -> None:
    points = tuple(point for point in CRANE.points if point.kind != "crane.slew")
    subject = msgspec.structs.replace(CRANE, points=points)
    assert "c1/moving" not in {point.point for point in derivations_of(subject).points}


def test_an_unchanged_value_is_told_once_a_second_not_at_every_poll() -> None:
    assert at_s(of("moving", taken(polls(6)))) == [2, 3.2, 4.4, 5.6]


@pytest.mark.parametrize(("degrees", "limit"), [(0.229, 4.0), (0.115, 2.0)])
def test_tilt_as_verticality_by_the_figures_of_the_standards(degrees: float, limit: float) -> None:
    assert per_mille(degrees, 0.0) == pytest.approx(limit, abs=0.01)
    assert per_mille(0.0, -degrees) == pytest.approx(limit, abs=0.01)


def verticalities(history: Iterable[Poll], subject: Subject = CRANE) -> list[Reading]:
    return of("verticality", taken(history, derivations_of(subject)))


def test_verticality_is_the_mean_of_a_calm_and_empty_ten_seconds() -> None:
    history = polls(90)
    for i, (_, values) in enumerate(history):
        values["tilt_x"] = 0.229 + (0.02 if i % 2 else -0.02)  # the mast swings
    found = verticalities(history)
    # The mean wind is known after a minute; then every ten seconds.
    assert at_s(found) == [70, 80]
    assert all(isclose(r.value or 0.0, 4.0, abs_tol=0.02) for r in found)


@pytest.mark.parametrize("works", [{"load": 1.0}, {"wind_speed": 3.6}])
def test_of_a_loaded_crane_or_in_wind_no_tilt_is_taken_for_verticality(works: dict[str, float]) -> None:
    assert verticalities(polls(90, tilt_x=1.5, **works)) == []


def test_a_slewing_crane_has_no_verticality_and_its_stop_begins_a_window() -> None:
    found = verticalities(slewing(0, 70, 2.0) + polls(20, begin_s=70, slew=230.0))
    assert len(found) == 1
    assert 80 < at_s(found)[0] < 84


def test_a_window_that_is_broken_off_says_nothing_and_the_next_begins_anew() -> None:
    history = polls(68) + polls(1, begin_s=68, load=1.0, tilt_x=1.0) + polls(16, begin_s=69)
    found = verticalities(history)
    assert at_s(found) == [79]
    assert found[0].value == pytest.approx(per_mille(0.1, 0.0))


@pytest.mark.parametrize("dead", ["tilt_x", "load", "radius", "wind_speed", "slew"])
def test_whatever_is_unknown_makes_verticality_bad(dead: str) -> None:
    found = verticalities(polls(65) + [(at, {**v, dead: None}) for at, v in polls(6, begin_s=65)])
    assert {(r.value, r.quality) for r in found} == {(None, Quality.BAD_INPUT)}


def test_the_tilt_of_a_plumb_mast_is_taken_off() -> None:
    subject = msgspec.structs.replace(CRANE, zero={"tilt_x": 0.1})
    assert verticalities(polls(75), subject)[0].value == pytest.approx(0.0)


@pytest.mark.parametrize("slew", [0.0, 37.0, 90.0, 200.0, -135.0])
def test_what_leans_towards_its_counterweight_is_not_out_of_plumb_across_the_jib(slew: float) -> None:
    # +x looks to slew 90°, +y to slew 0°. The unloaded mast leans 2.4/1000 back, and 4/1000 to one side.
    back, aside = 0.1375, 0.229
    along, across = (sin(radians(slew)), cos(radians(slew))), (cos(radians(slew)), -sin(radians(slew)))
    x, y = (aside * across[i] - back * along[i] for i in (0, 1))
    subject = msgspec.structs.replace(CRANE, parameters={"tilt_x_slew": 90})
    made = taken(polls(75, tilt_x=x, tilt_y=y, slew=slew), derivations_of(subject))
    (whole,), (lateral,) = of("verticality", made), of("verticality.lateral", made)
    assert lateral.value == pytest.approx(4.0, abs=0.01)
    assert whole.value == pytest.approx((4.0**2 + 2.4**2) ** 0.5, abs=0.01)


def test_how_an_inclinometer_is_mounted_is_not_guessed() -> None:
    assert "c1/verticality.lateral" not in {point.point for point in derivations_of(CRANE).points}


def test_without_an_anemometer_nobody_can_say_that_it_is_calm() -> None:
    points = tuple(point for point in CRANE.points if point.kind != "crane.wind_speed")
    subject = msgspec.structs.replace(CRANE, points=points)
    assert "c1/verticality" not in {point.point for point in derivations_of(subject).points}


def test_a_clock_that_is_set_moves_what_was_seen_and_no_delay_notices() -> None:
    hour_ms = 3_600_000
    plain, shifted = derivations_of(CRANE), derivations_of(CRANE)
    first, second = polls(65), polls(15, begin_s=65)
    taken(first, plain)
    taken(first, shifted)
    shifted.shift(hour_ms, T)
    moved = [(at + hour_ms, values) for at, values in second]
    expected = [r._replace(at_ms=r.at_ms + hour_ms) for r in taken(second, plain) if r.value is not None]
    got = taken(moved, shifted)
    for key in ("wind_speed.gust", "wind_speed.mean", "verticality"):
        assert of(key, got) == of(key, expected)
        assert of(key, got)


gusty = st.lists(
    st.tuples(
        st.sampled_from([200, 200, 200, 200, 1000, 5000]),
        st.sampled_from([0.05, 0.05, 0.05, 2.0, None]),
        st.sampled_from([0.0, 0.0, 0.0, 0.5]),
        st.sampled_from([1.0, 2.0, 9.0, None]),
    ),
    min_size=50,
    max_size=200,
)
QUICK = msgspec.structs.replace(
    CRANE, parameters={"wind_mean_s": 10, "static_s": 2, "moving_window_s": 1, "static_wind": 20}
)


@given(gusty, st.data())
def test_cutting_and_restarting_change_nothing(
    rows: list[tuple[int, float | None, float, float | None]], data: st.DataObject
) -> None:
    at_ms, slew, history = T, 0.0, []
    for apart_ms, load, turned, wind in rows:
        at_ms, slew = at_ms + apart_ms, slew + turned
        history.append((at_ms, {**IDLE, "load": load, "slew": slew, "wind_speed": wind}))
    whole = taken(history, derivations_of(QUICK))
    derivations, got, rest = derivations_of(QUICK), [], history
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        got += derivations.take([reading for poll in rest[:size] for reading in readings_of(poll)])
        rest = rest[size:]
        memory = msgspec.json.decode(msgspec.json.encode(derivations.remembered()))
        derivations = derivations_of(QUICK)
        assert derivations.remember(memory) == []
    assert got == whole
