"""The gateway's client against the simulator's servers, two programs that share no line of Modbus code."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import get_args

import pytest

from edge.drivers import Answer, Link, Request
from edge.drivers.modbus import open_link
from edge.settings import ModbusRtu, ModbusRtuOverTcp, ModbusSettings, ModbusTcp
from firmware_sim.modbus import Bank, ModbusServer
from firmware_sim.rtu import BITS_A_BYTE, RtuOverTcpServer, SerialServer
from sitewarden.quality import Quality
from tests.edge.drivers.test_modbus import Transport, every_transport
from tests.support.waiting import ended

BAUDRATE = 19_200
TIMEOUT_S = 0.1
WORDS = tuple(range(1000, 1125))
UNITS = {
    1: Bank(function=3, most=125, words=WORDS),
    2: Bank(function=4, most=125, words=WORDS[::-1]),
    3: Bank(function=3, most=125, is_silent=True),
}


@contextlib.asynccontextmanager
async def linked(transport: Transport) -> AsyncIterator[Link]:
    server: ModbusServer
    settings: ModbusSettings
    async with contextlib.AsyncExitStack() as stack:
        if transport == "rtu":
            line = await stack.enter_async_context(SerialServer(None, UNITS, BAUDRATE))
            settings = ModbusRtu(serial=line.address, baudrate=BAUDRATE, quiet_ms=100)
        elif transport == "rtu-over-tcp":
            server = await stack.enter_async_context(RtuOverTcpServer("127.0.0.1", 0, UNITS, BAUDRATE))
            settings = ModbusRtuOverTcp(host="127.0.0.1", port=server.port, quiet_ms=100)
        else:
            server = await stack.enter_async_context(ModbusServer("127.0.0.1", 0, UNITS))
            settings = ModbusTcp(host="127.0.0.1", port=server.port)
        link = open_link(settings)
        task = asyncio.create_task(link.run())
        try:
            yield link
        finally:
            await ended(task)


async def read(link: Link, unit: int, request: Request) -> Answer:
    async with asyncio.timeout(45):
        while True:
            answer = await link.read(unit, request, TIMEOUT_S)
            if answer.quality is not Quality.DISCONNECTED:
                return answer
            await asyncio.sleep(0.01)


@every_transport
async def test_values_and_refusals_are_the_same_on_every_transport(transport: Transport) -> None:
    async with linked(transport) as link:
        assert (await read(link, 1, Request(3, 2, 20))).registers == WORDS[2:22]
        assert (await read(link, 2, Request(4, 0, 3))).registers == WORDS[:-4:-1]
        assert (await read(link, 1, Request(3, 124, 2))).is_refusal
        assert (await read(link, 2, Request(3, 0, 1))).quality is Quality.EXCEPTION
        assert link.traffic.exceptions == 2


@every_transport
@pytest.mark.parametrize("unit", [3, 9], ids=["silent", "absent"])
async def test_nobody_answers_for_a_unit_that_does_not(transport: Transport, unit: int) -> None:
    async with linked(transport) as link:
        nothing = await read(link, unit, Request(3, 0, 1))
        assert (nothing.registers, nothing.is_silence) == ((), True)
        assert (await read(link, 1, Request(3, 0, 1))).registers == WORDS[:1]


async def test_a_read_takes_as_long_as_its_bytes_on_the_line() -> None:
    async with linked("rtu") as link:
        answer = await read(link, 1, Request(3, 0, 100))
        took_s = answer.answered_at - answer.asked_at
    assert answer.quality is Quality.GOOD
    assert took_s >= (8 + 205) * BITS_A_BYTE / BAUDRATE > TIMEOUT_S


def test_every_transport_is_tried() -> None:
    assert len(get_args(Transport)) == len(get_args(ModbusSettings))
