"""A weather mast: wind speed with its gusts, the direction it veers around, the day's temperature."""

from random import Random
from typing import NamedTuple

from firmware_sim import day, wind
from firmware_sim.model import WeatherStation
from firmware_sim.wind import WindState

KINDS = {
    "wind_speed": "weather.wind_speed",
    "wind_direction": "weather.wind_direction",
    "temperature": "weather.temperature",
}
"""What `read` says, as kinds of the vocabulary."""
ANGLE_NOISE_DEG, TEMPERATURE_NOISE_C = 0.5, 0.05


class WeatherState(NamedTuple):
    """What the weather remembers between two steps."""

    wind: WindState = WindState()
    veered_deg: float = 0.0
    t_s: float = 0.0


def step(
    station: WeatherStation, state: WeatherState, *, t_s: float, dt_s: float, rng: Random
) -> WeatherState:
    """The weather `dt_s` later, at `t_s` after the start."""
    blown = wind.step(station.wind, state.wind, t_s=t_s, dt_s=dt_s, rng=rng)
    veered = wind.relax(state.veered_deg, station.veer_deg, dt_s / station.veer_s, rng)
    return WeatherState(blown, veered, t_s)


def read(station: WeatherStation, state: WeatherState, rng: Random) -> dict[str, float]:
    """What the instruments say, with their noise."""
    direction = station.direction_deg + state.veered_deg + rng.gauss(0.0, ANGLE_NOISE_DEG)
    warmth = day.temperature(station.day, state.t_s) + rng.gauss(0.0, TEMPERATURE_NOISE_C)
    return {
        "wind_speed": max(0.0, state.wind.shown_mps),
        "wind_direction": direction % 360.0,
        "temperature": warmth,
    }
