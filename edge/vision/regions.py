"""Which squares of a frame are looked at: where something moves, where heads are, and the rest in turn.

A detector sees heads of twenty pixels and more of its input, so the frame is not shrunk into it: squares are
cut from the full frame, as large as the heads in them allow, and never enlarged. There are more of them than
can be looked at; the one that has waited longest for its kind goes first, so that none waits for ever.

What a look would hardly change waits: a head about which everything is settled, the body below it that moves,
a machine that was looked at again and again and showed nobody. Each is looked at by the first look that comes
half a second after the last one at it, and sooner where a square that is looked at anyhow has room for it.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from edge.vision.cells import LONGEST_S, Cells
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
SETTLED_S = 0.5
"""So long a head is not looked at again about which everything is settled."""
WANTED_PX = 28.0
"""A followed head has at least this side in the input, if the frame has it: above what can just be judged."""
MOST_TILES = 24
_OVERLAP = 0.15
"""Of a tile's side, common to it and the next, so that a head at the edge of one is whole in the other."""
_AROUND_HEAD = 2.0
"""Sides of a head on each side of it: the surroundings from which a network knows a head."""
_AROUND_MOTION = 0.25
_BODY_ASIDE, _BODY_ABOVE, _BODY_BELOW = 2.5, 1.0, 7.5
"""Head heights from a head's middle, top and lower edge: what moves within is that person, nobody else."""
_TALL, _LARGEST = 1.6, 2.0
"""A square for a motion is at most 1.6 times as high as it, for a head is an eighth of a person."""


class Wish(NamedTuple):
    """Something that wants to be looked at."""

    box: Box
    largest: float
    """The side of the largest square in which it is still seen well enough."""
    urgency: float
    waits: bool = False
    """It is only looked at where that costs nothing."""


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
        self._cells = Cells(1, 1, -math.inf)
        self._planned_s = -math.inf
        self._asked: list[Box] = []
        """What moved and was looked at by the last plan."""
        self._whole_s = -math.inf
        self._tiles: dict[Region, float] = {}

    def plan(
        self,
        shape: Shape,
        at_s: float,
        motion: Boxes,
        tracks: Sequence[Track],
        *,
        size: int,
        most: int,
        settled: Collection[int] = (),
    ) -> list[Region]:
        """At most `most` squares for a detector with an input of `size`, the most pressing first.

        `tracks` are as the look at the last plan's squares has left them; a further look would not change
        what is thought of those that are `settled`, by number.
        """
        if shape[:2] != self._shape or size != self._size:
            self._begin(shape[:2], at_s, size)
        self._learn(tracks, settled)
        moving = list(self._moving(motion, [track for track in tracks if track.number in settled], at_s))
        wishes = [*self._followed(tracks, settled, at_s), *moving]
        groups = joined(together([wish for wish in wishes if not wish.waits], size), wishes, size)
        wished = {square(group.box, size, shape): group.urgency for group in sorted(groups, key=_urgency)}
        candidates = [*wished.items(), *self._in_turn(at_s, busy=bool(wishes))]
        by_urgency = sorted(candidates, key=lambda candidate: -candidate[1])
        chosen = list(dict.fromkeys(region for region, _ in by_urgency))[:most]
        close = [region for region in chosen if region in wished or region in self._tiles]
        for region in chosen:
            self._note(region, at_s, closely=region in close)
        self._planned_s = at_s
        self._asked = [wish.box for wish in moving if any(_holds(region, wish.box) for region in close)]
        return chosen

    def _begin(self, shape: Shape, at_s: float, size: int) -> None:
        self._shape, self._size = shape, size
        self._cells = Cells(shape[0], shape[1], at_s - self._heartbeat_s)
        self._asked = []
        self._whole_s = at_s - self._heartbeat_s
        parts = tiles(shape, size)
        # One after the other, so that they never come due all at once.
        every = self._heartbeat_s / max(1, len(parts))
        self._tiles = {part: at_s - self._heartbeat_s + (at + 0.5) * every for at, part in enumerate(parts)}

    def _learn(self, tracks: Sequence[Track], settled: Collection[int]) -> None:
        """Whether what moved was somebody, as the look at the last plan's squares has it."""
        found = [t.box for t in tracks if t.seen_s >= self._planned_s and t.number not in settled]
        for box in self._asked:
            self._cells.found(box, in_vain=not any(_is_middle_in(head, box) for head in found))

    def _followed(self, tracks: Sequence[Track], settled: Collection[int], at_s: float) -> Iterator[Wish]:
        for track in tracks:
            x1, y1, x2, y2 = track.box
            head = max(1.0, math.sqrt(max(0.0, x2 - x1) * max(0.0, y2 - y1)))
            largest = max(float(self._size), self._size * head / WANTED_PX)
            waited_s = self._cells.waited_s(track.box, at_s)
            if track.number in settled:
                # Neither a look that may have cut through it counts, nor one that showed it too small.
                waited_s = max(waited_s, at_s - track.seen_s)
            waits = track.number in settled and waited_s < SETTLED_S
            yield Wish(self._around(track.box, _AROUND_HEAD * head), largest, waited_s / FOLLOWED_S, waits)

    def _moving(self, motion: Boxes, settled: Sequence[Track], at_s: float) -> Iterator[Wish]:
        bodies = [_body(track.box) for track in settled]
        for x1, y1, x2, y2 in motion.tolist():
            rests_s = LONGEST_S if _is_of((x1, y1, x2, y2), bodies) else 0.0
            box = self._around((x1, y1, x2, y2), _AROUND_MOTION * min(x2 - x1, y2 - y1))
            largest = min(max(self._size, _TALL * (y2 - y1)), _LARGEST * self._size)
            for part in _parts(box, largest):
                self._cells.moves(part, at_s)
                waits = self._cells.waits(part, at_s, rests_s)
                yield Wish(part, largest, self._cells.waited_s(part, at_s) / MOVING_S, waits)

    def _around(self, box: Box, by: float) -> Box:
        """The box with its surroundings, as far as the frame goes."""
        height, width = self._shape
        x1, y1, x2, y2 = box
        return max(x1 - by, 0), max(y1 - by, 0), min(x2 + by, width), min(y2 + by, height)

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
            self._cells.looked(region, at_s)


def together(wishes: Sequence[Wish], size: int) -> list[_Group]:
    """Few squares for many wishes: they share one where nothing becomes too small in it."""
    groups: list[_Group] = []
    for wish in sorted(wishes, key=lambda wish: -wish.urgency):
        joined = [(at, _joined(group, wish)) for at, group in enumerate(groups)]
        fitting = [(at, group) for at, group in joined if _side(group.box) <= max(size, group.largest)]
        if not fitting:
            groups.append(_Group(wish.box, wish.largest, wish.urgency))
            continue
        at, group = min(fitting, key=lambda fit: _side(fit[1].box) - _side(groups[fit[0]].box))
        groups[at] = group
    return groups


def joined(groups: Sequence[_Group], wishes: Sequence[Wish], size: int) -> list[_Group]:
    """The groups with those that wait, where a square has room for them and grows no larger by it."""
    groups = list(groups)
    for wish in wishes:
        for at, group in enumerate(groups) if wish.waits else ():
            both = _joined(group, wish)
            if _side(both.box) <= max(size, _side(group.box)):
                groups[at] = both._replace(urgency=group.urgency)
                break
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


def _body(head: Box) -> Box:
    """Where somebody with this head may move."""
    x1, y1, x2, y2 = head
    middle, high = (x1 + x2) / 2, y2 - y1
    aside = _BODY_ASIDE * high
    return middle - aside, y1 - _BODY_ABOVE * high, middle + aside, y2 + _BODY_BELOW * high


def _is_of(box: Box, bodies: Sequence[Box]) -> bool:
    """Whether what moves there are these bodies, side by side, and nothing between or beside them."""
    near = sorted(body for body in bodies if body[0] < box[2] and body[2] > box[0])
    if not near or box[1] < min(body[1] for body in near) or box[3] > max(body[3] for body in near):
        return False
    left = box[0]
    for body in near:
        if body[0] > left:
            return False
        left = max(left, body[2])
    return left >= box[2]


def _is_in(box: Box, other: Box) -> bool:
    return box[0] >= other[0] and box[1] >= other[1] and box[2] <= other[2] and box[3] <= other[3]


def _is_middle_in(box: Box, other: Box) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return other[0] <= x <= other[2] and other[1] <= y <= other[3]


def _holds(region: Region, box: Box) -> bool:
    # Its corners are rounded.
    return _is_in(box, (region.x - 1, region.y - 1, region.x + region.side + 1, region.y + region.side + 1))


def _urgency(group: _Group) -> float:
    return group.urgency


def _side(box: Box) -> float:
    return max(box[2] - box[0], box[3] - box[1])
