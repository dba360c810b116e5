"""One owner a bus: the earliest deadline first, and a dead unit costs its neighbours nothing."""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence

from edge import cancelling
from edge.again import LEAST_GAIN_S
from edge.breaker import Breaker
from edge.config import Bus, Device, PolledDevice
from edge.drivers import Answer, Link, Request, Traffic
from edge.drivers.registers import Place, PlannedRead, halves, plan, values
from edge.errands import CAUTION, Errands, Job, spare_s
from edge.plausibility import CONFIRMING, Plausibility, watched
from edge.settings import ModbusSettings
from sitewarden.quality import Quality
from sitewarden.readings import Reading

log = logging.getLogger(__name__)

REOPEN_AFTER_SILENCES = 3
"""A line on which nobody is believed alive and so many in a row were silent may be half open."""
MANY_SILENCES = 2
"""After so many in a row the next unit may be silent too, and those behind it must not wait for long."""
QUIET_INTERVAL_S = 1.0
"""Bad readings of a unit that is not asked come no more often than this; silence stays visible."""
FIRST_POLL_S = 0.1
"""The line is given this long to open before its silence counts."""
TELL_MISSED_S = 60.0
TELL_REPLAY_S = 60.0
"""So often somebody is told that a bus leads to a recorded history and not to devices."""
HOLES_S = 60.0
"""So long a register that a unit does not have is left alone; then it is asked for once, by itself."""
MARGIN_S = 0.005
"""Between the end of a probe's waiting and the next deadline."""
AGAIN_SPAN_S = 0.5
"""A re-read wants to be done so long after its instant: that is its deadline among those of the polls."""
AGAIN_DISTANCE_S = 1.0
"""A poll group is never re-read sooner than so long after it was read."""
AGAIN_SHARE = 9
"""After a re-read its poll group is left alone for so many times as long as that took: it gets a tenth."""
CONFIRM_S = 3.0
"""So long after a jump the next reading looks whether the thing has stayed there."""
LATENCIES = 1000
"""The newest of them say how fast the bus is."""

Sink = Callable[[Device, Sequence[Reading]], None]
"""Takes the readings of one poll; must not wait for anything."""
Stamp = Callable[[float], int]
"""The UTC milliseconds of an instant of the loop's clock."""


class Unit:
    """A device as the bus sees it: whether it answers, and when it may be asked again."""

    def __init__(self, device: PolledDevice, bus_timeout_s: float) -> None:
        """Believed alive and never asked."""
        modbus = device.profile.modbus
        self.device, self.breaker = device, Breaker()
        self.timeout_s = max(bus_timeout_s, (modbus.answer_ms or 0) / 1000)
        self.pause_s = modbus.pause_ms / 1000
        self.ready_at = 0.0
        """Before that it wants to be left alone."""
        self.answered_at: float | None = None
        self.returns = 0
        """How often it has come back from being down."""


class Poll:
    """One poll group of one device on its grid of deadlines."""

    def __init__(self, unit: Unit, group: str, *, start: float) -> None:
        """Due at `start`, `start` + interval, … seconds of the loop's clock, each to be done by the next."""
        self.unit, self.device, self.group = unit, unit.device, group
        self._points = [(key, p) for key, p in self.device.profile.points.items() if p.group == group]
        # Made once: a name whose hash is known is found faster, and there are thousands a second.
        self._names = {key: f"{self.device.name}/{key}" for key, _ in self._points}
        self._plausible = {key: Plausibility(point) for key, point in self._points if watched(point)}
        self.holes: set[Place] = set()
        """Registers that the unit does not have."""
        self._suspects: set[Place] = set()
        """Registers that were refused by themselves in the last turn; refused again, they are holes."""
        self._holes_until = math.inf
        self._known_returns = 0
        self.reads = self._planned()
        self.interval_s = self.device.intervals_ms[group] / 1000
        self.due = self.wanted_at = start
        """On the grid; and the next instant to be read at, which is sooner where there is to be a re-read."""
        self.missed = 0
        """Deadlines that passed while the bus was busy; counted, never made up for."""
        self.again_at = math.inf
        """When it is to be read once more ahead of its time; one re-read waits at most."""
        self.rereads = 0
        """How many were made."""
        self.took_s = self.slowest_s = 0.0
        """So long the last turn held the bus, and its longest request."""
        self.was_made = False
        """Whether there was a turn yet."""
        self._renewed_s = (self.device.profile.groups[group].measured_every_ms or 0) / 1000
        self._again_from = 0.0
        """No re-read before this."""
        self._turn_at = 0.0
        self._is_reread = False
        self._confirming = 0
        """So many re-reads since the last poll of the grid were for a jump."""
        self._quiet_until = 0.0
        self._refuses_all = False
        self.left: list[PlannedRead] = []
        """Of the present turn: still to be asked."""
        self.answers: list[tuple[PlannedRead, Answer]] = []
        """Of the present turn."""

    def deadline(self, now: float) -> float:
        """By when the present turn should be done; one of the grid has the whole interval."""
        return self.due + self.interval_s if self.due <= now else self.again_at + AGAIN_SPAN_S

    def look_again(self, at: float) -> None:
        """Be read once more at an instant, unless that brings little before the next poll of the grid."""
        at = max(at, self._again_from)
        if at <= self.due - LEAST_GAIN_S and at < self.again_at:
            self.again_at = self.wanted_at = at

    def begin(self, now: float) -> None:
        """Begin a turn, unless one is under way."""
        if self.left or self.answers:
            return
        self._turn_at, self._is_reread = now, now < self.due
        if not self._is_reread:
            self._confirming = 0
        if self._known_returns != self.unit.returns:
            # Who comes back may be another instrument.
            self._known_returns = self.unit.returns
            self.forget_holes()
        self.left = list(self.reads)
        if now >= self._holes_until:
            self._holes_until = now + HOLES_S
            self.left += self._alone()

    def take(self, read: PlannedRead, answer: Answer) -> None:
        """Take the answer to the first that was left; one that was refused goes on as its halves, at once."""
        self.left.pop(0)
        if answer.is_refusal and len(read.points) > 1 and not self._refuses_all:
            self.left[:0] = halves(self.device.profile.modbus, read)
        elif answer.quality is Quality.DISCONNECTED or answer.is_silence:
            self.left.clear()
            self.answers.append((read, answer))
        else:
            self.answers.append((read, answer))

    def end(self, now: float) -> list[tuple[PlannedRead, Answer]]:
        """End the turn and go to the next deadline on the grid that is not over yet; what was answered.

        A register that was refused by itself in two turns that had sound answers beside it is a hole from
        now on; one that answers after all is none any more.
        """
        answers, self.answers, self.left = self.answers, [], []
        self.was_made = True
        self._note_turn(answers, now)
        refused = {place for read, answer in answers if answer.is_refusal for place in read.places}
        sound = {place for read, answer in answers if answer.quality is Quality.GOOD for place in read.places}
        if sound:
            holes = (self.holes | (refused & self._suspects)) - sound
            self._suspects = refused - holes
            self._set_holes(holes, now)
        # A unit that refuses everything has no holes: it is not ready, and is asked as before.
        self._refuses_all = bool(refused) and not sound
        if self.due <= now:
            self._advance(now)
        return answers

    def _note_turn(self, answers: Sequence[tuple[PlannedRead, Answer]], now: float) -> None:
        """How long it took, and from when on the next re-read may be."""
        took_s = [answer.answered_at - answer.asked_at for _, answer in answers]
        self.took_s, self.slowest_s = sum(took_s), max(took_s, default=0.0)
        rest_s = max(AGAIN_DISTANCE_S, AGAIN_SHARE * self.took_s if self._is_reread else 0.0)
        self._again_from = max(now + rest_s, self._turn_at + self._renewed_s)
        self.rereads += self._is_reread
        if self.again_at <= self._turn_at:
            self.again_at, self.wanted_at = math.inf, self.due

    def _set_holes(self, holes: set[Place], now: float) -> None:
        if holes != self.holes:
            self.holes = holes
            self._holes_until = now + HOLES_S if holes else math.inf
            self.reads = self._planned()

    def _alone(self) -> list[PlannedRead]:
        """A read of each point that stands on a hole, by itself."""
        modbus = self.device.profile.modbus
        reads = (read for point in self._points for read in plan(modbus, [point]))
        return [read for read in reads if not self.holes.isdisjoint(read.places)]

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
            found += self.bad(quality, stamp(last.answered_at), known)
        if self._plausible and any(reading.quality is Quality.JUMP for reading in found):
            self._confirm(answers[-1][1].answered_at)
        return found

    def _confirm(self, now: float) -> None:
        """What really jumped is believed by the readings after it; what never agrees hurries nobody."""
        if self._confirming < CONFIRMING:
            self._confirming += 1
            self.look_again(now + CONFIRM_S)

    def bad(self, quality: Quality, at_ms: int, known: Collection[str] = ()) -> Iterator[Reading]:
        """A bad reading of every point but those that are known."""
        for key, _ in self._points:
            if self._names[key] in known:
                continue
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
        """Leave the rest of this turn out, and a re-read as well."""
        self.left, self.answers = [], []
        self.again_at, self.wanted_at = math.inf, self.due
        if self.due <= now:
            self._advance(now)

    def forget_holes(self) -> None:
        """Ask for everything again."""
        self._suspects.clear()
        self._set_holes(set(), 0.0)

    def _planned(self) -> list[PlannedRead]:
        return plan(self.device.profile.modbus, self._points, self.holes)

    def _advance(self, now: float) -> None:
        self.due += self.interval_s
        if self.due <= now:
            over = int((now - self.due) // self.interval_s) + 1
            self.missed += over
            self.due += over * self.interval_s
        self.wanted_at = min(self.due, self.again_at)

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

    def __init__(self, bus: Bus, link: Link, sink: Sink, stamp: Stamp) -> None:
        """Every reading goes to `sink`, good or bad, one a point and poll."""
        self.bus, self.link, self._sink, self._stamp = bus, link, sink, stamp
        timeout_s = bus.modbus.timeout_ms / 1000
        self.units = [Unit(device, timeout_s) for device in bus.devices]
        self._done_by = asyncio.get_running_loop().time()
        """When the present step, a wait or a request, should be over."""
        self._silences = 0
        self._told_missed = 0
        self._tell_replay_at = 0.0
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
        self._by_group = {(poll.device.name, poll.group): poll for poll in self.polls}
        self._by_number = {unit.device.unit: unit for unit in self.units}
        self._resting: asyncio.Future[None] | None = None
        self._errands = Errands(link)

    def look_again(self, device: str, group: str, at: float) -> None:
        """Read a poll group once more, ahead of its time, at an instant of the loop's clock or soon after.

        Asked for what answers at the moment, at most one waits for each poll group, and where the grid comes
        to it as soon nothing is done.
        """
        poll = self._by_group.get((device, group))
        if poll is None or poll.unit.breaker.is_down:
            return
        poll.look_again(at)
        if self._resting is not None and poll.wanted_at < self._done_by:
            _wake(self._resting)

    async def read_beside(self, unit: int, request: Request, timeout_s: float, counted: Traffic) -> Answer:
        """Ask any unit of the line for something, between the polls and as if nobody had asked.

        It waits for a moment in which no poll and no re-read is due and none is made late by it, and takes a
        fifth of the bus's time at most, one errand after the other. Nothing that is known of a unit changes
        by its answer. `counted` is counted up by what the line carried for it.
        """
        answer = self._errands.put(unit, request, timeout_s, counted)
        if self._resting is not None:
            _wake(self._resting)
        return await answer

    @property
    def modbus(self) -> ModbusSettings:
        """How the bus speaks."""
        return self.bus.modbus

    def polls_unit(self, unit: int) -> bool:
        """Whether it is one of those that are polled here."""
        return unit in self._by_number

    @property
    def name(self) -> str:
        """Of the bus."""
        return self.bus.name

    @property
    def traffic(self) -> Traffic:
        """What the line has carried."""
        return self.link.traffic

    @property
    def missed(self) -> int:
        """Deadlines that passed while the bus was busy."""
        return sum(poll.missed for poll in self.polls)

    @property
    def rereads(self) -> int:
        """Poll groups read once more ahead of their time."""
        return sum(poll.rereads for poll in self.polls)

    async def run(self) -> None:
        """Poll until cancelled; a mistake of ours at one poll must not end the others."""
        try:
            await self._run()
        finally:
            self._errands.end()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        tell_at = loop.time() + TELL_MISSED_S
        while True:
            now = loop.time()
            try:
                self._tell_down(now)
            except Exception:
                log.exception("nobody heard of a silence bus=%s", self.bus.name)
            poll, until = self._choose(now)
            if poll is None:
                await self._idle(now, until)
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

    async def _idle(self, now: float, until: float) -> None:
        """Nobody is due before `until`: an errand is made, if there is one and time for it."""
        known = self._by_number.get(self._errands.unit() or 0)
        errand_at = max(self._errands.next_at(), known.ready_at if known is not None else 0.0)
        wait_s = (
            self._errands.wait_s(CAUTION * spare_s(self._jobs(), now) - MARGIN_S)
            if errand_at <= now
            else None
        )
        if wait_s is None:
            self._done_by = min(until, errand_at) if errand_at > now else until
            await self._rest(self._done_by - now)
            return
        self._done_by = now + self._errands.held_s(wait_s)
        try:
            self.busy_s += await self._errands.make(wait_s)
        except Exception:
            log.exception("errand failed bus=%s", self.bus.name)
        if known is not None:
            known.ready_at = asyncio.get_running_loop().time() + known.pause_s

    def _jobs(self) -> Iterator[Job]:
        """What must still be in time after an errand: polls of those who are alive, and re-reads."""
        for poll in self.polls:
            if not poll.unit.breaker.is_down:
                # Of one that was never made nobody knows how long it takes.
                yield Job(_grid_deadline(poll), poll.took_s if poll.was_made else math.inf)
                if poll.again_at < poll.due:
                    yield Job(poll.again_at + AGAIN_SPAN_S, poll.took_s)

    async def _rest(self, seconds: float) -> None:
        """Until somebody is due, or is to be looked at again before."""
        loop = asyncio.get_running_loop()
        self._resting = loop.create_future()
        alarm = loop.call_later(seconds, _wake, self._resting)
        try:
            await self._resting
        finally:
            alarm.cancel()
            self._resting = None

    def overdue_s(self) -> float:
        """How long the present step, a wait or a request, has been over its time; 0 or less is fine."""
        return asyncio.get_running_loop().time() - self._done_by

    def _choose(self, now: float) -> tuple[Poll | None, float]:
        """The poll with the earliest deadline of those that are due, or until when there is none."""
        best, until = None, math.inf
        for poll in self.polls:
            ready_at = max(poll.wanted_at, poll.unit.ready_at)
            if ready_at > now:
                until = min(until, ready_at)
            elif poll.due > now and not self._fits(poll, now):
                until = min(until, poll.due)
            elif best is None or _urgency(poll, now) < _urgency(best, now):
                best = poll
        return best, until

    def _fits(self, reread: Poll, now: float) -> bool:
        """Whether nobody who would be in time without the next request of a re-read is late by it."""
        others = [poll for poll in self.polls if poll is not reread and not poll.unit.breaker.is_down]
        without, after = now, now + reread.slowest_s + MARGIN_S
        for poll in sorted(others, key=_grid_deadline):
            without, after = max(without, poll.due) + poll.took_s, max(after, poll.due) + poll.took_s
            if without <= _grid_deadline(poll) < after:
                return False
        return True

    def _tell_down(self, now: float) -> None:
        """A unit that is left alone is told to be silent, also where the bus has no time for anything."""
        for poll in self.polls:
            if not poll.unit.breaker.is_down:
                continue
            if poll.due <= now and not self._may_ask(poll.unit, now):
                self._tell_silence(poll, Quality.TIMEOUT, now)
                poll.skip(now)
            elif poll.due > now and poll.again_at < math.inf:
                poll.skip(now)

    def _may_ask(self, unit: Unit, now: float) -> bool:
        """Whether a doubtful unit may be asked; where nobody else is alive that costs nobody anything."""
        is_alone = all(other.breaker.is_down for other in self.units if other is not unit)
        return unit.breaker.may_ask(now, is_alone=is_alone)

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
            self._done_by = now + timeout_s + self.link.wire_s(read.request) + 2 * self.link.quiet_s
            answer = await self.link.read(unit.device.unit, read.request, timeout_s)
            self._note(unit, answer)
            poll.take(read, answer)
        if not poll.left:
            self._hand_over(poll)

    def _hand_over(self, poll: Poll) -> None:
        """The turn is over: its readings go on."""
        now = asyncio.get_running_loop().time()
        holes, rereads = len(poll.holes), poll.rereads
        answers = poll.end(now)
        if len(poll.holes) > holes:
            lacks = " ".join(f"{function}/{register}" for function, register in sorted(poll.holes))
            log.warning("unit lacks device=%s function/register=%s", poll.device.name, lacks)
        is_cut = len(answers) == 1 and answers[0][1].quality is Quality.DISCONNECTED
        if is_cut and poll.rereads > rereads:
            # Whoever has asked for the re-read must hear that nothing came of it.
            self._sink(poll.device, list(poll.bad(Quality.DISCONNECTED, self._stamp(now))))
        elif is_cut or not answers:
            self._tell_silence(poll, Quality.DISCONNECTED if answers else Quality.EXCEPTION, now)
        else:
            self._sink(poll.device, poll.readings(answers, self._stamp))

    def _timeout_s(self, poll: Poll, now: float) -> float | None:
        """How long the unit may take to answer; `None` where it must not be asked now."""
        unit, breaker = poll.unit, poll.unit.breaker
        if not breaker.is_doubtful and poll.due <= now:
            return self._shortened(unit, now)
        if breaker.is_down and not self._may_ask(unit, now):
            return None
        after_s = self.link.quiet_s + max(
            (self.link.wire_s(read.request) for read in poll.reads), default=0.0
        )
        slack_s = self._slack_s(unit, now, after_s)
        if not breaker.is_doubtful:
            # A re-read keeps nobody waiting for longer than an answer may take, as far as is known.
            return max(breaker.enough_s(unit.timeout_s), min(unit.timeout_s, slack_s - after_s))
        return breaker.timeout_s(now, unit.timeout_s, after_s, slack_s)

    def _shortened(self, unit: Unit, now: float) -> float:
        """The whole timeout, unless the line itself seems dead and others wait for their turn.

        Where a branch of a bus has lost its power, those on the other branch must not wait for all of it.
        """
        others_wait = any(poll.due <= now for poll in self.polls if poll.unit is not unit)
        if self._silences < MANY_SILENCES or not others_wait:
            return unit.timeout_s
        return max(unit.breaker.enough_s(unit.timeout_s), unit.timeout_s / 5)

    def _slack_s(self, unit: Unit, now: float, after_s: float) -> float:
        """Until when nobody else who is alive wants the bus, less the quiet time that still runs."""
        others = [p.wanted_at for p in self.polls if p.unit is not unit and not p.unit.breaker.is_down]
        if not others:
            return unit.timeout_s + after_s
        return min(others) - now - MARGIN_S - self.link.quiet_left_s()

    def _note(self, unit: Unit, answer: Answer) -> None:
        """What the answer tells of the unit, and what a row of silences tells of the line."""
        if answer.quality is Quality.DISCONNECTED:
            return
        if answer.is_replay:
            self._refuse_replay(answer.answered_at)
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
                unit.returns += 1
                for other in self.units:
                    other.breaker.try_soon()
            return
        self.busy_s += self.link.quiet_s
        if unit.breaker.was_silent(now):
            log.warning("unit does not answer %s detail=%r", where, answer.detail)
        if answer.quality is Quality.EXCEPTION:
            return  # a converter said so: the line to it lives
        self._silences += 1
        nobody = all(other.breaker.is_doubtful for other in self.units)
        if nobody and self._silences >= REOPEN_AFTER_SILENCES:
            self._silences = 0
            self.link.reopen()

    def _refuse_replay(self, now: float) -> None:
        """A replay gives a gateway that runs otherwise no values; a person must hear why there are none."""
        if now >= self._tell_replay_at:
            self._tell_replay_at = now + TELL_REPLAY_S
            log.critical("a recorded history, no devices, is behind bus=%s: nobody is watched", self.bus.name)

    def _tell_missed(self) -> None:
        """Say so where the bus could not keep up since the last time."""
        missed = self.missed
        if missed > self._told_missed:
            worst = max(self.polls, key=lambda poll: poll.missed)
            since = missed - self._told_missed
            log.warning("deadlines missed bus=%s count=%d most=%s", self.bus.name, since, worst.device.name)
        self._told_missed = missed

    def _tell_silence(self, poll: Poll, quality: Quality, now: float) -> None:
        if poll.tells_silence(now):
            self._sink(poll.device, list(poll.bad(quality, self._stamp(now))))


def _wake(resting: asyncio.Future[None]) -> None:
    if not resting.done():
        resting.set_result(None)


def _grid_deadline(poll: Poll) -> float:
    """Without what is to be looked at again."""
    return poll.due + poll.interval_s


def _urgency(poll: Poll, now: float) -> tuple[bool, float]:
    """The earliest deadline first; who was silent comes after everybody who is alive, until it is late."""
    deadline = poll.deadline(now)
    return poll.unit.breaker.is_doubtful and now <= deadline, deadline
