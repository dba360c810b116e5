"""Modbus frames, to bytes and from bytes; pure, so that every broken frame can be a test.

A parser takes a stream as it comes, cut anywhere, and gives the sound responses in it. It does not know what
was asked: whether a response answers a request is a question of its own (`answers`), without a "nearly".
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from edge.drivers import Request

MOST_REGISTERS = 125
"""In one request, by the specification."""
READS = (1, 2, 3, 4)
"""The functions that are ever sent: coils, discrete inputs, holding registers, input registers."""
RTU_REQUEST_BYTES = 8
RTU_ANSWER_BYTES = 5
"""Around the registers, two bytes each; and the whole of an exception."""

_EXCEPTION = 0x80
_BITS, _REGISTERS = (1, 2), (3, 4)
_BITS_A_BYTE = 8
_MOST_DATA = 2 * MOST_REGISTERS
_LAST_UNIT = 247
_RTU_REQUEST = struct.Struct(">BBHH")
_RTU_FIXED = {5: 8, 6: 8, 15: 8, 16: 8} | {
    _EXCEPTION | function: RTU_ANSWER_BYTES for function in (*READS, 5, 6, 15, 16)
}
"""How long the response is, by the function in it, where it is always as long."""
_TCP_REQUEST = struct.Struct(">HHHBBHH")
_TCP_HEADER = struct.Struct(">HHHB")
"""Transaction, protocol (0), length of what follows, unit."""
_TCP_ANSWER = struct.Struct(">HHHBBB")
_TCP_LENGTHS = range(3, 255)
"""Of what follows: the unit and a response of 2 to 253 bytes."""
_WORDS = [struct.Struct(f">{count}H") for count in range(MOST_REGISTERS + 1)]


class OutOfStepError(Exception):
    """A stream in which nobody can tell any more where a frame begins."""


class Frame(NamedTuple):
    """A response whose checksum or header is right."""

    unit: int
    function: int
    """Of the request, also where the response is an exception."""
    registers: Sequence[int] = ()
    """Of coils and discrete inputs: their bits, as many as fill whole bytes."""
    exception: int = 0
    """The code; 0 where it is none."""
    transaction: int = 0
    """Modbus TCP alone has it."""
    fault: str = ""
    """What is wrong with the inside of a frame that came whole."""


def answers(frame: Frame, unit: int, request: Request) -> bool:
    """Whether this is the answer to that request, as far as a response can show it (not the address)."""
    if frame.unit != unit or frame.function != request.function or frame.fault:
        return False
    if frame.exception:
        return True
    if request.function in _BITS:
        return len(frame.registers) == _BITS_A_BYTE * data_bytes(request)
    return len(frame.registers) == request.length


def data_bytes(request: Request) -> int:
    """How many bytes of data a good answer has."""
    if request.function in _BITS:
        return -(-request.length // _BITS_A_BYTE)
    return 2 * request.length


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_CRC_TABLE = _crc_table()


def crc16(data: bytes | bytearray) -> int:
    """CRC-16/MODBUS; sent low byte first."""
    crc, table = 0xFFFF, _CRC_TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc


def rtu_request(unit: int, request: Request) -> bytes:
    """The frame that asks on a serial line; raises `ValueError` for a function that does not only read."""
    _only_reads(request)
    body = _RTU_REQUEST.pack(unit, *request)
    return body + crc16(body).to_bytes(2, "little")


def tcp_request(transaction: int, unit: int, request: Request) -> bytes:
    """The frame that asks over Modbus TCP; raises `ValueError` for a function that does not only read."""
    _only_reads(request)
    return _TCP_REQUEST.pack(transaction, 0, 6, unit, *request)


def _only_reads(request: Request) -> None:
    """The last door: whatever a file or a caller says, no frame that writes leaves this program."""
    if request.function not in READS:
        raise ValueError(f"function {request.function} does not only read")


def tcp_answer_head(transaction: int, unit: int, request: Request) -> bytes:
    """What a good answer to that request begins with: all but the data."""
    size = data_bytes(request)
    return _TCP_ANSWER.pack(transaction, 0, size + 3, unit, request.function, size)


def tcp_registers(answer: bytes, request: Request) -> Sequence[int]:
    """The registers, or the bits, behind a good answer's head."""
    if request.function in _BITS:
        return _bits(answer[_TCP_ANSWER.size :])[: request.length]
    return _WORDS[request.length].unpack_from(answer, _TCP_ANSWER.size)


def _bits(data: bytes) -> list[int]:
    """The lowest bit of the first byte is the first."""
    return [byte >> place & 1 for byte in data for place in range(_BITS_A_BYTE)]


class TcpStream:
    """Takes Modbus TCP responses out of a stream."""

    def __init__(self) -> None:
        """Begins where a frame begins."""
        self._held = bytearray()

    @property
    def is_holding(self) -> bool:
        """Whether a frame has begun and is not whole yet."""
        return bool(self._held)

    def feed(self, data: bytes) -> list[Frame]:
        """The responses that are whole now; raises `OutOfStepError`."""
        self._held += data
        frames: list[Frame] = []
        while len(self._held) >= _TCP_HEADER.size:
            transaction, protocol, length, unit = _TCP_HEADER.unpack_from(self._held)
            if protocol or length not in _TCP_LENGTHS:
                raise OutOfStepError(f"protocol {protocol}, length {length}")
            end = _TCP_HEADER.size - 1 + length
            if len(self._held) < end:
                break
            body = bytes(self._held[_TCP_HEADER.size : end])
            del self._held[:end]
            frames.append(_frame(unit, body)._replace(transaction=transaction))
        return frames


class RtuStream:
    """Takes Modbus RTU responses out of a stream that may begin anywhere and hold noise.

    A sound frame is taken whole before anything inside it is looked at, so that data which look like a frame
    are no frame.
    """

    def __init__(self) -> None:
        """Begins anywhere."""
        self._held = bytearray()
        self._is_noisy = False
        self.broken = 0
        """Runs of bytes that were no sound frame."""

    @property
    def is_holding(self) -> bool:
        """Whether something is held that may become a frame."""
        return bool(self._held)

    @property
    def is_clean(self) -> bool:
        """Whether nothing came behind the last frame."""
        return not self._held and not self._is_noisy

    def feed(self, data: bytes) -> list[Frame]:
        """The responses that are whole now; bytes that can be no frame are dropped."""
        held = self._held
        held += data
        frames: list[Frame] = []
        at, end = 0, len(held)
        while at < end:
            size = _rtu_size(held, at)
            if size > end - at:
                break
            if size and _is_sound(held, at, size):
                frames.append(_frame(held[at], bytes(held[at + 1 : at + size - 2])))
                self._is_noisy = False
                at += size
            else:
                self._noise()
                at += 1
        del held[:at]
        return frames

    def silence(self) -> list[Frame]:
        """After a pause: the frame held may never become whole, so look for one that began after it."""
        held = self._held
        for at in range(1, len(held)):
            size = _rtu_size(held, at)
            if size and size <= len(held) - at and _is_sound(held, at, size):
                self._noise()
                del held[:at]
                return self.feed(b"")
        return []

    def drop(self) -> None:
        """Forget what is held."""
        if self._held:
            self._noise()
            self._held.clear()
        self._is_noisy = False

    def _noise(self) -> None:
        self.broken += not self._is_noisy
        self._is_noisy = True


def _rtu_size(held: bytearray, at: int) -> int:
    """How long a response that begins there is, or at least is; 0 where none can begin."""
    if not 1 <= held[at] <= _LAST_UNIT:
        return 0
    here = len(held) - at
    function = held[at + 1] if here > 1 else None
    if function is not None and function not in READS:
        return _RTU_FIXED.get(function, 0)
    if here < 3:  # noqa: PLR2004  # the third byte says how many follow
        return RTU_ANSWER_BYTES
    size = held[at + 2]
    is_possible = 1 <= size <= _MOST_DATA and not (function in _REGISTERS and size % 2)
    return RTU_ANSWER_BYTES + size if is_possible else 0


def _is_sound(held: bytearray, at: int, size: int) -> bool:
    # A checksum over a frame and its own checksum is 0.
    return crc16(held[at : at + size]) == 0


def _frame(unit: int, body: bytes) -> Frame:
    """The response of a unit from what stands between its number and its checksum; at least two bytes."""
    function, second = body[0], body[1]
    if function & _EXCEPTION:
        fault = "" if len(body) == 2 and second else "a malformed exception"  # noqa: PLR2004
        return Frame(unit, function & ~_EXCEPTION, exception=second, fault=fault)
    if function not in READS:
        return Frame(unit, function, fault=f"function {function}")
    data = len(body) - 2
    if data != second or data > _MOST_DATA or (function in _REGISTERS and data % 2):
        return Frame(unit, function, fault=f"{data} bytes of data, announced as {second}")
    if function in _BITS:
        return Frame(unit, function, _bits(body[2:]))
    return Frame(unit, function, _WORDS[data // 2].unpack_from(body, 2))
