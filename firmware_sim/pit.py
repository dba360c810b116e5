"""An excavation: its wall moves with each stage, creeps, may fail; its struts and its water go along."""

import math
from collections.abc import Iterator, Mapping
from random import Random

from firmware_sim import day
from firmware_sim.day import DAY_S
from firmware_sim.model import (
    Cell,
    Element,
    ExponentialCreep,
    LiveStage,
    Pit,
    PitPoint,
    PowerCreep,
    Rain,
    Stage,
    Strut,
    Well,
    Wire,
)


def displacement(pit: Pit, point: PitPoint, t_s: float) -> float:
    """True displacement in mm of a point of the wall, `t_s` after the live start (before it: negative)."""
    moved = sum(_moved(stage, point, t_s + DAY_S * stage.days_before) for stage in pit.stages)
    moved += sum(_moved(stage, point, t_s - stage.at_s) for stage in pit.live)
    moved += sum(_share(creep, point) * crept(creep, t_s - creep.at_s) for creep in pit.creeps)
    return moved + pit.daily_mm * math.sin(2.0 * math.pi * t_s / DAY_S)


def _moved(stage: Stage | LiveStage, point: PitPoint, since_s: float) -> float:
    if since_s <= 0.0:
        return 0.0
    over_s = stage.over_s if isinstance(stage, LiveStage) else 3600.0 * stage.over_h
    creep_s = stage.creep_s if isinstance(stage, LiveStage) else 3600.0 * stage.creep_h
    dug = stage.mm * min(1.0, since_s / over_s)
    # Logarithmic creep, so scaled that `creep_mm` is what it adds in the first ten creep times.
    crept = stage.creep_mm * math.log1p(since_s / creep_s) / math.log1p(10.0)
    return _share(stage, point) * (dug + crept)


def crept(creep: PowerCreep | ExponentialCreep, since_s: float) -> float:
    """How far the middle of a failing wall has moved in mm, `since_s` after it set in."""
    if since_s <= 0.0:
        return 0.0
    way = _power_mm(creep, since_s) if isinstance(creep, PowerCreep) else _exponential_mm(creep, since_s)
    return min(creep.most_mm, way)


def _power_mm(creep: PowerCreep, since_s: float) -> float:
    """The integral of mm_per_day * (1 - since / fails) ** -exponent."""
    left = 1.0 - since_s / creep.fails_s
    if left <= 0.0:
        return creep.most_mm
    scale = creep.mm_per_day * creep.fails_s / DAY_S
    if math.isclose(creep.exponent, 1.0):
        return -scale * math.log(left)
    power = 1.0 - creep.exponent
    return scale * (1.0 - math.pow(left, power)) / power


def _exponential_mm(creep: ExponentialCreep, since_s: float) -> float:
    """The integral of mm_per_day * 2 ** (since / doubles)."""
    scale = creep.mm_per_day * creep.doubles_s / math.log(2.0) / DAY_S
    doublings = min(64.0, since_s / creep.doubles_s)
    return scale * math.expm1(math.log(2.0) * doublings)


def _share(stage: Stage | LiveStage | PowerCreep | ExponentialCreep, point: PitPoint) -> float:
    """A point's part of a stage's movement: a trough along the wall around the stage's middle."""
    return math.exp(-(((point.along - stage.middle) / stage.width) ** 2))


def force(pit: Pit, strut: Strut, t_s: float) -> float:
    """True force in a strut, kN: the wall presses on it, and the sun."""
    wall = displacement(pit, PitPoint(along=strut.along), t_s)
    warmer = day.temperature(pit.day, t_s) - pit.day.mean_c
    return strut.kn + strut.kn_per_mm * wall + strut.kn_per_degree * warmer


def frequency(wire: Wire, kn: float, degrees: float) -> float:
    """What a vibrating wire shows for a force, Hz; 0 where the certificate leaves it slack."""
    digits = wire.r0 + (kn - wire.k * (degrees - wire.t0)) / wire.g
    return math.sqrt(1000.0 * digits) if digits > 0.0 else 0.0


def deep_displacement(pit: Pit, element: Element, depth_m: float, t_s: float) -> float:
    """How far the wall has moved at a depth, mm: all of it at the ground, none at the toe and below."""
    down = min(1.0, depth_m / element.toe_m)
    return displacement(pit, PitPoint(along=element.along), t_s) * math.cos(0.5 * math.pi * down) ** 2


def lean(pit: Pit, element: Element, t_s: float) -> float:
    """How an element leans, °."""
    upper = deep_displacement(pit, element, element.upper_m, t_s)
    lower = deep_displacement(pit, element, element.lower_m, t_s)
    moved = (upper - lower) / (1000.0 * (element.lower_m - element.upper_m))
    sine = math.sin(math.radians(element.zero_deg)) + moved
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def cell_level(pit: Pit, cell: Cell, t_s: float) -> float:
    """Where the liquid stands in a cell, mm."""
    settled = cell.share * displacement(pit, PitPoint(along=cell.along), t_s)
    return cell.level_mm + settled + cell.mm_per_degree * (day.temperature(pit.day, t_s) - pit.day.mean_c)


def water_level(well: Well, t_s: float) -> float:
    """True level in a well, m."""
    tide = well.daily_m * math.sin(2.0 * math.pi * t_s / DAY_S)
    rained = sum(_rained(rain, t_s - rain.at_s) for rain in well.rains)
    return well.level_m + well.m_per_day * t_s / DAY_S + tide + rained


def _rained(rain: Rain, since_s: float) -> float:
    if since_s <= 0.0:
        return 0.0
    return rain.m * min(1.0, since_s / rain.over_s) * math.exp(-max(0.0, since_s - rain.over_s) / rain.ebbs_s)


def read(pit: Pit, t_s: float, rng: Random) -> dict[str, float]:
    """What the sensors say at `t_s`, with their noise: mm are absolute, struts speak as their wire does."""
    warmth = day.temperature(pit.day, t_s)
    said = {
        key: point.zero_mm + displacement(pit, point, t_s) + rng.gauss(0.0, pit.noise_mm)
        for key, point in pit.points.items()
    }
    for key, strut in pit.struts.items():
        kn = force(pit, strut, t_s) + rng.gauss(0.0, strut.noise_kn)
        said[key] = kn if strut.wire is None else frequency(strut.wire, kn, warmth)
    for key, well in pit.wells.items():
        said[key] = max(0.0, water_level(well, t_s) + rng.gauss(0.0, well.noise_m))
    for key, element in pit.elements.items():
        said[key] = lean(pit, element, t_s) + rng.gauss(0.0, element.noise_deg)
    for key, cell in pit.cells.items():
        said[key] = cell_level(pit, cell, t_s) + rng.gauss(0.0, cell.noise_mm)
    return said | {key: warmth + rng.gauss(0.0, 0.05) for key in pit.thermometers}


def history(pit: Pit, seed: str, days: float, every_s: float) -> Iterator[tuple[float, Mapping[str, float]]]:
    """(seconds after the live start, none positive; readings), oldest first, ending exactly at the start."""
    rng = Random(f"{seed}/history")
    count = round(days * DAY_S / every_s)
    for i in range(-count, 1):
        yield i * every_s, read(pit, i * every_s, rng)
