"""A crane and a pit whose past is told in one line, judged by the shipped rules."""

from collections.abc import Sequence
from pathlib import Path

from sitewarden.cameras import CameraZone, points_of
from sitewarden.messages import DeviceBirth, DeviceSetup, LimitBirth, PointBirth, Series, Status
from sitewarden.quality import Quality
from sitewarden.rules.packs import built_in_packs, load_pack
from sitewarden.text import Text
from tests.cloud.site import BOOT, TestSite, readings

T0 = 1_790_000_000_000
"""A round instant in the past of these tests."""
SECOND = 1000
RATIO, LOAD, H1 = "crane-1/load_ratio", "crane-1/load", "pit-1/h1.cumulative"


VERSIONS = {rule.rule: rule.version for name in built_in_packs() for rule in load_pack(name, Path()).rules}


def announced(point: str, rule: str, limit: float, *, level: int = 3, newer: int = 0) -> LimitBirth:
    version = VERSIONS.get(rule, 1) + newer
    return LimitBirth(
        p=point,
        rule=rule,
        rule_version=version,
        level=level,
        limit=limit,
        direction="high",
        label=Text("限值", "limit"),
    )


def crane(*limits: LimitBirth) -> DeviceBirth:
    return DeviceBirth(
        device="crane-1",
        kind="crane",
        label=Text("1号塔机", "Tower crane 1"),
        profile="reference-tower-crane",
        setup=DeviceSetup(bus="bus-1", unit=1, load_chart="tc5610-like"),
        points=[
            PointBirth(p=LOAD, kind="crane.load", stale_after_ms=2000),
            PointBirth(p=RATIO, kind="crane.load_ratio", stale_after_ms=2000),
        ],
        limits=list(limits) or [announced(RATIO, "crane-load-100", 100.0)],
    )


def pit(**parameters: float) -> DeviceBirth:
    return DeviceBirth(
        device="pit-1",
        kind="pit",
        label=Text("1号基坑", "Pit 1"),
        profile="reference-pit-displacement",
        setup=DeviceSetup(bus="bus-2", unit=1, parameters=parameters, zero={"h1": 100.0}),
        points=[PointBirth(p=H1, kind="pit.displacement.horizontal.cumulative", label=Text("H1", "H1"))],
        limits=[announced(H1, "pit-horizontal-cumulative-70", 14.0, level=2)],
    )


HOOK = CameraZone(zone="hook", outline=[(0, 0), (1, 0), (1, 1)], kind="hook", slots=1)
BARE = "yard/hook.bare_1"


def camera() -> DeviceBirth:
    return DeviceBirth(
        device="yard",
        kind="camera",
        label=Text("堆场", "Yard"),
        profile="camera",
        layout={"kind": "camera", "zones": [], "masks": []},
        points=list(points_of("yard", [HOOK])),
        limits=[announced(BARE, "helmet-missing-hook", 1.0), announced("yard/state", "camera-degraded", 1.0)],
    )


def born(site: TestSite, *devices: DeviceBirth) -> TestSite:
    site.deliver(Status(state="online", boot=BOOT, at=T0, devices=list(devices or (crane(),))))
    return site


def told(
    site: TestSite, point: str, values: Sequence[float | None], *, since: int = T0, step_ms: int = SECOND
):
    """A reading every step; none is a timeout."""
    series = Series(
        p=point,
        t=[i * step_ms for i in range(len(values))],
        x=list(values),
        q=[Quality.TIMEOUT if value is None else Quality.GOOD for value in values],
    )
    site.deliver(readings(series=[series], at=since))


def hill(top: float, *, length: int = 20, foot: float = 50.0) -> list[float]:
    """Up to the top for `length` seconds, and down again, five seconds of foot before and after."""
    return [foot] * 5 + [top] * length + [foot] * 5
