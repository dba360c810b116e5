"""Registers to values and points to requests; pure, so that every case of a manual can be a test."""

import math
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from edge.drivers import Answer, Request
from sitewarden.profiles.model import WIDTHS, Modbus, ModbusPoint
from sitewarden.quality import Quality

_HALF_16, _WHOLE_16 = 1 << 15, 1 << 16
_HALF_32, _WHOLE_32 = 1 << 31, 1 << 32
_DUST_DECIMALS = 9
"""Binary dust (0.30000000000000004) must not decide whether a limit is reached; no sensor resolves 1e-9."""

Decoded = tuple[float | None, Quality]
_BAD_SENTINEL: Decoded = (None, Quality.SENTINEL)
_BAD_NUMBER: Decoded = (None, Quality.NOT_A_NUMBER)
_BAD_RANGE: Decoded = (None, Quality.OUT_OF_RANGE)


class Placed(NamedTuple):
    """A point and where its registers stand in the answer to a read."""

    key: str
    point: ModbusPoint
    offset: int


class PlannedRead(NamedTuple):
    """A read and the points that it serves."""

    request: Request
    points: tuple[Placed, ...]


def decode(point: ModbusPoint, registers: Sequence[int], word_order: str) -> Decoded:
    """The value of a point in the unit of its kind, from its own one or two registers (0 to 65535 each).

    `word_order` is the profile's, `big` where the high word comes first; the point's own wins. The value is
    `None` wherever the quality is not good.
    """
    unsigned = _unsigned(registers, point.word_order or word_order)
    if unsigned in point.sentinels:
        return _BAD_SENTINEL
    if point.bit is not None:
        number: float = (unsigned >> point.bit) & 1
    else:
        number = _NUMBERS[point.type](unsigned)
    if not math.isfinite(number):
        return _BAD_NUMBER
    value = round(number * point.scale + point.offset, _DUST_DECIMALS)
    if point.range is not None and not point.range[0] <= value <= point.range[1]:
        return _BAD_RANGE
    return value, Quality.GOOD


def _unsigned(registers: Sequence[int], word_order: str) -> int:
    if len(registers) == 1:
        return registers[0]
    high, low = registers if word_order == "big" else (registers[1], registers[0])
    return high << 16 | low


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


def plan(modbus: Modbus, points: Iterable[tuple[str, ModbusPoint]]) -> list[PlannedRead]:
    """The fewest reads that serve all points: registers merge across gaps of at most `max_gap`.

    No read is longer than `max_registers`, unless one point alone is.
    """
    reads: list[PlannedRead] = []
    run: list[tuple[str, ModbusPoint]] = []
    for key, point in sorted(points, key=lambda item: (item[1].register, _end(item[1]))):
        if run and not _fits(modbus, run, point):
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


def values(read: PlannedRead, answer: Answer, word_order: str) -> list[tuple[str, float | None, Quality]]:
    """Key, value and quality of exactly the points of that read."""
    if answer.quality is not Quality.GOOD:
        return [(placed.key, None, answer.quality) for placed in read.points]
    return [
        (placed.key, *decode(placed.point, _own(placed, answer.registers), word_order))
        for placed in read.points
    ]


def _own(placed: Placed, registers: Sequence[int]) -> Sequence[int]:
    return registers[placed.offset : placed.offset + WIDTHS[placed.point.type]]


def _end(point: ModbusPoint) -> int:
    return point.register + WIDTHS[point.type]


def _fits(modbus: Modbus, run: list[tuple[str, ModbusPoint]], point: ModbusPoint) -> bool:
    end = max(_end(p) for _, p in run)
    longest = max(end, _end(point)) - run[0][1].register
    return point.register - end <= modbus.max_gap and longest <= modbus.max_registers


def _read(modbus: Modbus, run: list[tuple[str, ModbusPoint]]) -> PlannedRead:
    first = min(point.register for _, point in run)
    count = max(_end(point) for _, point in run) - first
    placed = tuple(Placed(key, point, point.register - first) for key, point in run)
    return PlannedRead(Request(modbus.function, first - modbus.base, count), placed)
