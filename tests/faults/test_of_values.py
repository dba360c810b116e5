"""Every fault of values and registers through the gateway's decoder: its own quality, no other point's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import yaml

from edge.config import Device
from firmware_sim.faults import KINDS, ClockJump, Disconnect, WireFault
from firmware_sim.scenario import Site, read_scenario
from sitewarden.profiles import read_profile
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from tests.faults.virtual import read

PROFILE = """\
profile: made-to-fail
version: 1
device_kind: crane
products: [{brand: none, model: for tests}]
source: made for this test
verified: simulator
driver: modbus
modbus: {transports: [tcp], max_gap: 0}
groups: {main: {interval_ms: 200}}
points:
  load:
    {kind: crane.load, unit: t, register: 0, scale: 0.001, range: [0, 60], sentinels: [65535],
     frozen_after_s: 2, max_step: 10}
  radius: {kind: crane.radius, unit: m, register: 1, type: int32, scale: 0.01, range: [0, 100]}
  hook_height: {kind: crane.hook_height, unit: m, register: 20, type: float32, range: [-100, 300]}
  falls: {kind: crane.falls, unit: "1", register: 40, range: [1, 8]}
  limiter_cutoff: {kind: crane.limiter.cutoff, unit: "1", register: 41, bit: 0}
  limiter_bypass: {kind: crane.limiter.bypass, unit: "1", register: 42, bit: 3}
"""
SCENARIO = {
    "scenario": "ill",
    "seed": 3,
    "profiles": ["profiles"],
    "buses": [
        {
            "bus": "line",
            "devices": [
                {
                    "device": "crane-1",
                    "profile": "made-to-fail",
                    "unit": 1,
                    "load_chart": "tc5610-like",
                    "physics": {"kind": "crane", "jib_m": 56, "mast_m": 40},
                }
            ],
        }
    ],
}
POLL_MS, SECONDS, BEGINS_S, ENDS_S = 200, 30.0, 8.0, 20.0
GOOD = Quality.GOOD


class Case(NamedTuple):
    kind: str
    keys: dict[str, Any]
    concerns: set[str]
    makes: set[Quality]
    """At the points concerned while it is there; some good ones may be among them."""


CASES = [
    Case("frozen", {"points": ["load"]}, {"load"}, {Quality.FROZEN}),
    Case("spike", {"points": ["load"], "magnitude": 30, "per_min": 30}, {"load"}, {Quality.JUMP}),
    Case("drift", {"points": ["radius"], "per_hour": 1e5}, {"radius"}, {Quality.OUT_OF_RANGE}),
    Case("offset", {"points": ["radius", "falls"], "by": 200}, {"radius", "falls"}, {Quality.OUT_OF_RANGE}),
    Case("scale", {"points": ["hook_height"], "factor": 1000}, {"hook_height"}, {Quality.OUT_OF_RANGE}),
    Case("sentinel", {}, {"load"}, {Quality.SENTINEL}),
    Case("nan", {}, {"hook_height"}, {Quality.NOT_A_NUMBER}),
    Case("bypass", {}, {"limiter_cutoff", "limiter_bypass"}, set()),
    Case("byte_swap", {"points": ["falls"]}, {"falls"}, {Quality.OUT_OF_RANGE}),
    Case("word_swap", {"points": ["radius"]}, {"radius"}, {Quality.OUT_OF_RANGE}),
    Case("stuck_bit", {"point": "falls", "bit": 4}, {"falls"}, {Quality.OUT_OF_RANGE}),
]

Played = Callable[[dict[str, Any] | None], list[list[Reading]]]


@pytest.fixture
def played(tmp_path: Path, crane: Device) -> Played:
    """What the gateway reads of the crane, with a fault or without."""
    folder = tmp_path / "profiles"
    folder.mkdir()
    file = folder / "made-to-fail.yaml"
    file.write_text(PROFILE, encoding="utf-8")
    device = msgspec.structs.replace(crane, profile=read_profile(file), intervals_ms={"main": POLL_MS})

    def play(fault: dict[str, Any] | None) -> list[list[Reading]]:
        return list(read(_site(tmp_path, fault), device, SECONDS, POLL_MS))

    return play


def _site(folder: Path, fault: dict[str, Any] | None) -> Site:
    scenario = folder / "scenario.yaml"
    scenario.write_text(yaml.safe_dump({**SCENARIO, "faults": [fault] if fault else []}), encoding="utf-8")
    return read_scenario(scenario)


@pytest.mark.parametrize("case", CASES, ids=[case.kind for case in CASES])
def test_a_fault_is_told_by_the_quality_of_its_points_and_changes_no_other(
    case: Case, played: Played
) -> None:
    times = {"at_s": BEGINS_S, "for_s": ENDS_S - BEGINS_S}
    sound = played(None)
    ill = played({"fault": case.kind, "device": "crane-1", **times, **case.keys})
    found: set[Quality] = set()
    for before, after in zip(sound, ill, strict=True):
        for true, read_ in zip(before, after, strict=True):
            key = true.point.removeprefix("crane-1/")
            if key in case.concerns and BEGINS_S <= _s(true, sound) < ENDS_S:
                found.add(read_.quality)
            elif key not in case.concerns or _s(true, sound) < BEGINS_S:
                assert read_ == true
    assert found - {GOOD} == case.makes
    # When it is over the values are the true ones again, at the latest after a jump back was confirmed.
    assert ill[-1] == sound[-1]


def _s(reading: Reading, polls: list[list[Reading]]) -> float:
    return (reading.at_ms - polls[0][0].at_ms + POLL_MS) / 1000


def test_a_sound_crane_is_read_as_good_for_as_long_as_it_works(played: Played) -> None:
    assert {reading.quality for poll in played(None) for reading in poll} == {GOOD}


def test_a_bypass_is_read_as_one(played: Played) -> None:
    ill = played({"fault": "bypass", "device": "crane-1"})
    assert {r.value for poll in ill for r in poll if r.point == "crane-1/limiter_bypass"} == {1.0}


OF_LINES = WireFault | Disconnect | ClockJump
"""Faults of lines, and of clocks that only speaking devices have."""


def test_every_fault_of_values_and_registers_is_tried() -> None:
    kinds = {kind for kind, fault in KINDS.items() if not issubclass(fault, OF_LINES)}
    assert {case.kind for case in CASES} == kinds
