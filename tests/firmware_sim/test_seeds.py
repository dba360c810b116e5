"""The same seed gives the same registers, step by step, whatever the physics; another seed gives others."""

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware_sim.player import Player
from firmware_sim.scenario import Site, read_scenario
from sitewarden.errors import ConfigurationError

SCENARIO = """\
scenario: everything
seed: 7
buses:
  - bus: one
    devices:
      - device: crane-1
        profile: reference-tower-crane-tilt
        unit: 1
        load_chart: tc5610-like
        physics: {kind: crane, jib_m: 56, mast_m: 40, overloads: [{at_s: 6, limiter: fails}]}
        watch: {load_ratio: [90], wind: [10.8]}
      - device: pit-1
        profile: reference-pit-displacement
        unit: 2
        physics:
          kind: pit
          points: {h1: {along: 0.4}, h2: {along: 0.6}}
          creeps:
            - {law: power, at_s: -86400, mm_per_day: 4, fails_s: 90000, exponent: 1.4}
            - {law: exponential, at_s: -86400, mm_per_day: 1, doubles_s: 20000}
        watch: {displacement: [14]}
      - device: struts
        profile: vibrating-wire-logger-16
        unit: 3
        physics:
          kind: pit
          struts: {f1: {along: 0.5, kn: 600, wire: {g: -2.0, r0: 9000}}}
          thermometers: [t1]
      - device: hoist-1
        profile: reference-hoist
        unit: 4
        physics:
          kind: hoist
          events: [{event: overload, at_s: 30}, {event: overspeed, at_s: 60}, {event: open_door, at_s: 90}]
      - device: dust-1
        profile: reference-dust-noise
        unit: 5
        physics: {kind: dust, bursts: [{at_s: 20}]}
      - device: mast-1
        profile: dfrobot-sen0483
        unit: 6
        physics: {kind: weather, wind: {mean_mps: 6}}
        watch: {wind: [6]}
      - device: level-1
        profile: simple-water-level
        unit: 7
        physics: {kind: pit, wells: {level: {level_m: 4, rains: [{at_s: 10, m: 0.4, over_s: 60}]}}}
      - {device: plain-1, profile: dual-axis-inclinometer, unit: 8}
"""
DEVICES = ["crane-1", "pit-1", "struts", "hoist-1", "dust-1", "mast-1", "level-1", "plain-1"]
Write = Callable[[str], Path]


def digest(site: Site, device: str, seconds: float = 60.0) -> str:
    """Of the registers after every step."""
    player, told = Player(site.scenario, site.cast[device]), hashlib.sha256()
    for _ in range(int(seconds * 1000 / site.scenario.step_ms)):
        player.step()
        player.show()
        told.update(struct.pack(f"{len(player.bank.words)}H", *player.bank.words))
    return told.hexdigest()


@pytest.mark.parametrize("device", DEVICES)
def test_the_same_seed_gives_the_same_registers_and_another_gives_others(
    write_scenario: Write, device: str
) -> None:
    once, again = (digest(read_scenario(write_scenario(SCENARIO)), device) for _ in range(2))
    other = digest(read_scenario(write_scenario(SCENARIO.replace("seed: 7", "seed: 8"))), device)
    assert once == again
    assert once != other


def test_how_often_registers_are_shown_changes_nothing_about_the_work(write_scenario: Write) -> None:
    site = read_scenario(write_scenario(SCENARIO))
    for device in ("crane-1", "hoist-1"):
        often, rarely = (Player(site.scenario, site.cast[device]) for _ in range(2))
        for _ in range(1200):
            often.step()
            often.show()
            rarely.step()
        heights = ("hook_height", "height")
        one, other = ({**often.image().said}, {**rarely.image().said})
        for key in one.keys() & set(heights):
            assert one[key] == pytest.approx(other[key], abs=0.1)


@pytest.mark.parametrize(
    ("wrong", "right", "says"),
    [
        ("wire: {g: -2.0, r0: 9000}", "noise_kn: 2", "not of one that is a force"),
        ("thermometers: [t1]", "thermometers: [t99]", "no point `t99`"),
        ("profile: reference-hoist", "profile: reference-dust-noise", "does not fit a dust"),
        ("law: power", "law: gravity", "nvalid value 'gravity'"),
        ("event: overspeed", "event: earthquake", "nvalid value 'earthquake'"),
        ("{wind: [6]}", "{load_ratio: [90]}", "a weather has no load_ratio"),
    ],
)
def test_physics_that_cannot_be_meant_are_refused(
    write_scenario: Write, *, wrong: str, right: str, says: str
) -> None:
    assert wrong in SCENARIO
    with pytest.raises(ConfigurationError, match=says):
        read_scenario(write_scenario(SCENARIO.replace(wrong, right)))
