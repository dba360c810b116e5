"""Siren and lamp: what people hear and see of the standing alarms, whatever else is broken."""

import asyncio
import importlib
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Any, Protocol

from edge import clock
from edge.settings import GpioOutput, LogOutput, OutputSettings
from edge.tone import SILENT, Lamp, Signal, Siren
from sitewarden.errors import SiteWardenError
from sitewarden.messages import Alarm

log = logging.getLogger(__name__)

INTERMITTENT_S = 0.5
TEST_S = 2.0
"""So long each signal of a test is shown."""
TEST_SIGNALS = (Signal("off", "amber"), Signal("intermittent", "amber"), Signal("continuous", "red"))
BOUNCE_S = 0.05
"""A button's contacts open and close for so long before they settle."""

Entry = Mapping[str, Any]
"""One line of a diary."""
Press = Callable[[], None]
"""Somebody pressed the button; called from a thread of the driver's."""


class OutputError(SiteWardenError):
    """A siren or lamp cannot be driven."""


class OutputsBusyError(SiteWardenError):
    """Outputs are not tested while they speak of an alarm, nor twice at a time."""


class OutputDriver(Protocol):
    """Siren and lamp of one make; raises `OutputError` where it cannot drive them."""

    def show(self, signal: Signal) -> None:
        """Drive siren and lamp; returns when that is done."""

    def note(self, entry: Entry) -> None:
        """Told after `show` what brought it; must not wait. Most drivers have nothing to do."""

    def listen(self, press: Press) -> None:
        """Have `press` called whenever somebody acknowledges at the siren; most have no button."""

    def close(self) -> None:
        """Switch off and let go."""


class LogDriver:
    """Siren and lamp as JSON lines, one a transition: for tests and the demo, or as a diary.

    A thread of its own writes them, for a disk may hang, and polls and sirens must not hang with it.
    """

    WAITING = 1000
    """So many lines wait for a slow disk; more are dropped and counted."""
    CLOSE_S = 2.0
    """So long the end waits for the disk."""

    def __init__(self, file: Path) -> None:
        """A file that cannot be written may be later; a diary is no reason to leave a site unwatched."""
        self.dropped = 0
        self._path = file
        self._file: FileIO | None = None
        self._lines: queue.Queue[bytes | None] = queue.Queue(self.WAITING)
        self._thread = threading.Thread(target=self._write_all, name=f"output {file.name}", daemon=True)
        self._thread.start()

    def show(self, signal: Signal) -> None:
        """Nothing to drive."""

    def note(self, entry: Entry) -> None:
        """One line in one write, so that it is whole or not there."""
        try:
            self._lines.put_nowait(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        except queue.Full:
            self._drop("the disk is too slow")

    def listen(self, press: Press) -> None:
        """A file has no button."""

    def close(self) -> None:
        """Write what waits and let go of the file; a disk that hangs is not waited for longer."""
        try:
            self._lines.put(None, timeout=self.CLOSE_S)
        except queue.Full:
            log.critical("output lines lost at the end file=%s count=%d", self._path, self._lines.qsize())
            return
        self._thread.join(self.CLOSE_S)

    def _write_all(self) -> None:
        try:
            self._open()
        except OSError as exc:
            log.critical("output cannot be written yet: %s: %s", self._path, exc.strerror)
        while (line := self._lines.get()) is not None:
            try:
                (self._file or self._open()).write(line)
            except OSError as exc:
                self._drop(exc.strerror or str(exc))
        if self._file is not None:
            self._file.close()

    def _open(self) -> FileIO:
        # Unbuffered: a line is in the file when the write returns, even if the process dies then.
        self._file = self._path.open("ab", buffering=0)
        return self._file

    def _drop(self, why: str) -> None:
        self.dropped += 1
        log.critical("output failed: %s: %s; lines dropped so far: %d", self._path, why, self.dropped)


class GpioDriver:
    """Siren and lamp on two pins; the lamp blinks for amber and burns for red. A button on a third."""

    def __init__(self, siren_pin: int, lamp_pin: int, acknowledge_pin: int | None = None) -> None:
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
            self._button = (
                None if acknowledge_pin is None else gpiozero.Button(acknowledge_pin, bounce_time=BOUNCE_S)
            )
        except (self._error, OSError) as exc:
            pins = (siren_pin, lamp_pin, acknowledge_pin)
            named = ", ".join(str(pin) for pin in pins if pin is not None)
            raise OutputError(f"pins {named}: {exc}") from exc
        self._sounds: Siren | None = "off"
        self._burns: Lamp | None = "off"
        """What each pin is known to do; `None` after a failure."""

    def show(self, signal: Signal) -> None:
        """A pin whose state does not change is left alone, so that a beat is not broken.

        Each pin by itself: a lamp that fails neither keeps the siren silent nor lets it sound for ever.
        """
        failures = [*self._sound(signal.siren), *self._burn(signal.lamp)]
        if failures:
            raise OutputError("; ".join(map(str, failures)))

    def _sound(self, siren: Siren) -> Iterator[Exception]:
        if siren != self._sounds:
            self._sounds = None
            try:
                _drive(self._siren, steady=siren == "continuous", beats=siren == "intermittent")
                self._sounds = siren
            except (self._error, OSError) as exc:
                yield exc

    def _burn(self, lamp: Lamp) -> Iterator[Exception]:
        if lamp != self._burns:
            self._burns = None
            try:
                _drive(self._lamp, steady=lamp == "red", beats=lamp == "amber")
                self._burns = lamp
            except (self._error, OSError) as exc:
                yield exc

    def note(self, entry: Entry) -> None:
        """Nothing to write."""

    def listen(self, press: Press) -> None:
        """Each press counts once; a contact that is stuck closed silences nothing that comes later."""
        if self._button is not None:
            self._button.when_pressed = press

    def close(self) -> None:
        """Off, then free the pins: one that is only freed floats, and a relay may keep what it had."""
        for pin in (self._siren, self._lamp):
            try:
                pin.off()
            except (self._error, OSError) as exc:
                log.critical("output not switched off: %s", exc)
            pin.close()
        if self._button is not None:
            self._button.close()


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
        self._signal = SILENT
        self._failed: list[OutputDriver] = []
        self._retry_at = 0.0
        self._test_ended: asyncio.Event | None = None
        """Of the test under way."""

    @property
    def signal(self) -> Signal:
        """What the standing alarms ask for."""
        return self._signal

    @property
    def is_testing(self) -> bool:
        """Whether a test is under way."""
        return self._test_ended is not None

    @property
    def failed(self) -> int:
        """Drivers that could not show the signal."""
        return len(self._failed)

    @property
    def dropped(self) -> int:
        """Lines that no diary took."""
        return sum(driver.dropped for driver in self._drivers if isinstance(driver, LogDriver))

    def listen(self, press: Press) -> None:
        """Have `press` called, from whatever thread, when a button is pressed."""
        for driver in self._drivers:
            self._try(lambda driver=driver: driver.listen(press))  # type: ignore[misc]

    def restore(self, signal: Signal) -> None:
        """Show again what stood when the agent ended."""
        self._show(self._drivers, signal)

    def drive(self, alarm: Alarm, signal: Signal) -> None:
        """Show the signal, which `alarm` has brought: every siren first, then the diaries."""
        self._end_test()
        self._show(self._drivers, signal)
        self._note(
            {
                "change": alarm.change,
                "episode": alarm.episode,
                "device": alarm.device,
                "point": alarm.point,
                "rule": alarm.rule,
                "level": alarm.level,
                "reading_at_ms": alarm.at,
            },
            signal,
        )

    def follow(self, signal: Signal) -> None:
        """Show the signal where it has changed without a transition, for time or the value moved on."""
        if signal == self._signal:
            self.retry()
            return
        self._end_test()
        self._show(self._drivers, signal)
        self._note({"change": "tone"}, signal)

    def retry(self) -> None:
        """Show again where it failed; a siren that was stuck once must not stay silent for the episode."""
        if self._failed and time.monotonic() >= self._retry_at:
            self._show(self._failed, self._signal)

    def check_testable(self) -> None:
        """Raise `OutputsBusyError` where an alarm stands, or a test is under way."""
        if self._signal != SILENT:
            raise OutputsBusyError("an alarm stands; outputs are tested when none does")
        if self._test_ended is not None:
            raise OutputsBusyError("a test is already under way")

    async def test(self, each_s: float = TEST_S) -> int:
        """Show each signal for `each_s` seconds; an alarm ends it at once.

        Returns how many outputs could not be driven; raises `OutputsBusyError`.
        """
        self.check_testable()
        ended = self._test_ended = asyncio.Event()
        failed = 0
        try:
            for signal in TEST_SIGNALS:
                failed = max(failed, self._show_test(signal))
                if await _is_set_within(ended, each_s):
                    break
        finally:
            if not ended.is_set():
                self._test_ended = None
                self._show_test(SILENT)
        return failed

    def close(self) -> None:
        """Switch everything off."""
        for driver in self._drivers:
            driver.close()

    def _end_test(self) -> None:
        if self._test_ended is not None:
            self._test_ended.set()
            self._test_ended = None

    def _show_test(self, signal: Signal) -> int:
        """How many could not."""
        shown = [self._try(lambda d=driver: d.show(signal)) for driver in self._drivers]  # type: ignore[misc]
        self._note({"change": "test"}, signal)
        return shown.count(False)

    def _show(self, drivers: list[OutputDriver], signal: Signal) -> None:
        self._signal = signal
        self._failed = [d for d in drivers if not self._try(lambda d=d: d.show(signal))]  # type: ignore[misc]
        self._retry_at = time.monotonic() + RETRY_S

    def _note(self, what: Entry, signal: Signal) -> None:
        entry = {"at_ms": clock.now_ms(), **what, "siren": signal.siren, "lamp": signal.lamp}
        for driver in self._drivers:
            self._try(lambda driver=driver: driver.note(entry))  # type: ignore[misc]

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


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


class LateDriver:
    """A siren that could not be had at the start, tried again at every signal: the others must not wait."""

    def __init__(self, settings: OutputSettings) -> None:
        """Opens nothing yet."""
        self._settings = settings
        self._driver: OutputDriver | None = None
        self._press: Press | None = None

    def show(self, signal: Signal) -> None:
        """Open it if need be, and show; raises `OutputError` as long as it cannot be had."""
        if self._driver is None:
            self._driver = _open(self._settings)
            if self._press is not None:
                self._driver.listen(self._press)
        self._driver.show(signal)

    def note(self, entry: Entry) -> None:
        """Nobody is there to be told before it is open."""
        if self._driver is not None:
            self._driver.note(entry)

    def listen(self, press: Press) -> None:
        """Once it is open."""
        self._press = press

    def close(self) -> None:
        """Off, if it ever was had."""
        if self._driver is not None:
            self._driver.close()


def open_outputs(settings: Iterable[OutputSettings]) -> Outputs:
    """The drivers that the configuration names; one that cannot be had yet is no reason to leave a site."""
    return Outputs([_open_or_later(each) for each in settings])


def _open_or_later(settings: OutputSettings) -> OutputDriver:
    try:
        return _open(settings)
    except OutputError as exc:
        log.critical("output cannot be had yet: %s", exc)
        return LateDriver(settings)


def _open(settings: OutputSettings) -> OutputDriver:
    match settings:
        case LogOutput(file=file):
            return LogDriver(Path(file))
        case GpioOutput(siren_pin=siren_pin, lamp_pin=lamp_pin, acknowledge_pin=acknowledge_pin):
            return GpioDriver(siren_pin, lamp_pin, acknowledge_pin)
