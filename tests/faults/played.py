"""A simulated bus with a device that falls ill and a neighbour that stays well, and a gateway's bus on it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec

from edge.bus import BusTask
from edge.config import Bus as EdgeBus
from edge.config import Device as EdgeDevice
from edge.drivers.modbus import open_link
from edge.settings import ModbusRtu, ModbusRtuOverTcp, ModbusSettings, ModbusTcp
from firmware_sim.faults import Drift
from firmware_sim.ledger import Ledger
from firmware_sim.player import Player
from firmware_sim.rtu import SerialServer
from firmware_sim.run import disturb, play, server_of
from firmware_sim.scenario import Bus, Cast, Device, Scenario, Site, Steps
from firmware_sim.switchboard import Switchboard
from sitewarden.profiles import Profile, read_profile
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.text import Text
from tests.support.waiting import PATIENCE_S, ended, until

Transport = Literal["tcp", "rtu", "rtu-over-tcp"]
TIMEOUT_MS, QUIET_MS, INTERVAL_MS = 180, 80, 300
"""An answer that fails and the quiet after it fit between two polls of the neighbour."""
BAUDRATE = 115_200
SICK, WELL = "sick", "well"

# Two windows of one length, far apart: an answer that slips into the next read would be another point's.
PROFILE = """\
profile: two-windows
version: 1
device_kind: other
products: [{brand: none, model: for tests}]
source: made for this test
verified: simulator
driver: modbus
modbus: {transports: [tcp, rtu, rtu-over-tcp], max_gap: 0}
groups: {main: {interval_ms: 100}}
points:
  near:
    {kind: crane.radius, unit: m, register: 0, type: int32, scale: 0.01, range: [-500, 500],
     sentinels: [2147483647], frozen_after_s: 1.0, max_step: 20}
  far: {kind: crane.radius, unit: m, register: 100, type: float32, range: [-500, 500]}
  bypass: {kind: crane.limiter.bypass, unit: "1", register: 200, bit: 1}
  cutoff: {kind: crane.limiter.cutoff, unit: "1", register: 200, bit: 0}
"""
TRUE = {SICK: {"near": 100.0, "far": 200.0}, WELL: {"near": 300.0, "far": 400.0}}
"""In m; the near one drifts, for what lives moves."""
NEAR_ENOUGH = 10.0
UNITS = {SICK: 1, WELL: 2}


class Played:
    """What the gateway has read so far, and the switchboard of what it reads."""

    def __init__(self, board: Switchboard, bus: BusTask, profile: Profile) -> None:
        self.board, self.bus, self.profile = board, bus, profile
        self.polls: list[tuple[str, list[Reading]]] = []

    def take(self, device: EdgeDevice, readings: Sequence[Reading]) -> None:
        self.polls.append((device.name, list(readings)))

    def of(self, device: str, since: int = 0) -> list[list[Reading]]:
        return [readings for name, readings in self.polls[since:] if name == device]

    def qualities(self, device: str, key: str | None = None, since: int = 0) -> set[Quality]:
        return {
            reading.quality
            for readings in self.of(device, since)
            for reading in readings
            if key is None or reading.point == f"{device}/{key}"
        }

    def values(self, point: str, since: int = 0) -> list[float | None]:
        return [r.value for _, readings in self.polls[since:] for r in readings if r.point == point]

    def sound(self, device: str, since: int = 0) -> int:
        """Polls in which every point was good."""
        return sum(all(r.is_good for r in readings) for readings in self.of(device, since))

    async def both_are_sound(self, polls: int = 3) -> int:
        """Wait for so many sound polls of both; how many there are by then."""
        since = len(self.polls)
        for device in (SICK, WELL):
            await until(
                lambda device=device: self.sound(device, since) >= polls,  # type: ignore[misc]
                within_s=PATIENCE_S,
                what=f"sound polls of {device}",
            )
        return len(self.polls)

    def ill(self, kind: str, target: str = SICK, **keys: Any) -> int:
        """Switch a fault on; how many polls there were before."""
        self.board.switch_on(target, kind, keys)
        return len(self.polls)

    def misplaced(self) -> list[Reading]:
        """Good readings that are not their point's value: another's, or one that never was."""
        readings = (reading for _, poll in self.polls for reading in poll if reading.is_good)
        return [reading for reading in readings if not self._is_true(reading)]

    @staticmethod
    def _is_true(reading: Reading) -> bool:
        device, _, key = reading.point.partition("/")
        truth = TRUE[device].get(key, 0.0)
        return reading.value is not None and abs(reading.value - truth) <= NEAR_ENOUGH


def scenario_of(transport: Transport, folder: Path) -> Scenario:
    """Both devices on one bus."""
    return Scenario(
        scenario="ill",
        seed=5,
        step_ms=20,
        buses=[
            Bus(
                bus="line",
                transport=transport,
                link=str(folder / "line") if transport == "rtu" else None,
                baudrate=None if transport == "tcp" else BAUDRATE,
                devices=[_device(name) for name in (SICK, WELL)],
            )
        ],
        faults=[Drift(device=name, points=["near"], per_hour=360) for name in (SICK, WELL)],
    )


def _device(name: str) -> Device:
    near, far = TRUE[name]["near"], TRUE[name]["far"]
    physics = Steps(point="near", below=near, beyond=near, steady={"far": far})
    return Device(device=name, profile="two-windows", unit=UNITS[name], physics=physics)


@contextlib.asynccontextmanager
async def played(transport: Transport, folder: Path, like: EdgeDevice) -> AsyncIterator[Played]:
    """The bus played by the simulator and read by the gateway's bus and driver; `like` is any device."""
    (folder / "two-windows.yaml").write_text(PROFILE, encoding="utf-8")
    profile = read_profile(folder / "two-windows.yaml")
    scenario = scenario_of(transport, folder)
    cast = {device.device: Cast(device, profile, None) for device in scenario.buses[0].devices}
    board = Switchboard(Site(scenario, cast))
    players = {name: Player(scenario, one, partial(board.of_device, name)) for name, one in cast.items()}
    banks = {UNITS[name]: player.bank for name, player in players.items()}
    async with server_of(scenario.buses[0], banks) as server:
        settings = _settings(server)
        devices = tuple(_edge_device(like, name, profile) for name in players)
        link = open_link(settings)
        bus = BusTask(
            EdgeBus(name="line", modbus=settings, devices=devices),
            link,
            lambda device, readings: reader.take(device, readings),  # noqa: PLW0108  # made below
            _wall_ms,
        )
        reader = Played(board, bus, profile)
        playing = play(
            players.values(), scenario.step_ms, Ledger(None), partial(disturb, {"line": server}, board)
        )
        tasks = [asyncio.create_task(work) for work in (playing, link.run(), bus.run())]
        try:
            yield reader
        finally:
            await ended(*tasks)


def _edge_device(like: EdgeDevice, name: str, profile: Profile) -> EdgeDevice:
    return msgspec.structs.replace(
        like,
        name=name,
        profile=profile,
        unit=UNITS[name],
        label=Text(name, name),
        intervals_ms={"main": INTERVAL_MS},
    )


def _settings(server: Any) -> ModbusSettings:
    if isinstance(server, SerialServer):
        return ModbusRtu(serial=server.address, baudrate=BAUDRATE, timeout_ms=TIMEOUT_MS, quiet_ms=QUIET_MS)
    where: Mapping[str, Any] = {"host": "127.0.0.1", "port": server.port, "timeout_ms": TIMEOUT_MS}
    if type(server).__name__ == "RtuOverTcpServer":
        return ModbusRtuOverTcp(**where, quiet_ms=QUIET_MS)
    return ModbusTcp(**where)


def _wall_ms(monotonic_s: float) -> int:
    return round((time.time() + monotonic_s - time.monotonic()) * 1000)
