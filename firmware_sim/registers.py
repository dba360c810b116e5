"""Numbers into registers by a device profile; apart from the gateway's decoder, to be its witness."""

import math
import struct
from collections.abc import Mapping
from typing import NamedTuple

from sitewarden.profiles.model import ModbusPoint, ModbusProfile

_RANGES = {
    "uint16": (0, 0xFFFF),
    "int16": (-0x8000, 0x7FFF),
    "uint32": (0, 0xFFFF_FFFF),
    "int32": (-0x8000_0000, 0x7FFF_FFFF),
}
_BITS = {"uint16": 16, "int16": 16, "uint32": 32, "int32": 32, "float32": 32}


class Image(NamedTuple):
    """What a device shows over Modbus at one moment."""

    words: tuple[int, ...]
    """Registers from address 0 on; addresses that the profile leaves out hold 0."""
    said: Mapping[str, float | None]
    """By point: the value that these registers mean, which rounding makes differ from the true one."""


class Encoder:
    """Turns the values of a device's points into its registers."""

    def __init__(self, profile: ModbusProfile) -> None:
        """Registers are addressed from 0, whatever the maker's manual counts from."""
        self._places = {
            key: (point, point.register - profile.modbus.base, point.word_order or profile.modbus.word_order)
            for key, point in profile.points.items()
        }
        self._size = max(address + _BITS[point.type] // 16 for point, address, _ in self._places.values())

    def encode(self, values: Mapping[str, float | None]) -> Image:
        """Registers that hold `values` (by point key, in the point's unit); `None` shows the sentinel.

        Raises `KeyError` for a point left out, `ValueError` for `None` where the maker has no sentinel.
        """
        words = [0] * self._size
        said: dict[str, float | None] = {}
        for key, (point, address, order) in self._places.items():
            number, said[key] = _number(key, point, values[key])
            if point.bit is not None:
                words[address] |= number << point.bit
                continue
            width = _BITS[point.type] // 16
            parts = [(number >> 16 * i) & 0xFFFF for i in range(width)]
            words[address : address + width] = parts if order == "little" else reversed(parts)
        return Image(tuple(words), said)


def _number(key: str, point: ModbusPoint, value: float | None) -> tuple[int, float | None]:
    """The unsigned number in the registers, and the value that it means."""
    if value is None:
        if not point.sentinels:
            raise ValueError(f"the profile has no sentinel by which `{key}` could say 'no value'")
        return point.sentinels[0], None
    if point.bit is not None:
        return int(value >= 1.0), float(value >= 1.0)
    if point.type == "float32":
        raw = struct.pack(">f", (value - point.offset) / point.scale)
        meant = struct.unpack(">f", raw)[0] * point.scale + point.offset
        number = int.from_bytes(raw, "big")
    else:
        lowest, highest = _RANGES[point.type]
        signed = max(lowest, min(highest, round((value - point.offset) / point.scale)))
        number, meant = signed % (1 << _BITS[point.type]), round(signed * point.scale + point.offset, 9)
    # A true value whose number the maker uses for 'no value' cannot be told from none.
    says_none = number in point.sentinels or not math.isfinite(meant)
    return number, None if says_none else meant
