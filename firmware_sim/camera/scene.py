"""A scene that a camera looks at, with its exact truth: who stands where at every instant, and wears what.

Everything has its place in metres on the site's grid, so where a head is in the picture, and who stands in a
zone of the ground, follow by geometry and not by looking. A scene is a file; drawing it is `drawing.py`.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec

from firmware_sim.model import NotNegative, Positive
from sitewarden import documents
from sitewarden.errors import ConfigurationError

BODY_HEADS = 7.5
"""A body is so many heads high."""
HEAD_WIDE = 0.8
"""A head's width as a share of its height."""
NEAREST_M = 0.5
"""What is nearer to the lens than this is not seen."""

Wears = Literal["helmet", "bare", "cap"]
Colour = Literal["yellow", "white", "red", "blue", "orange"]
Metres = tuple[float, float]
Step = Annotated[
    tuple[float, float, float], msgspec.Meta(description="an instant (s) and a place on the grid (m, m)")
]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every part of a scene has in common: it does not change, and it knows its keys."""


class Lens(_Part, frozen=True, kw_only=True):
    """Where the camera hangs and looks."""

    at_m: Metres = (0.0, 0.0)
    height_m: Positive = 5.0
    facing_deg: float = 0.0
    """0 looks along +y of the grid, clockwise is positive, as cranes slew."""
    down_deg: Annotated[float, msgspec.Meta(ge=0, le=89, description="0 to 89")] = 20.0
    view_deg: Annotated[float, msgspec.Meta(ge=10, le=120, description="10 to 120")] = 60.0
    """From the left to the right edge."""


class Change(_Part, frozen=True, kw_only=True):
    """From then on a figure wears something else."""

    at_s: NotNegative
    wears: Wears


class Figure(_Part, frozen=True, kw_only=True):
    """Somebody who walks from place to place, and is there from the first instant of the path to its last."""

    figure: str
    path: Annotated[list[Step], msgspec.Meta(min_length=2, description="two steps or more")]
    wears: Wears = "helmet"
    changes: list[Change] = []
    colour: Colour = "yellow"
    """Of the helmet."""
    tall_m: Annotated[float, msgspec.Meta(ge=1.4, le=2.1, description="1.4 to 2.1")] = 1.75


class Thing(_Part, frozen=True, kw_only=True):
    """What is no person: a machine, a crate that hides whoever is behind it, a cap or helmet that lies."""

    thing: str
    kind: Literal["excavator", "crate", "cap", "helmet"]
    path: Annotated[list[Step], msgspec.Meta(min_length=1, description="one step or more")]
    up_m: NotNegative = 0.0
    """How high it lies."""
    size_m: Positive = 1.0


class Light(_Part, frozen=True, kw_only=True):
    """From then on everything is so bright."""

    at_s: NotNegative
    gain: Annotated[float, msgspec.Meta(ge=0.05, le=3, description="0.05 to 3")]


class Scene(_Part, frozen=True, kw_only=True):
    """A scene, as its file has it."""

    seconds: Positive = 60.0
    """Then it begins anew."""
    seed: int = 1
    """Of the ground's grain and the picture's noise."""
    noise: Annotated[float, msgspec.Meta(ge=0, le=40, description="grey levels, 0 to 40")] = 3.0
    lens: Lens = Lens()
    figures: list[Figure] = []
    things: list[Thing] = []
    lights: list[Light] = []

    def gain(self, t_s: float) -> float:
        """How bright it is."""
        begun = [light for light in self.lights if light.at_s <= t_s]
        return max(begun, key=lambda light: light.at_s).gain if begun else 1.0


class Head(NamedTuple):
    """The truth about one head at one instant."""

    figure: str
    wears: Wears
    box: tuple[float, float, float, float]
    """`x1 y1 x2 y2` in pixels of the picture; it may reach beyond its edges."""
    ground_m: Metres
    """Where the feet are."""
    is_seen: bool
    """At least the half of it is in the picture and nothing stands before its middle."""

    @property
    def is_bare(self) -> bool:
        """Hair, caps and hats count as bare."""
        return self.wears != "helmet"


class View:
    """A lens with a picture of some size behind it."""

    def __init__(self, lens: Lens, width: int, height: int) -> None:
        """Pixels."""
        self.lens, self.width, self.height = lens, width, height
        facing, down = math.radians(lens.facing_deg), math.radians(lens.down_deg)
        self.focal = width / 2 / math.tan(math.radians(lens.view_deg) / 2)
        self._right = math.cos(facing), -math.sin(facing), 0.0
        self._ahead = (
            math.cos(down) * math.sin(facing),
            math.cos(down) * math.cos(facing),
            -math.sin(down),
        )
        self._below = (
            -math.sin(down) * math.sin(facing),
            -math.sin(down) * math.cos(facing),
            -math.cos(down),
        )

    def depth(self, x_m: float, y_m: float, z_m: float) -> float:
        """How far before the lens a point is; negative behind it."""
        return _along(self._ahead, self._from(x_m, y_m, z_m))

    def pixel(self, x_m: float, y_m: float, z_m: float = 0.0) -> tuple[float, float]:
        """Where a point before the lens is in the picture."""
        off = self._from(x_m, y_m, z_m)
        scale = self.focal / max(_along(self._ahead, off), NEAREST_M)
        return (
            self.width / 2 + scale * _along(self._right, off),
            self.height / 2 + scale * _along(self._below, off),
        )

    def shares(self, x_m: float, y_m: float, z_m: float = 0.0) -> tuple[float, float]:
        """The same as shares of the picture, as zones and marks are written."""
        x, y = self.pixel(x_m, y_m, z_m)
        return x / self.width, y / self.height

    def _from(self, x_m: float, y_m: float, z_m: float) -> tuple[float, float, float]:
        return x_m - self.lens.at_m[0], y_m - self.lens.at_m[1], z_m - self.lens.height_m


def load(file: Path) -> Scene:
    """The scene of a file; raises `ConfigurationError`."""
    document = documents.read(file, Scene)
    for error in _unclear(document):
        raise error
    return document.value


def wrong(file: Path) -> Iterator[ConfigurationError]:
    """What is wrong with the scene of a file."""
    try:
        load(file)
    except ConfigurationError as exc:
        yield exc


def _unclear(document: documents.Document[Scene]) -> Iterator[ConfigurationError]:
    parts: Sequence[tuple[str, Figure | Thing]] = [
        *((f"figures.{at}.path", part) for at, part in enumerate(document.value.figures)),
        *((f"things.{at}.path", part) for at, part in enumerate(document.value.things)),
    ]
    for where, part in parts:
        instants = [step[0] for step in part.path]
        if any(later <= sooner for sooner, later in itertools.pairwise(instants)):
            yield document.error(where, "goes back in time", "Write its steps in order.")


def place(path: Sequence[Step], t_s: float) -> Metres | None:
    """Where a path is at an instant; `None` before its first step and after its last."""
    if not path[0][0] <= t_s <= path[-1][0]:
        return None
    for (t1, x1, y1), (t2, x2, y2) in itertools.pairwise(path):
        if t1 <= t_s <= t2:
            share = (t_s - t1) / (t2 - t1)
            return x1 + share * (x2 - x1), y1 + share * (y2 - y1)
    return path[0][1], path[0][2]


def lies(thing: Thing, t_s: float) -> Metres:
    """Where a thing is: at its first place before its path begins, at its last after it ends."""
    clamped = min(max(t_s, thing.path[0][0]), thing.path[-1][0])
    there = place(thing.path, clamped)
    assert there is not None  # noqa: S101  # clamped into the path
    return there


def wears(figure: Figure, t_s: float) -> Wears:
    """What a figure wears at an instant."""
    begun = [change for change in figure.changes if change.at_s <= t_s]
    return max(begun, key=lambda change: change.at_s).wears if begun else figure.wears


def heads(scene: Scene, view: View, t_s: float) -> list[Head]:
    """The truth about every head that is before the lens, the nearest first."""
    there = [
        (view.depth(*where, figure.tall_m), figure, where)
        for figure in scene.figures
        if (where := place(figure.path, t_s)) is not None
    ]
    before: list[tuple[float, tuple[float, float, float, float]]] = _hiding(scene, view, t_s)
    found = []
    for depth, figure, where in sorted(there, key=lambda entry: entry[0]):
        if depth < NEAREST_M:
            continue
        box = head_box(view, figure.tall_m, where)
        is_seen = _is_in_picture(view, box) and not any(
            near < depth - 0.2 and _holds(hides, box) for near, hides in before
        )
        found.append(Head(figure.figure, wears(figure, t_s), box, where, is_seen))
        before.append((depth, body_box(view, figure.tall_m, where)))
    return found


def head_box(view: View, tall_m: float, where: Metres) -> tuple[float, float, float, float]:
    """The box around a head."""
    high_m = tall_m / BODY_HEADS
    x, y = view.pixel(*where, tall_m - high_m / 2)
    half = view.focal / max(view.depth(*where, tall_m - high_m / 2), NEAREST_M) * high_m / 2
    return x - HEAD_WIDE * half, y - half, x + HEAD_WIDE * half, y + half


def body_box(view: View, tall_m: float, where: Metres) -> tuple[float, float, float, float]:
    """The box around what hides others: head, shoulders and all below."""
    left, top, right, bottom = head_box(view, tall_m, where)
    _, feet = view.pixel(*where, 0.0)
    wider = (right - left) * 0.35
    return left - wider, top, right + wider, max(feet, bottom)


def thing_box(view: View, thing: Thing, t_s: float) -> tuple[float, float, float, float]:
    """The box around a thing."""
    where = lies(thing, t_s)
    x, low = view.pixel(*where, thing.up_m)
    high = view.pixel(*where, thing.up_m + thing.size_m)[1]
    half = (low - high) * WIDTHS[thing.kind] / 2
    return x - half, high, x + half, low


WIDTHS = {"excavator": 1.4, "crate": 1.0, "cap": 1.3, "helmet": 1.3}
"""Of things, as shares of their height."""


def _hiding(scene: Scene, view: View, t_s: float) -> list[tuple[float, tuple[float, float, float, float]]]:
    return [
        (view.depth(*lies(thing, t_s), thing.up_m), thing_box(view, thing, t_s))
        for thing in scene.things
        if thing.kind in {"crate", "excavator"}
    ]


def _is_in_picture(view: View, box: tuple[float, float, float, float]) -> bool:
    wide = max(0.0, min(box[2], view.width) - max(box[0], 0.0))
    high = max(0.0, min(box[3], view.height) - max(box[1], 0.0))
    return wide * high >= (box[2] - box[0]) * (box[3] - box[1]) / 2


def _holds(hides: tuple[float, float, float, float], box: tuple[float, float, float, float]) -> bool:
    """Whether the middle of a box lies in another."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return hides[0] <= x <= hides[2] and hides[1] <= y <= hides[3]


def _along(axis: tuple[float, float, float], off: tuple[float, float, float]) -> float:
    return sum(ours * theirs for ours, theirs in zip(axis, off, strict=True))
