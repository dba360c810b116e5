"""A model card, beside its ONNX file: what a detector takes and gives, comes from and reaches.

The card is data for the program (thresholds, input, kinds) and for people (figures, licence, limits). A model
whose bytes are not those of its card is refused: figures of one file say nothing about another.
"""

import hashlib
from pathlib import Path
from typing import Annotated

import msgspec

from sitewarden.errors import ConfigurationError

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text in both languages."""

    zh: str
    en: str


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a score stands for."""

    name: str
    words: Words
    threshold: Share  # a score from here on counts as seen; chosen on validation photos


class Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the network takes: `[1,3,size,size]`, BGR, 0 to 255, the picture in the upper left."""

    name: str
    size: int  # pixels
    padding: int  # grey level 0..255


class Output(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What it gives: `[1,points,4+kinds]`: box `x1 y1 x2 y2` in input pixels, then a score 0..1 a kind."""

    name: str
    points: int
    suppress: Share  # boxes of one head overlap by more than this; the best is kept, across kinds


class StartWeights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The published weights that the training began with."""

    name: str
    licence: str
    by: str
    sha256: str


class Lesson(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was learned from."""

    sha256: str  # of all photos and labels
    photos: dict[str, int]  # by origin
    heads: dict[str, int]  # by kind
    attribution: tuple[str, ...]
    doubts: tuple[str, ...]


class Range(msgspec.Struct, frozen=True):
    """A figure with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


class Point(msgspec.Struct, frozen=True):
    """What a threshold gives."""

    threshold: float
    precision: float
    recall: float


class Measured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How good it is on one set of photos that it never saw."""

    photos: str  # which
    labels: str  # which: as collected, or corrected
    count: int
    heads: dict[str, int]
    map50: Range
    ap50: dict[str, Range]
    ap50_by_size: dict[str, dict[str, float | None]]  # by kind and side of the head in input pixels
    at_threshold: dict[str, Point]


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that is to be known of a model file."""

    name: str
    file: str  # beside the card
    sha256: str  # of that file
    purpose: Words
    limits: tuple[Words, ...]
    kinds: tuple[Kind, ...]
    input: Input
    output: Output
    licence: str
    start_weights: StartWeights
    lesson: Lesson
    smallest_head_px: int  # below this side in the input a head cannot be judged
    measured: tuple[Measured, ...]
    share_of_nanodet_m_time: float  # a frame on one thread, beside NanoDet-m at 416 px on the same machine


def load(file: Path) -> Card:
    """The card, once its model file is there and is the one it tells of."""
    try:
        card = msgspec.json.decode(file.read_bytes(), type=Card)
    except OSError as exc:
        raise ConfigurationError(
            file, 0, "", f"cannot be read: {exc.strerror}", "Name the card beside the model."
        ) from exc
    except msgspec.DecodeError as exc:
        raise ConfigurationError(file, 0, "", f"is no model card: {exc}", "Take the card anew.") from exc
    _check(file, card)
    return card


def _check(file: Path, card: Card) -> None:
    model = file.with_name(card.file)
    if not model.is_file():
        raise ConfigurationError(
            file, 0, "file", f"names {card.file}, which is not there", "Put the model beside its card."
        )
    if hashlib.sha256(model.read_bytes()).hexdigest() != card.sha256:
        raise ConfigurationError(
            file, 0, "sha256", f"is not that of {card.file}", "Take model and card from one release."
        )
