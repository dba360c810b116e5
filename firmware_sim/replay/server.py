"""The buses of a replay over Modbus TCP: devices of the history, and beside them the clock block.

Whoever has not read the clock block on a connection gets no register of a device: a gateway that runs live
can never take a recorded value for a true one.
"""

import struct
from collections.abc import Callable

from firmware_sim.layout import most_of, wire
from firmware_sim.modbus import Connection, ModbusServer
from firmware_sim.replay.image import Image
from firmware_sim.replay.source import Source
from sitewarden import clockblock
from sitewarden.profiles.model import Modbus

_HEADER = struct.Struct(">HHHB")
_READ = struct.Struct(">BHH")
_SHORTEST, _LONGEST = 2, 254
_MOST_REGISTERS = 125
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, BUSY, NO_RESPONSE = 1, 2, 3, 6, 11


class Following:
    """Keeps who follows; two would take each other's steps away."""

    def __init__(self) -> None:
        """Nobody yet."""
        self._by: object | None = None

    @property
    def is_followed(self) -> bool:
        """Whether anybody follows."""
        return self._by is not None

    def is_followed_by(self, connection: object) -> bool:
        """Whether that is this one; the first that asks becomes it."""
        self._by = self._by or connection
        return self._by is connection

    def end(self, connection: object) -> None:
        """A connection is gone."""
        if self._by is connection:
            self._by = None


class ReplayBus(ModbusServer):
    """One bus of a replay."""

    def __init__(
        self,
        host: str,
        bus: int,
        source: Source,
        following: Following,
        functions: dict[int, Modbus],
    ) -> None:
        """`functions` has how each unit speaks; the system chooses the port."""
        super().__init__(host, 0, {})
        self._bus, self._source, self._following, self._functions = bus, source, following, functions

    def _made(self, forget: Callable[[Connection], None]) -> Connection:
        def leave(connection: Connection) -> None:
            self._following.end(connection)
            forget(connection)

        return _Gateway(self._bus, self._source, self._following, self._functions, leave)


class _Gateway(Connection):
    """One connection of a gateway."""

    def __init__(
        self,
        bus: int,
        source: Source,
        following: Following,
        functions: dict[int, Modbus],
        forget: Callable[[Connection], None],
    ) -> None:
        super().__init__(forget)
        self._bus, self._source, self._following, self._functions = bus, source, following, functions
        self._received = b""
        self._is_let_in = False

    def data_received(self, data: bytes) -> None:
        """Answer whatever is whole."""
        assert self.transport is not None  # noqa: S101  # asyncio calls connection_made first
        self._received += data
        while len(self._received) >= _HEADER.size:
            transaction, protocol, length, unit = _HEADER.unpack_from(self._received)
            if protocol != 0 or not _SHORTEST <= length <= _LONGEST:
                self.transport.close()
                return
            end = _HEADER.size - 1 + length
            if len(self._received) < end:
                return
            pdu, self._received = self._received[_HEADER.size : end], self._received[end:]
            said = self._answer(unit, pdu)
            if said:
                self.transport.write(_HEADER.pack(transaction, 0, len(said) + 1, unit) + said)

    def _answer(self, unit: int, pdu: bytes) -> bytes:
        function = pdu[0]
        if len(pdu) != _READ.size:
            return _exception(function, ILLEGAL_FUNCTION)
        _, first, count = _READ.unpack(pdu)
        if not 1 <= count <= most_of(function, _MOST_REGISTERS):
            return _exception(function, ILLEGAL_VALUE)
        if unit == clockblock.UNIT:
            return self._clock(function, first, count)
        if not self._is_let_in:
            return _exception(function, clockblock.REPLAYING)
        image, modbus = self._source.image(self._bus, unit), self._functions.get(unit)
        if image is None or modbus is None:
            return _exception(function, NO_RESPONSE)
        return _device(image, modbus, function, first, count)

    def _clock(self, function: int, first: int, count: int) -> bytes:
        if function != clockblock.FUNCTION:
            return _exception(function, ILLEGAL_FUNCTION)
        self._is_let_in = True
        if first in clockblock.NEXT:
            if not self._following.is_followed_by(self):
                return _exception(function, BUSY)
            words, start = self._source.next(clockblock.NEXT.index(first)), 0
        else:
            words, start = self._source.look(), first - clockblock.LOOK
        return _registers(function, words[start : start + count], count)


def _device(image: Image, modbus: Modbus, function: int, first: int, count: int) -> bytes:
    table = image.tables.get(function)
    if table is None:
        return _exception(function, ILLEGAL_FUNCTION)
    if count > most_of(function, modbus.max_registers):
        return _exception(function, ILLEGAL_VALUE)
    asked = table[first : first + count]
    words = image.read(asked) if len(asked) == count else []
    return b"" if words is None else _registers(function, words, count)


def _registers(function: int, words: list[int] | tuple[int, ...], count: int) -> bytes:
    if len(words) != count:
        return _exception(function, ILLEGAL_ADDRESS)
    data = wire(words, function)
    return bytes((function, len(data))) + data


def _exception(function: int, code: int) -> bytes:
    return bytes([function | 0x80, code])
