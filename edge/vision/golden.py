"""Whether a network is computed here as where its figures were measured: drawn pictures, known answers.

The pictures are drawn by whole numbers alone, so that they are the same on every machine.
"""

import functools
import math
import random
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge.vision.card import Card, Golden
from edge.vision.detectors import Network
from edge.vision.letterbox import tensor
from edge.vision.model import Picture

FARTHEST = 1e-3
"""Scores may differ by this much, sides of boxes by this share of the input's."""
PICTURES = (1, 2, 3)
_POINTS = 24
_LITTLE_INT, _LITTLE_FLOAT = np.dtype("<i4"), np.dtype("<f4")
_SKIN, _HAIR, _HELMET, _COAT = (120, 150, 205), (40, 45, 60), (40, 190, 235), (70, 90, 60)
_FIGURES = 5


@functools.lru_cache(maxsize=2 * len(PICTURES))
def drawn(number: int, size: int) -> Picture:
    """The picture of this number: people like paper cut-outs on a grey site, some with helmets."""
    chance = random.Random(number)
    rows, columns = np.mgrid[:size, :size]
    ground = (150 + rows * 60 // size + (rows * 7 + columns * 13) % 11).astype(np.int64)
    pixels = np.stack((ground, ground, ground), axis=-1)
    for at in range(_FIGURES):
        head = size // 20 + int(chance.random() * size) // 12
        x = size * (2 * at + 1) // (2 * _FIGURES)
        y = size // 4 + int(chance.random() * size) // 3
        _figure(pixels, x, y, head, helmet=(at + number) % 2 == 0)
    picture = pixels.astype(np.uint8)
    picture.flags.writeable = False
    return picture


def _figure(pixels: NDArray[np.int64], x: int, y: int, head: int, *, helmet: bool) -> None:
    _ellipse(pixels, (x, y + 3 * head), (head, 2 * head + head // 4), _COAT)
    _ellipse(pixels, (x, y), (head // 2, head * 5 // 8), _SKIN)
    covering = (head * 5 // 8, head // 3) if helmet else (head // 2, head // 4)
    _ellipse(pixels, (x, y - head * 2 // 5), covering, _HELMET if helmet else _HAIR)


def _ellipse(
    pixels: NDArray[np.int64], middle: tuple[int, int], radii: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    across, down = (columns - middle[0]) * radii[1], (rows - middle[1]) * radii[0]
    pixels[across * across + down * down <= (radii[0] * radii[1]) ** 2] = colour


def answers(card: Card, network: Network) -> list[NDArray[np.float32]]:
    """What the network gives for each of the pictures."""
    return [network(tensor(drawn(number, card.input.size))) for number in PICTURES]


def measured(given: Sequence[NDArray[np.float32]]) -> tuple[Golden, ...]:
    """To be kept in the card: what was given where figures were measured, at the points with most to say."""
    return tuple(_golden(number, answer) for number, answer in zip(PICTURES, given, strict=True))


def _golden(number: int, answer: NDArray[np.float32]) -> Golden:
    points = np.sort(np.argsort(-answer[:, 4:].max(axis=1), kind="stable")[:_POINTS])
    rows = answer[points].astype(_LITTLE_FLOAT)
    return Golden(picture=number, points=points.astype(_LITTLE_INT).tobytes(), rows=rows.tobytes())


def off_golden(card: Card, given: Sequence[NDArray[np.float32]]) -> float:
    """By how much these answers are off what the card holds; not a number where that is of no use."""
    by_picture = dict(zip(PICTURES, given, strict=True))
    return farthest(_off(golden, by_picture, card.input.size) for golden in card.golden)


def _off(golden: Golden, given: Mapping[int, NDArray[np.float32]], size: int) -> float:
    answer = given.get(golden.picture)
    if answer is None or len(golden.points) % _LITTLE_INT.itemsize:
        return math.nan
    points = np.frombuffer(golden.points, _LITTLE_INT)
    if not points.size or points.min() < 0 or points.max() >= len(answer):
        return math.nan
    if len(golden.rows) != points.size * answer.shape[1] * _LITTLE_FLOAT.itemsize:
        return math.nan
    return off(answer[points], np.frombuffer(golden.rows, _LITTLE_FLOAT).reshape(len(points), -1), size)


def off(left: NDArray[np.floating], right: NDArray[np.floating], size: int) -> float:
    """By how much two answers differ at most: scores, and sides of boxes as shares of the input's."""
    apart = np.abs(left - right)
    return farthest((apart[:, :4].max() / size, apart[:, 4:].max()))


def farthest(differences: Iterable[float]) -> float:
    """The greatest; unlike `max` it is not a number where one of them is none."""
    return float(np.max([0.0, *differences]))
