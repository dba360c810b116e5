"""A device is tried over real lines: what fits, what does not, and how that is said."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from edge.settings import ModbusRtu, ModbusTcp
from edge.trial.scanning import scanned
from edge.trial.target import Target
from edge.trial.trying import tried
from firmware_sim import modbus as simulated
from sitewarden.cli import main
from sitewarden.errors import UnreachableError, UsageError
from sitewarden.profiles import Profile, load_profiles
from sitewarden.profiles.conformance import Report, report
from sitewarden.profiles.hints import usual_spans
from tests.support.modbus import ModbusServer, Unit, serving, serving_line

PROFILES = load_profiles()
CRANE = PROFILES["reference-tower-crane"]
SOUND = {0: 2800, 1: 2500, 2: 1834, 3: 1225, 4: 4, 5: 54, 6: 0}


async def judged(profile: Profile, unit: Unit, seconds: float = 0.0) -> Report:
    async with serving({1: unit}) as server:
        settings = ModbusTcp(host="127.0.0.1", port=server.port, timeout_ms=200)
        trial = await tried(profile, Target(settings, 1), seconds, lambda _: None)
    return report(profile, trial, usual_spans(PROFILES))


@dataclass
class Recording(ModbusServer):
    """Keeps what it is asked."""

    asked: list[bytes] = field(default_factory=list)

    def _ask(self, send: Callable[[bytes], None], number: int, pdu: bytes, transaction: int = 0) -> None:
        self.asked.append(pdu)
        super()._ask(send, number, pdu, transaction)

    @asynccontextmanager
    async def started(self) -> AsyncIterator["Recording"]:
        await self.start()
        try:
            yield self
        finally:
            await self.stop()


def says(found: Report, name: str, level: str) -> str:
    return "; ".join(check.says.en for check in found.checks if (check.name, check.level) == (name, level))


def without(registers: Mapping[int, int], *missing: int) -> Unit:
    return Unit({address: word for address, word in registers.items() if address not in missing})


async def test_a_device_that_fits_has_no_finding() -> None:
    found = await judged(CRANE, Unit(SOUND))
    assert found.is_sound, found.checks
    load = found.points[0]
    assert (load.point, load.registers, load.value, load.quality) == ("load", (2800,), 2.8, "good")
    assert "65535" in says(found, "fault", "ok")
    assert says(found, "reconnect", "ok")


async def test_it_is_tried_on_a_serial_line_as_well(tmp_path: Path) -> None:
    async with serving_line({9: Unit(SOUND)}, tmp_path / "line"):
        settings = ModbusRtu(serial=str(tmp_path / "line"), baudrate=115_200, timeout_ms=500, quiet_ms=50)
        trial = await tried(CRANE, Target(settings, 9), 0.0, lambda _: None)
    assert report(CRANE, trial, {}).is_sound


async def test_registers_that_it_lacks_are_named_and_their_neighbours_are_read() -> None:
    found = await judged(CRANE, without(SOUND, 5))
    assert (
        says(found, "answers", "finding") == "refused with exception 2, it has no such registers: wind_speed"
    )
    assert [point.quality for point in found.points if point.point == "slew"] == ["good"]


async def test_a_map_that_counts_from_one_is_told_by_what_it_would_give() -> None:
    moved = {k: msgspec.structs.replace(p, register=p.register + 1) for k, p in CRANE.points.items()}
    found = await judged(msgspec.structs.replace(CRANE, points=moved), Unit(SOUND))
    assert "base: 1" in says(found, "answers", "note")
    assert not found.is_sound


async def test_a_manual_that_says_40001_is_understood() -> None:
    points = {k: msgspec.structs.replace(p, register=p.register + 40001) for k, p in CRANE.points.items()}
    found = await judged(msgspec.structs.replace(CRANE, points=points), Unit(SOUND))
    assert "write function: 3, base: 1, register: 1" in says(found, "answers", "note")


async def test_a_table_that_is_another_one_is_told() -> None:
    bank = simulated.Bank(function=4, most=125, words=tuple(SOUND.values()))
    async with simulated.ModbusServer("127.0.0.1", 0, {1: bank}) as server:
        settings = ModbusTcp(host="127.0.0.1", port=server.port, timeout_ms=200)
        trial = await tried(CRANE, Target(settings, 1), 0.0, lambda _: None)
    found = report(CRANE, trial, usual_spans(PROFILES))
    assert "exception 1, it does not know the function: load" in says(found, "answers", "finding")
    assert "function: 4 (input registers)" in says(found, "answers", "note")


async def test_a_wrong_order_is_a_finding_with_its_mend() -> None:
    profile = PROFILES["langyi-lpm1051"]
    high, low = struct.unpack(">2H", struct.pack(">f", 0.3125))
    found = await judged(profile, Unit({0: low, 1: high}))
    assert says(found, "values", "finding")
    (hint,) = found.points[0].hints
    assert hint.change == {"word_order": "little"}
    assert hint.value == pytest.approx(312.5)


async def test_an_order_that_would_mend_several_points_is_said_once() -> None:
    profile = PROFILES["sjfc200t-dust"]
    found = await judged(profile, Unit({40006: 4120, 40007: 0, 40008: 825, 40009: 0, 40010: 1650, 40011: 0}))
    mend = "word_order: little under `modbus:` would make sense of tsp, pm2_5, pm10"
    assert mend in says(found, "values", "note")


async def test_whatever_is_wrong_with_a_device_it_is_only_ever_read() -> None:
    """Every request that a trial and a scan put on a line, whatever they find there."""
    asked: list[bytes] = []
    units = {1: without(SOUND, 5), 2: Unit(exception=1), 3: Unit(is_silent=True), 4: Unit({0: 65535})}
    async with Recording(units, asked=asked).started() as server:
        settings = ModbusTcp(host="127.0.0.1", port=server.port, timeout_ms=50)
        for unit in (1, 2, 4):
            await tried(CRANE, Target(settings, unit), 0.0, lambda _: None)
        assert [one async for one in scanned(settings, range(1, 6))]
    assert {pdu[0] for pdu in asked} == {1, 2, 3, 4}
    assert all(len(pdu) == 5 for pdu in asked), "a read has an address and a count, and nothing to write"


async def test_no_sensor_is_a_note_and_no_finding() -> None:
    found = await judged(CRANE, Unit({**SOUND, 5: 65535}))
    assert "wind_speed" in says(found, "values", "note")
    assert found.is_sound


async def test_a_device_that_is_slower_than_its_interval_is_a_finding() -> None:
    profile = msgspec.structs.replace(
        CRANE, groups={"main": msgspec.structs.replace(CRANE.groups["main"], interval_ms=20)}
    )
    found = await judged(profile, Unit(SOUND, delay_s=0.05), seconds=0.3)
    assert "every 20 ms" in says(found, "rate", "finding")


async def test_a_crane_that_is_read_too_seldom_or_says_too_little_is_a_finding() -> None:
    points = {key: point for key, point in CRANE.points.items() if key != "radius"}
    group = msgspec.structs.replace(CRANE.groups["main"], interval_ms=5000)
    found = await judged(msgspec.structs.replace(CRANE, points=points, groups={"main": group}), Unit(SOUND))
    assert "crane.radius" in says(found, "signals", "finding")
    assert "every 1000 ms at least" in says(found, "rate", "finding")


async def test_a_number_without_a_range_is_a_finding() -> None:
    load = msgspec.structs.replace(CRANE.points["load"], range=None)
    found = await judged(msgspec.structs.replace(CRANE, points={**CRANE.points, "load": load}), Unit(SOUND))
    assert "load" in says(found, "units", "finding")


async def test_noise_on_the_line_is_a_finding(tmp_path: Path) -> None:
    async with serving_line({1: Unit(SOUND, fault="noise before")}, tmp_path / "line"):
        settings = ModbusRtu(serial=str(tmp_path / "line"), baudrate=115_200, timeout_ms=500, quiet_ms=50)
        trial = await tried(CRANE, Target(settings, 1), 0.0, lambda _: None)
    assert "broken" in says(report(CRANE, trial, {}), "line", "finding")


async def test_a_unit_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(UnreachableError, match="unit 1 does not answer"):
        await judged(CRANE, Unit(is_silent=True))


async def test_a_line_that_does_not_open_says_why(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(UnreachableError, match="Connection refused"):
            await tried(CRANE, Target(ModbusTcp(host="127.0.0.1", port=port), 1), 0.0, lambda _: None)
    gone = ModbusRtu(serial=str(tmp_path / "gone"))
    with pytest.raises(UnreachableError, match="No such file"):
        await tried(CRANE, Target(gone, 1), 0.0, lambda _: None)


async def test_a_line_that_the_profile_does_not_speak_is_refused() -> None:
    modbus = msgspec.structs.replace(CRANE.modbus, transports=["rtu"])
    profile = msgspec.structs.replace(CRANE, modbus=modbus)
    with pytest.raises(UsageError, match="over tcp, only over rtu"):
        await judged(profile, Unit(SOUND))


@pytest.mark.parametrize(("missing", "status"), [((), 0), ((5,), 1)])
async def test_the_command_answers_with_its_exit_status_and_json(
    missing: tuple[int, ...], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving({1: without(SOUND, *missing)}) as server:
        command = ["profiles", "test", CRANE.profile, "--connect", f"tcp://127.0.0.1:{server.port}"]
        assert await asyncio.to_thread(main, [*command, "--seconds", "0", "--json"]) == status
        told = json.loads(capsys.readouterr().out)
        assert await asyncio.to_thread(main, [*command, "--seconds", "0"]) == status
    assert told["is_sound"] is (status == 0)
    assert told["points"][0]["registers"] == [2800]
    assert "0AF0" in capsys.readouterr().out


def test_nobody_there_is_exit_status_3_and_nonsense_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        assert main(["profiles", "test", CRANE.profile, "--connect", url]) == 3
        assert main(["profiles", "scan", url, "--units", "1"]) == 3
    assert main(["profiles", "test", CRANE.profile, "--connect", "nonsense"]) == 2
    assert main(["profiles", "test", "nobody", "--connect", url]) == 2
    assert "there is no profile `nobody`" in capsys.readouterr().err
