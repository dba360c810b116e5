"""Every rule of every shipped pack is raised by a hand-made case, through real binding and engine."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from edge.bindings import bind_rules
from sitewarden.messages import PointBirth
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.rules.binding import ParameterMissingError
from sitewarden.rules.model import Bad, BoundRule, Stale
from sitewarden.rules.packs import built_in_packs, load_pack
from sitewarden.rules.running import Rules

T = 1_763_650_000_000
DAY_S = 86_400
Values = Mapping[str, float | Quality]
"""By kind of point: a value, or why there is none."""
Frame = tuple[float, Values]
"""Seconds after the beginning, and what was read."""


class Case(NamedTuple):
    """What is read on a device, and what must be raised by it."""

    pack: str
    frames: list[Frame]
    raised: set[str]
    parameters: Mapping[str, float | str] = {}


def hold(values: Values, *, since_s: float = 0, for_s: float = 0, every_s: float = 1.0) -> list[Frame]:
    """The same reading again and again."""
    return [(since_s + i * every_s, values) for i in range(int(for_s / every_s) + 1)]


def daily(kind: str, *values: float) -> list[Frame]:
    """A reading a day."""
    return [(i * DAY_S, {kind: value}) for i, value in enumerate(values)]


def bound_rules(pack: str, kinds: Iterable[str], parameters: Mapping[str, float | str]) -> list[BoundRule]:
    points = [PointBirth(p=f"d/{kind.replace('.', '_')}", kind=kind) for kind in kinds]
    rules, _ = bind_rules(points, {p.p for p in points}, [load_pack(pack, Path())], parameters=parameters)
    return rules


def readings(frames: Iterable[Frame]) -> Iterator[Reading]:
    for at_s, values in frames:
        for kind, value in values.items():
            point, at_ms = f"d/{kind.replace('.', '_')}", T + round(1000 * at_s)
            yield (
                Reading(point, at_ms, None, value)
                if isinstance(value, Quality)
                else Reading(point, at_ms, value)
            )


def raised_by(case: Case) -> set[str]:
    kinds = dict.fromkeys(kind for _, values in case.frames for kind in values)
    rules = Rules(bound_rules(case.pack, kinds, case.parameters), T)
    last_ms = T + round(1000 * max(at_s for at_s, _ in case.frames))
    moved = [*rules.take(readings(case.frames)), *rules.tick(last_ms)]
    return {m.bound.rule.rule for m in moved if m.transition.change == "raised"}


RATIO, MOMENT = "crane.load_ratio", "crane.moment_ratio"
CUTOFF, MOVING = "crane.limiter.cutoff", "crane.moving"
WIND, MEAN = "crane.wind_speed", "crane.wind_speed.mean"
NO_BAD = Quality.BAD_INPUT
H, HC, HR = "horizontal", "pit.displacement.horizontal.cumulative", "pit.displacement.horizontal.rate"
DESIGN = {
    "control_cumulative_mm": 20,
    "control_rate_mm_per_day": 2,
    "control_vertical_mm": 20,
    "control_vertical_rate_mm_per_day": 2,
}
DEEP = {"control_deep_mm": 20, "control_deep_rate_mm_per_day": 2}
MEANS = {"co": (20, 30), "co2": (9000, 18000), "nh3": (20, 30), "so2": (5, 10), "no2": (5, 10)}
"""By gas: the limits of its means over 8 h and over 15 min, mg/m³."""
GAS = {"gas.o2": 20.9, "gas.h2s": 0.0, "gas.co": 0.0, "gas.lel": 0.0}
HOIST = {"hoist.load": 1.0, "hoist.speed": 0.0}
RATED = {"hoist_rated_load_t": 2.0}
CLIMBING = {
    "lift_point_upper_alarm_kn": 57.5,
    "lift_point_upper_stop_kn": 65,
    "lift_point_lower_alarm_kn": 42.5,
    "lift_point_lower_stop_kn": 35,
    "lift_difference_mm": 30,
}

CASES = {
    "a clock that was set back": Case(
        "gateway",
        [(0, {"gateway.clock_step": 0.0}), (60, {"gateway.clock_step": -3600.0})],
        {"gateway-clock-step"},
    ),
    "a clock that was put right by a second": Case(
        "gateway", [(0, {"gateway.clock_step": 0.0}), (60, {"gateway.clock_step": 1.2})], set()
    ),
    "a clock that nothing had set": Case(
        "gateway", [(0, {"gateway.clock_first_set": 86_400.0})], {"gateway-clock-first-set"}
    ),
    "a load warned of": Case("tower-crane", hold({RATIO: 95.3}, for_s=3), {"crane-load-90"}),
    "a moment warned of": Case("tower-crane", hold({MOMENT: 90}, for_s=3), {"crane-moment-90"}),
    "an overload of a jump": Case(
        "tower-crane", hold({RATIO: 102.1}, for_s=3), {"crane-load-90", "crane-load-100"}
    ),
    "a moment above rated": Case(
        "tower-crane", hold({MOMENT: 100}, for_s=3), {"crane-moment-90", "crane-moment-100"}
    ),
    "110 % and the limiter has cut off": Case(
        "tower-crane", hold({RATIO: 110.8, CUTOFF: 1}, for_s=9), {"crane-load-110"}
    ),
    "110 % and the limiter has not cut off": Case(
        "tower-crane",
        hold({RATIO: 110.8, CUTOFF: 0}, for_s=9),
        {"crane-load-110", "crane-load-110-no-cutoff"},
    ),
    "110 % of a crane that tells no cut-off": Case(
        "tower-crane", hold({MOMENT: 110.8}, for_s=9), {"crane-moment-110", "crane-moment-110-no-cutoff"}
    ),
    "a bypass": Case("tower-crane", hold({"crane.limiter.bypass": 1}), {"crane-limiter-bypass"}),
    "a fault": Case("tower-crane", hold({"crane.limiter.fault": 1}, for_s=3), {"crane-limiter-fault"}),
    "a load that stands still in motion": Case(
        "tower-crane", hold({"crane.load": 2.0, MOVING: 1}, for_s=63), {"crane-load-frozen"}
    ),
    "an empty hook in motion": Case("tower-crane", hold({"crane.load": 0.3, MOVING: 1}, for_s=600), set()),
    "a load that hangs still": Case("tower-crane", hold({"crane.load": 2.0, MOVING: 0}, for_s=600), set()),
    # A stop in between makes a dead cell no more alive: standing still is counted over the motion alone.
    "a dead cell that moves and rests in turn": Case(
        "tower-crane",
        [(s, {"crane.load": 2.0, MOVING: float(s % 60 < 50)}) for s in range(600)],
        {"crane-load-frozen"},
    ),
    "a load that hangs long and moves for a moment at a time": Case(
        "tower-crane",
        [(s, {"crane.load": 2.0, MOVING: float(s % 600 < 5)}) for s in range(3600)],
        set(),
    ),
    "a living load in motion": Case(
        "tower-crane",
        [(s, {"crane.load": 2.0 + 0.01 * (s % 30 == 0), MOVING: 1}) for s in range(600)],
        set(),
    ),
    "blind while it moves": Case(
        "tower-crane", hold({RATIO: NO_BAD, MOVING: 1}, for_s=60), {"crane-blind-moving"}
    ),
    "blind while it stands": Case("tower-crane", hold({RATIO: NO_BAD, MOVING: 0}, for_s=60), {"crane-blind"}),
    "a silent crane is one alarm": Case(
        "tower-crane",
        [
            *hold({"crane.load": 1.0, RATIO: 30.0, MOVING: 1}, for_s=5),
            *hold({"crane.load": Quality.TIMEOUT, RATIO: NO_BAD, MOVING: NO_BAD}, since_s=6, for_s=600),
        ],
        {"crane-silent"},
    ),
    "a load that jumps": Case(
        "tower-crane", hold({"crane.load": Quality.JUMP}, for_s=6), {"crane-load-doubtful"}
    ),
    "a trolley that runs out too fast": Case(
        "tower-crane",
        [(s / 5, {"crane.radius": 10 + s / 5 * 0.8, MOMENT: 85.0}) for s in range(60)],
        {"crane-trolley-fast"},
        {"trolley_over_40": 1},
    ),
    "a fast trolley with little on it": Case(
        "tower-crane",
        [(s / 5, {"crane.radius": 10 + s / 5 * 0.8, MOMENT: 70.0}) for s in range(60)],
        set(),
        {"trolley_over_40": 1},
    ),
    "a hook at the trolley": Case(
        "tower-crane", hold({"crane.hook_height": 39.2}), {"crane-hook-high"}, {"hook_highest_m": 39.2}
    ),
    "a mast out of plumb": Case(
        "tower-crane",
        hold({"crane.verticality": 4.1}, for_s=1200, every_s=10),
        {"crane-verticality-4"},
    ),
    "one measurement out of plumb": Case(
        "tower-crane", hold({"crane.verticality": 4.1}, for_s=500, every_s=1), set()
    ),
    "below the top tie": Case(
        "tower-crane",
        hold({"crane.verticality": 2.1}, for_s=1200, every_s=10),
        {"crane-verticality-2"},
        {"mast_section": "below-top-tie"},
    ),
    "force 6": Case("weather", hold({WIND: 10.8}, for_s=3), {"wind-force-6"}),
    "a gale": Case("weather", hold({WIND: 12.0}, for_s=3), {"wind-force-6", "wind-stop"}),
    "work in a gale": Case("weather", hold({MEAN: 12.0, MOVING: 1}, for_s=125), {"wind-stop-ignored"}),
    "a load set down in a gale": Case(
        "weather",
        [
            *hold({MEAN: 12.0, MOVING: 1}, for_s=100),
            *hold({MEAN: 12.0, MOVING: 0}, since_s=101, for_s=200),
        ],
        set(),
    ),
    "an anemometer without a signal": Case(
        "weather", hold({WIND: Quality.SENTINEL, MOVING: 0}, for_s=41), {"crane-wind-speed-unreadable"}
    ),
    "a silent weather station": Case(
        "weather",
        [*hold({"weather.wind_speed": 3.0}), *hold({"weather.wind_speed": Quality.TIMEOUT}, since_s=121)],
        {"weather-silent"},
    ),
    "mean wind": Case("weather", hold({"weather.wind_speed.mean": 10.8}), {"weather-force-6"}),
    "gusts": Case("weather", hold({"weather.wind_speed.gust": 12.0}), {"weather-stop"}),
    "good air": Case("confined-space", hold(GAS, for_s=300), set()),
    "little oxygen": Case("confined-space", hold({**GAS, "gas.o2": 19.4}), {"gas-oxygen"}),
    "too much oxygen": Case("confined-space", hold({**GAS, "gas.o2": 23.6}), {"gas-oxygen"}),
    "hydrogen sulphide": Case("confined-space", hold({**GAS, "gas.h2s": 10}), {"gas-h2s"}),
    "a whiff of carbon monoxide": Case(
        "confined-space", hold({**GAS, "gas.co": 30, "gas.co.stel": 1.0}), {"gas-co-reading"}
    ),
    "less carbon monoxide for a day's work": Case(
        "confined-space", hold({**GAS, "gas.co": 21, "gas.co.stel": 20.5, "gas.co.twa": 20.0}), {"gas-co-twa"}
    ),
    **{
        f"much {gas} for a quarter of an hour": Case(
            "confined-space", hold({f"gas.{gas}": 0, f"gas.{gas}.stel": limit}), {f"gas-{gas}-stel"}
        )
        for gas, (_, limit) in MEANS.items()
    },
    **{
        f"much {gas} at one reading": Case(
            "confined-space", hold({f"gas.{gas}": limit, f"gas.{gas}.twa": 0}), {f"gas-{gas}-reading"}
        )
        for gas, (_, limit) in MEANS.items()
    },
    **{
        f"much {gas} over a shift": Case(
            "confined-space", hold({f"gas.{gas}": 0, f"gas.{gas}.twa": limit}), {f"gas-{gas}-twa"}
        )
        for gas, (limit, _) in MEANS.items()
    },
    **{
        f"{gas} at the alarm level that the site gives": Case(
            "confined-space",
            hold({f"gas.{gas}": 100.0}),
            {f"gas-{gas}-alarm"} | ({f"gas-{gas}-reading"} if limit <= 100 else set()),
            {f"alarm_{gas}_mg_m3": 100},
        )
        for gas, (_, limit) in MEANS.items()
    },
    "combustible gas": Case("confined-space", hold({**GAS, "gas.lel": 10}), {"gas-combustible"}),
    "a silent detector": Case(
        "confined-space", [*hold(GAS), *hold({"gas.o2": Quality.TIMEOUT}, since_s=61)], {"gas-silent"}
    ),
    "a cage at 90 %": Case(
        "construction-hoist", hold({"hoist.load": 1.8}, for_s=4), {"hoist-load-90"}, RATED
    ),
    "an overloaded cage": Case(
        "construction-hoist",
        hold({"hoist.load": 2.0, "hoist.overload": 1}, for_s=4),
        {"hoist-load-90", "hoist-load-100", "hoist-overload-tripped"},
        RATED,
    ),
    "a cage that moves at 110 %": Case(
        "construction-hoist",
        hold({"hoist.load": 2.2, "hoist.speed": -0.5}, for_s=9),
        {"hoist-load-110", "hoist-overload-moving"},
        RATED,
    ),
    "bare heads seen": Case(
        "helmets",
        [
            *hold(
                {
                    "camera.state": 2,
                    "vision.bare_head": 1,
                    "vision.bare_head.hook": 1,
                    "vision.bare_head.pit": 1,
                    "vision.bare_more": 2,
                    "vision.intruders": 1,
                    "vision.under_load": 1,
                },
                for_s=40,
            ),
            *hold({"camera.state": Quality.DISCONNECTED}, since_s=110),
        ],
        {
            "helmet-missing",
            "helmet-missing-hook",
            "helmet-missing-pit",
            "helmets-missing-many",
            "person-in-forbidden-zone",
            "person-under-load",
            "camera-degraded",
            "camera-silent",
        },
    ),
    "helmets seen": Case(
        "helmets",
        hold(
            {"camera.state": 0, "vision.people": 9, "vision.bare_head": 0, "vision.under_load": 0}, for_s=40
        ),
        set(),
    ),
    "nine people": Case(
        "construction-hoist",
        hold({"hoist.people": 9}, for_s=5),
        {"hoist-people"},
        {"hoist_people_too_many": 9},
    ),
    "open doors in motion": Case(
        "construction-hoist",
        hold({"hoist.door.entry": 1, "hoist.door.exit": 1, "hoist.speed": 0.6}, for_s=4),
        {"hoist-entry-door-moving", "hoist-exit-door-moving"},
    ),
    "open doors at rest": Case(
        "construction-hoist",
        hold({"hoist.door.entry": 1, "hoist.door.exit": 1, "hoist.speed": 0.0}, for_s=60),
        set(),
    ),
    "a cage that falls": Case(
        "construction-hoist",
        hold({"hoist.anti_fall": 1, "hoist.speed": -1.2}, for_s=2),
        {"hoist-anti-fall", "hoist-speed"},
        {"hoist_speed_max": 1.0},
    ),
    "a hoist out of plumb": Case(
        "construction-hoist",
        hold({"hoist.tilt.x": -0.1, "hoist.tilt.y": 0.1}, for_s=60),
        {"hoist-tilt-x", "hoist-tilt-y"},
        {"hoist_tilt_max_deg": 0.06},
    ),
    "a hoist in a storm": Case("construction-hoist", hold({"hoist.wind_speed": 20}, for_s=3), {"hoist-wind"}),
    "a silent hoist": Case(
        "construction-hoist",
        [*hold({"hoist.speed": 0.0}), *hold({"hoist.speed": Quality.TIMEOUT}, since_s=31)],
        {"hoist-silent"},
    ),
    **{
        f"gb50497 {way}": Case(
            "gb50497",
            [
                *daily(f"pit.displacement.{way}.cumulative", 0.0),
                *hold({f"pit.displacement.{way}.cumulative": -20.0}, since_s=10, for_s=3),
                *hold({f"pit.displacement.{way}.rate": -2.0}, since_s=20, for_s=3),
            ],
            {f"gb50497-{way}", f"gb50497-{way}-rate"},
            {**DESIGN, **DEEP},
        )
        for way in ("horizontal", "vertical", "deep")
    },
    **{
        f"gb50497 {way} three rounds{slab}": Case(
            "gb50497",
            daily(f"pit.displacement.{way}.rate", *rates),
            {f"gb50497-{way}-rate-thrice{slab}"},
            {**DESIGN, **DEEP, "slab_complete": 1 if slab else 0},
        )
        for way in ("horizontal", "vertical", "deep")
        for slab, rates in {"": (1.5, 1.5, 1.5), "-after-slab": (1.0, 1.0, 1.0)}.items()
    },
    **{
        f"gb50497 {way} after the slab": Case(
            "gb50497",
            hold({f"pit.displacement.{way}.rate": 1.4}, for_s=3),
            {f"gb50497-{way}-rate-after-slab"},
            {**DESIGN, **DEEP, "slab_complete": 1},
        )
        for way in ("horizontal", "vertical", "deep")
    },
    "a strut beyond 60 % of its capacity": Case(
        "gb50497",
        hold({"pit.strut.force": 600.0}, for_s=60),
        {"gb50497-strut-high"},
        {"pit_class": 1, "f2_kn": 1000},
    ),
    "a strut that loosens": Case(
        "gb50497",
        hold({"pit.strut.force": 400.0}, for_s=60),
        {"gb50497-strut-low"},
        {"pit_class": 2, "f2_kn": 1000, "prestress_kn": 500},
    ),
    "an anchor": Case(
        "gb50497",
        hold({"pit.anchor.force": 700.0}, for_s=60),
        {"gb50497-anchor-high"},
        {"pit_class": 3, "f2_kn": 1000},
    ),
    "an anchor that slips": Case(
        "gb50497",
        hold({"pit.anchor.force": 400.0}, for_s=60),
        {"gb50497-anchor-low"},
        {"pit_class": 3, "f2_kn": 1000, "prestress_kn": 500},
    ),
    "a strut and an anchor below the design's own least force": Case(
        "gb50497",
        hold({"pit.strut.force": 800.0, "pit.anchor.force": 800.0}, for_s=60),
        {"gb50497-strut-low", "gb50497-anchor-low"},
        {"control_force_min_kn": 800, "control_force_max_kn": 3000},
    ),
    "pressures and inner forces": Case(
        "gb50497",
        hold(
            {
                "pit.earth_pressure": 60.0,
                "pit.pore_pressure": 60.0,
                "pit.wall.moment": -300.0,
                "pit.column.force": 650.0,
            },
            for_s=60,
        ),
        {"gb50497-earth-pressure", "gb50497-pore-pressure", "gb50497-wall-force", "gb50497-column-force"},
        {"pit_class": 1, "f1_kpa": 100, "f2_knm": 500, "control_force_max_kn": 650},
    ),
    "ground water that falls half a metre a day": Case(
        "gb50497",
        [(h * 3600, {"pit.water_level": 5.0 - 0.021 * h}) for h in range(30)],
        {"gb50497-water-rate"},
    ),
    **{
        f"ground water that falls a metre a day, read every {hours} h": Case(
            "gb50497",
            [(i * hours * 3600, {"pit.water_level": 5.0 - i * hours / 24}) for i in range(5)],
            {"gb50497-water-rate-rounds"},
        )
        for hours in (24, 48, 72)
    },
    "ground water that falls a little, read every day": Case(
        "gb50497", daily("pit.water_level", 5.0, 4.8, 4.6, 4.4), set()
    ),
    "ground water at its ends": Case(
        "gb50497",
        [
            *hold({"pit.water_level": 2.0}, for_s=60),
            *hold({"pit.water_level": 9.0}, since_s=3600, for_s=60),
        ],
        {"gb50497-water-low", "gb50497-water-high"},
        {"water_level_lowest_m": 2.0, "water_level_highest_m": 9.0},
    ),
    "a crack": Case(
        "gb50497",
        daily("pit.crack", 0.1, 0.2),
        {"gb50497-crack"},
        {"crack_of": "structure-new"},
    ),
    "a house whose design allows less": Case(
        "gb50497",
        daily("building.tilt", 1.6),
        {"gb50497-building-tilt"},
        {"control_building_tilt_permille": 1.5},
    ),
    "a house that leans": Case("gb50497", daily("building.tilt", -2.0), {"gb50497-building-tilt"}),
    "Guangdong": Case(
        "guangdong-pit",
        hold({HC: 25.0, HR: -2.0, "pit.strut.force": 70.0}, for_s=60),
        {"guangdong-horizontal", "guangdong-horizontal-rate", "guangdong-strut"},
        {"pit_class": 1, "strut_design_kn": 100},
    ),
    "a strut in Guangdong by its design value": Case(
        "guangdong-pit",
        hold({"pit.strut.force": 60.0}, for_s=60),
        {"guangdong-strut"},
        {"control_force_max_kn": 60},
    ),
    "Guangdong, three rounds": Case(
        "guangdong-pit", daily(HR, 2.2, 2.2, 2.2), {"guangdong-horizontal-rate-thrice"}, {"pit_class": 2}
    ),
    "70 %": Case("pit-displacement", hold({HC: 14.0}, for_s=9), {"pit-horizontal-cumulative-70"}, DESIGN),
    "100 %": Case(
        "pit-displacement",
        hold({HC: -20.0, HR: 2.0}, for_s=9),
        {"pit-horizontal-cumulative-70", "pit-horizontal-cumulative-100", "pit-horizontal-rate-100"},
        DESIGN,
    ),
    "a wall that fails in three days": Case(
        "pit-creep",
        daily("pit.creep.hours_to_failure.least", 60.0),
        {"creep-failure-72"},
    ),
    "a wall that fails tomorrow": Case(
        "pit-creep",
        daily("pit.creep.hours_to_failure.least", 60.0, 20.0),
        {"creep-failure-72", "creep-failure-24"},
    ),
    "a trend": Case("pit-creep", daily("pit.time_to_limit.least", 100.0, 71.0), {"trend-limit-72"}),
    "a platform": Case(
        "loading-platform",
        [
            *hold({"platform.load": 0.9}, for_s=4),
            *hold({"platform.load": 1.0, "platform.tilt": -2}, since_s=9, for_s=6),
            *hold({"platform.load": Quality.TIMEOUT}, since_s=90),
        ],
        {"platform-load-90", "platform-load-100", "platform-tilt", "platform-silent"},
        {"platform_design_load_t": 1.0, "platform_tilt_max_deg": 2},
    ),
    "formwork": Case(
        "formwork-support",
        [
            *hold(
                {
                    "formwork.axial_force": 16.0,
                    "formwork.settlement": 8.0,
                    "formwork.displacement": -8.0,
                    "formwork.tilt": 0.8,
                },
                for_s=4,
            ),
            *hold(
                {
                    "formwork.axial_force": 20.0,
                    "formwork.settlement": 10.0,
                    "formwork.displacement": -10.0,
                    "formwork.tilt": 1.0,
                },
                since_s=9,
                for_s=4,
            ),
            *hold({"formwork.tilt": Quality.TIMEOUT}, since_s=90),
        ],
        {
            *(
                f"formwork-{what}-{step}"
                for what in ("force", "settlement", "displacement", "tilt")
                for step in (80, 100)
            ),
            "formwork-silent",
        },
        {
            "axial_force_design_kn": 20,
            "formwork_settlement_mm": 10,
            "formwork_displacement_mm": 10,
            "formwork_tilt_deg": 1,
        },
    ),
    "a suspended platform": Case(
        "suspended-platform",
        [
            *hold({"gondola.load": 570}, for_s=4),
            *hold(
                {"gondola.load": 630, "gondola.tilt": -8, "gondola.people": 3, "gondola.wind_speed": 8.3},
                since_s=9,
                for_s=6,
            ),
            *hold({"gondola.load": Quality.TIMEOUT}, since_s=90),
        ],
        {
            "gondola-load-90",
            "gondola-load-100",
            "gondola-tilt",
            "gondola-people",
            "gondola-wind",
            "gondola-silent",
        },
        {
            "gondola_rated_load_kg": 630,
            "gondola_tilt_max_deg": 8,
            "gondola_people_too_many": 3,
            "gondola_wind_stop": 8.3,
        },
    ),
    "a climbing scaffold": Case(
        "climbing-frame",
        [
            (s, {"climbing.load": load, "climbing.difference": -30.0})
            for s, load in enumerate([58.0] * 4 + [66.0] * 4 + [50.0] * 9 + [42.0] * 4 + [34.0] * 4)
        ]
        + hold({"climbing.load": Quality.TIMEOUT}, since_s=120),
        {
            "climbing-load-high",
            "climbing-load-high-stop",
            "climbing-load-low",
            "climbing-load-low-stop",
            "climbing-difference",
            "climbing-silent",
        },
        CLIMBING,
    ),
    "dust and noise": Case(
        "dust-noise",
        [
            *hold(
                {"noise.level": 71.0, "dust.pm10": 160, "dust.pm2_5": 80, "dust.tsp": 1000},
                for_s=900,
                every_s=60,
            ),
            *hold({"noise.level": Quality.TIMEOUT}, since_s=4600),
        ],
        {"noise", "dust-pm10", "dust-pm2-5", "dust-tsp", "dust-silent"},
        {"noise_limit_db": 70, "pm10_limit": 150, "pm2_5_limit": 75, "tsp_limit": 1000},
    ),
    "people in a shaft, one of them calling, too many inside, and a gate that is broken": Case(
        "people",
        hold(
            {"people.endangered": 1.0, "people.calling": 1.0, "people.inside": 60.0, "gate.fault": 1.0},
            for_s=61,
        ),
        {"person-endangered", "person-calling", "people-too-many", "gate-fault"},
        {"people_limit": 50},
    ),
    "a recorder that warns and alarms": Case(
        "crane-recorder",
        hold({"crane.limiter.warning": 1.0, "crane.limiter.alarm": 1.0}, for_s=2),
        {"recorder-warning", "recorder-alarm"},
    ),
}

SILENT = {"pit-silent"}
"""A round a day is a silence to packs that want a reading an hour."""


def single(way: str, what: str, step: int) -> Case:
    """One step of the single control, reached exactly."""
    kind, control = f"pit.displacement.{way}.{what}", 20.0 if what == "cumulative" else 2.0
    steps = {70: {70}, 80: {80}, 85: {85}, 100: {100}}[step]
    return Case(
        "single-control",
        [(0.0, {kind: 0.0})]
        + [
            frame
            for i, percent in enumerate(sorted({70, step}))
            for frame in hold({kind: -control * percent / 100}, since_s=10 + 10 * i, for_s=4)
        ],
        {f"single-{way}-{what}-{percent}" for percent in {70} | steps},
        {**DESIGN, "middle_step": 80 if step == 80 else 85},
    )


for _way in ("horizontal", "vertical"):
    for _what in ("cumulative", "rate"):
        for _step in (70, 80, 85):
            CASES[f"single {_way} {_what} {_step}"] = single(_way, _what, _step)
        CASES[f"single {_way} {_what} 100"] = Case(
            "single-control",
            hold({f"pit.displacement.{_way}.{_what}": 20.0 if _what == "cumulative" else 2.0}, for_s=3),
            {f"single-{_way}-{_what}-{step}" for step in (70, 85, 100)},
            DESIGN,
        )


@pytest.mark.parametrize("name", CASES)
def test_exactly_what_must_be_raised_is_raised(name: str) -> None:
    case = CASES[name]
    daily_round = SILENT if case.frames[-1][0] > 3600 else set()
    assert raised_by(case) - daily_round == case.raised


def metro(way: str, *frames: tuple[float, float]) -> set[str]:
    """What percentages of both control values (cumulative, rate) raise, a reading a second."""
    base = f"pit.displacement.{way}"
    read = [
        (float(i), {f"{base}.cumulative": -c / 100 * 20.0, f"{base}.rate": -r / 100 * 2.0})
        for i, (c, r) in enumerate(frames)
    ]
    return {
        rule.removeprefix(f"metro-{way}-")
        for rule in raised_by(Case("metro-dual-control", read, set(), DESIGN))
    }


def colours(raised: set[str]) -> set[str]:
    return {rule.partition("-")[0] for rule in raised}


@pytest.mark.parametrize("way", ["horizontal", "vertical"])
@pytest.mark.parametrize(
    ("cumulative", "rate", "colour"),
    [
        (69, 84, set()),
        (84, 69, set()),
        (70, 70, {"yellow"}),
        (85, 0, {"yellow"}),
        (0, 85, {"yellow"}),
        (84, 84, {"yellow"}),
        (85, 85, {"yellow", "orange"}),
        (99, 84, {"yellow"}),
        (100, 0, {"yellow", "orange", "control"}),
        (0, 100, {"yellow", "orange"}),
        (99, 99, {"yellow", "orange"}),
        (100, 100, {"yellow", "orange", "red"}),
    ],
)
def test_both_or_one_of_cumulative_value_and_rate_make_the_colour(
    way: str, cumulative: float, rate: float, colour: set[str]
) -> None:
    assert colours(metro(way, *[(cumulative, rate)] * 6)) == colour


def test_both_is_told_in_whichever_order_the_two_arrive() -> None:
    assert "yellow-both-rate" in metro("horizontal", (75, 10), (75, 10), (75, 75))
    assert "yellow-both-cumulative" in metro("horizontal", (10, 75), (10, 75), (75, 75))


def test_both_of_one_sensor_are_told_at_the_very_instant() -> None:
    points = [
        PointBirth(p=f"d/h1.{step}", kind=f"pit.displacement.horizontal.{step}")
        for step in ("cumulative", "rate")
    ]
    pack = load_pack("metro-dual-control", Path())
    bound, _ = bind_rules(points, set(), [pack], parameters=DESIGN)
    moved = Rules(bound, T).take([Reading("d/h1.cumulative", T, 15.0), Reading("d/h1.rate", T, -1.5)])
    raised = {m.bound.rule.rule for m in moved}
    assert raised == {f"metro-horizontal-yellow-both-{what}" for what in ("cumulative", "rate")}


def test_each_sensor_is_paired_with_its_own_rate() -> None:
    points = [
        PointBirth(p=f"d/h{i}.{step}", kind=f"pit.displacement.horizontal.{step}")
        for i in (1, 2)
        for step in ("cumulative", "rate")
    ]
    pack = load_pack("metro-dual-control", Path())
    rules, _ = bind_rules(points, {"d/h1"}, [pack], parameters=DESIGN)
    paired = {(bound.point, bound.inputs[0]) for bound in rules if bound.inputs}
    assert ("d/h2.cumulative", "d/h2.rate") in paired
    assert all(one.partition(".")[0] == other.partition(".")[0] for one, other in paired)


def test_every_rule_of_every_pack_is_raised_by_some_case() -> None:
    covered = {rule for case in CASES.values() for rule in case.raised}
    covered |= {
        f"metro-{way}-{rule}"
        for way in ("horizontal", "vertical")
        for frames in (
            [(70, 70)] * 3, [(85, 85)] * 3, [(85, 0)] * 2, [(0, 85)] * 2,
            [(100, 0)] * 9, [(0, 100)] * 2, [(100, 100)] * 3,
        )
        for rule in metro(way, *frames)
    }  # fmt: skip
    wanted = {
        rule.rule
        for name in built_in_packs()
        if name != "crane-group"  # its cases are those of the cranes' geometry
        for rule in load_pack(name, Path()).rules
        if not isinstance(rule.condition, Stale | Bad)  # these in test_packs_telemetry.py
    }
    assert wanted - covered == set()


def limit(parameters: Mapping[str, float | str], rule: str, kind: str = HC) -> float:
    return next(
        bound.limit for bound in bound_rules("gb50497", [kind], parameters) if bound.rule.rule == rule
    )


DIAPHRAGM: dict[str, float | str] = {"horizontal_of": "wall-top", "support": "diaphragm-wall", "pit_class": 1}


def test_the_cumulative_limit_is_the_lesser_of_millimetres_and_percent_of_depth() -> None:
    assert limit({**DIAPHRAGM, "depth_m": 12}, "gb50497-horizontal") == 20
    assert limit({**DIAPHRAGM, "depth_m": 8}, "gb50497-horizontal") == 16


def test_the_rate_limit_and_its_70_percent_after_the_slab() -> None:
    assert limit(DIAPHRAGM, "gb50497-horizontal-rate", HR) == 2
    after = {**DIAPHRAGM, "slab_complete": 1}
    assert limit(after, "gb50497-horizontal-rate-after-slab", HR) == pytest.approx(1.4)


@pytest.mark.parametrize(
    ("rates", "raised"),
    [
        ((1.5, 1.5, 1.5), {"gb50497-horizontal-rate-thrice"}),
        ((1.5, 1.5, 1.3), set()),
        ((1.5, 1.3, 1.5, 1.5), set()),
        ((-1.5, -1.5, -1.5), {"gb50497-horizontal-rate-thrice"}),
        ((1.5, 2.0), {"gb50497-horizontal-rate"}),
    ],
)
def test_three_rounds_above_70_percent_of_the_rate_warn(rates: tuple[float, ...], raised: set[str]) -> None:
    frames = [frame for i, rate in enumerate(rates) for frame in hold({HR: rate}, since_s=i * DAY_S, for_s=9)]
    case = Case("gb50497", frames, raised, DIAPHRAGM)
    assert raised_by(case) - SILENT == raised


def test_the_design_value_always_wins() -> None:
    assert limit({**DIAPHRAGM, "control_cumulative_mm": 25}, "gb50497-horizontal") == 25
    bound = bound_rules("gb50497", [HC], {"control_cumulative_mm": 25})[0]
    assert (bound.basis.source, bound.basis.confidence) == ("design", "agreed")


@pytest.mark.parametrize(
    ("kind", "parameters", "asks"),
    [
        # The extract of the standard contradicts itself here.
        (
            "pit.displacement.vertical.cumulative",
            {"vertical_of": "wall-top", "support": "cement-soil-wall", "pit_class": 2, "depth_m": 9},
            "control_vertical_mm",
        ),
        # The standard prints a dash.
        (
            "pit.displacement.deep.rate",
            {"support": "steel-cement-soil", "pit_class": 1},
            "control_deep_rate_mm_per_day",
        ),
        ("pit.column.force", {"pit_class": 1, "f2_kn": 900}, "control_force_max_kn"),
        (HC, {"horizontal_of": "wall-top", "support": "diaphragm-wall"}, "pit_class"),
    ],
)
def test_where_the_table_gives_nothing_sure_the_design_value_is_asked_for(
    kind: str, parameters: Mapping[str, float | str], asks: str
) -> None:
    with pytest.raises(ParameterMissingError) as caught:
        bound_rules("gb50497", [kind], parameters)
    assert caught.value.parameter == asks


@pytest.mark.parametrize(
    ("way", "of", "support", "grade", "cumulative", "rate"),
    [
        ("horizontal", "wall-top", "soil-nail", 1, 30, 3),
        ("horizontal", "wall-top", "soil-nail", 3, 50, 5),
        ("horizontal", "wall-top", "steel-cement-soil", 2, 30, 2),
        ("vertical", "wall-top", "diaphragm-wall", 1, 10, 2),
        ("vertical", "column", "diaphragm-wall", 3, 20, 2),
        ("vertical", "ground", "diaphragm-wall", 2, 35, 3),
        ("vertical", "heave", "diaphragm-wall", 2, 30, 4),
        ("vertical", "pipeline-flexible", "diaphragm-wall", 1, 10, 3),
        ("vertical", "road-urban", "diaphragm-wall", 1, 20, 3),
        ("deep", "", "composite-soil-nail", 2, 50, 4),
        ("deep", "", "bored-piles", 3, 50, 4),
    ],
)
def test_cells_of_the_tables_come_out_at_their_lower_end(
    *, way: str, of: str, support: str, grade: int, cumulative: float, rate: float
) -> None:
    parameters = {f"{way}_of": of, "support": support, "pit_class": grade, "depth_m": 100}
    base = f"pit.displacement.{way}"
    assert limit(parameters, f"gb50497-{way}", f"{base}.cumulative") == cumulative
    assert limit(parameters, f"gb50497-{way}-rate", f"{base}.rate") == rate
