"""Serial lines with pymodbus' clients as witnesses: what is answered, how fast, and what nobody answers."""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient, ModbusSerialClient
from pymodbus.exceptions import ModbusException

from firmware_sim.modbus import Bank, ModbusServer
from firmware_sim.rtu import BITS_A_BYTE, GAP_BYTES, RtuOverTcpServer, SerialServer, crc, framed
from tests.support.waiting import PATIENCE_S

FAST = 115_200
UNITS = {
    1: Bank(function=3, most=125, words=tuple(range(100, 225))),
    2: Bank(function=4, most=2, words=(7, 8, 9)),
    3: Bank(function=3, most=125, words=(1,), is_silent=True),
}
READ = framed(1, bytes.fromhex("03 0000 0002"))
ANSWER = framed(1, bytes.fromhex("03 04 0064 0065"))


def asked(path: str, unit: int, first: int, count: int, *, timeout_s: float = PATIENCE_S) -> object:
    """By a client that blocks, so in a thread."""
    with ModbusSerialClient(path, baudrate=FAST, timeout=timeout_s, retries=0) as client:
        try:
            answer = client.read_holding_registers(first, count=count, device_id=unit)
        except ModbusException:
            return "silence"
        return answer.exception_code if answer.isError() else answer.registers


def test_a_checksum_is_the_one_of_the_specification() -> None:
    assert crc(bytes.fromhex("01 03 00 64 00 14")) == bytes.fromhex("04 1a")


async def test_several_units_answer_on_one_serial_line_and_the_others_are_silent() -> None:
    async with SerialServer(None, UNITS, FAST) as server:
        path = server.address
        answers = {
            "a unit": await asyncio.to_thread(asked, path, 1, 2, 3),
            "the most": await asyncio.to_thread(asked, path, 1, 0, 125),
            "beyond the end": await asyncio.to_thread(asked, path, 1, 124, 2),
            "other function": await asyncio.to_thread(asked, path, 2, 0, 1),
            "a silent unit": await asyncio.to_thread(asked, path, 3, 0, 1, timeout_s=0.2),
            "no such unit": await asyncio.to_thread(asked, path, 9, 0, 1, timeout_s=0.2),
        }
    assert answers == {
        "a unit": [102, 103, 104],
        "the most": list(range(100, 225)),
        "beyond the end": 2,
        "other function": 1,
        "a silent unit": "silence",
        "no such unit": "silence",
    }


async def test_rtu_frames_travel_through_tcp_too() -> None:
    async with RtuOverTcpServer("127.0.0.1", 0, UNITS, FAST) as server:
        client = AsyncModbusTcpClient(
            "127.0.0.1", port=server.port, framer=FramerType.RTU, retries=0, timeout=PATIENCE_S
        )
        assert await client.connect()
        answer = await client.read_input_registers(1, count=2, device_id=2)
        refused = await client.write_register(0, 1, device_id=1)
        many = await client.write_registers(0, [1, 2, 3], device_id=1)
        client.close()
    assert answer.registers == [8, 9]
    assert (refused.exception_code, many.exception_code) == (1, 1)


async def test_a_silent_unit_is_silent_over_modbus_tcp_too() -> None:
    async with ModbusServer("127.0.0.1", 0, UNITS) as server:
        hasty = AsyncModbusTcpClient("127.0.0.1", port=server.port, retries=0, timeout=0.2)
        assert await hasty.connect()
        with pytest.raises(ModbusException):
            await hasty.read_holding_registers(0, count=1, device_id=3)
        hasty.close()
        patient = AsyncModbusTcpClient("127.0.0.1", port=server.port, retries=0, timeout=PATIENCE_S)
        assert await patient.connect()
        assert (await patient.read_holding_registers(0, count=1, device_id=1)).registers == [100]
        patient.close()


@contextlib.contextmanager
def opened(path: str) -> Iterator[int]:
    line = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        yield line
    finally:
        os.close(line)


def heard(line: int, size: int) -> tuple[bytes, list[float]]:
    """What came, and when each byte did."""
    data, times = b"", list[float]()
    while len(data) < size:
        data += os.read(line, size - len(data))
        times += [time.monotonic()] * (len(data) - len(times))
    return data, times


async def test_bytes_leave_no_faster_than_the_line_carries_them() -> None:
    byte_s = BITS_A_BYTE / 1200
    async with SerialServer(None, UNITS, 1200) as server:
        with opened(server.address) as line:
            begin = time.monotonic()
            os.write(line, READ)
            data, times = await asyncio.to_thread(heard, line, len(ANSWER))
    assert data == ANSWER
    for number, at in enumerate(times, start=1):
        # When the request was over, the gap behind it too, and so many bytes had gone.
        assert at - begin >= byte_s * (len(READ) + GAP_BYTES + number) - 0.001


@pytest.mark.parametrize(
    "before",
    [b"\0\xff\x55", READ[:-1] + b"\0", framed(1, bytes.fromhex("2b 0e 01 00"))],
    ids=["noise", "a wrong checksum", "an unknown function"],
)
async def test_a_request_is_found_behind_what_is_none(before: bytes) -> None:
    async with SerialServer(None, UNITS, FAST) as server:
        with opened(server.address) as line:
            os.write(line, before)
            os.write(line, READ)
            data, _ = await asyncio.to_thread(heard, line, len(ANSWER))
    assert data == ANSWER


async def test_what_is_said_while_a_unit_speaks_is_lost() -> None:
    async with SerialServer(None, UNITS, 2400) as server:
        with opened(server.address) as line:
            os.write(line, READ)
            await asyncio.to_thread(heard, line, 2)
            os.write(line, framed(2, bytes.fromhex("04 0000 0001")))
            rest, _ = await asyncio.to_thread(heard, line, len(ANSWER) - 2)
            os.write(line, READ)
            again, _ = await asyncio.to_thread(heard, line, len(ANSWER))
    assert (rest, again) == (ANSWER[2:], ANSWER)


async def test_a_line_has_the_name_that_it_was_given_for_as_long_as_it_lives(tmp_path: Path) -> None:
    link = tmp_path / "crane-line"
    link.symlink_to("/dev/null")
    async with SerialServer(link, UNITS, FAST) as server:
        assert server.address == str(link)
        assert await asyncio.to_thread(asked, str(link), 1, 0, 1) == [100]
    assert not link.is_symlink()
