"""What people hear and see, and that one broken driver does not silence the others."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.outputs import LogDriver, OutputError, Outputs, Signal, open_outputs, signal_of
from edge.settings import GpioOutput, LogOutput
from sitewarden.messages import Alarm
from sitewarden.rules.model import Basis
from sitewarden.text import Text


def alarm(level: int, change: str = "raised") -> Alarm:
    return Alarm(
        boot="b",
        seq=1,
        at=1000,
        change="raised" if change == "raised" else "cleared",
        episode="0" * 32,
        device="crane-1",
        point="crane-1/load_ratio",
        kind="crane.load_ratio",
        rule="crane-load-90",
        rule_version=1,
        family="crane-overload",
        level=level,
        label=Text("起重量", "Load"),
        unit="%",
        value=91.0,
        limit=90.0,
        peak=91.0,
        raised_at=1000,
        basis=Basis(clause="x", source="x", confidence="synthetic"),
    )


@pytest.mark.parametrize(
    ("level", "signal"),
    [
        (0, ("off", "off")),
        (1, ("off", "amber")),
        (2, ("intermittent", "amber")),
        (3, ("continuous", "red")),
        (4, ("continuous", "red")),
    ],
)
def test_the_signal_is_of_the_worst_level(level: int, signal: tuple[str, str]) -> None:
    assert signal_of(level) == signal


def test_the_log_has_one_line_a_transition_with_what_is_heard_after_it(tmp_path: Path) -> None:
    file = tmp_path / "outputs.jsonl"
    outputs = open_outputs([LogOutput(file=str(file))])
    outputs.restore(3)
    outputs.drive(alarm(2), 4)
    outputs.drive(alarm(2, "cleared"), 0)
    raised, cleared = (json.loads(line) for line in file.read_text().splitlines())
    assert (raised["change"], raised["siren"], raised["lamp"]) == ("raised", "continuous", "red")
    assert (cleared["change"], cleared["siren"], cleared["lamp"]) == ("cleared", "off", "off")
    assert raised["reading_at_ms"] == 1000
    assert raised["at_ms"] > 1_700_000_000_000
    assert {"episode", "device", "point", "rule", "level"} <= raised.keys()
    outputs.close()


def test_a_log_goes_on_where_the_last_run_ended(tmp_path: Path) -> None:
    for _ in range(2):
        outputs = open_outputs([LogOutput(file=str(tmp_path / "outputs.jsonl"))])
        outputs.drive(alarm(2), 2)
        outputs.close()
    assert len((tmp_path / "outputs.jsonl").read_text().splitlines()) == 2


class Broken:
    """A driver whose relay is burnt."""

    def show(self, signal: Signal) -> None:
        raise OutputError(f"burnt before {signal}")

    def note(self, alarm: Alarm, signal: Signal) -> None:
        raise AssertionError(f"told of {alarm} although it did not show {signal}")

    def close(self) -> None:
        pass


class Sound:
    """A driver that remembers."""

    def __init__(self) -> None:
        self.shown: list[Signal] = []

    def show(self, signal: Signal) -> None:
        self.shown.append(signal)

    def note(self, alarm: Alarm, signal: Signal) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_broken_driver_does_not_silence_the_next(caplog: pytest.LogCaptureFixture) -> None:
    sound = Sound()
    outputs = Outputs([Broken(), sound])
    outputs.restore(1)
    outputs.drive(alarm(3), 3)
    assert sound.shown == [Signal("off", "amber"), Signal("continuous", "red")]
    assert caplog.text.count("burnt") == 2


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The pins of a fake gpiozero."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "fakes"))
    monkeypatch.delitem(sys.modules, "gpiozero", raising=False)
    gpiozero: Any = importlib.import_module("gpiozero")
    yield gpiozero.DigitalOutputDevice.made
    sys.modules.pop("gpiozero", None)


def test_pins_beat_burn_and_go_dark_with_the_level(pins: list[Any]) -> None:
    outputs = open_outputs([GpioOutput(siren_pin=17, lamp_pin=27)])
    for level in (1, 2, 2, 4, 3, 0):
        outputs.drive(alarm(3), level)
    outputs.close()
    siren, lamp = pins
    assert (siren.pin, lamp.pin) == (17, 27)
    assert siren.told == ["blink 0.5 0.5", "on", "off", "close"]
    assert lamp.told == ["blink 0.5 0.5", "on", "off", "close"]


@pytest.mark.usefixtures("pins")
def test_a_pin_that_cannot_be_had_stops_the_start() -> None:
    with pytest.raises(OutputError, match="pin 0 is in use"):
        open_outputs([GpioOutput(siren_pin=0, lamp_pin=27)])


def test_gpio_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    with pytest.raises(OutputError, match=r"pip install 'sitewarden\[gpio\]'"):
        open_outputs([GpioOutput(siren_pin=17, lamp_pin=27)])


def test_a_file_that_cannot_be_written_is_no_reason_to_stop_and_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "outputs.jsonl"
    file.mkdir()
    sound = Sound()
    outputs = Outputs([LogDriver(file), sound])
    outputs.drive(alarm(3), 3)
    assert sound.shown == [Signal("continuous", "red")]
    assert "output cannot be written yet" in caplog.text
    assert "output failed" in caplog.text
    file.rmdir()
    outputs.drive(alarm(3, "cleared"), 0)
    assert json.loads(file.read_text())["change"] == "cleared"
    outputs.close()


class Stuck:
    """A driver whose library fails in a way that nobody declared, so many times."""

    def __init__(self, times: int) -> None:
        self.times, self.shown = times, []

    def show(self, signal: Signal) -> None:
        if self.times:
            self.times -= 1
            raise RuntimeError("no such chip")
        self.shown.append(signal)

    def note(self, alarm: Alarm, signal: Signal) -> None:
        del alarm, signal

    def close(self) -> None:
        del self.times


def test_whatever_a_driver_raises_the_other_siren_sounds() -> None:
    broken, sound = Stuck(99), Stuck(0)
    Outputs([broken, sound]).drive(alarm(4), 4)
    assert sound.shown == [signal_of(4)]


def test_a_siren_that_was_stuck_once_sounds_when_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = Stuck(1)
    outputs = Outputs([stuck])
    outputs.drive(alarm(4), 4)
    assert stuck.shown == []
    monkeypatch.setattr(outputs, "_retry_at", 0.0)
    outputs.retry()
    outputs.retry()
    assert stuck.shown == [signal_of(4)]
