"""The simulator's own reading of a load chart, so that it can witness against the gateway's."""

from collections.abc import Sequence
from itertools import pairwise

Line = Sequence[tuple[float, float]]
"""(radius m, load t), radius ascending."""

BEYOND_CHART_PERCENT = 999.9
"""What stands for the ratio of a load where the chart rates none."""


def rated_load(line: Line, radius_m: float) -> float:
    """Tonnes allowed at a radius: linear between points, the first load before them, 0 beyond them."""
    if radius_m <= line[0][0]:
        return line[0][1]
    for (near, more), (far, less) in pairwise(line):
        if radius_m <= far:
            share = (radius_m - near) / (far - near)
            return more * (1.0 - share) + less * share
    return 0.0


def load_ratio(line: Line, load_t: float, radius_m: float) -> float:
    """The load in per cent of the rated one."""
    rated = rated_load(line, radius_m)
    if rated > 0.0:
        return min(BEYOND_CHART_PERCENT, 100.0 * load_t / rated)
    return BEYOND_CHART_PERCENT if load_t > 0.0 else 0.0


def radius_for(line: Line, load_t: float) -> float:
    """The farthest radius at which the chart still allows the load; 0 where it does nowhere."""
    if load_t > line[0][1]:
        return 0.0
    farthest = line[0][0]
    for (near, more), (far, less) in pairwise(line):
        if less >= load_t:
            farthest = far
        elif more > less:
            return near + (far - near) * (more - load_t) / (more - less)
    return farthest
