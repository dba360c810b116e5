"""How a wall moves: whether its creep quickens towards failure, and when it would fail.

Before a slope or a wall fails its velocity grows as Voight's law has it, dv/dt = A·v^α. With Fukuzono's α = 2
the inverse velocity falls along a straight line, and failure is where that line meets zero. Velocities of
millimetre readings are mostly noise, and their inverse is worse. So not 1/v is fitted but what it integrates
to, the displacement itself: x = level + daily cycle - b·ln(t_f - t), least squares for each t_f tried.
That law has steady creep as its limit (t_f far away), which makes the comparison of the two a clean test.
"""

import math
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from itertools import pairwise
from typing import NamedTuple

from sitewarden.derived.regression import DAY_H, Basis, Slope, daily, dot, independent, slope, student

ALPHAS = (1.5, 2.0, 2.5)
"""Of Voight's law. Slopes that failed had 1.5 to 2.2 (from memory); 2 gives the value, all the bounds."""
FUKUZONO = 2.0
NEAREST_H = 2.0
RATIO = 1.35
LEFT_H = tuple(NEAREST_H * RATIO**n for n in range(19))
"""Times to failure that are tried: 2 to 440 h."""
HARMONICS = 2
"""A wall in the sun warms faster than it cools."""
KINKS = 15
"""Instants at which a new pace could have begun."""
LEAST_BEND_MM = 1.5
"""So much further must the law have moved in the window's later half than in its earlier: total stations
resolve 1 mm, and a week's weather bends a wall by some tenths."""
LEAST_SIGMAS = 6.0
"""How far from chance: it is asked twice an hour for months on hundreds of points."""
LEAST_GAIN = 0.3
"""So much of what steady creep leaves unexplained the law must explain."""
MOST_RAMP = 3.0
"""Log-likelihoods (twice) by which a mere change of pace may fit better: digging starts like that."""
MOST_UNLIKE = 6.0
"""Log-likelihoods (twice) by which other α may fit better than 2."""
LEAST_FREEDOM = 3.0
NO_NOISE = 1e-12
"""mm²; keeps readings without any noise from a division by nothing."""
DAYS_DIFFER_MM = 0.5
"""So much may a wall differ from yesterday for weather alone."""
CHANGED_SIGMAS = 6.0
"""A new pace counts from where it began when the change stands out so far."""


class Found(Enum):
    """What a window of displacement shows."""

    UNKNOWN = auto()
    """Too much lasting disturbance to tell anything."""
    NOT_QUICKENING = auto()
    """Still, steady or slowing down; chance explains the rest."""
    STEP = auto()
    """A new pace since some instant explains it as well: digging, a load, a sensor that was touched."""
    QUICKENING = auto()
    """Only a law that ends in failure explains it."""


class Fit(NamedTuple):
    """Voight's law with one α and one time to failure."""

    rest: float
    """The sum of squares that it leaves."""
    left_h: float
    """Hours from now to failure."""
    alpha: float
    scale: float
    """b, mm."""

    def reaches_h(self, further_mm: float) -> float:
        """Hours until the wall has moved so much further, at most until failure."""
        share = further_mm / self.scale
        if self.alpha == FUKUZONO:
            return -self.left_h * math.expm1(-share)
        power = 1.0 / (self.alpha - 1.0) - 1.0
        grown = 1.0 + power * share
        return self.left_h if grown <= 0.0 else self.left_h * (1.0 - grown ** (-1.0 / power))


class Look(NamedTuple):
    """What was found, and where it quickens how it goes on."""

    found: Found
    left_h: float = math.inf
    """To failure, by Fukuzono's α."""
    gain: float = 0.0
    """The share of what steady creep leaves unexplained that the law explains, 0 to 1."""
    best: Fit | None = None
    likely: tuple[Fit, ...] = ()
    """All that the readings do not rule out with 95 %."""


def look(hours: Sequence[float], values: Sequence[float]) -> Look:
    """Judge a window: hours before now (0 is the newest) and mm in the direction of motion."""
    cycle = Basis(daily(hours, HARMONICS))
    rest = cycle.freed(values)
    fits = list(_fits(hours, cycle, rest))
    by_fukuzono = [fit for fit in fits if fit.alpha == FUKUZONO]
    if not by_fukuzono:
        return Look(Found.NOT_QUICKENING)
    best, classic = min(fits), min(by_fukuzono)
    growth = cycle.freed(_growth(hours, best.left_h, best.alpha))
    asked = len(cycle) + 2
    worth = independent([y - best.scale * x for x, y in zip(growth, rest, strict=True)])
    freedom = worth - asked
    if freedom < LEAST_FREEDOM:
        return Look(Found.UNKNOWN)
    share, variance = worth / len(hours), best.rest / max(1, len(hours) - asked)
    even = _even(hours, cycle, rest)
    sigmas = math.sqrt(max(0.0, even - best.rest) / max(variance, NO_NOISE) * share)
    gain = 1.0 - classic.rest / max(even, NO_NOISE)
    if sigmas < LEAST_SIGMAS or gain < LEAST_GAIN or best.scale * _bend(hours, best) < LEAST_BEND_MM:
        return Look(Found.NOT_QUICKENING)
    if classic.left_h == NEAREST_H or worth * _log_ratio(classic.rest, best.rest) > MOST_UNLIKE:
        return Look(Found.STEP)
    if worth * _log_ratio(best.rest, _ramp(hours, values).rest) > MOST_RAMP:
        return Look(Found.STEP)
    bound = best.rest + variance / share * student(0.95, freedom) ** 2
    likely = tuple(fit for fit in fits if fit.rest <= bound)
    return Look(Found.QUICKENING, _between(by_fukuzono, classic), gain, best, likely)


def _fits(times: Sequence[float], beside: Basis, rest: Sequence[float]) -> Iterator[Fit]:
    """The law with every α and time to failure tried, where it moves the right way at all."""
    total = dot(rest, rest)
    for alpha in ALPHAS:
        for left_h in LEFT_H:
            growth = _growth(times, left_h, alpha)
            spread, along = beside.left_over(growth), dot(growth, rest)
            if spread > 0.0 and along > 0.0:
                yield Fit(max(0.0, total - along * along / spread), left_h, alpha, along / spread)


def _growth(times: Sequence[float], left_h: float, alpha: float) -> list[float]:
    """How the law grows over the times, for b = 1 mm."""
    if alpha == FUKUZONO:
        return [-math.log1p(-t / left_h) for t in times]
    power = 1.0 / (alpha - 1.0) - 1.0
    return [math.exp(-power * math.log1p(-t / left_h)) / power for t in times]


def _bend(times: Sequence[float], fit: Fit) -> float:
    """How much further the law moves in the later half of the times than in the earlier, for b = 1 mm."""
    first, middle, last = _growth([times[0], times[0] / 2.0, 0.0], fit.left_h, fit.alpha)
    return (last - middle) - (middle - first)


def _even(times: Sequence[float], beside: Basis, rest: Sequence[float]) -> float:
    """The sum of squares that an even pace leaves: the law whose failure is infinitely far."""
    spread = beside.left_over(times)
    return dot(rest, rest) - dot(times, rest) ** 2 / spread


class _Ramp(NamedTuple):
    """A change from one steady pace to another."""

    rest: float
    """The sum of squares that it leaves."""
    kink_h: float
    """When, hours before now (negative)."""


def _ramp(hours: Sequence[float], values: Sequence[float]) -> _Ramp:
    """The best change of pace."""
    line = Basis([*daily(hours, HARMONICS), hours])
    rest = line.freed(values)
    total = dot(rest, rest)
    tried = [_Ramp(total, hours[0])]
    for n in range(1, KINKS + 1):
        kink_h = hours[0] * n / (KINKS + 3)
        since = [max(0.0, t - kink_h) for t in hours]
        spread = line.left_over(since)
        if spread > 0.0:
            tried.append(_Ramp(max(0.0, total - dot(since, rest) ** 2 / spread), kink_h))
    return min(tried)


def pace(hours: Sequence[float], values: Sequence[float]) -> Slope:
    """The present pace, mm/h: of the whole window, or since it changed, where it has for sure.

    Where the motion bends so much that no line tells its own doubt, the change since a day ago.
    """
    cycle = daily(hours, 1)
    found = slope(cycle, hours, values)
    kink_h = _ramp(hours, values).kink_h
    if kink_h > hours[0]:
        since = [max(0.0, t - kink_h) for t in hours]
        change = slope([*cycle, hours], since, values)
        if abs(change.value) > CHANGED_SIGMAS * change.error:
            found = slope([*cycle, [min(t, kink_h) for t in hours]], since, values)
    return found if found.freedom >= LEAST_FREEDOM else _since_yesterday(hours, values)


def _since_yesterday(hours: Sequence[float], values: Sequence[float]) -> Slope:
    moved = values[-1] - values[nearest(hours, -DAY_H)]
    steps = [after - before for before, after in pairwise(values)]
    noise = math.sqrt(dot(steps, steps) / len(steps))
    return Slope(moved / DAY_H, max(noise, DAYS_DIFFER_MM) / DAY_H, float(len(steps)))


def nearest(hours: Sequence[float], wanted: float) -> int:
    """The place of the sample nearest to an instant."""
    return min(range(len(hours)), key=lambda i: abs(hours[i] - wanted))


def _between(fits: Sequence[Fit], best: Fit) -> float:
    """The best time to failure, between those tried, by a parabola through its neighbours."""
    place = fits.index(best)
    if not 0 < place < len(fits) - 1:
        return best.left_h
    before, after = fits[place - 1].rest, fits[place + 1].rest
    bend = before - 2.0 * best.rest + after
    return best.left_h * RATIO ** (0.5 * (before - after) / bend) if bend > 0.0 else best.left_h


def _log_ratio(a: float, b: float) -> float:
    return math.log(max(a, NO_NOISE) / max(b, NO_NOISE))
