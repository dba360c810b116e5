"""The derivations of a device as one: found from what it is, the same however readings are handed over."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sitewarden.charts import load_chart
from sitewarden.derived import CRANE_DERIVED, Derivations, Subject, derivations_of
from sitewarden.messages import PointBirth
from sitewarden.readings import Reading

T = 1_763_650_000_000
CHART = load_chart("tc5610-like", Path())


def points(device: str, **kinds: str) -> tuple[PointBirth, ...]:
    return tuple(
        PointBirth(p=f"{device}/{key}", kind=kind, stale_after_ms=2000) for key, kind in kinds.items()
    )


CRANE = Subject(
    device="c1",
    kind="crane",
    points=points("c1", load="crane.load", radius="crane.radius", falls="crane.falls"),
    chart=CHART,
)
PIT = Subject(
    device="p1",
    kind="pit",
    points=points("p1", h1="pit.displacement.horizontal", v1="pit.displacement.vertical"),
    zero={"h1": 100.0, "v1": 50.0},
)


def saved_and_restored(subject: Subject, before: Derivations) -> Derivations:
    """A restart: what is remembered goes through a file."""
    after = derivations_of(subject)
    memory: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(before.remembered()))
    assert after.remember(memory) == []
    return after


def by_instant(readings: Sequence[Reading]) -> list[list[Reading]]:
    instants = dict.fromkeys(reading.at_ms for reading in readings)
    return [[r for r in readings if r.at_ms == at_ms] for at_ms in instants]


def test_a_device_says_what_is_derived_and_of_what_it_is_made() -> None:
    found = {point.kind: point for point in derivations_of(CRANE).points}
    assert set(CRANE_DERIVED) <= found.keys()
    assert found["crane.load_ratio"].inputs == ("c1/load", "c1/radius", "c1/falls")
    made = {p.point for p in derivations_of(PIT).points}
    assert {"p1/h1.cumulative", "p1/h1.rate", "p1/v1.cumulative", "p1/v1.rate"} <= made


def test_what_the_device_gives_itself_is_not_derived() -> None:
    own = (*CRANE.points, *points("c1", load_ratio="crane.load_ratio"))
    derivations = derivations_of(msgspec.structs.replace(CRANE, points=own))
    assert "c1/load_ratio" not in {point.point for point in derivations.points}
    poll = [Reading("c1/load", T, 2.0), Reading("c1/radius", T, 25.0), Reading("c1/falls", T, 4.0)]
    assert "c1/load_ratio" not in {reading.point for reading in derivations.take(poll)}


def test_a_memory_that_cannot_be_read_is_named_and_the_rest_goes_on() -> None:
    derivations = derivations_of(PIT)
    assert derivations.remember({"p1/h1": {"not": "a history"}, "p1/v1": [[T, 1.0]], "gone": 1}) == ["p1/h1"]
    assert derivations.remembered()["p1/v1"] == [(T, 1.0)]


loads = st.lists(st.tuples(st.floats(0, 5), st.floats(3, 55), st.sampled_from([0, 20, 350])), max_size=30)


@given(loads, st.data())
def test_the_same_follows_however_a_history_is_cut_or_the_gateway_restarted(
    rows: list[tuple[float, float, int]], data: st.DataObject
) -> None:
    readings: list[Reading] = []
    for i, (load, radius, apart_ms) in enumerate(rows):
        at_ms = T + i * 1000
        # Two requests: their answers are some time apart.
        readings += [Reading("c1/load", at_ms, load), Reading("c1/falls", at_ms, 4.0)]
        readings.append(Reading("c1/radius", at_ms + apart_ms, radius))
    whole = derivations_of(CRANE).take(readings)
    derivations, got = derivations_of(CRANE), []
    instants = by_instant(readings)
    while instants:
        size = data.draw(st.integers(1, len(instants)))
        got += derivations.take([reading for instant in instants[:size] for reading in instant])
        instants = instants[size:]
        if data.draw(st.booleans()):
            derivations = saved_and_restored(CRANE, derivations)
    assert got == whole
