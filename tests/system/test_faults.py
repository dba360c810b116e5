"""A crane of the simulator falls ill under a real agent: each fault its own alarm, and none a false one.

So are a gap, a frozen value, a bypass bit, and a step of the gateway's clock, each alone, over real Modbus.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from edge.agent import Agent
from edge.clock import Clock
from edge.config import load_gateway
from firmware_sim.ledger import Ledger
from firmware_sim.player import Player
from firmware_sim.run import disturb, play, server_of
from firmware_sim.scenario import read_scenario
from firmware_sim.switchboard import Switchboard
from sitewarden.messages import ClockState
from tests.support.waiting import ended, until

SCENARIO = """\
scenario: ill
seed: 11
buses:
  - bus: line
    devices:
      - device: crane-1
        profile: reference-tower-crane
        unit: 1
        load_chart: tc5610-like
        physics: {kind: crane, jib_m: 56, mast_m: 40, wind: {mean_mps: 3, gust_sd_mps: 0.3}}
"""

# As the shipped rules are, with times that a test can wait for.
PACK = """\
pack: soon
source: made for this test
rules:
  - rule: silent
    family: silence
    version: 1
    watch: "*"
    condition: {when: stale, after_s: 1.5}
    level: 3
    label: {zh: 无数据, en: Silent}
    basis: &basis {clause: none, source: test, confidence: synthetic}
  - rule: load-frozen
    family: sensor
    version: 1
    watch: crane.load
    condition: {when: frozen, after_s: 1.5}
    arm: [{kind: crane.hook_height, at_least: -100}]
    level: 3
    label: {zh: 起重量冻结, en: Load frozen}
    basis: *basis
  - rule: load-jumps
    family: sensor
    version: 1
    watch: crane.load
    condition: {when: jump, step: 15, within_s: 1}
    level: 2
    label: {zh: 起重量突变, en: Load jumps}
    basis: *basis
  - rule: load-has-no-value
    family: sensor
    version: 1
    watch: crane.load
    condition: {when: quality, any_of: [sentinel, out_of_range, not_a_number]}
    level: 2
    label: {zh: 起重量无效, en: Load has no value}
    basis: *basis
"""
HOUR_S = 3600.0


class Wall:
    """The machine's wall clock, which somebody may set."""

    def __init__(self, state: ClockState) -> None:
        self.set_by_s, self.state = 0.0, state

    def now_s(self) -> float:
        return time.time() + self.set_by_s


class Site(NamedTuple):
    board: Switchboard
    wall: Wall
    agent: Agent
    diary: Path

    def told(self) -> list[tuple[str, str]]:
        """Every transition in order: what changed, and the rule."""
        return [(entry["change"], entry["rule"]) for entry in self.lines()]

    def lines(self) -> list[dict[str, Any]]:
        """What siren and lamp were told to do."""
        lines = self.diary.read_text(encoding="utf-8").splitlines() if self.diary.exists() else []
        return [json.loads(line) for line in lines]

    def polls(self) -> int:
        return self.agent.readings.state.written


@contextlib.asynccontextmanager
async def watched(folder: Path, state: ClockState = "synced") -> AsyncIterator[Site]:
    """The crane at work and an agent that reads it, without a broker."""
    scenario = _write(folder / "scenario.yaml", SCENARIO)
    _write(folder / "soon.yaml", PACK)
    site = read_scenario(scenario)
    board, bus = Switchboard(site), site.scenario.buses[0]
    player = Player(site.scenario, site.cast["crane-1"], partial(board.of_device, "crane-1"))
    async with server_of(bus, {1: player.bank}) as server:
        wall = Wall(state)
        gateway = load_gateway(_write(folder / "gateway.yaml", yaml.safe_dump(_gateway(server.address))))
        agent = Agent(gateway, partial(Clock, wall=wall.now_s, state=lambda: wall.state))
        playing = play(
            [player], site.scenario.step_ms, Ledger(None), partial(disturb, {"line": server}, board)
        )
        running = asyncio.create_task(agent.run(asyncio.Event()))
        player_task = asyncio.create_task(playing)
        try:
            yield Site(board, wall, agent, folder / "outputs.jsonl")
        finally:
            # Not asked to stop, for then it would wait for a cloud that is not there.
            await ended(running, player_task)
            agent.close()


def _write(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file


def _gateway(port: int | str) -> dict[str, Any]:
    return {
        "site": "ill",
        "gateway": "gw-1",
        "data_dir": "data",
        "broker": {"host": "127.0.0.1", "port": 1},
        "outputs": [{"driver": "log", "file": "outputs.jsonl"}],
        "rules": ["tower-crane", "weather", "soon.yaml"],
        "buses": [
            {
                "bus": "line",
                "modbus": {"transport": "tcp", "host": "127.0.0.1", "port": port, "timeout_ms": 300},
                "devices": [
                    {
                        "device": "crane-1",
                        "profile": "reference-tower-crane",
                        "unit": 1,
                        "label": {"zh": "1号塔机", "en": "Tower crane 1"},
                        "load_chart": "tc5610-like",
                        "interval_ms": 100,
                    }
                ],
            }
        ],
    }


class Case(NamedTuple):
    kind: str
    target: str
    keys: dict[str, Any]
    raises: str
    """The only rule that it raises."""


CASES = [
    Case("silence", "crane-1", {}, "silent"),
    Case("disconnect", "line", {}, "silent"),
    Case("exception", "crane-1", {"code": 6}, "silent"),
    Case("frozen", "crane-1", {"points": ["load"]}, "load-frozen"),
    Case("spike", "crane-1", {"points": ["load"], "magnitude": 25.0, "per_min": 60}, "load-jumps"),
    Case("sentinel", "crane-1", {"points": ["load"]}, "load-has-no-value"),
    Case("bypass", "crane-1", {}, "crane-limiter-bypass"),
]


@pytest.mark.timeout(400)
async def test_each_fault_raises_its_own_alarm_and_no_other(tmp_path: Path) -> None:
    folders = {case.kind: tmp_path / case.kind for case in CASES}
    _make(folders)
    # All at once, each on a site of its own: they spend their time waiting.
    told = await asyncio.gather(*(_told(case, folders[case.kind]) for case in CASES))
    assert {case.kind: {rule for _, rule in lines} for case, lines in zip(CASES, told, strict=True)} == {
        case.kind: {case.raises} for case in CASES
    }


async def _told(case: Case, folder: Path) -> list[tuple[str, str]]:
    """All that is told of a fault that comes and goes."""
    async with watched(folder) as site:
        await until(lambda: site.polls() > 200, what=f"readings before {case.kind}")
        assert site.told() == []
        site.board.switch_on(case.target, case.kind, case.keys)
        await until(lambda: ("raised", case.raises) in site.told(), what=f"alarm of {case.kind}")
        site.board.switch_off(case.target, case.kind)
        cleared = ("cleared", case.raises)
        await until(lambda: site.told()[-1:] == [cleared], what=f"the end of {case.kind}")
        return site.told()


def _make(folders: dict[str, Path]) -> None:
    for folder in folders.values():
        folder.mkdir()


@pytest.mark.parametrize(
    ("by_s", "state", "rule"),
    [
        (HOUR_S, "synced", "gateway-clock-step"),
        (-HOUR_S, "synced", "gateway-clock-step"),
        (HOUR_S, "unsynced", "gateway-clock-first-set"),
    ],
)
async def test_a_clock_that_is_set_raises_its_own_alarm_and_no_other_and_no_sound(
    tmp_path: Path, by_s: float, state: ClockState, rule: str
) -> None:
    async with watched(tmp_path, state) as site:
        await until(lambda: site.polls() > 100)
        assert site.told() == []
        site.wall.set_by_s = by_s
        more = site.polls() + 300
        await until(lambda: site.polls() > more)
        assert site.agent.clock.steps == 1
        assert site.told() == [("raised", rule)]
        (line,) = site.lines()
        assert (line["siren"], line["lamp"]) == ("off", "amber")
