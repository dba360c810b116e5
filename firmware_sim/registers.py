"""Numbers into registers by a device profile; apart from the gateway's decoder, to be its witness."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from firmware_sim.layout import Layout, Place, is_yes_or_no, meaning_of, number_of
from sitewarden.profiles.model import ModbusPoint, ModbusProfile


class Image(NamedTuple):
    """What a device shows over Modbus at one moment."""

    words: tuple[int, ...]
    """Its registers and bits in the row of its layout; places that the profile leaves out hold 0."""
    said: Mapping[str, float | None]
    """By point: the value that these registers mean, which rounding makes differ from the true one."""


class Encoder:
    """Turns the values of a device's points into its registers."""

    def __init__(self, profile: ModbusProfile) -> None:
        """Registers are addressed from 0, whatever the maker's manual counts from."""
        self._layout = Layout(profile)
        self._points = [_Written(key, p, self._layout.places[key]) for key, p in profile.points.items()]

    def encode(self, values: Mapping[str, float | None]) -> Image:
        """Registers that hold `values` (by point key, in the point's unit); `None` shows the sentinel.

        Raises `KeyError` for a point left out, `ValueError` for `None` where the maker has no sentinel.
        """
        row = [0] * self._layout.size
        said = {point.key: point.write(row, values[point.key]) for point in self._points}
        return Image(tuple(row), said)


class _Written:
    """One point, and how its value gets into the row."""

    def __init__(self, key: str, point: ModbusPoint, place: Place) -> None:
        self.key, self._point, self._place = key, point, place
        self._number, self._meaning = number_of(point, place), meaning_of(point, place)
        self._says_none = set() if is_yes_or_no(point, place) else set(point.sentinels)

    def write(self, row: list[int], value: float | None) -> float | None:
        """The value that the registers mean now."""
        if value is None:
            if not self._point.sentinels:
                raise ValueError(f"the profile has no sentinel by which `{self.key}` could say 'no value'")
            self._place.put_whole(row, self._point.sentinels[0])
            return None
        number = self._number(value)
        self._place.put(row, number)
        meant = self._meaning(number)
        # A true value whose number the maker uses for 'no value' cannot be told from none.
        return None if number in self._says_none or not math.isfinite(meant) else meant
