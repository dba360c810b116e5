"""The whole agent as a process: Modbus in, siren out, records to a broker, and what a kill leaves."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge import agent as agent_module
from edge.agent import Agent
from edge.config import load_gateway
from sitewarden.messages import Shelf, Status, readings_of
from sitewarden.quality import Quality
from tests.edge.cloud import Cloud, listening
from tests.edge.conftest import GATEWAY_NAME, SITE_NAME, Configure, WriteGateway
from tests.support.broker import Broker
from tests.support.modbus import ModbusServer, Unit, serving
from tests.support.waiting import PATIENCE_S, until

SITEWARDEN = Path(sys.executable).parent / "sitewarden"
OVERLOAD, EMPTY = 3000, 1000


class Crane(Unit):
    """A crane whose load the test sets."""

    load = EMPTY

    def __init__(self) -> None:
        super().__init__(lambda: {0: self.load, 1: 2500, 2: 100, 3: 0, 4: 4, 5: 50, 6: 0})


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[tuple[ModbusServer, Crane]]:
    crane = Crane()
    pit = Unit({n: 10000 if n % 2 else 0 for n in range(12)})
    async with serving({1: crane, 2: pit}) as server:
        yield server, crane


@pytest.fixture
def cloud(broker: Broker) -> Iterator[Cloud]:
    with listening(broker, SITE_NAME, GATEWAY_NAME) as cloud:
        yield cloud


class Run:
    """One run of `sitewarden edge run`."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.process, self._folder = process, folder

    def lines(self) -> list[dict[str, Any]]:
        file = self._folder / "outputs.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def log(self) -> str:
        return (self._folder / "agent.log").read_text()

    async def died(self) -> int:
        """Its exit status, minus the signal that it died of."""
        return await asyncio.wait_for(self.process.wait(), PATIENCE_S)

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process.returncode is None:
            self.process.send_signal(how)
        return await asyncio.wait_for(self.process.wait(), PATIENCE_S)


@contextlib.asynccontextmanager
async def agent(file: Path) -> AsyncIterator[Run]:
    with (file.parent / "agent.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(SITEWARDEN, "edge", "run", file, stderr=log)
    run = Run(process, file.parent)
    try:
        yield run
    finally:
        await run.end(signal.SIGKILL)


async def test_an_overload_sounds_from_its_first_reading_and_reaches_the_cloud_once(
    configured: Configure, broker: Broker, cloud: Cloud
) -> None:
    async with site() as (server, crane), agent(configured(server, broker)) as run:
        await until(lambda: crane.asked > 5)
        crane.load = OVERLOAD
        await until(run.lines)
        line = run.lines()[0]
        assert (line["change"], line["siren"], line["lamp"]) == ("raised", "continuous", "red")
        crane.load = EMPTY
        await until(lambda: len(cloud.alarms) == 2)
        raised, cleared = sorted(cloud.alarms, key=lambda a: a.seq)
        assert (raised.change, cleared.change) == ("raised", "cleared")
        assert raised.episode == cleared.episode == line["episode"]
        assert await run.end() == 0
        # Everything that was written was receipted before the end, and the end was said.
        await until(lambda: cloud.states("offline"))
        written = [r for m in cloud.readings for r in readings_of(m.series, m.at)]
        loads = [r for r in written if r.point == "crane-1/load" and r.quality == Quality.GOOD]
        assert {r.value for r in loads} == {1.0, 3.0}
        overloaded = [r.at_ms for r in loads if r.value == 3.0]
        assert [at for at in overloaded if at <= line["at_ms"]] == overloaded[:1]
        assert len({(r.point, r.at_ms) for r in written}) == len(written)


async def test_without_a_broker_the_siren_sounds_all_the_same(configured: Configure) -> None:
    async with site() as (server, crane), agent(configured(server)) as run:
        crane.load = OVERLOAD
        await until(run.lines)
        assert await run.end() == 0
        assert run.log().count("no broker") == 1


async def test_killed_while_an_alarm_stands_it_goes_on_as_the_same_episode(
    configured: Configure, broker: Broker, cloud: Cloud
) -> None:
    async with site() as (server, crane):
        file = configured(server, broker)
        async with agent(file) as first:
            crane.load = OVERLOAD
            await until(lambda: len(cloud.alarms) == 1)
            await first.end(signal.SIGKILL)
        await until(lambda: cloud.states("offline"))
        async with agent(file) as second:
            await until(lambda: len(cloud.states("online")) == 2)
            asked = crane.asked
            await until(lambda: crane.asked > asked + 5)
            assert len(second.lines()) == 1, "raised a second time"
            crane.load = EMPTY
            # The raise may come twice: its receipt may have been on its way when the agent was killed.
            await until(lambda: cloud.alarms[-1].change == "cleared")
            assert {alarm.episode for alarm in cloud.alarms} == {cloud.alarms[0].episode}
            assert len({(alarm.boot, alarm.seq) for alarm in cloud.alarms}) == 2
            last = second.lines()[-1]
            assert (last["change"], last["siren"]) == ("cleared", "off")


async def test_killed_before_the_cloud_had_it_an_alarm_arrives_after_the_restart(
    configured: Configure, broker: Broker
) -> None:
    async with site() as (server, crane):
        file = configured(server)
        async with agent(file) as first:
            crane.load = OVERLOAD
            await until(lambda: "alarm raised" in first.log())
            # The log line is written after the outbox was asked; give the disk its turn.
            await until(lambda: wal_of(file).stat().st_size > 0)
            crane.load = EMPTY
            await until(lambda: "alarm cleared" in first.log())
            await first.end(signal.SIGTERM)
        with listening(broker, SITE_NAME, GATEWAY_NAME) as cloud:
            async with agent(configured(server, broker)):
                await until(lambda: len(cloud.alarms) == 2)
                assert {alarm.change for alarm in cloud.alarms} == {"raised", "cleared"}


def wal_of(file: Path) -> Path:
    return file.parent / "data" / "alarms.db-wal"


async def test_a_loggers_memory_is_sent_once_and_gives_the_rate_at_once(
    configured: Configure, gateway_dict: dict[str, Any], broker: Broker, cloud: Cloud, tmp_path: Path
) -> None:
    hour_s, now_s = 3600, int(time.time())
    rows = [
        f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(now_s - hours * hour_s))},{100 - hours * 0.05:.2f}"
        for hours in range(48, 0, -1)
    ]
    (tmp_path / "memory.csv").write_text("\n".join(["at,h1", *rows]) + "\n")
    gateway_dict["buses"][0]["devices"][1]["history"] = "memory.csv"
    async with site() as (server, _):
        file = configured(server, broker)
        for _ in range(2):
            async with agent(file) as run:
                await until(lambda: live_rates(cloud))
                await run.end()
            assert live_rates(cloud)[0] == pytest.approx(1.2, abs=0.1)
            # 48 raw, 48 cumulative, and a rate for each that has a day behind it.
            past = [series for message in cloud.readings if message.hist for series in message.series]
            counted = [len(s.t) for s in past if s.p.endswith(("/h1", "/h1.cumulative", "/h1.rate"))]
            assert sum(counted) == 48 + 48 + 24
            cloud.heard = [m for m in cloud.heard if getattr(m, "hist", False)]


async def test_a_history_that_is_gone_leaves_no_site_unwatched(
    configured: Configure, gateway_dict: dict[str, Any], broker: Broker, cloud: Cloud
) -> None:
    gateway_dict["buses"][0]["devices"][1]["history"] = "none.csv"
    async with site() as (server, _):
        file = configured(server, broker)
        async with agent(file):
            await until(lambda: cloud.readings)
        assert "history not imported device=pit-1" in (file.parent / "agent.log").read_text()


def live_rates(cloud: Cloud) -> list[float | None]:
    return [
        value
        for message in cloud.readings
        if not message.hist
        for series in message.series
        if series.p == "pit-1/h1.rate"
        for value in series.x
    ]


async def test_a_stop_signal_ends_it_in_order_even_without_a_broker(configured: Configure) -> None:
    async with site() as (server, crane), agent(configured(server)) as run:
        await until(lambda: crane.asked > 5)
        assert await run.end(signal.SIGINT) == 0
        assert "Traceback" not in run.log()


async def test_a_second_agent_on_the_same_outbox_is_refused(configured: Configure) -> None:
    async with site() as (server, crane):
        file = configured(server)
        async with agent(file) as first:
            await until(lambda: crane.asked > 5)
            async with agent(file) as second:
                assert await asyncio.wait_for(second.process.wait(), PATIENCE_S) == 1
            assert "another agent is using it" in first.log()
            assert first.process.returncode is None


async def test_without_a_usable_disk_the_siren_sounds_and_alarms_arrive(
    configured: Configure, broker: Broker, cloud: Cloud, tmp_path: Path
) -> None:
    (tmp_path / "data").write_text("where the folder should be")
    async with site() as (server, crane), agent(configured(server, broker)) as run:
        crane.load = OVERLOAD
        await until(run.lines)
        await until(lambda: cloud.alarms and cloud.readings)
        assert "CRITICAL" in run.log()
        assert await run.end() == 0


async def test_an_acknowledgement_of_the_cloud_silences_the_siren_and_lasts_over_a_kill(
    configured: Configure, broker: Broker, cloud: Cloud
) -> None:
    async with site() as (server, crane):
        file = configured(server, broker)
        # The acknowledgement is still in the outbox when the agent is killed.
        cloud.receipts = lambda record: getattr(record, "change", "") != "acknowledged"
        async with agent(file) as first:
            crane.load = OVERLOAD
            await until(lambda: cloud.alarms)
            episode = cloud.alarms[0].episode
            cloud.acknowledge(None, "zhang")
            cloud.acknowledge("f" * 32, "zhang")
            cloud.acknowledge(episode, "zhang")
            cloud.acknowledge(episode, "li")
            await until(lambda: len(first.lines()) == 2)
            assert (first.lines()[1]["change"], first.lines()[1]["siren"]) == ("acknowledged", "off")
            assert first.lines()[1]["lamp"] == "red"
            await until(lambda: [a for a in cloud.alarms if a.change == "acknowledged"])
            await first.end(signal.SIGKILL)
        cloud.receipts = lambda _: True
        async with agent(file) as second:
            await until(lambda: len(cloud.states("online")) == 2)
            asked = crane.asked
            await until(lambda: crane.asked > asked + 5)
            assert len(second.lines()) == 2, "it sounded or was acknowledged a second time"
            crane.load = EMPTY
            await until(lambda: cloud.alarms[-1].change == "cleared")
            assert await second.end() == 0
        told = {(alarm.change, alarm.episode, alarm.acknowledged_by) for alarm in cloud.alarms}
        assert told == {
            ("raised", episode, ""),
            ("acknowledged", episode, "zhang"),
            ("cleared", episode, "zhang"),
        }
        acknowledged = next(alarm for alarm in cloud.alarms if alarm.change == "acknowledged")
        assert len({(alarm.boot, alarm.seq) for alarm in cloud.alarms}) == 3
        assert cloud.alarms[-1].acknowledged_at == acknowledged.acknowledged_at == acknowledged.at


async def test_outputs_are_tested_by_command_only_while_no_agent_runs(configured: Configure) -> None:
    async with site() as (server, crane):
        file = configured(server)
        assert await status_of_a_test(file) == 0
        lines = [json.loads(line) for line in (file.parent / "outputs.jsonl").read_text().splitlines()]
        assert [(line["change"], line["siren"]) for line in lines] == [
            ("test", "off"),
            ("test", "intermittent"),
            ("test", "continuous"),
            ("test", "off"),
        ]
        assert not (file.parent / "data").exists(), "it left a folder of its own account"
        async with agent(file):
            await until(lambda: crane.asked > 5)
            assert await status_of_a_test(file) == 1


async def status_of_a_test(file: Path) -> int:
    process = await asyncio.create_subprocess_exec(
        SITEWARDEN, "edge", "test-outputs", file, stderr=asyncio.subprocess.DEVNULL
    )
    return await asyncio.wait_for(process.wait(), PATIENCE_S)


async def test_a_button_on_the_siren_acknowledges_everything(
    configured: Configure, gateway_dict: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "fakes"))
    monkeypatch.delitem(sys.modules, "gpiozero", raising=False)
    gateway_dict["outputs"].append({"driver": "gpio", "siren_pin": 17, "lamp_pin": 27, "acknowledge_pin": 22})
    async with site() as (server, crane):
        running = Agent(load_gateway(configured(server)))
        stop = asyncio.Event()
        task = asyncio.create_task(running.run(stop))
        try:
            crane.load = OVERLOAD
            await until(lambda: running.snapshot().siren.siren == "continuous")
            button = sys.modules["gpiozero"].Button.made[-1]
            await until(lambda: button.when_pressed is not None)
            await asyncio.to_thread(button.when_pressed)
            await until(lambda: running.snapshot().siren.siren == "off")
            assert running.snapshot().siren.lamp == "red"
            assert running.snapshot().alarms[0].acknowledged_by == "local"
        finally:
            stop.set()
            await asyncio.wait_for(task, PATIENCE_S)
            running.close()
    sys.modules.pop("gpiozero", None)


async def test_what_nobody_can_print_is_in_no_reason(
    write_gateway: WriteGateway, gateway_dict: dict[str, Any]
) -> None:
    """It is in every heartbeat and birth, and the cloud's database takes no NUL."""
    running = Agent(load_gateway(write_gateway(gateway_dict)))
    try:
        shelf = Shelf(
            point="crane-1/load_ratio",
            rule="crane-load-100",
            until=time.time_ns() // 1_000_000 + 60_000,
            by="lo\x00cal",
            reason="传感器\x00 校准\nagain",
        )
        assert running.shelve(shelf)
        (kept,) = running.snapshot().shelved
        assert (kept.by, kept.reason) == ("local", "传感器 校准 again")
    finally:
        running.close()


async def test_the_cloud_shelves_an_alarm_that_stands_and_hears_of_it(
    configured: Configure, broker: Broker, cloud: Cloud
) -> None:
    async with site() as (server, crane), agent(configured(server, broker)) as run:
        crane.load = OVERLOAD
        await until(lambda: cloud.alarms)
        alarm, until_ms = cloud.alarms[0], time.time_ns() // 1_000_000 + 3_600_000

        def shelves() -> list[tuple[str, str | None]]:
            return [
                (shelf.rule, shelf.request)
                for shelf in (cloud.states("heartbeat") or [NO_STATUS])[-1].shelved
            ]

        cloud.shelve(msgspec.structs.replace(alarm, episode="f" * 32), until_ms, request="e" * 32)
        cloud.shelve(alarm, until_ms, request="a" * 32)
        await until(lambda: shelves() == [(alarm.rule, "a" * 32)])
        cloud.shelve(alarm, 0, request="b" * 32)
        cloud.shelve(alarm, until_ms, request="a" * 32)
        await until(lambda: shelves() == [])
        assert await run.end() == 0
    assert shelves() == [], "what came again was done again"
    told = [shelf.request for status in cloud.states("heartbeat") for shelf in status.shelved]
    assert "e" * 32 not in told, "an alarm that does not stand was shelved"


async def test_a_tone_ends_by_time_without_an_acknowledgement(
    configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "TICK_S", 0.01)
    async with site() as (server, crane):
        gateway = load_gateway(configured(server))
        short = msgspec.structs.replace(gateway.siren, max_on_s=3)
        running = Agent(msgspec.structs.replace(gateway, siren=short))
        stop = asyncio.Event()
        task = asyncio.create_task(running.run(stop))
        try:
            since, crane.load = time.monotonic(), OVERLOAD
            await until(lambda: running.snapshot().siren.siren == "continuous")
            await until(lambda: running.snapshot().siren.siren == "off")
            assert time.monotonic() - since > 3
            assert running.snapshot().siren.lamp == "red"
            assert [alarm.acknowledged_at for alarm in running.snapshot().alarms] == [None]
        finally:
            stop.set()
            await asyncio.wait_for(task, PATIENCE_S)
            running.close()


async def test_a_diary_on_a_disk_that_hangs_holds_up_neither_polls_nor_the_end(
    configured: Configure, broker: Broker, cloud: Cloud, tmp_path: Path
) -> None:
    # Opening a pipe that nobody reads blocks as a dead disk does.
    os.mkfifo(tmp_path / "outputs.jsonl")
    async with site() as (server, crane), agent(configured(server, broker)) as run:
        await until(lambda: crane.asked > 5)
        crane.load = OVERLOAD
        await until(lambda: cloud.alarms)
        asked = crane.asked
        await until(lambda: crane.asked > asked + 5)
        assert await run.end() == 0


NO_STATUS = Status(state="heartbeat", boot="none", at=0)
CRITICAL_PACK = """\
pack: critical
source: made for this test
rules:
  - rule: load-100
    family: crane-overload
    version: 1
    watch: crane.load_ratio
    condition: {when: high, limit: 100}
    dead_band: 2
    off_delay_s: 60
    level: 4
    label: {zh: 超载, en: Overload}
    basis: {clause: none, source: test, confidence: synthetic}
"""


async def test_an_acknowledged_danger_is_heard_again_at_the_reading_that_is_beyond_again(
    configured: Configure, gateway_dict: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "TICK_S", 3600.0)
    async with site() as (server, crane):
        file = configured(server)
        (tmp_path / "at-once.yaml").write_text(CRITICAL_PACK, encoding="utf-8")
        running = Agent(load_gateway(file))

        def siren() -> str:
            return running.snapshot().siren.siren

        stop = asyncio.Event()
        task = asyncio.create_task(running.run(stop))
        try:
            crane.load = OVERLOAD
            await until(lambda: siren() == "continuous")
            running.acknowledge(None, "local")
            assert siren() == "intermittent"
            crane.load = EMPTY
            await until(lambda: siren() == "off")
            assert running.snapshot().siren.lamp == "red"
            crane.load = OVERLOAD
            await until(lambda: siren() == "intermittent")
        finally:
            stop.set()
            await asyncio.wait_for(task, PATIENCE_S)
            running.close()
        changes = [
            json.loads(line)["change"] for line in (tmp_path / "outputs.jsonl").read_text().splitlines()
        ]
        assert changes == ["raised", "acknowledged", "tone", "tone"]
