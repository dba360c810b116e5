"""How many heads stay uncovered in a picture that is kept: as looks know them, and with a second look at it.

A labelled head of 20 pixels and more in the kept picture is covered where at least the half of its box lies
under what is drawn over; how large a share of the pictures that takes is told beside it. Each photo is seen
twice: by itself, and somewhere in a still frame of 1920 x 1080, of which a look has room for four squares.
Nothing moves, so all that is known of a head comes from five looks in a second; shaking would help looks.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from bench.vision_sequences import CAMERA, LOOK_S, NOW
from edge.vision.boxes import side
from edge.vision.covering import Shot, covering, placed, searched
from edge.vision.detectors import Detector
from edge.vision.judging import Judge
from edge.vision.letterbox import whole
from edge.vision.model import Boxes, Frame
from edge.vision.redaction import covered
from edge.vision.regions import Planner
from edge.vision.searching import maybe_heads
from tools.train_helmet.collection import Photo
from tools.train_helmet.measures import Interval, draws, interval
from tools.train_helmet.photos import picture

LOOKS, SQUARES = 5, 4
LEAST_PX = 20.0
ENOUGH = 0.5
WIDTH, HEIGHT = 1920, 1080
KEPT_PX = 1280


class Covered(NamedTuple):
    """One picture: its heads, how many are not covered, and the share of the picture that is."""

    heads: int
    before: int
    after: int
    area_before: float
    area_after: float


class Account(NamedTuple):
    """Of many: shares of heads that are not covered, and of the pictures' areas that are."""

    heads: int
    before: Interval
    after: Interval
    area_before: float
    area_after: float


def run(photos: Sequence[Photo], detector: Detector) -> dict[str, Account]:
    """All photos, by themselves and in large frames."""
    rows: dict[str, list[Covered]] = {"photo": [], "1080p": []}
    for at, photo in enumerate(photos):
        pixels, boxes = picture(photo), _boxes(photo)
        rows["photo"].append(measured(pixels, boxes, detector))
        rows["1080p"].append(measured(*_framed(pixels, boxes, at), detector))
    return {name: together(of) for name, of in rows.items()}


def measured(pixels: Any, heads: Boxes, detector: Detector) -> Covered:
    """How one frame is kept; `heads` are those of its labels, in its pixels."""
    shots = _looked(pixels, detector)
    shot = shots[-1]
    scale = min(1.0, KEPT_PX / max(pixels.shape[:2]))
    shape = round(pixels.shape[0] * scale), round(pixels.shape[1] * scale)
    kept = pixels if scale == 1.0 else cv2.resize(pixels, shape[::-1], interpolation=cv2.INTER_AREA)
    heads = heads * scale
    heads = heads[side(heads) >= LEAST_PX]
    before = covered(covering(shot, shots, None).others, kept)
    second = searched(shot, maybe_heads(kept, detector, clock=lambda: 0.0))
    after = covered(covering(second, shots, None).others, kept)
    return Covered(
        len(heads), _bare(before, heads), _bare(after, heads), float(before.mean()), float(after.mean())
    )


def _bare(mask: Any, heads: Boxes) -> int:
    return sum(_share(mask, box) < ENOUGH for box in heads)


def _looked(pixels: Any, detector: Detector) -> list[Shot]:
    judge, planner, shots = Judge(CAMERA), Planner(), list[Shot]()
    height, width = pixels.shape[:2]
    nothing = np.empty((0, 4), np.float32)
    for number in range(LOOKS):
        frame = Frame(number * LOOK_S, number, pixels)
        squares = planner.plan(
            pixels.shape,
            frame.at_s,
            nothing,
            judge.tracks,
            size=detector.size,
            most=SQUARES,
            settled=judge.settled,
        )
        squares = squares or [whole(pixels.shape)]
        found = detector.find(frame, squares)
        judge.look(
            frame.at_s,
            found,
            width=width,
            height=height,
            now=NOW,
            regions=squares,
            input_px=detector.size,
        )
        shots.append(placed(frame, found, judge.tracks))
    return shots


def _framed(pixels: Any, boxes: Boxes, seed: int) -> tuple[Any, Boxes]:
    """The photo somewhere in a large frame of grain."""
    random = np.random.default_rng([2, seed])
    frame = random.integers(96, 160, (HEIGHT, WIDTH, 3), np.uint8)
    height, width = pixels.shape[:2]
    x, y = int(random.integers(0, max(1, WIDTH - width))), int(random.integers(0, max(1, HEIGHT - height)))
    part = pixels[: HEIGHT - y, : WIDTH - x]
    frame[y : y + part.shape[0], x : x + part.shape[1]] = part
    return frame, boxes + np.array([x, y, x, y], np.float32)


def _boxes(photo: Photo) -> Boxes:
    height, width = picture(photo).shape[:2]
    corners = np.array([label.corners for label in photo.labels], np.float32).reshape(-1, 4)
    return np.clip(corners, 0, 1) * np.array([width, height] * 2, np.float32)


def _share(mask: Any, box: Any) -> float:
    left, top, right, bottom = (round(float(edge)) for edge in box)
    part = mask[top : max(bottom, top + 1), left : max(right, left + 1)]
    return float(part.mean()) if part.size else 1.0


def together(rows: Sequence[Covered]) -> Account:
    """The shares, with intervals by drawing photos anew."""
    table = np.array(rows, float)
    weights = draws(len(rows), 1000)
    heads = np.maximum(weights @ table[:, 0], 1)

    def share(column: int) -> Interval:
        value = table[:, column].sum() / max(1.0, table[:, 0].sum())
        return interval(float(value), weights @ table[:, column] / heads)

    return Account(
        int(table[:, 0].sum()), share(1), share(2), float(table[:, 3].mean()), float(table[:, 4].mean())
    )
