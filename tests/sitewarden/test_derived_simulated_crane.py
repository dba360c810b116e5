"""What is derived of a crane at work, against what the simulator knows that it did."""

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from firmware_sim import crane
from firmware_sim.model import Crane, CraneStart, Tilt, Wind
from sitewarden.charts import load_chart
from sitewarden.derived import Subject, derivations_of
from sitewarden.derived.tilt import per_mille
from sitewarden.messages import PointBirth, WorkCycle
from sitewarden.points import quantise, vocabulary
from sitewarden.readings import Reading

T = 1_763_650_000_000
CHART = load_chart("tc5610-like", Path())
MACHINE = Crane(
    jib_m=56,
    mast_m=40,
    start=CraneStart(radius_m=30, hook_height_m=10),
    wind=Wind(mean_mps=1.5, gust_sd_mps=0.3),
    # So weak a mast that a load bends it beyond what verticality allows.
    tilt=Tilt(deg_per_100tm=0.6, balance_tm=0.0),
)
SUBJECT = Subject(
    device="c1",
    kind="crane",
    points=tuple(
        PointBirth(p=f"c1/{key}", kind=kind, stale_after_ms=2000) for key, kind in crane.KINDS.items()
    ),
    chart=CHART,
    parameters={"tilt_x_slew": 90},
)
STEP_MS, POLL_MS = 50, 200
WORK_S, REST_S = 1500, 40


class Step(NamedTuple):
    at_ms: int
    state: crane.CraneState
    said: dict[str, float]


def shift() -> Iterator[Step]:
    """A shift of lifts, and then a rest where the crane stands as the work left it, with an empty hook."""
    rng, noise, state, at_ms = Random(3), Random(4), crane.start(MACHINE), T
    line = CHART.falls[MACHINE.falls]
    while at_ms < T + WORK_S * 1000 or state.tension > 0.0:
        at_ms += STEP_MS
        t_s = (at_ms - T) / 1000
        state = crane.step(MACHINE, line, state, t_s=t_s, dt_s=STEP_MS / 1000, rng=rng)
        if at_ms % POLL_MS == 0:
            yield Step(at_ms, state, crane.read(MACHINE, state, noise))
    for _ in range(REST_S * 1000 // POLL_MS):
        at_ms += POLL_MS
        yield Step(at_ms, state, crane.read(MACHINE, state, noise))


class Seen(NamedTuple):
    steps: list[Step]
    derived: list[Reading]
    cycles: list[WorkCycle]

    def of(self, key: str) -> list[Reading]:
        return [reading for reading in self.derived if reading.point == f"c1/{key}"]


@pytest.fixture(scope="module")
def seen() -> Seen:
    derivations = derivations_of(SUBJECT)
    steps, derived, cycles = list(shift()), [], []
    for step in steps:
        derived += derivations.take(
            [
                Reading(f"c1/{key}", step.at_ms, quantise(value, vocabulary()[crane.KINDS[key]].resolution))
                for key, value in step.said.items()
            ]
        )
        cycles += derivations.fetch_cycles()
    return Seen(steps, derived, cycles)


def test_every_lift_of_a_shift_is_counted_once_where_it_was(seen: Seen) -> None:
    on = [
        (before.at_ms, step)
        for before, step in pairwise(seen.steps)
        if before.state.tension == 0.0 < step.state.tension
    ]
    off = [step for before, step in pairwise(seen.steps) if before.state.tension > 0.0 == step.state.tension]
    assert len(seen.cycles) == len(off) > 8
    for cycle, (_, picked), put in zip(seen.cycles, on, off, strict=True):
        assert abs(cycle.started_at - picked.at_ms) <= 1500
        assert abs(cycle.ended_at - put.at_ms) <= 1500
        # A lift begins and ends with the trolley standing and the hook at the load.
        for place, step in ((cycle.picked, picked), (cycle.set_down, put)):
            assert place.radius == pytest.approx(crane.radius(MACHINE, step.state), abs=0.5)
            assert place.slew == pytest.approx(step.state.slew.position, abs=0.5)
            assert place.height == pytest.approx(step.state.hoist.position, abs=0.5)
        # The load swings, and what swings pulls more.
        assert picked.state.load_t * 0.98 <= cycle.peak_load <= picked.state.load_t * 1.25 + 0.1


def test_it_moves_when_its_drives_do(seen: Seen) -> None:
    told = {reading.at_ms: reading.value for reading in seen.of("moving")}
    # The radius is the hook's, so that a load that swings moves too.
    out_m = [crane.radius(MACHINE, step.state) for step in seen.steps]
    drives = {
        step.at_ms: max(
            abs(step.state.slew.speed) / 0.6,
            abs(out_m[i] - out_m[i - 1]) * 1000 / POLL_MS / 0.2 if i else 0.0,
            abs(step.state.hoist.speed) / 0.1,
        )
        for i, step in enumerate(seen.steps)
    }
    sure = [
        (at_ms, value, [drives.get(at_ms - back, 0.0) for back in range(0, 2601, POLL_MS)])
        for at_ms, value in told.items()
    ]
    moving = [value for _, value, speeds in sure if min(speeds) > 1.0]
    standing = [value for _, value, speeds in sure if max(speeds) < 0.05]
    assert len(moving) > 100
    assert set(moving) == {1.0}
    assert len(standing) > 20
    assert set(standing) == {0.0}


def test_only_the_rest_says_how_plumb_the_mast_stands(seen: Seen) -> None:
    leans = [per_mille(*crane.tilt(MACHINE, step.state)) for step in seen.steps]
    assert max(leans) > 4.0, "a working mast leans beyond what verticality allows"
    found = seen.of("verticality")
    assert len(found) >= 2
    rest_ms = seen.steps[-1].at_ms - REST_S * 1000
    assert all(reading.at_ms > rest_ms for reading in found)
    for reading in found:
        assert reading.value == pytest.approx(leans[-1], abs=0.1)
    # With the hook empty and a mast in balance only the error of erection is left; across the jib it is less.
    x, y = (permille for permille in MACHINE.tilt.plumb_permille)
    slew = math.radians(seen.steps[-1].state.slew.position)
    for reading in seen.of("verticality.lateral"):
        assert reading.value == pytest.approx(abs(x * math.cos(slew) - y * math.sin(slew)), abs=0.1)


def test_gust_and_mean_follow_the_wind(seen: Seen) -> None:
    winds = {step.at_ms: step.said["wind_speed"] for step in seen.steps}
    for key, window_ms in (("wind_speed.gust", 3000), ("wind_speed.mean", 60_000)):
        told = seen.of(key)
        assert len(told) > 1000
        for reading in told[:: len(told) // 50]:
            within = [
                wind for at_ms, wind in winds.items() if reading.at_ms - window_ms <= at_ms <= reading.at_ms
            ]
            assert reading.value == pytest.approx(sum(within) / len(within), abs=0.06)
