"""A Modbus TCP server for tests, by the specification alone: units that answer, refuse, lie or are silent."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

HEADER = struct.Struct(">HHHB")  # transaction, protocol (0), length of what follows, unit
READ = struct.Struct(">BHH")  # function, first register, count
ILLEGAL_ADDRESS = 2

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
    words_too_few: int = 0
    """Leave out so many registers."""
    asked: int = 0
    """Reads that came in."""


@dataclass
class ModbusServer:
    """A running server; `units` by unit number."""

    units: dict[int, Unit]
    port: int = 0
    connections: int = 0
    """That were ever opened."""
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _late: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen, on the same port as before where there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the door and every connection."""
        if self._server is None:
            return
        self._server.close()
        self.disconnect()
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    def disconnect(self) -> None:
        """Break every connection; the door stays open."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                transaction, _, length, number = HEADER.unpack(await reader.readexactly(HEADER.size))
                body = await reader.readexactly(length - 1)
                self._ask(writer, transaction, number, body)
        self._writers.discard(writer)
        writer.close()

    def _ask(self, writer: asyncio.StreamWriter, transaction: int, number: int, body: bytes) -> None:
        unit = self.units.get(number)
        if unit is None:
            return
        unit.asked += 1
        if unit.is_silent:
            return
        answer = _answer(unit, *READ.unpack(body))
        frame = HEADER.pack(transaction, 0, len(answer) + 1, number) + answer
        if unit.delay_s:
            task = asyncio.create_task(_send_later(writer, frame, unit.delay_s))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        else:
            writer.write(frame)


async def _send_later(writer: asyncio.StreamWriter, frame: bytes, delay_s: float) -> None:
    await asyncio.sleep(delay_s)
    if not writer.is_closing():
        writer.write(frame)


def _answer(unit: Unit, function: int, first: int, count: int) -> bytes:
    if unit.exception is not None:
        return bytes((function | 0x80, unit.exception))
    registers = unit.registers() if callable(unit.registers) else unit.registers
    wanted = range(first, first + count - unit.words_too_few)
    if any(address not in registers for address in wanted):
        return bytes((function | 0x80, ILLEGAL_ADDRESS))
    words = [registers[address] for address in wanted]
    return bytes((function, 2 * len(words))) + struct.pack(f">{len(words)}H", *words)


@contextlib.asynccontextmanager
async def serving(units: Mapping[int, Unit]) -> AsyncIterator[ModbusServer]:
    """A server with these units, stopped at the end."""
    server = ModbusServer(dict(units))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
