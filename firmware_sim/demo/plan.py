"""A plan of the demo's site, drawn when it is needed: boxes and rings in metres, as a small PNG. Pure."""

import math
import struct
import zlib
from collections.abc import Mapping, Sequence

import msgspec

Place = tuple[float, float]
"""Metres on the site's grid, y northwards."""

WIDTH_PX = 1080
_RING_STEPS = 4000
_PALETTE: Mapping[str, tuple[int, int, int]] = {
    "outside": (246, 246, 242),
    "road": (214, 214, 210),
    "ground": (236, 231, 219),
    "building": (196, 205, 214),
    "yard": (226, 219, 201),
    "pit": (214, 199, 175),
    "mast": (226, 120, 20),
    "jib": (226, 150, 70),
}
"""The first one is what nothing is drawn upon."""


class Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A box that is filled, or a ring; `fill` and `ring` name a colour."""

    fill: str | None = None
    box: tuple[Place, Place] = ((0, 0), (0, 0))
    ring: str | None = None
    centre: Place = (0, 0)
    radius: float = 0


class Frame(msgspec.Struct, frozen=True):
    """The part of the site that is on the plan, from its south-western to its north-eastern corner."""

    low: Place
    high: Place

    def fraction(self, place: Place) -> Place:
        """Of the plan's width and height, from its upper left; what lies outside is at its edge."""
        return (
            min(1.0, max(0.0, (place[0] - self.low[0]) / (self.high[0] - self.low[0]))),
            min(1.0, max(0.0, (self.high[1] - place[1]) / (self.high[1] - self.low[1]))),
        )


def draw(frame: Frame, marks: Sequence[Mark]) -> bytes:
    """The plan as a PNG of indexed colours, each mark upon those before."""
    height_px = round(WIDTH_PX * (frame.high[1] - frame.low[1]) / (frame.high[0] - frame.low[0]))
    rows = [bytearray(WIDTH_PX) for _ in range(height_px)]
    colours = {name: bytes([i]) for i, name in enumerate(_PALETTE)}
    for mark in marks:
        if mark.fill is not None:
            _fill(rows, frame, mark, colours[mark.fill])
        if mark.ring is not None:
            _ring(rows, frame, mark, colours[mark.ring])
    return _png(rows)


def _pixel(rows: Sequence[bytearray], frame: Frame, place: Place) -> tuple[int, int]:
    x, y = frame.fraction(place)
    return min(WIDTH_PX - 1, round(x * WIDTH_PX)), min(len(rows) - 1, round(y * len(rows)))


def _fill(rows: Sequence[bytearray], frame: Frame, mark: Mark, colour: bytes) -> None:
    (left, low), (right, high) = (_pixel(rows, frame, corner) for corner in mark.box)
    for row in rows[high : low + 1]:
        row[left : right + 1] = colour * (right + 1 - left)


def _ring(rows: Sequence[bytearray], frame: Frame, mark: Mark, colour: bytes) -> None:
    for i in range(_RING_STEPS):
        angle = 2 * math.pi * i / _RING_STEPS
        x = mark.centre[0] + mark.radius * math.cos(angle)
        y = mark.centre[1] + mark.radius * math.sin(angle)
        if frame.low[0] < x < frame.high[0] and frame.low[1] < y < frame.high[1]:
            column, line = _pixel(rows, frame, (x, y))
            for row in rows[line : line + 2]:
                row[column : column + 2] = colour * len(row[column : column + 2])


def _png(rows: Sequence[bytearray]) -> bytes:
    head = struct.pack(">IIBBBBB", WIDTH_PX, len(rows), 8, 3, 0, 0, 0)
    palette = b"".join(bytes(colour) for colour in _PALETTE.values())
    lines = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"PLTE", palette)
        + _chunk(b"IDAT", lines)
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
