"""Siren and lamp kept at what the standing alarms ask for: at a transition, as time passes, at the button."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from edge import tone
from edge.judge import Judge
from edge.outputs import Outputs
from sitewarden.messages import Alarm

log = logging.getLogger(__name__)


class Sounding:
    """What people on site hear and see of one gateway's alarms."""

    def __init__(self, outputs: Outputs, judge: Callable[[], Judge], max_on_s: Callable[[], float]) -> None:
        """`judge` is the one at work now, `max_on_s` how long a continuous tone lasts now; silent yet."""
        self.outputs = outputs
        self._judge, self._max_on_s = judge, max_on_s
        self._alarmed = asyncio.Event()
        """Set by every transition; while no alarm stands nothing ticks."""
        self._test: asyncio.Task[int] | None = None

    @property
    def tasks(self) -> Sequence[asyncio.Task[int]]:
        """A test that somebody has begun."""
        return () if self._test is None else (self._test,)

    def restore(self) -> None:
        """Show again what stood when the agent ended."""
        self.outputs.restore(self._signal())

    def tell(self, alarms: Sequence[Alarm]) -> None:
        """Transitions; nobody hears those of a device on trial."""
        self._alarmed.set()
        for alarm in alarms:
            if not alarm.test:
                self.outputs.drive(alarm, self._signal())

    def follow(self) -> None:
        """Where the value is changes the tone of an acknowledged alarm, and no transition says so."""
        if self.outputs.signal == tone.SILENT:
            self.outputs.retry()
        else:
            self.change()

    def change(self) -> None:
        """Another judge is at work, or other bounds hold."""
        self.outputs.follow(self._signal())

    def test(self) -> None:
        """Show each signal for two seconds, unless an alarm stands or comes; raises `OutputsBusyError`."""
        self.outputs.check_testable()
        self._test = asyncio.create_task(self.outputs.test(), name="output test")

    async def run(self, pressed: Callable[[], object], tick_s: float) -> None:
        """Follow the time until cancelled: a tone ends by it, or because the value is back.

        Looks every `tick_s`; `pressed` is called in this loop when somebody presses the button at the siren.
        """
        loop = asyncio.get_running_loop()

        def press() -> None:
            loop.call_soon_threadsafe(pressed)

        self.outputs.listen(press)
        while True:
            if not self._judge().standing():
                self._alarmed.clear()
                await self._alarmed.wait()
            before = loop.time()
            await asyncio.sleep(tick_s)
            now = loop.time()
            try:
                self._judge().sounded(now - before, self._max_on_s())
                self.follow()
            except Exception:
                log.exception("siren and lamp could not follow the alarms")

    def _signal(self) -> tone.Signal:
        return tone.signal_of(self._judge().standing(), self._max_on_s())
