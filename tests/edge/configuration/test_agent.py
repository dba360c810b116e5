"""A running gateway is given other configurations: over a real broker, from real Modbus servers."""

import asyncio
import contextlib
import copy
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.agent import Agent
from edge.configuration.history import Asked
from edge.configuration.starting import starting
from sitewarden.bundle import digest
from tests.edge.cloud import Cloud, listening
from tests.edge.conftest import CRANE, GATEWAY_NAME, INTERVAL_MS, PACK, PIT, SITE_NAME
from tests.support.modbus import ModbusServer, Unit, serving
from tests.support.waiting import PATIENCE_S, until

SITEWARDEN = Path(sys.executable).parent / "sitewarden"
OVERLOAD, EMPTY = 3000, 1000
PROBATION_S = 5
"""The least there may be: a bus is called silent after a quarter of it."""


class Site:
    """A crane and a pit, each on a bus of its own, and a gateway that the cloud configures."""

    def __init__(self, folder: Path, cranes: ModbusServer, pits: ModbusServer) -> None:
        self.folder, self.cranes, self.pits = folder, cranes, pits
        self.load = EMPTY
        self.crane = Unit(lambda: {0: self.load, 1: 2500, 2: 100, 3: 0, 4: 4, 5: 50, 6: 0})
        self.pit = Unit({n: 10000 if n % 2 else 0 for n in range(12)})
        cranes.units[1], pits.units[2] = self.crane, self.pit

    def told(self, **changes: Any) -> dict[str, Any]:
        """The cloud's part, changed."""
        crane, pit = copy.deepcopy(CRANE), copy.deepcopy(PIT)
        crane["interval_ms"] = pit["interval_ms"] = INTERVAL_MS
        buses = [self.bus("cranes", self.cranes.port, crane), self.bus("pits", self.pits.port, pit)]
        return {"rules": ["at-once.yaml", "pit-displacement"], "buses": buses, **changes}

    def bus(self, name: str, port: int, *devices: dict[str, Any]) -> dict[str, Any]:
        modbus = {"transport": "tcp", "host": "127.0.0.1", "port": port, "timeout_ms": 200}
        return {"bus": name, "modbus": modbus, "devices": list(devices)}

    def write(self, broker: Any) -> Path:
        """The gateway's own file, which says the same as the cloud would."""
        user = broker.add_user(f"{SITE_NAME}/{GATEWAY_NAME}")
        secret = self.folder / "secret"
        secret.touch(mode=0o600)
        secret.write_text(user.password)
        (self.folder / "at-once.yaml").write_text(PACK, encoding="utf-8")
        address = {"host": broker.host, "port": broker.port, "username": user.username}
        own = {
            "site": SITE_NAME,
            "gateway": GATEWAY_NAME,
            "data_dir": "data",
            "broker": {**address, "password_file": "secret"},
            "outputs": [{"driver": "log", "file": "outputs.jsonl"}],
            "configuration": {"owner": "cloud", "probation_s": PROBATION_S},
        }
        file = self.folder / "gateway.yaml"
        file.write_text(yaml.safe_dump({**own, **self.told()}, allow_unicode=True), encoding="utf-8")
        return file

    def heard(self) -> list[str]:
        """What siren and lamp were told, in order."""
        file = self.folder / "outputs.jsonl"
        return file.read_text().splitlines() if file.exists() else []


def bundle_of(told: dict[str, Any], **files: str) -> dict[str, str]:
    text = yaml.safe_dump(told, sort_keys=False, allow_unicode=True)
    return {"gateway.yaml": text, "at-once.yaml": PACK, **files}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with serving({}) as cranes, serving({}) as pits:
        yield Site(tmp_path, cranes, pits)


@pytest.fixture
def cloud(broker):
    with listening(broker, SITE_NAME, GATEWAY_NAME) as cloud:
        yield cloud


@contextlib.asynccontextmanager
async def running(file: Path, cloud: Cloud) -> AsyncIterator[Agent]:
    started = starting(file)
    agent, stop = Agent(started.gateway, started=started), asyncio.Event()
    task = asyncio.create_task(agent.run(stop))
    try:
        await until(lambda: cloud.became("in_force"))
        yield agent
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE_S)
        agent.close()


def reader(agent: Agent, bus: str) -> object:
    """Who reads a bus: while it is the same, so are its deadlines and what it knows of its units."""
    assert agent._lines is not None
    return next(owner for owner in agent._lines.owners if owner.name == bus)


async def test_a_good_one_comes_into_force_and_what_is_equal_goes_on(site: Site, broker, cloud) -> None:
    async with running(site.write(broker), cloud) as agent:
        assert cloud.reports[0].files is not None, "the cloud begins with what is in force"
        cloud.configure(0, {})
        await until(lambda: len(cloud.reports) == 2)
        assert cloud.reports[1].files == cloud.reports[0].files, "asked again"
        site.load = OVERLOAD
        await until(lambda: len(cloud.alarms) == 1 and site.pit.asked > 3)
        told = site.told()
        told["buses"][1]["devices"][0].update(interval_ms=2 * INTERVAL_MS, device="pit-9")
        files = bundle_of(told)
        before, cranes, pits = site.crane.asked, reader(agent, "cranes"), reader(agent, "pits")
        cloud.configure(3, files)
        await until(lambda: cloud.became("probation", 3))
        await until(lambda: site.pits.connections == 2 and site.crane.asked > before + 10)
        assert site.cranes.connections == 1, "a bus that is asked the same keeps its connection"
        assert (reader(agent, "cranes"), reader(agent, "pits") is pits) == (cranes, False)
        assert {load.bus for load in cloud.became("probation", 3)[0].load} == {"cranes", "pits"}
        [birth] = [status for status in cloud.states("online") if status.configuration.version == 3][-1:]
        assert [device.device for device in birth.devices][:2] == ["crane-1", "pit-9"]
        # Sent again it changes nothing, and while it is on probation that is what is said.
        cloud.configure(3, files)
        await until(lambda: len(cloud.became("probation", 3)) == 2)
        await until(lambda: cloud.became("in_force", 3), within_s=PROBATION_S + 10)
        assert [alarm.change for alarm in cloud.alarms] == ["raised"], "it stands on"
        assert len(site.heard()) == 1
        site.load = EMPTY
        await until(lambda: len(cloud.alarms) == 2)
        assert cloud.alarms[1].episode == cloud.alarms[0].episode
        names = {series.p for readings in cloud.readings for series in readings.series}
        assert {"pit-1/h1", "pit-9/h1"} <= names
    assert starting(site.folder / "gateway.yaml").version == (3, digest(files))


async def test_an_alarm_of_what_is_gone_ends_and_says_so(site: Site, broker, cloud) -> None:
    async with running(site.write(broker), cloud) as agent:
        site.load = OVERLOAD
        await until(lambda: len(cloud.alarms) == 1)
        cloud.configure(1, bundle_of(site.told(rules=["pit-displacement"])))
        await until(lambda: len(cloud.alarms) == 2)
        ended = cloud.alarms[1]
        assert (ended.change, ended.ended, ended.episode) == ("cleared", "orphaned", cloud.alarms[0].episode)
        await until(lambda: agent.snapshot().siren.siren == "off")


async def test_a_wrong_address_is_taken_back_by_the_gateway_itself(site: Site, broker, cloud) -> None:
    async with running(site.write(broker), cloud):
        site.load = OVERLOAD
        await until(lambda: len(cloud.alarms) == 1 and site.pit.asked > 3)
        told = site.told()
        told["buses"][1]["modbus"]["port"] = 1
        cloud.configure(1, bundle_of(told))
        await until(lambda: cloud.became("rolled_back", 1))
        why = cloud.became("rolled_back", 1)[0].why
        assert why is not None
        assert "bus pits" in why.en
        asked = site.pit.asked
        await until(lambda: site.pit.asked > asked + 3)
        assert site.cranes.connections == 1
        assert [alarm.change for alarm in cloud.alarms] == ["raised"]
        # What was turned down is not tried again.
        cloud.configure(1, bundle_of(told))
        await until(lambda: len(cloud.became("rolled_back", 1)) == 2)
        assert len(cloud.became("probation", 1)) == 1
    assert starting(site.folder / "gateway.yaml").version is None


async def test_what_cannot_be_meant_is_refused_and_what_runs_goes_on(site: Site, broker, cloud) -> None:
    async with running(site.write(broker), cloud) as agent:
        before = reader(agent, "cranes")
        told = site.told()
        told["buses"][0]["devices"][0]["profile"] = "no-such"
        cloud.configure(1, bundle_of(told))
        await until(lambda: cloud.became("refused", 1))
        [error] = cloud.became("refused", 1)[0].errors
        assert (error.file, error.field) == ("gateway.yaml", "buses.0.devices.0.profile")
        cloud.configure(0, bundle_of(told), check="a" * 32)
        cloud.configure(0, bundle_of(site.told()), check="b" * 32)
        await until(lambda: cloud.became("checked"))
        assert [report.check for report in cloud.reports if report.check] == ["a" * 32, "b" * 32]
        cloud.configure(2, {"gateway.yaml": "", "../x.yaml": ""})
        await until(lambda: cloud.became("refused", 2))
        asked = site.crane.asked
        await until(lambda: site.crane.asked > asked + 3)
        assert (site.cranes.connections, reader(agent, "cranes")) == (1, before)


async def test_killed_on_probation_it_starts_from_what_held_before(site: Site, broker, cloud) -> None:
    file = site.write(broker)
    told = site.told()
    told["buses"][1]["devices"][0]["device"] = "pit-9"

    async def start() -> asyncio.subprocess.Process:
        with (site.folder / "agent.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(SITEWARDEN, "edge", "run", file, stderr=log)

    process = await start()
    try:
        await until(lambda: cloud.became("in_force"))
        cloud.configure(5, bundle_of(told))
        await until(lambda: cloud.became("probation", 5))
        process.send_signal(signal.SIGKILL)
        await process.wait()
        process = await start()
        await until(lambda: cloud.became("rolled_back", 5))
        why = cloud.became("rolled_back", 5)[0].why
        assert why is not None
        assert "ended while it was on probation" in why.en
        last = cloud.states("online")[-1]
        assert "pit-1" in [device.device for device in last.devices or []]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_somebody_on_site_goes_back(site: Site, broker, cloud) -> None:
    file = site.write(broker)
    async with running(file, cloud):
        cloud.configure(4, bundle_of(site.told(rules=["pit-displacement"])))
        await until(lambda: cloud.became("in_force", 4), within_s=PROBATION_S + 15)
        history = starting(file).history
        assert history is not None
        history.ask(Asked(by="wang"))
        await until(lambda: cloud.became("rolled_back", 4))
        why = cloud.became("rolled_back", 4)[0].why
        assert why is not None
        assert "wang" in why.en
        assert history.asked() is None
        asked = site.pit.asked
        await until(lambda: site.pit.asked > asked + 3)
    assert starting(file).version is None
