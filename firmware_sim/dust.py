"""Dust and noise at a site's fence: what the town brings, what work adds, what wind and spray take away."""

import math
from random import Random
from typing import NamedTuple

from firmware_sim import agenda, day, wind
from firmware_sim.model import Dust, DustBurst
from firmware_sim.wind import WindState

KINDS = {
    "pm2_5": "dust.pm2_5",
    "pm10": "dust.pm10",
    "tsp": "dust.tsp",
    "noise": "noise.level",
    "spray": "dust.spray",
    "wind_speed": "weather.wind_speed",
    "wind_direction": "weather.wind_direction",
    "temperature": "weather.temperature",
    "humidity": "weather.humidity",
    "pressure": "weather.pressure",
}
"""What `read` says, as kinds of the vocabulary."""
SETTLES_S = 180.0
"""Time in which the site's own dust is blown away or falls to 1/e."""
MACHINES_S, MACHINES_SD = 45.0, 0.35
"""How quickly and how far the work itself goes up and down."""
DILUTES_MPS = 4.0
"""At this wind the site's own dust is half of that in still air."""
RUSH_H = 8.0
"""When the town's traffic makes its air worst."""
FINE_OF_TOWN, FINE_OF_SITE, COARSE_OF_TOWN, COARSE_OF_SITE = 0.55, 0.15, 1.4, 3.0
"""PM2.5 and TSP in parts of PM10: a town's dust is fine, a site's is coarse."""
DUST_NOISE, NOISE_DB = 0.03, 0.8


class DustState(NamedTuple):
    """What the air remembers between two steps."""

    own_pm10: float = 0.0
    """The site's own dust, µg/m³."""
    machines: float = 0.0
    """How much busier than usual the work is, in parts."""
    spray_until_s: float = -math.inf
    wind: WindState = WindState()
    t_s: float = 0.0


def step(dust: Dust, state: DustState, *, t_s: float, dt_s: float, rng: Random) -> DustState:
    """The air `dt_s` later, at `t_s` after the start."""
    machines = wind.relax(state.machines, MACHINES_SD, dt_s / MACHINES_S, rng)
    blown = wind.step(dust.wind, state.wind, t_s=t_s, dt_s=dt_s, rng=rng)
    until_s = state.spray_until_s
    if dust.spray_at is not None and town_pm10(dust, t_s) + state.own_pm10 >= dust.spray_at:
        until_s = max(until_s, t_s + dust.spray_s) if t_s >= until_s else until_s
    raised = dust.work_pm10 * max(0.0, 1.0 + machines) if is_working(dust, t_s) else 0.0
    burst = burst_at(dust, t_s)
    if burst is not None:
        raised = dust.work_pm10 * burst.factor
    raised /= 1.0 + blown.shown_mps / DILUTES_MPS
    if t_s < until_s:
        raised *= 1.0 - dust.spray_share
    own = state.own_pm10 + (raised - state.own_pm10) * (1.0 - math.exp(-dt_s / SETTLES_S))
    return DustState(own, machines, until_s, blown, t_s)


def is_working(dust: Dust, t_s: float) -> bool:
    """Whether it is a working hour."""
    return day.is_within(dust.hours, day.hour(dust.day, t_s))


def burst_at(dust: Dust, t_s: float) -> DustBurst | None:
    """The dusty work under way, if any."""
    for burst in dust.bursts:
        if 0.0 <= agenda.since(burst.at_s, burst.every_s, t_s) < burst.for_s:
            return burst
    return None


def town_pm10(dust: Dust, t_s: float) -> float:
    """The air that comes in: worst in the morning's traffic, cleanest twelve hours later, µg/m³."""
    turn = 2.0 * math.pi * (day.hour(dust.day, t_s) - RUSH_H) / 24.0
    return dust.town_pm10 * (1.0 + 0.25 * math.cos(turn))


def sound_db(dust: Dust, state: DustState) -> float:
    """The sound at the station: levels add as energies."""
    levels = [dust.quiet_db]
    burst = burst_at(dust, state.t_s)
    if is_working(dust, state.t_s):
        levels.append(dust.work_db + 10.0 * state.machines)
    if burst is not None:
        levels.append(burst.noise_db)
    return 10.0 * math.log10(sum(10.0 ** (level / 10.0) for level in levels))


def read(dust: Dust, state: DustState, rng: Random) -> dict[str, float]:
    """What the station says, with its noise."""
    town, own = town_pm10(dust, state.t_s), state.own_pm10
    warmth = day.temperature(dust.day, state.t_s)
    return {
        "pm2_5": _noisy(FINE_OF_TOWN * town + FINE_OF_SITE * own, rng),
        "pm10": _noisy(town + own, rng),
        "tsp": _noisy(COARSE_OF_TOWN * town + COARSE_OF_SITE * own, rng),
        "noise": sound_db(dust, state) + rng.gauss(0.0, NOISE_DB),
        "spray": float(state.t_s < state.spray_until_s),
        "wind_speed": max(0.0, state.wind.shown_mps),
        "wind_direction": (dust.direction_deg + rng.gauss(0.0, 2.0)) % 360.0,
        "temperature": warmth + rng.gauss(0.0, 0.05),
        # Warmer air is drier: about four per cent a degree around a mild day.
        "humidity": min(98.0, max(15.0, 60.0 - 4.0 * (warmth - 18.0) + rng.gauss(0.0, 0.3))),
        "pressure": 1013.0 + rng.gauss(0.0, 0.1),
    }


def _noisy(value: float, rng: Random) -> float:
    return max(0.0, value * (1.0 + rng.gauss(0.0, DUST_NOISE)))
