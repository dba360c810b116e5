"""A device's registers at each recorded instant, and what has to be told because no register says it. Pure.

Written apart from the gateway's decoder, to be its witness.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from firmware_sim.layout import Layout, Place, meaning_of, number_of
from sitewarden.clockblock import Code, told
from sitewarden.profiles.model import ModbusPoint, ModbusProfile
from sitewarden.quality import Quality

_NAN = 0x7FC0_0000


class Part(NamedTuple):
    """A point that is played: where it stands, and how it is said there."""

    place: Place
    number: Callable[[float], int]
    """The unsigned number of a good value."""
    bad: Mapping[int, int]
    """By quality: the number that says it; a quality that is left out no register says."""


class Image:
    """The registers of one device, step by step."""

    def __init__(self, profile: ModbusProfile, keys: Iterable[str]) -> None:
        """All registers 0."""
        layout = Layout(profile)
        self.tables = layout.tables
        """By function: its part of the words."""
        self.words = [0] * layout.size
        self.parts = [_part(profile.points[key], layout.places[key]) for key in keys]
        self.codes = bytes(len(self.parts))
        """What a gateway is to do about each point at this step."""
        self.wanted: set[int] = set()
        """Points that are to be read and have not been."""
        self.refused: set[int] = set()
        """Of those, points whose registers the device refused then."""
        self.silent: set[int] = set()
        """Points that the device was silent about."""
        self._asked: dict[range, tuple[set[int], set[int]]] = {}
        """By what is asked for: the same few reads come again and again."""

    def rest(self) -> None:
        """Nothing was recorded at this step."""
        self.codes = bytes(len(self.parts))
        self.wanted, self.refused, self.silent = set(), set(), set()

    def show(self, readings: Iterable[tuple[int, float, int]]) -> None:
        """Put the readings of a step (point, value, quality) into the registers."""
        self.rest()
        codes = bytearray(len(self.parts))
        for point, value, quality in readings:
            codes[point] = self._put(point, value, quality)
        self.codes = bytes(codes)
        self._tell_what_cannot_be_refused(codes)

    def read(self, asked: range) -> list[int] | None:
        """The words there, `[]` for those that are refused, `None` for silence; notes what has been read."""
        touched, whole = self._points_at(asked)
        if touched & self.silent and not touched & self.wanted:
            return None
        if refused := touched & self.refused:
            if touched & self.wanted <= refused:
                self.wanted -= refused
            return []
        self.wanted -= whole
        return self.words[asked.start : asked.stop]

    def _points_at(self, asked: range) -> tuple[set[int], set[int]]:
        """Points with any register there, and those with all of them."""
        found = self._asked.get(asked)
        if found is None:
            touched = {i for i, p in enumerate(self.parts) if any(r in asked for r in p.place.words)}
            whole = {i for i in touched if all(r in asked for r in self.parts[i].place.words)}
            found = self._asked[asked] = touched, whole
        return found

    def _put(self, point: int, value: float, quality: int) -> int:
        part = self.parts[point]
        if quality == Quality.GOOD and math.isfinite(value):
            part.place.put(self.words, part.number(value))
        elif quality in part.bad:
            part.place.put_whole(self.words, part.bad[quality])
        elif quality == Quality.EXCEPTION:
            self.refused.add(point)
        else:
            if quality in (Quality.TIMEOUT, Quality.DISCONNECTED):
                self.silent.add(point)
            return told(Quality(quality))
        self.wanted.add(point)
        return Code.READ

    def _tell_what_cannot_be_refused(self, codes: bytearray) -> None:
        """Bits of one register are read together: one of them cannot be refused beside the others."""
        if not self.refused:
            return
        sound = {r for i in self.wanted - self.refused for r in self.parts[i].place.words}
        for point in [i for i in self.refused if not sound.isdisjoint(self.parts[i].place.words)]:
            self.refused.discard(point)
            self.wanted.discard(point)
            codes[point] = told(Quality.EXCEPTION)
        self.codes = bytes(codes)


def _part(point: ModbusPoint, place: Place) -> Part:
    number = number_of(point, place)
    # What is only some bits of a register has no number of its own by which it could say that it is bad.
    bad = {} if place.lowest is not None else dict(_bad(point, place, number))
    return Part(place, number, bad)


def _bad(point: ModbusPoint, place: Place, number: Callable[[float], int]) -> Iterable[tuple[int, int]]:
    if point.sentinels:
        yield Quality.SENTINEL, point.sentinels[0]
    if point.type == "float32" and _NAN not in point.sentinels:
        yield Quality.NOT_A_NUMBER, _NAN
    beyond = _beyond(point, place, number)
    if beyond is not None:
        yield Quality.OUT_OF_RANGE, beyond


def _beyond(point: ModbusPoint, place: Place, number: Callable[[float], int]) -> int | None:
    """A number outside the range that is no sentinel, where the registers can hold one."""
    if point.range is None:
        return None
    means, step = meaning_of(point, place), max(abs(point.scale), 1e-3)
    for outside in (point.range[1] + 2 * step, point.range[0] - 2 * step, point.range[1] + 3 * step):
        found = number(outside)
        if found not in point.sentinels and not point.range[0] <= means(found) <= point.range[1]:
            return found
    return None
