"""A device on trial is judged like any other, and its alarms, marked, are heard by nobody."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.config import Device, load_gateway
from edge.doubts import doubts
from edge.judge import Episode, Judge
from edge.lane import open_lane
from edge.memory import Memory
from edge.page.board import Board
from edge.shelves import Shelves
from edge.tone import SILENT, signal_of
from sitewarden.messages import Shelf
from tests.edge.cloud import Cloud, listening
from tests.edge.conftest import GATEWAY_NAME, SITE_NAME, Configure, WriteGateway
from tests.edge.test_agent import EMPTY, OVERLOAD, agent, site
from tests.edge.test_judge import Site, told
from tests.edge.test_zones import Site as Zones
from tests.edge.test_zones import positioned  # noqa: F401  # a fixture
from tests.support.broker import Broker
from tests.support.waiting import ended, until


@pytest.fixture
def on_trial(crane: Device) -> Device:
    return msgspec.structs.replace(crane, commissioning="trial")


@pytest.fixture
def cloud(broker: Broker) -> Iterator[Cloud]:
    with listening(broker, SITE_NAME, GATEWAY_NAME) as cloud:
        yield cloud


def kept(site: Site) -> list[Episode]:
    return [msgspec.json.decode(msgspec.json.encode(e), type=Episode) for e in site.judge.episodes()]


def test_its_alarms_are_those_of_any_device_but_marked_silent_and_without_a_hazard(
    crane: Device, on_trial: Device
) -> None:
    live, shadow = Site(crane), Site(on_trial)
    heard, marked = live.crane(3.4, polls=100), shadow.crane(3.4, polls=100)
    assert told(marked) == told(heard)
    assert not any(alarm.test for alarm in heard)
    assert any(alarm.hazard for alarm in heard)
    assert all(alarm.test and alarm.hazard is None and alarm.evidence for alarm in marked)
    assert signal_of(live.judge.standing(), 900) != SILENT
    assert signal_of(shadow.judge.standing(), 900) == SILENT


def test_who_presses_the_button_acknowledges_only_what_could_be_heard(on_trial: Device) -> None:
    shadow = Site(on_trial)
    episode = shadow.crane(3.4, polls=100)[-1].episode
    assert shadow.judge.acknowledge(None, shadow.now_ms, "local") == []
    assert shadow.judge.acknowledge(episode, shadow.now_ms, "local")


def test_put_into_use_its_tests_end_and_a_danger_that_stands_is_raised_anew_and_heard(
    crane: Device, on_trial: Device
) -> None:
    shadow = Site(on_trial)
    shadow.crane(3.4, polls=100)
    live = Site(crane, kept(shadow))
    assert {(a.change, a.test, a.ended) for a in live.orphans} == {("cleared", True, "in_use")}
    assert {a.episode for a in live.orphans} == {e.alarm.episode for e in shadow.judge.episodes()}
    assert live.judge.standing() == []
    raised = live.crane(3.4, polls=100)
    assert raised
    assert not any(alarm.test for alarm in raised)
    assert signal_of(live.judge.standing(), 900).siren == "continuous"


def test_put_into_use_while_the_agent_runs_it_is_the_same(crane: Device, on_trial: Device) -> None:
    site = Site(on_trial)
    tests = {alarm.episode for alarm in site.crane(3.4, polls=100)}
    before, site.device = site.judge, crane
    site.judge = Judge([crane], lambda: "synced", before=before)
    ended = site.judge.go_on_from(before, site.now_ms)
    assert {(a.change, a.test, a.ended) for a in ended} == {("cleared", True, "in_use")}
    raised = site.crane(3.4, polls=100)
    assert {alarm.change for alarm in raised} == {"raised"}
    assert not any(alarm.test or alarm.episode in tests for alarm in raised)
    assert signal_of(site.judge.standing(), 900).siren == "continuous"


async def test_who_held_back_a_test_has_not_silenced_the_device_in_use(
    crane: Device, on_trial: Device, tmp_path: Path
) -> None:
    site, told = Site(on_trial), []
    test = site.crane(3.4, polls=100)[-1]
    asked = Shelf(point=test.point, rule=test.rule, until=site.now_ms + 3_600_000, by="li", reason="调试")
    async with shelving(tmp_path, lambda: told.append(1)) as shelves:
        assert shelves.shelve(site.judge, asked, site.now_ms)
    async with shelving(tmp_path, lambda: told.append(1)) as shelves:
        shelves.resume(site.judge)
        assert [shelf.test for shelf in shelves.in_force()] == [True], "a restart changes nothing"
        site.device = crane
        site.judge = Judge([crane], lambda: "synced")
        shelves.follow(site.judge)
        assert shelves.in_force() == []
        assert len(told) == 2, "the cloud hears of both"
    site.crane(3.4, polls=100)
    assert all(not standing.is_acknowledged for standing in site.judge.standing())
    async with shelving(tmp_path, lambda: None) as shelves:
        shelves.resume(site.judge)
        assert shelves.in_force() == []


@contextlib.asynccontextmanager
async def shelving(folder: Path, tell_soon: Callable[[], None]) -> AsyncIterator[Shelves]:
    """The shelves of one run of an agent."""
    lanes = [open_lane(name, folder, boot="boot-1") for name in ("alarms", "readings")]
    tasks = [asyncio.create_task(lane.run()) for lane in lanes]
    yield Shelves(Memory(lanes[0], lanes[1]), tell_soon)
    await lanes[0].flushed()
    for lane, task in zip(lanes, tasks, strict=True):
        await ended(task)
        lane.close()


def test_put_back_on_trial_what_sounded_ends_with_that_reason(crane: Device, on_trial: Device) -> None:
    live = Site(crane)
    live.crane(3.4, polls=100)
    shadow = Site(on_trial, kept(live))
    assert {(a.change, a.test, a.ended) for a in shadow.orphans} == {("cleared", False, "trial")}
    assert all(alarm.test for alarm in shadow.crane(3.4, polls=100))


def test_the_gateways_page_marks_them_and_shows_them_last(crane: Device, on_trial: Device) -> None:
    live, shadow = Site(crane), Site(on_trial)
    live.crane(2.8, polls=30)
    shadow.crane(3.4, polls=100)
    shown = Board([crane]).alarms([*shadow.judge.episodes(), *live.judge.episodes()])
    assert [alarm.test for alarm in shown] == sorted(alarm.test for alarm in shown)
    assert shown[-1].test
    assert all(point.on_trial for point in Board([on_trial]).points())


async def test_nobody_is_endangered_because_a_crane_on_trial_says_so(
    positioned: dict[str, Any],  # noqa: F811
    write_gateway: WriteGateway,
) -> None:
    from edge.agent import Agent  # noqa: PLC0415

    positioned["buses"][0]["devices"][0]["commissioning"] = "trial"
    gateway = load_gateway(write_gateway(positioned))
    assert any("crane-1 is on trial" in doubt for doubt in doubts(gateway))
    agent = Agent(gateway)
    try:
        zones = Zones(agent)
        zones.lift(3.0)
        assert zones.seen("under-hook") == [("load-100", "crane-1/load_ratio")]
    finally:
        agent.close()


async def test_no_siren_sounds_until_it_is_in_use_and_then_at_once(
    configured: Configure, gateway_dict: dict[str, Any], broker: Broker, cloud: Cloud
) -> None:
    device = gateway_dict["buses"][0]["devices"][0]
    device["commissioning"] = "trial"
    async with site() as (server, crane):
        async with agent(configured(server, broker)) as run:
            crane.load = OVERLOAD
            await until(lambda: len(cloud.alarms) == 1)
            crane.load = EMPTY
            await until(lambda: len(cloud.alarms) == 2)
            crane.load = OVERLOAD
            await until(lambda: len(cloud.alarms) == 3)
            await run.end()
            assert run.lines() == [], "something sounded"
        (birth, *_) = cloud.states("online")
        announced = {d.device: d.commissioning for d in birth.devices or []}
        assert (announced["crane-1"], announced["pit-1"]) == ("trial", "in_use")
        assert all(alarm.test and alarm.hazard is None for alarm in cloud.alarms)
        del device["commissioning"]
        async with agent(configured(server, broker)) as run:
            await until(lambda: len(cloud.alarms) == 5)
            (line,) = run.lines()
            assert (line["change"], line["siren"]) == ("raised", "continuous")
        ended, raised = sorted(cloud.alarms, key=lambda alarm: alarm.seq)[-2:]
        assert (ended.change, ended.ended, ended.test) == ("cleared", "in_use", True)
        assert (raised.change, raised.test) == ("raised", False)
