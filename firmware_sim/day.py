"""The time of day and what goes with it."""

import math
from collections.abc import Sequence

from firmware_sim.model import Day

DAY_S = 86_400.0
WARMEST_H = 15.0


def hour(day: Day, t_s: float) -> float:
    """The hour of the day, 0 to 24, `t_s` after the start."""
    return (day.starts_at_h + t_s / 3600.0) % 24.0


def temperature(day: Day, t_s: float) -> float:
    """°C, `t_s` after the start."""
    return day.mean_c + day.swing_c * math.cos(2.0 * math.pi * (hour(day, t_s) - WARMEST_H) / 24.0)


def is_within(hours: Sequence[tuple[float, float]], now_h: float) -> bool:
    """Whether an hour of the day lies in one of the spans."""
    return any(start <= now_h < end for start, end in hours)
