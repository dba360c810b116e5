"""`sitewarden edge`: run the agent, or check what it would do."""

import argparse
import asyncio
import logging
from pathlib import Path
from typing import Any

from edge import agent
from edge import explain as explaining
from edge.config import Bus, Device, Gateway, address_of, load_gateway, transport_of
from edge.drivers.registers import plan
from edge.history import read_history
from edge.outputs import TEST_S, TEST_SIGNALS

CONFIG = Path("/etc/sitewarden/gateway.yaml")
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def register(subparsers: Any) -> None:
    """Add the sub-command."""
    parser = subparsers.add_parser("edge", help="the agent on the gateway")
    actions = parser.add_subparsers(dest="action", required=True)
    run = actions.add_parser("run", help="read, judge, sound and send until stopped")
    run.add_argument("config", type=Path, help="gateway.yaml")
    run.set_defaults(run=_run)
    check = actions.add_parser("check", help="say what would run, and what is wrong with the file")
    check.add_argument("config", type=Path, help="gateway.yaml")
    check.set_defaults(run=_check)
    explain = actions.add_parser("explain", help="say everything about a point")
    explain.add_argument("point", help="such as crane-1/load")
    explain.add_argument("--config", type=Path, default=CONFIG, help="gateway.yaml (default: %(default)s)")
    explain.set_defaults(run=_explain)
    test = actions.add_parser("test-outputs", help="sound the siren and light the lamp, while no agent runs")
    test.add_argument("config", type=Path, help="gateway.yaml")
    test.set_defaults(run=_test_outputs)


def _run(args: argparse.Namespace) -> int:
    gateway = load_gateway(args.config)
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    # Both libraries log every failure that we already name ourselves, once and in one line.
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    logging.getLogger("mqtt").setLevel(logging.ERROR)
    asyncio.run(agent.run(gateway))
    return 0


def _check(args: argparse.Namespace) -> int:
    gateway = load_gateway(args.config)
    for line in describe(gateway):
        print(line)
    return 0


def _explain(args: argparse.Namespace) -> int:
    gateway = load_gateway(args.config, with_secrets=False)
    found = explaining.find(gateway, args.point, args.config)
    for line in (*explaining.explain(found), *explaining.present(gateway.page, found)):
        print(line)
    return 0


def _test_outputs(args: argparse.Namespace) -> int:
    gateway = load_gateway(args.config, with_secrets=False)
    for signal in TEST_SIGNALS:
        print(f"{TEST_S:g} s: siren {signal.siren}, lamp {signal.lamp}")
    asyncio.run(agent.test_outputs(gateway))
    return 0


def describe(gateway: Gateway) -> list[str]:
    """What would run, for people."""
    lines = [f"{gateway.site}/{gateway.name} mode {gateway.mode}, broker {_broker(gateway)}"]
    if gateway.page is not None:
        asks = "asks for a PIN" if gateway.page.pin else "asks for no PIN"
        lines.append(f"page http://{gateway.page.host}:{gateway.page.port}, {asks}")
    for bus in gateway.buses:
        line = f"Modbus {transport_of(bus.modbus)} {address_of(bus.modbus)}"
        lines.append(f"bus {bus.name}: {line}, {_load(bus)}")
        for device in bus.devices:
            lines += _device(device)
    return lines


def _broker(gateway: Gateway) -> str:
    broker = gateway.broker
    return f"{broker.host}:{broker.port} as {broker.username or 'nobody'}{', TLS' if broker.ca_file else ''}"


def _load(bus: Bus) -> str:
    return f"{sum(map(requests_per_second, bus.devices)):g} requests/s"


def requests_per_second(device: Device) -> float:
    """How often a device is asked when all goes well."""
    points = device.profile.points.items()
    return sum(
        1000 / interval_ms * len(plan(device.profile.modbus, [p for p in points if p[1].group == group]))
        for group, interval_ms in device.intervals_ms.items()
    )


def _device(device: Device) -> list[str]:
    load = f"{requests_per_second(device):g} requests/s"
    counts = f"{len(device.points)} points, {len(device.rules)} rules"
    lines = [f"  device {device.name}: {device.profile.profile}, unit {device.unit}, {load}, {counts}"]
    if device.history is not None:
        instants = len(read_history(device, device.history))
        lines.append(f"    history {device.history.name}: {instants} instants")
    for bound in device.rules:
        sign = ">=" if bound.high else "<="
        lines.append(f"    {bound.rule.rule}: {bound.point} {sign} {bound.limit:g} level {bound.rule.level}")
    return lines
