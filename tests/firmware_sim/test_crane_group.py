"""Cranes of a group keep clear of each other all day, and come as near as a scenario says when it says so."""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from firmware_sim import crane_group
from firmware_sim.crane import CraneState
from firmware_sim.crane_group import Group, Member, Segment, distance, place
from firmware_sim.model import Crane, CraneGroup, CraneStart, Meeting
from firmware_sim.player import Player
from firmware_sim.scenario import read_scenario
from sitewarden.charts import load_chart
from sitewarden.errors import ConfigurationError

DT = 0.2
LINE = load_chart("tc5610-like", Path()).falls[4]
LOW = Crane(
    jib_m=50, mast_m=40, at_m=(0, 0), sector_deg=(0, 180), start=CraneStart(radius_m=20, slew_deg=180)
)
HIGH = Crane(
    jib_m=50, mast_m=55, at_m=(60, 10), sector_deg=(180, 360), start=CraneStart(radius_m=20, slew_deg=0)
)
LEVEL = Crane(
    jib_m=50, mast_m=41, at_m=(60, 10), sector_deg=(180, 360), start=CraneStart(radius_m=20, slew_deg=0)
)


def _group(*cranes: Crane, meetings: Sequence[Meeting] = (), seed: int = 1) -> Group:
    members = tuple(Member(f"c{i}", crane, LINE, f"{seed}/c{i}") for i, crane in enumerate(cranes))
    named = CraneGroup(group="g", cranes=[member.name for member in members], meetings=list(meetings))
    return Group(named, members)


def _work(group: Group, seconds: float) -> Iterator[tuple[float, tuple[CraneState, ...]]]:
    states, rngs = crane_group.start(group), [Random(member.seed) for member in group.members]
    for i in range(1, int(seconds / DT) + 1):
        states = crane_group.step(group, states, t_s=i * DT, dt_s=DT, rngs=rngs)
        yield i * DT, states


def _jib(crane: Crane, state: CraneState) -> Segment:
    slew = state.slew.position
    return place(crane, slew, -crane.counter_jib_m), place(crane, slew, crane.jib_m)


def _apart(group: Group, states: Sequence[CraneState]) -> float:
    """What is really between the two cranes of a group now: rope and lower jib, or jib and jib."""
    one, other = (member.crane for member in group.members)
    jibs = [
        (
            place(crane, state.slew.position, -crane.counter_jib_m),
            place(crane, state.slew.position, crane.jib_m),
        )
        for crane, state in zip((one, other), states, strict=True)
    ]
    if abs(one.mast_m - other.mast_m) < 2:
        return distance(*jibs)
    upper = 0 if one.mast_m > other.mast_m else 1
    crane, state = (one, other)[upper], states[upper]
    rope = place(crane, state.slew.position, state.trolley.position)
    return distance((rope, rope), jibs[1 - upper])


@pytest.mark.parametrize("second", [HIGH, LEVEL], ids=["of two heights", "of one height"])
def test_drivers_keep_clear_of_each_other_and_both_get_their_work_done(second: Crane) -> None:
    group = _group(LOW, second)
    least, carried, before = math.inf, [0, 0], [0.0, 0.0]
    for _, states in _work(group, 1200):
        least = min(least, _apart(group, states))
        for i, state in enumerate(states):
            carried[i] += before[i] < 1.0 <= state.tension
            before[i] = state.tension
    assert least >= group.group.clear_m - 1e-6
    assert min(carried) >= 2, carried


@pytest.mark.parametrize(
    ("cranes", "names"),
    [((LOW, HIGH), ("c0", "c1")), ((LOW, HIGH), ("c1", "c0")), ((LOW, LEVEL), ("c0", "c1"))],
    ids=["the higher comes", "the lower comes", "of one height"],
)
def test_a_meeting_brings_two_as_near_as_it_says_and_they_part_again(
    cranes: tuple[Crane, Crane], names: tuple[str, str]
) -> None:
    group = _group(*cranes, meetings=[Meeting(at_s=300, cranes=names, gap_m=3, hold_s=8)])
    near = [(t, _apart(group, states)) for t, states in _work(group, 900)]
    assert min(gap for t, gap in near if t < 300) >= 5 - 1e-6
    close = [t for t, gap in near if gap < 4]
    assert min(gap for _, gap in near) == pytest.approx(3, abs=0.05)
    assert 300 <= close[0] < 400
    assert close[-1] - close[0] < 40
    assert min(gap for t, gap in near if t > close[-1] + 30) >= 5 - 1e-6


def test_meetings_come_again() -> None:
    meeting = Meeting(at_s=200, cranes=("c0", "c1"), every_s=500)
    group = _group(LOW, HIGH, meetings=[meeting])
    close = [int(t / 500) for t, states in _work(group, 1400) if _apart(group, states) < 3.5]
    assert set(close) >= {0, 1, 2}


def test_distances_between_segments_are_those_worked_out_by_hand() -> None:
    assert distance(((0, 0), (10, 0)), ((5, -5), (5, 5))) == 0.0
    assert distance(((0, 0), (10, 0)), ((12, 3), (12, 9))) == pytest.approx(math.hypot(2, 3))
    assert distance(((0, 0), (10, 0)), ((2, 4), (8, 4))) == 4.0
    assert distance(((3, 4), (3, 4)), ((0, 0), (0, 0))) == 5.0


SCENARIO = """\
scenario: two
seed: 4
buses:
  - bus: b
    devices:
      - device: low
        profile: reference-tower-crane
        unit: 1
        load_chart: tc5610-like
        physics: {kind: crane, jib_m: 50, mast_m: 40, sector_deg: [0, 180], start: {slew_deg: 180}}
      - device: high
        profile: reference-tower-crane
        unit: 2
        load_chart: tc6013-like
        physics: {kind: crane, jib_m: 50, mast_m: 55, at_m: [60, 10], sector_deg: [180, 360]}
      - {device: level, profile: simple-water-level, unit: 3}
crane_groups:
  - {group: north, cranes: [low, high], meetings: [{at_s: 120, cranes: [low, high]}]}
"""
Write = Callable[[str], Path]


def _digest(text: str, write: Write, device: str, beside: Sequence[str] = ()) -> str:
    site, told = read_scenario(write(text)), hashlib.sha256()
    others = [Player(site.scenario, site.cast[name]) for name in beside]
    player = Player(site.scenario, site.cast[device])
    for _ in range(600):
        for other in others:
            other.step()
            other.show()
        player.step()
        player.show()
        told.update(repr(player.bank.words).encode())
    return told.hexdigest()


@pytest.mark.parametrize("device", ["low", "high"])
def test_a_cranes_registers_depend_on_the_seed_alone_whoever_is_played_beside_it(
    write_scenario: Write, device: str
) -> None:
    alone = _digest(SCENARIO, write_scenario, device)
    assert _digest(SCENARIO, write_scenario, device, ["low", "high"]) == alone
    assert _digest(SCENARIO.replace("seed: 4", "seed: 5"), write_scenario, device) != alone


@pytest.mark.parametrize(
    ("wrong", "right", "says"),
    [
        (
            "cranes: [low, high], meet",
            "cranes: [low, level], meet",
            "no device `level` with the phys",
        ),
        ("cranes: [low, high], meet", "cranes: [low, low], meet", "in a group already"),
        ("at_m: [60, 10]", "at_m: [40, 10]", "reaches the other's mast"),
        ("at_m: [60, 10]", "at_m: [99, 10]", "cannot reach each other"),
        ("cranes: [low, high]}]", "cranes: [low, level]}]", "of two cranes of the group"),
        ("cranes: [low, high], meet", "cranes: [low], meet", "length >= 2"),
    ],
)
def test_a_group_that_cannot_be_meant_is_refused(
    write_scenario: Write, *, wrong: str, right: str, says: str
) -> None:
    assert wrong in SCENARIO
    with pytest.raises(ConfigurationError, match=says):
        read_scenario(write_scenario(SCENARIO.replace(wrong, right)))
