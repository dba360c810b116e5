"""From an empty cloud to a gateway that reports, by a code; out when revoked, and back with what it kept."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.cloud.ingest.over_mqtt import wait_for
from tests.cloud.test_run import Cloud
from tests.cloud.web.serving import PASSWORD
from tests.support.broker import Broker, free_port
from tests.support.plain import plain_client
from tests.support.waiting import PATIENCE_S

PROGRAM = Path(sys.executable).with_name("sitewarden")
IN_TIME_S = 60.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the database's account can be let into; pytest's are locked again by other sessions."""
    with tempfile.TemporaryDirectory(prefix="sitewarden-") as path:
        Path(path).chmod(0o711)
        yield Path(path)


@pytest.fixture
def cloud(folder: Path, fresh_broker: Broker) -> Iterator[Cloud]:
    (folder / "cloud.password").write_text(fresh_broker.cloud.password)
    where = {"host": fresh_broker.host, "port": fresh_broker.port}
    document = {
        "listen": "127.0.0.1:0",
        "data_dir": "data",
        "broker": {**where, "username": "cloud", "password_file": "cloud.password"},
        "enrolment": {
            **where,
            "password_file": str(fresh_broker.password_file),
            "pid_file": str(fresh_broker.pid_file),
        },
    }
    (folder / "cloud.yaml").write_text(yaml.safe_dump(document))
    running = Cloud(folder / "cloud.yaml")
    yield running
    assert running.end() == 0


@pytest.fixture
def admin(cloud: Cloud) -> Iterator[httpx.Client]:
    """Whoever has just set the cloud up, and made a site with a gateway."""
    with plain_client(f"{cloud.address}/api/v1") as client:
        set_up = {"token": cloud.setup_token, "name": "站长", "password": PASSWORD}
        assert client.post("/setup", json=set_up).status_code == 201
        site = {"id": "tower-a", "name": {"zh": "甲塔", "en": "Tower A"}, "time_zone": "Asia/Shanghai"}
        assert client.post("/sites", json=site).status_code == 201
        assert client.post("/sites/tower-a/registry/gateways", json={"id": "gw-1"}).status_code == 201
        yield client


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """What an engineer wrote before there was a code: what is connected, and nothing of the cloud."""
    config = tmp_path / "box" / "gateway.yaml"
    config.parent.mkdir()
    config.write_text(
        f"""\
mode: live
data_dir: data
outputs: [{{driver: log, file: outputs.jsonl}}]
rules: [tower-crane]
buses:
  - bus: crane-1
    modbus: {{transport: tcp, host: 127.0.0.1, port: {free_port()}, timeout_ms: 200}}   # nobody there yet
    devices:
      - {{device: crane-1, profile: reference-tower-crane, unit: 1, load_chart: tc5610-like}}
"""
    )
    return config


def enrol(cloud: Cloud, admin: httpx.Client, config: Path) -> str:
    """As people do it: the code from the page, the command on the gateway. What the command said."""
    code = admin.post("/sites/tower-a/gateways/gw-1/code").json()["code"]
    command = [PROGRAM, "edge", "enrol", cloud.address, code, "--config", config]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    again = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (again.returncode, "has been used" in again.stderr) == (1, True)
    return done.stdout


class Agent:
    """`sitewarden edge run` as a process."""

    def __init__(self, config: Path) -> None:
        self._folder = config.parent
        self._log = (self._folder / "edge.log").open("ab")
        self._process = subprocess.Popen([PROGRAM, "edge", "run", config], stdout=self._log, stderr=self._log)

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def is_refused(self) -> bool:
        """Whether the broker took it in once, and does so no more."""
        return "no broker" in (self._folder / "edge.log").read_text().rpartition("connected broker=")[2]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)
        self._log.close()


@pytest.mark.timeout(400)
def test_a_gateway_comes_by_a_code_goes_when_revoked_and_comes_back_with_what_it_kept(
    cloud: Cloud, admin: httpx.Client, config: Path
) -> None:
    gateway = _asking(admin, "/sites/tower-a", lambda site: site["gateways"][0])
    said = enrol(cloud, admin, config)
    assert "tower-a/gw-1 is enrolled" in said
    assert config.with_name("broker.password").read_text().strip() not in said

    agent = Agent(config)
    try:
        wait_for(lambda: gateway()["state"] == "online", "the gateway to be heard", IN_TIME_S, every_s=0.1)
        assert admin.post("/sites/tower-a/gateways/gw-1/revocation").status_code == 204
        wait_for(lambda: agent.is_refused, "the gateway to be out", IN_TIME_S, every_s=0.1)
        assert agent.is_running, "it goes on to read, judge and sound on site"
    finally:
        agent.stop()

    kept = _kept(admin)
    enrol(cloud, admin, config)
    agent = Agent(config)
    try:
        wait_for(lambda: _kept(admin) > kept, "what it had kept to be taken", IN_TIME_S, every_s=0.1)
        access = admin.get("/sites/tower-a/gateways").json()
        assert access["items"][0]["standing"] == "enrolled"
        assert access["items"][0]["cloned_at"] is None, "an agent that was started again is no second machine"
        assert access["broker"]["is_up_to_date"]
    finally:
        agent.stop()


def _kept(admin: httpx.Client) -> int:
    count: int = admin.get("/sites/tower-a/statistics").json()["readings"]
    return count


def _asking(admin: httpx.Client, path: str, part: Callable[[Any], Any]) -> Callable[[], Any]:
    def ask() -> Any:
        return part(admin.get(path).json())

    return ask
