"""A gateway's configuration that every test can start from and change."""

import copy
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.config import Device, Gateway, load_gateway
from tests.support.broker import Broker
from tests.support.left_out import leave_out
from tests.support.modbus import ModbusServer

CRANE: dict[str, Any] = {
    "device": "crane-1",
    "profile": "reference-tower-crane",
    "unit": 1,
    "label": {"zh": "1号塔机", "en": "Tower crane 1"},
    "load_chart": "tc5610-like",
}
PIT: dict[str, Any] = {
    "device": "pit-1",
    "profile": "reference-pit-displacement",
    "unit": 2,
    "parameters": {"control_cumulative_mm": 20, "control_rate_mm_per_day": 2},
    "zero": {"h1": 100.0, "h2": 100.0, "h3": 100.0, "h4": 100.0, "h5": 100.0, "h6": 100.0},
}
GATEWAY: dict[str, Any] = {
    "site": "test-site",
    "gateway": "gw-1",
    "data_dir": "data",
    "broker": {"host": "127.0.0.1", "port": 1},
    "outputs": [{"driver": "log", "file": "outputs.jsonl"}],
    "rules": ["tower-crane", "pit-displacement", "weather"],
    "buses": [
        {
            "bus": "bus-1",
            "modbus": {"transport": "tcp", "host": "127.0.0.1", "port": 1, "timeout_ms": 200},
            "devices": [CRANE, PIT],
        }
    ],
}

SITE_NAME, GATEWAY_NAME = "agent", "gw-1"
INTERVAL_MS = 100

# Limits without delay, so that the time from register to siren is the agent's alone.
PACK = """\
pack: at-once
source: made for this test
rules:
  - rule: load-100
    family: crane-overload
    version: 1
    watch: crane.load_ratio
    condition: {when: high, limit: 100}
    dead_band: 2
    level: 3
    label: {zh: 超载, en: Overload}
    basis: {clause: none, source: test, confidence: synthetic}
"""

WriteGateway = Callable[..., Path]
Configure = Callable[..., Path]


@pytest.fixture
def gateway_dict() -> dict[str, Any]:
    """A sound configuration, to be changed at will."""
    return copy.deepcopy(GATEWAY)


@pytest.fixture
def write_gateway(tmp_path: Path) -> WriteGateway:
    """Write a configuration as a person would, one key a line; returns the file."""

    def write(gateway: dict[str, Any]) -> Path:
        file = tmp_path / "gateway.yaml"
        file.write_text(yaml.safe_dump(gateway, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return file

    return write


@pytest.fixture
def gateway(write_gateway: WriteGateway, gateway_dict: dict[str, Any]) -> Gateway:
    """The sound configuration, read."""
    return load_gateway(write_gateway(gateway_dict))


@pytest.fixture
def crane(gateway: Gateway) -> Device:
    """A tower crane on the chart `tc5610-like`."""
    return next(device for device in gateway.devices if device.name == "crane-1")


@pytest.fixture
def pit(gateway: Gateway) -> Device:
    """A pit with six displacement points, control values 20 mm and 2 mm/d, every zero at 100 mm."""
    return next(device for device in gateway.devices if device.name == "pit-1")


@pytest.fixture
def configured(gateway_dict: dict[str, Any], write_gateway: WriteGateway, tmp_path: Path) -> Configure:
    """Write the configuration for these servers."""

    def configure(server: ModbusServer, broker: Broker | None = None) -> Path:
        (tmp_path / "at-once.yaml").write_text(PACK, encoding="utf-8")
        gateway_dict.update(site=SITE_NAME, gateway=GATEWAY_NAME, rules=["at-once.yaml", "pit-displacement"])
        bus = gateway_dict["buses"][0]
        bus["modbus"]["port"] = server.port
        bus["devices"][0]["interval_ms"] = INTERVAL_MS
        if broker is not None:
            user = broker.add_user(f"{SITE_NAME}/{GATEWAY_NAME}")
            secret = tmp_path / "secret"
            secret.touch(mode=0o600)
            secret.write_text(user.password)
            gateway_dict["broker"] = {
                "host": broker.host,
                "port": broker.port,
                "username": user.username,
                "password_file": "secret",
            }
        return write_gateway(gateway_dict)

    return configure


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """2 MB, and no more."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if not made or made.returncode:
        leave_out("a disk of 2 MB is mounted for this, which needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
