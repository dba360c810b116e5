"""Who is inside, from passages of a gate."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitewarden.derived import Derivations, Subject, derivations_of
from sitewarden.messages import PointBirth
from sitewarden.quality import Quality
from sitewarden.readings import Reading

T = 1_777_852_800_000  # 2026-05-04 08:00 in China
HOUR = 3_600_000


def gate(**parameters: float) -> Derivations:
    points = (
        PointBirth(p="g/fault", kind="gate.fault", stale_after_ms=200_000),
        PointBirth(p="g/passage", kind="gate.passage", stale_after_ms=86_400_000),
    )
    return derivations_of(Subject(device="g", kind="other", points=points, parameters=parameters))


def passed(counts: Derivations, step: float, at_ms: int = T) -> dict[str, float | None]:
    return {r.point: r.value for r in counts.take([Reading("g/passage", at_ms, step)])}


def alive(counts: Derivations, at_ms: int) -> dict[str, float | None]:
    return {r.point: r.value for r in counts.take([Reading("g/fault", at_ms, 0.0)])}


def test_one_passage_is_one_more_or_one_less() -> None:
    counts = gate()
    assert passed(counts, 1) == {"g/inside": 1, "g/entered": 1}
    assert passed(counts, 1, T + 1000) == {"g/inside": 2, "g/entered": 2}
    assert passed(counts, -1, T + 2000)["g/inside"] == 1
    assert alive(counts, T + 60_000) == {"g/inside": 1, "g/entered": 2}


@given(st.lists(st.sampled_from([1.0, -1.0]), max_size=60))
def test_the_count_is_never_below_nobody(steps: list[float]) -> None:
    counts, told = gate(), 0.0
    for i, step in enumerate(steps):
        told = passed(counts, step, T + 1000 * i).get("g/inside") or 0.0
        assert told >= 0
    assert told <= steps.count(1.0)


def test_entries_are_of_the_day_of_the_site_and_who_is_inside_stays() -> None:
    counts = gate()
    passed(counts, 1, T)
    assert alive(counts, T + 15 * HOUR)["g/entered"] == 1
    assert alive(counts, T + 16 * HOUR) == {"g/inside": 1, "g/entered": 0}


def test_a_site_may_say_when_it_is_empty() -> None:
    counts = gate(people_empties_h=3.0)
    passed(counts, 1, T)
    assert alive(counts, T + 18 * HOUR)["g/inside"] == 1
    assert alive(counts, T + 19 * HOUR)["g/inside"] == 0


def test_a_restart_does_not_empty_the_site() -> None:
    before, after = gate(), gate()
    passed(before, 1)
    assert after.remember(msgspec.json.decode(msgspec.json.encode(before.remembered()))) == []
    assert passed(after, 1, T + 1000)["g/inside"] == 2


@pytest.mark.parametrize("quality", [Quality.DISCONNECTED, Quality.CLOCK])
def test_while_the_gate_is_silent_nobody_knows(quality: Quality) -> None:
    counts = gate()
    passed(counts, 1)
    told = counts.take([Reading("g/fault", T + 60_000, None, quality)])
    assert {(r.point, r.quality) for r in told} == {
        ("g/inside", Quality.BAD_INPUT),
        ("g/entered", Quality.BAD_INPUT),
    }
    assert alive(counts, T + 120_000)["g/inside"] == 1


def test_a_gate_that_counts_itself_is_believed() -> None:
    points = (
        PointBirth(p="g/inside", kind="people.inside", stale_after_ms=1000),
        PointBirth(p="g/passage", kind="gate.passage", stale_after_ms=1000),
    )
    counts = derivations_of(Subject(device="g", kind="other", points=points))
    assert [point.point for point in counts.points] == ["g/entered"]
