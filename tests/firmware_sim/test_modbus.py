"""The server over real TCP: what it answers, what it refuses, and that an answer is of one moment."""

import asyncio
import contextlib
import gc
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pymodbus.client import AsyncModbusTcpClient

from firmware_sim.modbus import Bank, ModbusServer
from tests.support.waiting import PATIENCE_S

UNITS = {
    1: Bank(function=3, most=125, words=tuple(range(100, 110))),
    2: Bank(function=4, most=2, words=(7, 8, 9)),
}


@asynccontextmanager
async def _client(units: dict[int, Bank] = UNITS) -> AsyncIterator[AsyncModbusTcpClient]:
    async with ModbusServer("127.0.0.1", 0, units) as server:
        client = AsyncModbusTcpClient("127.0.0.1", port=server.port, retries=0, timeout=PATIENCE_S)
        assert await client.connect()
        try:
            yield client
        finally:
            client.close()


async def test_several_units_answer_behind_one_port() -> None:
    async with _client() as client:
        holding = await client.read_holding_registers(2, count=3, device_id=1)
        inputs = await client.read_input_registers(0, count=2, device_id=2)
    assert holding.registers == [102, 103, 104]
    assert inputs.registers == [7, 8]


async def test_requests_that_cannot_be_answered_get_the_exception_that_says_why() -> None:
    async with _client() as client:
        answers = {
            "other function": await client.read_input_registers(0, count=1, device_id=1),
            "beyond the end": await client.read_holding_registers(8, count=3, device_id=1),
            "far beyond": await client.read_holding_registers(5000, count=1, device_id=1),
            "more than the maker allows": await client.read_input_registers(0, count=3, device_id=2),
            "no such unit": await client.read_holding_registers(0, count=1, device_id=9),
            "a write": await client.write_register(0, 1, device_id=1),
        }
    assert {what: answer.exception_code for what, answer in answers.items()} == {
        "other function": 1,
        "beyond the end": 2,
        "far beyond": 2,
        "more than the maker allows": 3,
        "no such unit": 11,
        "a write": 1,
    }


async def _exchange(port: int, sent: bytes, *chunks: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for chunk in (sent, *chunks):
        writer.write(chunk)
        await writer.drain()
        await asyncio.sleep(0)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
    writer.close()
    return answer


async def test_an_answer_repeats_the_transaction_and_unit_of_its_request() -> None:
    async with ModbusServer("127.0.0.1", 0, UNITS) as server:
        answer = await _exchange(server.port, bytes.fromhex("abcd 0000 0006 01 03 0000 0002"))
    assert answer == bytes.fromhex("abcd 0000 0007 01 03 04 0064 0065")


async def test_requests_cut_anywhere_or_sent_together_are_all_answered() -> None:
    one, two = (
        bytes.fromhex("0001 0000 0006 01 03 0000 0001"),
        bytes.fromhex("0002 0000 0006 02 04 0001 0001"),
    )
    async with ModbusServer("127.0.0.1", 0, UNITS) as server:
        together = await _exchange(server.port, one + two)
        cut = await _exchange(server.port, one[:3], one[3:9], one[9:] + two)
    assert together == cut == bytes.fromhex("0001 0000 0005 01 03 02 0064 0002 0000 0005 02 04 02 0008")


@pytest.mark.parametrize(
    ("request_hex", "answer_hex"),
    [
        ("0001 0000 0006 01 03 0000 0000", "0001 0000 0003 01 83 03"),
        ("0001 0000 0006 01 03 0000 007e", "0001 0000 0003 01 83 03"),
        ("0001 0000 0004 01 03 0000", "0001 0000 0003 01 83 03"),
        ("0001 0000 0002 01 2b", "0001 0000 0003 01 ab 01"),
    ],
    ids=["no registers", "126 registers", "half a request", "another function"],
)
async def test_a_malformed_read_gets_exception_3_and_a_foreign_function_1(
    request_hex: str, answer_hex: str
) -> None:
    async with ModbusServer("127.0.0.1", 0, UNITS) as server:
        assert await _exchange(server.port, bytes.fromhex(request_hex)) == bytes.fromhex(answer_hex)


@pytest.mark.parametrize("header", ["0001 0001 0006 01", "0001 0000 0001 01", "0001 0000 ffff 01"])
async def test_a_stream_that_is_not_modbus_is_closed_without_an_answer(header: str) -> None:
    async with ModbusServer("127.0.0.1", 0, UNITS) as server:
        assert await _exchange(server.port, bytes.fromhex(header + "03 0000 0001")) == b""


async def test_an_answer_never_mixes_two_moments() -> None:
    bank = Bank(function=3, most=125, words=(0,) * 100)

    async def change() -> None:
        for i in range(1, 2000):
            bank.words = (i,) * 100
            await asyncio.sleep(0)

    async with _client({1: bank}) as client:
        changing = asyncio.create_task(change())
        seen = set()
        while not changing.done():
            registers = (await client.read_holding_registers(0, count=100, device_id=1)).registers
            assert len(set(registers)) == 1
            seen.add(registers[0])
    assert len(seen) > 5


async def test_the_port_is_free_again_and_clients_are_let_go_at_the_end() -> None:
    async with ModbusServer("127.0.0.1", 0, UNITS) as server:
        port = server.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 0, 1))
        await reader.readexactly(11)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await asyncio.wait_for(reader.readexactly(1), PATIENCE_S)
    writer.close()
    async with ModbusServer("127.0.0.1", port, UNITS) as again:
        assert again.port == port


@pytest.mark.parametrize("is_cut", [False, True])
@pytest.mark.parametrize("turns", range(6))
async def test_a_gateway_that_connected_at_whatever_moment_is_sent_away_at_the_end(
    turns: int, is_cut: bool
) -> None:
    async with ModbusServer("127.0.0.1", 0, UNITS) as server:
        server.cut(is_cut)
        gateway = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S)
        for _ in range(turns):
            await asyncio.sleep(0)
    with gateway, contextlib.suppress(ConnectionResetError):
        assert gateway.recv(100) == b""
    # A socket that nobody closed warns here, where it fails its own test.
    gc.collect()
