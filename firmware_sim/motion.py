"""How a drive moves: along trapezoids of speed, as hoists, trolleys and slewing gears do."""

import math
from typing import NamedTuple


class Drive(NamedTuple):
    """What a drive can do, in units of its axis (m or °) and seconds."""

    speed: float
    acceleration: float

    def longest(self, way: float) -> float:
        """What a way takes, in seconds; a short one, on which full speed is never reached, takes less."""
        return abs(way) / self.speed + self.speed / self.acceleration if way else 0.0


class Axis(NamedTuple):
    """Where an axis is and how fast it moves."""

    position: float
    speed: float = 0.0


def approach(axis: Axis, target: float, drive: Drive, dt_s: float) -> Axis:
    """The axis one step later: speeding up, cruising or braking so that it comes to rest at `target`."""
    way = target - axis.position
    most = drive.acceleration * dt_s
    if abs(axis.speed) <= most * 1.001 and abs(way) <= most * dt_s:
        return Axis(target)
    # The highest speed from which braking in steps of dt still ends at the target; sqrt(2as) overshoots.
    still_stops = math.sqrt((most / 2) ** 2 + 2 * drive.acceleration * abs(way)) - most / 2
    wanted = math.copysign(min(drive.speed, still_stops), way)
    speed = axis.speed + _within(wanted - axis.speed, most)
    position = axis.position + speed * dt_s
    return Axis(position, speed)


def brake(axis: Axis, drive: Drive, dt_s: float) -> Axis:
    """The axis one step after its power was cut."""
    speed = axis.speed - _within(axis.speed, drive.acceleration * dt_s)
    return Axis(axis.position + speed * dt_s, speed)


def _within(value: float, most: float) -> float:
    return max(-most, min(most, value))
