"""A construction hoist at work: stops, doors, people, material; and what can go wrong with it, by script."""

from dataclasses import dataclass, replace
from enum import Enum
from random import Random

from firmware_sim import agenda, wind
from firmware_sim.model import Hoist, HoistDoor, HoistOverload, HoistOverspeed
from firmware_sim.motion import Axis, Drive, approach
from firmware_sim.wind import WindState

KINDS = {
    "load": "hoist.load",
    "height": "hoist.height",
    "floor": "hoist.floor",
    "speed": "hoist.speed",
    "people": "hoist.people",
    "door_entry": "hoist.door.entry",
    "door_exit": "hoist.door.exit",
    "limit_top": "hoist.limit.top",
    "limit_bottom": "hoist.limit.bottom",
    "anti_fall": "hoist.anti_fall",
    "overload": "hoist.overload",
    "tilt_x": "hoist.tilt.x",
    "tilt_y": "hoist.tilt.y",
    "wind_speed": "hoist.wind_speed",
}
"""What `read` says, as kinds of the vocabulary."""
PERSON_T = 0.08
ACCELERATION = 0.4
FALLING = 2.0
"""Acceleration of a cage that runs away, m/s²."""
CATCHING = 4.0
"""What the anti-fall device brakes with, m/s²."""
DOOR_S = 3.0
STANDS_AFTER_CATCH_S = 60.0
OVERLOAD_SHARE = 1.10
"""From here on the limiter keeps the cage at its landing."""
AT_LIMIT_M = 0.05
LIGHT, HEAVY = 0.3, 0.85
"""Normal loads, in parts of the rated one."""
HEIGHT_NOISE_M, SPEED_NOISE_MPS, TILT_NOISE_DEG = 0.01, 0.004, 0.005
LEAN_DEG = 0.05
"""How far a full cage leans the mast."""


class Phase(Enum):
    """What the hoist is doing."""

    STANDING = "standing"
    """At a landing, a door open."""
    CLOSING = "closing"
    MOVING = "moving"
    RUNAWAY = "runaway"
    CAUGHT = "caught"
    """The anti-fall device holds it."""


GROUND, CALM = Axis(0.0), WindState()


@dataclass(frozen=True, kw_only=True, slots=True)
class HoistState:
    """Everything that the hoist remembers between two steps."""

    cage: Axis = GROUND
    """Height above the ground landing, m."""
    phase: Phase = Phase.STANDING
    until_s: float = 0.0
    target_m: float = 0.0
    people: int = 0
    material_t: float = 0.0
    overloads_done: int = 0
    overspeeds_done: int = 0
    fault: HoistOverspeed | None = None
    """Of this way down."""
    wind: WindState = CALM
    t_s: float = 0.0

    @property
    def load_t(self) -> float:
        """People and material, t."""
        return self.people * PERSON_T + self.material_t


def step(hoist: Hoist, state: HoistState, *, t_s: float, dt_s: float, rng: Random) -> HoistState:
    """The hoist `dt_s` later, at `t_s` after the start."""
    state = replace(state, t_s=t_s, wind=wind.step(hoist.wind, state.wind, t_s=t_s, dt_s=dt_s, rng=rng))
    match state.phase:
        case Phase.STANDING:
            return _stand(hoist, state, t_s, rng)
        case Phase.CLOSING:
            return replace(state, phase=Phase.MOVING) if t_s >= state.until_s else state
        case Phase.MOVING:
            return _move(hoist, state, t_s, dt_s, rng)
        case Phase.RUNAWAY:
            return _run_away(hoist, state, t_s, dt_s, rng)
        case Phase.CAUGHT:
            return _hang(state, t_s, dt_s)


def _stand(hoist: Hoist, state: HoistState, t_s: float, rng: Random) -> HoistState:
    """Wait, then close and go; a cage that is too heavy waits until somebody has taken the surplus off."""
    if t_s < state.until_s:
        return state
    if is_overloaded(hoist, state):
        spare_t = state.load_t - 0.95 * hoist.rated_t
        return replace(state, material_t=max(0.0, state.material_t - spare_t), until_s=t_s + DOOR_S)
    here = round(state.cage.position / hoist.floor_m)
    floor = rng.choice([n for n in range(hoist.floors) if n != here])
    # Most trips begin or end at the ground.
    if here != 0 and rng.random() < 2 / 3:
        floor = 0
    return replace(state, phase=Phase.CLOSING, until_s=t_s + DOOR_S, target_m=floor * hoist.floor_m)


def _move(hoist: Hoist, state: HoistState, t_s: float, dt_s: float, rng: Random) -> HoistState:
    if state.cage == Axis(state.target_m):
        return _land(hoist, state, t_s, rng)
    fault = _next_overspeed(hoist, state.overspeeds_done)
    is_cruising_down = state.cage.speed <= -hoist.speed_mps
    if fault is not None and t_s >= fault[1] and is_cruising_down:
        return replace(state, phase=Phase.RUNAWAY, fault=fault[0], overspeeds_done=state.overspeeds_done + 1)
    drive = Drive(hoist.speed_mps, ACCELERATION)
    return replace(state, cage=approach(state.cage, state.target_m, drive, dt_s))


def _run_away(hoist: Hoist, state: HoistState, t_s: float, dt_s: float, rng: Random) -> HoistState:
    fault = state.fault
    assert fault is not None  # noqa: S101  # the phase begins with one
    speed = max(-fault.peak_mps, state.cage.speed - FALLING * dt_s)
    height = state.cage.position + speed * dt_s
    if fault.anti_fall == "works" and speed <= -hoist.trip_mps:
        return replace(
            state, phase=Phase.CAUGHT, cage=Axis(height, speed), until_s=t_s + STANDS_AFTER_CATCH_S
        )
    if height <= 0.0:
        # It sits down on the buffers.
        return _land(hoist, replace(state, cage=Axis(0.0), target_m=0.0), t_s, rng)
    return replace(state, cage=Axis(height, speed))


def _hang(state: HoistState, t_s: float, dt_s: float) -> HoistState:
    """Brake to a stand; when it has been freed it goes on to where it was bound."""
    if state.cage.speed < 0.0:
        speed = min(0.0, state.cage.speed + CATCHING * dt_s)
        return replace(state, cage=Axis(max(0.0, state.cage.position + speed * dt_s), speed))
    return replace(state, phase=Phase.MOVING, fault=None) if t_s >= state.until_s else state


def _land(hoist: Hoist, state: HoistState, t_s: float, rng: Random) -> HoistState:
    """Doors open, people and material change; at its time, more than the hoist may carry."""
    overloads = [event for event in hoist.events if isinstance(event, HoistOverload)]
    due = agenda.due(overloads, state.overloads_done)
    landed = replace(state, phase=Phase.STANDING, fault=None)
    if due is not None and t_s >= due[1]:
        people = min(2, hoist.people_most)
        return replace(
            landed,
            people=people,
            material_t=max(0.0, due[0].percent / 100.0 * hoist.rated_t - people * PERSON_T),
            overloads_done=state.overloads_done + 1,
            until_s=t_s + due[0].hold_s,
        )
    people = rng.randint(0, hoist.people_most)
    room_t = max(0.0, HEAVY * hoist.rated_t - people * PERSON_T)
    material = rng.uniform(LIGHT, 1.0) * room_t if rng.random() < 1 / 2 else 0.0
    return replace(landed, people=people, material_t=material, until_s=t_s + rng.uniform(*hoist.stop_s))


def _next_overspeed(hoist: Hoist, done: int) -> tuple[HoistOverspeed, float] | None:
    return agenda.due([event for event in hoist.events if isinstance(event, HoistOverspeed)], done)


def is_overloaded(hoist: Hoist, state: HoistState) -> bool:
    """Whether the limiter keeps the cage where it is."""
    return state.load_t >= OVERLOAD_SHARE * hoist.rated_t


def open_doors(hoist: Hoist, state: HoistState) -> tuple[bool, bool]:
    """Entry and exit: people come in below and go out above; some doors are open that must not be."""
    is_open = state.phase is Phase.STANDING
    below = state.cage.position < hoist.floor_m / 2
    bypassed = {
        event.door
        for event in hoist.events
        if isinstance(event, HoistDoor)
        and 0.0 <= agenda.since(event.at_s, event.every_s, state.t_s) < event.for_s
    }
    return (is_open and below) or "entry" in bypassed, (is_open and not below) or "exit" in bypassed


def read(hoist: Hoist, state: HoistState, rng: Random) -> dict[str, float]:
    """What the monitor's sensors say, with their noise."""
    entry, leave = open_doors(hoist, state)
    height, top_m = state.cage.position, (hoist.floors - 1) * hoist.floor_m
    lean = LEAN_DEG * state.load_t / hoist.rated_t * height / top_m
    return {
        "load": max(0.0, state.load_t + rng.gauss(0.0, hoist.noise_t)),
        "height": height + rng.gauss(0.0, HEIGHT_NOISE_M),
        "floor": float(1 + round(height / hoist.floor_m)),
        "speed": state.cage.speed + rng.gauss(0.0, SPEED_NOISE_MPS),
        "people": float(state.people),
        "door_entry": float(entry),
        "door_exit": float(leave),
        "limit_top": float(height >= top_m - AT_LIMIT_M),
        "limit_bottom": float(height <= AT_LIMIT_M),
        "anti_fall": float(state.phase is Phase.CAUGHT),
        "overload": float(is_overloaded(hoist, state)),
        "tilt_x": hoist.plumb_deg[0] + lean + rng.gauss(0.0, TILT_NOISE_DEG),
        "tilt_y": hoist.plumb_deg[1] + rng.gauss(0.0, TILT_NOISE_DEG),
        "wind_speed": max(0.0, state.wind.shown_mps),
    }
