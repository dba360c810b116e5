"""A clip as an animated WebP: every browser shows it without a film decoder, each frame stands for itself.

The pictures inside are WebP still pictures as OpenCV writes them; around them is only the container of the
format's description (RIFF: `VP8X`, `ANIM`, and an `ANMF` for each frame).
"""

import struct
from collections.abc import Iterable, Iterator

import cv2

from edge.vision.model import Picture

QUALITY = 60
"""Of WebP; faces are gone anyhow, and what a person does is seen."""
_ANIMATED = 0x02
_WHOLE = 0x02
"""Each frame in place of the last, not blended with it."""


def frame_of(picture: Picture, quality: int = QUALITY) -> bytes:
    """A picture as it stands in an animation: the chunk of its bits."""
    done, encoded = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, quality])
    if not done:
        raise ValueError("OpenCV made no WebP of the picture")
    return bytes(encoded)[12:]


def animation(frames: Iterable[tuple[bytes, int]], width: int, height: int) -> bytes:
    """The file of frames, as `frame_of` makes them, each with how long it is shown in ms."""
    head = struct.pack("<I", _ANIMATED) + _uint24(width - 1) + _uint24(height - 1)
    body = b"WEBP" + _chunk(b"VP8X", head) + _chunk(b"ANIM", struct.pack("<IH", 0, 0))
    body += b"".join(_frames(frames, width, height))
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _frames(frames: Iterable[tuple[bytes, int]], width: int, height: int) -> Iterator[bytes]:
    for bits, shown_ms in frames:
        place = _uint24(0) + _uint24(0) + _uint24(width - 1) + _uint24(height - 1)
        yield _chunk(b"ANMF", place + _uint24(min(shown_ms, 0xFFFFFF)) + bytes([_WHOLE]) + bits)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _uint24(number: int) -> bytes:
    return struct.pack("<I", number)[:3]
