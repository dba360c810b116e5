"""Who answers on a line is found, in a time that is known before."""

import asyncio
import json
from pathlib import Path

import pytest

from edge.settings import ModbusRtu, ModbusTcp
from edge.trial.scanning import UnitSeen, longest_s, scanned
from firmware_sim.modbus import Bank, ModbusServer
from sitewarden.cli import main
from tests.support.modbus import Unit, serving, serving_line

UNITS = {
    2: Bank(function=3, most=125, words=(0x1234, 1)),
    5: Bank(function=4, most=125, tables={4: range(1), 2: range(1, 3)}, words=(7, 1, 0)),
    6: Bank(function=3, most=125, is_silent=True),
}


async def seen(settings: ModbusTcp | ModbusRtu, units: list[int]) -> dict[int, UnitSeen | None]:
    return {unit: found async for unit, found in scanned(settings, units)}


async def test_units_and_what_they_know_are_found() -> None:
    async with ModbusServer("127.0.0.1", 0, UNITS) as server:
        found = await seen(ModbusTcp(host="127.0.0.1", port=server.port, timeout_ms=100), [1, 2, 5, 6])
    assert found[1] is None
    assert found[6] is None
    holding, other = found[2], found[5]
    assert holding
    assert holding.functions == {1: "lacks", 2: "lacks", 3: "answers", 4: "lacks"}
    assert holding.words == {3: 0x1234}
    assert other
    assert other.functions == {1: "lacks", 2: "answers", 3: "lacks", 4: "answers"}


async def test_units_on_a_serial_line_are_found_beside_silent_ones(tmp_path: Path) -> None:
    units = {1: Unit(is_silent=True), 3: Unit({0: 9})}
    async with serving_line(units, tmp_path / "line"):
        settings = ModbusRtu(serial=str(tmp_path / "line"), baudrate=115_200, timeout_ms=100, quiet_ms=50)
        found = await seen(settings, [1, 2, 3, 4])
    assert [unit for unit, one in found.items() if one] == [3]


def test_how_long_it_takes_at_most_is_known_before() -> None:
    settings = ModbusTcp(host="x", timeout_ms=100)
    assert longest_s(settings, range(1, 33)) < 32 * 4 * 0.1 + 10


async def test_the_command_tells_and_stops_in_time(capsys: pytest.CaptureFixture[str]) -> None:
    async with serving({1: Unit({0: 9}), 2: Unit(is_silent=True)}) as server:
        url = f"tcp://127.0.0.1:{server.port}?timeout_ms=10000"
        command = ["profiles", "scan", url, "--units", "1-3", "--within", "0.5"]
        assert await asyncio.to_thread(main, [*command, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert [one["unit"] for one in told["units"]] == [1]
        assert told["not_asked"] == [2, 3]
        assert await asyncio.to_thread(main, command) == 0
    out, err = capsys.readouterr()
    assert "unit 1" in out
    assert "not asked for want of time: 2, 3" in out
    assert "3 units" in err


async def test_nobody_found_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    async with serving({}) as server:
        url = f"tcp://127.0.0.1:{server.port}?timeout_ms=20"
        assert await asyncio.to_thread(main, ["profiles", "scan", url, "--units", "1-2"]) == 1
    assert "0 units answer, 2 are silent" in capsys.readouterr().out
