"""What people hear and see, and that one broken driver does not silence the others."""

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.outputs import (
    Entry,
    GpioDriver,
    LogDriver,
    OutputError,
    Outputs,
    OutputsBusyError,
    Press,
    open_outputs,
)
from edge.settings import GpioOutput, LogOutput
from edge.tone import SILENT, Signal
from sitewarden.messages import Alarm
from sitewarden.rules.model import Basis
from sitewarden.text import Text
from tests.support.waiting import PATIENCE_S, until


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


DARK, WARNING, DANGER = SILENT, Signal("intermittent", "amber"), Signal("continuous", "red")


def test_the_log_has_one_line_a_transition_with_what_is_heard_after_it(tmp_path: Path) -> None:
    file = tmp_path / "outputs.jsonl"
    outputs = open_outputs([LogOutput(file=str(file))])
    outputs.restore(DANGER)
    outputs.drive(alarm(2), DANGER)
    outputs.drive(alarm(2, "cleared"), DARK)
    outputs.close()
    raised, cleared = (json.loads(line) for line in file.read_text().splitlines())
    assert (raised["change"], raised["siren"], raised["lamp"]) == ("raised", "continuous", "red")
    assert (cleared["change"], cleared["siren"], cleared["lamp"]) == ("cleared", "off", "off")
    assert raised["reading_at_ms"] == 1000
    assert raised["at_ms"] > 1_700_000_000_000
    assert {"episode", "device", "point", "rule", "level"} <= raised.keys()


def test_a_log_goes_on_where_the_last_run_ended(tmp_path: Path) -> None:
    for _ in range(2):
        outputs = open_outputs([LogOutput(file=str(tmp_path / "outputs.jsonl"))])
        outputs.drive(alarm(2), WARNING)
        outputs.close()
    assert len((tmp_path / "outputs.jsonl").read_text().splitlines()) == 2


class Broken:
    """A driver whose relay is burnt."""

    def show(self, signal: Signal) -> None:
        raise OutputError(f"burnt before {signal}")

    def note(self, entry: Entry) -> None:
        pass

    def listen(self, press: Press) -> None:
        raise OutputError(f"no button for {press}")

    def close(self) -> None:
        pass


class Sound:
    """A driver that remembers."""

    def __init__(self) -> None:
        self.shown: list[Signal] = []
        self.noted: list[Entry] = []
        self.press: Press = lambda: None

    def show(self, signal: Signal) -> None:
        self.shown.append(signal)

    def note(self, entry: Entry) -> None:
        self.noted.append(entry)

    def listen(self, press: Press) -> None:
        self.press = press

    def close(self) -> None:
        pass


def test_a_broken_driver_does_not_silence_the_next(caplog: pytest.LogCaptureFixture) -> None:
    sound = Sound()
    outputs = Outputs([Broken(), sound])
    outputs.restore(WARNING)
    outputs.drive(alarm(3), DANGER)
    assert sound.shown == [WARNING, DANGER]
    assert caplog.text.count("burnt") == 2
    assert outputs.failed == 1


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
    for signal in (Signal("off", "amber"), WARNING, WARNING, DANGER, DANGER, DARK):
        outputs.drive(alarm(3), signal)
    outputs.close()
    siren, lamp = pins
    assert (siren.pin, lamp.pin) == (17, 27)
    assert siren.told == ["blink 0.5 0.5", "on", "off", "off", "close"]
    assert lamp.told == ["blink 0.5 0.5", "on", "off", "off", "close"]


@pytest.mark.usefixtures("pins")
async def test_a_pin_that_cannot_be_had_keeps_no_other_siren_silent_and_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "outputs.jsonl"
    outputs = open_outputs([GpioOutput(siren_pin=0, lamp_pin=27), LogOutput(file=str(file))])
    assert "pin 0 is in use" in caplog.text
    outputs.drive(alarm(3), Signal("continuous", "red"))
    assert outputs.failed == 1
    await until(lambda: file.exists() and "continuous" in file.read_text())
    outputs.close()


def test_gpio_without_its_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    outputs = open_outputs([GpioOutput(siren_pin=17, lamp_pin=27)])
    assert "pip install 'sitewarden[gpio]'" in caplog.text
    outputs.close()


@pytest.mark.usefixtures("pins")
def test_a_lamp_that_fails_leaves_the_siren_in_nobodys_way(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = GpioDriver(siren_pin=17, lamp_pin=27)
    siren, lamp = driver._siren, driver._lamp

    def broken(*_: object, **__: object) -> None:
        raise OSError("the wire is cut")

    for way in ("on", "off", "blink"):
        monkeypatch.setattr(lamp, way, broken)
    with pytest.raises(OutputError, match="the wire is cut"):
        driver.show(Signal("continuous", "red"))
    assert siren.told[-1] == "on"
    with pytest.raises(OutputError):
        driver.show(Signal("off", "off"))
    assert siren.told[-1] == "off"
    with pytest.raises(OutputError):
        driver.show(Signal("continuous", "red"))
    assert siren.told[-1] == "on"


async def test_a_file_that_cannot_be_written_is_no_reason_to_stop_and_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "outputs.jsonl"
    file.mkdir()
    sound = Sound()
    outputs = Outputs([LogDriver(file), sound])
    outputs.drive(alarm(3), DANGER)
    assert sound.shown == [DANGER]
    await until(lambda: outputs.dropped == 1)
    assert "output cannot be written yet" in caplog.text
    assert "output failed" in caplog.text
    file.rmdir()
    outputs.drive(alarm(3, "cleared"), DARK)
    outputs.close()
    assert json.loads(file.read_text())["change"] == "cleared"


async def test_a_disk_that_hangs_holds_up_nothing_and_what_it_costs_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LogDriver, "WAITING", 3)
    pipe = tmp_path / "outputs.jsonl"
    # Opening a pipe that nobody reads blocks as a dead disk does.
    os.mkfifo(pipe)
    sound = Sound()
    outputs = Outputs([LogDriver(pipe), sound])
    for _ in range(5):
        outputs.drive(alarm(3), DANGER)
    assert sound.shown == [DANGER] * 5
    assert outputs.dropped == 2
    with pipe.open("rb") as reader:
        outputs.close()
        assert len(reader.read().splitlines()) == 3


async def test_a_test_shows_each_signal_and_says_that_it_is_one(tmp_path: Path) -> None:
    sound = Sound()
    outputs = Outputs([sound])
    await outputs.test(each_s=0.001)
    assert sound.shown == [Signal("off", "amber"), WARNING, DANGER, DARK]
    assert [entry["change"] for entry in sound.noted] == ["test"] * 4
    assert not outputs.is_testing


async def test_an_alarm_ends_a_test_at_once() -> None:
    sound = Sound()
    outputs = Outputs([sound])
    test = asyncio.create_task(outputs.test(each_s=60))
    await until(lambda: sound.shown)
    outputs.drive(alarm(2), WARNING)
    await asyncio.wait_for(test, PATIENCE_S)
    assert sound.shown == [Signal("off", "amber"), WARNING]


async def test_outputs_are_not_tested_while_an_alarm_stands_nor_twice_at_a_time() -> None:
    outputs = Outputs([Sound()])
    test = asyncio.create_task(outputs.test(each_s=60))
    await until(lambda: outputs.is_testing)
    with pytest.raises(OutputsBusyError, match="under way"):
        await outputs.test()
    outputs.drive(alarm(2), WARNING)
    await test
    with pytest.raises(OutputsBusyError, match="stands"):
        await outputs.test()


def test_a_tone_that_changes_without_a_transition_is_noted_once() -> None:
    sound = Sound()
    outputs = Outputs([sound])
    outputs.drive(alarm(4), DANGER)
    for _ in range(3):
        outputs.follow(Signal("intermittent", "red"))
    assert [entry["change"] for entry in sound.noted] == ["raised", "tone"]
    assert sound.shown == [DANGER, Signal("intermittent", "red")]


@pytest.mark.usefixtures("pins")
def test_a_button_tells_of_each_press_and_a_driver_without_one_keeps_no_other_from_listening() -> None:
    outputs = open_outputs([GpioOutput(siren_pin=17, lamp_pin=27, acknowledge_pin=22)])
    presses: list[str] = []
    outputs.listen(lambda: presses.append("pressed"))
    button: Any = importlib.import_module("gpiozero").Button.made[-1]
    button.when_pressed()
    assert (button.pin, presses) == (22, ["pressed"])
    outputs.close()
    sound = Sound()
    Outputs([Broken(), sound]).listen(lambda: presses.append("again"))
    sound.press()
    assert presses == ["pressed", "again"]


class Stuck:
    """A driver whose library fails in a way that nobody declared, so many times."""

    def __init__(self, times: int) -> None:
        self.times, self.shown = times, []

    def show(self, signal: Signal) -> None:
        if self.times:
            self.times -= 1
            raise RuntimeError("no such chip")
        self.shown.append(signal)

    def note(self, entry: Entry) -> None:
        pass

    def listen(self, press: Press) -> None:
        pass

    def close(self) -> None:
        del self.times


def test_whatever_a_driver_raises_the_other_siren_sounds() -> None:
    broken, sound = Stuck(99), Stuck(0)
    Outputs([broken, sound]).drive(alarm(4), DANGER)
    assert sound.shown == [DANGER]


def test_a_siren_that_was_stuck_once_sounds_when_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = Stuck(1)
    outputs = Outputs([stuck])
    outputs.drive(alarm(4), DANGER)
    assert stuck.shown == []
    monkeypatch.setattr(outputs, "_retry_at", 0.0)
    outputs.retry()
    outputs.retry()
    assert stuck.shown == [DANGER]
