"""From a network's output to heads: every point's box and scores, thinned to one box a head and kind."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tools.train_helmet.boxes import suppress
from tools.train_helmet.collection import KINDS, Photo
from tools.train_helmet.measures import Found, Truth

FAINT = 0.02
"""Scores below are no detection; low enough that the curve of precision over recall has its end."""
MOST_CANDIDATES = 600


def heads(output: NDArray[np.floating]) -> Found:
    """The heads in one image's output: a row a point, its box and a score for each kind."""
    kinds, scores, boxes = [], [], []
    for kind in range(len(KINDS)):
        column = output[:, 4 + kind].astype(float)
        candidates = np.nonzero(column > FAINT)[0]
        candidates = candidates[np.argsort(-column[candidates], kind="stable")[:MOST_CANDIDATES]]
        corners = output[candidates, :4].astype(float)
        kept = suppress(corners, column[candidates])
        kinds.append(np.full(len(kept), kind))
        scores.append(column[candidates][kept])
        boxes.append(corners[kept])
    return Found(np.concatenate(kinds), np.concatenate(scores), np.concatenate(boxes))


def truths(photos: Sequence[Photo], extents: NDArray[np.floating]) -> list[Truth]:
    """The labelled heads of each photo, which takes the given height and width of the input."""
    found = []
    for photo, (height, width) in zip(photos, extents, strict=True):
        corners = np.array([label.corners for label in photo.labels], float).reshape(-1, 4)
        kinds = np.array([label.kind for label in photo.labels], np.int64)
        found.append(Truth(kinds, corners * np.array([width, height, width, height], float)))
    return found
