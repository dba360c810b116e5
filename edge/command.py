"""`sitewarden edge`: run the agent, or check what it would do."""

import argparse
import asyncio
import logging
from pathlib import Path
from typing import Any

from edge import agent
from edge import explain as explaining
from edge.busload import TURN_AROUND_S, load_of, requests_per_second
from edge.config import (
    Bus,
    Device,
    Gateway,
    PolledDevice,
    SpeakingDevice,
    address_of,
    transport_of,
    way_of,
)
from edge.config.model import Camera
from edge.configuration import command as configuration
from edge.configuration.starting import load_in_force, starting
from edge.doubts import doubts
from edge.enrolment import command as enrolment
from edge.grouping import described
from edge.history import read_history
from edge.outputs import TEST_S, TEST_SIGNALS
from edge.rules import in_force
from edge.vision import command as cameras
from sitewarden.rules.describe import in_force as rule_in_force

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
    cameras.register(actions)
    enrolment.register(actions, CONFIG)
    configuration.register(actions, CONFIG)
    explain = actions.add_parser("explain", help="say everything about a point")
    explain.add_argument("point", help="such as crane-1/load")
    explain.add_argument("--config", type=Path, default=CONFIG, help="gateway.yaml (default: %(default)s)")
    explain.set_defaults(run=_explain)
    rules = actions.add_parser("rules", help="say which limits are in force, and where each comes from")
    rules.add_argument("config", type=Path, help="gateway.yaml")
    rules.set_defaults(run=_rules)
    test = actions.add_parser("test-outputs", help="sound the siren and light the lamp, while no agent runs")
    test.add_argument("config", type=Path, help="gateway.yaml")
    test.set_defaults(run=_test_outputs)


def _run(args: argparse.Namespace) -> int:
    started = starting(args.config)
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    # The library logs at every try what we name ourselves, once and in one line.
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)
    asyncio.run(agent.run(started))
    return 0


def _check(args: argparse.Namespace) -> int:
    started = starting(args.config)
    if started.version is not None:
        number = started.version.number
        print(
            f"configuration {number} of the cloud is in force, in place of buses and rules of {args.config}"
        )
    gateway = started.gateway
    for line in (*describe(gateway), *map("warning: {}".format, doubts(gateway))):
        print(line)
    return 0


def _explain(args: argparse.Namespace) -> int:
    gateway = load_in_force(args.config)
    found = explaining.find(gateway, args.point, args.config)
    for line in (*explaining.explain(found), *explaining.present(gateway.page, found)):
        print(line)
    return 0


def _rules(args: argparse.Namespace) -> int:
    for line in in_force(load_in_force(args.config)):
        print(line)
    return 0


def _test_outputs(args: argparse.Namespace) -> int:
    gateway = load_in_force(args.config)
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
    for ear in gateway.ears:
        lines.append(f"bus {ear.name}: {way_of(ear.settings)}")
        for speaking in ear.devices:
            lines += _device(speaking)
    for camera in gateway.cameras:
        lines += _device(camera)
    for group in gateway.groups:
        lines += described(group)
    return lines


def _broker(gateway: Gateway) -> str:
    broker = gateway.broker
    return f"{broker.host}:{broker.port} as {broker.username or 'nobody'}{', TLS' if broker.ca_file else ''}"


def _load(bus: Bus) -> str:
    load = load_of(bus)
    assumed = f"{1000 * TURN_AROUND_S:g} ms an answer assumed"
    return f"{_requests(load.requests_per_s)}, {load.percent:.0f} % of its time ({assumed})"


def _requests(per_s: float) -> str:
    """By the second, or how far apart they are where that is longer."""
    if per_s >= 1 or not per_s:
        return f"{per_s:.3g} requests/s"
    return f"a request every {round(1 / per_s, 1):g} s"


def _spoken_to(device: Device) -> str:
    if isinstance(device, PolledDevice):
        return f"unit {device.unit}, {_requests(requests_per_second(device))}"
    if isinstance(device, SpeakingDevice):
        return f"identity {device.identity}, speaks by itself"
    if isinstance(device, Camera):
        zones = ", ".join(zone.zone for zone in device.entry.zones) or "none"
        login = "" if device.entry.username is None else f" as {device.entry.username}"
        return f"{device.entry.url}{login}, {device.entry.looks_per_s:g} looks/s, zones {zones}"
    raise TypeError(device)


def _device(device: Device) -> list[str]:
    counts = f"{len(device.points)} points, {len(device.rules)} rules"
    lines = [f"  device {device.name}: {device.profile.profile}, {_spoken_to(device)}, {counts}"]
    if device.history is not None:
        instants = len(read_history(device, device.history))
        lines.append(f"    history {device.history.name}: {instants} instants")
    for bound in device.rules:
        said = f"{bound.rule.rule}: {bound.point} {rule_in_force(bound)}, level {bound.rule.level}"
        lines.append(f"    {said}")
    return lines
