"""What the servers put on the wire under faults, seen as bytes by whoever asks."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from firmware_sim.faults import (
    AnyFault,
    Applied,
    Crc,
    Duplicate,
    Garbage,
    Late,
    Refusal,
    Reorder,
    Silence,
    Slow,
    Truncated,
    WrongUnit,
)
from firmware_sim.modbus import Bank, ModbusServer
from firmware_sim.rtu import RtuOverTcpServer, SerialServer, framed
from tests.support.waiting import PATIENCE_S, until

FAST = 115_200
READ_1, READ_2 = bytes.fromhex("03 0000 0001"), bytes.fromhex("03 0001 0001")
SAID_1, SAID_2 = bytes.fromhex("03 02 0064"), bytes.fromhex("03 02 0065")


def bank(*faults: AnyFault) -> Bank:
    return Bank(function=3, most=125, words=(100, 101), faults=[Applied(one, 0.0, "1/x/0") for one in faults])


def tcp(transaction: int, pdu: bytes, unit: int = 1) -> bytes:
    return transaction.to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big") + bytes([unit]) + pdu


@asynccontextmanager
async def connected(server: ModbusServer) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def said(server: ModbusServer, *requests: bytes, ends: int) -> bytes:
    """The first `ends` bytes that come back."""
    async with connected(server) as (reader, writer):
        writer.write(b"".join(requests))
        return await asyncio.wait_for(reader.readexactly(ends), PATIENCE_S)


TCP_CASES: list[tuple[AnyFault, bytes]] = [
    (Crc(device="d"), tcp(0x8001, SAID_1) + tcp(0x8002, SAID_2)),
    (Refusal(device="d", code=6), tcp(1, b"\x83\x06") + tcp(2, b"\x83\x06")),
    (Refusal(device="d", function=4), tcp(1, b"\x84\x04") + tcp(2, b"\x84\x04")),
    (WrongUnit(device="d"), tcp(1, SAID_1, 2) + tcp(2, SAID_2, 2)),
    (WrongUnit(device="d", unit=9), tcp(1, SAID_1, 9) + tcp(2, SAID_2, 9)),
    (Truncated(device="d", lost_bytes=2), tcp(1, SAID_1)[:-2] + tcp(2, SAID_2)[:-2]),
    (Duplicate(device="d"), 2 * tcp(1, SAID_1) + 2 * tcp(2, SAID_2)),
    (Late(device="d", delay_ms=30), tcp(1, SAID_1) + tcp(2, SAID_2)),
    (Slow(device="d", delay_ms=30), tcp(1, SAID_1)),
]


@pytest.mark.parametrize(("fault", "answer"), TCP_CASES, ids=[repr(fault) for fault, _ in TCP_CASES])
async def test_over_tcp_two_questions_are_answered_as_the_fault_says(fault: AnyFault, answer: bytes) -> None:
    server = ModbusServer("127.0.0.1", 0, {1: bank(fault), 2: bank()})
    # A sound unit behind them shows where their answers end, unless they come later than its own.
    questions = tcp(1, READ_1) + tcp(2, READ_2) + tcp(3, READ_1, 2)
    end = tcp(3, SAID_1, 2)
    found = await said(server, questions, ends=len(answer) + len(end))
    assert found == (end + answer if isinstance(fault, Late | Slow) else answer + end)


async def test_a_silent_unit_says_nothing_and_its_neighbour_does() -> None:
    server = ModbusServer("127.0.0.1", 0, {1: bank(Silence(device="d")), 2: bank()})
    end = tcp(3, SAID_1, 2)
    assert await said(server, tcp(1, READ_1), tcp(3, READ_1, 2), ends=len(end)) == end


async def test_an_answer_out_of_order_comes_behind_the_next_on_the_line() -> None:
    server = ModbusServer("127.0.0.1", 0, {1: bank(Reorder(device="d")), 2: bank()})
    answer = tcp(3, SAID_1, 2) + tcp(1, SAID_1)
    assert await said(server, tcp(1, READ_1), tcp(3, READ_1, 2), ends=len(answer)) == answer


async def test_garbage_is_as_long_as_asked_and_the_same_with_the_same_seed() -> None:
    found = [
        await said(
            ModbusServer("127.0.0.1", 0, {1: bank(Garbage(device="d", bytes=40))}), tcp(1, READ_1), ends=40
        )
        for _ in range(2)
    ]
    assert found[0] == found[1]


async def test_on_a_serial_line_a_late_unit_answers_every_question() -> None:
    ill = bank(Late(device="d", delay_ms=200))
    async with connected(RtuOverTcpServer("127.0.0.1", 0, {1: ill, 2: bank()}, FAST)) as (reader, writer):
        for number, question in enumerate((READ_1, READ_2), start=1):
            writer.write(framed(1, question))
            await until(lambda number=number: ill.answers == number)  # type: ignore[misc]
        writer.write(framed(2, READ_1))
        answers = framed(2, SAID_1) + framed(1, SAID_1) + framed(1, SAID_2)
        assert await asyncio.wait_for(reader.readexactly(len(answers)), PATIENCE_S) == answers


async def test_on_a_serial_line_a_slow_unit_is_deaf_until_it_has_answered() -> None:
    ill = bank(Slow(device="d", delay_ms=300))
    async with connected(RtuOverTcpServer("127.0.0.1", 0, {1: ill, 2: bank()}, FAST)) as (reader, writer):
        writer.write(framed(1, READ_1))
        await until(lambda: ill.answers)
        writer.write(framed(1, READ_2))
        first = framed(1, SAID_1)
        assert await asyncio.wait_for(reader.readexactly(len(first)), PATIENCE_S) == first
        writer.write(framed(2, READ_1))
        next_ = framed(2, SAID_1)
        assert await asyncio.wait_for(reader.readexactly(len(next_)), PATIENCE_S) == next_
        assert ill.answers == 1


async def test_on_a_serial_line_a_checksum_is_wrong_and_nothing_else() -> None:
    server = RtuOverTcpServer("127.0.0.1", 0, {1: bank(Crc(device="d"))}, FAST)
    sound = framed(1, SAID_1)
    found = await said(server, framed(1, READ_1), ends=len(sound))
    assert found[:-1] == sound[:-1]
    assert found != sound


async def test_a_connection_that_is_cut_is_reset_and_a_new_one_too_until_it_is_mended() -> None:
    async with ModbusServer("127.0.0.1", 0, {1: bank()}) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        server.cut(is_cut=True)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        again, other = await asyncio.open_connection("127.0.0.1", server.port)
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(again.read(), PATIENCE_S)
        other.close()
        server.cut(is_cut=False)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(tcp(1, READ_1))
        assert await asyncio.wait_for(reader.readexactly(11), PATIENCE_S) == tcp(1, SAID_1)
        writer.close()


async def test_a_serial_line_that_is_cut_is_gone_and_comes_back_under_its_name(tmp_path: Path) -> None:
    link = tmp_path / "line"
    async with SerialServer(link, {1: bank()}, FAST) as server:
        for _ in range(2):
            line = os.open(link, os.O_RDWR | os.O_NOCTTY)
            os.write(line, framed(1, READ_1))
            assert await asyncio.to_thread(_heard, line, 7) == framed(1, SAID_1)
            server.cut(is_cut=True)
            assert not link.is_symlink()
            with pytest.raises(OSError, match="Input/output error"):
                os.write(line, framed(1, READ_1))
            os.close(line)
            server.cut(is_cut=False)


def _heard(line: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += os.read(line, size - len(data))
    return data
