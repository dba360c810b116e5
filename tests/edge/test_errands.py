"""Reads between the polls: no poll is late by them, and they never get more than their share of the bus."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bus import BusTask
from edge.config import Bus, Device
from edge.drivers import Answer, Request, Traffic
from edge.errands import REST, Job, spare_s
from edge.settings import ModbusTcp
from sitewarden.quality import Quality
from tests.edge.test_again import Line
from tests.support import virtual_loop
from tests.support.waiting import ended

READ = Request(3, 0, 2)
POLLED, TRIED = 11, 5
TIMEOUT_S = 0.5


def polled(device: Device, unit: int = POLLED, interval_ms: int = 100) -> Device:
    return msgspec.structs.replace(device, name=f"n{unit}", unit=unit, intervals_ms={"main": interval_ms})


@contextlib.asynccontextmanager
async def polling(line: Line, *devices: Device) -> AsyncIterator[BusTask]:
    bus = Bus(name="bus-1", modbus=ModbusTcp(host="x", timeout_ms=200), devices=devices)
    task = BusTask(bus, line, lambda *_: None, lambda at_s: round(1000 * at_s))
    running = asyncio.create_task(task.run())
    try:
        yield task
    finally:
        await ended(running)


async def keep_asking(bus: BusTask, counted: Traffic, *, unit: int = TRIED) -> list[Answer]:
    """Errand after errand, until cancelled."""
    answers: list[Answer] = []
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            answers.append(await bus.read_beside(unit, READ, TIMEOUT_S, counted))
    return answers


def asked_for(
    seconds: float, line: Line, *devices: Device, meanwhile: Callable[[BusTask], None] = lambda _: None
) -> tuple[BusTask, list[Answer], Traffic]:
    async def play() -> tuple[BusTask, list[Answer], Traffic]:
        counted = Traffic()
        async with polling(line, *devices) as bus:
            asking = asyncio.create_task(keep_asking(bus, counted))
            await asyncio.sleep(seconds / 2)
            meanwhile(bus)
            await asyncio.sleep(seconds / 2)
            asking.cancel()
            return bus, await asking, counted

    return virtual_loop.run(play())


def test_errand_after_errand_gets_a_fifth_of_the_bus_and_no_poll_is_late(pit: Device) -> None:
    line = Line(lambda _: 10_000, {POLLED: 0.02, TRIED: 0.03})
    bus, answers, counted = asked_for(60.0, line, polled(pit))
    assert bus.missed == 0
    assert len(line.times(POLLED)) >= 599
    assert counted.requests - 1 <= len(answers) <= counted.requests
    assert len(answers) > 100
    assert 0.03 * len(answers) <= 60 / (1 + REST) + 1
    assert {answer.quality for answer in answers} == {Quality.GOOD}
    assert bus.busy_s == pytest.approx(0.02 * len(line.times(POLLED)) + 0.03 * len(answers), rel=0.01)


def test_who_does_not_answer_is_waited_for_only_as_long_as_the_polls_leave(pit: Device) -> None:
    line = Line(lambda _: 10_000, {POLLED: 0.02})
    line.silent = {TRIED}
    bus, answers, counted = asked_for(30.0, line, polled(pit))
    assert (bus.missed, {answer.quality for answer in answers}) == (0, {Quality.TIMEOUT})
    assert all(answer.answered_at - answer.asked_at < 0.1 for answer in answers)
    assert "which is what the polls of the bus leave" in answers[0].detail
    assert counted.timeouts >= len(answers) > 20
    assert len(line.times(POLLED)) >= 299


def test_a_bus_without_spare_time_makes_none_and_polls_as_ever(pit: Device) -> None:
    def line() -> Line:
        return Line(lambda _: 10_000, {POLLED: 0.08, 12: 0.015, TRIED: 0.03})

    async def alone() -> int:
        async with polling(line(), polled(pit), polled(pit, 12)) as bus:
            await asyncio.sleep(20)
            return bus.missed

    bus, answers, _ = asked_for(20.0, line(), polled(pit), polled(pit, 12))
    assert (bus.missed, answers) == (virtual_loop.run(alone()), [])


def test_a_re_read_goes_first_and_a_dead_unit_stays_as_dead_as_it_was(pit: Device) -> None:
    line = Line(lambda _: 10_000, {12: 0.02, TRIED: 0.03})

    def look_again(bus: BusTask) -> None:
        bus.look_again("n12", "main", asyncio.get_running_loop().time())

    bus, answers, _ = asked_for(40.0, line, polled(pit, 12, 30_000), meanwhile=look_again)
    assert bus.rereads == 1
    assert bus.missed == 0
    assert not any(unit.breaker.is_doubtful for unit in bus.units)
    assert len(answers) > 100


async def until_gone(bus: BusTask) -> Answer:
    return await bus.read_beside(TRIED, READ, TIMEOUT_S, Traffic())


def test_whoever_waits_when_the_bus_ends_is_told_so(pit: Device) -> None:
    async def play() -> Answer:
        line = Line(lambda _: 10_000, {POLLED: 0.099})
        async with polling(line, polled(pit)) as bus:
            await asyncio.sleep(1)
            waiting = asyncio.create_task(until_gone(bus))
            await asyncio.sleep(1)
        return await waiting

    assert virtual_loop.run(play()).quality is Quality.DISCONNECTED


def test_a_polled_unit_that_wants_a_pause_gets_it_after_an_errand_too(pit: Device) -> None:
    modbus = msgspec.structs.replace(pit.profile.modbus, pause_ms=50)
    device = polled(msgspec.structs.replace(pit, profile=msgspec.structs.replace(pit.profile, modbus=modbus)))
    line = Line(lambda _: 10_000, {POLLED: 0.01})

    async def play() -> None:
        async with polling(line, device) as bus:
            asking = asyncio.create_task(keep_asking(bus, Traffic(), unit=POLLED))
            await asyncio.sleep(5)
            asking.cancel()
            await asking

    virtual_loop.run(play())
    times = line.times(POLLED)
    assert len(times) > 60
    assert min(after - before for before, after in pairwise(times)) >= 0.0599


JOBS = st.lists(
    st.tuples(st.floats(0.01, 10), st.floats(0.0, 1.0)).map(lambda pair: Job(*pair)), min_size=1, max_size=6
)


@given(JOBS, st.floats(0.0, 5.0))
@settings(max_examples=60, deadline=None)
def test_the_spare_time_is_exactly_what_leaves_every_job_in_time(jobs: list[Job], now: float) -> None:
    def is_late(held_s: float) -> bool:
        at = now + held_s
        for deadline, took_s in sorted(jobs):
            at += took_s
            if at > deadline + 1e-9:
                return True
        return False

    spare = spare_s(jobs, now)
    assert not is_late(spare)
    assert is_late(spare + 1e-3)


def test_who_asks_on_a_bus_that_is_read_no_more_hears_so_at_once(pit: Device) -> None:
    async def play() -> list[Answer]:
        line = Line(lambda _: 10_000, {POLLED: 0.02, TRIED: 0.03})
        async with polling(line, polled(pit)) as bus:
            waiting = asyncio.create_task(bus.read_beside(TRIED, READ, TIMEOUT_S, Traffic()))
            await asyncio.sleep(0)
        async with asyncio.timeout(1):
            return [await waiting, await bus.read_beside(TRIED, READ, TIMEOUT_S, Traffic())]

    answers = virtual_loop.run(play())
    assert [answer.quality for answer in answers] == [Quality.DISCONNECTED, Quality.DISCONNECTED]
