"""Somebody sets the clock while a load hangs: no false alarm, no missed one, and records put right."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from edge.agent import Agent
from edge.clock import Clock
from edge.config import Device, Gateway, load_gateway
from sitewarden.messages import Alarm, ClockState, Readings, decode, readings_of
from sitewarden.readings import Reading
from tests.edge.conftest import WriteGateway
from tests.support.waiting import ended

HOUR_MS = 3_600_000
TRUE_MS, KNOWN_MS = 1_790_003_600_000, 1_790_000_000_000
POLL_MS = 200
EMPTY_T, OVERLOAD_T = 1.0, 3.0
"""At 25 m and four falls the chart `tc5610-like` rates between the two."""


class Machine:
    """A machine whose clocks the test moves, and the agent on it, polled by hand."""

    def __init__(self, gateway: Gateway, wall_ms: int, state: ClockState) -> None:
        self.wall_ms, self.mono_ms, self.state = wall_ms, 50_000, state
        self.agent = Agent(gateway, self._clock)
        self._crane: Device = next(d for d in gateway.devices if d.name == "crane-1")
        self._pit: Device = next(d for d in gateway.devices if d.name == "pit-1")

    def _clock(self, *, floor_ms: int) -> Clock:
        return Clock(
            floor_ms=floor_ms,
            wall=lambda: self.wall_ms / 1000,
            monotonic=lambda: self.mono_ms / 1000,
            state=lambda: self.state,
        )

    def polls(self, seconds: float, load_t: float) -> None:
        """Poll the crane for so long."""
        for _ in range(round(seconds * 1000 / POLL_MS)):
            self.wall_ms += POLL_MS
            self.mono_ms += POLL_MS
            at_ms = self.agent.stamp(self.mono_ms / 1000)
            values = {"load": load_t, "radius": 25.0, "falls": 4.0}
            self.agent.take(
                self._crane, [Reading(f"crane-1/{key}", at_ms, value) for key, value in values.items()]
            )

    def pit_polls(self, hours: int, from_mm: float, mm_a_day: float) -> None:
        """Read the pit once an hour."""
        for hour in range(hours):
            self.wall_ms += HOUR_MS
            self.mono_ms += HOUR_MS
            at_ms = self.agent.stamp(self.mono_ms / 1000)
            self.agent.take(self._pit, [Reading("pit-1/h1", at_ms, from_mm + mm_a_day * hour / 24)])

    async def records(self) -> tuple[list[Alarm], list[Readings]]:
        """What waits in the outbox, as it would be sent now; from then on it stays as it is."""
        self.agent._recorder.flush()
        for lane in (self.agent.alarms, self.agent.readings):
            await lane.flushed()
        alarms = await self.agent.alarms.take(1, 10_000, 10_000, size=2**30)
        readings = await self.agent.readings.take(1, 10_000, 10_000, size=2**30)
        return [decode(r.body, Alarm) for r in alarms], [decode(r.body, Readings) for r in readings]


Start = Callable[..., Machine]


@pytest.fixture
def start(gateway_dict: dict[str, Any], write_gateway: WriteGateway) -> Iterator[Start]:
    machines: list[Machine] = []

    def begin(wall_ms: int, state: ClockState = "unsynced") -> Machine:
        for machine in machines:
            machine.agent.close()
        machines[:] = [Machine(load_gateway(write_gateway(gateway_dict)), wall_ms, state)]
        return machines[0]

    yield begin
    machines[0].agent.close()


@asynccontextmanager
async def writing(machine: Machine) -> AsyncIterator[None]:
    lanes = (machine.agent.alarms, machine.agent.readings)
    tasks = [asyncio.create_task(lane.run()) for lane in lanes]
    try:
        yield
    finally:
        await ended(*tasks)


@pytest.mark.parametrize("by_ms", [HOUR_MS, -HOUR_MS])
async def test_a_set_clock_raises_nothing_early_clears_nothing_and_delays_nothing(
    start: Start, by_ms: int
) -> None:
    machine = start(TRUE_MS - by_ms)
    async with writing(machine):
        machine.polls(1.0, EMPTY_T)
        # The delay of 2 s runs when the clock is set: it neither ends by that nor begins anew.
        machine.polls(1.4, OVERLOAD_T)
        machine.wall_ms, machine.state = machine.wall_ms + by_ms, "synced"
        machine.polls(0.2, OVERLOAD_T)
        alarms, _ = await machine.records()
        assert not any(a.rule == "crane-load-100" for a in alarms)
        machine.polls(0.6, OVERLOAD_T)
        alarms, _ = await machine.records()
        (raised,) = (a for a in alarms if a.rule == "crane-load-100")
        assert raised.at == TRUE_MS + 1000 + 2200
        # Set again while the alarm stands: it stands on, and its episode ends once.
        machine.wall_ms += by_ms
        machine.polls(1.0, OVERLOAD_T)
        machine.polls(3.0, EMPTY_T)
        alarms, _ = await machine.records()
        told = [(a.change, a.episode) for a in alarms if a.rule == "crane-load-100"]
        assert told == [("raised", raised.episode), ("cleared", raised.episode)]


@pytest.mark.parametrize("by_ms", [HOUR_MS, -HOUR_MS])
async def test_records_that_were_not_sent_are_put_right_and_say_so(start: Start, by_ms: int) -> None:
    machine = start(TRUE_MS - by_ms)
    async with writing(machine):
        machine.polls(4.0, OVERLOAD_T)
        machine.wall_ms, machine.state = machine.wall_ms + by_ms, "synced"
        machine.polls(1.2, OVERLOAD_T)
        alarms, readings = await machine.records()
    loads = [r for m in readings for r in readings_of(m.series, m.at) if r.point == "crane-1/load"]
    assert [r.at_ms for r in loads] == [TRUE_MS + POLL_MS * (i + 1) for i in range(26)]
    assert [(m.moved_ms, m.clock) for m in readings] == [(by_ms, "unsynced"), (0, "synced")]
    assert all(m.mono == m.at - TRUE_MS + 50_000 for m in readings)
    (raised,) = (a for a in alarms if a.rule == "crane-load-100")
    assert (raised.at, raised.raised_at, raised.moved_ms) == (TRUE_MS + 2200, TRUE_MS + 2200, by_ms)


async def test_a_machine_that_wakes_in_1970_neither_forgets_the_day_nor_invents_one(start: Start) -> None:
    machine = start(KNOWN_MS - 30 * HOUR_MS, "synced")
    async with writing(machine):
        machine.pit_polls(30, from_mm=100.0, mm_a_day=1.0)
        machine.agent._save()
        await machine.records()
    machine = start(30_000)
    async with writing(machine):
        # It moves by more than the control value of 2 mm a day. A wrong clock must not hide that.
        machine.pit_polls(2, from_mm=103.5, mm_a_day=2.0)
        assert machine.agent.clock.state == "unsynced"
        machine.wall_ms, machine.state = TRUE_MS + 3 * HOUR_MS, "synced"
        machine.pit_polls(2, from_mm=103.6, mm_a_day=2.0)
        alarms, readings = await machine.records()
    (raised,) = (a for a in alarms if a.rule == "pit-horizontal-rate-100")
    assert raised.change == "raised"
    assert all(m.at > KNOWN_MS - 31 * HOUR_MS for m in readings)
    assert {m.clock for m in readings} == {"synced", "unsynced"}


def of_clock(alarms: list[Alarm]) -> list[Alarm]:
    return [alarm for alarm in alarms if alarm.family == "gateway-clock"]


@pytest.mark.parametrize("by_ms", [HOUR_MS, -HOUR_MS])
async def test_a_step_is_told_by_how_much_and_when_and_is_over_by_itself(start: Start, by_ms: int) -> None:
    machine = start(TRUE_MS, "synced")
    async with writing(machine):
        machine.polls(4.0, EMPTY_T)
        machine.wall_ms += by_ms
        machine.polls(POLL_MS / 1000, EMPTY_T)
        set_at_ms = machine.wall_ms
        assert machine.agent.snapshot().siren.siren == "off"
        machine.polls(11 * 60, EMPTY_T)
        alarms, readings = await machine.records()
    raised, cleared = of_clock(alarms)
    assert (raised.change, raised.rule, raised.point) == (
        "raised",
        "gateway-clock-step",
        "gw-1/clock_step",
    )
    assert (raised.at, raised.value, raised.unit, raised.level) == (set_at_ms, by_ms / 1000, "s", 1)
    assert raised.hazard is None
    # The readings before it, dated anew, and the one that says by how much.
    (series,) = (one for one in raised.evidence if one.p == raised.point)
    assert [r.value for r in readings_of([series], raised.at)] == [0.0, by_ms / 1000]
    assert (cleared.change, cleared.episode) == ("cleared", raised.episode)
    assert 600_000 <= cleared.at - raised.at <= 11 * 60_000
    told = [r for m in readings for r in readings_of(m.series, m.at) if r.point == raised.point]
    assert [r.value for r in told if r.value] == [by_ms / 1000]


async def test_the_first_setting_of_a_clock_without_a_battery_is_told_as_that(start: Start) -> None:
    machine = start(30_000)
    async with writing(machine):
        machine.polls(2.0, EMPTY_T)
        machine.wall_ms, machine.state = TRUE_MS, "synced"
        machine.polls(2.0, EMPTY_T)
        machine.wall_ms += HOUR_MS
        machine.polls(2.0, EMPTY_T)
        alarms, _ = await machine.records()
    assert [(a.change, a.rule) for a in of_clock(alarms)] == [
        ("raised", "gateway-clock-first-set"),
        ("raised", "gateway-clock-step"),
    ]


async def test_a_clock_that_is_put_right_by_a_second_or_slewed_is_no_alarm(start: Start) -> None:
    machine = start(TRUE_MS, "synced")
    async with writing(machine):
        machine.polls(2.0, EMPTY_T)
        machine.wall_ms += 1_200
        machine.polls(2.0, EMPTY_T)
        for _ in range(20):
            machine.wall_ms += 300
            machine.polls(0.2, EMPTY_T)
        alarms, readings = await machine.records()
    assert machine.agent.clock.steps == 1
    assert of_clock(alarms) == []
    told = [r.value for m in readings for r in readings_of(m.series, m.at) if r.point == "gw-1/clock_step"]
    assert 1.2 in told


async def test_a_step_that_stands_when_the_agent_ends_is_over_after_the_restart(start: Start) -> None:
    machine = start(TRUE_MS, "synced")
    async with writing(machine):
        machine.polls(1.0, EMPTY_T)
        machine.wall_ms += HOUR_MS
        machine.polls(1.0, EMPTY_T)
        machine.agent._save()
        (raised,) = of_clock((await machine.records())[0])
    machine = start(machine.wall_ms + 5_000, "synced")
    async with writing(machine):
        machine.polls(12 * 60, EMPTY_T)
        alarms, _ = await machine.records()
    assert [(a.change, a.episode) for a in of_clock(alarms)][-1] == ("cleared", raised.episode)
