"""A Modbus TCP server that serves read-only register banks, several units behind one port.

Our own and small, because a simulator must answer exactly as the specification says, also where a library's
server does not; see docs/decisions/0003-own-modbus-server-in-the-simulator.md.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self, cast

from firmware_sim.faults import Applied
from firmware_sim.layout import Layout, Tables, most_of, wire
from firmware_sim.wire import Reply, disturbed
from sitewarden.conversations import close
from sitewarden.profiles.model import ModbusProfile

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, NO_RESPONSE = 1, 2, 3, 11

_HEADER = struct.Struct(">HHHB")
"""Transaction, protocol (0), length of what follows, unit."""
_READ = struct.Struct(">BHH")
_SHORTEST, _LONGEST = 2, 254
"""Of what follows: the unit and a PDU of 1 to 253 bytes."""
_MOST_REGISTERS = 125
"""A request by the specification; a profile may allow fewer."""
_OF_ANOTHER_REQUEST = 1 << 15
"""So far away is the request that a wrong transaction belongs to: not the next one, nor the last."""
_RESET_AT_ONCE = struct.pack("ii", 1, 0)


@dataclass(kw_only=True, slots=True)
class Bank:
    """The registers of one unit; put a new tuple in and every later answer is of the new ones only."""

    function: int
    """The only one that the device answers, where it has no `tables`."""
    most: int
    """Registers a request; of bits 16 times as many."""
    words: tuple[int, ...] = ()
    tables: Tables | None = None
    """By function that it answers: which of the words are its table; left out: all, of the one function."""
    is_silent: bool = False
    """A unit that is there and never answers."""
    faults: Sequence[Applied] = ()
    """What applies to its answers now."""
    answers: int = 0
    """So many have been made; each has its own chances of going wrong."""
    deaf_until: float = 0.0
    """Seconds of the loop's clock: until then it hears nothing."""

    @classmethod
    def of(cls, profile: ModbusProfile) -> "Bank":
        """An empty bank that answers as the profile says."""
        most = min(_MOST_REGISTERS, profile.modbus.max_registers)
        return cls(function=profile.modbus.function, most=most, tables=Layout(profile).tables)

    def table(self, function: int) -> range | None:
        """Where in `words` that function reads; `None` where the device does not know it."""
        if self.tables is not None:
            return self.tables.get(function)
        return range(len(self.words)) if function == self.function else None


def answer(bank: Bank | None, pdu: bytes) -> bytes:
    """The answer of a unit; exceptions 1 function, 2 address, 3 value, and 11 where there is no unit.

    Nothing where the unit is silent.
    """
    function = pdu[0] if pdu else 0
    if bank is None:
        return _exception(function, NO_RESPONSE)
    return b"" if bank.is_silent else _said(bank, function, pdu)


def reply(bank: Bank | None, unit: int, pdu: bytes, now: float) -> Reply | None:
    """The answer as the faults of the unit let it go out at `now` of the loop's clock; `None` is silence."""
    said = answer(bank, pdu)
    if not said or bank is None:
        return Reply(unit, said) if said else None
    if now < bank.deaf_until:
        return None
    bank.answers += 1
    left = disturbed(Reply(unit, said), bank.faults, bank.answers)
    if left is not None and left.is_deaf:
        bank.deaf_until = now + left.delay_s
    return left


def _said(bank: Bank, function: int, pdu: bytes) -> bytes:
    table = bank.table(function)
    if table is None:
        return _exception(function, ILLEGAL_FUNCTION)
    if len(pdu) != _READ.size:
        return _exception(function, ILLEGAL_VALUE)
    _, address, count = _READ.unpack(pdu)
    if not 1 <= count <= most_of(function, bank.most):
        return _exception(function, ILLEGAL_VALUE)
    asked = table[address : address + count]
    if len(asked) != count:
        return _exception(function, ILLEGAL_ADDRESS)
    data = wire(bank.words[asked.start : asked.stop], function)
    return bytes((function, len(data))) + data


def _exception(function: int, code: int) -> bytes:
    return bytes([function | 0x80, code])


def on_tcp(said: Reply, transaction: int) -> bytes:
    """What goes out over Modbus TCP in answer to the request with that number."""
    number = transaction ^ _OF_ANOTHER_REQUEST if said.has_wrong_check else transaction
    return said.on_wire(_HEADER.pack(number, 0, len(said.pdu) + 1, said.unit) + said.pdu)


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, forget: Callable[["Connection"], None]) -> None:
        """`forget` is told of its end."""
        self._forget = forget
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note where to answer."""
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """Go away."""
        self._forget(self)


class TcpConnection(Connection):
    """Takes Modbus TCP frames out of the stream and answers them in order."""

    def __init__(self, units: Mapping[int, Bank], forget: Callable[[Connection], None]) -> None:
        """Begins where a frame begins."""
        super().__init__(forget)
        self._units = units
        self._received = bytearray()
        self._held_back = b""

    def data_received(self, data: bytes) -> None:
        """Answer whatever is whole."""
        assert self.transport is not None  # noqa: S101  # asyncio calls connection_made first
        self._received += data
        while len(self._received) >= _HEADER.size:
            transaction, protocol, length, unit = _HEADER.unpack_from(self._received)
            if protocol != 0 or not _SHORTEST <= length <= _LONGEST:
                # The stream is out of step; nothing after this can be trusted.
                self.transport.close()
                return
            end = _HEADER.size - 1 + length
            if len(self._received) < end:
                return
            pdu = bytes(self._received[_HEADER.size : end])
            del self._received[:end]
            said = reply(self._units.get(unit), unit, pdu, asyncio.get_running_loop().time())
            if said is not None:
                self._answer(transaction, said)

    def _answer(self, transaction: int, said: Reply) -> None:
        data = on_tcp(said, transaction)
        if said.is_after_next:
            self._held_back += data
            return
        data, self._held_back = data + self._held_back, b""
        if said.delay_s:
            asyncio.get_running_loop().call_later(said.delay_s, self._send, data)
        else:
            self._send(data)

    def _send(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)


class _Refused(asyncio.Protocol):
    """A connection that nobody is behind."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        reset(cast("asyncio.Transport", transport))


def reset(transport: asyncio.Transport) -> None:
    """End a connection as a converter without power does: with a reset, and nothing more is delivered."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
    transport.abort()


class ModbusServer:
    """One bus: `async with` opens the port and closes every connection at the end."""

    def __init__(self, host: str, port: int, units: Mapping[int, Bank]) -> None:
        """Port 0 lets the system choose."""
        self._host, self._asked, self._units = host, port, units
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._is_cut = False

    @property
    def address(self) -> int:
        """What a gateway's `port:` names."""
        return self.port

    @property
    def port(self) -> int:
        """The port that is listened on."""
        assert self._server is not None  # noqa: S101  # only asked inside `async with`
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connect, self._host, self._asked)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None  # noqa: S101  # __aenter__ made it
        await close(self._server, self._break_off)

    def _break_off(self) -> None:
        for connection in self._connections:
            if connection.transport is not None:
                connection.transport.abort()

    def cut(self, is_cut: bool) -> None:
        """While it is cut, every connection is reset as soon as it is there; the port stays ours."""
        if is_cut and not self._is_cut:
            for connection in list(self._connections):
                if connection.transport is not None:
                    reset(connection.transport)
        self._is_cut = is_cut

    def _connect(self) -> asyncio.Protocol:
        if self._is_cut:
            return _Refused()
        connection = self._made(self._connections.discard)
        self._connections.add(connection)
        return connection

    def _made(self, forget: Callable[[Connection], None]) -> Connection:
        return TcpConnection(self._units, forget)
