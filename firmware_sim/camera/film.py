"""A film in H.264 as a camera sends it: its pictures as they are, cut into packets, never decoded.

The file is a bare stream (Annex B of H.264, `.h264`); packets are those of RFC 6184.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sitewarden.errors import SiteWardenError

LONGEST = 1400
"""Bytes of a packet's content, as cameras send them."""
_BEGIN = re.compile(rb"\x00\x00\x01")
_SLICE, _KEY, _MORE, _SEQUENCE, _PICTURE, _DELIMITER = 1, 5, 6, 7, 8, 9
_FRAGMENT = 28

Packets = Sequence[bytes]


class Film(NamedTuple):
    """Pictures one after the other, each as the contents of its packets."""

    sequence: bytes
    picture: bytes
    """What every decoder must know beforehand of the stream and of its pictures."""
    pictures: Sequence[Packets]
    keys: Sequence[int]
    """The numbers of pictures that hang on none before them; 0 is the first."""


def load(file: Path) -> Film:
    """The film of a file; raises `SiteWardenError` where it holds none that a viewer could begin with."""
    try:
        units = list(_units(file.read_bytes()))
    except OSError as exc:
        raise SiteWardenError(f"{file}: cannot be read: {exc.strerror}") from exc
    pictures = list(_pictures(units))
    first = {
        kind: next((unit for unit in units if _kind(unit) == kind), b"") for kind in (_SEQUENCE, _PICTURE)
    }
    keys = [number for number, picture in enumerate(pictures) if any(_kind(unit) == _KEY for unit in picture)]
    if not all(first.values()) or not keys or keys[0] != 0:
        raise SiteWardenError(f"{file}: is no bare H.264 stream that begins with a whole picture")
    contents = [[piece for unit in picture for piece in packets(unit)] for picture in pictures]
    return Film(first[_SEQUENCE], first[_PICTURE], contents, keys)


def _kind(unit: bytes) -> int:
    return unit[0] & 0x1F


def _units(content: bytes) -> Iterator[bytes]:
    """The parts of a stream; no part ends with a zero byte, which belongs to the mark of the next."""
    parts = (part.rstrip(b"\0") for part in _BEGIN.split(content)[1:])
    return (part for part in parts if part)


def _pictures(units: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Parts together that are one picture."""
    picture: list[bytes] = []
    has_slice = False
    for unit in units:
        kind = _kind(unit)
        is_slice = kind in {_SLICE, _KEY}
        begins = kind in {_MORE, _SEQUENCE, _PICTURE, _DELIMITER} or (is_slice and unit[1] & 0x80)
        if begins and has_slice:
            yield picture
            picture, has_slice = [], False
        picture.append(unit)
        has_slice |= is_slice
    if has_slice:
        yield picture


def packets(unit: bytes) -> Iterator[bytes]:
    """A part as the contents of packets: as it is, or in fragments where it is too long."""
    if len(unit) <= LONGEST:
        yield unit
        return
    room = LONGEST - 2
    for at in range(1, len(unit), room):
        is_first, is_last = at == 1, at + room >= len(unit)
        head = bytes([unit[0] & 0xE0 | _FRAGMENT, is_first << 7 | is_last << 6 | _kind(unit)])
        yield head + unit[at : at + room]
