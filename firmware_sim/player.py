"""A device of a scenario brought to life: its physics, stepped; its registers; what the ledger must know."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from firmware_sim.distortion import NOTHING_HELD, distorted, spoilt
from firmware_sim.faults import Applied, Bypass, only
from firmware_sim.ledger import Crossing, Watch
from firmware_sim.modbus import Bank
from firmware_sim.plays import physics_of
from firmware_sim.registers import Encoder, Image
from firmware_sim.scenario import Cast, Scenario
from sitewarden.profiles import ModbusProfile, Profile


@runtime_checkable
class HasLimiter(Protocol):
    """Physics with a limiter in it, which acts unless it is bypassed."""

    is_bypassed: bool


FaultsAt = Callable[[float], list[Applied]]
"""The faults that apply to a device so many seconds after the start."""


class Acting:
    """One device's physics and what faults make of its values, whatever it says them by."""

    def __init__(self, scenario: Scenario, cast: Cast, faults_at: FaultsAt = lambda _: []) -> None:
        """As it is at the start."""
        self._cast, self._faults_at, self._held = cast, faults_at, NOTHING_HELD
        self._watch, self._resting = Watch(cast), resting(cast.profile)
        self._physics = physics_of(cast, seed_of(scenario, cast))
        self._step_ms, self._steps = scenario.step_ms, 0

    def step(self) -> None:
        """One step of the scenario's length; what it shows stays as it is."""
        self._steps += 1
        if isinstance(self._physics, HasLimiter):
            self._physics.is_bypassed = bool(only(self._faults_at(self._t_s), Bypass))
        self._physics.step(self._t_s, self._step_ms / 1000.0)

    def values(self) -> Mapping[str, float | None]:
        """What its sensors say now, by point key, as their faults leave it; `None` is 'no value'."""
        faults = self._faults_at(self._t_s)
        true = {**self._resting, **self._physics.read()}
        values, self._held = distorted(self._cast.profile, faults, true, self._held)
        return values

    @property
    def _t_s(self) -> float:
        """Since the start."""
        return self._steps * self._step_ms / 1000.0


class Player(Acting):
    """A device that is polled; the same scenario and seed give the same registers, step by step."""

    def __init__(self, scenario: Scenario, cast: Cast, faults_at: FaultsAt = lambda _: []) -> None:
        """Before the first step the registers hold the state at the start."""
        super().__init__(scenario, cast, faults_at)
        assert isinstance(cast.profile, ModbusProfile)  # noqa: S101  # the scenario was refused otherwise
        self._profile = cast.profile
        self._encoder = Encoder(cast.profile)
        self.bank = Bank.of(cast.profile)
        self.bank.is_silent = cast.device.silent
        self.show()

    def show(self) -> list[Crossing]:
        """Put the present values into the registers; the crossings that became readable by that."""
        image = self.image()
        self.bank.words = image.words
        self.bank.faults = self._faults_at(self._t_s)
        return self._watch.judge(image.said)

    def image(self) -> Image:
        """The registers that the present values make, and what faults leave of them."""
        return spoilt(self._profile, self._faults_at(self._t_s), self._encoder.encode(self.values()))


def resting(profile: Profile) -> dict[str, float]:
    """A legal value for every point: 0, or the least of its range above that."""
    return {key: max(0.0, point.range[0]) if point.range else 0.0 for key, point in profile.points.items()}


def seed_of(scenario: Scenario, cast: Cast) -> str:
    """A device's own random numbers: another device beside it changes nothing about them."""
    return f"{scenario.seed}/{cast.device.device}"
