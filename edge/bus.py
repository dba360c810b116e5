"""One owner a bus: reads what is due in the order of deadlines; a dead unit costs its neighbours nothing."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from edge import cancelling, clock
from edge.breaker import Breaker
from edge.config import Bus, Device
from edge.drivers import Answer, Link
from edge.drivers.registers import PlannedRead, halves, plan, values
from sitewarden.quality import Quality
from sitewarden.readings import Reading

log = logging.getLogger(__name__)

REOPEN_AFTER_SILENCES = 3
"""A line on which nobody has answered so often in a row may be dead itself (a half-open connection)."""
QUIET_INTERVAL_S = 1.0
"""Bad readings of a unit that is not asked come no more often than this; silence stays visible."""
FIRST_POLL_S = 0.1
"""The line is given this long to open before its silence counts."""
TELL_MISSED_S = 60.0
MARGIN_S = 0.005
"""Between the end of a probe's waiting and the next deadline."""

Sink = Callable[[Device, Sequence[Reading]], None]
"""Takes the readings of one poll; must not wait for anything."""


class Poll:
    """One poll group of one device on its grid of deadlines."""

    def __init__(self, device: Device, group: str, breaker: Breaker, *, start: float) -> None:
        """Deadlines are `start`, `start` + interval, … seconds of the loop's clock."""
        modbus = device.profile.modbus
        points = [(key, point) for key, point in device.profile.points.items() if point.group == group]
        self.device, self.breaker = device, breaker
        self.reads: list[PlannedRead] = plan(modbus, points)
        self.interval_s = device.intervals_ms[group] / 1000
        self.due = start
        self.missed = 0
        """Deadlines that passed while the bus was busy; counted, never made up for."""
        self._quiet_until = 0.0

    def advance(self, now: float) -> None:
        """To the next deadline on the grid that is not over yet."""
        self.due += self.interval_s
        if self.due <= now:
            over = int((now - self.due) // self.interval_s) + 1
            self.missed += over
            self.due += over * self.interval_s

    def tells_silence(self, now: float) -> bool:
        """Whether it is time again for bad readings of a unit that is not asked."""
        if now < self._quiet_until:
            return False
        self._quiet_until = now + max(self.interval_s, QUIET_INTERVAL_S) - MARGIN_S
        return True

    def refused(self, read: PlannedRead) -> None:
        """From now on ask for the halves, so that in the end only the missing register's points are bad."""
        at = self.reads.index(read)
        self.reads[at : at + 1] = halves(self.device.profile.modbus, read)


class BusTask:
    """Reads one bus for as long as it runs."""

    def __init__(self, bus: Bus, link: Link, sink: Sink) -> None:
        """Every reading goes to `sink`, good or bad, one a point and poll."""
        self.bus, self._link, self._sink = bus, link, sink
        self._timeout_s = bus.modbus.timeout_ms / 1000
        self._silences = 0
        self._told_missed = 0
        start = asyncio.get_running_loop().time() + FIRST_POLL_S
        self.polls = [
            Poll(device, group, breaker, start=start)
            for device in bus.devices
            for breaker in [Breaker()]
            for group in device.intervals_ms
            if any(point.group == group for point in device.profile.points.values())
        ]

    async def run(self) -> None:
        """Poll until cancelled; a mistake of ours at one poll must not end the others."""
        loop = asyncio.get_running_loop()
        tell_at = loop.time() + TELL_MISSED_S
        while True:
            poll = min(self.polls, key=lambda poll: poll.due)
            await asyncio.sleep(poll.due - loop.time())
            try:
                await self._poll(poll, loop.time)
            except Exception:
                log.exception("poll failed bus=%s device=%s", self.bus.name, poll.device.name)
            cancelling.heed()
            poll.advance(loop.time())
            if loop.time() >= tell_at:
                tell_at += TELL_MISSED_S
                self._tell_missed()

    async def _poll(self, poll: Poll, monotonic: Callable[[], float]) -> None:
        if not poll.breaker.may_ask(monotonic()):
            self._tell_silence(poll, Quality.TIMEOUT, monotonic())
            return
        readings: list[Reading] = []
        quality = Quality.GOOD
        for read in list(poll.reads):
            answer, at_ms = await self._ask(poll, read, monotonic)
            quality = answer.quality
            if answer.quality is Quality.DISCONNECTED or answer.is_silence:
                break
            if answer.is_refusal and len(read.points) > 1:
                log.warning("unit refuses registers device=%s %s", poll.device.name, answer.detail)
                poll.refused(read)
            readings += _readings(poll.device, read, answer, at_ms)
        if quality is Quality.DISCONNECTED and not readings:
            self._tell_silence(poll, quality, monotonic())
            return
        if len(readings) < _points(poll):
            readings += self._unread(poll, readings, quality)
        self._sink(poll.device, readings)

    async def _ask(self, poll: Poll, read: PlannedRead, monotonic: Callable[[], float]) -> tuple[Answer, int]:
        """The answer and its source time, the middle between request and response."""
        asked = monotonic()
        timeout_s = poll.breaker.timeout_s(asked, self._timeout_s, self._slack_s(poll, asked))
        answer = await self._link.read(poll.device.unit, read.request, timeout_s)
        answered = monotonic()
        self._note(poll, answer, answered - asked, timeout_s, answered)
        return answer, round(time.time() * 1000 - (answered - asked) * 500)

    def _slack_s(self, poll: Poll, now: float) -> float:
        """Until when nobody else who is alive wants the bus."""
        others = [p.due for p in self.polls if p.breaker is not poll.breaker and not p.breaker.is_doubtful]
        return min(others) - now - MARGIN_S if others else self._timeout_s

    def _note(self, poll: Poll, answer: Answer, took_s: float, timeout_s: float, now: float) -> None:
        """What the answer tells of the unit, and what a row of silences tells of the line."""
        if answer.quality is Quality.DISCONNECTED:
            return
        unit = f"bus={self.bus.name} device={poll.device.name} unit={poll.device.unit}"
        if not answer.is_silence:
            self._silences = 0
            if poll.breaker.answered(took_s):
                log.info("unit answers again %s", unit)
            return
        if poll.breaker.was_silent(now, self._timeout_s, timeout_s):
            log.warning("unit does not answer %s detail=%r", unit, answer.detail)
        self._silences += 1
        if self._silences >= REOPEN_AFTER_SILENCES:
            self._silences = 0
            self._link.reopen()

    def overdue_s(self) -> float:
        """How far behind its earliest deadline the bus is; below 0 while it waits for it."""
        return asyncio.get_running_loop().time() - min(poll.due for poll in self.polls)

    def _tell_missed(self) -> None:
        """Say so where the bus could not keep up since the last time."""
        missed = sum(poll.missed for poll in self.polls)
        if missed > self._told_missed:
            worst = max(self.polls, key=lambda poll: poll.missed)
            since = missed - self._told_missed
            log.warning("deadlines missed bus=%s count=%d most=%s", self.bus.name, since, worst.device.name)
        self._told_missed = missed

    def _unread(self, poll: Poll, read: list[Reading], quality: Quality) -> list[Reading]:
        """Bad readings of the points that this poll did not get to."""
        known, at_ms = {reading.point for reading in read}, clock.now_ms()
        points = (f"{poll.device.name}/{placed.key}" for part in poll.reads for placed in part.points)
        return [Reading(point, at_ms, None, quality) for point in points if point not in known]

    def _tell_silence(self, poll: Poll, quality: Quality, now: float) -> None:
        if poll.tells_silence(now):
            self._sink(poll.device, self._unread(poll, [], quality))


def _points(poll: Poll) -> int:
    return sum(len(read.points) for read in poll.reads)


def _readings(device: Device, read: PlannedRead, answer: Answer, at_ms: int) -> list[Reading]:
    word_order = device.profile.modbus.word_order
    return [
        Reading(f"{device.name}/{key}", at_ms, value, quality)
        for key, value, quality in values(read, answer, word_order)
    ]
