"""Finding heads in frames: what every detector promises, and the one that a network and its card make.

A detector looks at squares of a frame, at its own input's size each, and says where heads are in the frame's
pixels. One head is said once, with the scores of both kinds, however many squares show it.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.vision.boxes import Floats, covers, overlaps, side, thin
from edge.vision.card import Card
from edge.vision.letterbox import Tensor, letterbox, tensor, to_frame
from edge.vision.model import HEADS, Boxes, Frame, Heads, Region
from sitewarden.errors import SiteWardenError

FAINTEST = 0.1
"""Heads whose scores are both below are not told, unless asked for: nothing that votes cares for them."""
WHITE = 255.0
_EDGE_PX = 2.0
"""Of the input: a box that comes so near to a square's edge may be a head that was cut through."""
_INSIDE = 0.7
"""A box of another square of which this much lies in a head is a part of that head."""


class DetectorFailedError(SiteWardenError):
    """A detector that was taken into use gave no answer, or none that has any meaning."""


class Detector(Protocol):
    """Finds heads."""

    @property
    def name(self) -> str:
        """Of the model, as people are told."""
        ...

    @property
    def size(self) -> int:
        """The side of its input, in pixels."""
        ...

    def find(self, frame: Frame, regions: Sequence[Region], faintest: float = FAINTEST) -> Heads:
        """The heads in these squares that score `faintest` or more; raises `DetectorFailedError`."""
        ...


class Network(Protocol):
    """A model file that some library computes."""

    def __call__(self, given: Tensor) -> NDArray[np.float32]:
        """`[points, 4 + kinds]` of one input; raises `DetectorFailedError`."""
        ...


class Adapted:
    """A network that takes colours or gives boxes in another way than ours, as its card says."""

    def __init__(self, card: Card, network: Network) -> None:
        """`network` as its library computes it."""
        self._card, self._network = card, network

    def __call__(self, given: Tensor) -> NDArray[np.float32]:
        """As ours would: BGR from 0 to 255 goes in, and a row a point comes out, its box by two corners."""
        takes, gives = self._card.input, self._card.output
        if takes.colours == "rgb":
            given = np.ascontiguousarray(given[:, ::-1])
        if takes.brightest != WHITE:
            given = given * np.float32(takes.brightest / WHITE)
        answer = self._network(given)
        if gives.layout == "columns":
            answer = np.ascontiguousarray(answer.T)
        if gives.boxes == "middle":
            middle, half = answer[:, :2], answer[:, 2:4] / 2
            answer = np.concatenate((middle - half, middle + half, answer[:, 4:]), axis=1)
        return answer


class NetworkDetector:
    """A network, with what its card says of its answers."""

    def __init__(self, card: Card, network: Network) -> None:
        """The card must name both of `HEADS` among its kinds."""
        self.card, self._network = card, network
        names = [kind.name for kind in card.kinds]
        self._columns = [4 + names.index(name) for name in HEADS]

    @property
    def name(self) -> str:
        """The card's."""
        return self.card.name

    @property
    def size(self) -> int:
        """The side of its input, in pixels."""
        return self.card.input.size

    def find(self, frame: Frame, regions: Sequence[Region], faintest: float = FAINTEST) -> Heads:
        """The heads in these squares of a frame."""
        found = list(self._each(frame, regions, faintest))
        if not found:
            return nothing()
        boxes, scores, input_px, cut = (np.concatenate(parts) for parts in zip(*found, strict=True))
        square = np.repeat(np.arange(len(found)), [len(part[0]) for part in found])
        kept = _apart(boxes, scores, square, cut, self.card.output.suppress)
        return Heads(boxes[kept], scores[kept], input_px[kept])

    def _each(
        self, frame: Frame, regions: Sequence[Region], faintest: float
    ) -> Iterator[tuple[Boxes, NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]]:
        shape = frame.pixels.shape
        for region in regions:
            canvas = letterbox(frame.pixels, region, self.size, self.card.input.padding)
            boxes, scores = self._heads(self._network(tensor(canvas)), faintest)
            placed = to_frame(boxes, region, self.size, shape)
            # Enlarging adds nothing that could be seen: a head counts by the pixels that the frame has of it.
            input_px = side(placed) * min(1.0, self.size / region.side)
            yield placed, scores, input_px.astype(np.float32), cut_through(boxes, region, self.size, shape)

    def _heads(self, answer: NDArray[np.float32], faintest: float) -> tuple[Floats, NDArray[np.float32]]:
        """Boxes of one input, in its pixels, and their scores."""
        scores = answer[:, self._columns]
        best = scores.max(axis=1)
        if not np.isfinite(best).all():
            raise DetectorFailedError(f"{self.name} gives scores that are no numbers")
        seen = np.nonzero(best >= faintest)[0]
        boxes = answer[seen, :4]
        kept = thin(overlaps(boxes, boxes) > self.card.output.suppress, best[seen])
        return boxes[kept], scores[seen][kept]


def nothing() -> Heads:
    """Where no head is."""
    return Heads(np.empty((0, 4), np.float32), np.empty((0, len(HEADS)), np.float32), np.empty(0, np.float32))


def cut_through(boxes: Floats, region: Region, size: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which boxes of an input end where the square does, though the frame goes on there."""
    height, width = shape[:2]
    goes_on = np.array(
        [region.x > 0, region.y > 0, region.x + region.side < width, region.y + region.side < height]
    )
    at_edge = np.concatenate((boxes[:, :2] < _EDGE_PX, boxes[:, 2:] > size - _EDGE_PX), axis=1)
    return np.asarray((at_edge & goes_on).any(axis=1))


def _apart(
    boxes: Boxes,
    scores: NDArray[np.float32],
    square: NDArray[np.intp],
    cut: NDArray[np.bool_],
    limit: float,
) -> list[int]:
    """One box a head, over all squares: a whole one goes before a part, then the better before the worse."""
    same = overlaps(boxes, boxes) > limit
    elsewhere = square[:, None] != square[None, :]
    parts = (covers(boxes, boxes) > _INSIDE) & elsewhere & (cut[:, None] | cut[None, :])
    return thin(same | parts, scores.max(axis=1) - cut)
