"""Costly forecasts wait for what is urgent, and come to the same alarms of the same instants all the same."""

import asyncio
import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from bench.creep_motion import FAILING, STABLE, readings
from edge.agent import Agent
from edge.config import Device, Gateway, load_gateway
from edge.judge import Judge, Judgement, RulesMemory
from sitewarden.messages import Alarm, Readings, decode, readings_of
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from tests.edge.conftest import WriteGateway
from tests.support.waiting import ended, until

T = 1_763_650_000_000
HOUR_MS = 3_600_000
DAYS = 9
KEYS = ("h1", "h2", "h3")
FORETOLD = {1: {"creep-failure-72", "trend-limit-72"}, 2: {"trend-limit-72"}}
"""By seed."""
# A rule of a raw point that looks at a forecast, so that this one may not wait.
LOOKING = """\
pack: looking
source: made for this test
rules:
  - rule: moved-while-failing
    family: test
    version: 1
    watch: pit.displacement.horizontal.cumulative
    condition: {when: high, limit: 3}
    arm: [{kind: pit.creep.state, at_least: 2, max_age_s: 86400}]
    level: 2
    label: {zh: 测试, en: Test}
    basis: {clause: none, source: test, confidence: synthetic}
"""

Told = list[tuple[Any, ...]]


@pytest.fixture
def site(gateway_dict: dict[str, Any], write_gateway: WriteGateway, tmp_path: Path) -> Gateway:
    gateway_dict["rules"] = ["tower-crane", "pit-displacement", "pit-creep"]
    pit = gateway_dict["buses"][0]["devices"][1]
    pit["zero"] = dict.fromkeys(KEYS, 100.0)
    pit["unused"] = ["h4", "h5", "h6"]
    return load_gateway(write_gateway(gateway_dict))


@pytest.fixture
def looking(
    site: Gateway, gateway_dict: dict[str, Any], write_gateway: WriteGateway, tmp_path: Path
) -> Gateway:
    (tmp_path / "looking.yaml").write_text(LOOKING, encoding="utf-8")
    changed = copy.deepcopy(gateway_dict)
    changed["rules"].append("looking.yaml")
    return load_gateway(write_gateway(changed))


def pit_of(gateway: Gateway) -> Device:
    return next(device for device in gateway.devices if device.name == "pit-1")


def polls(seed: int) -> Iterator[list[Reading]]:
    """Three walls read every hour, milliseconds apart; one fails, and one sensor is silent for a while."""
    laws = (FAILING["fukuzono"], STABLE["stages"], STABLE["steady"])
    walls = [readings(law, f"{seed}/{key}", DAYS) for law, key in zip(laws, KEYS, strict=True)]
    for hour, *seen in zip(range(DAYS * 24), *walls, strict=True):
        at_ms = T + hour * HOUR_MS
        is_silent = 60 <= hour < 64
        yield [
            Reading(f"pit-1/{key}", at_ms + 7 * i, None, Quality.TIMEOUT)
            if is_silent and key == "h2"
            else Reading(f"pit-1/{key}", at_ms + 7 * i, 100.0 + mm)
            for i, (key, (_, mm)) in enumerate(zip(KEYS, seen, strict=True))
        ]


def told(judged: Sequence[Judgement], alarms: Sequence[Alarm] = ()) -> tuple[Told, Told]:
    """What was read and derived, and what was raised and cleared, in the order of time and names."""
    made = [*(alarm for one in judged for alarm in one.alarms), *alarms]
    return (
        sorted((r.at_ms, r.point, r.value, r.quality) for one in judged for r in one.readings),
        sorted((a.at, a.point, a.rule, a.change, a.value, a.peak, a.raised_at, a.limit) for a in made),
    )


def whole(gateway: Gateway, seed: int) -> tuple[Told, Told]:
    judge, pit = Judge(gateway.devices, lambda: "synced"), pit_of(gateway)
    judged, ticked = list[Judgement](), list[Alarm]()
    for poll in polls(seed):
        ticked += judge.tick(poll[0].at_ms - 1)
        judged.append(judge.take(pit, poll))
    return told(judged, ticked)


def restarted(gateway: Gateway, judge: Judge) -> Judge:
    """As the agent ends and begins, with what waits still waiting."""
    memory = msgspec.json.decode(msgspec.json.encode(judge.memory()), type=RulesMemory)
    derived = msgspec.json.decode(msgspec.json.encode(judge.derivations["pit-1"].remembered()))
    anew = Judge(gateway.devices, lambda: "synced")
    assert anew.resume(judge.episodes(), 0, memory) == []
    assert anew.derivations["pit-1"].remember(derived) == []
    assert anew.is_waiting == judge.is_waiting
    return anew


def bit_by_bit(gateway: Gateway, seed: int, *, restarts: bool = False) -> tuple[Told, Told]:
    """Polls in parts, and between them as much work as there happens to be time for."""
    rng, judge, pit = Random(seed), Judge(gateway.devices, lambda: "synced"), pit_of(gateway)
    judged, ticked = list[Judgement](), list[Alarm]()
    for poll in polls(seed):
        ticked += judge.tick(poll[0].at_ms - 1)
        cut = rng.randint(1, len(poll))
        for part in (poll[:cut], poll[cut:]):
            judged.append(judge.take_at_once(pit, part))
            for _ in range(rng.randint(0, 2)):
                if (late := judge.work()) is not None:
                    judged.append(late)
            if restarts and rng.random() < 0.1:
                judge = restarted(gateway, judge)
    judged += iter(judge.work, None)
    return told(judged, ticked)


@pytest.mark.parametrize("seed", [1, 2])
def test_however_late_they_are_made_they_come_to_the_same(site: Gateway, seed: int) -> None:
    expected = whole(site, seed)
    assert FORETOLD[seed] <= {rule for _, _, rule, *_ in expected[1]}
    assert bit_by_bit(site, seed) == expected


def test_a_restart_while_they_wait_loses_none(site: Gateway) -> None:
    readings_told, alarms = bit_by_bit(site, 1, restarts=True)
    expected = whole(site, 1)
    assert readings_told == expected[0]
    # A return that a restart breaks off begins anew, so only when alarms end may differ.
    raised, expected_raised = ({a[:4] for a in some if a[3] == "raised"} for some in (alarms, expected[1]))
    assert raised == expected_raised


def test_a_forecast_that_another_rule_looks_at_does_not_wait(looking: Gateway) -> None:
    expected = whole(looking, 1)
    assert any(rule == "moved-while-failing" for _, _, rule, *_ in expected[1])
    assert bit_by_bit(looking, 1) == expected


def test_silence_is_not_judged_beyond_a_forecast_that_waits(site: Gateway) -> None:
    judge, pit = Judge(site.devices, lambda: "synced"), pit_of(site)
    first, second = list(polls(1))[:2]
    judge.take_at_once(pit, first)
    judge.take_at_once(pit, second)
    assert judge.is_waiting
    # The crane is silent since before; nothing of it waits.
    assert {a.rule for a in judge.tick(second[0].at_ms + 2 * HOUR_MS)} <= {"crane-silent"}
    while judge.work() is not None:
        pass
    alarms = judge.tick(second[0].at_ms + 2 * HOUR_MS)
    assert [(a.rule, a.at) for a in alarms] == [("pit-silent", second[-1].at_ms + HOUR_MS)]


async def test_the_agent_makes_them_between_its_polls(site: Gateway) -> None:
    agent = Agent(site)
    waiting = list(polls(1))
    for poll in waiting[:-1]:
        agent.take(pit_of(site), poll)
    # Nobody has had time yet but for what the next poll needed.
    agent.take(pit_of(site), waiting[-1])
    newest_ms = waiting[-1][0].at_ms
    assert agent._judge.is_waiting
    tasks = [
        asyncio.create_task(one) for one in (agent._forecast(), agent.readings.run(), agent.alarms.run())
    ]
    await until(lambda: not agent._judge.is_waiting)
    agent._recorder.flush()
    await agent.readings.flushed()
    records = await agent.readings.take(1, 10_000, 10_000, size=2**30)
    said = [r for one in records for m in [decode(one.body, Readings)] for r in readings_of(m.series, m.at)]
    assert any(r.point == "pit-1/h1.creep_state" and r.at_ms >= newest_ms for r in said)
    await ended(*tasks)
    agent.close()
