"""The judgement: raised when it must, never cleared by bad quality, the same however the readings are cut."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitewarden.quality import Quality
from sitewarden.rules import NORMAL, Basis, BoundRule, Phase, Rule, RuleState, Transition, step
from sitewarden.rules.binding import ParameterMissingError, bind
from sitewarden.rules.engine import AlarmStatus, is_clearly_worse, status_of
from sitewarden.rules.model import Band, High, Low, Parameter
from sitewarden.text import Text

T = 1_763_650_000_000
Sample = tuple[int, float | None, Quality]


def rule(
    *, limit: float = 100.0, high: bool = True, dead_band: float = 2.0, on_s: float = 2.0, off_s: float = 2.0
) -> BoundRule:
    made = Rule(
        rule="r",
        family="f",
        version=1,
        watch="crane.load_ratio",
        condition=High(limit) if high else Low(limit),
        dead_band=dead_band,
        on_delay_s=on_s,
        off_delay_s=off_s,
        level=3,
        label=Text("超", "over"),
        basis=Basis(clause="c", source="standard", confidence="memory"),
    )
    return bind(made, "crane-1/load_ratio", {})


def judge(
    bound: BoundRule, samples: list[Sample], state: RuleState = NORMAL
) -> tuple[RuleState, list[Transition]]:
    transitions = []
    for at_ms, value, quality in samples:
        state, transition = step(bound, state, at_ms, value, quality)
        if transition:
            transitions.append(transition)
    return state, transitions


def every(ms: int, values: list[float | None]) -> list[Sample]:
    return [(T + i * ms, v, Quality.GOOD if v is not None else Quality.TIMEOUT) for i, v in enumerate(values)]


def test_an_alarm_is_raised_at_the_first_reading_that_is_old_enough() -> None:
    _, transitions = judge(rule(), every(1000, [99, 100, 105, 103]))
    assert transitions == [Transition("raised", T + 3000, 103, 105, T + 3000)]


def test_a_poll_that_comes_a_few_milliseconds_early_ends_a_delay_of_whole_intervals() -> None:
    samples = [(T + ms, 101.0, Quality.GOOD) for ms in (0, 1004, 1991)]
    assert [t.at_ms - T for t in judge(rule(), samples)[1]] == [1991]
    assert judge(rule(), [(T, 101.0, Quality.GOOD), (T + 1900, 101.0, Quality.GOOD)])[1] == []


def test_without_a_delay_the_first_reading_beyond_the_limit_raises() -> None:
    _, transitions = judge(rule(on_s=0), every(1000, [99.9, 100.0]))
    assert [t.at_ms for t in transitions] == [T + 1000]


def test_a_short_excursion_raises_nothing() -> None:
    assert judge(rule(), every(1000, [101, 101, 97, 101, 101, 97])) == (NORMAL, [])


def test_a_load_that_swings_about_its_limit_does_not_begin_its_delay_anew() -> None:
    _, transitions = judge(rule(), every(1000, [120, 99.9, 120, 120]))
    assert [t.at_ms - T for t in transitions] == [2000]
    assert judge(rule(), every(1000, [120, 97.9, 120, 120]))[1] == []
    assert judge(rule(), every(1000, [120, 99.9, 99.9, 99.9, 99.9]))[1] == []


def test_an_alarm_stays_raised_until_the_value_leaves_the_dead_band() -> None:
    state, transitions = judge(rule(on_s=0, off_s=0), every(1000, [101, 99, 98, 97.9]))
    assert [(t.change, t.at_ms - T) for t in transitions] == [("raised", 0), ("cleared", 3000)]
    assert state == NORMAL


def test_the_off_delay_begins_anew_when_the_value_comes_back() -> None:
    _, transitions = judge(rule(on_s=0), every(1000, [101, 90, 90, 99, 90, 90, 90]))
    assert [(t.change, t.at_ms - T) for t in transitions] == [("raised", 0), ("cleared", 6000)]


def test_bad_quality_never_clears_and_breaks_off_a_return() -> None:
    state, transitions = judge(rule(on_s=0), every(1000, [101, 90, None, None, None, None]))
    assert [t.change for t in transitions] == ["raised"]
    assert state.phase is Phase.ACTIVE
    _, later = judge(rule(on_s=0), [(T + 9000, 90, Quality.GOOD), (T + 11000, 90, Quality.GOOD)], state)
    assert [(t.change, t.at_ms - T) for t in later] == [("cleared", 11000)]


def test_a_gap_while_the_on_delay_runs_does_not_reset_it() -> None:
    _, transitions = judge(rule(), every(1000, [101, None, 101]))
    assert [t.at_ms - T for t in transitions] == [2000]


def test_a_number_of_bad_quality_is_not_judged() -> None:
    assert judge(rule(on_s=0), [(T, 500.0, Quality.STALE)]) == (NORMAL, [])


def test_the_peak_is_the_worst_value_of_the_episode() -> None:
    _, transitions = judge(rule(on_s=0, off_s=0), every(1000, [101, 120, 104, 90]))
    assert transitions[-1].peak == 120
    _, low = judge(rule(limit=10, high=False, on_s=0, off_s=0), every(1000, [9, 3, 8, 20]))
    assert (low[0].change, low[-1].change, low[-1].peak) == ("raised", "cleared", 3)


def test_a_low_limit_mirrors_a_high_one() -> None:
    up, down = rule(), rule(limit=-100, high=False)
    values: list[float | None] = [99, 100, 105, 103, 99, 97, 97, 97, None, 97]
    _, high = judge(up, every(1000, values))
    _, low = judge(down, every(1000, [None if v is None else -v for v in values]))
    assert [(t.change, t.at_ms, -t.value) for t in low] == [(t.change, t.at_ms, t.value) for t in high]
    assert high


def test_a_clock_set_back_begins_a_delay_anew_and_does_not_stretch_it() -> None:
    samples = [(T, 101.0, Quality.GOOD)] + [(T - 3_600_000 + 1000 * i, 101.0, Quality.GOOD) for i in range(4)]
    _, transitions = judge(rule(), samples)
    assert [t.at_ms for t in transitions] == [T - 3_600_000 + 2000]


def test_a_limit_may_be_a_fraction_of_a_design_value() -> None:
    made = Rule(
        rule="r",
        family="f",
        version=1,
        watch="pit.displacement.horizontal.cumulative",
        condition=High(Parameter(parameter="control_mm", fraction=0.7)),
        level=2,
        label=Text("", ""),
        basis=Basis(clause="c", source="design", confidence="agreed"),
    )
    assert bind(made, "p/h", {"control_mm": 20}).limit == pytest.approx(14)
    with pytest.raises(ParameterMissingError, match="control_mm"):
        bind(made, "p/h", {})


samples = st.lists(
    st.tuples(st.integers(50, 3000), st.sampled_from([80.0, 97.9, 98.0, 99.9, 100.0, 101.0, 130.0, None])),
    max_size=60,
)


@given(samples, st.integers(0, 60), st.sampled_from([0.0, 0.5, 2.0]), st.sampled_from([0.0, 0.5, 2.0]))
def test_cutting_the_readings_differently_never_changes_the_transitions(
    steps: list[tuple[int, float | None]], cut: int, on_s: float, off_s: float
) -> None:
    at, made = T, []
    for gap_ms, value in steps:
        at += gap_ms
        made.append((at, value, Quality.GOOD if value is not None else Quality.TIMEOUT))
    bound = rule(on_s=on_s, off_s=off_s)
    whole = judge(bound, made)
    state, first = judge(bound, made[:cut])
    end, second = judge(bound, made[cut:], state)
    assert (end, first + second) == whole
    changes = [t.change for t in whole[1]]
    assert changes == ["raised", "cleared"] * (len(changes) // 2) + ["raised"] * (len(changes) % 2)
    assert end.is_active == (len(changes) % 2 == 1)


numbers = st.integers(-10_000, 10_000).map(lambda hundredths: hundredths / 100)


@given(numbers, numbers, st.booleans(), st.sampled_from([0.0, 0.5, 2.0]))
def test_clearly_worse_is_worse_by_the_dead_band_or_a_tenth_of_the_limit(
    before: float, now: float, high: bool, dead_band: float
) -> None:
    bound = rule(high=high, dead_band=dead_band)
    gained = round(now - before if high else before - now, 2)
    assert is_clearly_worse(bound, before, now) == (gained >= (dead_band or 10.0))


def test_of_a_limit_of_nothing_without_a_dead_band_whatever_is_worse_is_clearly_so() -> None:
    bound = rule(limit=0.0, high=False, dead_band=0.0)
    assert is_clearly_worse(bound, -1.0, -1.01)
    assert not is_clearly_worse(bound, -1.0, -1.0)
    assert not is_clearly_worse(bound, -1.0, 1.0)


def test_outside_a_band_either_end_may_get_worse() -> None:
    made = msgspec.structs.replace(rule().rule, condition=Band(10.0, 90.0))
    bound = bind(made, "crane-1/load_ratio", {})
    assert not is_clearly_worse(bound, 95.0, 96.9)
    assert is_clearly_worse(bound, 95.0, 97.0)
    assert is_clearly_worse(bound, 95.0, 3.0)
    assert not is_clearly_worse(bound, 95.0, 4.0)


def test_an_alarm_has_the_states_of_the_standard() -> None:
    assert status_of(NORMAL) is AlarmStatus.NORMAL
    assert status_of(RuleState(Phase.PENDING)) is AlarmStatus.NORMAL
    for phase in (Phase.ACTIVE, Phase.RETURNING):
        assert status_of(RuleState(phase)) is AlarmStatus.UNACKNOWLEDGED
        assert status_of(RuleState(phase, is_acknowledged=True)) is AlarmStatus.ACKNOWLEDGED
    assert status_of(RuleState(Phase.LATCHED)) is AlarmStatus.LATCHED_UNACKNOWLEDGED
    assert status_of(RuleState(Phase.ACTIVE), "shelved") is AlarmStatus.SHELVED
    assert status_of(NORMAL, "suppressed") is AlarmStatus.SUPPRESSED
    assert status_of(NORMAL, "out-of-service") is AlarmStatus.OUT_OF_SERVICE
