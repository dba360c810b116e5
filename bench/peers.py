"""Two gateways that many sites run, measured beside ours where they are installed, else as once recorded.

They are looked for in the folder that the environment variable SITEWARDEN_BENCH_PEERS names; bench/README.md
says how to install them there. Each is set up as its users do: ThingsBoard's gateway with a tag for every
register, Node-RED with one read node a device, a function and an MQTT node.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.candidates import Candidate
from bench.devices import REGISTERS, BusPlan
from bench.report import PeerFigure
from bench.rig import Rig

FOLDER = "SITEWARDEN_BENCH_PEERS"
RECORDED_ON = "recorded 2026-11-20"
THINGSBOARD, NODE_RED = "ThingsBoard gateway 3.8.5", "Node-RED 4.1, contrib-modbus 5.60.2"

RECORDED: Mapping[str, Mapping[str, float]] = {
    "cpu per 1000 values, 1 s": {THINGSBOARD: 0.350, NODE_RED: 0.040},
    "cpu per 1000 values, 100 ms": {THINGSBOARD: 0.187, NODE_RED: 0.040},
    "due readings delivered, 100 ms": {THINGSBOARD: 93.1, NODE_RED: 99.8},
    "resident memory, 100 ms": {THINGSBOARD: 69, NODE_RED: 143},
    "cpu with nothing due": {THINGSBOARD: 5.7},
    "healthy units' due readings, tcp": {THINGSBOARD: 3.5, NODE_RED: 23.5},
    "largest gap of a healthy unit, tcp": {NODE_RED: 4.1},
    "lost, of as many as 15 s hold": {THINGSBOARD: 0, NODE_RED: 133},
}
"""On another machine of two cores, a rig of the same shape; ThingsBoard at 1 s and idle queued in memory."""


def installed() -> list[Candidate]:
    """The peers that can be measured here."""
    name = os.environ.get(FOLDER)
    if not name:
        return []
    folder = Path(name).resolve()
    found: list[Candidate] = []
    if (python := folder / "thingsboard" / "bin" / "python").exists():
        found.append(Candidate(name=THINGSBOARD, command=_Thingsboard(python)))
    if (modules := folder / "node-red" / "node_modules").exists() and shutil.which("node"):
        found.append(Candidate(name=NODE_RED, command=_NodeRed(modules)))
    return found


def figures(figure: str, measured: Mapping[str, float]) -> list[PeerFigure]:
    """Of each peer what was measured in this run, else what was recorded."""
    rows: list[PeerFigure] = []
    for name in (THINGSBOARD, NODE_RED):
        recorded = RECORDED.get(figure, {}).get(name)
        if name in measured:
            rows.append(PeerFigure(name=name, value=measured[name], how="measured"))
        elif recorded is not None:
            rows.append(PeerFigure(name=name, value=recorded, how=RECORDED_ON))
    return rows


class _Thingsboard:
    """Writes the configuration into a folder of its own and starts the gateway on it."""

    def __init__(self, python: Path) -> None:
        self._python = python

    def __call__(self, rig: Rig, buses: Sequence[BusPlan], interval_ms: int, broker_port: int) -> list[str]:
        folder = rig.new_folder("thingsboard")
        (folder / "logs").mkdir()
        (folder / "data").mkdir()
        shipped = next(self._python.parents[1].glob("lib/python3*/site-packages/thingsboard_gateway/config"))
        shutil.copy(shipped / "logs.json", folder / "logs.json")
        settings: dict[str, Any] = json.loads((shipped / "tb_gateway.json").read_text(encoding="utf-8"))
        slaves = [
            _slave(device, unit, rig.ports[bus.bus], interval_ms)
            for bus in buses
            for device, unit in bus.units.items()
        ]
        connector = {"name": "mb", "logLevel": "ERROR", "master": {"slaves": slaves}}
        _write(folder / "tb_gateway.json", _thingsboard(settings, folder, broker_port))
        _write(folder / "modbus.json", connector)
        return [
            *("env", "-C", str(folder), f"TB_GW_CONFIG_DIR={folder}", "PYTHONPATH="),
            *(str(self._python), "-m", "thingsboard_gateway.tb_gateway"),
        ]


def _thingsboard(settings: dict[str, Any], folder: Path, broker_port: int) -> dict[str, Any]:
    """The shipped configuration with our broker, without what needs its cloud, with a queue on disk."""
    platform: dict[str, Any] = settings["thingsboard"]
    platform |= {
        "host": "127.0.0.1",
        "port": broker_port,
        "remoteConfiguration": False,
        "remoteShell": False,
        "statistics": {"enable": False},
        "security": {"type": "accessToken", "accessToken": "lab"},
    }
    platform |= {key: "0:0," for key in platform if key.lower().endswith("ratelimits")}
    return {
        **settings,
        "storage": {
            "type": "sqlite",
            "data_file_path": f"{folder}/data/",
            "messages_ttl_check_in_hours": 1,
            "messages_ttl_in_days": 7,
            "max_read_records_count": 1000,
        },
        "connectors": [{"type": "modbus", "name": "mb", "configuration": "modbus.json"}],
    }


def _slave(device: str, unit: int, port: int | str, interval_ms: int) -> dict[str, Any]:
    tag = {"type": "16uint", "functionCode": 3, "objectsCount": 1}
    return {
        "host": "127.0.0.1",
        "port": port,
        "type": "tcp",
        "method": "socket",
        "unitId": unit,
        "deviceName": device,
        "deviceType": "default",
        "timeout": 1,
        "byteOrder": "BIG",
        "wordOrder": "BIG",
        "retries": 0,
        "pollPeriod": interval_ms,
        "connectAttemptTimeMs": 500,
        "connectAttemptCount": 5,
        "waitAfterFailedAttemptsMs": 30000,
        "attributes": [],
        "timeseries": [{"tag": f"r{n}", "address": n, **tag} for n in range(REGISTERS)],
        "attributeUpdates": [],
        "rpc": [],
    }


_FUNCTION = """\
const values = {};
msg.payload.forEach((word, n) => { values['r' + n] = word });
return { topic: 'bare/' + msg.topic, payload: { ts: Date.now(), values } };"""
_SETTINGS = """\
module.exports = { uiHost: "127.0.0.1", uiPort: 0, flowFile: "flows.json", credentialSecret: false,
  logging: { console: { level: "info" } }, telemetry: { enabled: false }, disableEditor: true,
  functionExternalModules: false, externalModules: { autoInstall: false } };
"""


class _NodeRed:
    """Writes the flow into a folder of its own and starts Node-RED on it."""

    def __init__(self, modules: Path) -> None:
        self._modules = modules

    def __call__(self, rig: Rig, buses: Sequence[BusPlan], interval_ms: int, broker_port: int) -> list[str]:
        folder = rig.new_folder("node-red")
        (folder / "node_modules").symlink_to(self._modules)
        (folder / "settings.js").write_text(_SETTINGS, encoding="utf-8")
        _write(folder / "package.json", {"name": "bench", "version": "1.0.0", "private": True})
        flow = _out(broker_port)
        for bus in buses:
            # An id must not be the value of any other property: Node-RED would take that for a reference.
            line = f"line {bus.bus}"
            flow.append(_line(line, rig.ports[bus.bus]))
            flow += [_read(line, device, unit, interval_ms) for device, unit in bus.units.items()]
        _write(folder / "flows.json", flow)
        program = str(self._modules / "node-red" / "red.js")
        return ["node", program, "-u", str(folder), "-s", str(folder / "settings.js")]


def _out(broker_port: int) -> list[dict[str, Any]]:
    broker = {
        "id": "broker",
        "type": "mqtt-broker",
        "broker": "127.0.0.1",
        "port": str(broker_port),
        "clientid": "node-red",
        "usetls": False,
        "protocolVersion": "4",
        "keepalive": "60",
        "cleansession": True,
        "autoConnect": True,
    }
    publish = {"id": "out", "type": "mqtt out", "z": "tab", "topic": "", "qos": "1", "retain": "false"}
    return [
        {"id": "tab", "type": "tab", "label": "bench"},
        broker,
        {**publish, "broker": "broker", "wires": []},
        {"id": "rows", "type": "function", "z": "tab", "outputs": 1, "func": _FUNCTION, "wires": [["out"]]},
    ]


def _line(line: str, port: int | str) -> dict[str, Any]:
    return {
        "id": line,
        "type": "modbus-client",
        "name": "",
        "clienttype": "tcp",
        "bufferCommands": True,
        "stateLogEnabled": False,
        "queueLogEnabled": False,
        "failureLogEnabled": True,
        "tcpHost": "127.0.0.1",
        "tcpPort": str(port),
        "tcpType": "DEFAULT",
        "unit_id": "1",
        "commandDelay": "1",
        "clientTimeout": "1000",
        "reconnectOnTimeout": True,
        "reconnectTimeout": "2000",
        "parallelUnitIdsAllowed": False,
    }


def _read(line: str, device: str, unit: int, interval_ms: int) -> dict[str, Any]:
    return {
        "id": f"read {device}",
        "type": "modbus-read",
        "z": "tab",
        "topic": device,
        "showErrors": True,
        "showWarnings": True,
        "unitid": str(unit),
        "dataType": "HoldingRegister",
        "adr": "0",
        "quantity": str(REGISTERS),
        "rate": str(interval_ms),
        "rateUnit": "ms",
        "delayOnStart": False,
        "server": line,
        "useIOFile": False,
        "useIOForPayload": False,
        "emptyMsgOnFail": False,
        "wires": [["rows"], []],
    }


def _write(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, indent=1), encoding="utf-8")
