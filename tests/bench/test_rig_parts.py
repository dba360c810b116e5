"""The parts that the edge benchmarks stand on do what the counting takes for granted."""

import asyncio
import os
import struct
import tty
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench import gateway
from bench.cable import Cable
from bench.devices import CALM, REGISTERS, STORM, BusPlan, Unit, crc, open_bus
from bench.listener import ranges
from bench.report import PeerFigure, Result, as_object, table
from bench.thingsboard_stub import answer
from edge.config import load_gateway
from sitewarden.conversations import Conversations

READ_ALL = struct.pack(">BHH", 3, 0, REGISTERS)


def words(frame: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(frame) // 2}H", frame)


def test_a_register_says_how_often_it_was_read_before():
    unit = Unit(1, wind_every_s=0)

    said = [words(unit.answer(READ_ALL)[2:]) for _ in range(3)]

    assert [s[0] for s in said] == [0, 1, 2]
    assert {s[-1] for s in said} == {CALM}
    assert unit.served == [3] * REGISTERS


def test_registers_read_alone_count_alone():
    unit = Unit(1, wind_every_s=0)

    unit.answer(struct.pack(">BHH", 3, 4, 1))

    assert unit.served[3:6] == [0, 1, 0]


def test_a_storm_comes_and_goes():
    unit = Unit(0, wind_every_s=1e-6)

    assert {words(unit.answer(READ_ALL)[2:])[-1] for _ in range(1000)} == {CALM, STORM}


def test_the_frame_check_is_that_of_the_specification():
    assert crc(bytes.fromhex("010300000001")) == bytes.fromhex("840a")


async def test_a_paced_line_takes_as_long_as_its_baud_rate_says():
    plan = BusPlan(bus="bus-0", units={"station-1": 1}, transport="rtu", baudrate=9600)
    path = await open_bus(plan, {1: Unit(1, 0)})
    line = os.open(str(path), os.O_RDWR | os.O_NOCTTY)
    tty.setraw(line)
    request, length = b"\x01" + READ_ALL, 5 + 2 * REGISTERS
    asked = asyncio.get_running_loop().time()

    os.write(line, request + crc(request))
    said = await asyncio.to_thread(lambda: read_exactly(line, length))

    took_s = asyncio.get_running_loop().time() - asked
    os.close(line)
    assert crc(said[:-2]) == said[-2:]
    assert took_s >= (8 + length) * 10 / 9600


def read_exactly(line: int, length: int) -> bytes:
    said = b""
    while len(said) < length:
        said += os.read(line, length - len(said))
    return said


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await reader.read(100):
            writer.write(said)

    conversations = Conversations(repeat)
    await conversations.listen(lambda take_in: asyncio.start_server(take_in, "127.0.0.1", 0))
    yield conversations.port
    await conversations.end()


async def test_a_cut_cable_breaks_what_stood_and_lets_nobody_through_until_it_is_mended(echo: int):
    with Cable(echo) as cable:
        reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
        writer.write(b"through")
        assert await reader.readexactly(7) == b"through"

        await asyncio.to_thread(cable.cut)
        assert await reader.read(1) == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", cable.port)
        writer.close()

        await asyncio.to_thread(cable.mend)
        reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
        writer.write(b"again")
        assert await reader.readexactly(5) == b"again"
        writer.close()
        await asyncio.to_thread(cable.cut)


def test_receipts_name_exactly_what_came():
    assert ranges({7, 1, 2, 3, 9, 8}) == [(1, 3), (7, 9)]


def test_our_gateway_is_set_up_with_a_rule_on_every_point(tmp_path: Path):
    buses = [BusPlan(bus=f"bus-{n}", units={f"station-{n}": 1}) for n in range(2)]

    file = gateway.write(tmp_path, buses, {"bus-0": 1502, "bus-1": 1503}, broker_port=1883, interval_ms=100)

    devices = list(load_gateway(file).devices)
    assert [bound.point for device in devices for bound in device.rules] == gateway.points(
        ["station-0", "station-1"]
    )


def test_thingsboards_first_question_is_answered_and_its_telemetry_is_not():
    assert answer("v1/devices/me/rpc/request/4", b'{"method": "getSessionLimits"}') is not None
    assert answer("v1/gateway/telemetry", b"{}") is None


def test_a_peer_is_shown_with_whether_it_was_measured_or_recorded():
    peers = [PeerFigure(name="other", value=0.4, how="recorded 2026-11-20")]
    result = Result(name="cost", value=0.2, unit="s", peers=peers)

    assert "recorded 2026-11-20" in table("bench", [result])
    assert as_object("bench", [result])["results"][0]["peers"] == [
        {"name": "other", "value": 0.4, "how": "recorded 2026-11-20"}
    ]


def test_a_figure_is_shown_with_the_bounds_of_its_interval():
    result = Result(name="gain", value=2.5, unit="points", between=(-1.25, 6.0))

    assert "-1.25 to 6" in table("bench", [result])
    assert as_object("bench", [result])["results"][0]["between"] == [-1.25, 6.0]
