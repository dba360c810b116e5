"""Walls that creep to failure and walls that do not, with the noise and weather of a real site. Pure, seeded.

None of these is the detector's own law but `fukuzono`. Hours since the first reading, mm; x grows to failure.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

Motion = Callable[[float], float]
"""Displacement (mm) at an hour."""
Maker = Callable[[Random], Motion]

DAY_H = 24.0
BEYOND_MM = 1000.0
"""After failure."""


class Site(NamedTuple):
    """What lies over the motion of one point."""

    noise_mm: float
    """Of one reading."""
    daily_mm: float
    """Half of what a mean day's sun moves it; no day is like another."""
    noon_h: float
    weather_mm: float
    """Standard deviation of what weather does over days."""
    weather_h: float
    """How long weather lasts."""


def any_site(rng: Random) -> Site:
    """From a good sensor in the shade to a total station in changeable weather."""
    return Site(
        noise_mm=rng.uniform(0.02, 0.4),
        daily_mm=rng.uniform(0.0, 1.2),
        noon_h=rng.uniform(0.0, DAY_H),
        weather_mm=rng.uniform(0.0, 0.3),
        weather_h=rng.uniform(12.0, 60.0),
    )


def readings(
    maker: Maker, seed: str, days: float, every_h: float = 1.0, until_mm: float = math.inf
) -> Iterator[tuple[float, float]]:
    """(hour, mm) as a sensor reads it, up to the true `until_mm`."""
    rng = Random(seed)
    motion, site = maker(rng), any_site(rng)
    disturbed = _disturbed(site, rng, every_h)
    for i in range(round(days * DAY_H / every_h)):
        true_mm = motion(i * every_h)
        if true_mm >= until_mm:
            return
        yield i * every_h, true_mm + next(disturbed)


def _disturbed(site: Site, rng: Random, every_h: float) -> Iterator[float]:
    lasting, kept = 0.0, math.exp(-every_h / site.weather_h)
    fresh_mm = site.weather_mm * math.sqrt(1.0 - kept * kept)
    yesterday = today = site.daily_mm
    hour, day = site.noon_h, -1
    while True:
        if int(hour // DAY_H) != day:
            day, yesterday, today = int(hour // DAY_H), today, site.daily_mm * rng.uniform(0.6, 1.4)
        part = hour % DAY_H / DAY_H
        swing_mm = yesterday + (today - yesterday) * min(1.0, 4.0 * part)
        lasting = kept * lasting + fresh_mm * rng.gauss(0.0, 1.0)
        yield swing_mm * math.sin(2.0 * math.pi * part) + lasting + site.noise_mm * rng.gauss(0.0, 1.0)
        hour += every_h


def _voight(life_h: float, alpha: float, scale_mm: float) -> Motion:
    """Voight's dv/dt = A·v^α from 0 to failure after `life_h`."""
    power = 1.0 / (alpha - 1.0) - 1.0

    def motion(hour: float) -> float:
        left = 1.0 - hour / life_h
        if left < 1e-4:
            return BEYOND_MM
        if abs(power) < 1e-3:
            return -scale_mm * math.log(left)
        return float(scale_mm * (left**-power - 1.0) / power)

    return motion


def fukuzono(rng: Random) -> Motion:
    """α = 2: the inverse velocity is a straight line."""
    return _voight(rng.uniform(150, 400), 2.0, rng.uniform(6, 12))


def voight_brittle(rng: Random) -> Motion:
    """α = 1.6: slower at first, faster at last."""
    return _voight(rng.uniform(150, 400), 1.6, rng.uniform(4, 10) / 1.5)


def voight_tough(rng: Random) -> Motion:
    """α = 2.4."""
    return _voight(rng.uniform(150, 400), 2.4, rng.uniform(12, 17))


def exponential(rng: Random) -> Motion:
    """Growth without a failure time: the control value is reached all the same."""
    life_h, start_mm = rng.uniform(30, 80), rng.uniform(0.3, 2.0)
    return lambda hour: start_mm * math.expm1(hour / life_h)


def saito(rng: Random) -> Motion:
    """Three stages: creep that decays, an even pace, then Saito's tertiary creep, beginning with a kink."""
    primary_mm, pace = rng.uniform(1, 3), rng.uniform(0.2, 0.8) / DAY_H
    onset_h = rng.uniform(120, 240)
    last = _voight(rng.uniform(60, 200), 2.0, rng.uniform(5, 10))
    return lambda hour: (
        primary_mm * math.log1p(hour / 6) + pace * hour + (last(hour - onset_h) if hour > onset_h else 0.0)
    )


def dug_then_failing(rng: Random) -> Motion:
    """One to three stages of digging, and some days after the last the wall begins to fail."""
    starts = [rng.uniform(10, 60)]
    starts += [starts[0] + (n + 1) * rng.uniform(60, 120) for n in range(rng.randint(0, 2))]
    stages = [_stage(rng, start, most_mm=4.0) for start in sorted(starts)]
    onset_h, alpha = max(starts) + rng.uniform(0, 100), rng.uniform(1.6, 2.4)
    last = _voight(rng.uniform(60, 250), alpha, rng.uniform(5, 12))
    return lambda hour: (
        sum(stage(hour) for stage in stages) + (last(hour - onset_h) if hour > onset_h else 0.0)
    )


def _stage(rng: Random, start_h: float, most_mm: float) -> Motion:
    """A stage of digging: a ramp, and creep that decays."""
    over_h, dug_mm = rng.choice((8, 10, 24, 36, 48)), rng.uniform(1, most_mm)
    crept_mm, slow_h = rng.uniform(0.3, 2.5), rng.uniform(3, 24)

    def motion(hour: float) -> float:
        since = hour - start_h
        if since <= 0.0:
            return 0.0
        return dug_mm * min(1.0, since / over_h) + crept_mm * math.log1p(since / slow_h) / math.log1p(10.0)

    return motion


def _sum(motions: Sequence[Motion]) -> Motion:
    return lambda hour: sum(motion(hour) for motion in motions)


def stages(rng: Random) -> Motion:
    """Digging in stages of hours to days, each with its decaying creep."""
    starts = [rng.uniform(30, 100)]
    while starts[-1] < 20 * DAY_H:
        starts.append(starts[-1] + rng.uniform(60, 160))
    return _sum([_stage(rng, start, most_mm=8.0) for start in starts])


def shifts(rng: Random) -> Motion:
    """Digging by day for some days, then rest: what looks most like creep that quickens."""
    day, motions = rng.randint(2, 4), []
    while day < 20:
        for _ in range(rng.randint(3, 6)):
            start_h = day * DAY_H + rng.uniform(-1, 1)
            dug_mm, crept_mm, slow_h = rng.uniform(0.6, 1.6), rng.uniform(0.1, 0.5), rng.uniform(3, 10)
            motions.append(_shift(start_h, dug_mm, crept_mm, slow_h))
            day += 1
        day += rng.randint(1, 4)
    return _sum(motions)


def _shift(start_h: float, dug_mm: float, crept_mm: float, slow_h: float) -> Motion:
    def motion(hour: float) -> float:
        since = hour - start_h
        if since <= 0.0:
            return 0.0
        return dug_mm * min(1.0, since / 9) + crept_mm * math.log1p(since / slow_h) / math.log1p(10.0)

    return motion


def steady(rng: Random) -> Motion:
    """Secondary creep: 0.1 to 1.5 mm a day, for ever."""
    pace = rng.uniform(0.1, 1.5) / DAY_H
    return lambda hour: pace * hour


def decaying(rng: Random) -> Motion:
    """Primary creep."""
    scale_mm, slow_h = rng.uniform(1, 5), rng.uniform(3, 24)
    return lambda hour: scale_mm * math.log1p(hour / slow_h)


def still(_rng: Random) -> Motion:
    """Noise, sun and weather only."""
    return lambda _hour: 0.0


def fronts(rng: Random) -> Motion:
    """Four cold fronts or downpours that move the wall by up to 3 mm within half a day to days."""
    turns = [(rng.uniform(60, 450), rng.uniform(2, 10), rng.uniform(-3, 3)) for _ in range(4)]
    return lambda hour: sum(mm / (1.0 + math.exp(-(hour - at_h) / slow_h)) for at_h, slow_h, mm in turns)


FAILING: Mapping[str, Maker] = {
    "fukuzono": fukuzono,
    "voight 1.6": voight_brittle,
    "voight 2.4": voight_tough,
    "exponential": exponential,
    "saito": saito,
    "dug, then failing": dug_then_failing,
}
STABLE: Mapping[str, Maker] = {
    "stages": stages,
    "shifts": shifts,
    "steady": steady,
    "decaying": decaying,
    "still": still,
    "fronts": fronts,
}
