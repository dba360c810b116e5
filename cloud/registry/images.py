"""What kind of image some bytes are, and how large: read from their head, nothing is decoded. Pure."""

import struct
from typing import NamedTuple

MAX_BYTES = 4 * 1024 * 1024
MAX_PIXELS = 20_000
"""To a side."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_MARK = 0xFF
_PNG_HEAD = 24
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_FRAMES = frozenset({*range(0xC0, 0xD0)}) - {0xC4, 0xC8, 0xCC}


class Image(NamedTuple):
    """What a page must know to show it."""

    media_type: str
    width: int
    height: int


class NoImageError(ValueError):
    """Not a PNG or JPEG, or too large."""


def image_of(content: bytes) -> Image:
    """The image; raises `NoImageError` where it is none that pages may show."""
    if len(content) > MAX_BYTES:
        raise NoImageError(f"has {len(content)} bytes, at most {MAX_BYTES} are taken")
    if content.startswith(_PNG) and len(content) >= _PNG_HEAD:
        found = Image("image/png", *struct.unpack(">II", content[16:24]))
    elif content.startswith(_JPEG):
        found = Image("image/jpeg", *_jpeg_size(content))
    else:
        raise NoImageError("is neither PNG nor JPEG")
    if not (0 < found.width <= MAX_PIXELS and 0 < found.height <= MAX_PIXELS):
        raise NoImageError(
            f"is {found.width} by {found.height} pixels, at most {MAX_PIXELS} to a side are taken"
        )
    return found


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Width and height of the first frame: segments are passed over one by one."""
    at = 2
    while at + 9 <= len(content) and content[at] == _MARK:
        marker = content[at + 1]
        if marker == _MARK or marker in _STANDALONE:
            at += 1 if marker == _MARK else 2
            continue
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    raise NoImageError("is a JPEG without a frame")
