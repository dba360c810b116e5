"""The Modbus links against real servers: every failure by its name, and no answer for another read's."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Literal, get_args

import pytest

from edge.drivers import Answer, Link, Request
from edge.drivers.modbus import gap_of, open_link
from edge.settings import ModbusRtu, ModbusRtuOverTcp, ModbusSettings, ModbusTcp
from sitewarden.quality import Quality
from tests.support.modbus import (
    NOISE,
    Fault,
    ModbusServer,
    SerialServer,
    Unit,
    registers_pdu,
    rtu_frame,
    serving,
    serving_line,
)
from tests.support.waiting import PATIENCE_S, ended, until

TIMEOUT_S = 0.1
QUIET_S = 0.2
FAST = 115_200

Transport = Literal["tcp", "rtu", "rtu-over-tcp"]
every_transport = pytest.mark.parametrize("transport", get_args(Transport))
rtu_framing = pytest.mark.parametrize("transport", ["rtu", "rtu-over-tcp"])


@contextlib.asynccontextmanager
async def running(settings: ModbusSettings, *, settle_s: float = 0.0) -> AsyncIterator[Link]:
    link = open_link(settings, settle_s=settle_s)
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        await ended(task)


@contextlib.asynccontextmanager
async def linked(
    transport: Transport, units: Mapping[int, Unit], folder: Path
) -> AsyncIterator[tuple[ModbusServer | SerialServer, Link]]:
    async with contextlib.AsyncExitStack() as stack:
        server: ModbusServer | SerialServer
        if transport == "rtu":
            server = await stack.enter_async_context(serving_line(units, folder / "line"))
        else:
            server = await stack.enter_async_context(serving(units, "tcp" if transport == "tcp" else "rtu"))
        yield server, await stack.enter_async_context(running(settings_of(server)))


def settings_of(server: ModbusServer | SerialServer) -> ModbusSettings:
    if isinstance(server, SerialServer):
        return ModbusRtu(serial=str(server.path), baudrate=FAST, quiet_ms=round(QUIET_S * 1000))
    if server.framing == "tcp":
        return ModbusTcp(host="127.0.0.1", port=server.port)
    return ModbusRtuOverTcp(host="127.0.0.1", port=server.port, quiet_ms=round(QUIET_S * 1000))


async def read(link: Link, unit: int, first: int, length: int, *, timeout_s: float = PATIENCE_S) -> Answer:
    """Read as soon as there is a connection."""
    async with asyncio.timeout(45):
        while True:
            answer = await link.read(unit, Request(3, first, length), timeout_s)
            if answer.quality is not Quality.DISCONNECTED:
                return answer
            await asyncio.sleep(0.01)


@every_transport
async def test_registers_come_as_asked_for(transport: Transport, tmp_path: Path) -> None:
    async with linked(transport, {7: Unit({4: 40, 5: 65535})}, tmp_path) as (_, link):
        answer = await read(link, 7, 4, 2)
        assert (answer.quality, answer.registers) == (Quality.GOOD, (40, 65535))


@every_transport
async def test_the_most_registers_of_a_request_come_whole(transport: Transport, tmp_path: Path) -> None:
    async with linked(transport, {1: Unit({n: n for n in range(125)})}, tmp_path) as (_, link):
        assert (await read(link, 1, 0, 125)).registers == tuple(range(125))


@every_transport
async def test_an_answer_says_when_it_was_asked_for_and_when_it_was_whole(
    transport: Transport, tmp_path: Path
) -> None:
    unit = Unit({0: 1}, delay_s=TIMEOUT_S / 2)
    async with linked(transport, {1: unit}, tmp_path) as (_, link):
        before = asyncio.get_running_loop().time()
        answer = await read(link, 1, 0, 1)
        assert answer.quality is Quality.GOOD
        assert before <= answer.asked_at <= unit.asked_at[-1]
        assert answer.answered_at - answer.asked_at >= unit.delay_s


@every_transport
async def test_a_silent_unit_is_a_timeout_and_the_line_stays_open(
    transport: Transport, tmp_path: Path
) -> None:
    units = {1: Unit({0: 1}), 2: Unit(is_silent=True)}
    async with linked(transport, units, tmp_path) as (server, link):
        silent = await read(link, 2, 0, 1, timeout_s=TIMEOUT_S)
        assert (silent.quality, silent.is_silence) == (Quality.TIMEOUT, True)
        assert silent.answered_at - silent.asked_at >= TIMEOUT_S
        assert (await link.read(1, Request(3, 0, 1), PATIENCE_S)).registers == (1,)
        assert isinstance(server, SerialServer) or server.connections == 1
        assert (link.traffic.requests, link.traffic.timeouts) == (2, 1)


@every_transport
@pytest.mark.parametrize(
    "timeouts_s", [(5.0, TIMEOUT_S), (TIMEOUT_S, 2 * TIMEOUT_S)], ids=["shorter", "longer"]
)
async def test_each_read_has_the_timeout_that_it_was_given(
    transport: Transport, timeouts_s: tuple[float, float], tmp_path: Path
) -> None:
    async with linked(transport, {1: Unit({0: 1}), 2: Unit(is_silent=True)}, tmp_path) as (_, link):
        before, after = timeouts_s
        assert (await read(link, 1, 0, 1, timeout_s=before)).quality is Quality.GOOD
        silent = await read(link, 2, 0, 1, timeout_s=after)
        assert after <= silent.answered_at - silent.asked_at < after + 2.0


@every_transport
async def test_an_exception_is_no_silence_and_an_illegal_address_is_a_refusal(
    transport: Transport, tmp_path: Path
) -> None:
    async with linked(transport, {1: Unit({0: 1}), 2: Unit(exception=4)}, tmp_path) as (_, link):
        refused = await read(link, 1, 0, 2)
        assert (refused.quality, refused.is_refusal, refused.is_silence) == (Quality.EXCEPTION, True, False)
        failed = await read(link, 2, 0, 1)
        assert (failed.quality, failed.is_refusal, failed.is_silence) == (Quality.EXCEPTION, False, False)
        assert (link.traffic.exceptions, link.traffic.timeouts) == (2, 0)


@every_transport
async def test_a_converter_that_finds_nobody_behind_it_counts_as_silence(
    transport: Transport, tmp_path: Path
) -> None:
    async with linked(transport, {1: Unit(exception=11)}, tmp_path) as (_, link):
        assert (await read(link, 1, 0, 1, timeout_s=TIMEOUT_S)).is_silence


@every_transport
@pytest.mark.parametrize("fault", get_args(Fault))
async def test_a_fault_gives_no_wrong_value_and_costs_the_neighbour_none(
    transport: Transport, fault: Fault, tmp_path: Path
) -> None:
    units = {1: Unit({0: 11, 1: 12}, fault=fault), 2: Unit({0: 21, 1: 22}), 3: Unit({0: 31, 1: 32})}
    async with linked(transport, units, tmp_path) as (_, link):
        for _ in range(2):
            faulty = await read(link, 1, 0, 2, timeout_s=TIMEOUT_S)
            is_known = fault == "noise after" or (fault == "noise before" and transport != "tcp")
            assert faulty.registers == ((11, 12) if is_known and faulty.quality is Quality.GOOD else ())
            assert faulty.quality is not Quality.GOOD or is_known
            assert (await read(link, 2, 0, 2)).registers == (21, 22)
            assert (await read(link, 3, 0, 1)).registers == (31,)
        assert link.traffic.late + link.traffic.broken >= 2


@rtu_framing
@pytest.mark.parametrize("fault", ["noise before", "noise after"])
async def test_noise_around_an_answer_does_not_cost_the_answer(
    transport: Transport, fault: Fault, tmp_path: Path
) -> None:
    async with linked(transport, {1: Unit({0: 11}, fault=fault)}, tmp_path) as (_, link):
        for _ in range(3):
            assert (await read(link, 1, 0, 1)).registers == (11,)


async def test_a_short_answer_over_tcp_is_told_from_silence() -> None:
    unit = Unit({0: 1, 1: 2, 2: 3}, fault="fewer registers")
    async with serving({1: unit}) as server, running(settings_of(server)) as link:
        short = await read(link, 1, 0, 3)
        assert (short.quality, short.registers, short.is_silence) == (Quality.EXCEPTION, (), False)


@every_transport
@pytest.mark.parametrize("length", [2, 3], ids=["the same count", "another count"])
async def test_a_late_answer_is_never_another_reads_value(
    transport: Transport, length: int, tmp_path: Path
) -> None:
    unit = Unit({100: 1, 101: 2, 200: 3, 201: 4, 202: 5}, delay_s=1.5 * TIMEOUT_S)
    async with linked(transport, {1: unit}, tmp_path) as (_, link):
        for _ in range(3):
            unit.delay_s = 1.5 * TIMEOUT_S
            assert (await read(link, 1, 100, 2, timeout_s=TIMEOUT_S)).quality is Quality.TIMEOUT
            unit.delay_s = 0.65 * TIMEOUT_S
            answer = await read(link, 1, 200, length)
            assert answer.registers == (3, 4, 5)[:length]
        assert link.traffic.late == 3


@rtu_framing
async def test_after_an_answer_that_did_not_come_the_line_is_left_alone(
    transport: Transport, tmp_path: Path
) -> None:
    units = {1: Unit(is_silent=True), 2: Unit({0: 2})}
    async with linked(transport, units, tmp_path) as (_, link):
        given_up = (await read(link, 1, 0, 1, timeout_s=TIMEOUT_S)).answered_at
        answer = await read(link, 2, 0, 1)
        assert answer.registers == (2,)
        assert answer.asked_at - given_up >= QUIET_S
        assert (await read(link, 2, 0, 1)).asked_at - answer.answered_at < QUIET_S


@rtu_framing
async def test_a_cancelled_read_leaves_the_line_alone_too(transport: Transport, tmp_path: Path) -> None:
    unit = Unit({0: 7, 9: 8}, delay_s=QUIET_S / 2)
    async with linked(transport, {1: unit}, tmp_path) as (_, link):
        await read(link, 1, 0, 1, timeout_s=1.0)
        reading = asyncio.create_task(link.read(1, Request(3, 9, 1), 1.0))
        await until(lambda: unit.asked == 2)
        await ended(reading)
        unit.delay_s = 0.0
        assert (await read(link, 1, 0, 1)).registers == (7,)
        assert link.traffic.late == 1


@rtu_framing
async def test_the_missing_answer_itself_ends_the_quiet_time(transport: Transport, tmp_path: Path) -> None:
    unit = Unit({0: 1}, delay_s=1.5 * TIMEOUT_S)
    async with linked(transport, {1: unit, 2: Unit({0: 2})}, tmp_path) as (_, link):
        given_up = (await read(link, 1, 0, 1, timeout_s=TIMEOUT_S)).answered_at
        answer = await read(link, 2, 0, 1)
        assert 0.4 * TIMEOUT_S < answer.asked_at - given_up < QUIET_S


@pytest.mark.parametrize(
    "said",
    [
        NOISE,
        rtu_frame(2, registers_pdu(3, [1])),
        rtu_frame(1, registers_pdu(3, [1, 2])),
        rtu_frame(1, registers_pdu(3, [1])) + NOISE,
    ],
    ids=["noise", "another unit", "another count", "the answer and noise"],
)
async def test_nothing_else_ends_the_quiet_time(said: bytes, tmp_path: Path) -> None:
    units = {1: Unit(is_silent=True), 2: Unit({0: 2})}
    async with (
        serving_line(units, tmp_path / "line") as server,
        running(settings_of(server)) as link,
    ):
        given_up = (await read(link, 1, 0, 1, timeout_s=TIMEOUT_S)).answered_at
        server.say(said)
        answer = await read(link, 2, 0, 1)
        assert answer.registers == (2,)
        assert answer.asked_at - given_up >= QUIET_S


async def test_requests_on_a_serial_line_are_parted_by_a_gap(tmp_path: Path) -> None:
    settings = ModbusRtu(serial=str(tmp_path / "line"), baudrate=1200)
    async with serving_line({1: Unit({0: 1})}, tmp_path / "line"), running(settings) as link:
        first = await read(link, 1, 0, 1)
        second = await read(link, 1, 0, 1)
        assert second.asked_at - first.answered_at >= gap_of(1200) == 3.5 * 11 / 1200


async def test_a_gap_longer_than_the_timeout_is_waited_for(tmp_path: Path) -> None:
    settings = ModbusRtu(serial=str(tmp_path / "line"), baudrate=300)
    async with serving_line({1: Unit({0: 1})}, tmp_path / "line"), running(settings) as link:
        for _ in range(2):
            assert (await read(link, 1, 0, 1, timeout_s=0.02)).quality is Quality.GOOD


def test_from_19200_baud_on_the_gap_is_always_the_same() -> None:
    assert [gap_of(baudrate) for baudrate in (19_200, 115_200)] == [0.00175, 0.00175]


async def test_a_slow_line_gets_the_time_that_the_bytes_take(tmp_path: Path) -> None:
    # Asking for 50 registers and answering takes 113 bytes, 0.13 s at 9600 baud.
    settings = ModbusRtu(serial=str(tmp_path / "line"), baudrate=9600)
    unit = Unit({n: n for n in range(50)}, delay_s=0.1)
    async with serving_line({1: unit}, tmp_path / "line"), running(settings) as link:
        assert (await read(link, 1, 0, 50, timeout_s=0.05)).quality is Quality.GOOD
        assert (await read(link, 1, 0, 1, timeout_s=0.05)).quality is Quality.TIMEOUT


async def test_a_line_that_is_never_silent_is_given_up(tmp_path: Path) -> None:
    settings = ModbusRtu(serial=str(tmp_path / "line"), baudrate=300)
    async with serving_line({1: Unit({0: 1})}, tmp_path / "line") as server, running(settings) as link:
        await read(link, 1, 0, 1)

        async def babble() -> None:
            while True:
                server.say(NOISE)
                await asyncio.sleep(0.01)

        babbling = asyncio.create_task(babble())
        await until(lambda: link.traffic.broken)
        answer = await link.read(1, Request(3, 0, 1), TIMEOUT_S)
        await ended(babbling)
        assert (answer.quality, answer.is_silence) == (Quality.TIMEOUT, True)


@rtu_framing
async def test_the_beginning_of_a_foreign_frame_does_not_hide_the_answer_behind_it(
    transport: Transport, tmp_path: Path
) -> None:
    unit = Unit(is_silent=True)
    async with linked(transport, {1: unit}, tmp_path) as (server, link):
        await read(link, 1, 0, 1, timeout_s=TIMEOUT_S)
        asked = unit.asked
        reading = asyncio.create_task(link.read(1, Request(3, 0, 1), PATIENCE_S))
        await until(lambda: unit.asked > asked)
        said = rtu_frame(2, registers_pdu(3, [9] * 20))[:4] + rtu_frame(1, registers_pdu(3, [5]))
        server.say(said)
        assert (await reading).registers == (5,)


@every_transport
async def test_a_late_answer_is_counted_also_while_nobody_is_asked(
    transport: Transport, tmp_path: Path
) -> None:
    unit = Unit({0: 1}, delay_s=1.2 * TIMEOUT_S)
    async with linked(transport, {1: unit}, tmp_path) as (_, link):
        await read(link, 1, 0, 1, timeout_s=TIMEOUT_S)
        await until(lambda: link.traffic.late == 1)


@every_transport
async def test_a_late_answer_of_one_unit_is_not_its_neighbours(transport: Transport, tmp_path: Path) -> None:
    """Even one that comes after the quiet time, while the neighbour is asked the very same."""
    units = {1: Unit({0: 11}, delay_s=TIMEOUT_S + 1.2 * QUIET_S), 2: Unit({0: 22}, delay_s=0.8 * TIMEOUT_S)}
    async with linked(transport, units, tmp_path) as (_, link):
        assert (await read(link, 1, 0, 1, timeout_s=TIMEOUT_S)).quality is Quality.TIMEOUT
        while not link.traffic.late:
            assert (await read(link, 2, 0, 1)).registers == (22,)


@every_transport
async def test_a_broken_connection_ends_a_read_at_once_and_comes_back_by_itself(
    transport: Transport, tmp_path: Path
) -> None:
    unit = Unit({0: 9}, is_silent=True)
    async with linked(transport, {1: unit}, tmp_path) as (server, link):
        await read(link, 1, 0, 1, timeout_s=TIMEOUT_S)
        asked = unit.asked
        reading = asyncio.create_task(link.read(1, Request(3, 0, 1), 2 * PATIENCE_S))
        await until(lambda: unit.asked > asked)
        if isinstance(server, SerialServer):
            await server.stop()
        else:
            server.disconnect()
        assert (await asyncio.wait_for(reading, PATIENCE_S)).quality is Quality.DISCONNECTED
        unit.is_silent = False
        if isinstance(server, SerialServer):
            assert (await link.read(1, Request(3, 0, 1), TIMEOUT_S)).quality is Quality.DISCONNECTED
            server.start()
        assert (await read(link, 1, 0, 1)).registers == (9,)


@every_transport
async def test_a_line_is_opened_anew_when_asked_to(transport: Transport, tmp_path: Path) -> None:
    async with linked(transport, {1: Unit({0: 9})}, tmp_path) as (_, link):
        await read(link, 1, 0, 1)
        link.reopen()
        link.reopen()
        assert (await link.read(1, Request(3, 0, 1), TIMEOUT_S)).quality is Quality.DISCONNECTED
        assert (await read(link, 1, 0, 1)).registers == (9,)


async def test_opening_anew_does_not_shorten_the_quiet_time(tmp_path: Path) -> None:
    units = {1: Unit(is_silent=True), 2: Unit({0: 2})}
    settings = ModbusRtu(serial=str(tmp_path / "line"), baudrate=FAST, quiet_ms=600)
    async with serving_line(units, tmp_path / "line"), running(settings) as link:
        given_up = (await read(link, 1, 0, 1, timeout_s=TIMEOUT_S)).answered_at
        link.reopen()
        answer = await read(link, 2, 0, 1)
        assert answer.registers == (2,)
        assert answer.asked_at - given_up >= 0.6


async def test_a_serial_line_is_used_by_one_alone(tmp_path: Path) -> None:
    async with serving_line({1: Unit({0: 1})}, tmp_path / "line") as server:
        async with running(settings_of(server)) as link, running(settings_of(server)) as second:
            assert (await read(link, 1, 0, 1)).registers == (1,)
            answer = await second.read(1, Request(3, 0, 1), TIMEOUT_S)
            assert answer.quality is Quality.DISCONNECTED
        async with running(settings_of(server)) as link:
            assert (await read(link, 1, 0, 1)).registers == (1,)


@pytest.mark.parametrize("fault", ["noise before", "short frame"])
async def test_a_stream_that_nobody_understands_is_closed_and_opened_anew(fault: Fault) -> None:
    unit = Unit({0: 9}, fault=fault)
    async with serving({1: unit}) as server, running(settings_of(server)) as link:
        answer = await read(link, 1, 0, 1, timeout_s=TIMEOUT_S)
        assert answer.quality is not Quality.GOOD
        unit.fault = None
        assert (await read(link, 1, 0, 1)).registers == (9,)
        assert server.connections >= 2
        assert link.traffic.broken >= 1


async def test_a_device_is_left_alone_after_a_connection_where_it_wants_that() -> None:
    unit = Unit({0: 9})
    async with serving({1: unit}) as server, running(settings_of(server), settle_s=0.3) as link:
        await until(lambda: server.connections)
        connected = asyncio.get_running_loop().time()
        assert (await link.read(1, Request(3, 0, 1), TIMEOUT_S)).quality is Quality.DISCONNECTED
        assert (await read(link, 1, 0, 1)).registers == (9,)
        assert unit.asked == 1
        assert unit.asked_at[0] - connected >= 0.25


async def test_a_server_that_comes_later_is_found() -> None:
    server = ModbusServer({1: Unit({0: 5})})
    await server.start()
    await server.stop()
    async with running(settings_of(server)) as link:
        assert (await link.read(1, Request(3, 0, 1), TIMEOUT_S)).quality is Quality.DISCONNECTED
        await server.start()
        assert (await read(link, 1, 0, 1)).registers == (5,)
    await server.stop()


async def test_a_serial_line_that_is_none_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "line").write_text("", encoding="utf-8")
    async with running(ModbusRtu(serial=str(tmp_path / "line"))) as link:
        assert (await link.read(1, Request(3, 0, 1), TIMEOUT_S)).quality is Quality.DISCONNECTED
