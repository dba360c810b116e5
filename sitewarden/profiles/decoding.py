"""From registers to the value of a point; pure, so that every case of a manual can be a test."""

import math
import struct
from collections.abc import Callable, Sequence

from sitewarden.profiles.model import BIT_FUNCTIONS, WIDTHS, Modbus, ModbusPoint, Order
from sitewarden.quality import Quality

_HALF_16, _WHOLE_16 = 1 << 15, 1 << 16
_HALF_32, _WHOLE_32 = 1 << 31, 1 << 32
_DUST_DECIMALS = 9
"""Binary dust (0.30000000000000004) must not decide whether a limit is reached; no sensor resolves 1e-9."""

Registers = Sequence[int]
Decoded = tuple[float | None, Quality]
Decoder = Callable[[Registers], Decoded]
"""From all registers of an answer to the value of one point."""
_GOOD = Quality.GOOD
_BAD_SENTINEL: Decoded = (None, Quality.SENTINEL)
_BAD_NUMBER: Decoded = (None, Quality.NOT_A_NUMBER)
_BAD_RANGE: Decoded = (None, Quality.OUT_OF_RANGE)


def decoder(point: ModbusPoint, modbus: Modbus, offset: int = 0) -> Decoder:
    """What makes a point's value, in the unit of its kind, from registers (0 to 65535 each) or bits.

    Its own one or two registers stand at `offset`. Orders are those of `modbus` where the point has none of
    its own. The value is `None` wherever the quality is not good. Made once and called at every poll: what
    does not change is decided here.
    """
    unsigned = _unsigned(point, modbus, offset)
    number = _number(point)
    sentinels, scale, shift = frozenset(point.sentinels), point.scale, point.offset
    least, most = point.range or (-math.inf, math.inf)

    def decode(registers: Registers) -> Decoded:
        raw = unsigned(registers)
        if raw in sentinels:
            return _BAD_SENTINEL
        value = round(number(raw) * scale + shift, _DUST_DECIMALS)
        if least <= value <= most:
            return (value, _GOOD) if math.isfinite(value) else _BAD_NUMBER
        return _BAD_RANGE if math.isfinite(value) else _BAD_NUMBER

    return decode


def number_in(point: ModbusPoint, modbus: Modbus, registers: Registers) -> float:
    """The number in a point's own registers, before scale and offset and whatever it may mean; may be NaN."""
    return _number(point)(_unsigned(point, modbus, 0)(registers))


def value_in(point: ModbusPoint, modbus: Modbus, registers: Registers) -> float:
    """What that number comes to in the point's unit, to the last digit and believed by nobody yet."""
    return number_in(point, modbus, registers) * point.scale + point.offset


def _unsigned(point: ModbusPoint, modbus: Modbus, offset: int) -> Callable[[Registers], int]:
    """The unsigned number in one or two registers; the usual orders cost no more than they must."""
    word_order, byte_order = orders_of(point, modbus)
    if modbus.function_of(point) in BIT_FUNCTIONS:
        return lambda bits: bits[offset]
    if WIDTHS[point.type] == 1:
        if byte_order == "big":
            return lambda registers: registers[offset]
        return lambda registers: _swapped(registers[offset])
    high, low = (offset, offset + 1) if word_order == "big" else (offset + 1, offset)
    if byte_order == "big":
        return lambda registers: registers[high] << 16 | registers[low]
    return lambda registers: _swapped(registers[high]) << 16 | _swapped(registers[low])


def orders_of(point: ModbusPoint, modbus: Modbus) -> tuple[Order, Order]:
    """The order of its words and of the bytes in them."""
    return point.word_order or modbus.word_order, point.byte_order or modbus.byte_order


def _swapped(register: int) -> int:
    return (register & 0xFF) << 8 | register >> 8


def _number(point: ModbusPoint) -> Callable[[int], float]:
    if point.bit is not None:
        bit = point.bit
        return lambda raw: (raw >> bit) & 1
    if point.bits is not None:
        lowest, highest = point.bits
        mask = (1 << highest - lowest + 1) - 1
        return lambda raw: (raw >> lowest) & mask
    return _NUMBERS[point.type]


def _float32(unsigned: int) -> float:
    number: float = struct.unpack(">f", unsigned.to_bytes(4, "big"))[0]
    return number


def _bcd(unsigned: int) -> float:
    """The decimal digits in the half-bytes; not a number where one of them is above 9."""
    digits = f"{unsigned:x}"
    return float(digits) if digits.isdecimal() else math.nan


_NUMBERS: dict[str, Callable[[int], float]] = {
    "uint16": float,
    "uint32": float,
    "int16": lambda n: float(n - _WHOLE_16 if n >= _HALF_16 else n),
    "int32": lambda n: float(n - _WHOLE_32 if n >= _HALF_32 else n),
    "float32": _float32,
    "bcd16": _bcd,
    "bcd32": _bcd,
}
