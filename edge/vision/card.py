"""A model card, beside its ONNX file: what a detector takes and gives, comes from and reaches.

The card is data for the program (thresholds, input, kinds) and for people (figures, licence, limits). A model
whose bytes are not those of its card is refused: figures of one file say nothing about another.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec

from sitewarden.errors import ConfigurationError

SHIPPED = Path(__file__).with_name("models")
LARGEST_BYTES = 64 * 1024 * 1024
"""Nothing larger is read: it is no network for a gateway."""

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
    """What the network takes: `[1,3,size,size]`, the picture in the upper left."""

    name: str
    size: int  # pixels
    padding: int  # grey level 0..255
    colours: Literal["bgr", "rgb"] = "bgr"
    brightest: Annotated[float, msgspec.Meta(gt=0)] = 255.0  # what white is; black is 0


class Output(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What it gives: of every point a box in pixels of the input, then a score 0..1 a kind."""

    name: str
    points: int
    suppress: Share  # boxes of one head overlap by more than this; the best is kept, across kinds
    layout: Literal["rows", "columns"] = (
        "rows"  # a point is one: `[1,points,4+kinds]`, or the other way round
    )
    boxes: Literal["corners", "middle"] = "corners"  # `x1 y1 x2 y2`, or the middle's x y, width, height


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


class Golden(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the network gave for one of our drawn pictures where the figures were measured."""

    picture: int  # which
    points: bytes  # of its answer, 32-bit integers
    rows: bytes  # of those points: box and scores, 32-bit floating point


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
    start_weights: StartWeights | None = None
    lesson: Lesson
    smallest_head_px: int  # below this side in the input a head cannot be judged
    measured: tuple[Measured, ...]
    share_of_nanodet_m_time: float | None = None
    """A frame on one thread, beside NanoDet-m at 416 px on the same machine."""
    golden: tuple[Golden, ...] = ()
    """By these a gateway sees whether it computes the network rightly."""


class Model(NamedTuple):
    """A card, and the very bytes that it tells of."""

    card: Card
    onnx: bytes


def card_file(name: str) -> Path:
    """The card that a setting means: a file (`.json`), or that of a model that ships."""
    return Path(name) if name.endswith(".json") else SHIPPED / f"{name}.json"


def load(file: Path) -> Card:
    """The card, once its model file is there and is the one it tells of."""
    return load_model(file).card


def load_model(file: Path) -> Model:
    """The card and its model, read once, so that nothing else is computed than what was checked."""
    try:
        card = msgspec.json.decode(file.read_bytes(), type=Card)
    except OSError as exc:
        raise ConfigurationError(
            file, 0, "", f"cannot be read: {exc.strerror}", "Name the card beside the model."
        ) from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ConfigurationError(file, 0, "", f"is no model card: {exc}", "Take the card anew.") from exc
    return Model(card, _content(file, card))


def _content(file: Path, card: Card) -> bytes:
    beside = "Put the model beside its card."
    if Path(card.file).name != card.file:
        raise ConfigurationError(file, 0, "file", f"`{card.file}` is no file's name", beside)
    try:
        with file.with_name(card.file).open("rb") as opened:
            content = opened.read(LARGEST_BYTES + 1)
    except OSError as exc:
        message = f"names {card.file}, which is not there or cannot be read: {exc.strerror}"
        raise ConfigurationError(file, 0, "file", message, beside) from exc
    if len(content) > LARGEST_BYTES:
        message = f"{card.file} is larger than {LARGEST_BYTES >> 20} MiB"
        raise ConfigurationError(file, 0, "file", message, "Name a network that is made for small machines.")
    if hashlib.sha256(content).hexdigest() != card.sha256:
        message = f"is not that of {card.file}, which has {len(content)} bytes"
        raise ConfigurationError(file, 0, "sha256", message, "Take model and card from one release.")
    return content
