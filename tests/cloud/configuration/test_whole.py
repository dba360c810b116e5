"""From a version that somebody proposes over HTTP to the gateway and back: no part is a double."""

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest
import yaml

from cloud.ingest.service import Ingest
from cloud.settings import Broker as BrokerAddress
from cloud.settings import Settings
from edge.agent import Agent
from edge.configuration.starting import starting
from tests.cloud.site import make_settings
from tests.edge.conftest import CRANE
from tests.support.broker import Broker
from tests.support.modbus import ModbusServer, Unit, serving
from tests.support.waiting import PATIENCE_S, until

NAME = f"c{uuid.uuid4().hex[:12]}"
"""A site of the test's own, for the broker is shared and keeps births."""
BASE = f"/sites/{NAME}/gateways/gw-1/configuration"


@pytest.fixture
def settings(tmp_path: Path, broker: Broker) -> Settings:
    address = BrokerAddress(host=broker.host, port=broker.port, username=broker.cloud.username)
    made = make_settings(tmp_path, broker=address, broker_password=broker.cloud.password)
    (demo,) = made.sites.values()
    return msgspec.structs.replace(made, sites={NAME: msgspec.structs.replace(demo, site=NAME)})


@pytest.fixture
def ingest(settings: Settings, site) -> Iterator[None]:
    running, stopping = Ingest(settings, site.dsn), threading.Event()
    thread = threading.Thread(target=running.run, args=(stopping,))
    thread.start()
    assert running.wait_until_subscribed(20)
    yield
    stopping.set()
    thread.join(45)


@pytest.fixture
async def crane() -> AsyncIterator[ModbusServer]:
    async with serving({1: Unit({0: 1000, 1: 2500, 2: 100, 3: 0, 4: 4, 5: 50, 6: 0})}) as server:
        yield server


@pytest.fixture
def own(tmp_path: Path, broker: Broker, crane: ModbusServer) -> Path:
    """The file of a gateway that was handed over."""
    user = broker.add_user(f"{NAME}/gw-1")
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(user.password)
    address = {"host": broker.host, "port": broker.port, "username": user.username, "password_file": "secret"}
    file = tmp_path / "gateway.yaml"
    said = {
        "site": NAME,
        "gateway": "gw-1",
        "data_dir": "data",
        "broker": address,
        "outputs": [{"driver": "log", "file": "outputs.jsonl"}],
        "configuration": {"owner": "cloud", "probation_s": 5},
        "rules": ["tower-crane"],
        "buses": [
            {
                "bus": "cranes",
                "modbus": {"transport": "tcp", "host": "127.0.0.1", "port": crane.port, "timeout_ms": 200},
                "devices": [{**CRANE, "interval_ms": 200}],
            }
        ],
    }
    file.write_text(yaml.safe_dump(said, allow_unicode=True, sort_keys=False))
    return file


@pytest.mark.usefixtures("ingest")
async def test_a_wrong_address_comes_back_with_its_reason_and_the_next_one_holds(web, own, crane) -> None:
    started, stop = starting(own), asyncio.Event()
    agent = Agent(started.gateway, started=started)
    running = asyncio.create_task(agent.run(stop))

    def newest() -> dict:
        return web.get(BASE).json()["newest"] or {}

    async def becomes(state: str) -> dict:
        for _ in range(600):
            found = await asyncio.to_thread(newest)
            if found.get("state") == state:
                return found
            await asyncio.sleep(0.1)
        raise AssertionError(f"{state} never came: {found}")

    async def told() -> dict:
        await until(lambda: web.get(BASE).json()["own_file"])
        return web.get(BASE).json()["own_file"]

    try:
        files = await told()
        text = files["gateway.yaml"]
        assert "broker" not in text
        wrong = {"gateway.yaml": text.replace(f"port: {crane.port}", "port: 1")}
        put = {"json": {"files": wrong, "reason": "换地址"}, "headers": {"If-Match": '"0"'}}
        answer = await asyncio.to_thread(lambda: web.put(BASE, **put))
        assert answer.status_code == 200, answer.text
        back = await becomes("rolled_back")
        assert "bus cranes" in back["why"]["en"]
        good = {"gateway.yaml": text.replace("interval_ms: 200", "interval_ms: 250")}
        put = {"json": {"files": good, "reason": "改周期"}, "headers": {"If-Match": '"1"'}}
        await asyncio.to_thread(lambda: web.put(BASE, **put))
        held = await becomes("in_force")
        assert held["load"][0]["bus"] == "cranes"
        assert web.get(BASE).json()["now"] == {"version": 2, "hash": held["hash"], "on_probation": False}
    finally:
        stop.set()
        await asyncio.wait_for(running, PATIENCE_S)
        agent.close()
