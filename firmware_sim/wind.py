"""Wind at a crane's top: a mean with gusts, and fronts that come at times the scenario gives."""

import math
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from firmware_sim.model import GustFront, Wind

ANEMOMETER_S = 3.0
"""Averaging time of the instrument: what stops work is the 3-second gust."""


class WindState(NamedTuple):
    """What the wind remembers between two steps."""

    gust_mps: float = 0.0
    shown_mps: float = -1.0
    """What the anemometer shows; negative before its first sample."""


def step(wind: Wind, state: WindState, *, t_s: float, dt_s: float, rng: Random) -> WindState:
    """The wind `dt_s` later, `t_s` after the start: a mean and an AR(1) gust, averaged by the instrument."""
    keep = math.exp(-dt_s / wind.gust_s)
    gust = keep * state.gust_mps + math.sqrt(1.0 - keep * keep) * wind.gust_sd_mps * rng.gauss(0.0, 1.0)
    true = max(0.0, mean(wind, t_s) + gust)
    if state.shown_mps < 0.0:
        return WindState(gust, true)
    return WindState(gust, state.shown_mps + (true - state.shown_mps) * min(1.0, dt_s / ANEMOMETER_S))


def mean(wind: Wind, t_s: float) -> float:
    """The mean wind in m/s: the base, or the strongest front that is passing."""
    return max([wind.mean_mps, *_fronts(wind.fronts, wind.mean_mps, t_s)])


def _fronts(fronts: Sequence[GustFront], base: float, t_s: float) -> list[float]:
    return [base + (front.peak_mps - base) * _passing(front, t_s) for front in fronts]


def _passing(front: GustFront, t_s: float) -> float:
    """0 before and after a front, 1 while it stands, straight lines between."""
    since = t_s - front.at_s
    if front.every_s is not None and since > 0.0:
        since %= front.every_s
    if since <= 0.0:
        return 0.0
    left = front.rise_s + front.hold_s + front.fall_s - since
    return max(0.0, min(1.0, since / front.rise_s, left / front.fall_s))
