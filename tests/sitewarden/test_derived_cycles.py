"""Work cycles, by lifts made by hand."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitewarden.charts import load_chart
from sitewarden.derived import Derivations, Subject, derivations_of
from sitewarden.messages import HookPlace, PointBirth, WorkCycle
from sitewarden.quality import Quality
from sitewarden.readings import Reading

T = 1_763_650_000_000
KINDS = {
    "load": "crane.load",
    "radius": "crane.radius",
    "falls": "crane.falls",
    "hook_height": "crane.hook_height",
    "slew": "crane.slew",
}
CRANE = Subject(
    device="c1",
    kind="crane",
    points=tuple(PointBirth(p=f"c1/{key}", kind=kind, stale_after_ms=2000) for key, kind in KINDS.items()),
    chart=load_chart("tc5610-like", Path()),
)
Step = tuple[float, dict[str, float | None]]


def lift(*steps: tuple[float, float | None, float, float, float]) -> list[Step]:
    """By seconds: load, radius, slew and hook height from then on."""
    return [
        (at_s, {"load": load, "radius": radius, "falls": 4.0, "slew": slew, "hook_height": height})
        for at_s, load, radius, slew, height in steps
    ]


def polled(steps: Iterable[Step], until_s: float, every_s: float = 0.5) -> list[list[Reading]]:
    steps = list(steps)
    polls = []
    for i in range(round(until_s / every_s) + 1):
        values = [values for at_s, values in steps if at_s <= i * every_s][-1]
        at_ms = T + round(1000 * i * every_s)
        polls.append(
            [
                Reading(f"c1/{key}", at_ms, value, Quality.GOOD if value is not None else Quality.TIMEOUT)
                for key, value in values.items()
            ]
        )
    return polls


def found(polls: Iterable[list[Reading]], derivations: Derivations | None = None) -> list[WorkCycle]:
    derivations = derivations or derivations_of(CRANE)
    cycles = []
    for poll in polls:
        derivations.take(poll)
        cycles += derivations.fetch_cycles()
    return cycles


LIFT = lift(
    (0, 0.0, 20, 10, 1),
    (10, 0.5, 25, 10, 1),
    (12, 2.8, 25, 10, 1),
    (20, 2.9, 25, 40, 30),
    (40, 2.8, 40, 190, 31),
    (60, 0.0, 40.5, 190, 25),
)


def test_a_lift_is_told_whole_once_its_load_is_off_the_hook() -> None:
    assert found(polled(LIFT, 61.5)) == []
    (cycle,) = found(polled(LIFT, 62))
    # At 40 m the chart rates 1.62 t: the moment of carrying 2.8 t there is what the cycle is remembered by.
    assert cycle == WorkCycle(
        device="c1",
        started_at=T + 10_000,
        ended_at=T + 60_000,
        peak_load=2.9,
        peak_load_ratio=172.8,
        peak_moment=112.0,
        peak_moment_ratio=172.8,
        picked=HookPlace(radius=25, slew=10, height=1),
        set_down=HookPlace(radius=40.5, slew=190, height=25),
    )


def test_a_jerk_of_the_empty_hook_is_no_lift() -> None:
    assert found(polled(lift((0, 0.0, 20, 0, 5), (5, 0.6, 20, 0, 5), (6.5, 0.0, 20, 0, 5)), 60)) == []


def test_a_load_that_bounces_on_the_ground_is_set_down_once() -> None:
    bounces = lift((70, 0.0, 20, 0, 5), (71, 1.0, 20, 0, 5), (72, 0.0, 20, 0, 5))
    cycles = found(polled([*lift((0, 1.0, 20, 0, 5)), *bounces], 90))
    assert [(c.started_at, c.ended_at) for c in cycles] == [(T, T + 72_000)]


def test_between_the_thresholds_a_load_is_what_it_was() -> None:
    steps = lift((0, 0.15, 20, 0, 5), (20, 1.0, 20, 0, 5), (40, 0.15, 20, 0, 5), (60, 0.05, 20, 0, 5))
    assert [(c.started_at, c.ended_at) for c in found(polled(steps, 80))] == [(T + 20_000, T + 60_000)]


def test_what_an_empty_hook_weighs_is_no_load() -> None:
    steps = lift((0, 0.5, 20, 0, 5), (20, 1.5, 20, 0, 5), (40, 0.5, 20, 0, 5))
    subject = msgspec.structs.replace(CRANE, parameters={"cycle_empty_hook": 0.5})
    (cycle,) = found(polled(steps, 60), derivations_of(subject))
    assert (cycle.started_at, cycle.ended_at, cycle.peak_load) == (T + 20_000, T + 40_000, 1.5)


def test_a_sensor_that_fails_for_a_moment_ends_no_lift() -> None:
    steps = lift((0, 1.0, 20, 0, 5), (20, None, 20, 0, 5), (70, 1.0, 20, 0, 5), (90, 0.0, 30, 0, 5))
    (cycle,) = found(polled(steps, 100))
    assert (cycle.started_at, cycle.ended_at, cycle.broken_off) == (T, T + 90_000, False)


def test_a_load_lost_from_sight_is_broken_off_and_nobody_guesses_where_it_was_set_down() -> None:
    steps = lift((0, 1.0, 20, 0, 5), (20, None, 20, 0, 5), (100, 1.0, 20, 0, 5), (120, 0.0, 30, 0, 5))
    first, second = found(polled(steps, 130))
    assert (first.started_at, first.ended_at, first.broken_off) == (T, T + 19_500, True)
    assert first.set_down == HookPlace()
    assert (second.started_at, second.ended_at, second.broken_off) == (T + 100_000, T + 120_000, False)


def test_places_that_no_sensor_tells_are_left_out() -> None:
    points = tuple(point for point in CRANE.points if point.p in {"c1/load", "c1/slew"})
    subject = msgspec.structs.replace(CRANE, points=points, chart=None)
    readings = [[r for r in poll if r.point in {"c1/load", "c1/slew"}] for poll in polled(LIFT, 62)]
    (cycle,) = found(readings, derivations_of(subject))
    assert cycle.picked == HookPlace(slew=10)
    assert (cycle.peak_load, cycle.peak_load_ratio) == (2.9, None)


def test_a_clock_that_is_set_in_the_middle_of_a_lift_moves_it_whole() -> None:
    derivations, hour_ms = derivations_of(CRANE), 3_600_000
    polls = polled(LIFT, 62)
    assert found(polls[:60], derivations) == []
    derivations.shift(hour_ms, T)
    moved = [[r._replace(at_ms=r.at_ms + hour_ms) for r in poll] for poll in polls[60:]]
    (cycle,) = found(moved, derivations)
    assert (cycle.started_at, cycle.ended_at) == (T + hour_ms + 10_000, T + hour_ms + 60_000)


def test_a_lift_that_was_saved_and_told_comes_again_under_the_same_key() -> None:
    polls, before = polled(LIFT, 62), derivations_of(CRANE)
    found(polls[:110], before)
    saved = msgspec.json.encode(before.remembered())
    (told,) = found(polls[110:], before)
    after = derivations_of(CRANE)
    after.remember(msgspec.json.decode(saved))
    late = polled(lift((0, 0.0, 30, 0, 5)), 10)
    (again,) = found([[r._replace(at_ms=r.at_ms + 70_000) for r in poll] for poll in late], after)
    assert (again.device, again.started_at) == (told.device, told.started_at)


loads = st.lists(
    st.tuples(st.sampled_from([0.0, 0.12, 0.3, 2.0, None]), st.sampled_from([500, 1000, 3000, 70_000])),
    max_size=60,
)


@given(loads, st.data())
def test_cutting_and_restarting_change_no_lift(
    rows: list[tuple[float | None, int]], data: st.DataObject
) -> None:
    at_ms, polls = T, []
    for i, (load, apart_ms) in enumerate(rows):
        at_ms += apart_ms
        values = {"load": load, "radius": 20.0 + i, "falls": 4.0, "slew": float(i), "hook_height": 5.0}
        polls.append(
            [
                Reading(f"c1/{key}", at_ms, value, Quality.GOOD if value is not None else Quality.TIMEOUT)
                for key, value in values.items()
            ]
        )
    whole = found(polls)
    derivations, got, rest = derivations_of(CRANE), [], polls
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        derivations.take([reading for poll in rest[:size] for reading in poll])
        got += derivations.fetch_cycles()
        rest = rest[size:]
        memory = msgspec.json.decode(msgspec.json.encode(derivations.remembered()))
        derivations = derivations_of(CRANE)
        assert derivations.remember(memory) == []
    assert got == whole
    assert len({cycle.started_at for cycle in got}) == len(got)
    assert all(cycle.started_at <= cycle.ended_at for cycle in got)


@pytest.mark.parametrize("load", [0.2, 0.199])
def test_a_load_counts_from_the_threshold_on(load: float) -> None:
    steps = lift((0, 0.0, 20, 0, 5), (10, load, 20, 0, 5), (20, 0.0, 20, 0, 5))
    assert len(found(polled(steps, 30))) == (1 if load >= 0.2 else 0)
