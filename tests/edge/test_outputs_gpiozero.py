"""Siren, lamp and button through the real gpiozero, on the mock pins that it brings for such tests."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

from edge.outputs import OutputError, Outputs, _open, open_outputs
from edge.settings import GpioOutput
from edge.tone import SILENT, Signal
from tests.support.left_out import leave_out
from tests.support.waiting import until

SIREN, LAMP, BUTTON = 17, 27, 22
PINS = GpioOutput(siren_pin=SIREN, lamp_pin=LAMP, acknowledge_pin=BUTTON)
WARNING, DANGER = Signal("intermittent", "amber"), Signal("continuous", "red")


@pytest.fixture
def board() -> Iterator[Any]:
    """A Raspberry Pi's pins, in memory; `board.pin(17)` is what is soldered to it."""
    try:
        gpiozero: Any = importlib.import_module("gpiozero")
        mock: Any = importlib.import_module("gpiozero.pins.mock")
    except ModuleNotFoundError:
        leave_out("gpiozero is not installed (it comes with the extra `dev`)")
    before, gpiozero.Device.pin_factory = gpiozero.Device.pin_factory, mock.MockFactory()
    yield gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory.reset()
    gpiozero.Device.pin_factory = before


@pytest.fixture
def outputs(board: Any) -> Iterator[Outputs]:
    opened = open_outputs([PINS])
    yield opened
    opened.close()


def burning(board: Any) -> tuple[bool, bool]:
    """Whether siren and lamp have current."""
    return bool(board.pin(SIREN).state), bool(board.pin(LAMP).state)


def test_before_any_alarm_nothing_has_current(board: Any, outputs: Outputs) -> None:
    assert outputs.failed == 0
    assert burning(board) == (False, False)


def test_a_danger_has_both_pins_under_current_until_it_is_over(board: Any, outputs: Outputs) -> None:
    outputs.restore(DANGER)
    assert burning(board) == (True, True)
    outputs.restore(SILENT)
    assert burning(board) == (False, False)


async def test_a_warning_beats_on_both_pins_by_itself(board: Any, outputs: Outputs) -> None:
    outputs.restore(WARNING)
    for pin in (SIREN, LAMP):
        await until(lambda pin=pin: [s.state for s in board.pin(pin).states][-3:] == [True, False, True])
    outputs.restore(DANGER)
    assert burning(board) == (True, True)


async def test_a_test_shows_every_signal_and_leaves_all_dark(board: Any, outputs: Outputs) -> None:
    assert await outputs.test(each_s=0.01) == 0
    assert any(change.state for change in board.pin(SIREN).states)
    assert burning(board) == (False, False)


def test_each_press_of_the_button_to_ground_counts_once_and_holding_it_does_not(
    board: Any, outputs: Outputs
) -> None:
    presses: list[str] = []
    outputs.listen(lambda: presses.append("pressed"))
    assert board.pin(BUTTON).pull == "up", "a button to ground needs a pull-up"
    for count in (1, 2):
        board.pin(BUTTON).drive_low()
        assert len(presses) == count
        board.pin(BUTTON).drive_high()
        assert len(presses) == count


def test_pins_that_another_program_holds_are_an_error_that_names_them(board: Any, outputs: Outputs) -> None:
    with pytest.raises(OutputError, match=f"pins {SIREN}, {LAMP}, {BUTTON}"):
        _open(PINS)


def test_the_end_leaves_the_pins_dark_and_free(board: Any, outputs: Outputs) -> None:
    outputs.restore(DANGER)
    outputs.close()
    assert burning(board) == (False, False)
    again = open_outputs([PINS])
    assert again.failed == 0
    again.restore(DANGER)
    assert burning(board) == (True, True)
    again.close()
