"""Where the points of a device stand: its tables of registers and of bits, one behind the other. Pure.

Apart from the gateway's decoder, to be its witness.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sitewarden.profiles.model import BIT_FUNCTIONS, WIDTHS, ModbusPoint, ModbusProfile

BITS_A_REGISTER = 16
_RANGES = {
    "uint16": (0, 0xFFFF),
    "int16": (-0x8000, 0x7FFF),
    "uint32": (0, 0xFFFF_FFFF),
    "int32": (-0x8000_0000, 0x7FFF_FFFF),
    "bcd16": (0, 9999),
    "bcd32": (0, 99_999_999),
}


class Place(NamedTuple):
    """Where one point stands and how its number is written there."""

    words: tuple[int, ...]
    """Where its registers are in the row, the one with the lowest bits first."""
    has_swapped_bytes: bool
    lowest: int | None
    """The lowest of the register's bits that the point is; `None` where it is all of them."""
    bits: int
    """So many bits its number has."""

    def put(self, row: list[int], number: int) -> None:
        """Write the point's own number and nothing beside it."""
        if self.lowest is None:
            self.put_whole(row, number)
            return
        word = self._turned(row[self.words[0]])
        mask = (1 << self.bits) - 1 << self.lowest
        row[self.words[0]] = self._turned(word & ~mask | number << self.lowest & mask)

    def put_whole(self, row: list[int], number: int) -> None:
        """Write a number over all registers that the point stands in."""
        for i, word in enumerate(self.words):
            row[word] = self._turned(number >> BITS_A_REGISTER * i & 0xFFFF)

    def _turned(self, word: int) -> int:
        return int.from_bytes(word.to_bytes(2, "little"), "big") if self.has_swapped_bytes else word


class Layout:
    """A device's tables in one row of words; those that its profile's own function reads come first."""

    def __init__(self, profile: ModbusProfile) -> None:
        """Places are addressed from 0, whatever the maker's manual counts from."""
        modbus = profile.modbus
        ends: dict[int, int] = {}
        for point in profile.points.values():
            function, end = modbus.function_of(point), point.register - modbus.base + WIDTHS[point.type]
            ends[function] = max(end, ends.get(function, 0))
        self.tables: dict[int, range] = {}
        """By function: its part of the row."""
        self.size = 0
        for function in sorted(ends, key=lambda function: (function != modbus.function, function)):
            self.tables[function] = range(self.size, self.size + ends[function])
            self.size += ends[function]
        self.places = {key: self._place(profile, point) for key, point in profile.points.items()}

    def _place(self, profile: ModbusProfile, point: ModbusPoint) -> Place:
        modbus = profile.modbus
        function = modbus.function_of(point)
        first = self.tables[function].start + point.register - modbus.base
        words = tuple(range(first, first + WIDTHS[point.type]))
        if (point.word_order or modbus.word_order) == "big":
            words = words[::-1]
        has_bytes = function not in BIT_FUNCTIONS
        swapped = has_bytes and (point.byte_order or modbus.byte_order) == "little"
        lowest, highest = _part(point, function)
        return Place(words, swapped, lowest, highest)


def _part(point: ModbusPoint, function: int) -> tuple[int | None, int]:
    """The lowest bit of a point that is not whole registers, and how many bits its number has."""
    if function in BIT_FUNCTIONS:
        return 0, 1
    if point.bit is not None:
        return point.bit, 1
    if point.bits is not None:
        return point.bits[0], point.bits[1] - point.bits[0] + 1
    return None, BITS_A_REGISTER * WIDTHS[point.type]


def is_yes_or_no(point: ModbusPoint, place: Place) -> bool:
    """Whether the point is one bit, by whatever way, and has no scale."""
    return place.bits == 1 and point.bits is None


def number_of(point: ModbusPoint, place: Place) -> Callable[[float], int]:
    """From a value to the unsigned number that says it, or the nearest that can be said."""
    scale, offset = point.scale, point.offset
    if is_yes_or_no(point, place):
        return lambda value: int(value >= 1.0)
    if point.type == "float32":
        return lambda value: int.from_bytes(struct.pack(">f", (value - offset) / scale), "big")
    lowest, highest = _RANGES[point.type] if place.lowest is None else (0, (1 << place.bits) - 1)
    if point.type.startswith("bcd"):
        return lambda value: int(str(max(lowest, min(highest, round((value - offset) / scale)))), 16)
    whole = (1 << place.bits) - 1
    return lambda value: max(lowest, min(highest, round((value - offset) / scale))) & whole


def meaning_of(point: ModbusPoint, place: Place) -> Callable[[int], float]:
    """From that number back to the value that it says."""
    if is_yes_or_no(point, place):
        return float
    scale, offset = point.scale, point.offset
    if point.type == "float32":
        return lambda number: float(struct.unpack(">f", number.to_bytes(4, "big"))[0]) * scale + offset
    if point.type.startswith("bcd"):
        return lambda number: round(int(f"{number:x}") * scale + offset, 9)
    sign = 1 << place.bits - 1 if point.type.startswith("int") and place.lowest is None else 0
    return lambda number: round(((number ^ sign) - sign) * scale + offset, 9)


def wire(words: Sequence[int], function: int) -> bytes:
    """How an answer carries them: registers of two bytes, or bits, the first the lowest of the first byte."""
    if function not in BIT_FUNCTIONS:
        return struct.pack(f">{len(words)}H", *words)
    packed = sum((word & 1) << i for i, word in enumerate(words))
    return packed.to_bytes((len(words) + 7) // 8, "little")


def most_of(function: int, most_registers: int) -> int:
    """How many places a request may ask for, where it may ask for so many registers."""
    return most_registers * BITS_A_REGISTER if function in BIT_FUNCTIONS else most_registers


Tables = Mapping[int, range]
