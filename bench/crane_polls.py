"""Twenty points of a simulated crane, poll by poll, each at its real resolution, as gateways record."""

from collections.abc import Iterator
from random import Random

from firmware_sim import crane
from firmware_sim.chart import load_ratio, rated_load
from firmware_sim.model import Crane
from sitewarden.points import quantise
from sitewarden.readings import Reading

LINE = ((3.0, 6.0), (16.0, 6.0), (24.0, 3.7), (35.0, 2.25), (45.0, 1.6), (56.0, 1.2))
"""Rated load (t) over radius (m): a six-tonne flat-top."""
RESOLUTIONS = {
    "load": 0.01,
    "radius": 0.01,
    "hook_height": 0.01,
    "slew": 0.1,
    "falls": 1,
    "wind_speed": 0.1,
    "limiter_cutoff": 1,
    "limiter_bypass": 1,
    "limiter_fault": 1,
    "rated_load": 0.01,
    "load_ratio": 0.1,
    "moment": 0.1,
    "moment_ratio": 0.1,
    "hoist_speed": 0.01,
    "trolley_speed": 0.01,
    "slew_speed": 0.1,
    "rope_length": 0.01,
    "height_left": 0.01,
    "radius_left": 0.01,
    "load_left": 0.01,
}
"""By point. Those beside the shipped profile's are what such limiters show too: speeds, and what is left."""
JITTER_MS = 2
"""A poll's instant is that of the answer, which comes now a little sooner, now a little later."""


def polls(device: str, *, interval_ms: int, seed: str, since_ms: int) -> Iterator[list[Reading]]:
    """The readings of one poll after the other, without end."""
    physics = Crane(jib_m=56.0, mast_m=40.0)
    work, noise = Random(seed), Random(f"{seed}/noise")
    state, dt_s = crane.start(physics), interval_ms / 1000
    number = 0
    while True:
        number += 1
        state = crane.step(physics, LINE, state, t_s=number * dt_s, dt_s=dt_s, rng=work)
        said = crane.read(physics, state, noise)
        load, radius = said["load"], said["radius"]
        rated = rated_load(LINE, radius)
        values = {
            **said,
            "rated_load": rated,
            "load_ratio": load_ratio(LINE, load, radius),
            "moment": load * radius,
            "moment_ratio": load_ratio(LINE, load, radius),
            "hoist_speed": state.hoist.speed,
            "trolley_speed": state.trolley.speed,
            "slew_speed": state.slew.speed,
            "rope_length": physics.mast_m - said["hook_height"],
            "height_left": physics.mast_m - said["hook_height"] - crane.SHORTEST_ROPE_M,
            "radius_left": physics.jib_m - radius,
            "load_left": rated - load,
        }
        at_ms = since_ms + number * interval_ms + noise.randint(-JITTER_MS, JITTER_MS)
        yield [
            Reading(f"{device}/{key}", at_ms, quantise(values[key], resolution))
            for key, resolution in RESOLUTIONS.items()
        ]
