"""Every shipped profile and any of one's own, simulated from its YAML alone, read by the gateway's driver."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.drivers import Answer, Link
from edge.drivers.modbus import open_link
from edge.drivers.registers import plan, values
from edge.settings import ModbusRtu, ModbusRtuOverTcp, ModbusSettings, ModbusTcp
from firmware_sim.modbus import ModbusServer
from firmware_sim.player import Player
from firmware_sim.rtu import SerialServer
from firmware_sim.run import server_of
from firmware_sim.scenario import Transport
from firmware_sim.single import described, single_device, transport_of
from sitewarden.errors import SiteWardenError
from sitewarden.profiles import ModbusProfile, find_profile, load_profiles
from sitewarden.quality import Quality
from tests.support.waiting import ended, until

SITEWARDEN = Path(sys.executable).with_name("sitewarden")
PROFILES = {name: p for name, p in load_profiles().items() if isinstance(p, ModbusProfile)}
FAST = 460_800
OWN = """\
profile: oven
version: 1
device_kind: other
products: []
source: made for this test
verified: simulator
driver: modbus
modbus: {transports: [rtu-over-tcp], function: 4, base: 1, word_order: little}
groups: {main: {interval_ms: 1000}}
points:
  heat: {kind: weather.temperature, unit: °C, register: 3, type: float32}
  wind: {kind: weather.wind_speed, unit: m/s, register: 10, type: int32, scale: 0.01, sentinels: [2147483647]}
  turn: {kind: weather.wind_direction, unit: °, register: 12, type: bcd16, range: [0, 360]}
  floor: {kind: hoist.floor, unit: "1", register: 13, bits: [4, 9], byte_order: little}
  door: {kind: hoist.door.entry, unit: "1", register: 13, bit: 0, byte_order: little}
  top: {kind: hoist.limit.top, unit: "1", function: 2, register: 3}
  bottom: {kind: hoist.limit.bottom, unit: "1", function: 2, register: 20}
  spray: {kind: dust.spray, unit: "1", function: 1, register: 1}
"""


@asynccontextmanager
async def linked(profile: ModbusProfile, player: Player, transport: Transport) -> AsyncIterator[Link]:
    baudrate = None if transport == "tcp" else FAST
    bus = single_device(profile, transport=transport, baudrate=baudrate).scenario.buses[0]
    async with server_of(bus, {1: player.bank}) as server:
        link = open_link(settings_of(server, transport), settle_s=0.0)
        task = asyncio.create_task(link.run())
        try:
            yield link
        finally:
            await ended(task)


def settings_of(server: ModbusServer | SerialServer, transport: Transport) -> ModbusSettings:
    if isinstance(server, SerialServer):
        return ModbusRtu(serial=server.address, baudrate=FAST)
    kind = ModbusTcp if transport == "tcp" else ModbusRtuOverTcp
    return kind(host="127.0.0.1", port=server.port)


async def polled(link: Link, profile: ModbusProfile) -> dict[str, float | None]:
    """Every point as the gateway decodes it; what is not good fails, unless the device says 'no value'."""
    decoded: dict[str, float | None] = {}
    for planned in plan(profile.modbus, profile.points.items()):
        answer = Answer([], Quality.DISCONNECTED)
        async with asyncio.timeout(45):
            while answer.quality is Quality.DISCONNECTED:
                answer = await link.read(1, planned.request, 2.0)
                await asyncio.sleep(0)
        assert answer.quality is Quality.GOOD, answer
        for key, value, quality in values(planned, answer):
            assert quality is (Quality.SENTINEL if value is None else Quality.GOOD), (key, quality)
            decoded[key] = value
    return decoded


async def check(profile: ModbusProfile, steps: int, transport: Transport) -> None:
    site = single_device(profile, seed=11)
    player = Player(site.scenario, site.cast[profile.profile])
    async with linked(profile, player, transport) as link:
        for _ in range(3):
            for _ in range(steps):
                player.step()
            said = player.image().said
            player.show()
            assert await polled(link, profile) == pytest.approx(said)


@pytest.mark.parametrize("transport", ["tcp", "rtu", "rtu-over-tcp"])
@pytest.mark.parametrize("name", PROFILES)
async def test_what_a_simulated_device_says_is_what_a_gateway_reads(name: str, transport: Transport) -> None:
    """On a network, on a serial line (a pseudo-terminal), and through a serial server."""
    await check(PROFILES[name], steps=100, transport=transport)


async def test_a_profile_of_ones_own_is_simulated_as_well(tmp_path: Path) -> None:
    file = tmp_path / "oven.yaml"
    file.write_text(OWN, encoding="utf-8")
    profile = find_profile(str(file))
    await check(profile, steps=400, transport=transport_of(profile))


@pytest.mark.parametrize("name", PROFILES)
def test_a_simulated_device_lives_inside_its_profiles_ranges(name: str) -> None:
    profile = PROFILES[name]
    site = single_device(profile)
    player = Player(site.scenario, site.cast[name])
    seen: dict[str, set[float | None]] = {key: set() for key in profile.points}
    for _ in range(600):
        for _ in range(20):
            player.step()
        for key, value in player.image().said.items():
            seen[key].add(value)
            span = profile.points[key].range
            assert span is None or value is None or span[0] <= value <= span[1], key
    assert any(len(found) > 1 for found in seen.values()), "nothing on it moves"


def test_what_each_point_does_is_said_before_it_is_played() -> None:
    lines = list(described(PROFILES["reference-tower-crane"]))
    assert len(lines) == len(PROFILES["reference-tower-crane"].points)
    assert "起重量" in lines[0]
    assert "6.2" in lines[-1]


def test_a_name_that_nobody_ships_is_answered_with_those_shipped() -> None:
    with pytest.raises(SiteWardenError, match="reference-tower-crane"):
        find_profile("tower")


async def test_the_command_serves_a_profile_file(tmp_path: Path) -> None:
    file, ports = tmp_path / "oven.yaml", tmp_path / "ports.json"
    file.write_text(OWN, encoding="utf-8")
    arguments: list[str | Path] = ["--port", "0", "--unit", "7", "--ports-file", ports]
    process = await asyncio.create_subprocess_exec(
        SITEWARDEN, "sim", "profile", file, *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        await until(ports.exists)
        assert json.loads(ports.read_text())["oven"] > 0
        assert process.returncode is None
    finally:
        process.terminate()
        said, _ = await process.communicate()
    assert "heat" in said.decode()
    assert process.returncode == 0
