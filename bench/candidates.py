"""Whom the edge benchmarks measure: our gateway and the bare one; `bench.peers` has the others."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import gateway
from bench.devices import BusPlan
from bench.rig import Rig
from firmware_sim.demo.processes import sitewarden

Command = Callable[[Rig, Sequence[BusPlan], int, int], list[str]]
"""Rig, buses, interval in ms, the broker's port: writes what the candidate needs, says how it is started."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A program that reads devices and publishes what it read."""

    name: str
    command: Command


def _ours(rig: Rig, buses: Sequence[BusPlan], interval_ms: int, broker_port: int) -> list[str]:
    folder = rig.new_folder("gateway")
    file = gateway.write(folder, buses, rig.ports, broker_port=broker_port, interval_ms=interval_ms)
    return sitewarden("edge", "run", file)


def _bare(rig: Rig, buses: Sequence[BusPlan], interval_ms: int, broker_port: int) -> list[str]:
    devices = {device: rig.ports[bus.bus] for bus in buses for device in bus.units}
    plan = {"broker_port": broker_port, "interval_ms": interval_ms, "devices": devices}
    file = rig.new_folder("bare") / "bare.json"
    file.write_text(json.dumps(plan), encoding="utf-8")
    return [sys.executable, "-m", "bench.bare_gateway", str(file)]


OURS = Candidate(name="gateway", command=_ours)
BARE = Candidate(name="bare", command=_bare)
