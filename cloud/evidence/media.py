"""What kind of file some bytes are, whatever their sender says; and what is taken out of a photo. Pure.

A photo of a telephone says where and with which telephone it was taken. It is evidence of a danger, not of
the way of whoever looked: of a JPEG only the picture is kept, its colours, and which side is up.
"""

import re
import struct
from typing import Literal, NamedTuple

MAX_BYTES = 12 * 1024 * 1024

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_PICTURE = frozenset({*range(0xC0, 0xD0), *range(0xD8, 0xE0)}) - {0xC8}
"""Frames, tables, scans: what a picture is made of. All other markers carry words or are reserved."""
_APPS, _COMMENT = range(0xE0, 0xF0), 0xFE
_MARK = 0xFF
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""Within a scan: no stuffed byte, no restart."""
_FILL = re.compile(rb"\xff+(?=\xff)")
"""Before a marker there may be any number of these."""
_MOST_SEGMENTS = 2000
"""A picture has a few dozen, its colours 255 at most: whoever sends more wants to keep us busy."""
_EXIF = b"Exif\0\0"
_COLOURS = b"ICC_PROFILE\0"
_JFIF = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
"""Without the small picture that may follow it, which need not be of the same."""
_ADOBE_BYTES = 12
_ORIENTATION, _SHORT, _UPSIDES = 0x0112, 3, range(2, 9)
_MP4_BRANDS = frozenset({b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V "})


class Media(NamedTuple):
    """A file that is taken."""

    media_type: str
    kind: Literal["photo", "document", "video"]
    ending: str


class NotTakenError(ValueError):
    """None of the kinds that are taken, or one that is broken."""


JPEG = Media("image/jpeg", "photo", "jpg")
PNG = Media("image/png", "photo", "png")
WEBP = Media("image/webp", "photo", "webp")
PDF = Media("application/pdf", "document", "pdf")
MP4 = Media("video/mp4", "video", "mp4")
SHOWN = frozenset({JPEG.media_type, PNG.media_type, WEBP.media_type})
"""What a browser may show by itself; all else is saved."""


def media_of(content: bytes) -> Media:
    """By its first bytes; raises `NotTakenError`."""
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return WEBP
    if content.startswith(b"%PDF-"):
        return PDF
    if content[4:8] == b"ftyp" and content[8:12] in _MP4_BRANDS:
        return MP4
    raise NotTakenError("is neither JPEG, PNG, WebP, PDF nor MP4")


class Cleaned(NamedTuple):
    """A JPEG without what its maker wrote beside the picture."""

    content: bytes
    taken_out: int
    """Bytes."""


def without_metadata(jpeg: bytes) -> Cleaned:
    """The picture alone, its colour profile, and which side is up; raises `NotTakenError` where it is broken.

    What follows the picture's end goes too: telephones put a second picture or a film there, with its place.
    """
    kept, at, upside = [jpeg[:2]], 2, 1
    for _ in range(_MOST_SEGMENTS):
        marker, start, end = _segment(jpeg, at)
        if marker == _EOI:
            kept.append(jpeg[at:end])
            break
        if marker == _APP1 and jpeg[start + 4 : start + 10] == _EXIF:
            upside = _upside(jpeg[start + 10 : end]) or upside
        if marker == _SOS:
            end = _end_of_scan(jpeg, end)
        if _is_picture(marker, jpeg[start + 4 : end]):
            kept.append(jpeg[at:start] + (_JFIF if marker == _APP0 else jpeg[start:end]))
        at = end
    else:
        raise NotTakenError("is a JPEG of more segments than any picture has")
    if upside in _UPSIDES:
        # After the first segment: a JFIF header has to be the first.
        kept.insert(2 if jpeg[3] == _APP0 else 1, _only_upside(upside))
    content = b"".join(kept)
    return Cleaned(content, max(0, len(jpeg) - len(content)))


def _segment(jpeg: bytes, at: int) -> tuple[int, int, int]:
    """The marker there, and where its segment begins and ends."""
    fill = _FILL.match(jpeg, at)
    at = fill.end() if fill else at
    if at + 2 > len(jpeg) or jpeg[at] != _MARK:
        raise NotTakenError("is a JPEG that breaks off")
    marker = jpeg[at + 1]
    if marker == _EOI or marker in _STANDALONE:
        return marker, at, at + 2
    end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    if end < at + 4 or end > len(jpeg):
        raise NotTakenError("is a JPEG that breaks off")
    return marker, at, end


def _end_of_scan(jpeg: bytes, at: int) -> int:
    found = _NEXT_MARKER.search(jpeg, at)
    if found is None:
        raise NotTakenError("is a JPEG that breaks off")
    return found.start()


def _is_picture(marker: int, body: bytes) -> bool:
    if marker in _APPS:
        return (
            (marker == _APP0 and body.startswith(b"JFIF\0"))
            or (marker == _APP14 and body.startswith(b"Adobe") and len(body) == _ADOBE_BYTES)
            or (marker == _APP2 and body.startswith(_COLOURS))
        )
    return marker in _PICTURE or marker in _STANDALONE


def _upside(tiff: bytes) -> int | None:
    """Which way the camera was held, as Exif says; `None` where it does not."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return None
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for place in range(count):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * place)
            if (tag, kind) == (_ORIENTATION, _SHORT):
                return int(value)
    except struct.error:
        return None
    return None


def _only_upside(upside: int) -> bytes:
    """An Exif segment that says nothing else."""
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, _ORIENTATION, _SHORT, 1, upside, 0, 0)
    body = _EXIF + tiff
    return bytes([_MARK, _APP1]) + struct.pack(">H", len(body) + 2) + body


_ENDINGS = {one.media_type: one.ending for one in (JPEG, PNG, WEBP, PDF, MP4)} | {"application/json": "json"}


def ending_of(media_type: str) -> str:
    """Of a file's name."""
    return _ENDINGS.get(media_type, "bin")
