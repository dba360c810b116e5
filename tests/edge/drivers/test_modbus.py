"""The Modbus link against a real server: every failure by its name, and no late answer for another read's."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from edge.drivers import Answer, Request
from edge.drivers.modbus import ModbusTcpLink
from sitewarden.quality import Quality
from tests.support.modbus import ModbusServer, Unit, serving
from tests.support.waiting import ended, until

TIMEOUT_S = 0.3


@contextlib.asynccontextmanager
async def linked(server: ModbusServer) -> AsyncIterator[ModbusTcpLink]:
    link = ModbusTcpLink("127.0.0.1", server.port)
    task = asyncio.create_task(link.run())
    try:
        yield link
    finally:
        await ended(task)


async def read(link: ModbusTcpLink, unit: int, first: int, length: int) -> Answer:
    """Read as soon as there is a connection."""
    async with asyncio.timeout(5):
        while True:
            answer = await link.read(unit, Request(3, first, length), TIMEOUT_S)
            if answer.quality is not Quality.DISCONNECTED:
                return answer._replace(asked_at=0.0, answered_at=0.0)
            await asyncio.sleep(0.01)


async def test_registers_come_as_asked_for() -> None:
    async with serving({7: Unit({4: 40, 5: 50})}) as server, linked(server) as link:
        assert await read(link, 7, 4, 2) == Answer([40, 50], Quality.GOOD)


async def test_a_silent_unit_is_a_timeout_and_the_line_stays_open() -> None:
    async with serving({1: Unit({0: 1}), 2: Unit(is_silent=True)}) as server, linked(server) as link:
        silent = await read(link, 2, 0, 1)
        assert (silent.quality, silent.is_silence) == (Quality.TIMEOUT, True)
        assert (await read(link, 1, 0, 1)).registers == [1]
        assert server.connections == 1


async def test_an_exception_is_no_silence_and_an_illegal_address_is_a_refusal() -> None:
    async with serving({1: Unit({0: 1}), 2: Unit(exception=4)}) as server, linked(server) as link:
        refused = await read(link, 1, 0, 2)
        assert (refused.quality, refused.is_refusal, refused.is_silence) == (Quality.EXCEPTION, True, False)
        failed = await read(link, 2, 0, 1)
        assert (failed.quality, failed.is_refusal, failed.is_silence) == (Quality.EXCEPTION, False, False)


async def test_a_converter_that_finds_nobody_behind_it_counts_as_silence() -> None:
    async with serving({1: Unit(exception=11)}) as server, linked(server) as link:
        assert (await read(link, 1, 0, 1)).is_silence


async def test_an_answer_of_the_wrong_length_is_no_answer() -> None:
    async with serving({1: Unit({0: 1, 1: 2, 2: 3}, words_too_few=1)}) as server, linked(server) as link:
        short = await read(link, 1, 0, 3)
        assert (short.quality, list(short.registers)) == (Quality.EXCEPTION, [])


async def test_a_late_answer_is_never_another_reads_value() -> None:
    unit = Unit({100: 1, 101: 2, 200: 3, 201: 4}, delay_s=1.2 * TIMEOUT_S)
    async with serving({1: unit}) as server, linked(server) as link:
        assert (await read(link, 1, 100, 2)).quality is Quality.TIMEOUT
        # The answer to the first read arrives while the second waits; its own comes soon after.
        unit.delay_s = 0.8 * TIMEOUT_S
        assert await read(link, 1, 200, 2) == Answer([3, 4], Quality.GOOD)
        unit.delay_s = 0.0
        assert await read(link, 1, 100, 2) == Answer([1, 2], Quality.GOOD)


async def test_a_broken_connection_ends_a_read_at_once_and_comes_back_by_itself() -> None:
    unit = Unit({0: 9}, is_silent=True)
    async with serving({1: unit}) as server, linked(server) as link:
        await read(link, 1, 0, 1)
        asked = unit.asked
        reading = asyncio.create_task(link.read(1, Request(3, 0, 1), 30.0))
        await until(lambda: unit.asked > asked)
        server.disconnect()
        assert (await asyncio.wait_for(reading, 5)).quality is Quality.DISCONNECTED
        unit.is_silent = False
        assert (await read(link, 1, 0, 1)).registers == [9]


async def test_a_server_that_comes_later_is_found() -> None:
    server = ModbusServer({1: Unit({0: 5})})
    await server.start()
    await server.stop()
    async with linked(server) as link:
        assert (await link.read(1, Request(3, 0, 1), TIMEOUT_S)).quality is Quality.DISCONNECTED
        await server.start()
        assert (await read(link, 1, 0, 1)).registers == [5]
    await server.stop()
