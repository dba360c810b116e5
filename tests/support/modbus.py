"""Modbus servers for tests, by the specification alone: units that answer, refuse, lie or are silent."""

import asyncio
import contextlib
import os
import struct
import tty
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sitewarden.conversations import Conversations

HEADER = struct.Struct(">HHHB")  # transaction, protocol (0), length of what follows, unit
READ = struct.Struct(">BHH")  # function, first register, count
RTU_REQUEST_BYTES = 8
BIT_FUNCTIONS = (1, 2)
ILLEGAL_ADDRESS = 2
NOISE = bytes.fromhex("00 ff 55 aa 00 fe")  # no frame begins anywhere in it

Framing = Literal["tcp", "rtu"]
Fault = Literal[
    "wrong unit",
    "wrong function",
    "short frame",
    "bad check",
    "fewer registers",
    "noise before",
    "noise after",
]
"""A bad check is a wrong CRC, or the transaction of another request."""
Registers = Mapping[int, int] | Callable[[], Mapping[int, int]]


@dataclass
class Unit:
    """One unit and how it behaves; a test changes the fields while the server runs."""

    registers: Registers = field(default_factory=dict)
    exception: int | None = None
    """Answer every read with this exception code."""
    is_silent: bool = False
    delay_s: float = 0.0
    """Answer so late."""
    fault: Fault | None = None
    """What is wrong with every answer."""
    asked: int = 0
    """Reads that came in."""
    asked_at: list[float] = field(default_factory=list)
    """When they did, in seconds of the loop's clock."""


def crc16(data: bytes) -> bytes:
    """CRC-16/MODBUS bit by bit, as it is sent; not the way the driver computes it."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    """A sound frame of a serial line."""
    body = bytes((unit,)) + pdu
    return body + crc16(body)


def tcp_frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    """A sound frame of Modbus TCP."""
    return HEADER.pack(transaction, 0, len(pdu) + 1, unit) + pdu


def registers_pdu(function: int, words: list[int]) -> bytes:
    """The good answer to a read; of coils and discrete inputs the lowest bit of each word is theirs."""
    if function in BIT_FUNCTIONS:
        size = (len(words) + 7) // 8
        bits = sum((word & 1) << place for place, word in enumerate(words))
        return bytes((function, size)) + bits.to_bytes(size, "little")
    return struct.pack(f">BB{len(words)}H", function, 2 * len(words), *words)


@dataclass
class _Units:
    """Units behind one line, whatever it is."""

    units: dict[int, Unit]
    framing: Framing = "tcp"
    _late: set[asyncio.Task[None]] = field(default_factory=set)

    def _ask(self, send: Callable[[bytes], None], number: int, pdu: bytes, transaction: int = 0) -> None:
        unit = self.units.get(number)
        if unit is None:
            return
        unit.asked += 1
        unit.asked_at.append(asyncio.get_running_loop().time())
        if unit.is_silent:
            return
        frame = self._faulty(unit.fault, transaction, number, _answer(unit, *READ.unpack(pdu)))
        if unit.delay_s:
            task = asyncio.create_task(_send_later(send, frame, unit.delay_s))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        else:
            send(frame)

    def _faulty(self, fault: Fault | None, transaction: int, number: int, pdu: bytes) -> bytes:
        if fault == "wrong unit":
            number += 1
        if fault == "wrong function":
            pdu = bytes((pdu[0] ^ 7,)) + pdu[1:]
        if fault == "bad check":
            transaction ^= 1
        frame = tcp_frame(transaction, number, pdu) if self.framing == "tcp" else rtu_frame(number, pdu)
        if fault == "bad check" and self.framing == "rtu":
            frame = frame[:-1] + bytes((frame[-1] ^ 1,))
        if fault == "short frame":
            frame = frame[:-3]
        before = NOISE if fault == "noise before" else b""
        return before + frame + (NOISE if fault == "noise after" else b"")

    async def _forget_late(self) -> None:
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)


@dataclass
class ModbusServer(_Units):
    """A running server behind a TCP port; `units` by unit number."""

    port: int = 0
    connections: int = 0
    """That were ever opened."""

    def __post_init__(self) -> None:
        self._conversations = Conversations(self._serve)
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen, on the same port as before where there was one."""
        await self._conversations.listen(
            lambda take_in: asyncio.start_server(take_in, "127.0.0.1", self.port)
        )
        self.port = self._conversations.port

    async def stop(self) -> None:
        """Close the door and every connection."""
        await self._conversations.end()
        await self._forget_late()

    def disconnect(self) -> None:
        """Break every connection; the door stays open."""
        self._conversations.break_off()

    def say(self, data: bytes) -> None:
        """Put bytes on every line."""
        for writer in self._writers:
            writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1

        def send(frame: bytes) -> None:
            if not writer.is_closing():
                writer.write(frame)

        self._writers.add(writer)
        try:
            while True:
                if self.framing == "rtu":
                    frame = await reader.readexactly(RTU_REQUEST_BYTES)
                    self._ask(send, frame[0], frame[1:-2])
                else:
                    transaction, _, length, number = HEADER.unpack(await reader.readexactly(HEADER.size))
                    self._ask(send, number, await reader.readexactly(length - 1), transaction)
        finally:
            self._writers.discard(writer)


@dataclass
class SerialServer(_Units):
    """The same on a serial line: a pseudo-terminal, whose other end is at `path`."""

    framing: Framing = "rtu"
    path: Path = Path()
    """A link to the terminal, so that one that was pulled out can come back under its name."""
    heard: bytearray = field(default_factory=bytearray)
    _master: int = -1
    _slave: int = -1

    def start(self) -> None:
        """Plug in."""
        self._master, self._slave = os.openpty()
        # Held open, so that the terminal outlives whoever else closes it.
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(self._slave))
        asyncio.get_running_loop().add_reader(self._master, self._on_readable)

    async def stop(self) -> None:
        """Pull out, as a USB adapter is pulled out."""
        if self._master < 0:
            return
        asyncio.get_running_loop().remove_reader(self._master)
        self.path.unlink()
        os.close(self._master)
        os.close(self._slave)
        self._master = -1
        await self._forget_late()

    def say(self, data: bytes) -> None:
        """Put bytes on the line."""
        if self._master >= 0:
            os.write(self._master, data)

    def _on_readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.heard += os.read(self._master, 4096)
        while len(self.heard) >= RTU_REQUEST_BYTES:
            frame = bytes(self.heard[:RTU_REQUEST_BYTES])
            del self.heard[:RTU_REQUEST_BYTES]
            if crc16(frame[:-2]) == frame[-2:]:
                self._ask(self.say, frame[0], frame[1:-2])


async def _send_later(send: Callable[[bytes], None], frame: bytes, delay_s: float) -> None:
    await asyncio.sleep(delay_s)
    send(frame)


def _answer(unit: Unit, function: int, first: int, count: int) -> bytes:
    if unit.exception is not None:
        return bytes((function | 0x80, unit.exception))
    registers = unit.registers() if callable(unit.registers) else unit.registers
    wanted = range(first, first + count - (unit.fault == "fewer registers"))
    if any(address not in registers for address in wanted):
        return bytes((function | 0x80, ILLEGAL_ADDRESS))
    return registers_pdu(function, [registers[address] for address in wanted])


@contextlib.asynccontextmanager
async def serving(units: Mapping[int, Unit], framing: Framing = "tcp") -> AsyncIterator[ModbusServer]:
    """A server with these units, stopped at the end; with RTU frames it is a serial server."""
    server = ModbusServer(dict(units), framing)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def serving_line(units: Mapping[int, Unit], path: Path) -> AsyncIterator[SerialServer]:
    """The same on a serial line at `path`."""
    server = SerialServer(dict(units), path=path)
    server.start()
    try:
        yield server
    finally:
        await server.stop()
