"""A bus against a real Modbus server: the grid is kept, a dead unit costs nobody else, silence is seen."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import msgspec

from edge.bus import BusTask, Poll, Unit
from edge.config import Bus, Device
from edge.drivers import Answer, Request, Traffic
from edge.drivers.modbus import ModbusTcpLink
from edge.drivers.registers import PlannedRead
from edge.settings import ModbusTcp
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from tests.support import modbus as fake
from tests.support.modbus import ModbusServer, serving
from tests.support.waiting import ended, until

CRANE = {0: 1000, 1: 2500, 2: 100, 3: 0, 4: 4, 5: 50, 6: 0}
TIMEOUT_MS = 200
INTERVAL_MS = 100


def on_bus(device: Device, name: str, unit: int, interval_ms: int = INTERVAL_MS) -> Device:
    return msgspec.structs.replace(device, name=name, unit=unit, intervals_ms={"main": interval_ms})


def wall_ms(monotonic_s: float) -> int:
    return round((time.time() + monotonic_s - time.monotonic()) * 1000)


class Taken:
    """Remembers what a bus hands on."""

    def __init__(self) -> None:
        self.polls: list[tuple[str, list[Reading]]] = []

    def __call__(self, device: Device, readings: Sequence[Reading]) -> None:
        self.polls.append((device.name, list(readings)))

    def of(self, device: str) -> list[list[Reading]]:
        return [readings for name, readings in self.polls if name == device]

    def good(self, device: str) -> int:
        return sum(all(r.is_good for r in readings) for readings in self.of(device))

    def qualities(self, device: str) -> set[Quality]:
        return {reading.quality for readings in self.of(device) for reading in readings}


@contextlib.asynccontextmanager
async def polling(server: ModbusServer, *devices: Device) -> AsyncIterator[tuple[BusTask, Taken]]:
    taken = Taken()
    link = ModbusTcpLink("127.0.0.1", server.port)
    modbus = ModbusTcp(host="127.0.0.1", port=server.port, timeout_ms=TIMEOUT_MS)
    bus = BusTask(Bus(name="bus-1", modbus=modbus, devices=devices), link, taken, wall_ms)
    tasks = [asyncio.create_task(link.run()), asyncio.create_task(bus.run())]
    try:
        yield bus, taken
    finally:
        await ended(*tasks)


async def test_a_poll_gives_one_good_reading_a_point(crane: Device) -> None:
    async with serving({1: fake.Unit(CRANE)}) as server, polling(server, on_bus(crane, "a", 1)) as (_, taken):
        await until(lambda: len(taken.polls) >= 3)
        _, readings = taken.polls[-1]
        assert {r.point: r.value for r in readings} == {
            "a/load": 1.0,
            "a/radius": 25.0,
            "a/hook_height": 1.0,
            "a/slew": 0.0,
            "a/falls": 4.0,
            "a/wind_speed": 5.0,
            "a/limiter_cutoff": 0.0,
            "a/limiter_bypass": 0.0,
            "a/limiter_fault": 0.0,
        }


async def test_source_times_lie_on_the_grid_and_do_not_drift(crane: Device) -> None:
    units = {1: fake.Unit(CRANE, delay_s=0.02)}
    async with serving(units) as server, polling(server, on_bus(crane, "a", 1)) as (bus, taken):
        await until(lambda: len(taken.polls) >= 20)
    instants = [readings[0].at_ms for readings in taken.of("a")]
    polls = bus.polls[0]
    # Twenty polls take twenty intervals (and those missed), not twenty intervals plus twenty answers.
    expected = (len(instants) - 1 + polls.missed) * INTERVAL_MS
    assert abs(instants[-1] - instants[0] - expected) < INTERVAL_MS


async def test_beside_a_dead_unit_every_neighbour_keeps_its_polls(crane: Device) -> None:
    units = {1: fake.Unit(CRANE), 2: fake.Unit(CRANE), 3: fake.Unit(is_silent=True)}
    devices = on_bus(crane, "a", 1), on_bus(crane, "b", 2), on_bus(crane, "dead", 3)
    async with serving(units) as server, polling(server, *devices) as (bus, taken):
        # The first silence costs its timeout once; from then on the dead unit waits in the gaps.
        await until(lambda: units[3].asked >= 2)
        missed = {poll.device.name: poll.missed for poll in bus.polls}
        before = taken.good("a"), taken.good("b")
        await until(lambda: taken.good("a") >= before[0] + 20)
        assert taken.good("b") >= before[1] + 19
        later = {poll.device.name: poll.missed for poll in bus.polls}
        assert later["a"] - missed["a"] <= 1
        assert later["b"] - missed["b"] <= 1
        assert taken.qualities("dead") == {Quality.TIMEOUT}


async def test_a_unit_that_is_down_goes_on_being_seen_as_silent(crane: Device) -> None:
    units = {1: fake.Unit(is_silent=True)}
    async with serving(units) as server, polling(server, on_bus(crane, "dead", 1)) as (bus, taken):
        await until(lambda: bus.units[0].breaker.is_down)
        asked, told = units[1].asked, len(taken.of("dead"))
        # More news of silence than questions: it is told although the unit is left alone.
        await until(lambda: len(taken.of("dead")) >= told + 3)
        assert units[1].asked - asked <= 2
        assert all(len(readings) == 9 for readings in taken.of("dead"))


async def test_a_mistake_while_a_silence_is_told_does_not_end_the_bus(crane: Device) -> None:
    units = {1: fake.Unit(CRANE), 2: fake.Unit(is_silent=True)}
    devices = on_bus(crane, "a", 1), on_bus(crane, "dead", 2)
    async with serving(units) as server, polling(server, *devices) as (bus, taken):
        await until(lambda: bus.units[1].breaker.is_down)
        sink, fails = bus._sink, 3

        def failing(device: Device, readings: Sequence[Reading]) -> None:
            nonlocal fails
            if device.name == "dead" and fails:
                fails -= 1
                raise ZeroDivisionError
            sink(device, readings)

        bus._sink = failing  # type: ignore[method-assign]
        await until(lambda: not fails)
        good, told = taken.good("a"), len(taken.of("dead"))
        await until(lambda: taken.good("a") > good and len(taken.of("dead")) > told)


async def test_a_unit_that_comes_back_is_read_again(crane: Device) -> None:
    units = {1: fake.Unit(CRANE, is_silent=True)}
    async with serving(units) as server, polling(server, on_bus(crane, "a", 1)) as (bus, taken):
        await until(lambda: bus.units[0].breaker.is_down)
        units[1].is_silent = False
        await until(lambda: taken.good("a") >= 3)


async def test_a_branch_without_power_keeps_nobody_waiting_for_all_of_it(crane: Device) -> None:
    units = {1: fake.Unit(CRANE), **{n: fake.Unit(is_silent=True) for n in range(2, 10)}}
    devices = [on_bus(crane, f"u{n}", n, interval_ms=500) for n in units]
    async with serving(units) as server, polling(server, *devices) as (bus, taken):
        await until(lambda: all(unit.breaker.is_down for unit in bus.units[1:]))
        good = [readings[0].at_ms for readings in taken.of("u1") if readings[0].is_good]
        # Eight timeouts of 200 ms are 1.6 s; after two of them the others get a fifth.
        assert max(after - before for before, after in pairwise(good)) < 1400
        missed, count, connections = bus.polls[0].missed, taken.good("u1"), server.connections
        await until(lambda: taken.good("u1") >= count + 20)
        assert bus.polls[0].missed - missed <= 1
        assert server.connections == connections, "the line of a unit that lives is not closed"


async def test_when_one_comes_back_the_others_are_tried_at_once(crane: Device) -> None:
    units = {1: fake.Unit(CRANE, is_silent=True), 2: fake.Unit(CRANE, is_silent=True)}
    devices = on_bus(crane, "a", 1), on_bus(crane, "b", 2)
    async with serving(units) as server, polling(server, *devices) as (bus, taken):
        await until(lambda: all(unit.breaker._failures >= 6 for unit in bus.units))
        for unit in units.values():
            unit.is_silent = False
        # Their own back-off would be sixteen seconds and more by now.
        await until(lambda: taken.good("a") >= 2 and taken.good("b") >= 2)


async def test_an_illegal_address_ends_as_a_bad_reading_of_that_point_alone(crane: Device) -> None:
    without_wind = {address: value for address, value in CRANE.items() if address != 5}
    async with serving({1: fake.Unit(without_wind)}) as server:
        async with polling(server, on_bus(crane, "a", 1)) as (_, taken):
            await until(
                lambda: (
                    taken.polls and {r.point for r in taken.polls[-1][1] if not r.is_good} == {"a/wind_speed"}
                )
            )
        _, readings = taken.polls[-1]
        assert {r.quality for r in readings if not r.is_good} == {Quality.EXCEPTION}
        assert len(readings) == 9


async def test_a_line_that_is_down_makes_disconnected_readings_and_comes_back(crane: Device) -> None:
    async with serving({1: fake.Unit(CRANE)}) as server, polling(server, on_bus(crane, "a", 1)) as (_, taken):
        await until(lambda: taken.good("a") >= 2)
        await server.stop()
        await until(lambda: Quality.DISCONNECTED in taken.qualities("a"))
        good = taken.good("a")
        await server.start()
        await until(lambda: taken.good("a") >= good + 2)


async def test_a_half_open_line_is_opened_anew(crane: Device) -> None:
    units = {1: fake.Unit(CRANE, is_silent=True)}
    async with serving(units) as server, polling(server, on_bus(crane, "a", 1)):
        await until(lambda: server.connections >= 2)


def test_a_missed_deadline_is_counted_not_queued(crane: Device) -> None:
    poll = Poll(Unit(on_bus(crane, "a", 1), 0.2), "main", start=10.0)
    poll.skip(10.04)
    assert (round(poll.due, 6), poll.missed) == (10.1, 0)
    poll.skip(10.45)
    assert (round(poll.due, 6), poll.missed) == (10.5, 3)


class SwallowingLink:
    """Behaves as `asyncio.wait_for` does before Python 3.12 when result and cancellation come together."""

    quiet_s = 0.0

    def __init__(self) -> None:
        self.is_reading = asyncio.Event()
        self.traffic = Traffic()

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def read(self, unit: int, request: Request, timeout_s: float) -> Answer:
        self.is_reading.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(timeout_s)
        return Answer([unit] * request.length, Quality.GOOD)

    def wire_s(self, request: Request) -> float:  # noqa: ARG002
        return 0.0

    def quiet_left_s(self) -> float:
        return 0.0

    def reopen(self) -> None:
        raise AssertionError("nothing was silent")


async def test_a_cancellation_that_a_library_swallows_still_ends_the_bus(crane: Device) -> None:
    link = SwallowingLink()
    modbus = ModbusTcp(host="127.0.0.1", port=1, timeout_ms=TIMEOUT_MS)
    bus = BusTask(Bus(name="bus-1", modbus=modbus, devices=(on_bus(crane, "a", 1),)), link, Taken(), wall_ms)
    task = asyncio.create_task(bus.run())
    await link.is_reading.wait()
    await ended(task)


def refused(read: PlannedRead) -> Answer:
    return Answer((), Quality.EXCEPTION, is_refusal=True)


def turn(poll: Poll, missing: set[int]) -> int:
    """One turn with a unit that lacks these registers; how many requests it took."""
    asked = 0
    poll.begin(poll.due)
    while poll.left:
        read = poll.left[0]
        asked += 1
        wanted = range(read.request.first, read.request.first + read.request.length)
        lacks = any(register in missing for register in wanted)
        poll.take(read, refused(read) if lacks else Answer([1] * read.request.length, Quality.GOOD))
    poll.readings(poll.end(poll.due), wall_ms)
    return asked


def test_an_illegal_address_is_found_by_bisecting_and_the_hole_is_remembered(crane: Device) -> None:
    poll = Poll(Unit(on_bus(crane, "a", 1), 0.2), "main", start=10.0)
    assert turn(poll, {5}) > 2
    assert poll.holes == set(), "refused once may be a passing weakness"
    turn(poll, {5})
    assert poll.holes == {(3, 5)}
    # Around the hole two reads are left, and nobody asks for what is not there but once a minute.
    asked = [turn(poll, {5}) for _ in range(round(60 / poll.interval_s) + 10)]
    assert sorted(set(asked)) == [2, 3]
    assert asked.count(3) == 1
    asked = [turn(poll, set()) for _ in range(round(60 / poll.interval_s))]
    assert (poll.holes, asked[-1]) == (set(), 1)


def test_a_passing_refusal_makes_no_hole(crane: Device) -> None:
    poll = Poll(Unit(on_bus(crane, "a", 1), 0.2), "main", start=10.0)
    turn(poll, {0})
    turn(poll, set())
    turn(poll, {0})
    assert poll.holes == set()


def test_a_unit_that_comes_back_is_asked_for_everything_again(crane: Device) -> None:
    unit = Unit(on_bus(crane, "a", 1), 0.2)
    poll = Poll(unit, "main", start=10.0)
    turn(poll, {5})
    turn(poll, {5})
    assert poll.holes == {(3, 5)}
    unit.returns += 1
    assert turn(poll, set()) == 1
    assert poll.holes == set()


def test_a_hole_does_not_switch_off_the_detection_of_jumps_beside_it(crane: Device) -> None:
    load = msgspec.structs.replace(crane.profile.points["load"], max_step=5)
    profile = msgspec.structs.replace(crane.profile, points={**crane.profile.points, "load": load})
    device = msgspec.structs.replace(on_bus(crane, "a", 1), profile=profile)
    poll = Poll(Unit(device, 0.2), "main", start=10.0)
    turn(poll, {5})
    turn(poll, {5})
    poll.begin(poll.due)
    while poll.left:
        read = poll.left[0]
        poll.take(read, Answer([30_000] * read.request.length, Quality.GOOD))
    readings = {r.point: r.quality for r in poll.readings(poll.end(poll.due), wall_ms)}
    assert (readings["a/load"], readings["a/wind_speed"]) == (Quality.JUMP, Quality.EXCEPTION)


async def test_a_slow_turn_is_progress_and_a_step_beyond_its_time_is_not(crane: Device) -> None:
    modbus = msgspec.structs.replace(crane.profile.modbus, one_point_a_request=True)
    profile = msgspec.structs.replace(crane.profile, modbus=modbus)
    device = msgspec.structs.replace(on_bus(crane, "a", 1, interval_ms=50), profile=profile)
    line = Line(takes_s=0.05)
    settings = ModbusTcp(host="x", timeout_ms=100)
    bus = BusTask(Bus(name="bus-1", modbus=settings, devices=(device,)), line, Taken(), wall_ms)
    task = asyncio.create_task(bus.run())
    await until(lambda: len(line.asked) >= 5)
    # Nine requests a turn are far behind an interval of 50 ms, and every one of them is on time.
    assert bus.overdue_s() <= 0
    line.takes_s = 30.0
    asked = len(line.asked)
    await until(lambda: len(line.asked) > asked)
    await until(lambda: bus.overdue_s() > 0.05)
    await ended(task)


def test_a_unit_that_refuses_everything_has_no_holes_and_is_asked_once_a_poll(crane: Device) -> None:
    poll = Poll(Unit(on_bus(crane, "a", 1), 0.2), "main", start=10.0)
    everything = set(range(100))
    turn(poll, everything)
    assert (poll.holes, len(poll.reads)) == (set(), 1)
    assert [turn(poll, everything) for _ in range(3)] == [1, 1, 1]
    assert turn(poll, set()) == 1


class Line:
    """A line on which every request takes its time, on a clock of its own; notes who was asked when."""

    def __init__(self, takes_s: float) -> None:
        self.traffic, self.quiet_s, self.takes_s = Traffic(), 0.0, takes_s
        self.asked: list[tuple[int, float]] = []

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def read(self, unit: int, request: Request, timeout_s: float) -> Answer:  # noqa: ARG002
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        self.asked.append((unit, asked_at))
        await asyncio.sleep(self.takes_s)
        return Answer([0] * request.length, Quality.GOOD, asked_at=asked_at, answered_at=loop.time())

    def wire_s(self, request: Request) -> float:  # noqa: ARG002
        return 0.0

    def quiet_left_s(self) -> float:
        return 0.0

    def reopen(self) -> None:
        raise AssertionError("nothing was silent")


async def test_the_earliest_deadline_goes_first_also_between_the_requests_of_one_turn(crane: Device) -> None:
    # Nine requests a turn beside a fast device: the fast one waits for one of them, not for all nine.
    slow_profile = msgspec.structs.replace(
        crane.profile, modbus=msgspec.structs.replace(crane.profile.modbus, one_point_a_request=True)
    )
    slow = msgspec.structs.replace(on_bus(crane, "slow", 1, interval_ms=10_000), profile=slow_profile)
    fast = on_bus(crane, "fast", 2, interval_ms=60)
    line = Line(takes_s=0.02)
    bus = BusTask(Bus(name="bus-1", modbus=ModbusTcp(host="x"), devices=(slow, fast)), line, Taken(), wall_ms)
    task = asyncio.create_task(bus.run())
    await until(lambda: sum(unit == 1 for unit, _ in line.asked) == 9)
    await ended(task)
    units = [unit for unit, _ in line.asked]
    assert units[0] == 2
    # Never three of the slow one's requests in a row, for the fast one's deadline comes between.
    assert "1111" not in "".join(map(str, units))
    assert next(poll.missed for poll in bus.polls if poll.device.name == "fast") <= 1


async def test_a_device_that_wants_a_pause_between_requests_gets_it(crane: Device) -> None:
    modbus = msgspec.structs.replace(crane.profile.modbus, one_point_a_request=True, pause_ms=30)
    profile = msgspec.structs.replace(crane.profile, modbus=modbus)
    device = msgspec.structs.replace(on_bus(crane, "a", 1, interval_ms=10_000), profile=profile)
    line = Line(takes_s=0.001)
    bus = BusTask(Bus(name="bus-1", modbus=ModbusTcp(host="x"), devices=(device,)), line, Taken(), wall_ms)
    task = asyncio.create_task(bus.run())
    await until(lambda: len(line.asked) >= 5)
    await ended(task)
    instants = [at_s for _, at_s in line.asked]
    assert min(after - before for before, after in pairwise(instants)) >= 0.03


async def test_a_jump_and_what_a_profile_says_of_it_reach_the_reading(crane: Device) -> None:
    load = msgspec.structs.replace(crane.profile.points["load"], max_step=5)
    profile = msgspec.structs.replace(crane.profile, points={**crane.profile.points, "load": load})
    registers = dict(CRANE)
    device = msgspec.structs.replace(on_bus(crane, "a", 1, interval_ms=50), profile=profile)
    async with serving({1: fake.Unit(lambda: registers)}) as server, polling(server, device) as (_, taken):
        await until(lambda: taken.good("a") >= 2)
        registers[0] = 30_000
        await until(lambda: taken.polls[-1][1][0].value == 30.0)
    loads = [readings[0] for readings in taken.of("a")]
    assert [r.quality for r in loads if r.quality is not Quality.GOOD] == [Quality.JUMP, Quality.JUMP]
