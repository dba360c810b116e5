"""Histories made by hand for tests: small enough to read, with everything in them that a real one has."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from sitewarden.charts import load_chart
from sitewarden.history import DevicePast, Header, History, Track
from sitewarden.messages import PointBirth
from sitewarden.profiles import load_profiles
from sitewarden.quality import Quality
from sitewarden.rules.packs import load_pack

T0 = 1_763_604_000_000
"""2025-11-20T10:00:00+08:00."""
STEP_MS = 500
CRANE = load_profiles()["reference-tower-crane"]
RADIUS_M, FALLS = 25.0, 4.0
"""By the chart tc5610-like 2.94 t may be lifted there."""
STEADY = {
    "radius": RADIUS_M,
    "hook_height": 10.0,
    "slew": -45.5,
    "falls": FALLS,
    "wind_speed": 4.2,
    "limiter_cutoff": 0.0,
    "limiter_bypass": 0.0,
    "limiter_fault": 0.0,
}

Said = tuple[float | None, Quality]


def crane_past(device: str = "crane-1", unit: int = 1, bus: str = "cranes") -> DevicePast:
    return DevicePast(
        device=device,
        profile="reference-tower-crane",
        version=1,
        bus=bus,
        unit=unit,
        intervals_ms={"main": STEP_MS},
        points=[
            PointBirth(p=f"{device}/{key}", kind=point.kind, stale_after_ms=2000)
            for key, point in CRANE.points.items()
        ],
        chart=load_chart("tc5610-like", Path()),
    )


def crane_tracks(
    device: str,
    loads: Iterable[float | Said | None],
    offset_ms: int = 0,
    other: Mapping[str, Mapping[int, Said]] | None = None,
) -> dict[str, Track]:
    """One reading of every point each `STEP_MS`: `None` is no reading at all; `other` replaces by step."""
    steps = [(i, load) for i, load in enumerate(loads) if load is not None]
    times = [T0 + offset_ms + i * STEP_MS for i, _ in steps]
    said: dict[str, list[Said]] = {
        "load": [x if isinstance(x, tuple) else (x, Quality.GOOD) for _, x in steps]
    }
    for key, value in STEADY.items():
        replaced = (other or {}).get(key, {})
        said[key] = [replaced.get(i, (value, Quality.GOOD)) for i, _ in steps]
    return {f"{device}/{key}": track(times, column) for key, column in said.items()}


def track(times: Iterable[int], said: Iterable[Said]) -> Track:
    values, quality = zip(*said, strict=True)
    return Track(
        np.array(list(times), np.int64),
        np.array([np.nan if value is None else value for value in values], np.float64),
        np.array(quality, np.uint8),
    )


def history_of(tracks: Mapping[str, Track], *devices: DevicePast) -> History:
    last = max(int(t.times[-1]) for t in tracks.values())
    header = Header(
        site="past",
        gateway="gw-1",
        time_zone="Asia/Shanghai",
        since_ms=T0,
        until_ms=last + 1,
        devices=list(devices),
        rules=[load_pack("tower-crane", Path()), load_pack("weather", Path())],
    )
    return History(header, tracks)
