"""Whether cranes stand as they may, however they turn: what the plan decides, before anything is measured."""

import math
from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Literal, NamedTuple

from sitewarden.collision.clearances import clearances
from sitewarden.collision.model import Crane


class Shortfall(NamedTuple):
    """Two cranes that can come nearer to one another than the standard lets them be erected."""

    what: Literal["jib end to mast", "high over low"]
    low: Crane
    high: Crane
    metres: float
    """What there is; below 0 one reaches into the other."""
    required_m: float


def shortfalls(cranes: Sequence[Crane]) -> Iterator[Shortfall]:
    """Every pair, the one with the lower jib first; of two as high each is the lower one once."""
    asked = clearances().erected
    for low, high in permutations(cranes, 2):
        if _jib(low) > _jib(high):
            continue
        apart = math.dist((low.x_m, low.y_m), (high.x_m, high.y_m))
        end = apart - low.jib_m - high.build.mast_width_m / 2
        if end < asked.jib_end_to_mast_m:
            yield Shortfall("jib end to mast", low, high, end, asked.jib_end_to_mast_m)
        if _jib(low) < _jib(high) and apart < low.reach_m + high.reach_m:
            over = _lowest(high, low, apart) - _highest(low, high, apart)
            if over < asked.high_over_low_m:
                yield Shortfall("high over low", low, high, over, asked.high_over_low_m)


def _jib(crane: Crane) -> float:
    return crane.ground_m + crane.build.jib_bottom_m


def _lowest(high: Crane, low: Crane, apart: float) -> float:
    """Of what can be over the lower crane: the block at the jib, and the counterweight if it gets there."""
    lowest = high.build.jib_bottom_m - high.build.hook_block_m
    if apart < high.counter_jib_m + high.build.counter_jib_width_m / 2 + low.reach_m:
        lowest = min(lowest, high.build.counter_jib_bottom_m)
    return high.ground_m + lowest


def _highest(low: Crane, high: Crane, apart: float) -> float:
    """Of what can be under the higher crane: jib, counter-jib, and the apex where it reaches the mast."""
    build = low.build
    highest = build.apex_m if apart < high.reach_m else max(build.jib_top_m, build.counter_jib_top_m)
    return low.ground_m + highest
