"""How the gateway itself fares: buses, devices, work and memory, in numbers that the heartbeat carries."""

import os
import resource
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from edge.config import Device
from edge.drivers import Traffic
from sitewarden.messages import BusHealth, DeviceHealth, Health, Lane

SAMPLE_S = 10.0
SAMPLES = 7
"""A minute of them, and the one that it began with."""
ONLINE_INTERVALS = 3
_STATM = Path("/proc/self/statm")


class Watched(Protocol):
    """A device, as its bus knows it."""

    @property
    def device(self) -> Device:
        """Which it is."""

    @property
    def answered_at(self) -> float | None:
        """When it was last heard, in seconds of the loop's clock."""


class Owner(Protocol):
    """Whoever reads a bus or listens on it."""

    busy_s: float
    """So long it has been held since the start."""

    @property
    def name(self) -> str:
        """Of the bus."""

    @property
    def traffic(self) -> Traffic:
        """What it has carried."""

    @property
    def latencies_s(self) -> Sequence[float]:
        """Of the newest answers."""

    @property
    def units(self) -> Sequence[Watched]:
        """Its devices."""

    @property
    def missed(self) -> int:
        """Deadlines that passed while the bus was busy."""

    @property
    def rereads(self) -> int:
        """Poll groups read once more ahead of their time."""


class _Sample(NamedTuple):
    at_s: float
    cpu_s: float
    readings: int
    busy_s: Mapping[Owner, float]


class HealthWatch:
    """Looks at the agent now and then, so that a rate can be told of the last minute."""

    def __init__(self, owners: Sequence[Owner], readings: Callable[[], int]) -> None:
        """`readings` says how many were recorded since the start."""
        self._owners, self._readings = owners, readings
        self._samples: deque[_Sample] = deque([self._look()], maxlen=SAMPLES)

    def change(self, owners: Sequence[Owner]) -> None:
        """Others are at work now; those that stayed keep their past."""
        self._owners = owners

    def sample(self) -> None:
        """Remember how things stand; every `SAMPLE_S`."""
        self._samples.append(self._look())

    def health(self, *, evicted: int, clock_steps: int, outbox_bytes: dict[Lane, int]) -> Health:
        """As of now."""
        began, now = self._samples[0], self._look()
        readings, cpu_s = now.readings - began.readings, now.cpu_s - began.cpu_s
        return Health(
            buses=[self._bus(owner, began, now) for owner in self._owners],
            devices=list(_devices(self._owners, now.at_s)),
            cpu_s_per_1000=round(1000 * cpu_s / readings, 4) if readings else None,
            rss_bytes=rss_bytes(),
            evicted=evicted,
            outbox_bytes=outbox_bytes,
            clock_steps=clock_steps,
        )

    def _look(self) -> _Sample:
        busy_s = {owner: owner.busy_s for owner in self._owners}
        return _Sample(time.monotonic(), time.process_time(), self._readings(), busy_s)

    @staticmethod
    def _bus(owner: Owner, began: _Sample, now: _Sample) -> BusHealth:
        busy_s = now.busy_s[owner] - began.busy_s.get(owner, 0.0)
        share = busy_s / max(now.at_s - began.at_s, 1e-3)
        traffic, latencies_s = owner.traffic, sorted(owner.latencies_s)
        return BusHealth(
            bus=owner.name,
            load_percent=round(100 * min(share, 1.0), 1),
            p95_ms=round(1000 * latencies_s[len(latencies_s) * 95 // 100], 1) if latencies_s else None,
            requests=traffic.requests,
            timeouts=traffic.timeouts,
            late=traffic.late,
            broken=traffic.broken,
            exceptions=traffic.exceptions,
            missed=owner.missed,
            rereads=owner.rereads,
        )


def _devices(owners: Iterable[Owner], now_s: float) -> Iterable[DeviceHealth]:
    return (_device(unit, now_s) for owner in owners for unit in owner.units)


def _device(unit: Watched, now_s: float) -> DeviceHealth:
    if unit.answered_at is None:
        return DeviceHealth(device=unit.device.name, online=False)
    age_ms = round(1000 * (now_s - unit.answered_at))
    # A device is as alive as its fastest poll group.
    least_ms = ONLINE_INTERVALS * min(unit.device.intervals_ms.values())
    return DeviceHealth(device=unit.device.name, online=age_ms <= least_ms, age_ms=max(0, age_ms))


def rss_bytes() -> int:
    """Resident memory of this process; where the system does not say, the most it ever had."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
