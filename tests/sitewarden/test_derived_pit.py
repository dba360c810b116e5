"""Inclinometers, hydrostatic levelling and vibrating wires, by hand-computed vectors."""

import math
from collections.abc import Mapping, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitewarden.derived import DAY_MS, Derivations, Instruments, Subject, derivations_of
from sitewarden.instruments import Certificate, Compensation, Element, Inclinometer, Levelling
from sitewarden.messages import PointBirth
from sitewarden.quality import Quality
from sitewarden.readings import Reading

T = 1_763_650_000_000
SECOND_MS, STALE_MS = 1000, 10_000


def subject(instruments: Instruments, zero: Mapping[str, float], **kinds: str) -> Subject:
    points = tuple(
        PointBirth(p=f"p/{key}", kind=kind, stale_after_ms=STALE_MS) for key, kind in kinds.items()
    )
    return Subject(device="p", kind="pit", points=points, zero=zero, instruments=instruments)


def readings(at_ms: int, **values: float | None) -> list[Reading]:
    return [
        Reading(f"p/{key}", at_ms, value, Quality.TIMEOUT if value is None else Quality.GOOD)
        for key, value in values.items()
    ]


def said(derived: Sequence[Reading]) -> dict[str, float | None]:
    return {r.point.removeprefix("p/"): r.value for r in derived}


# An inclinometer of three elements: 1 m, 2 m and 1 m from a toe 5 m deep.
CHAIN = subject(
    Instruments(
        inclinometers={
            "wall": Inclinometer(
                toe_m=5.0,
                elements=[
                    Element(point="a1", length_m=1.0),
                    Element(point="a2", length_m=2.0),
                    Element(point="a3", length_m=1.0),
                ],
            )
        }
    ),
    {"a1": 0.5, "a2": 0.0, "a3": -0.2},
    a1="tilt.x",
    a2="tilt.x",
    a3="tilt.x",
)
# sin 0.5° = 0.0087265, sin 0.1° = 0.0017453, sin 0.2° = 0.0034907, sin 0.3° = 0.0052360
BENT = {"a1": 0.5, "a2": 0.1, "a3": -0.3}


def test_a_profile_sums_from_the_toe_up_less_the_zero_reading() -> None:
    profile = said(derivations_of(CHAIN).take(readings(T, **BENT)))
    assert profile["a1.cumulative"] == pytest.approx(0.0)
    assert profile["a2.cumulative"] == pytest.approx(2000 * 0.0017453, abs=1e-3)
    assert profile["a3.cumulative"] == pytest.approx(3.4907 + 1000 * (-0.0052360 + 0.0034907), abs=1e-3)


def test_the_greatest_says_how_deep_it_is_and_keeps_its_sign() -> None:
    profile = said(derivations_of(CHAIN).take(readings(T, **BENT)))
    assert (profile["wall.greatest"], profile["wall.depth"]) == (pytest.approx(3.4907, abs=1e-3), 2.0)
    outward = said(derivations_of(CHAIN).take(readings(T, a1=0.5, a2=-0.4, a3=-0.3)))
    assert outward["wall.greatest"] == pytest.approx(-13.963 - 1.745, abs=2e-3)
    assert outward["wall.depth"] == 1.0


def test_a_bad_element_makes_everything_above_it_bad_and_leaves_what_is_below() -> None:
    derived = derivations_of(CHAIN).take(readings(T, a1=0.6, a2=None, a3=-0.2))
    quality = {r.point.removeprefix("p/"): r.quality for r in derived}
    assert said(derived)["a1.cumulative"] == pytest.approx(1.7453, abs=1e-3)
    above = ("a2.cumulative", "a2.rate", "a3.cumulative", "a3.rate", "wall.greatest", "wall.depth")
    assert {quality[point] for point in above} == {Quality.BAD_INPUT}


def test_the_new_half_of_a_poll_is_never_summed_with_the_old_half() -> None:
    chain = derivations_of(CHAIN)
    chain.take(readings(T, a1=0.5, a2=0.0, a3=-0.2))
    assert chain.take(readings(T + SECOND_MS, a1=1.5)) == []
    assert chain.take(readings(T + SECOND_MS + 30, a2=0.0)) == []
    profile = chain.take(readings(T + SECOND_MS + 60, a3=-0.2))
    assert {r.at_ms for r in profile} == {T + SECOND_MS + 60}
    assert said(profile)["a3.cumulative"] == pytest.approx(
        1000 * (math.sin(math.radians(1.5)) - 0.0087265), abs=1e-3
    )


def test_deep_displacement_has_a_rate_a_day() -> None:
    chain = derivations_of(CHAIN)
    for hour in range(25):
        derived = said(chain.take(readings(T + hour * DAY_MS // 24, a1=0.5 + hour * 0.01, a2=0.0, a3=-0.2)))
    assert derived["a1.rate"] == pytest.approx(1000 * (math.sin(math.radians(0.74)) - 0.0087265), abs=1e-3)


def test_every_point_says_what_it_is_made_of() -> None:
    made = {point.point: point for point in derivations_of(CHAIN).points}
    assert made["p/a2.cumulative"].kind == "pit.displacement.deep.cumulative"
    assert made["p/a2.cumulative"].inputs == ("p/a1", "p/a2")
    assert made["p/wall.greatest"].inputs == ("p/a1", "p/a2", "p/a3")


PIPE = subject(
    Instruments(
        levellings={
            "north": Levelling(
                reference="c0",
                cells=["c1", "c2"],
                compensation={"c2": Compensation(temperature="t2", mm_per_c=0.05, zero_c=15.0)},
            )
        }
    ),
    {"c0": 50.0, "c1": 61.0, "c2": 55.0},
    c0="pit.hydrostatic_level",
    c1="pit.hydrostatic_level",
    c2="pit.hydrostatic_level",
    t2="pit.temperature",
)


def test_settlement_counts_against_the_reference_cell() -> None:
    # The whole pipe rose by 2 mm; c1 rose by 5 mm, so it sank by 3 mm; c2 reads 0.5 mm too much for warmth.
    derived = said(derivations_of(PIPE).take(readings(T, c0=52.0, c1=66.0, c2=58.5, t2=25.0)))
    assert derived == {"c1.cumulative": pytest.approx(3.0), "c2.cumulative": pytest.approx(1.0)}


def test_a_bad_reference_makes_all_bad_and_a_bad_cell_or_its_warmth_itself() -> None:
    all_bad = derivations_of(PIPE).take(readings(T, c0=None, c1=66.0, c2=58.5, t2=25.0))
    assert {r.quality for r in all_bad} == {Quality.BAD_INPUT}
    one_bad = said(derivations_of(PIPE).take(readings(T, c0=52.0, c1=66.0, c2=58.5, t2=None)))
    assert (one_bad["c1.cumulative"], one_bad["c2.cumulative"]) == (pytest.approx(3.0), None)


def test_warmth_that_is_polled_seldom_is_waited_for_once_and_must_not_grow_old() -> None:
    pipe = derivations_of(PIPE)
    assert pipe.take(readings(T, c0=52.0, c1=66.0, c2=58.5)) == []
    assert pipe.take(readings(T + 20, t2=25.0))
    assert said(pipe.take(readings(T + STALE_MS, c0=52.0, c1=66.0, c2=58.5)))["c2.cumulative"] is not None
    late = said(pipe.take(readings(T + 2 * STALE_MS, c0=52.0, c1=66.0, c2=58.5)))
    assert (late["c1.cumulative"], late["c2.cumulative"]) == (pytest.approx(3.0), None)


# G, R0, K and T0 as on a strut gauge's certificate: 0.05 kN a digit, 0.8 kN a °C.
GAUGE = Certificate(gives="pit.strut.force", g=0.05, r0=6250.0, k=0.8, t0=20.0, temperature="t1")
STRUT = subject(
    Instruments(vibrating_wires={"f1": GAUGE}),
    {},
    f1="pit.vibrating_wire.frequency",
    t1="pit.vibrating_wire.temperature",
)


def test_a_frequency_becomes_a_force_by_its_certificate() -> None:
    # 3000 Hz are 9000 digits: 0.05·(9000 - 6250) + 0.8·(25 - 20) = 137.5 + 4
    derived = derivations_of(STRUT).take(readings(T, f1=3000.0, t1=25.0))
    assert said(derived) == {"f1.strut_force": pytest.approx(141.5)}
    assert [p.kind for p in derivations_of(STRUT).points] == ["pit.strut.force"]


@pytest.mark.parametrize(("hertz", "warmth"), [(399.9, 25.0), (6000.1, 25.0), (None, 25.0), (3000.0, None)])
def test_a_wire_that_does_not_sound_right_or_has_no_warmth_says_nothing_good(
    hertz: float | None, warmth: float | None
) -> None:
    derived = derivations_of(STRUT).take(readings(T, f1=hertz, t1=warmth))
    assert [(r.value, r.quality) for r in derived] == [(None, Quality.BAD_INPUT)]


def test_without_a_temperature_only_the_frequency_counts() -> None:
    cold = msgspec.structs.replace(GAUGE, k=0.0, temperature=None)
    wire = subject(Instruments(vibrating_wires={"f1": cold}), {}, f1="pit.vibrating_wire.frequency")
    assert said(derivations_of(wire).take(readings(T, f1=3000.0))) == {"f1.strut_force": pytest.approx(137.5)}


def test_a_certificate_that_lacks_a_number_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="missing required field `t0`"):
        msgspec.convert({"gives": "pit.strain", "g": 1.0, "r0": 6250.0, "k": 0.0}, Certificate)


def restarted(of: Subject, before: Derivations) -> Derivations:
    after = derivations_of(of)
    assert after.remember(msgspec.json.decode(msgspec.json.encode(before.remembered()))) == []
    return after


ONE_OF = [
    (CHAIN, ("a1", "a2", "a3")),
    (PIPE, ("c0", "c1", "c2", "t2")),
    (STRUT, ("f1", "t1")),
]
VALUE = st.one_of(st.none(), st.floats(0.0, 5000.0).map(lambda x: round(x, 2)))


@given(
    which=st.sampled_from(range(len(ONE_OF))),
    polls=st.lists(st.tuples(st.integers(1, 15_000), st.integers(0, 3), VALUE), min_size=1, max_size=30),
    cut=st.integers(0, 30),
)
def test_a_restart_in_the_middle_of_anything_changes_nothing(
    which: int, polls: list[tuple[int, int, float | None]], cut: int
) -> None:
    of, keys = ONE_OF[which]
    at_ms, instants = T, []
    for step, place, value in polls:
        at_ms += step
        instants.append(readings(at_ms, **{keys[place % len(keys)]: value}))
    whole, first = derivations_of(of), derivations_of(of)
    expected = [r for instant in instants for r in whole.take(instant)]
    got = [r for instant in instants[:cut] for r in first.take(instant)]
    second = restarted(of, first)
    got += [r for instant in instants[cut:] for r in second.take(instant)]
    assert got == expected


def test_a_clock_that_was_set_in_the_middle_of_a_round_changes_no_value() -> None:
    chain = derivations_of(CHAIN)
    chain.take(readings(T, a1=0.5, a2=0.1))
    chain.shift(3_600_000, T - 1)
    profile = chain.take(readings(T + 3_600_100, a3=-0.3))
    assert said(profile)["wall.greatest"] == pytest.approx(3.4907, abs=1e-3)
