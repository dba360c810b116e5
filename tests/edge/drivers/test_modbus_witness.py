"""The links against pymodbus' servers, which somebody else wrote from the same specification."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Literal

import pytest
from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from edge.drivers import Request
from edge.settings import ModbusRtuOverTcp, ModbusSettings, ModbusTcp
from sitewarden.quality import Quality
from tests.edge.drivers.test_modbus import read, running

WORDS = list(range(500, 640))


@contextlib.asynccontextmanager
async def witness(transport: Literal["tcp", "rtu-over-tcp"]) -> AsyncIterator[ModbusSettings]:
    device = SimDevice(1, simdata=[SimData(0, values=WORDS, datatype=DataType.REGISTERS)])
    framer = FramerType.SOCKET if transport == "tcp" else FramerType.RTU
    server = ModbusTcpServer(device, framer=framer, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    assert isinstance(server.transport, asyncio.Server)
    port = server.transport.sockets[0].getsockname()[1]
    try:
        settings = ModbusTcp if transport == "tcp" else ModbusRtuOverTcp
        yield settings(host="127.0.0.1", port=port)
    finally:
        await server.shutdown()


@pytest.mark.parametrize("transport", ["tcp", "rtu-over-tcp"])
async def test_registers_are_those_that_the_witness_gives(transport: Literal["tcp", "rtu-over-tcp"]) -> None:
    async with witness(transport) as settings, running(settings) as link:
        for first, count in ((0, 1), (7, 20), (15, 125)):
            answer = await read(link, 1, first, count, timeout_s=2.0)
            assert list(answer.registers) == WORDS[first : first + count]
        assert (await link.read(1, Request(4, 3, 2), 2.0)).registers == tuple(WORDS[3:5])
        refused = await read(link, 1, 139, 2, timeout_s=2.0)
        assert (refused.quality, refused.is_refusal) == (Quality.EXCEPTION, True)
        assert (link.traffic.late, link.traffic.broken) == (0, 0)
