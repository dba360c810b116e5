"""What people breathe over 15 minutes and over a shift, and what is said where nobody measured it."""

import itertools
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitewarden.derived import Derivations, Subject, derivations_of
from sitewarden.messages import PointBirth
from sitewarden.quality import Quality
from sitewarden.readings import Reading

T = 1_763_650_000_000
MIN, HOUR = 60_000, 3_600_000
HEAD = Subject(
    device="g1",
    kind="other",
    points=(
        PointBirth(p="g1/co", kind="gas.co", stale_after_ms=15_000),
        PointBirth(p="g1/o2", kind="gas.o2", stale_after_ms=15_000),
    ),
)


def co(value: float | None, *, since_ms: int = 0, for_ms: int, every_ms: int = 5_000) -> list[Reading]:
    quality = Quality.GOOD if value is not None else Quality.TIMEOUT
    return [
        Reading("g1/co", T + at_ms, value, quality) for at_ms in range(since_ms, since_ms + for_ms, every_ms)
    ]


def told(step: str, readings: Iterable[Reading], subject: Subject = HEAD) -> list[tuple[float, float | None]]:
    """Minutes since the beginning and what is said of the mean, `None` where it is bad."""
    made = derivations_of(subject).take(list(readings))
    return [((r.at_ms - T) / MIN, r.value) for r in made if r.point == f"g1/co.{step}"]


def at(minute: float, said: list[tuple[float, float | None]]) -> float | None:
    """What was said last until then."""
    return [value for when, value in said if when <= minute][-1]


def test_only_a_gas_with_a_limit_of_a_mean_has_one() -> None:
    assert {p.point for p in derivations_of(HEAD).points} == {"g1/co.stel", "g1/co.twa"}


def test_the_mean_of_an_even_concentration_is_that_once_the_window_is_full() -> None:
    said = told("stel", co(24.0, for_ms=20 * MIN))
    assert at(15, said) == pytest.approx(24.0, rel=0.01)
    assert at(19, said) == pytest.approx(24.0)


def test_before_that_it_grows_so_that_a_passed_limit_is_told_at_once() -> None:
    """100 mg/m³ for 4.5 minutes is what 30 mg/m³ is in fifteen."""
    said = told("stel", co(100.0, for_ms=15 * MIN))
    assert next(when for when, value in said if value is not None and value >= 30) == pytest.approx(
        4.5, abs=0.2
    )
    assert said[0] == (0.0, 0.0)
    values = [value for _, value in said if value is not None]
    assert values == sorted(values)


def test_a_whiff_is_no_exposure() -> None:
    said = told("stel", [*co(2.0, for_ms=HOUR), *co(200.0, since_ms=HOUR, for_ms=30_000)])
    assert max(value for _, value in said if value is not None) < 10


def test_a_shift_is_summed_over_eight_hours() -> None:
    """Two hours at 60 mg/m³ and six at 6 are 19.5 over the shift."""
    readings = [
        *co(60.0, for_ms=2 * HOUR, every_ms=30_000),
        *co(6.0, since_ms=2 * HOUR, for_ms=6 * HOUR, every_ms=30_000),
    ]
    said = told("twa", readings)
    assert at(120, said) == pytest.approx(15.0, rel=0.01)
    assert at(480, said) == pytest.approx(19.5, rel=0.01)
    assert all(
        b[0] - a[0] >= 0.99 for a, b in itertools.pairwise(said)
    )  # a mean of hours is told once a minute


def test_lost_polls_are_left_out_and_not_taken_for_clean_air() -> None:
    readings = [r for i, r in enumerate(co(24.0, for_ms=20 * MIN)) if i % 7]
    assert at(19, told("stel", readings)) == pytest.approx(24.0)
    break_of_two_minutes = [*co(24.0, for_ms=10 * MIN), *co(24.0, since_ms=12 * MIN, for_ms=8 * MIN)]
    assert at(19, told("stel", break_of_two_minutes)) == pytest.approx(24.0)


def test_after_a_long_gap_a_mean_may_rise_and_never_falls_unproved() -> None:
    """Five minutes of fifteen unmeasured: what is left is the least that it may be."""
    clean = [*co(24.0, for_ms=15 * MIN), *co(0.0, since_ms=20 * MIN, for_ms=20 * MIN)]
    said = told("stel", clean)
    assert at(15, said) == pytest.approx(24.0, rel=0.02)
    assert at(21, said) is None
    # Until no more than a quarter of the window is unmeasured.
    assert {value for when, value in said if 20 <= when < 31} == {None}
    assert at(39, said) == 0.0
    foul = [*co(24.0, for_ms=15 * MIN), *co(150.0, since_ms=20 * MIN, for_ms=5 * MIN)]
    assert (at(24.9, told("stel", foul)) or 0.0) > 30.0


def test_what_is_lost_for_longer_than_a_break_has_no_mean() -> None:
    said = told("stel", [*co(24.0, for_ms=10 * MIN), *co(None, since_ms=10 * MIN, for_ms=3 * MIN)])
    assert at(10.9, said) is not None
    assert at(11.5, said) is None


def test_after_a_night_of_silence_everything_begins_anew() -> None:
    morning = 15 * MIN + 8 * HOUR
    said = told("stel", [*co(24.0, for_ms=15 * MIN), *co(6.0, since_ms=morning, for_ms=5 * MIN)])
    assert said[-1][1] == pytest.approx(2.0, rel=0.05)
    assert (morning / MIN, 0.0) in said


def test_a_detector_without_power_for_the_whole_window_proves_no_clean_air() -> None:
    """Else the gravest alarm would end although the air is as foul as before."""
    said = told("stel", [*co(100.0, for_ms=20 * MIN), *co(100.0, since_ms=40 * MIN, for_ms=20 * MIN)])
    after = [value for when, value in said if when >= 40]
    assert after[0] is None
    assert min(value for value in after if value is not None) == pytest.approx(100.0)
    assert after[-1] == pytest.approx(100.0)


def test_less_than_nothing_is_nothing() -> None:
    assert at(15, told("stel", co(-3.0, for_ms=16 * MIN))) == 0.0


def test_a_head_may_have_windows_of_its_own() -> None:
    other = msgspec.structs.replace(HEAD, point_parameters={"co": {"gas_stel_s": 300.0}})
    assert at(5, told("stel", co(24.0, for_ms=6 * MIN), other)) == pytest.approx(24.0, rel=0.02)


def test_a_clock_that_is_set_back_loses_no_dose() -> None:
    derivations = derivations_of(HEAD)
    derivations.take(co(24.0, for_ms=16 * MIN))
    derivations.shift(-HOUR, 0)
    made = derivations.take(co(24.0, since_ms=16 * MIN - HOUR, for_ms=MIN))
    (newest,) = [r for r in made if r.point == "g1/co.stel"][-1:]
    assert newest.value == pytest.approx(24.0)


def test_a_clock_that_is_set_back_by_a_blink_forgets_no_hours() -> None:
    """Less than half a second is followed without a word, and a head may be asked five times a second."""
    said = told("twa", [*co(24.0, for_ms=8 * HOUR), *co(24.0, since_ms=8 * HOUR - 5_400, for_ms=5 * MIN)])
    assert min(value for when, value in said if when > 470 and value is not None) > 23


def restored(before: Derivations) -> Derivations:
    after = derivations_of(HEAD)
    assert after.remember(msgspec.json.decode(msgspec.json.encode(before.remembered()))) == []
    return after


STEPS = st.tuples(
    st.sampled_from([1_000, 5_000, 20_000, 70_000, 400_000, 1_000_000]),
    st.one_of(st.none(), st.floats(0, 200)),
    st.booleans(),
)


@given(st.lists(STEPS, max_size=60))
def test_cutting_saving_and_restoring_change_nothing(steps: list[tuple[int, float | None, bool]]) -> None:
    at_ms, readings, cuts = T, list[Reading](), list[bool]()
    for step_ms, value, cut in steps:
        at_ms += step_ms
        readings.append(
            Reading("g1/co", at_ms, value, Quality.GOOD if value is not None else Quality.TIMEOUT)
        )
        cuts.append(cut)
    derivations, piecewise = derivations_of(HEAD), list[Reading]()
    for reading, cut in zip(readings, cuts, strict=True):
        derivations = restored(derivations) if cut else derivations
        piecewise += derivations.take([reading])
    assert derivations_of(HEAD).take(readings) == piecewise


@given(st.lists(STEPS, max_size=60))
def test_a_mean_is_never_above_the_greatest_nor_below_nothing(
    steps: list[tuple[int, float | None, bool]],
) -> None:
    at_ms, readings = T, list[Reading]()
    for step_ms, value, _ in steps:
        at_ms += step_ms
        readings.append(
            Reading("g1/co", at_ms, value, Quality.GOOD if value is not None else Quality.TIMEOUT)
        )
    greatest = max((r.value for r in readings if r.value is not None), default=0.0)
    for made in derivations_of(HEAD).take(readings):
        assert made.value is None or -1e-9 <= made.value <= greatest * (1 + 1e-9) + 1e-9
