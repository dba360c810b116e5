"""An excavation that is dug in stages: its wall moves with each stage, creeps and breathes with the day."""

import math
from collections.abc import Iterator, Mapping
from random import Random

from firmware_sim.model import LiveStage, Pit, PitPoint, Stage

DAY_S = 86_400.0


def displacement(pit: Pit, point: PitPoint, t_s: float) -> float:
    """True displacement in mm of a point of the wall, `t_s` after the live start (before it: negative)."""
    moved = sum(_moved(stage, point, t_s + DAY_S * stage.days_before) for stage in pit.stages)
    moved += sum(_moved(stage, point, t_s - stage.at_s) for stage in pit.live)
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


def _share(stage: Stage | LiveStage, point: PitPoint) -> float:
    """A point's part of a stage's movement: a trough along the wall around the stage's middle."""
    return math.exp(-(((point.along - stage.middle) / stage.width) ** 2))


def read(pit: Pit, t_s: float, rng: Random) -> dict[str, float]:
    """What the sensors say at `t_s`: absolute readings in mm, with their noise."""
    return {
        key: point.zero_mm + displacement(pit, point, t_s) + rng.gauss(0.0, pit.noise_mm)
        for key, point in pit.points.items()
    }


def history(pit: Pit, seed: str, days: float, every_s: float) -> Iterator[tuple[float, Mapping[str, float]]]:
    """(seconds after the live start, none positive; readings), oldest first, ending exactly at the start."""
    rng = Random(f"{seed}/history")
    count = round(days * DAY_S / every_s)
    for i in range(-count, 1):
        yield i * every_s, read(pit, i * every_s, rng)
