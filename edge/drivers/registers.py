"""Registers to values and points to requests; pure, so that every case of a manual can be a test."""

import math
import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from edge.drivers import Answer, Request
from sitewarden.profiles.model import WIDTHS, Modbus, ModbusPoint
from sitewarden.quality import Quality

_HALF_16, _WHOLE_16 = 1 << 15, 1 << 16
_HALF_32, _WHOLE_32 = 1 << 31, 1 << 32
_DUST_DECIMALS = 9
"""Binary dust (0.30000000000000004) must not decide whether a limit is reached; no sensor resolves 1e-9."""

Decoded = tuple[float | None, Quality]
Decoder = Callable[[Sequence[int]], Decoded]
"""From all registers of an answer to the value of one point."""
_GOOD = Quality.GOOD
_BAD_SENTINEL: Decoded = (None, Quality.SENTINEL)
_BAD_NUMBER: Decoded = (None, Quality.NOT_A_NUMBER)
_BAD_RANGE: Decoded = (None, Quality.OUT_OF_RANGE)


class Placed(NamedTuple):
    """A point and where its registers stand in the answer to a read."""

    key: str
    point: ModbusPoint
    offset: int
    decode: Decoder


class PlannedRead(NamedTuple):
    """A read and the points that it serves."""

    request: Request
    points: tuple[Placed, ...]


def decoder(point: ModbusPoint, word_order: str, offset: int = 0) -> Decoder:
    """What makes a point's value, in the unit of its kind, from registers (0 to 65535 each).

    Its own one or two registers stand at `offset`. `word_order` is the profile's, `big` where the high word
    comes first; the point's own wins. The value is `None` wherever the quality is not good. Made once and
    called at every poll: what does not change is decided here.
    """
    unsigned = _unsigned(point, word_order, offset)
    number = _number(point)
    sentinels, scale, shift = frozenset(point.sentinels), point.scale, point.offset
    least, most = point.range or (-math.inf, math.inf)

    def decode(registers: Sequence[int]) -> Decoded:
        raw = unsigned(registers)
        if raw in sentinels:
            return _BAD_SENTINEL
        value = round(number(raw) * scale + shift, _DUST_DECIMALS)
        if least <= value <= most:
            return (value, _GOOD) if math.isfinite(value) else _BAD_NUMBER
        return _BAD_RANGE if math.isfinite(value) else _BAD_NUMBER

    return decode


def _unsigned(point: ModbusPoint, word_order: str, offset: int) -> Callable[[Sequence[int]], int]:
    if WIDTHS[point.type] == 1:
        return lambda registers: registers[offset]
    high, low = (offset, offset + 1) if (point.word_order or word_order) == "big" else (offset + 1, offset)
    return lambda registers: registers[high] << 16 | registers[low]


def _number(point: ModbusPoint) -> Callable[[int], float]:
    if point.bit is not None:
        bit = point.bit
        return lambda raw: (raw >> bit) & 1
    return _NUMBERS[point.type]


def _float32(unsigned: int) -> float:
    number: float = struct.unpack(">f", unsigned.to_bytes(4, "big"))[0]
    return number


_NUMBERS: dict[str, Callable[[int], float]] = {
    "uint16": float,
    "uint32": float,
    "int16": lambda n: float(n - _WHOLE_16 if n >= _HALF_16 else n),
    "int32": lambda n: float(n - _WHOLE_32 if n >= _HALF_32 else n),
    "float32": _float32,
}


def plan(
    modbus: Modbus, points: Iterable[tuple[str, ModbusPoint]], holes: Collection[int] = ()
) -> list[PlannedRead]:
    """The fewest reads that serve all points: registers merge across gaps of at most `max_gap`.

    No read is longer than `max_registers`, unless one point alone is, and none touches a register of
    `holes`, numbered as the profile does: the device has none there, and refuses the whole read. Points that
    stand on a hole get no read.
    """
    reads: list[PlannedRead] = []
    run: list[tuple[str, ModbusPoint]] = []
    for key, point in sorted(points, key=lambda item: (item[1].register, _end(item[1]))):
        if any(register in holes for register in range(point.register, _end(point))):
            continue
        if run and not _fits(modbus, run, point, holes):
            reads.append(_read(modbus, run))
            run = []
        run.append((key, point))
    if run:
        reads.append(_read(modbus, run))
    return reads


def halves(modbus: Modbus, read: PlannedRead) -> list[PlannedRead]:
    """A read that was refused, cut in two by its points; a read of one point stays as it is."""
    points = [(placed.key, placed.point) for placed in read.points]
    if len(points) == 1:
        return [read]
    middle = len(points) // 2
    return [_read(modbus, points[:middle]), _read(modbus, points[middle:])]


def registers_of(read: PlannedRead) -> Iterator[int]:
    """The registers, numbered as the profile does, that the points of a read stand on."""
    for placed in read.points:
        yield from range(placed.point.register, _end(placed.point))


def values(read: PlannedRead, answer: Answer) -> list[tuple[str, float | None, Quality]]:
    """Key, value and quality of exactly the points of that read."""
    if answer.quality is not _GOOD:
        return [(placed.key, None, answer.quality) for placed in read.points]
    registers = answer.registers
    return [(placed.key, *placed.decode(registers)) for placed in read.points]


def _end(point: ModbusPoint) -> int:
    return point.register + WIDTHS[point.type]


def _fits(
    modbus: Modbus, run: list[tuple[str, ModbusPoint]], point: ModbusPoint, holes: Collection[int]
) -> bool:
    if modbus.one_point_a_request:
        return False
    end = max(_end(p) for _, p in run)
    longest = max(end, _end(point)) - run[0][1].register
    if point.register - end > modbus.max_gap or longest > modbus.max_registers:
        return False
    return not any(hole in holes for hole in range(end, point.register))


def _read(modbus: Modbus, run: list[tuple[str, ModbusPoint]]) -> PlannedRead:
    first = min(point.register for _, point in run)
    count = max(_end(point) for _, point in run) - first
    placed = tuple(
        Placed(
            key,
            point,
            point.register - first,
            decoder(point, modbus.word_order, point.register - first),
        )
        for key, point in run
    )
    return PlannedRead(Request(modbus.function, first - modbus.base, count), placed)
