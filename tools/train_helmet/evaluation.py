"""An ONNX file measured over photos: with the labels as collected, and as corrected."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from sitewarden.errors import ConfigurationError
from tools.train_helmet import answers, corrections, measures
from tools.train_helmet.boxes import Floats, letterbox_scale
from tools.train_helmet.collection import KINDS, Photo
from tools.train_helmet.measures import Figures, Found, Gain, OperatingPoint
from tools.train_helmet.photos import letterbox, picture
from tools.train_helmet.speed import session

Image = NDArray[np.float32]

COLLECTED, CORRECTED = "as collected", "corrected"
FARTHEST = 1e-3
"""Two runtimes may differ by this much, in pixels and scores."""


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """A model over one set of photos, by set of labels."""

    model: str
    size: int
    photos: int
    figures: dict[str, Figures]
    at_threshold: dict[
        str, dict[str, OperatingPoint]
    ]  # by set of labels and kind, where thresholds are given
    against: str | None = None
    gain: dict[str, Gain] = {}  # over the other model, by set of labels


def evaluate(
    model: Path,
    photos: Sequence[Photo],
    fixes: Sequence[corrections.Correction] = (),
    *,
    against: Path | None = None,
    thresholds: dict[str, float] | None = None,
) -> Evaluation:
    """All figures of `model`, and its gain over another."""
    if not any(photo.labels for photo in photos):
        message = "nothing to measure by: no photo of this split has a labelled head"
        raise ConfigurationError(model, 0, "", message, "Name a collection with labels.")
    size = input_size(model)
    found = detect(model, photos)
    other = _resized(detect(against, photos), size / input_size(against)) if against else None
    sets = {COLLECTED: list(photos)}
    if fixes:
        sets[CORRECTED] = corrections.corrected(photos, fixes)
    truth = {name: answers.truths(labelled, _extents(labelled, size)) for name, labelled in sets.items()}
    return Evaluation(
        model=model.name,
        size=size,
        photos=len(photos),
        figures={name: measures.figures(found, real) for name, real in truth.items()},
        at_threshold={name: _points(found, real, thresholds or {}) for name, real in truth.items()},
        against=against.name if against else None,
        gain={name: measures.gain(found, other, real) for name, real in truth.items()} if other else {},
    )


def _points(
    found: Sequence[Found], truth: Sequence[measures.Truth], thresholds: dict[str, float]
) -> dict[str, OperatingPoint]:
    return {
        name: measures.point_at(measures.rank(found, truth, KINDS.index(name)), threshold)
        for name, threshold in thresholds.items()
    }


def _resized(found: Sequence[Found], scale: float) -> list[Found]:
    """What was found in another input's pixels."""
    return [Found(one.kinds, one.scores, one.boxes * scale) for one in found]


def input_size(model: Path) -> int:
    """The side of the images that the model takes, in pixels."""
    shape = session(model).get_inputs()[0].shape
    if len(shape) != 4 or shape[2] != shape[3]:  # noqa: PLR2004
        raise ConfigurationError(model, 0, "", f"takes {shape}", "Name a detector that takes square images.")
    return int(shape[2])


def detect(model: Path, photos: Sequence[Photo]) -> list[Found]:
    """What the model sees on each photo."""
    network = session(model)
    given, size = network.get_inputs()[0].name, input_size(model)
    return [answers.heads(network.run(None, {given: tensor(photo, size)})[0][0]) for photo in photos]


def tensor(photo: Photo, size: int) -> Image:
    """The photo as the network takes it."""
    pixels, _ = letterbox(picture(photo), size)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None].astype(np.float32))


def _extents(photos: Sequence[Photo], size: int) -> Floats:
    shapes = np.array([picture(photo).shape[:2] for photo in photos], float).reshape(-1, 2)
    return (
        shapes
        * np.array([letterbox_scale(int(height), int(width), size) for height, width in shapes])[:, None]
    )


def check_runtimes(model: Path, photos: Sequence[Photo]) -> None:
    """Refuse a model that onnxruntime and OpenCV read differently."""
    farthest = disagreement(model, [tensor(photo, input_size(model)) for photo in photos[::10]])
    if farthest > FARTHEST:
        message = f"onnxruntime and OpenCV differ by {farthest:.1e}"
        raise ConfigurationError(
            model, 0, "", message, "Export it without what one of them computes otherwise."
        )


def disagreement(model: Path, images: Sequence[Image]) -> float:
    """By how much onnxruntime and OpenCV differ at most over the images, in pixels and scores."""
    network = session(model)
    given = network.get_inputs()[0].name
    other = cv2.dnn.readNetFromONNX(str(model))
    farthest = 0.0
    for image in images:
        other.setInput(image)
        farthest = max(farthest, float(np.abs(network.run(None, {given: image})[0] - other.forward()).max()))
    return farthest
