"""Which squares of a frame are looked at: where something moves, where heads are, and the rest in turn.

A detector sees heads of twenty pixels and more of its input, so the frame is not shrunk into it: squares are
cut from the full frame, as large as the heads in them allow, and never enlarged. There are more of them than
can be looked at; the one that has waited longest for its kind goes first, so that none waits for ever.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.vision.letterbox import whole
from edge.vision.model import Boxes, Region, Track

Box = tuple[float, float, float, float]
Shape = tuple[int, ...]
"""Of a frame: height and width first."""

HEARTBEAT_S = 10.0
"""So often every part of the picture is looked at, though nothing moves."""
WHOLE_S = 1.0
"""So often the picture is looked at as a whole while something is going on in it."""
FOLLOWED_S, MOVING_S = 0.5, 1.0
"""A followed head and a motion that have waited so long press as much as all else that is just due."""
WANTED_PX = 28.0
"""A followed head has at least this side in the input, if the frame has it: above what can just be judged."""
MOST_TILES = 24
_OVERLAP = 0.15
"""Of a tile's side, common to it and the next, so that a head at the edge of one is whole in the other."""
_AROUND_HEAD = 2.0
"""Sides of a head on each side of it: the surroundings from which a network knows a head."""
_AROUND_MOTION = 0.25
_TALL, _LARGEST = 1.6, 2.0
"""A square for a motion is at most 1.6 times as high as it, for a head is an eighth of a person."""
_GRID_PX = 64


class Wish(NamedTuple):
    """Something that wants to be looked at."""

    box: Box
    largest: float
    """The side of the largest square in which it is still seen well enough."""
    urgency: float


class _Group(NamedTuple):
    """Wishes that one square serves."""

    box: Box
    largest: float
    urgency: float


class Planner:
    """Chooses the squares of one camera, look by look."""

    def __init__(self, heartbeat_s: float = HEARTBEAT_S) -> None:
        """`heartbeat_s`: so often every part of the picture is looked at, moving or not."""
        self._heartbeat_s = heartbeat_s
        self._shape: Shape = ()
        self._size = 0
        self._looked_s: NDArray[np.float64] = np.empty((0, 0))
        self._whole_s = -math.inf
        self._tiles: dict[Region, float] = {}

    def plan(
        self, shape: Shape, at_s: float, motion: Boxes, tracks: Sequence[Track], *, size: int, most: int
    ) -> list[Region]:
        """At most `most` squares for a detector with an input of `size`, the most pressing first."""
        if shape[:2] != self._shape or size != self._size:
            self._begin(shape[:2], at_s, size)
        wishes = [*self._followed(tracks, at_s), *self._moving(motion, at_s)]
        groups = together(wishes, size)
        wished = {square(group.box, size, shape): group.urgency for group in sorted(groups, key=_urgency)}
        candidates = [*wished.items(), *self._in_turn(at_s, busy=bool(wishes))]
        by_urgency = sorted(candidates, key=lambda candidate: -candidate[1])
        chosen = list(dict.fromkeys(region for region, _ in by_urgency))[:most]
        for region in chosen:
            self._note(region, at_s, closely=region in wished or region in self._tiles)
        return chosen

    def _begin(self, shape: Shape, at_s: float, size: int) -> None:
        self._shape, self._size = shape, size
        cells = tuple(math.ceil(length / _GRID_PX) for length in shape)
        self._looked_s = np.full(cells, at_s - self._heartbeat_s)
        self._whole_s = at_s - self._heartbeat_s
        parts = tiles(shape, size)
        # One after the other, so that they never come due all at once.
        every = self._heartbeat_s / max(1, len(parts))
        self._tiles = {part: at_s - self._heartbeat_s + (at + 0.5) * every for at, part in enumerate(parts)}

    def _followed(self, tracks: Sequence[Track], at_s: float) -> Iterator[Wish]:
        for track in tracks:
            x1, y1, x2, y2 = track.box
            head = max(1.0, math.sqrt(max(0.0, x2 - x1) * max(0.0, y2 - y1)))
            largest = max(float(self._size), self._size * head / WANTED_PX)
            urgency = self._waited(track.box, at_s) / FOLLOWED_S
            yield Wish(self._around(track.box, _AROUND_HEAD * head), largest, urgency)

    def _moving(self, motion: Boxes, at_s: float) -> Iterator[Wish]:
        for x1, y1, x2, y2 in motion.tolist():
            box = self._around((x1, y1, x2, y2), _AROUND_MOTION * min(x2 - x1, y2 - y1))
            largest = min(max(self._size, _TALL * (y2 - y1)), _LARGEST * self._size)
            for part in _parts(box, largest):
                yield Wish(part, largest, self._waited(part, at_s) / MOVING_S)

    def _around(self, box: Box, by: float) -> Box:
        """The box with its surroundings, as far as the frame goes."""
        height, width = self._shape
        x1, y1, x2, y2 = box
        return max(x1 - by, 0), max(y1 - by, 0), min(x2 + by, width), min(y2 + by, height)

    def _waited(self, box: Box, at_s: float) -> float:
        rows, columns = self._looked_s.shape
        row = min(max(int((box[1] + box[3]) / 2 / _GRID_PX), 0), rows - 1)
        column = min(max(int((box[0] + box[2]) / 2 / _GRID_PX), 0), columns - 1)
        return float(at_s - self._looked_s[row, column])

    def _in_turn(self, at_s: float, *, busy: bool) -> Iterator[tuple[Region, float]]:
        """The whole picture and its parts, as they come due."""
        every = min(WHOLE_S, self._heartbeat_s) if busy else self._heartbeat_s
        due = [(whole(self._shape), (at_s - self._whole_s) / every)]
        due += [(tile, (at_s - seen_s) / self._heartbeat_s) for tile, seen_s in self._tiles.items()]
        return (candidate for candidate in due if candidate[1] >= 1)

    def _note(self, region: Region, at_s: float, *, closely: bool) -> None:
        if region == whole(self._shape):
            self._whole_s = at_s
        if region in self._tiles:
            self._tiles[region] = at_s
        if closely:
            low_row, low_column = max(0, region.y // _GRID_PX), max(0, region.x // _GRID_PX)
            high_row = math.ceil((region.y + region.side) / _GRID_PX)
            high_column = math.ceil((region.x + region.side) / _GRID_PX)
            self._looked_s[low_row:high_row, low_column:high_column] = at_s


def together(wishes: Sequence[Wish], size: int) -> list[_Group]:
    """Few squares for many wishes: they share one where nothing becomes too small in it."""
    groups: list[_Group] = []
    for wish in sorted(wishes, key=lambda wish: -wish.urgency):
        joined = [(at, _joined(group, wish)) for at, group in enumerate(groups)]
        fitting = [(at, group) for at, group in joined if _side(group.box) <= max(size, group.largest)]
        if not fitting:
            groups.append(_Group(*wish))
            continue
        at, group = min(fitting, key=lambda fit: _side(fit[1].box) - _side(groups[fit[0]].box))
        groups[at] = group
    return groups


def square(box: Box, size: int, shape: Shape) -> Region:
    """Around the box, no smaller than the input, inside the frame as far as that is large enough."""
    height, width = shape[:2]
    side = min(max(math.ceil(_side(box)), size), max(height, width))
    x = min(max(round((box[0] + box[2] - side) / 2), 0), max(0, width - side))
    y = min(max(round((box[1] + box[3] - side) / 2), 0), max(0, height - side))
    return Region(x, y, side)


def tiles(shape: Shape, size: int) -> list[Region]:
    """Squares that show the whole frame, as large as `MOST_TILES` can; none where one input holds it."""
    height, width = shape[:2]
    if max(height, width) <= size:
        return []
    side = size
    while _count(width, side) * _count(height, side) > MOST_TILES:
        side += max(1, size // 4)
    return [Region(x, y, side) for y in _starts(height, side) for x in _starts(width, side)]


def _count(length: int, side: int) -> int:
    return 1 if length <= side else math.ceil((length - side) / (side * (1 - _OVERLAP))) + 1


def _starts(length: int, side: int) -> list[int]:
    count = _count(length, side)
    return [round(at * (length - side) / (count - 1)) for at in range(count)] if count > 1 else [0]


def _parts(box: Box, side: float) -> Iterator[Box]:
    """The box in parts that fit into squares of this side."""
    x1, y1, x2, y2 = box
    columns, rows = max(1, math.ceil((x2 - x1) / side)), max(1, math.ceil((y2 - y1) / side))
    width, height = (x2 - x1) / columns, (y2 - y1) / rows
    for row in range(rows):
        for column in range(columns):
            x, y = x1 + column * width, y1 + row * height
            yield x, y, x + width, y + height


def _joined(group: _Group, wish: Wish) -> _Group:
    low = (min(ours, theirs) for ours, theirs in zip(group.box[:2], wish.box[:2], strict=True))
    high = (max(ours, theirs) for ours, theirs in zip(group.box[2:], wish.box[2:], strict=True))
    x1, y1, x2, y2 = *low, *high
    return _Group((x1, y1, x2, y2), min(group.largest, wish.largest), max(group.urgency, wish.urgency))


def _urgency(group: _Group) -> float:
    return group.urgency


def _side(box: Box) -> float:
    return max(box[2] - box[0], box[3] - box[1])
