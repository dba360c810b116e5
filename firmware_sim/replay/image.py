"""A device's registers at each recorded instant, and what has to be told because no register says it. Pure.

Written apart from the gateway's decoder, to be its witness.
"""

import math
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from sitewarden.clockblock import Code, told
from sitewarden.profiles.model import WIDTHS, ModbusPoint, ModbusProfile
from sitewarden.quality import Quality

_LIMITS = {
    "uint16": (0, 0xFFFF),
    "int16": (-0x8000, 0x7FFF),
    "uint32": (0, 0xFFFF_FFFF),
    "int32": (-0x8000_0000, 0x7FFF_FFFF),
}
_NAN = 0x7FC0_0000


class Place(NamedTuple):
    """Where a point stands and how it is written there."""

    key: str
    address: int
    """Of its first register, from 0."""
    width: int
    bit: int | None
    is_little: bool
    number: Callable[[float], int]
    """The unsigned number of a good value."""
    bad: Mapping[int, int]
    """By quality: the number that says it; a quality that is left out no register says."""


class Image:
    """The registers of one device, step by step."""

    def __init__(self, profile: ModbusProfile, keys: Iterable[str]) -> None:
        """All registers 0."""
        every = [_place(key, point, profile) for key, point in profile.points.items()]
        self.words = [0] * max(place.address + place.width for place in every)
        by_key = {place.key: place for place in every}
        self.places = [by_key[key] for key in keys]
        self.codes = bytes(len(self.places))
        """What a gateway is to do about each point at this step."""
        self.wanted: set[int] = set()
        """Points that are to be read and have not been."""
        self.refused: set[int] = set()
        """Of those, points whose registers the device refused then."""
        self.silent: set[int] = set()
        """Points that the device was silent about."""
        self._asked: dict[tuple[int, int], tuple[set[int], set[int]]] = {}
        """By what is asked for: the same few reads come again and again."""

    def rest(self) -> None:
        """Nothing was recorded at this step."""
        self.codes = bytes(len(self.places))
        self.wanted, self.refused, self.silent = set(), set(), set()

    def show(self, readings: Iterable[tuple[int, float, int]]) -> None:
        """Put the readings of a step (point, value, quality) into the registers."""
        self.rest()
        codes = bytearray(len(self.places))
        for point, value, quality in readings:
            codes[point] = self._put(point, value, quality)
        self.codes = bytes(codes)
        self._tell_what_cannot_be_refused(codes)

    def read(self, first: int, count: int) -> list[int] | None:
        """The registers, `[]` for those that are refused, `None` for silence; notes what has been read."""
        touched, whole = self._points_at(first, count)
        if touched & self.silent and not touched & self.wanted:
            return None
        if refused := touched & self.refused:
            if touched & self.wanted <= refused:
                self.wanted -= refused
            return []
        self.wanted -= whole
        return self.words[first : first + count]

    def _points_at(self, first: int, count: int) -> tuple[set[int], set[int]]:
        """Points with any register there, and those with all of them."""
        found = self._asked.get((first, count))
        if found is None:
            asked = range(first, first + count)
            touched = {i for i, p in enumerate(self.places) if any(r in asked for r in _registers(p))}
            whole = {i for i in touched if all(r in asked for r in _registers(self.places[i]))}
            found = self._asked[first, count] = touched, whole
        return found

    def _put(self, point: int, value: float, quality: int) -> int:
        place = self.places[point]
        if quality == Quality.GOOD and math.isfinite(value):
            self._write(place, place.number(value))
        elif quality in place.bad:
            self._write(place, place.bad[quality])
        elif quality == Quality.EXCEPTION:
            self.refused.add(point)
        else:
            if quality in (Quality.TIMEOUT, Quality.DISCONNECTED):
                self.silent.add(point)
            return told(Quality(quality))
        self.wanted.add(point)
        return Code.READ

    def _write(self, place: Place, number: int) -> None:
        words, address = self.words, place.address
        if place.bit is not None:
            words[address] = words[address] & ~(1 << place.bit) | number << place.bit
        elif place.width == 1:
            words[address] = number
        else:
            high, low = number >> 16, number & 0xFFFF
            words[address], words[address + 1] = (low, high) if place.is_little else (high, low)

    def _tell_what_cannot_be_refused(self, codes: bytearray) -> None:
        """Bits of one register are read together: one of them cannot be refused beside the others."""
        if not self.refused:
            return
        sound = {r for i in self.wanted - self.refused for r in _registers(self.places[i])}
        for point in [i for i in self.refused if not sound.isdisjoint(_registers(self.places[i]))]:
            self.refused.discard(point)
            self.wanted.discard(point)
            codes[point] = told(Quality.EXCEPTION)
        self.codes = bytes(codes)


def _registers(place: Place) -> range:
    return range(place.address, place.address + place.width)


def _place(key: str, point: ModbusPoint, profile: ModbusProfile) -> Place:
    order = point.word_order or profile.modbus.word_order
    number = _number(point)
    return Place(
        key=key,
        address=point.register - profile.modbus.base,
        width=WIDTHS[point.type],
        bit=point.bit,
        is_little=order == "little",
        number=number,
        bad=dict(_bad(point, number)),
    )


def _number(point: ModbusPoint) -> Callable[[float], int]:
    scale, offset = point.scale, point.offset
    if point.bit is not None:
        return lambda value: int(value >= 1.0)
    if point.type == "float32":
        return lambda value: int.from_bytes(struct.pack(">f", (value - offset) / scale), "big")
    lowest, highest = _LIMITS[point.type]
    whole = (1 << 16 * WIDTHS[point.type]) - 1
    return lambda value: max(lowest, min(highest, round((value - offset) / scale))) & whole


def _bad(point: ModbusPoint, number: Callable[[float], int]) -> Iterable[tuple[int, int]]:
    if point.bit is not None:
        return
    if point.sentinels:
        yield Quality.SENTINEL, point.sentinels[0]
    if point.type == "float32" and _NAN not in point.sentinels:
        yield Quality.NOT_A_NUMBER, _NAN
    beyond = _beyond(point, number)
    if beyond is not None:
        yield Quality.OUT_OF_RANGE, beyond


def _beyond(point: ModbusPoint, number: Callable[[float], int]) -> int | None:
    """A number outside the range that is no sentinel, where the registers can hold one."""
    if point.range is None:
        return None
    step = max(abs(point.scale), 1e-3)
    for outside in (point.range[1] + 2 * step, point.range[0] - 2 * step, point.range[1] + 3 * step):
        found = number(outside)
        says = _means(point, found)
        if found not in point.sentinels and not point.range[0] <= says <= point.range[1]:
            return found
    return None


def _means(point: ModbusPoint, number: int) -> float:
    if point.type == "float32":
        said: float = struct.unpack(">f", number.to_bytes(4, "big"))[0]
    else:
        bits = 16 * WIDTHS[point.type]
        said = float(
            number - (1 << bits) if point.type.startswith("int") and number >> (bits - 1) else number
        )
    return said * point.scale + point.offset
