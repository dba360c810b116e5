"""A crane's recorder that sends GOYO's `7E7E` frames, as its profile places the numbers in them."""

import math
import struct
from collections.abc import Iterator
from datetime import datetime

from firmware_sim.speaking.voice import Said, Utterance, meant, number_of
from sitewarden.profiles.model import FramePoint, FrameProfile

_BEGIN, _END = bytes((0x7E, 0x7E, 0x11)), bytes((0x7D, 0x7D))
_HEARTBEAT, _LIVE = 0, 1
_HEAD_BYTES, _TAIL_BYTES = 6, 3
_NUMBER_BYTES = 8
_CARD = b"110101199001011234"
"""Of the driver; an example that belongs to nobody."""
_TIME_SET = bytes((0x7E, 0x7E, 0x11, 0x00, 0x07, 0x00, 0x01))
_SIZES = {"uint8": 1, "int8": 1, "uint16": 2, "int16": 2, "uint32": 4, "int32": 4, "float32": 4}


class GoyoVoice:
    """One recorder under its number."""

    def __init__(self, profile: FrameProfile, identity: str) -> None:
        """It says everything that its profile has."""
        self._profile = profile
        self._number = identity.encode("ascii")[:6].ljust(_NUMBER_BYTES, b"\0")

    def say(self, values: Said, at: datetime) -> Iterator[Utterance]:
        """One frame of live data."""
        data_bytes = self._profile.frames.length - _HEAD_BYTES - _TAIL_BYTES
        frame = bytearray(_framed(_LIVE, (self._number + _CARD + _bcd(at)).ljust(data_bytes, b"\0")))
        said: dict[str, float | None] = {}
        for key, point in self._profile.points.items():
            said[key] = _put(frame, point, values[key], self._profile.frames.byte_order)
        yield Utterance(bytes(frame), said)

    def greet(self, at: datetime) -> bytes:
        """A heartbeat, by which the recorder's clock is kept right."""
        return _framed(_HEARTBEAT, self._number + _bcd(at))

    def is_clock_set(self, answer: bytes) -> bool:
        """Whether the platform says what time it is."""
        return answer.startswith(_TIME_SET)

    def spoil(self, text: bytes) -> bytes:
        """Nobody knows how the check byte is made, so the tail is wrong."""
        return text[:-1] + b"\x7e"


def _framed(kind: int, data: bytes) -> bytes:
    return _BEGIN + bytes((kind, len(data) & 0xFF, len(data) >> 8)) + data + b"\0" + _END


def _bcd(at: datetime) -> bytes:
    return bytes.fromhex(f"{at:%y%m%d%H%M%S}")


def _put(frame: bytearray, point: FramePoint, value: float | None, order: str) -> float | None:
    """Write a value where the profile has it; what it means there."""
    size = _SIZES[point.type]
    place = slice(point.byte, point.byte + size)
    little = "little" if order == "little" else "big"
    if point.bit is not None:
        is_set = value is not None and value >= 1.0
        held = int.from_bytes(frame[place], little)  # type: ignore[arg-type]  # one of two words
        held = held | 1 << point.bit if is_set else held & ~(1 << point.bit)
        frame[place] = held.to_bytes(size, little)  # type: ignore[arg-type]  # one of two words
        return float(is_set)
    if point.type == "float32":
        number = math.nan if value is None else number_of(point, value)
        frame[place] = struct.pack("<f" if order == "little" else ">f", number)
        return meant(point, struct.unpack("<f", struct.pack("<f", number))[0])
    if value is None or not math.isfinite(value):
        raw = int(point.sentinels[0]) if point.sentinels else 0
        frame[place] = raw.to_bytes(size, little)  # type: ignore[arg-type]  # one of two words
        return None
    is_signed = point.type.startswith("int")
    least = -(1 << 8 * size - 1) if is_signed else 0
    raw = max(least, min(least + (1 << 8 * size) - 1, round(number_of(point, value))))
    frame[place] = raw.to_bytes(size, little, signed=is_signed)  # type: ignore[arg-type]  # one of two words
    return None if raw % (1 << 8 * size) in point.sentinels else round(raw * point.scale + point.offset, 9)
