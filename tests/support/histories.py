"""Histories made by hand for tests: small enough to read, with everything in them that a real one has."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from sitewarden.cameras import TELL_S, CameraZone, points_of
from sitewarden.charts import load_chart
from sitewarden.history import DevicePast, Header, History, Track
from sitewarden.messages import PointBirth
from sitewarden.profiles import load_profiles
from sitewarden.quality import Quality
from sitewarden.rules.packs import load_pack
from sitewarden.text import Text

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


def history_of(
    tracks: Mapping[str, Track], *devices: DevicePast, rules: Sequence[str] = ("tower-crane", "weather")
) -> History:
    last = max(int(t.times[-1]) for t in tracks.values())
    header = Header(
        site="past",
        gateway="gw-1",
        time_zone="Asia/Shanghai",
        since_ms=T0,
        until_ms=last + 1,
        devices=list(devices),
        rules=[load_pack(rule, Path()) for rule in rules],
    )
    return History(header, tracks)


ZONE = CameraZone(
    zone="hook",
    label=Text("吊装区", "Under the hook"),
    outline=[(0.1, 0.9), (0.9, 0.9), (0.8, 0.4), (0.2, 0.4)],
    kind="hook",
    duties=("helmet", "keep_out"),
    slots=2,
)
TOLD_MS = round(1000 * TELL_S)
SEES = {"state": 0.0, "fps": 4.9, "age": 210.0, "infer": 14.3, "unknown": 0.0, "coverage": 100.0}
NOBODY = {"hook.people": 0.0, "hook.bare_1": 0.0, "hook.bare_2": 0.0, "hook.bare_more": 0.0}
NOBODY |= {"hook.intruders": 0.0}
BLIND_MS, GONE_MS, HOLE_MS, BACK_MS, OVER_MS = 40_000, 110_000, 250_000, 360_000, 420_000
"""When the camera of `camera_tracks` is covered, cut off, not heard of, there again, and at its end."""


def camera_past(device: str = "yard") -> DevicePast:
    """As a cloud knows a camera: no bus, no unit, its zones in its layout."""
    drawn = {key: value for key, value in msgspec.to_builtins(ZONE).items() if key in DRAWN}
    return DevicePast(
        device=device,
        profile="camera",
        label=Text("堆场", "Yard"),
        points=list(points_of(device, [ZONE])),
        layout={"kind": "camera", "zones": [drawn], "masks": [[[0, 0], [0.2, 0], [0.2, 0.2]]]},
    )


DRAWN = ("zone", "label", "outline", "kind", "duties")


def camera_tracks(device: str = "yard", offset_ms: int = 5) -> dict[str, Track]:
    """Seven minutes: a bare head walks through, the lens is covered, the cable cut, the gateway off."""
    told: dict[str, dict[int, Said]] = {}

    def say(at_ms: int, values: Mapping[str, float | None], quality: Quality = Quality.GOOD) -> None:
        for key, value in values.items():
            told.setdefault(key, {})[T0 + offset_ms + at_ms] = value, quality

    for at_ms in range(0, OVER_MS, TOLD_MS):
        if at_ms < BLIND_MS or at_ms >= BACK_MS:
            say(at_ms, {**SEES, **NOBODY})
        elif at_ms < GONE_MS:
            say(at_ms, SEES | {"state": 2.0})
            say(at_ms, dict.fromkeys(NOBODY), Quality.BAD_INPUT)
        elif at_ms < HOLE_MS:
            say(at_ms, dict.fromkeys({**SEES, **NOBODY}), Quality.DISCONNECTED)
    for at_ms, value in ((13_200, 1.0), (22_800, 0.0), (28_000, 0.0)):
        say(at_ms, {"hook.people": value, "hook.intruders": value})
    for at_ms, value in ((15_400, 1.0), (20_000, 1.0), (22_600, 0.0), (27_800, 0.0)):
        say(at_ms, {"hook.bare_1": value})
    return {
        f"{device}/{key}": track(sorted(said), [said[at] for at in sorted(said)])
        for key, said in told.items()
    }
