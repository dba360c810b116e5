"""A device of a scenario brought to life: its physics, stepped; its registers; what the ledger must know."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Protocol, runtime_checkable

from firmware_sim import crane, pit, steps
from firmware_sim.chart import Line
from firmware_sim.distortion import NOTHING_HELD, distorted, spoilt
from firmware_sim.faults import Applied, Bypass, only
from firmware_sim.ledger import Crossing, Watch
from firmware_sim.modbus import Bank
from firmware_sim.registers import Encoder, Image
from firmware_sim.scenario import Cast, Crane, Pit, Scenario, Steps


class Physics(Protocol):
    """A device's physics between two register images."""

    def step(self, t_s: float, dt_s: float) -> None:
        """Go on to `t_s` seconds after the start, `dt_s` after the last step."""

    def read(self) -> Mapping[str, float]:
        """What the sensors say now, by point key."""


@runtime_checkable
class HasLimiter(Protocol):
    """Physics with a limiter in it, which acts unless it is bypassed."""

    is_bypassed: bool


FaultsAt = Callable[[float], list[Applied]]
"""The faults that apply to a device so many seconds after the start."""


class Player:
    """One device; the same scenario and seed give the same registers, step by step."""

    def __init__(self, scenario: Scenario, cast: Cast, faults_at: FaultsAt = lambda _: []) -> None:
        """Before the first step the registers hold the state at the start."""
        self._profile, self._faults_at, self._held = cast.profile, faults_at, NOTHING_HELD
        self._encoder, self._watch = Encoder(cast.profile), Watch(cast)
        self._resting = self._encoder.resting()
        self._physics = _physics(cast, seed_of(scenario, cast))
        self._step_ms, self._steps = scenario.step_ms, 0
        self.bank = Bank.of(cast.profile)
        self.bank.is_silent = cast.device.silent
        self.show()

    def step(self) -> None:
        """One step of the scenario's length; the registers stay as they are."""
        self._steps += 1
        if isinstance(self._physics, HasLimiter):
            self._physics.is_bypassed = bool(only(self._faults_at(self._t_s), Bypass))
        self._physics.step(self._t_s, self._step_ms / 1000.0)

    def show(self) -> list[Crossing]:
        """Put the present values into the registers; the crossings that became readable by that."""
        image = self.image()
        self.bank.words = image.words
        self.bank.faults = self._faults_at(self._t_s)
        return self._watch.judge(image.said)

    def image(self) -> Image:
        """The registers that the present values make, and what faults leave of them."""
        faults = self._faults_at(self._t_s)
        true = {**self._resting, **self._physics.read()}
        values, self._held = distorted(self._profile, faults, true, self._held)
        return spoilt(self._profile, faults, self._encoder.encode(values))

    @property
    def _t_s(self) -> float:
        """Since the start."""
        return self._steps * self._step_ms / 1000.0


def seed_of(scenario: Scenario, cast: Cast) -> str:
    """A device's own random numbers: another device beside it changes nothing about them."""
    return f"{scenario.seed}/{cast.device.device}"


def _physics(cast: Cast, seed: str) -> Physics:
    match cast.device.physics:
        case Crane() as physics:
            return _CranePlay(physics, _line(cast, physics), seed)
        case Pit() as physics:
            return _PitPlay(physics, seed)
        case Steps() as physics:
            return _StepsPlay(physics, seed)


def _line(cast: Cast, physics: Crane) -> Line:
    assert cast.chart is not None  # noqa: S101  # the scenario was refused otherwise
    return cast.chart.falls[physics.falls]


class _CranePlay:
    def __init__(self, physics: Crane, line: Line, seed: str) -> None:
        self._physics, self._line = physics, line
        # Sensors draw from numbers of their own, so that how often they are read does not change the work.
        self._rng, self._noise = Random(seed), Random(f"{seed}/noise")
        self._state = crane.start(physics)
        self.is_bypassed = False

    def step(self, t_s: float, dt_s: float) -> None:
        self._state = crane.step(
            self._physics,
            self._line,
            self._state,
            t_s=t_s,
            dt_s=dt_s,
            rng=self._rng,
            is_bypassed=self.is_bypassed,
        )

    def read(self) -> Mapping[str, float]:
        return crane.read(self._physics, self._state, self._noise)


class _PitPlay:
    """The logger asks its sensors now and then and shows the last answer in between."""

    def __init__(self, physics: Pit, seed: str) -> None:
        self._physics, self._noise = physics, Random(seed)
        self._sampled_s = 0.0
        self._shown = pit.read(physics, 0.0, self._noise)

    def step(self, t_s: float, dt_s: float) -> None:  # noqa: ARG002  # the pit is a function of time alone
        if t_s - self._sampled_s >= self._physics.sample_s:
            self._sampled_s = t_s
            self._shown = pit.read(self._physics, t_s, self._noise)

    def read(self) -> Mapping[str, float]:
        return self._shown


class _StepsPlay:
    def __init__(self, physics: Steps, seed: str) -> None:
        self._physics, self._rng = physics, Random(seed)
        self._state = steps.start(physics, self._rng)

    def step(self, t_s: float, dt_s: float) -> None:  # noqa: ARG002  # it jumps at instants
        self._state = steps.step(self._physics, self._state, t_s, self._rng)

    def read(self) -> Mapping[str, float]:
        return steps.read(self._physics, self._state)
