"""Siren and lamp: what people hear and see of the worst standing alarm, whatever else is broken."""

import importlib
import json
import logging
import time
from collections.abc import Callable, Iterable
from io import FileIO
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from edge import clock
from edge.settings import GpioOutput, LogOutput, OutputSettings
from sitewarden.errors import SiteWardenError
from sitewarden.messages import Alarm

log = logging.getLogger(__name__)

Siren = Literal["off", "intermittent", "continuous"]
Lamp = Literal["off", "amber", "red"]

INTERMITTENT_S = 0.5


class OutputError(SiteWardenError):
    """A siren or lamp cannot be driven."""


class Signal(NamedTuple):
    """What siren and lamp show."""

    siren: Siren
    lamp: Lamp


_SIGNALS = (Signal("off", "off"), Signal("off", "amber"), Signal("intermittent", "amber"))
_WORST = Signal("continuous", "red")


def signal_of(level: int) -> Signal:
    """The signal of the worst standing level, 0 (none) to 4."""
    return _SIGNALS[level] if level < len(_SIGNALS) else _WORST


class OutputDriver(Protocol):
    """Siren and lamp of one make; raises `OutputError` where it cannot drive them."""

    def show(self, signal: Signal) -> None:
        """Drive siren and lamp; returns when that is done."""

    def note(self, alarm: Alarm, signal: Signal) -> None:
        """Told after `show` which transition brought it; most drivers have nothing to do."""

    def close(self) -> None:
        """Switch off and let go."""


class LogDriver:
    """Siren and lamp as JSON lines, one a transition: for tests and the demo, or as a diary."""

    def __init__(self, file: Path) -> None:
        """A file that cannot be written may be later; a diary is no reason to leave a site unwatched."""
        self._path = file
        self._file: FileIO | None = None
        try:
            self._open()
        except OutputError as exc:
            log.critical("output cannot be written yet: %s", exc)

    def show(self, signal: Signal) -> None:
        """Nothing to drive."""

    def note(self, alarm: Alarm, signal: Signal) -> None:
        """One line in one write, so that it is whole or not there."""
        line = {
            "at_ms": clock.now_ms(),
            "change": alarm.change,
            "episode": alarm.episode,
            "device": alarm.device,
            "point": alarm.point,
            "rule": alarm.rule,
            "level": alarm.level,
            "reading_at_ms": alarm.at,
            "siren": signal.siren,
            "lamp": signal.lamp,
        }
        file = self._file or self._open()
        try:
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        except OSError as exc:
            raise OutputError(f"{self._path}: {exc.strerror}") from exc

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def _open(self) -> FileIO:
        try:
            # Unbuffered: a line is in the file when `note` returns, even if the process dies then.
            self._file = self._path.open("ab", buffering=0)
        except OSError as exc:
            raise OutputError(f"{self._path}: {exc.strerror}") from exc
        return self._file


class GpioDriver:
    """Siren and lamp on two pins; the lamp blinks for amber and burns for red."""

    def __init__(self, siren_pin: int, lamp_pin: int) -> None:
        """Raises `OutputError` where gpiozero or the pins are missing."""
        try:
            gpiozero: Any = importlib.import_module("gpiozero")
        except ModuleNotFoundError as exc:
            mend = "install it with: pip install 'sitewarden[gpio]'"
            raise OutputError(f"the gpio driver needs `{exc.name}`; {mend}") from exc
        self._error: type[Exception] = gpiozero.GPIOZeroError
        try:
            self._siren = gpiozero.DigitalOutputDevice(siren_pin)
            self._lamp = gpiozero.DigitalOutputDevice(lamp_pin)
        except (self._error, OSError) as exc:
            raise OutputError(f"pins {siren_pin} and {lamp_pin}: {exc}") from exc
        self._shown = Signal("off", "off")

    def show(self, signal: Signal) -> None:
        """A pin whose state does not change is left alone, so that a beat is not broken."""
        try:
            if signal.siren != self._shown.siren:
                _drive(self._siren, steady=signal.siren == "continuous", beats=signal.siren == "intermittent")
            if signal.lamp != self._shown.lamp:
                _drive(self._lamp, steady=signal.lamp == "red", beats=signal.lamp == "amber")
        except (self._error, OSError) as exc:
            raise OutputError(str(exc)) from exc
        self._shown = signal

    def note(self, alarm: Alarm, signal: Signal) -> None:
        """Nothing to write."""

    def close(self) -> None:
        """Off, then free the pins."""
        self._siren.close()
        self._lamp.close()


def _drive(pin: Any, *, steady: bool, beats: bool) -> None:
    if beats:
        pin.blink(on_time=INTERMITTENT_S, off_time=INTERMITTENT_S)
    elif steady:
        pin.on()
    else:
        pin.off()


RETRY_S = 1.0
"""So often a siren that failed is tried again."""


class Outputs:
    """All drivers of a gateway; one that fails does not keep the others from sounding."""

    def __init__(self, drivers: Iterable[OutputDriver]) -> None:
        """Made by `open_outputs`."""
        self._drivers = list(drivers)
        self._signal = signal_of(0)
        self._failed: list[OutputDriver] = []
        self._retry_at = 0.0

    def restore(self, level: int) -> None:
        """Show again what stood when the agent ended."""
        self._show(self._drivers, signal_of(level))

    def drive(self, alarm: Alarm, level: int) -> None:
        """Show the worst standing level, which `alarm` has brought: every siren first, then the diaries."""
        self._show(self._drivers, signal_of(level))
        for driver in self._drivers:
            self._try(lambda driver=driver: driver.note(alarm, self._signal))  # type: ignore[misc]

    def retry(self) -> None:
        """Show again where it failed; a siren that was stuck once must not stay silent for the episode."""
        if self._failed and time.monotonic() >= self._retry_at:
            self._show(self._failed, self._signal)

    def _show(self, drivers: list[OutputDriver], signal: Signal) -> None:
        self._signal = signal
        self._failed = [d for d in drivers if not self._try(lambda d=d: d.show(signal))]  # type: ignore[misc]
        self._retry_at = time.monotonic() + RETRY_S

    @staticmethod
    def _try(act: Callable[[], None]) -> bool:
        """Whether it was done. Whatever a library raises, the other sirens and the record come next."""
        try:
            act()
        except OutputError as exc:
            log.critical("output failed: %s", exc)
        except Exception:
            log.critical("output failed", exc_info=True)
        else:
            return True
        return False

    def close(self) -> None:
        """Switch everything off."""
        for driver in self._drivers:
            driver.close()


def open_outputs(settings: Iterable[OutputSettings]) -> Outputs:
    """The drivers that the configuration names; raises `OutputError`."""
    return Outputs([_open(each) for each in settings])


def _open(settings: OutputSettings) -> OutputDriver:
    match settings:
        case LogOutput(file=file):
            return LogDriver(Path(file))
        case GpioOutput(siren_pin=siren_pin, lamp_pin=lamp_pin):
            return GpioDriver(siren_pin, lamp_pin)
