"""A tower crane at work: lifts under a load chart, drives with limits, a load that swings, a limiter."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

from firmware_sim import agenda, wind
from firmware_sim.chart import Line, load_ratio, radius_for, rated_load
from firmware_sim.model import JIB_END_M, Crane, Overload
from firmware_sim.motion import Axis, Drive, approach, brake
from firmware_sim.wind import WindState

GRAVITY = 9.81
HOIST = Drive(speed=1.0, acceleration=0.35)
TROLLEY = Drive(speed=0.65, acceleration=0.25)
CREEPING = Drive(speed=0.35, acceleration=0.2)
"""The trolley with a load near its limit."""
SLEW = Drive(speed=4.0, acceleration=0.6)
TIGHTEN_S = 1.2
"""How long a rope takes to take over a load, or to give it up."""
DAMPING = 0.18
"""Of the swing, of critical: rope and driver together."""
SHORTEST_ROPE_M = 4.0
LIGHT, HEAVY = 0.30, 0.75
"""Normal lifts carry so much of the rated load at the farthest point of their way; swing stays below 85 %."""
BRINK = 0.87
"""An overload lift begins with so much of the rated load."""
CUT_OFF_PERCENT, RELEASE_PERCENT = 105.0, 95.0
MARGIN_S = 15.0
"""A normal lift that would end later than this before a planned overload is not begun."""
TRIES, WAIT_S = 6, 5.0
"""So many lifts a driver thinks of before waiting so long for the others to move on."""
LIFTING_S = 6.0
"""What tightening the rope and clearing the ground take."""
LENGTH_NOISE_M, ANGLE_NOISE_DEG = 0.005, 0.05
KINDS = {
    "load": "crane.load",
    "radius": "crane.radius",
    "hook_height": "crane.hook_height",
    "slew": "crane.slew",
    "falls": "crane.falls",
    "wind_speed": "crane.wind_speed",
    "limiter_cutoff": "crane.limiter.cutoff",
    "limiter_bypass": "crane.limiter.bypass",
    "limiter_fault": "crane.limiter.fault",
    "tilt_x": "crane.tilt.x",
    "tilt_y": "crane.tilt.y",
}
"""What `read` says, as kinds of the vocabulary."""


class Leg(NamedTuple):
    """One part of a lift: where to go, with the load or without."""

    height_m: float
    radius_m: float
    slew_deg: float
    carrying: bool
    hold_s: float = 0.0
    """The leg takes at least so long."""
    not_before_s: float = 0.0
    """It does not end before this instant."""
    trolley: Drive = TROLLEY


class Orders(NamedTuple):
    """What others on the site ask of a driver."""

    is_clear: Callable[[tuple[Leg, ...]], bool] = lambda _: True
    """Whether a lift is in nobody's way."""
    name: str = ""
    errand: tuple[Leg, ...] = ()
    """Where to go, without a load, when no lift can end before `free_until_s` any more."""
    free_until_s: float = math.inf
    is_open: bool = False
    """The errand may begin."""
    is_patient: bool = True
    """Until it may, the driver waits; else he lifts something."""


FREE = Orders()
STILL, CALM = Axis(0.0), WindState()


@dataclass(frozen=True, kw_only=True, slots=True)
class CraneState:
    """Everything that the crane remembers between two steps."""

    hoist: Axis
    """Hook height, m."""
    trolley: Axis
    """Radius of the trolley, m."""
    slew: Axis
    """°"""
    swing: Axis = STILL
    """Angle of the rope in the plane of the jib, rad; positive is outwards."""
    load_t: float = 0.0
    tension: float = 0.0
    """0 on the ground, 1 hanging."""
    legs: tuple[Leg, ...] = ()
    leg_since_s: float = 0.0
    overload: Overload | None = None
    """Of the lift under way."""
    overloads_done: int = 0
    errand: str = ""
    """The last that it went on."""
    errands_done: int = 0
    cut_off: bool = False
    wind: WindState = CALM


def start(crane: Crane) -> CraneState:
    """The crane at rest, with an empty hook."""
    at = crane.start
    return CraneState(hoist=Axis(at.hook_height_m), trolley=Axis(at.radius_m), slew=Axis(at.slew_deg))


def step(
    crane: Crane,
    line: Line,
    state: CraneState,
    *,
    t_s: float,
    dt_s: float,
    rng: Random,
    orders: Orders | None = None,
    is_bypassed: bool = False,
) -> CraneState:
    """The crane `dt_s` later, at `t_s` after the start.

    `orders` are what others on the site ask of its driver; a limiter that is bypassed does nothing.
    """
    if not state.legs:
        state = plan(crane, line, state, t_s, rng, orders=orders or FREE)
    moved = _move(state, dt_s)
    moved = replace(
        moved,
        swing=_swing(crane, state, moved, dt_s),
        wind=wind.step(crane.wind, state.wind, t_s=t_s, dt_s=dt_s, rng=rng),
    )
    moved = replace(moved, cut_off=not is_bypassed and _cuts_off(crane, line, moved))
    return _next_leg(moved, t_s)


def plan(
    crane: Crane, line: Line, state: CraneState, t_s: float, rng: Random, *, orders: Orders
) -> CraneState:
    """Decide on the next lift: a normal one, or what the scenario has planned for now."""
    due = agenda.due(crane.overloads, state.overloads_done)
    load_t, legs = _clear_lift(crane, line, state, rng, orders)
    overload_s = due[1] - MARGIN_S if due is not None else math.inf
    begun = replace(state, load_t=load_t, legs=legs, leg_since_s=t_s, overload=None)
    if t_s + _duration(state, legs) < min(overload_s, orders.free_until_s):
        return begun
    if due is None or orders.free_until_s < overload_s:
        return _go(orders, begun)
    overload, at_s = due
    load_t, legs = _overload_lift(crane, line, state, overload, at_s)
    return replace(
        begun, load_t=load_t, legs=legs, overload=overload, overloads_done=state.overloads_done + 1
    )


def _go(orders: Orders, begun: CraneState) -> CraneState:
    """On the errand; where it is not open yet, wait for it, or do the lift that has been thought of."""
    if orders.is_open:
        done = begun.errands_done + 1
        return replace(begun, load_t=0.0, legs=orders.errand, errand=orders.name, errands_done=done)
    return replace(begun, load_t=0.0, legs=_waiting(begun)) if orders.is_patient else begun


def _clear_lift(
    crane: Crane, line: Line, state: CraneState, rng: Random, orders: Orders
) -> tuple[float, tuple[Leg, ...]]:
    """A normal lift that is in nobody's way; where none is found the driver waits and looks again."""
    for _ in range(TRIES):
        load_t, legs = _normal_lift(crane, line, state, rng)
        if orders.is_clear(legs):
            return load_t, legs
    return 0.0, _waiting(state)


def _waiting(state: CraneState) -> tuple[Leg, ...]:
    here = Leg(state.hoist.position, state.trolley.position, state.slew.position, carrying=False)
    return (here._replace(hold_s=WAIT_S),)


def _normal_lift(crane: Crane, line: Line, state: CraneState, rng: Random) -> tuple[float, tuple[Leg, ...]]:
    pick, drop = _place(crane, rng), _place(crane, rng)
    travel_m = min(crane.mast_m - SHORTEST_ROPE_M, crane.ground_m[1] + rng.uniform(4.0, 8.0))
    farthest = max(pick.radius_m, drop.radius_m) + 1.5
    load_t = rng.uniform(LIGHT, HEAVY) * rated_load(line, min(farthest, line[-1][0]))
    return load_t, (
        pick._replace(height_m=max(travel_m, state.hoist.position)),
        pick._replace(hold_s=4.0),
        pick._replace(carrying=True),
        pick._replace(carrying=True, height_m=travel_m),
        drop._replace(carrying=True, height_m=travel_m),
        drop._replace(carrying=True),
        drop._replace(hold_s=3.0),
        drop._replace(height_m=travel_m),
    )


def _duration(state: CraneState, legs: Sequence[Leg]) -> float:
    """How long the legs take at most, in seconds."""
    hook_m, radius_m, slew_deg, total = state.hoist.position, state.trolley.position, state.slew.position, 0.0
    for leg in legs:
        drives = (
            HOIST.longest(leg.height_m - hook_m),
            leg.trolley.longest(leg.radius_m - radius_m),
            SLEW.longest(leg.slew_deg - slew_deg),
        )
        total += max(*drives, leg.hold_s, TIGHTEN_S)
        hook_m, radius_m, slew_deg = leg.height_m, leg.radius_m, leg.slew_deg
    return total


def _place(crane: Crane, rng: Random) -> Leg:
    """A spot on the ground where a load may be picked up or set down."""
    return Leg(
        height_m=rng.uniform(*crane.ground_m),
        radius_m=rng.uniform(crane.nearest_m, crane.jib_m - 2 * JIB_END_M),
        slew_deg=rng.uniform(*crane.sector_deg),
        carrying=False,
    )


def _overload_lift(
    crane: Crane, line: Line, state: CraneState, overload: Overload, at_s: float
) -> tuple[float, tuple[Leg, ...]]:
    """Wait for the moment, lift a load that is legal where it stands, trolley it out too far, come back."""
    near_m = _brink_radius(crane, line, state.trolley.position)
    load_t = BRINK * rated_load(line, near_m)
    far_m = radius_for(line, load_t * 100.0 / overload.peak_percent)
    floor_m = min(state.hoist.position, crane.ground_m[1])
    pick = Leg(height_m=floor_m, radius_m=near_m, slew_deg=state.slew.position, carrying=False)
    hanging = pick._replace(carrying=True, height_m=floor_m + 1.5, trolley=CREEPING)
    return load_t, (
        pick,
        pick._replace(not_before_s=at_s - LIFTING_S),
        pick._replace(carrying=True),
        hanging._replace(not_before_s=at_s),
        hanging._replace(radius_m=far_m),
        hanging._replace(radius_m=far_m, hold_s=overload.hold_s),
        hanging,
        pick._replace(carrying=True),
        pick._replace(hold_s=3.0),
    )


def _brink_radius(crane: Crane, line: Line, here_m: float) -> float:
    """Where to begin: as near to the trolley as the chart already falls and the way out stays on the jib."""
    falling_m = line[0][0] + 4.0
    tip_load = rated_load(line, crane.jib_m - JIB_END_M)
    latest_m = radius_for(line, tip_load * 1.6 / BRINK)
    return max(falling_m, min(here_m, latest_m))


def _move(state: CraneState, dt_s: float) -> CraneState:
    """Drives towards the present leg's end; a limiter that has cut off stops what would make it worse."""
    leg = state.legs[0]
    outwards = state.cut_off and leg.radius_m > state.trolley.position
    upwards = state.cut_off and leg.height_m > state.hoist.position
    change = dt_s / TIGHTEN_S if leg.carrying else -dt_s / TIGHTEN_S
    return replace(
        state,
        hoist=brake(state.hoist, HOIST, dt_s)
        if upwards
        else approach(state.hoist, leg.height_m, HOIST, dt_s),
        trolley=brake(state.trolley, leg.trolley, dt_s)
        if outwards
        else approach(state.trolley, leg.radius_m, leg.trolley, dt_s),
        slew=approach(state.slew, leg.slew_deg, SLEW, dt_s),
        tension=max(0.0, min(1.0, state.tension + change)),
    )


def _swing(crane: Crane, before: CraneState, now: CraneState, dt_s: float) -> Axis:
    """A damped pendulum under the trolley, driven by the trolley's acceleration and by the slewing."""
    rope_m = _rope(crane, now)
    trolley = (now.trolley.speed - before.trolley.speed) / dt_s
    outwards = math.radians(now.slew.speed) ** 2 * now.trolley.position
    angle, rate = before.swing
    natural = math.sqrt(GRAVITY / rope_m)
    rate += dt_s * (
        -(natural**2) * math.sin(angle) - 2.0 * DAMPING * natural * rate + (outwards - trolley) / rope_m
    )
    return Axis(angle + dt_s * rate, rate)


def _rope(crane: Crane, state: CraneState) -> float:
    return max(SHORTEST_ROPE_M, crane.mast_m - state.hoist.position)


def _next_leg(state: CraneState, t_s: float) -> CraneState:
    leg = state.legs[0]
    there = (
        state.hoist.position == leg.height_m
        and state.trolley.position == leg.radius_m
        and state.slew.position == leg.slew_deg
        and state.tension == float(leg.carrying)
    )
    # Where the limiter holds the drives, the driver sees that it goes no further and gives up.
    held = state.cut_off and state.trolley.speed == 0.0 and state.hoist.speed == 0.0
    over = t_s - state.leg_since_s >= leg.hold_s and t_s >= leg.not_before_s
    if over and (there or held):
        return replace(state, legs=state.legs[1:], leg_since_s=t_s)
    return state


def _cuts_off(crane: Crane, line: Line, state: CraneState) -> bool:
    """Whether the limiter cuts; once it has, only well below the limit it lets go."""
    if state.overload is not None and state.overload.limiter != "works":
        return False
    percent = load_ratio(line, hook_load(crane, state), radius(crane, state))
    return percent >= (RELEASE_PERCENT if state.cut_off else CUT_OFF_PERCENT)


def radius(crane: Crane, state: CraneState) -> float:
    """Where the load hangs, in m from the mast."""
    return state.trolley.position + _rope(crane, state) * math.sin(state.swing.position)


def hook_load(crane: Crane, state: CraneState) -> float:
    """What pulls at the hook, in t: the weight as far as it hangs, more in the lowest point of a swing."""
    pull = math.cos(state.swing.position) + _rope(crane, state) * state.swing.speed**2 / GRAVITY
    return state.load_t * state.tension * pull


def tilt(crane: Crane, state: CraneState) -> tuple[float, float]:
    """How far the mast's top leans towards x (slew 90°) and y (slew 0°), in °: plumb error, moment, wind."""
    lean, slew = crane.tilt, math.radians(state.slew.position)
    moment = hook_load(crane, state) * radius(crane, state) - lean.balance_tm
    by_load = lean.deg_per_100tm * moment / 100.0
    by_wind = lean.deg_at_20mps * (max(0.0, state.wind.shown_mps) / 20.0) ** 2
    downwind = math.radians(lean.wind_from_deg + 180.0)
    plumb_x, plumb_y = (math.degrees(math.atan(permille / 1000.0)) for permille in lean.plumb_permille)
    return (
        plumb_x + by_load * math.sin(slew) + by_wind * math.sin(downwind),
        plumb_y + by_load * math.cos(slew) + by_wind * math.cos(downwind),
    )


def read(crane: Crane, state: CraneState, rng: Random) -> dict[str, float]:
    """What the limiter's sensors say, with their noise."""
    limiter = state.overload.limiter if state.overload is not None else "works"
    tilt_x, tilt_y = tilt(crane, state)
    return {
        "load": max(0.0, hook_load(crane, state) + rng.gauss(0.0, crane.load_noise_t)),
        "radius": min(crane.jib_m, max(0.0, radius(crane, state) + rng.gauss(0.0, LENGTH_NOISE_M))),
        "hook_height": state.hoist.position + rng.gauss(0.0, LENGTH_NOISE_M),
        "slew": state.slew.position + rng.gauss(0.0, ANGLE_NOISE_DEG),
        "falls": float(crane.falls),
        "wind_speed": state.wind.shown_mps,
        "limiter_cutoff": float(state.cut_off),
        "limiter_bypass": float(limiter == "bypassed"),
        "limiter_fault": float(limiter == "faulty"),
        "tilt_x": tilt_x + rng.gauss(0.0, crane.tilt.noise_deg),
        "tilt_y": tilt_y + rng.gauss(0.0, crane.tilt.noise_deg),
    }
