"""A point that jumps to and fro across its limit: hundreds of episodes in minutes, for measuring."""

from random import Random
from typing import NamedTuple

from firmware_sim.model import Steps


class StepsState(NamedTuple):
    """On which side the point stands and until when."""

    beyond: bool
    until_s: float


def start(steps: Steps, rng: Random) -> StepsState:
    """Below, for a random part of the time it stays there, so that devices do not jump together."""
    return StepsState(beyond=False, until_s=rng.uniform(0.0, steps.below_s[1]))


def step(steps: Steps, state: StepsState, t_s: float, rng: Random) -> StepsState:
    """The state at `t_s`: the other side when its time is over."""
    if t_s < state.until_s:
        return state
    beyond = not state.beyond
    return StepsState(beyond, t_s + rng.uniform(*(steps.beyond_s if beyond else steps.below_s)))


def read(steps: Steps, state: StepsState) -> dict[str, float]:
    """The values of the device's points by key."""
    return {**steps.steady, steps.point: steps.beyond if state.beyond else steps.below}
