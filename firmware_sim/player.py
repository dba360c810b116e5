"""A device of a scenario brought to life: its physics, stepped; its registers; what the ledger must know."""

from firmware_sim.ledger import Crossing, Watch
from firmware_sim.modbus import Bank
from firmware_sim.plays import physics_of
from firmware_sim.registers import Encoder, Image
from firmware_sim.scenario import Cast, Scenario


class Player:
    """One device; the same scenario and seed give the same registers, step by step."""

    def __init__(self, scenario: Scenario, cast: Cast) -> None:
        """Before the first step the registers hold the state at the start."""
        self._encoder, self._watch = Encoder(cast.profile), Watch(cast)
        self._resting = self._encoder.resting()
        self._physics = physics_of(cast, seed_of(scenario, cast))
        self._step_ms, self._steps = scenario.step_ms, 0
        self.bank = Bank.of(cast.profile)
        self.bank.is_silent = cast.device.silent
        self.show()

    def step(self) -> None:
        """One step of the scenario's length; the registers stay as they are."""
        self._steps += 1
        self._physics.step(self._steps * self._step_ms / 1000.0, self._step_ms / 1000.0)

    def show(self) -> list[Crossing]:
        """Put the present values into the registers; the crossings that became readable by that."""
        image = self.image()
        self.bank.words = image.words
        return self._watch.judge(image.said)

    def image(self) -> Image:
        """The registers that the present values make."""
        return self._encoder.encode({**self._resting, **self._physics.read()})


def seed_of(scenario: Scenario, cast: Cast) -> str:
    """A device's own random numbers: another device beside it changes nothing about them."""
    return f"{scenario.seed}/{cast.device.device}"
