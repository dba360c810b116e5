"""How the gateway itself fares, as its page shows it: nested mappings of numbers and words."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from edge.lane import Lane
from edge.outputs import Outputs
from sitewarden.messages import BusHealth, DeviceHealth, Health


def faring(told: Health, lanes: Iterable[Lane], outputs: Outputs, now_ms: int) -> Mapping[str, Any]:
    """What the heartbeat tells, and what only whoever stands at the gateway needs."""
    return {
        "buses": {bus.bus: _plain(bus, "bus") for bus in told.buses},
        "devices": {device.device: _plain(device, "device") for device in told.devices},
        "outbox": {lane.name: _lane(lane, now_ms) for lane in lanes},
        "outputs": {"failed": outputs.failed, "lines_dropped": outputs.dropped},
        "agent": {
            "cpu_s_per_1000": told.cpu_s_per_1000,
            "rss_bytes": told.rss_bytes,
            "evicted": told.evicted,
            "clock_steps": told.clock_steps,
        },
    }


def _lane(lane: Lane, now_ms: int) -> Mapping[str, Any]:
    state = lane.state
    age_ms = now_ms - state.since_ms if state.depth else 0
    return {
        "depth": state.depth,
        "oldest_age_s": max(0, round(age_ms / 1000)),
        "used_bytes": lane.used_bytes,
        "written": state.written,
        "dropped": state.dropped,
        "thinned": state.thinned,
        "evictions": state.evictions,
    }


def _plain(health: BusHealth | DeviceHealth, name: str) -> Mapping[str, Any]:
    """Its numbers, less the name that they stand under."""
    return {key: value for key, value in msgspec.structs.asdict(health).items() if key != name}
