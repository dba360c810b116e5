"""Simulated units that cost next to nothing and count how often they were read.

`python -m bench.devices FOLDER`: `devices.json` in the folder says which units are on which bus; `ports.json`
is written when all can be asked, `served.json` at SIGTERM: by device, how often each register was served.
Every register but the last holds the number of times that it was read before, modulo `MODULUS`; the last is
the wind, which stands beyond its limit half of the time where `wind_every_s` is given.
"""

import asyncio
import json
import os
import pty
import signal
import struct
import sys
import time
import tty
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

import msgspec

from bench.counting import MODULUS

REGISTERS = 20
WIND = REGISTERS - 1
CALM, STORM = 50, 250
"""0.1 m/s."""
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS = 1, 2
HOLDING = 3
BITS_A_BYTE = 10
"""8N1."""
PACE_S = 0.004
"""So often bytes are put on the paced line: four of them at 9600 baud."""

_HEADER = struct.Struct(">HHHB")
_READ = struct.Struct(">BHH")


class BusPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One bus and who is on it."""

    bus: str
    units: dict[str, int]
    """Unit by device."""
    silent: list[int] = []
    """Units that are asked and never answer."""
    answer_ms: float = 0.0
    """How long a unit thinks."""
    transport: Literal["tcp", "rtu"] = "tcp"
    """`rtu`: a pseudo-terminal on which bytes take the time that `baudrate` gives them."""
    baudrate: int = 9600


class DevicesPlan(msgspec.Struct, frozen=True, kw_only=True):
    """All buses."""

    buses: list[BusPlan]
    wind_every_s: float = 0.0
    """From one storm to the next, which lasts half as long; 0: it stays calm."""


class Unit:
    """One unit's registers."""

    def __init__(self, number: int, wind_every_s: float) -> None:
        """`number` shifts its storms, so that not all units alarm at once."""
        self.served = [0] * REGISTERS
        self._shift_s, self._half_s = number * 0.37, wind_every_s / 2

    def answer(self, pdu: bytes) -> bytes:
        """The answer to a request."""
        function, first, count = _READ.unpack(pdu[: _READ.size])
        if function != HOLDING:
            return bytes([function | 0x80, ILLEGAL_FUNCTION])
        if not 1 <= count <= REGISTERS - first:
            return bytes([function | 0x80, ILLEGAL_ADDRESS])
        words = [served % MODULUS for served in self.served[first : first + count]]
        self.served[first : first + count] = [served + 1 for served in self.served[first : first + count]]
        if first + count == REGISTERS:
            words[-1] = self._wind()
        return struct.pack(f">BB{count}H", function, 2 * count, *words)

    def _wind(self) -> int:
        if not self._half_s:
            return CALM
        return STORM if int((time.monotonic() + self._shift_s) / self._half_s) % 2 else CALM


class _Tcp(asyncio.Protocol):
    """One client; frames come whole, for they are smaller than any packet."""

    def __init__(self, units: Mapping[int, Unit], answer_s: float) -> None:
        self._units, self._answer_s = units, answer_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        while data:
            transaction, _, length, number = _HEADER.unpack_from(data)
            pdu, data = data[_HEADER.size : 6 + length], data[6 + length :]
            unit = self._units.get(number)
            if unit is None:
                continue
            said = unit.answer(pdu)
            frame = _HEADER.pack(transaction, 0, len(said) + 1, number) + said
            if self._answer_s:
                asyncio.get_running_loop().call_later(self._answer_s, self._transport.write, frame)
            else:
                self._transport.write(frame)


class _Line:
    """A serial line on a pseudo-terminal, whose bytes take their time."""

    def __init__(self, units: Mapping[int, Unit], plan: BusPlan) -> None:
        self._units, self._answer_s = units, plan.answer_ms / 1000
        self._byte_s = BITS_A_BYTE / plan.baudrate
        # The far end stays open here too: else the line would end with the first who closes it.
        self._near, self._far = pty.openpty()
        tty.setraw(self._far)
        self.path = os.ttyname(self._far)
        self._received = b""
        self._answering: asyncio.Task[None] | None = None

    def listen(self) -> None:
        os.set_blocking(self._near, False)
        asyncio.get_running_loop().add_reader(self._near, self._take)

    def _take(self) -> None:
        self._received += os.read(self._near, 4096)
        if len(self._received) < 8:
            return
        frame, self._received = self._received[:8], b""
        unit = self._units.get(frame[0])
        if unit is not None and crc(frame[:6]) == frame[6:]:
            said = bytes([frame[0]]) + unit.answer(frame[1:6])
            self._answering = asyncio.create_task(self._say(said + crc(said)))

    async def _say(self, frame: bytes) -> None:
        """The request's own bytes, the unit's thinking, then byte for byte."""
        await asyncio.sleep((8 + 3.5) * self._byte_s + self._answer_s)
        began, said = time.monotonic(), 0
        while said < len(frame):
            await asyncio.sleep(PACE_S)
            through = min(len(frame), int((time.monotonic() - began) / self._byte_s))
            os.write(self._near, frame[said:through])
            said = through


def crc(frame: bytes) -> bytes:
    """The two bytes that end an RTU frame: CRC-16/MODBUS, low byte first."""
    register = 0xFFFF
    for byte in frame:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ 0xA001 if register & 1 else register >> 1
    return register.to_bytes(2, "little")


async def serve(folder: Path) -> None:
    """Serve until SIGTERM."""
    plan = msgspec.json.decode((folder / "devices.json").read_bytes(), type=DevicesPlan)
    units: dict[str, Unit] = {}
    ports: dict[str, int | str] = {}
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    for bus in plan.buses:
        mine = {device: Unit(len(units) + unit, plan.wind_every_s) for device, unit in bus.units.items()}
        units |= mine
        answering = {bus.units[device]: unit for device, unit in mine.items()}
        for silent in bus.silent:
            answering.pop(silent)
        ports[bus.bus] = await open_bus(bus, answering)
    (folder / "ports.new").write_text(json.dumps(ports), encoding="utf-8")
    (folder / "ports.new").rename(folder / "ports.json")
    await stopped.wait()
    served = {device: unit.served for device, unit in units.items()}
    (folder / "served.json").write_text(json.dumps(served), encoding="utf-8")


async def open_bus(bus: BusPlan, units: Mapping[int, Unit]) -> int | str:
    """The port, or the path of the serial line."""
    if bus.transport == "rtu":
        line = _Line(units, bus)
        line.listen()
        return line.path
    server = await asyncio.get_running_loop().create_server(
        lambda: _Tcp(units, bus.answer_ms / 1000), "127.0.0.1", 0
    )
    return int(server.sockets[0].getsockname()[1])


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
