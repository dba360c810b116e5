"""Re-reads: a delay of seconds lasts seconds though polls lie half an hour apart, and nobody pays for it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from random import Random
from typing import Any

import msgspec
import pytest

from edge.again import Again, Polled
from edge.bus import BusTask, Poll, Unit
from edge.config import Bus, Device, load_gateway
from edge.drivers import Answer, Request, Traffic
from edge.health import HealthWatch
from edge.judge import Judge, Judgement
from edge.settings import ModbusTcp
from sitewarden.messages import Alarm
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from tests.edge.conftest import Configure, WriteGateway
from tests.edge.speaking import STATION
from tests.edge.test_agent import agent, site
from tests.edge.test_ears_agent import LISTEN
from tests.edge.test_judge import T0, armed
from tests.support import virtual_loop
from tests.support.waiting import ended, until

HALF_HOUR_MS = 1_800_000
CALM, BEYOND, IN_BAND = 100.0, 125.0, 119.8
"""mm as the sensor says; the zero is 100, the control value 20 mm, its dead-band 0.5."""
PIT = 2
"""Its unit."""
LEVEL_4 = "pit-horizontal-cumulative-100"


def every(device: Device, interval_ms: int) -> Device:
    return msgspec.structs.replace(device, intervals_ms={"main": interval_ms})


@pytest.fixture
def seldom(write_gateway: WriteGateway, gateway_dict: dict[str, Any]) -> Device:
    """The pit, read every half hour."""
    gateway_dict["buses"][0]["devices"][1]["interval_ms"] = HALF_HOUR_MS
    gateway = load_gateway(write_gateway(gateway_dict))
    return next(device for device in gateway.devices if device.name == "pit-1")


@pytest.fixture
def minute(seldom: Device) -> Device:
    """The same, read every minute."""
    return every(seldom, 60_000)


class Judged:
    """A pit's judge, one reading of its first point at a time."""

    def __init__(self, device: Device) -> None:
        self.device, self.judge = device, Judge([device], lambda: "synced")

    def read(self, value: float | None, after_s: float) -> Judgement:
        quality = Quality.GOOD if value is not None else Quality.TIMEOUT
        at_ms = T0 + round(1000 * after_s)
        return self.judge.take(self.device, [Reading("pit-1/h1", at_ms, value, quality)])

    def again_s(self, value: float | None, after_s: float) -> list[float]:
        return [(again.at_ms - T0) / 1000 for again in self.read(value, after_s).again]


def test_a_running_delay_asks_for_a_reading_at_its_end(seldom: Device) -> None:
    pit = Judged(seldom)
    assert pit.again_s(CALM, -1800) == []
    first = pit.read(BEYOND, 0)
    assert list(first.again) == [Again("pit-1", "main", T0 + 3000)]
    assert LEVEL_4 not in {alarm.rule for alarm in first.alarms}
    second = pit.read(BEYOND, 3)
    assert LEVEL_4 in {alarm.rule for alarm in second.alarms}
    assert list(second.again) == []


def test_what_was_back_at_the_re_read_raises_nothing_and_asks_for_nothing(seldom: Device) -> None:
    pit = Judged(seldom)
    pit.read(BEYOND, 0)
    back = pit.read(CALM, 3)
    assert LEVEL_4 not in {alarm.rule for alarm in back.alarms}
    assert list(back.again) == []


@pytest.mark.parametrize("says_nothing", [None, IN_BAND])
def test_a_re_read_that_says_nothing_is_made_again_ever_more_seldom(
    seldom: Device, says_nothing: float | None
) -> None:
    pit = Judged(seldom)
    asked, (at_s,) = 0, pit.again_s(BEYOND, 0)
    while at_s < HALF_HOUR_MS / 1000:
        asked, (at_s,) = asked + 1, pit.again_s(says_nothing, at_s)
    assert asked == 10
    assert LEVEL_4 in {alarm.rule for alarm in pit.read(BEYOND, HALF_HOUR_MS / 1000).alarms}


def test_nobody_hurries_for_an_alarm_that_is_held_back(seldom: Device) -> None:
    pit = Judged(seldom)
    assert pit.judge.shelve("pit-1/h1.cumulative", LEVEL_4, T0 + 3_600_000)
    assert pit.again_s(BEYOND, 0) == []
    assert pit.judge.shelve("pit-1/h1.cumulative", LEVEL_4, 0)
    assert pit.again_s(BEYOND, 1) == [3.0]
    away = msgspec.structs.replace(seldom, out_of_service=frozenset({"pit-1/h1.cumulative"}))
    assert Judged(away).again_s(BEYOND, 0) == []


def test_a_device_that_is_read_often_is_asked_nothing(pit: Device) -> None:
    assert pit.intervals_ms == {"main": 1000}
    assert Judged(pit).again_s(BEYOND, 0) == []


def test_a_dead_sensor_and_a_slope_need_not_hurry(seldom: Device) -> None:
    pit = Judged(seldom)
    assert pit.again_s(None, 0) == []
    slope = {"when": "rate", "limit": 1.0, "per_s": 3600, "window_s": 7200, "direction": "rising"}
    rule = {"watch": "pit.displacement.horizontal", "condition": slope, "on_delay_s": 3}
    pit = Judged(armed(seldom, **rule))
    for half_hour in range(5):
        assert pit.again_s(CALM + 5 * half_hour, 1800 * half_hour) == []


def test_a_device_that_speaks_by_itself_cannot_be_read_again(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    gateway_dict["buses"][0]["devices"][1]["interval_ms"] = HALF_HOUR_MS
    gateway_dict["buses"].append({"bus": "ear", "hj212": LISTEN, "devices": [STATION]})
    polled = Polled(load_gateway(write_gateway(gateway_dict)).devices, ())
    assert polled.seldom("pit-1/h1") == (("pit-1", "main"),)
    assert polled.seldom("dust-1/pm10") == ()


# The poll: nothing of it needs a loop.


def turn(poll: Poll, at: float, took_s: float = 0.1, value: int = 0) -> list[Reading]:
    poll.begin(at)
    while poll.left:
        read = poll.left[0]
        registers = [0, value] * (read.request.length // 2)
        poll.take(read, Answer(registers, Quality.GOOD, asked_at=at, answered_at=at + took_s))
    return poll.readings(poll.end(at + took_s), lambda at_s: T0 + round(1000 * at_s))


def test_a_re_read_leaves_the_grid_as_it_is(seldom: Device) -> None:
    poll = Poll(Unit(seldom, 0.2), "main", start=10.0)
    turn(poll, 10.0)
    poll.look_again(13.0)
    poll.look_again(60.0)
    assert (poll.wanted_at, poll.due) == (13.0, 1810.0)
    turn(poll, 13.0)
    assert (poll.wanted_at, poll.due, poll.missed, poll.rereads) == (1810.0, 1810.0, 0, 1)
    turn(poll, 1810.0)
    assert (poll.due, poll.missed, poll.rereads) == (3610.0, 0, 1)


def test_a_re_read_that_gains_little_is_not_made(seldom: Device) -> None:
    poll = Poll(Unit(every(seldom, 4000), 0.2), "main", start=10.0)
    turn(poll, 10.0)
    poll.look_again(13.2)
    assert poll.wanted_at == 14.0
    poll.look_again(12.9)
    assert poll.wanted_at == 12.9


def test_re_reads_take_no_more_than_a_tenth_of_the_time_and_are_never_dense(seldom: Device) -> None:
    poll = Poll(Unit(seldom, 0.2), "main", start=0.0)
    turn(poll, 0.0, took_s=0.5)
    poll.look_again(0.5)
    assert poll.wanted_at == 1.5
    turn(poll, 1.5, took_s=0.5)
    poll.look_again(2.0)
    assert poll.wanted_at == 6.5


def test_a_device_that_measures_by_its_own_clock_is_not_asked_for_the_same_value(
    seldom: Device,
) -> None:
    groups = {
        "main": msgspec.structs.replace(seldom.profile.groups["main"], measured_every_ms=HALF_HOUR_MS // 3)
    }
    own_clock = msgspec.structs.replace(seldom.profile, groups=groups)
    poll = Poll(Unit(msgspec.structs.replace(seldom, profile=own_clock), 0.2), "main", start=0.0)
    turn(poll, 0.0)
    poll.look_again(3.0)
    assert poll.wanted_at == 600.0


def test_a_jump_is_confirmed_soon_and_noise_hurries_nobody_for_ever(seldom: Device) -> None:
    poll = Poll(Unit(seldom, 0.2), "main", start=0.0)
    turn(poll, 0.0, value=10_000)
    at, qualities = 1800.0, []
    for _ in range(3):
        readings = turn(poll, at, value=18_000)
        qualities.append(readings[0].quality)
        at = poll.wanted_at
    assert qualities == [Quality.JUMP, Quality.JUMP, Quality.GOOD]
    assert (at, poll.rereads) == (3600.0, 2)
    noise = [30_000, 5_000, 40_000]
    for value in noise:
        assert turn(poll, poll.wanted_at, value=value)[0].quality is Quality.JUMP
    assert poll.wanted_at == 5400.0


# The bus, on a clock of its own.


class Line:
    """A line of units that each take their time; notes who was asked when."""

    quiet_s = 0.0

    def __init__(self, registers: Callable[[int], int], takes_s: Mapping[int, float]) -> None:
        self.traffic, self._registers, self._takes_s = Traffic(), registers, takes_s
        self.silent: set[int] = set()
        self.asked: list[tuple[int, float]] = []
        self.count = 0
        """Requests to the pit."""

    async def read(self, unit: int, request: Request, timeout_s: float) -> Answer:
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        self.asked.append((unit, asked_at))
        self.count += unit == PIT
        if unit in self.silent:
            await asyncio.sleep(timeout_s)
            return Answer((), Quality.TIMEOUT, is_silence=True, asked_at=asked_at, answered_at=loop.time())
        await asyncio.sleep(self._takes_s[unit])
        words = [0, self._registers(unit)] * (request.length // 2 + 1)
        return Answer(words[: request.length], Quality.GOOD, asked_at=asked_at, answered_at=loop.time())

    async def run(self) -> None:
        await asyncio.Event().wait()

    def wire_s(self, request: Request) -> float:  # noqa: ARG002
        return 0.0

    def quiet_left_s(self) -> float:
        return 0.0

    def reopen(self) -> None:
        """Nothing to open."""

    def times(self, unit: int) -> list[float]:
        return [at_s for one, at_s in self.asked if one == unit]


NOTHING_KEPT: Mapping[str, Any] = {"evicted": 0, "clock_steps": 0, "outbox_bytes": {}}


def told(alarm: Alarm) -> tuple[str, str, int]:
    return alarm.rule, alarm.change, alarm.at


class Watched:
    """A bus whose first device is judged, and what the judge asks for is passed on, as the agent does it."""

    def __init__(self, line: Line, devices: Sequence[Device]) -> None:
        self.judge, self.alarms = Judge(devices[:1], lambda: "synced"), list[Alarm]()
        self._device = devices[0]
        self.recorded: list[Judgement] = []
        bus = Bus(name="bus-1", modbus=ModbusTcp(host="x", timeout_ms=200), devices=tuple(devices))
        self.bus = BusTask(bus, line, self._take, lambda at_s: T0 + round(1000 * at_s))

    def _take(self, device: Device, readings: Sequence[Reading]) -> None:
        if device.name != self._device.name:
            return
        judged = self.judge.take(device, readings)
        self.recorded.append(judged)
        self.alarms += judged.alarms
        for again in judged.again:
            self.bus.look_again(again.device, again.group, (again.at_ms - T0) / 1000)

    def raised_s(self, rule: str) -> list[float]:
        return [
            (a.at - T0) / 1000
            for a in self.alarms
            if (a.rule, a.change, a.point) == (rule, "raised", "pit-1/h1.cumulative")
        ]

    def judged_later(self) -> list[tuple[str, str, int]]:
        """What the recorded raw readings come to, judged anew by somebody who can ask for nothing."""
        judge, raw = Judge([self._device], lambda: "synced"), self._device.profile.points
        polls = ([r for r in j.readings if r.point.split("/")[1] in raw] for j in self.recorded)
        return [told(alarm) for poll in polls for alarm in judge.take(self._device, poll).alarms]

    def missed(self) -> int:
        return sum(poll.missed for poll in self.bus.polls)


@contextlib.asynccontextmanager
async def watching(line: Line, *devices: Device) -> AsyncIterator[Watched]:
    watched = Watched(line, devices)
    task = asyncio.create_task(watched.bus.run())
    try:
        yield watched
    finally:
        await ended(task)


def played(seconds: float, line: Line, *devices: Device) -> Watched:
    async def play() -> Watched:
        async with watching(line, *devices) as watched:
            await asyncio.sleep(seconds)
            return watched

    return virtual_loop.run(play())


def test_a_pit_read_every_half_hour_alarms_within_delay_and_poll(seldom: Device) -> None:
    line = Line(lambda _: 12_500, {2: 0.05})
    watched = played(3700, line, seldom)
    (raised_s,) = watched.raised_s(LEVEL_4)
    first_s = line.times(2)[0]
    assert 3.0 <= raised_s - first_s <= 3.2
    assert [told(alarm) for alarm in watched.alarms] == watched.judged_later()
    assert HealthWatch([watched.bus], lambda: 0).health(**NOTHING_KEPT).buses[0].rereads == 1
    # Once more, and then the grid as ever.
    assert [round(at_s - first_s, 1) for at_s in line.times(2)] == [0.0, 3.0, 1800.0, 3600.0]
    assert watched.missed() == 0


def test_a_spike_of_one_reading_raises_nothing(seldom: Device) -> None:
    line = Line(lambda _: 12_500 if len(line.asked) == 2 else 10_000, {2: 0.05})
    watched = played(3700, line, seldom)
    assert watched.raised_s(LEVEL_4) == []
    assert len(line.times(2)) == 4


def test_a_wall_that_leaps_between_two_polls_is_believed_and_alarms_within_seconds(
    seldom: Device,
) -> None:
    line = Line(lambda _: 10_000 if len(line.asked) == 1 else 18_000, {2: 0.05})
    watched = played(1900, line, seldom)
    # Twice more to believe a leap of 80 mm, and then the delay.
    (raised_s,) = watched.raised_s(LEVEL_4)
    assert raised_s - line.times(2)[1] == pytest.approx(9.0, abs=0.5)


def test_a_re_read_that_nobody_answers_is_made_again(seldom: Device) -> None:
    async def play() -> tuple[Watched, float]:
        line = Line(lambda _: 12_500, {2: 0.05})
        async with watching(line, seldom) as watched:
            await asyncio.sleep(1)
            line.silent = {2}
            await asyncio.sleep(3)
            line.silent = set()
            await asyncio.sleep(10)
            return watched, line.times(2)[0]

    watched, first_s = virtual_loop.run(play())
    (raised_s,) = watched.raised_s(LEVEL_4)
    assert 6.0 <= raised_s - first_s <= 6.5


def test_a_unit_that_is_down_is_not_looked_at_again(seldom: Device) -> None:
    async def play() -> int:
        line = Line(lambda _: 12_500, {2: 0.05})
        async with watching(line, seldom):
            await asyncio.sleep(1)
            line.silent = {2}
            await asyncio.sleep(1700)
            return len(line.times(2))

    # The poll, the re-read, and one more in case that a packet was lost.
    assert virtual_loop.run(play()) == 3


def test_a_bus_at_rest_is_woken_for_what_is_asked_later(seldom: Device) -> None:
    async def play() -> list[float]:
        line = Line(lambda _: 10_000, {2: 0.05})
        async with watching(line, seldom) as watched:
            await asyncio.sleep(100)
            now = asyncio.get_running_loop().time()
            watched.bus.look_again("pit-1", "main", now + 20)
            watched.bus.look_again("pit-1", "no such group", now)
            watched.bus.look_again("speaks-by-itself", "main", now)
            await asyncio.sleep(60)
            return [at_s - now for at_s in line.times(2)]

    assert virtual_loop.run(play())[1:] == [pytest.approx(20.0)]


def beside(pit: Device, intervals_ms: Sequence[int]) -> list[Device]:
    return [
        msgspec.structs.replace(pit, name=f"n{unit}", unit=unit, intervals_ms={"main": interval_ms})
        for unit, interval_ms in enumerate(intervals_ms, start=11)
    ]


def swinging(pit_s: float, neighbours_s: Sequence[float]) -> Line:
    """The pit's value is beyond its limit, and then within the dead-band, again and again."""
    takes_s = {2: pit_s, **dict(enumerate(neighbours_s, start=11))}
    line = Line(lambda _: (11_980, 12_500)[line.count % 2], takes_s)
    return line


@pytest.mark.parametrize("seed", [0, 5, 6, 9, 17])
def test_no_neighbour_misses_a_deadline_because_of_re_reads(minute: Device, seed: int) -> None:
    random = Random(seed)
    pit_s = random.choice((0.01, 0.05, 0.15, 0.4, 1.5))
    intervals_ms = [random.choice((200, 300, 500, 1000)) for _ in range(random.randint(1, 4))]
    takes_s = [random.uniform(0.1, 0.9) * ms / 1000 / len(intervals_ms) for ms in intervals_ms]
    missed, rereads = {}, {}
    for rules in (minute.rules, ()):
        pit = msgspec.structs.replace(minute, rules=rules)
        watched = played(125, swinging(pit_s, takes_s), pit, *beside(minute, intervals_ms))
        missed[bool(rules)] = watched.missed()
        rereads[bool(rules)] = sum(poll.rereads for poll in watched.bus.polls)
    assert rereads[False] == 0
    assert missed[True] <= missed[False]


def test_between_neighbours_that_leave_little_time_a_re_read_is_made_all_the_same(
    minute: Device,
) -> None:
    # Of each 200 ms the neighbours take 150, and the pit 40.
    watched = played(50, line := swinging(0.04, (0.07, 0.08)), minute, *beside(minute, (200, 200)))
    assert line.times(2)[1] - line.times(2)[0] == pytest.approx(3.0, abs=0.3)
    assert watched.missed() == 0


def test_a_long_read_out_of_another_device_is_jumped(minute: Device) -> None:
    one_by_one = msgspec.structs.replace(minute.profile.modbus, one_point_a_request=True)
    slow = msgspec.structs.replace(
        beside(minute, (HALF_HOUR_MS,))[0],
        profile=msgspec.structs.replace(minute.profile, modbus=one_by_one),
    )
    line = Line(lambda _: 12_500, {2: 0.1, 11: 1.0})
    watched = played(20, line, minute, slow)
    # The read-out takes six seconds, and the pit's second reading comes in the middle of it.
    assert 3.0 <= watched.raised_s(LEVEL_4)[0] - line.times(2)[0] <= 4.2
    assert line.times(11)[-1] > line.times(2)[1]


async def test_the_whole_gateway_alarms_over_real_frames_long_before_the_next_poll(
    configured: Configure, gateway_dict: dict[str, Any]
) -> None:
    gateway_dict["buses"][0]["devices"][1]["interval_ms"] = HALF_HOUR_MS
    async with site() as (server, _):
        pit = server.units[2]
        pit.registers = {n: (12_500 if n == 1 else 10_000) if n % 2 else 0 for n in range(12)}
        async with agent(configured(server)) as run:
            await until(lambda: any(line["level"] == 4 for line in run.lines()))
            await run.end()
    assert pit.asked == 2
