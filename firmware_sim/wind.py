"""Wind at a crane's top: a mean with gusts, and fronts that come at times the scenario gives."""

import math
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from firmware_sim.model import GustFront, Wind

ANEMOMETER_S = 3.0
"""Averaging time of the instrument: what stops work is the 3-second gust."""


SCALES = tuple(4.0**-i for i in range(4))
"""Gusts come in sizes, each a quarter of the one above, in parts of the largest one's time."""
_SUM = sum(scale ** (2 / 3) for scale in SCALES)
SHARES = tuple(math.sqrt(scale ** (2 / 3) / _SUM) for scale in SCALES)
"""Their standard deviations in parts of the whole: so the spectrum falls with frequency ** (-5/3)."""


class WindState(NamedTuple):
    """What the wind remembers between two steps."""

    gusts_mps: tuple[float, ...] = (0.0,) * len(SCALES)
    """By size, the largest first."""
    shown_mps: float = -1.0
    """What the anemometer shows; negative before its first sample."""

    @property
    def gust_mps(self) -> float:
        """What all gusts together add to the mean."""
        return sum(self.gusts_mps)


def step(wind: Wind, state: WindState, *, t_s: float, dt_s: float, rng: Random) -> WindState:
    """The wind `dt_s` later, at `t_s`: a mean and gusts of all sizes, averaged by the instrument."""
    gusts = tuple(
        relax(gust, share * wind.gust_sd_mps, dt_s / (scale * wind.gust_s), rng)
        for gust, scale, share in zip(state.gusts_mps, SCALES, SHARES, strict=True)
    )
    true = max(0.0, mean(wind, t_s) + sum(gusts))
    if state.shown_mps < 0.0:
        return WindState(gusts, true)
    return WindState(gusts, state.shown_mps + (true - state.shown_mps) * min(1.0, dt_s / ANEMOMETER_S))


def relax(value: float, sd: float, steps: float, rng: Random) -> float:
    """A random value around 0 of standard deviation `sd`, `steps` correlation times later: exact AR(1)."""
    keep = math.exp(-steps)
    return keep * value + math.sqrt(1.0 - keep * keep) * sd * rng.gauss(0.0, 1.0)


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
