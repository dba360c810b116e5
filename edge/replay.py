"""Mode REPLAY: the gateway reads a recorded history in step with the simulator that plays it.

In place of a grid in time there is the clock block: it names the recorded instant, and what is to be read of
it. Drivers, decoder, judge, outbox and uplink are those of a live site; source time and rule time are the
recorded ones, so the same history makes the same alarms at any speed. Never writes, as everywhere.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from edge import systemd
from edge.bus import LATENCIES, BusTask, Poll, Sink, Unit
from edge.clock import Clock
from edge.config import Bus, Device, Gateway, PolledDevice
from edge.drivers import Answer, Link, Request, Traffic
from edge.drivers.modbus import open_link
from edge.drivers.registers import PlannedRead, halves, plan, values
from sitewarden import clockblock
from sitewarden.clockblock import ClockBlock, ClockBlockError, Code, Due, State
from sitewarden.messages import ClockState
from sitewarden.quality import Quality
from sitewarden.readings import Reading

log = logging.getLogger(__name__)

RETRY_S = 0.2
"""After an answer that did not come the same is asked again: recorded time stands still meanwhile."""
MISMATCH_S = 5.0
PLANS = 1000
"""Kept of what was read before; a history asks for the same few again and again."""


class RecordedClock(Clock):
    """Stands at the recorded instant; nobody sets it, and the machine's clock has no say."""

    steps = 0
    was_first = False
    is_behind = False
    began_ms = 0
    offset_ms = 0
    state: ClockState = "synced"

    def __init__(self, *, floor_ms: int = 0) -> None:
        """At the newest instant that an earlier run has saved."""
        self._at_ms = floor_ms

    def go_to(self, at_ms: int) -> None:
        """Recorded time is now this."""
        self._at_ms = at_ms

    def not_before(self, at_ms: int) -> None:
        """What a logger remembers is not the time of the recording."""

    def at_ms(self, monotonic_s: float) -> int:  # noqa: ARG002  real time means nothing here
        """The recorded instant."""
        return self._at_ms

    def mono_ms(self, at_ms: int) -> int:
        """The same: the boot of the recording had a clock that nobody knows."""
        return at_ms

    def now_ms(self) -> int:
        """The recorded instant."""
        return self._at_ms

    def look(self) -> int:
        """Never set."""
        return 0


class Line:
    """One bus of a replay, as the health of the gateway looks at it."""

    def __init__(self, bus: Bus, link: Link) -> None:
        """Not asked yet."""
        self.bus, self.link = bus, link
        self.timeout_s = bus.modbus.timeout_ms / 1000
        self.units = [Unit(device, self.timeout_s) for device in bus.devices]
        self.polls: Sequence[Poll] = ()
        self.busy_s = 0.0
        self.latencies_s: deque[float] = deque(maxlen=LATENCIES)
        self._has_told = False

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
        """Nothing is due but what the simulator says."""
        return 0

    @property
    def rereads(self) -> int:
        """The history has what was read again."""
        return 0

    async def look(self, address: int) -> ClockBlock:
        """The clock block at an address, whole; asks until it is there."""
        while True:
            registers = list(await self.ask(clockblock.UNIT, _block(address, clockblock.WINDOW)))
            try:
                missing = clockblock.size(registers) - len(registers)
                while missing > 0:
                    more = _block(clockblock.LOOK + len(registers), min(missing, clockblock.WINDOW))
                    registers += await self.ask(clockblock.UNIT, more)
                    missing -= more.length
                return clockblock.decode(registers)
            except ClockBlockError as exc:
                log.critical(
                    "bus=%s is no replay, and in mode replay nothing else is read: %s", self.bus.name, exc
                )
                await asyncio.sleep(MISMATCH_S)

    async def ask(self, unit: int, request: Request) -> Sequence[int]:
        """Registers that are there for certain, such as the clock block's."""
        while True:
            answer = await self.read(unit, request)
            if answer.quality is Quality.GOOD:
                return answer.registers
            self._tell(f"unit {unit}: {answer.detail}")
            await asyncio.sleep(MISMATCH_S if answer.quality is Quality.EXCEPTION else RETRY_S)

    async def read(self, unit: int, request: Request) -> Answer:
        """A unit's answer, good or a refusal; where none comes it is asked for again."""
        while True:
            answer = await self.link.read(unit, request, self.timeout_s)
            self._note(answer)
            if answer.is_replay:
                # A new connection: whoever looks at the clock block is let in.
                await self.ask(clockblock.UNIT, _block(clockblock.LOOK, clockblock.WINDOW))
            elif answer.quality is Quality.GOOD or answer.quality is Quality.EXCEPTION:
                return answer
            else:
                self._tell(answer.detail)
                await asyncio.sleep(RETRY_S)

    def _note(self, answer: Answer) -> None:
        took_s = answer.answered_at - answer.asked_at
        self.busy_s += took_s
        if answer.quality is Quality.GOOD:
            self.latencies_s.append(took_s)
            self._has_told = False

    def _tell(self, detail: str) -> None:
        if not self._has_told:
            self._has_told = True
            log.warning("no answer from the replay, trying on bus=%s detail=%r", self.bus.name, detail)


class _Place(NamedTuple):
    line: Line
    unit: Unit
    device: PolledDevice
    fingerprint: int


class _Plan(NamedTuple):
    """What is to be done for the codes of one unit."""

    reads: tuple[PlannedRead, ...]
    told: tuple[tuple[str, Quality], ...]
    keys: tuple[str, ...]
    """Of both, in the order of the profile."""


class Replay:
    """Follows a replay step by step, over all its buses, for as long as it runs."""

    def __init__(
        self,
        lines: Sequence[Line],
        clock: RecordedClock,
        *,
        pass_time: Callable[[int], None],
        sink: Sink,
        room: Callable[[], Awaitable[None]],
        begin_anew: Callable[[], Awaitable[None]],
    ) -> None:
        """Of each step time passes first, then each device's readings go to `sink`.

        `room` waits while too much is on its way to the cloud: a replay may wait, so it loses nothing.
        `begin_anew` is called at the start and when recorded time jumps: what was before, also what an
        earlier run remembered, has no say in what comes.
        """
        self.lines, self._clock = lines, clock
        self._pass_time, self._sink, self._room, self._begin_anew = pass_time, sink, room, begin_anew
        self._places = {
            (i, unit.device.unit): _Place(line, unit, unit.device, _fingerprint(unit.device))
            for i, line in enumerate(lines)
            for unit in line.units
        }
        self._plans: dict[tuple[str, bytes], _Plan] = {}
        self._passed: int | None = None

    def overdue_s(self) -> float:
        """Never late: recorded time may stand still for as long as somebody likes."""
        return 0.0

    async def run(self) -> None:
        """Follow until cancelled."""
        # Each of them: what stands on a bus without a clock block is real, and is not read in this mode.
        block, *_ = [await line.look(clockblock.LOOK) for line in self.lines]
        taken: int | None = None
        while True:
            if block.state is State.READY and block.serial != taken:
                taken = block.serial
                await self._room()
                block = await self._follow(block)
                continue
            if block.state is State.READY:
                # The simulator waits for something of this step; read again, what is taken stays taken.
                await self._readings(block)
            else:
                await asyncio.sleep(block.wait_ms / 1000)
            block = await self._after(block)

    async def _after(self, block: ClockBlock) -> ClockBlock:
        """Say that all of a step is read, and ask for the next one."""
        return await self.lines[0].look(clockblock.NEXT[(block.serial + 1) % 2])

    async def _follow(self, block: ClockBlock) -> ClockBlock:
        """Take one recorded instant whole; the block after it."""
        is_back = self._passed == block.passed and block.at_ms < self._clock.now_ms()
        if is_back:
            # No pass of its own was announced: what stands was judged in a future that is to come again.
            log.warning("recorded time went back unannounced from %d", self._clock.now_ms())
        if is_back or self._passed != block.passed:
            log.info("recorded time goes on at %d", block.at_ms)
            await self._begin_anew()
        self._passed = block.passed
        found = await self._readings(block)
        asking = asyncio.create_task(self._after(block), name="replay next")
        try:
            await asyncio.sleep(0)  # it is on its way, and the simulator at work, while we judge
        finally:
            self._take(block, found)
        return await asking

    def _take(self, block: ClockBlock, found: list[tuple[Device, list[Reading]]]) -> None:
        self._clock.go_to(block.at_ms)
        self._pass_time(block.at_ms)
        for device, readings in found:
            self._sink(device, readings)

    async def _readings(self, block: ClockBlock) -> list[tuple[Device, list[Reading]]]:
        return [await self._device(due, block.at_ms) for due in block.due]

    async def _device(self, due: Due, at_ms: int) -> tuple[Device, list[Reading]]:
        """All readings of one device at an instant: what its registers say, and what they cannot say."""
        place = await self._place(due)
        found: dict[str, tuple[float | None, Quality]] = {}
        planned = self._planned(place.device, due.codes)
        for read in planned.reads:
            async for key, value, quality in _decoded(place, read):
                found[key] = value, quality
        for key, quality in planned.told:
            found[key] = None, quality
        place.unit.answered_at = asyncio.get_running_loop().time()
        name = place.device.name
        return place.device, [Reading(f"{name}/{key}", at_ms, *found[key]) for key in planned.keys]

    async def _place(self, due: Due) -> _Place:
        """Where a unit is; waits for ever, reading nothing, where the simulator means another device."""
        while True:
            place = self._places.get((due.bus, due.unit))
            if place is not None and place.fingerprint == due.fingerprint:
                return place
            where = f"bus {due.bus} unit {due.unit}"
            log.critical("the replay has another device than the configuration at %s: nothing is read", where)
            await asyncio.sleep(MISMATCH_S)

    def _planned(self, device: PolledDevice, codes: bytes) -> _Plan:
        planned = self._plans.get((device.name, codes))
        if planned is None:
            if len(self._plans) >= PLANS:
                self._plans.clear()
            planned = self._plans[device.name, codes] = _plan(device, codes)
        return planned


class Recording:
    """The buses of a gateway in a replay: one task reads them all, which keeps them in step."""

    def __init__(self, follow: Callable[[Sequence[Line]], Replay]) -> None:
        """`follow` makes whoever follows the recording over these lines; nothing is read yet."""
        self._follow = follow
        self.owners: Sequence[Line] = ()
        self.asked: Mapping[str, BusTask] = {}
        """Nobody: the history has what was asked again."""
        self._replay: Replay | None = None
        self._tasks: Sequence[asyncio.Task[None]] = ()

    @property
    def tasks(self) -> Iterator[asyncio.Task[None]]:
        """All that run."""
        return iter(self._tasks)

    async def begin(self, group: asyncio.TaskGroup, gateway: Gateway) -> None:
        """Read, by tasks that are made in `group`."""
        lines = [Line(bus, open_link(bus.modbus, settle_s=bus.settle_s)) for bus in gateway.buses]
        self.owners, self._replay = lines, self._follow(lines)
        self._tasks = [
            group.create_task(self._replay.run(), name="bus replay"),
            *(group.create_task(line.link.run(), name=f"link {line.name}") for line in lines),
        ]

    async def change(self, gateway: Gateway) -> None:
        """What is read is the recording's to say."""

    def work(self) -> Mapping[str, systemd.Work]:
        """What must make progress."""
        return {} if self._replay is None else {"bus replay": systemd.Work(self._replay.overdue_s)}

    def since_s(self, name: str) -> float | None:  # noqa: ARG002  real time means nothing here
        """Of no line."""
        return None


def _plan(device: PolledDevice, codes: bytes) -> _Plan:
    due = [
        (key, point, code)
        for (key, point), code in zip(device.profile.points.items(), codes, strict=True)
        if code != Code.NOT_DUE
    ]
    read = [(key, point) for key, point, code in due if code == Code.READ]
    told = tuple((key, Quality(code - Code.TOLD)) for key, _, code in due if code >= Code.TOLD)
    return _Plan(tuple(plan(device.profile.modbus, read)), told, tuple(key for key, _, _ in due))


async def _decoded(place: _Place, read: PlannedRead) -> AsyncIterator[tuple[str, float | None, Quality]]:
    """What a read came to; one that was refused goes on as its halves, as on a live bus."""
    left = [read]
    while left:
        read = left.pop(0)
        answer = await place.line.read(place.device.unit, read.request)
        if answer.is_refusal and len(read.points) > 1:
            left[:0] = halves(place.device.profile.modbus, read)
        else:
            for decoded in values(read, answer):
                yield decoded


def _fingerprint(device: Device) -> int:
    return clockblock.fingerprint(device.profile.profile, device.profile.points)


def _block(address: int, registers: int) -> Request:
    return Request(clockblock.FUNCTION, address, registers)
