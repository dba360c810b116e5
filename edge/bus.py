"""One owner a bus: the earliest deadline first, and a dead unit costs its neighbours nothing."""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from edge import cancelling
from edge.breaker import Breaker
from edge.config import Bus, Device
from edge.drivers import Answer, Link
from edge.drivers.registers import PlannedRead, halves, plan, registers_of, values
from edge.plausibility import Plausibility, watched
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
HOLES_S = 3600.0
"""So long a register that a unit does not have is left alone; a new firmware may have it."""
MARGIN_S = 0.005
"""Between the end of a probe's waiting and the next deadline."""
LATENCIES = 1000
"""The newest of them say how fast the bus is."""

Sink = Callable[[Device, Sequence[Reading]], None]
"""Takes the readings of one poll; must not wait for anything."""
Stamp = Callable[[float], int]
"""The UTC milliseconds of an instant of the loop's clock."""


def wall_ms(monotonic_s: float) -> int:
    """By the wall clock as it stands now."""
    return round((time.time() + monotonic_s - time.monotonic()) * 1000)


class Unit:
    """A device as the bus sees it: whether it answers, and when it may be asked again."""

    def __init__(self, device: Device, bus_timeout_s: float) -> None:
        """Believed alive and never asked."""
        modbus = device.profile.modbus
        self.device, self.breaker = device, Breaker()
        self.timeout_s = max(bus_timeout_s, (modbus.answer_ms or 0) / 1000)
        self.pause_s = modbus.pause_ms / 1000
        self.ready_at = 0.0
        """Before that it wants to be left alone."""
        self.answered_at: float | None = None


class Poll:
    """One poll group of one device on its grid of deadlines."""

    def __init__(self, unit: Unit, group: str, *, start: float) -> None:
        """Due at `start`, `start` + interval, … seconds of the loop's clock, each to be done by the next."""
        self.unit, self.device = unit, unit.device
        self._points = [(key, p) for key, p in self.device.profile.points.items() if p.group == group]
        # Made once: a name whose hash is known is found faster, and there are thousands a second.
        self._names = {key: f"{self.device.name}/{key}" for key, _ in self._points}
        self._plausible = {key: Plausibility(point) for key, point in self._points if watched(point)}
        self.holes: set[int] = set()
        """Registers that the unit does not have, as the profile numbers them."""
        self._holes_until = 0.0
        self.reads = self._planned()
        self.interval_s = self.device.intervals_ms[group] / 1000
        self.due = start
        self.missed = 0
        """Deadlines that passed while the bus was busy; counted, never made up for."""
        self._quiet_until = 0.0
        self._is_bisecting = False
        self._refuses_all = False
        self.left: list[PlannedRead] = []
        """Of the present turn: still to be asked."""
        self.answers: list[tuple[PlannedRead, Answer]] = []
        """Of the present turn."""

    @property
    def deadline(self) -> float:
        """By when the present turn should be done."""
        return self.due + self.interval_s

    def begin(self, now: float) -> None:
        """Begin a turn, unless one is under way."""
        if self.left or self.answers:
            return
        if self.holes and now >= self._holes_until:
            self.forget_holes()
        self.left = list(self.reads)

    def take(self, read: PlannedRead, answer: Answer) -> None:
        """Take the answer to the first that was left; one that was refused goes on as its halves, at once."""
        self.left.pop(0)
        if answer.is_refusal and len(read.points) > 1 and not self._refuses_all:
            self.left[:0] = halves(self.device.profile.modbus, read)
            self._is_bisecting = True
        elif answer.quality is Quality.DISCONNECTED or answer.is_silence:
            self.left.clear()
            self.answers.append((read, answer))
        else:
            self.answers.append((read, answer))

    def end(self, now: float) -> list[tuple[PlannedRead, Answer]]:
        """End the turn and go to the next deadline on the grid that is not over yet; what was answered.

        Where a refused read had parts that the unit does have, the others are holes from now on.
        """
        answers, self.answers, self.left = self.answers, [], []
        refused = [read for read, answer in answers if answer.is_refusal]
        if self._is_bisecting and any(answer.quality is Quality.GOOD for _, answer in answers):
            self.holes.update(register for read in refused for register in registers_of(read))
            self._holes_until = now + HOLES_S
            self.reads = self._planned()
        # A unit that refuses everything has no holes: it is not ready, and is asked as before.
        self._refuses_all = bool(answers) and len(refused) == len(answers)
        self._is_bisecting = False
        self._advance(now)
        return answers

    def readings(self, answers: Sequence[tuple[PlannedRead, Answer]], stamp: Stamp) -> list[Reading]:
        """One reading a point: of what was answered, and a bad one of what was not."""
        found: list[Reading] = []
        for read, answer in answers:
            middle_s = (answer.asked_at + answer.answered_at) / 2
            found += self._judged(values(read, answer), stamp(middle_s), middle_s)
        if len(found) < len(self._points):
            known = {reading.point for reading in found}
            last = answers[-1][1]
            quality = last.quality if last.quality is not Quality.GOOD else Quality.EXCEPTION
            found += (r for r in self.bad(quality, stamp(last.answered_at)) if r.point not in known)
        return found

    def bad(self, quality: Quality, at_ms: int) -> Iterator[Reading]:
        """A bad reading of every point."""
        for key, _ in self._points:
            if key in self._plausible:
                self._plausible[key].missed()
            yield Reading(self._names[key], at_ms, None, quality)

    def tells_silence(self, now: float) -> bool:
        """Whether it is time again for bad readings of a unit that is not asked."""
        if now < self._quiet_until:
            return False
        self._quiet_until = now + max(self.interval_s, QUIET_INTERVAL_S) - MARGIN_S
        return True

    def skip(self, now: float) -> None:
        """Leave this turn out."""
        self.left, self.answers = [], []
        self._advance(now)

    def forget_holes(self) -> None:
        """Ask for everything again."""
        if self.holes:
            self.holes.clear()
            self.reads = self._planned()

    def _planned(self) -> list[PlannedRead]:
        return plan(self.device.profile.modbus, self._points, self.holes)

    def _advance(self, now: float) -> None:
        self.due += self.interval_s
        if self.due <= now:
            over = int((now - self.due) // self.interval_s) + 1
            self.missed += over
            self.due += over * self.interval_s

    def _judged(
        self, decoded: list[tuple[str, float | None, Quality]], at_ms: int, middle_s: float
    ) -> Iterator[Reading]:
        names, plausible = self._names, self._plausible
        for key, value, quality in decoded:
            if plausible and key in plausible:
                value, quality = self._plausibly(plausible[key], value, quality, middle_s)  # noqa: PLW2901
            yield Reading(names[key], at_ms, value, quality)

    @staticmethod
    def _plausibly(
        plausible: Plausibility, value: float | None, quality: Quality, middle_s: float
    ) -> tuple[float | None, Quality]:
        if value is None:
            plausible.missed()
            return None, quality
        judged = plausible.judge(value, middle_s)
        return (value if judged is Quality.GOOD else None), judged


class BusTask:
    """Reads one bus for as long as it runs."""

    def __init__(self, bus: Bus, link: Link, sink: Sink, stamp: Stamp = wall_ms) -> None:
        """Every reading goes to `sink`, good or bad, one a point and poll."""
        self.bus, self.link, self._sink, self._stamp = bus, link, sink, stamp
        timeout_s = bus.modbus.timeout_ms / 1000
        self.units = [Unit(device, timeout_s) for device in bus.devices]
        self._longest_wait_s = max(unit.timeout_s for unit in self.units)
        self._silences = 0
        self._told_missed = 0
        self.busy_s = 0.0
        """So long requests and answers have held the bus since the start."""
        self.latencies_s: deque[float] = deque(maxlen=LATENCIES)
        """Of the newest answers, from request to whole answer."""
        start = asyncio.get_running_loop().time() + FIRST_POLL_S
        self.polls = [
            Poll(unit, group, start=start)
            for unit in self.units
            for group in unit.device.intervals_ms
            if any(point.group == group for point in unit.device.profile.points.values())
        ]

    async def run(self) -> None:
        """Poll until cancelled; a mistake of ours at one poll must not end the others."""
        loop = asyncio.get_running_loop()
        tell_at = loop.time() + TELL_MISSED_S
        while True:
            now = loop.time()
            poll, until = self._choose(now)
            if poll is None:
                await asyncio.sleep(until - now)
            else:
                try:
                    await self._go_on(poll)
                except Exception:
                    log.exception("poll failed bus=%s device=%s", self.bus.name, poll.device.name)
                    poll.skip(loop.time())
            cancelling.heed()
            if now >= tell_at:
                tell_at += TELL_MISSED_S
                self._tell_missed()

    def overdue_s(self) -> float:
        """How far the bus is behind its earliest deadline, beyond what one answer may take."""
        earliest = min(poll.due for poll in self.polls)
        return asyncio.get_running_loop().time() - earliest - self._longest_wait_s - self.link.quiet_s

    def _choose(self, now: float) -> tuple[Poll | None, float]:
        """The poll with the earliest deadline of those that are due, or until when there is none."""
        best, until = None, math.inf
        for poll in self.polls:
            ready_at = max(poll.due, poll.unit.ready_at)
            if ready_at > now:
                until = min(until, ready_at)
            elif best is None or _urgency(poll) < _urgency(best):
                best = poll
        return best, until

    async def _go_on(self, poll: Poll) -> None:
        """Make the next request of a poll's turn; what others need is looked at before each request."""
        now = asyncio.get_running_loop().time()
        unit, timeout_s = poll.unit, self._timeout_s(poll, now)
        if timeout_s is None:
            self._tell_silence(poll, Quality.TIMEOUT, now)
            poll.skip(now)
            return
        poll.begin(now)
        if poll.left:
            read = poll.left[0]
            answer = await self.link.read(unit.device.unit, read.request, timeout_s)
            self._note(unit, answer)
            poll.take(read, answer)
        if not poll.left:
            self._hand_over(poll)

    def _hand_over(self, poll: Poll) -> None:
        """The turn is over: its readings go on."""
        now = asyncio.get_running_loop().time()
        holes = len(poll.holes)
        answers = poll.end(now)
        if len(poll.holes) > holes:
            log.warning("unit lacks registers device=%s registers=%s", poll.device.name, sorted(poll.holes))
        if not answers or (len(answers) == 1 and answers[0][1].quality is Quality.DISCONNECTED):
            self._tell_silence(poll, Quality.DISCONNECTED if answers else Quality.EXCEPTION, now)
        else:
            self._sink(poll.device, poll.readings(answers, self._stamp))

    def _timeout_s(self, poll: Poll, now: float) -> float | None:
        """How long the unit may take to answer; `None` where it must not be asked now."""
        unit, breaker = poll.unit, poll.unit.breaker
        if not breaker.is_doubtful:
            return unit.timeout_s
        if not breaker.may_ask(now):
            return None
        after_s = self.link.quiet_s + max(self.link.wire_s(read.request) for read in poll.reads)
        return breaker.timeout_s(now, unit.timeout_s, after_s, self._slack_s(unit, now, after_s))

    def _slack_s(self, unit: Unit, now: float, after_s: float) -> float:
        """Until when nobody else who is alive wants the bus."""
        others = [p.due for p in self.polls if p.unit is not unit and not p.unit.breaker.is_doubtful]
        return min(others) - now - MARGIN_S if others else unit.timeout_s + after_s

    def _note(self, unit: Unit, answer: Answer) -> None:
        """What the answer tells of the unit, and what a row of silences tells of the line."""
        if answer.quality is Quality.DISCONNECTED:
            return
        now, took_s = answer.answered_at, answer.answered_at - answer.asked_at
        self.busy_s += took_s
        unit.ready_at = now + unit.pause_s
        where = f"bus={self.bus.name} device={unit.device.name} unit={unit.device.unit}"
        if not answer.is_silence:
            self._silences = 0
            self.latencies_s.append(took_s)
            unit.answered_at = now
            if unit.breaker.answered(took_s):
                log.info("unit answers again %s", where)
                self._forget_holes(unit)
            return
        self.busy_s += self.link.quiet_s
        if unit.breaker.was_silent(now):
            log.warning("unit does not answer %s detail=%r", where, answer.detail)
        self._silences += 1
        if self._silences >= REOPEN_AFTER_SILENCES:
            self._silences = 0
            self.link.reopen()

    def _forget_holes(self, unit: Unit) -> None:
        """Who comes back may be another instrument."""
        for poll in self.polls:
            if poll.unit is unit and not poll.left:
                poll.forget_holes()

    def _tell_missed(self) -> None:
        """Say so where the bus could not keep up since the last time."""
        missed = sum(poll.missed for poll in self.polls)
        if missed > self._told_missed:
            worst = max(self.polls, key=lambda poll: poll.missed)
            since = missed - self._told_missed
            log.warning("deadlines missed bus=%s count=%d most=%s", self.bus.name, since, worst.device.name)
        self._told_missed = missed

    def _tell_silence(self, poll: Poll, quality: Quality, now: float) -> None:
        if poll.tells_silence(now):
            self._sink(poll.device, list(poll.bad(quality, self._stamp(now))))


def _urgency(poll: Poll) -> tuple[bool, float]:
    """Who has been silent comes after everybody who is alive; among equals the earliest deadline first."""
    return poll.unit.breaker.is_doubtful, poll.deadline
