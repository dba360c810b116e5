"""A history of a scenario that nobody had to wait for: what a gateway would have recorded of it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmware_sim.model import Pit
from firmware_sim.player import Player
from firmware_sim.scenario import Bus, Cast, Site
from sitewarden import __version__
from sitewarden.history import DevicePast, Header, History, Track
from sitewarden.messages import PointBirth
from sitewarden.profiles import ModbusProfile
from sitewarden.quality import Quality

Said = Mapping[str, float | None]


class _Recorded(NamedTuple):
    cast: Cast
    bus: Bus
    player: Player
    said: list[Said]


def record(site: Site, *, name: str, start_ms: int, duration_ms: int, every_ms: int) -> History:
    """Play the scenario, without its faults, and read each device every `every_ms`, in whole steps of it."""
    recorded = [
        _Recorded(site.cast[device.device], bus, Player(site.scenario, site.cast[device.device]), [])
        for bus in site.scenario.buses
        for device in bus.devices
        if isinstance(site.cast[device.device].profile, ModbusProfile)  # others cannot be served again
    ]
    steps = max(1, every_ms // site.scenario.step_ms)
    instants = duration_ms // (steps * site.scenario.step_ms)
    for _ in range(instants):
        for one in recorded:
            for _ in range(steps):
                one.player.step()
            one.said.append(one.player.image().said)
    spacing_ms = steps * site.scenario.step_ms
    times = start_ms + spacing_ms * np.arange(1, instants + 1, dtype=np.int64)
    tracks = {point: found for one in recorded for point, found in _tracks(one, times)}
    header = Header(
        site=name,
        gateway="gw-1",
        since_ms=start_ms,
        until_ms=start_ms + duration_ms + 1,
        devices=[_past(one, spacing_ms) for one in recorded],
        software=__version__,
    )
    return History(header, tracks)


def _tracks(one: _Recorded, times: NDArray[np.int64]) -> Sequence[tuple[str, Track]]:
    device = one.cast.device.device
    return [
        (f"{device}/{key}", _track(times, [said[key] for said in one.said]))
        for key in one.cast.profile.points
    ]


def _track(times: NDArray[np.int64], values: Sequence[float | None]) -> Track:
    """`None` is what the registers say by their sentinel."""
    known = np.array([np.nan if value is None else value for value in values], np.float64)
    quality = np.where(np.isnan(known), np.uint8(Quality.SENTINEL), np.uint8(Quality.GOOD))
    return Track(times, known, quality)


def _past(one: _Recorded, spacing_ms: int) -> DevicePast:
    device, profile, physics = one.cast.device, one.cast.profile, one.cast.device.physics
    zero = {key: point.zero_mm for key, point in physics.points.items()} if isinstance(physics, Pit) else {}
    return DevicePast(
        device=device.device,
        profile=profile.profile,
        version=profile.version,
        bus=one.bus.bus,
        unit=device.unit,
        intervals_ms=dict.fromkeys(profile.groups, spacing_ms),
        points=[PointBirth(p=f"{device.device}/{key}", kind=p.kind) for key, p in profile.points.items()],
        chart=one.cast.chart,
        zero=zero,
    )
