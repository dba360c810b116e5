"""A crane moves as cranes do, stays under its chart when it should, leaves it when the scenario says so."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Literal

import msgspec
import pytest

from firmware_sim import agenda, crane
from firmware_sim.chart import load_ratio
from firmware_sim.model import Crane, CraneStart, Overload
from firmware_sim.motion import Axis
from firmware_sim.wind import WindState
from sitewarden.charts import load_chart

DT = 0.05
LINES = {name: load_chart(name, Path()).falls[4] for name in ("tc5610-like", "tc6013-like")}
CRANE = Crane(jib_m=56, mast_m=40, start=CraneStart(radius_m=30, hook_height_m=10))


def _shift(
    machine: Crane, seconds: float, chart: str = "tc5610-like", seed: int = 1
) -> Iterator[tuple[float, crane.CraneState, dict[str, float], float]]:
    """(instant, state, readings, load ratio in % by the readings) step by step."""
    rng, noise, state = Random(seed), Random(-seed), crane.start(machine)
    for i in range(1, int(seconds / DT) + 1):
        state = crane.step(machine, LINES[chart], state, t_s=i * DT, dt_s=DT, rng=rng)
        said = crane.read(machine, state, noise)
        yield i * DT, state, said, load_ratio(LINES[chart], said["load"], said["radius"])


def _overloading(limiter: Literal["works", "fails", "bypassed", "faulty"], at_s: float = 6.0) -> Crane:
    plan = Overload(at_s=at_s, peak_percent=112, hold_s=8, limiter=limiter)
    return msgspec.structs.replace(CRANE, overloads=[plan])


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("chart", LINES)
def test_a_normal_shift_stays_below_85_percent_of_the_chart_and_under_the_jib(chart: str, seed: int) -> None:
    worst, heaviest = 0.0, 0.0
    for _, _, said, percent in _shift(CRANE, 1200, chart, seed):
        worst, heaviest = max(worst, percent), max(heaviest, said["load"])
        assert 0.0 <= said["radius"] <= CRANE.jib_m
        assert -0.1 <= said["hook_height"] <= CRANE.mast_m
        assert CRANE.sector_deg[0] - 1 <= said["slew"] <= CRANE.sector_deg[1] + 1
        assert said["limiter_cutoff"] == 0.0
    assert 30.0 < worst < 85.0
    assert heaviest > 0.5, "nothing was lifted"


def test_drives_keep_their_speeds_and_accelerations() -> None:
    before = crane.start(CRANE)
    for _, state, _, _ in _shift(CRANE, 600):
        for axis, was, drive in (
            (state.hoist, before.hoist, crane.HOIST),
            (state.trolley, before.trolley, crane.TROLLEY),
            (state.slew, before.slew, crane.SLEW),
        ):
            assert abs(axis.speed) <= drive.speed + 1e-9
            assert abs(axis.speed - was.speed) <= drive.acceleration * DT + 1e-9
        before = state


def test_a_load_swings_after_the_trolley_has_moved_and_comes_to_rest() -> None:
    swings = [abs(state.swing.position) for _, state, _, _ in _shift(CRANE, 600)]
    assert 0.01 < max(swings) < 0.2


def test_an_overload_passes_90_100_and_112_percent_when_the_scenario_says_so() -> None:
    first: dict[float, float] = {}
    for t_s, _, said, percent in _shift(_overloading("fails"), 60):
        for limit in (90.0, 100.0, 110.0):
            if percent >= limit:
                first.setdefault(limit, t_s)
        assert said["limiter_cutoff"] == said["limiter_fault"] == said["limiter_bypass"] == 0.0
        if t_s < 6.0:
            assert percent < 90.0
    assert 6.0 < first[90.0] < first[100.0] < first[110.0] < 35.0


def test_an_overload_stays_beyond_long_enough_to_be_an_alarm_and_then_comes_back() -> None:
    beyond = [t for t, _, _, percent in _shift(_overloading("fails"), 90) if percent >= 110.0]
    assert beyond[-1] - beyond[0] > 5.0
    assert beyond[-1] < 70.0


@pytest.mark.parametrize("chart", LINES)
@pytest.mark.parametrize("radius", [12.0, 25.0, 45.0])
def test_a_working_limiter_cuts_off_above_105_and_keeps_the_load_below_110(chart: str, radius: float) -> None:
    machine = msgspec.structs.replace(
        _overloading("works"), start=CraneStart(radius_m=radius, hook_height_m=10)
    )
    shift = list(_shift(machine, 90, chart))
    true = [
        load_ratio(LINES[chart], crane.hook_load(machine, state), crane.radius(machine, state))
        for _, state, *_ in shift
    ]
    cut = [percent for (_, state, *_), percent in zip(shift, true, strict=True) if state.cut_off]
    assert cut
    assert cut[0] >= 104.5
    assert max(true) < 110.0


@pytest.mark.parametrize(("limiter", "bit"), [("bypassed", "limiter_bypass"), ("faulty", "limiter_fault")])
def test_a_bypassed_or_faulty_limiter_says_so_and_does_not_cut(
    limiter: Literal["bypassed", "faulty"], bit: str
) -> None:
    shift = list(_shift(_overloading(limiter), 60))
    assert max(percent for *_, percent in shift) > 110.0
    assert any(said[bit] for _, _, said, _ in shift)
    assert not any(said["limiter_cutoff"] for _, _, said, _ in shift)


def test_the_crane_goes_back_to_normal_work_after_an_overload() -> None:
    after = [(state, percent) for t, state, _, percent in _shift(_overloading("fails"), 900) if t > 120]
    assert all(state.overload is None for state, _ in after)
    assert max(percent for _, percent in after) < 85.0


def test_a_hanging_load_lives_and_never_shows_the_same_number_for_long() -> None:
    shown = [round(said["load"], 2) for _, state, said, _ in _shift(CRANE, 600) if state.tension == 1.0]
    longest, run = 0, 1
    for earlier, later in pairwise(shown[::4]):  # a poll every 200 ms
        run = run + 1 if earlier == later else 1
        longest = max(longest, run)
    assert longest < 5 * 10, "the same number for ten seconds"


def test_a_mast_leans_with_its_load_backwards_without_one_and_stands_as_it_was_erected() -> None:
    state, tilt = crane.start(CRANE), CRANE.tilt
    plumb = [math.degrees(permille / 1000.0) for permille in tilt.plumb_permille]
    empty = crane.tilt(CRANE, replace(state, slew=Axis(90.0)))
    assert empty[0] < plumb[0] - 0.1, "the counterweight pulls it back"
    assert empty[1] == pytest.approx(plumb[1], abs=0.001)
    heavy = replace(state, slew=Axis(90.0), trolley=Axis(40.0), load_t=2.0, tension=1.0)
    assert crane.tilt(CRANE, heavy)[0] == pytest.approx(plumb[0] + 0.4 * (80 - 35) / 100, abs=0.001)
    north = crane.tilt(CRANE, replace(heavy, slew=Axis(0.0)))
    assert north[1] == pytest.approx(plumb[1] + 0.4 * (80 - 35) / 100, abs=0.001)
    storm = crane.tilt(CRANE, replace(heavy, wind=WindState(shown_mps=20.0)))
    assert storm[0] - crane.tilt(CRANE, heavy)[0] == pytest.approx(0.12 * math.sin(math.radians(45)))


def test_repeating_and_single_overloads_come_in_the_order_of_time() -> None:
    plans = [Overload(at_s=10, every_s=300), Overload(at_s=50)]
    instants = [agenda.due(plans, n) for n in range(4)]
    assert [found and found[1] for found in instants] == [10, 50, 310, 610]
    assert agenda.due([Overload(at_s=10)], 1) is None


def test_an_overload_later_in_the_shift_begins_at_its_time() -> None:
    machine = _overloading("fails", at_s=700.0)
    first = next(t for t, *_, percent in _shift(machine, 800) if percent >= 90.0)
    assert 700.0 < first < 715.0
