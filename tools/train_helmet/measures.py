"""How good a detector is: average precision, by size of head, and how sure the figure is.

A detection counts as right when it overlaps a labelled head of its kind by half (intersection over union),
each head once, better-scored detections first. Precision is made monotonous and integrated over all recalls.
The bootstrap draws whole photos, since the heads of one photo are not independent.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from tools.train_helmet.boxes import Floats, overlaps, side
from tools.train_helmet.collection import KINDS

HALF = 0.5
SIZES: tuple[tuple[str, float, float], ...] = (
    ("under 12 px", 0, 12),
    ("12 to 20 px", 12, 20),
    ("20 to 40 px", 20, 40),
    ("over 40 px", 40, np.inf),
)
"""Head sizes in the network's input: the side of a square as large as the head's box."""


class Found(msgspec.Struct, frozen=True, eq=False):
    """What a detector says about one photo, in the pixels of the network's input."""

    kinds: NDArray[np.int64]
    scores: Floats
    boxes: Floats


class Truth(msgspec.Struct, frozen=True, eq=False):
    """The labelled heads of one photo, in the same pixels."""

    kinds: NDArray[np.int64]
    boxes: Floats


class Ranking(msgspec.Struct, frozen=True, eq=False):
    """All detections of one kind over a set of photos, best first."""

    scores: Floats
    right: NDArray[np.bool_]
    photo: NDArray[np.int64]
    heads: NDArray[np.int64]  # labelled heads, by photo


class Interval(msgspec.Struct, frozen=True):
    """A figure and the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


class OperatingPoint(msgspec.Struct, frozen=True):
    """What a threshold gives: of the alarms the share that is right, of the heads the share that is found."""

    threshold: float
    precision: float
    recall: float


def rank(
    found: Sequence[Found], truth: Sequence[Truth], kind: int, low: float = 0, high: float = np.inf
) -> Ranking:
    """Match detections with heads; with bounds, heads of other sizes neither count nor count against."""
    rows: list[tuple[float, bool, int]] = []
    heads = np.zeros(len(truth), np.int64)
    for index, (said, real) in enumerate(zip(found, truth, strict=True)):
        boxes = real.boxes[real.kinds == kind]
        counts = (side(boxes) >= low) & (side(boxes) < high)
        heads[index] = counts.sum()
        mine = said.kinds == kind
        rows += [
            (*row, index) for row in _match(said.boxes[mine], said.scores[mine], boxes, counts, (low, high))
        ]
    rows.sort(key=lambda row: -row[0])
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return Ranking(
        np.array(columns[0], float), np.array(columns[1], bool), np.array(columns[2], np.int64), heads
    )


def _match(
    boxes: Floats, scores: Floats, heads: Floats, counts: NDArray[np.bool_], bounds: tuple[float, float]
) -> list[tuple[float, bool]]:
    """Each detection of one photo that counts: its score, and whether it found a head of its own."""
    free = np.ones(len(heads), bool)
    sizes = side(boxes)
    shared = overlaps(boxes, heads)
    rows = []
    for at in np.argsort(-scores, kind="stable"):
        candidates = np.where(free, shared[at], -1.0)
        best = int(candidates.argmax()) if len(heads) else -1
        if best >= 0 and candidates[best] >= HALF:
            free[best] = False
            if counts[best]:
                rows.append((float(scores[at]), True))
        elif bounds[0] <= sizes[at] < bounds[1]:
            rows.append((float(scores[at]), False))
    return rows


def average_precision(ranking: Ranking, weights: Floats | None = None) -> float:
    """The area under precision over recall; `weights` says how often each photo counts. NaN without heads."""
    photos = np.ones(len(ranking.heads)) if weights is None else weights
    total = float(photos @ ranking.heads)
    if not total:
        return float("nan")
    weight = photos[ranking.photo]
    right = np.cumsum(weight * ranking.right)
    shown = np.cumsum(weight)
    precision = right / np.maximum(shown, 1e-9)
    best_later = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.diff(right / total, prepend=0.0) @ best_later)


def best_point(ranking: Ranking) -> OperatingPoint:
    """The threshold with the best F1, and what it gives."""
    total = int(ranking.heads.sum())
    if not total or not len(ranking.scores):
        return OperatingPoint(1.0, 0.0, 0.0)
    right = np.cumsum(ranking.right)
    precision, recall = right / np.arange(1, len(right) + 1), right / total
    at = int((2 * precision * recall / np.maximum(precision + recall, 1e-9)).argmax())
    return OperatingPoint(float(ranking.scores[at]), float(precision[at]), float(recall[at]))


def point_at(ranking: Ranking, threshold: float) -> OperatingPoint:
    """What a given threshold gives."""
    shown = ranking.scores >= threshold
    right = int((ranking.right & shown).sum())
    return OperatingPoint(
        threshold, right / max(int(shown.sum()), 1), right / max(int(ranking.heads.sum()), 1)
    )


def draws(photos: int, times: int, seed: int = 0) -> Floats:
    """How often each photo is drawn, for each of `times` samples as large as the set."""
    random = np.random.default_rng(seed)
    return random.multinomial(photos, np.full(photos, 1 / photos), size=times).astype(float)


def interval(value: float, sampled: Floats) -> Interval:
    """The figure with the bounds that 95 % of the samples keep."""
    known = sampled[~np.isnan(sampled)]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (value, value)
    return Interval(value, float(low), float(high))


class Figures(msgspec.Struct, frozen=True):
    """One detector over one set of photos."""

    map50: Interval
    ap50: dict[str, Interval]  # by kind, of which there are heads
    ap50_by_size: dict[str, dict[str, float | None]]  # by kind and size; nothing where no head is that size
    heads: dict[str, int]
    best_f1: dict[str, OperatingPoint]


def figures(found: Sequence[Found], truth: Sequence[Truth], times: int = 1000) -> Figures:
    """All figures of one detector; the bootstrap with the same draws for everyone who asks."""
    rankings = [rank(found, truth, kind) for kind in range(len(KINDS))]
    sampled = _sampled(rankings, draws(len(truth), times))
    values = [average_precision(ranking) for ranking in rankings]
    return Figures(
        map50=interval(float(means(np.array([values]))[0]), means(sampled)),
        ap50={
            name: interval(values[at], sampled[:, at])
            for at, name in enumerate(KINDS)
            if rankings[at].heads.any()
        },
        ap50_by_size={name: _by_size(found, truth, at) for at, name in enumerate(KINDS)},
        heads={name: int(rankings[at].heads.sum()) for at, name in enumerate(KINDS)},
        best_f1={name: best_point(rankings[at]) for at, name in enumerate(KINDS)},
    )


class Gain(msgspec.Struct, frozen=True):
    """By how much one detector is better than another, both over the same photos."""

    map50: Interval
    ap50: dict[str, Interval]  # by kind, of which there are heads
    ap50_by_size: dict[str, dict[str, Interval | None]]  # nothing where no head is that size


def gain(
    found: Sequence[Found], baseline: Sequence[Found], truth: Sequence[Truth], times: int = 1000
) -> Gain:
    """By how much `found` is better than `baseline`: a paired bootstrap, the same photos for both."""
    weights = np.vstack((np.ones(len(truth)), draws(len(truth), times)))

    def apart(kind: int, low: float = 0, high: float = np.inf) -> Floats:
        """The difference over all photos, and over each sample."""
        ours, theirs = (rank(side, truth, kind, low, high) for side in (found, baseline))
        return np.array([average_precision(ours, row) - average_precision(theirs, row) for row in weights])

    by_kind = [apart(at) for at in range(len(KINDS))]
    return Gain(
        map50=_of_all_and_samples(means(np.array(by_kind).T)),
        ap50={
            name: _of_all_and_samples(by_kind[at])
            for at, name in enumerate(KINDS)
            if not np.isnan(by_kind[at][0])
        },
        ap50_by_size={
            name: {size: _where_any(apart(at, low, high)) for size, low, high in SIZES}
            for at, name in enumerate(KINDS)
        },
    )


def _of_all_and_samples(row: Floats) -> Interval:
    return interval(float(row[0]), row[1:])


def _where_any(row: Floats) -> Interval | None:
    return None if np.isnan(row[0]) else _of_all_and_samples(row)


def _sampled(rankings: Sequence[Ranking], weights: Floats) -> Floats:
    return np.array([[average_precision(one, row) for one in rankings] for row in weights])


def means(rows: Floats) -> Floats:
    """The mean of each row over the kinds of which its photos show heads; NaN where they show none."""
    known = ~np.isnan(rows)
    counts = known.sum(axis=1)
    return np.where(counts, np.where(known, rows, 0).sum(axis=1) / np.maximum(counts, 1), np.nan)


def _by_size(found: Sequence[Found], truth: Sequence[Truth], kind: int) -> dict[str, float | None]:
    values = {name: average_precision(rank(found, truth, kind, low, high)) for name, low, high in SIZES}
    return {name: None if np.isnan(value) else value for name, value in values.items()}
