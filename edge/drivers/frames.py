"""Points out of a frame of bytes, wherever their profile says that they stand. Pure."""

import struct
from collections.abc import Callable

from edge.drivers.speaking import Decode, NotUnderstoodError, Told, scaled
from sitewarden.profiles.model import FramePoint, FrameProfile
from sitewarden.quality import Quality

_FORMATS = {"uint8": "B", "int8": "b", "uint16": "H", "int16": "h", "uint32": "I", "int32": "i"}


def decoder(profile: FrameProfile) -> Decode:
    """What reads a frame of such a device."""
    length = profile.frames.length
    readers = [(key, _reader(point, profile.frames.byte_order)) for key, point in profile.points.items()]

    def decode(frame: bytes) -> Told:
        if len(frame) < length:
            raise NotUnderstoodError(f"a frame of {len(frame)} bytes, the profile's has {length}")
        return Told([(key, *read(frame)) for key, read in readers])

    return decode


def _reader(point: FramePoint, byte_order: str) -> Callable[[bytes], tuple[float | None, Quality]]:
    order = "<" if byte_order == "little" else ">"
    number = struct.Struct(order + ("f" if point.type == "float32" else _FORMATS[point.type]))
    raw = struct.Struct(order + _FORMATS[f"uint{8 * number.size}"])
    sentinels, bit = frozenset(point.sentinels), point.bit

    def read(frame: bytes) -> tuple[float | None, Quality]:
        (unsigned,) = raw.unpack_from(frame, point.byte)
        if unsigned in sentinels:
            return None, Quality.SENTINEL
        if bit is not None:
            return scaled(point, unsigned >> bit & 1)
        (signed,) = number.unpack_from(frame, point.byte)
        return scaled(point, signed)

    return read
