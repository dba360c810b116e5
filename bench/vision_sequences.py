"""Photos as a shaking camera sees them, twelve looks at five a second, judged by the shipped model and votes.

A sequence wanders and zooms a little, brightness and noise change, some looks are blurred, all pass JPEG. A
bare head counts as alarmed once a track that lies on it is found bare; a false alarm is a track found bare
that lies on a head with a helmet. Tracks found bare where no head is labelled are told as well: many of them
are heads that the collectors missed. Nothing is steadied: the tracker follows the shaking.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.boxes import overlaps
from edge.vision.detectors import Detector
from edge.vision.judging import Judge
from edge.vision.letterbox import whole
from edge.vision.model import Frame, Heads, Region, Track
from edge.vision.regions import Planner
from edge.vision.settings import CameraEntry
from edge.vision.tracking import Tracker
from edge.vision.voting import Voting
from sitewarden.cameras import CameraZone
from tools.train_helmet.collection import HEAD, HELMET, Photo
from tools.train_helmet.photos import picture

LOOKS, LOOK_S = 12, 0.2
SQUARES = 4
"""Beside the whole picture, each look."""
SAME = 0.3
"""A track lies on a head from this overlap on."""
NOW = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)
CAMERA = CameraEntry(
    camera="photo", url="folder:.", zones=[CameraZone(zone="all", outline=[(0, 0), (1, 0), (1, 1), (0, 1)])]
)

Boxes = NDArray[np.floating]


class Shaken(NamedTuple):
    """One look at a photo: the picture, and by what its places are scaled and moved."""

    pixels: Any
    scale: float
    by: NDArray[np.float64]


class Shown(NamedTuple):
    """What a detector saw in one look, and where it looked; votes have no part in it."""

    scale: float
    by: NDArray[np.float64]
    heads: Heads
    squares: Sequence[Region]


class Counted(NamedTuple):
    """What came of one photo, or of many."""

    bare: int = 0
    alarmed: int = 0
    helmets: int = 0
    false: int = 0
    unlabelled: int = 0
    photos: int = 0


class Seen(NamedTuple):
    """A track found bare: the look, and its box."""

    look: int
    box: tuple[float, float, float, float]


def shaken(photo: Any, seed: Sequence[int]) -> Iterator[Shaken]:
    """The looks at one photo; the same for the same seed."""
    random = np.random.default_rng(list(seed))
    height, width = photo.shape[:2]
    scale, across, down = 1.0, 0.0, 0.0
    for _ in range(LOOKS):
        scale = float(np.clip(scale * np.exp(random.normal(0, 0.02)), 0.85, 1.15))
        across, down = (float(np.clip(at + random.normal(0, 0.012), -0.05, 0.05)) for at in (across, down))
        by = np.array([(across + (1 - scale) / 2) * width, (down + (1 - scale) / 2) * height])
        yield Shaken(_taken(photo, scale, by, random), scale, by)


def _taken(photo: Any, scale: float, by: NDArray[np.float64], random: np.random.Generator) -> Any:
    height, width = photo.shape[:2]
    matrix = np.array([[scale, 0, by[0]], [0, scale, by[1]]], np.float32)
    moved = cv2.warpAffine(photo, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    lit = moved.astype(np.float32) * random.uniform(0.85, 1.15) + random.normal(0, 4, (height, width, 1))
    pixels: Any = np.clip(lit, 0, 255).astype(np.uint8)
    if random.random() < 0.25:
        pixels = cv2.blur(pixels, (int(random.choice([3, 5])), 1))
    _, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(40, 81))])
    return cv2.imdecode(coded, cv2.IMREAD_COLOR)


def shown(photo: Any, detector: Detector, seed: Sequence[int]) -> list[Shown]:
    """What a detector sees in each look at a photo, looking where heads are followed."""
    tracker, planner = Tracker(), Planner()
    tracks: Sequence[Track] = ()
    height, width = photo.shape[:2]
    moving, seen = quarters(width, height), []
    for number, shot in enumerate(shaken(photo, seed)):
        at_s = number * LOOK_S
        planned = planner.plan(photo.shape, at_s, moving, tracks, size=detector.size, most=SQUARES)
        squares = list(dict.fromkeys([whole(photo.shape), *planned]))
        heads = detector.find(Frame(at_s, number, shot.pixels), squares)
        tracks = tracker.look(at_s, heads, squares, (width, height))
        seen.append(Shown(shot.scale, shot.by, heads, squares))
    return seen


def quarters(width: int, height: int) -> Boxes:
    """Before a shaking camera everything moves: each quarter of the picture wants to be looked at closely."""
    x, y = width / 2, height / 2
    return np.array([[left, top, left + x, top + y] for left in (0, x) for top in (0, y)], np.float32)


def found_bare(looks: Sequence[Shown], shape: tuple[int, ...], voting: Voting | None = None) -> list[Seen]:
    """Every track that was found bare, when it was; by the shipped votes or others."""
    judge, seen, known = Judge(CAMERA, voting), [], set()
    height, width = shape[:2]
    for number, shot in enumerate(looks):
        look = judge.look(
            number * LOOK_S, shot.heads, width=width, height=height, now=NOW, regions=shot.squares
        )
        for standing in look.standing:
            if standing.state == "bare" and standing.track.number not in known:
                known.add(standing.track.number)
                seen.append(Seen(number, standing.track.box))
    return seen


def counted(photo: Photo, shape: tuple[int, ...], looks: Sequence[Shown], seen: Sequence[Seen]) -> Counted:
    """What was found on one photo, by its labels."""
    height, width = shape[:2]
    corners = np.array([label.corners for label in photo.labels]).reshape(-1, 4)
    places = corners * np.array([width, height] * 2)
    kinds = np.array([label.kind for label in photo.labels], int)
    alarmed: set[int] = set()
    false = unlabelled = 0
    for one in seen:
        shot = looks[one.look]
        head = _lies_on(np.array([one.box]), places * shot.scale + np.tile(shot.by, 2))
        if head is None:
            unlabelled += 1
        elif kinds[head] == HEAD:
            alarmed.add(head)
        else:
            false += 1
    return Counted(
        int((kinds == HEAD).sum()), len(alarmed), int((kinds == HELMET).sum()), false, unlabelled, 1
    )


def _lies_on(box: Boxes, heads: Boxes) -> int | None:
    fits = overlaps(box, heads)[0] if len(heads) else np.zeros(0)
    return int(fits.argmax()) if len(fits) and fits.max() > SAME else None


def together(rows: Sequence[Counted]) -> Counted:
    """The sum."""
    return Counted(*(sum(column) for column in zip(*rows, strict=True)))


def run(
    sets: Mapping[str, Sequence[Photo]], detector: Detector, told: Callable[[int], None] = lambda _: None
) -> dict[str, Counted]:
    """What comes of the same photos by each set of labels."""
    rows: dict[str, list[Counted]] = {name: [] for name in sets}
    for at, photo in enumerate(next(iter(sets.values()))):
        pixels = picture(photo)
        looks = shown(pixels, detector, [1, at])
        seen = found_bare(looks, pixels.shape)
        for name, photos in sets.items():
            rows[name].append(counted(photos[at], pixels.shape, looks, seen))
        told(at)
    return {name: together(found) for name, found in rows.items()}
