"""Cranes for tests, and distances by another way than the package's: plain Python, one pair, one instant."""

import math
from collections.abc import Iterator
from typing import Any

import msgspec

from sitewarden.collision.model import Braking, Crane, CraneBuild, Pose
from sitewarden.text import Text

THIN = CraneBuild(
    jib_bottom_m=40,
    jib_top_m=42,
    jib_width_m=0,
    counter_jib_bottom_m=38,
    counter_jib_top_m=42,
    counter_jib_width_m=0,
    apex_m=46,
    mast_width_m=0,
    hook_block_m=0,
    load_height_m=0,
    load_width_m=0,
)
"""Lines without thickness, so that what is expected is seen at once."""
REAL = msgspec.structs.replace(
    THIN,
    jib_width_m=1.4,
    counter_jib_width_m=2.0,
    mast_width_m=1.8,
    hook_block_m=1,
    load_height_m=4,
    load_width_m=3,
)
BRAKING = Braking(reaction_s=1.0, slew_deg_s2=1.0, trolley_m_s2=0.5, hoist_m_s2=0.5)


def crane(x: float, y: float, *, raised: float = 0.0, build: CraneBuild = THIN, **changes: Any) -> Crane:
    """A crane of 50 m jib and 12 m counter-jib, all of it `raised` above the usual."""
    heights = ("jib_bottom_m", "jib_top_m", "counter_jib_bottom_m", "counter_jib_top_m", "apex_m")
    lifted = {name: getattr(build, name) + raised for name in heights}
    fields: dict[str, Any] = {
        "jib_m": 50.0,
        "counter_jib_m": 12.0,
        "ground_m": 0.0,
        "braking": BRAKING,
        **changes,
    }
    name = fields.pop("name", f"crane-{x:g}-{y:g}")
    build = msgspec.structs.replace(build, **lifted)
    return Crane(name=name, label=Text(name, name), x_m=x, y_m=y, build=build, **fields)


def pose(slew: float, radius: float = 5.0, hook: float = 35.0, **rates: float) -> Pose:
    return Pose(0, slew, radius, hook, **rates)


Point = tuple[float, float]
Part = tuple[Point, Point, float, float, float]
"""From where to where in plan, lowest, highest, half its width."""


def parts(one: Crane, at: Pose) -> list[Part]:
    """In the order of `model.PARTS`."""
    build, base = one.build, one.ground_m
    turn = math.radians(at.slew_deg)

    def along(metres: float) -> Point:
        return one.x_m + metres * math.sin(turn), one.y_m + metres * math.cos(turn)

    hook, jib_bottom = base + at.hook_m, base + build.jib_bottom_m
    lowest = hook - build.hook_block_m - build.load_height_m
    middle, tip, tail, trolley = along(0), along(one.jib_m), along(-one.counter_jib_m), along(at.radius_m)
    return [
        (middle, tip, jib_bottom, base + build.jib_top_m, build.jib_width_m / 2),
        (
            middle,
            tail,
            base + build.counter_jib_bottom_m,
            base + build.counter_jib_top_m,
            build.counter_jib_width_m / 2,
        ),
        (middle, middle, base, base + build.apex_m, build.mast_width_m / 2),
        (trolley, trolley, min(hook, jib_bottom), jib_bottom, 0.0),
        (trolley, trolley, lowest, hook, build.load_width_m / 2),
    ]


def apart(a: Part, b: Part) -> tuple[float, float]:
    """How far two parts are from one another sideways and upright."""
    sideways = max(0.0, between(a[0], a[1], b[0], b[1]) - a[4] - b[4])
    return sideways, max(0.0, a[2] - b[3], b[2] - a[3])


def least(one: Crane, at: Pose, other: Crane, there: Pose) -> float:
    """The least distance in space of any two parts."""
    return min(math.hypot(*apart(a, b)) for a in parts(one, at) for b in parts(other, there))


def between(a: Point, b: Point, c: Point, d: Point) -> float:
    """Of two stretches in plan: 0 where they cross, else from an end of one to the other."""
    if side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0:
        return 0.0
    return min(to_stretch(a, c, d), to_stretch(b, c, d), to_stretch(c, a, b), to_stretch(d, a, b))


def side(a: Point, b: Point, p: Point) -> float:
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])


def to_stretch(p: Point, a: Point, b: Point) -> float:
    squared = math.dist(a, b) ** 2
    if squared == 0.0:
        return math.dist(p, a)
    share = ((p[0] - a[0]) * (b[0] - a[0]) + (p[1] - a[1]) * (b[1] - a[1])) / squared
    share = min(1.0, max(0.0, share))
    return math.dist(p, (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])))


def braked(one: Crane, at: Pose, seconds: float) -> Iterator[Pose]:
    """Poses every 40 ms if the brakes take hold after the reaction; by small steps, not by a formula."""
    places = [at.slew_deg, at.radius_m, at.hook_m]
    speeds = [at.slew_deg_s, at.trolley_m_s, at.hoist_m_s]
    brakes = (one.braking.slew_deg_s2, one.braking.trolley_m_s2, one.braking.hoist_m_s2)
    step = 0.002
    for count in range(round(seconds / step)):
        if count % 20 == 0:
            yield Pose(at.at_ms, *places)
        if count * step >= one.braking.reaction_s:
            slower = [max(0.0, abs(v) - brake * step) for v, brake in zip(speeds, brakes, strict=True)]
            speeds = [math.copysign(v, before) for v, before in zip(slower, speeds, strict=True)]
        places = [place + v * step for place, v in zip(places, speeds, strict=True)]
        places[1] = max(0.0, min(one.jib_m, places[1]))
        places[2] = min(one.build.jib_bottom_m, places[2])
