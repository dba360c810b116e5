"""The model card: what the training left, what was measured and what people must know, in one file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from edge.vision.card import (
    Card,
    Input,
    Kind,
    Lesson,
    Measured,
    Output,
    Point,
    Range,
    StartWeights,
    Words,
    load,
)
from edge.vision.examining import write_golden
from sitewarden import documents
from sitewarden.errors import ConfigurationError
from tools.train_helmet import collection
from tools.train_helmet.evaluation import Evaluation
from tools.train_helmet.measures import Figures, Interval, OperatingPoint
from tools.train_helmet.photos import GREY
from tools.train_helmet.speed import Speed, session


class Texts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What people write about a model: `texts.yaml`."""

    purpose: Words
    limits: tuple[Words, ...]
    kinds: dict[str, Words]
    licence: str
    start_weights: dict[str, str]
    smallest_head_px: int
    suppress: float
    sets: dict[str, str]  # what the photos are that figures are given for


class Learned(msgspec.Struct, frozen=True):
    """What a training left of its photos: `lesson.json`."""

    sha256: str
    photos: dict[str, int]
    heads: dict[str, int]


def write(
    model: Path,
    *,
    start: Path,
    lesson: Learned,
    evaluations: Mapping[str, Evaluation],
    thresholds: Mapping[str, float],
    speed: Speed,
) -> Card:
    """Write the card of `model` beside it; `evaluations` by what is measured on."""
    texts = documents.load(Path(__file__).with_name("texts.yaml"), Texts)
    network = session(model)
    given, answer = network.get_inputs()[0], network.get_outputs()[0]
    card = Card(
        name=model.stem,
        file=model.name,
        sha256=_sha256(model),
        purpose=texts.purpose,
        limits=texts.limits,
        kinds=tuple(
            Kind(name=name, words=texts.kinds[name], threshold=round(thresholds[name], 3))
            for name in collection.KINDS
        ),
        input=Input(name=given.name, size=given.shape[2], padding=GREY),
        output=Output(name=answer.name, points=answer.shape[1], suppress=texts.suppress),
        licence=texts.licence,
        start_weights=StartWeights(**texts.start_weights, sha256=_sha256(start)),
        lesson=_lesson(lesson),
        smallest_head_px=texts.smallest_head_px,
        measured=tuple(
            _measured(texts.sets[split], labels, evaluation)
            for split, evaluation in evaluations.items()
            for labels in evaluation.figures
        ),
        share_of_nanodet_m_time=speed.ratio,
    )
    file = model.with_suffix(".json")
    file.write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")
    write_golden(file)
    return load(file)


def read_lesson(file: Path) -> Learned:
    """What a training wrote down."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Learned)
    except OSError as exc:
        raise ConfigurationError(
            file, 0, "", f"cannot be read: {exc.strerror}", "Name the training's lesson.json."
        ) from exc
    except msgspec.DecodeError as exc:
        raise ConfigurationError(
            file, 0, "", f"is no lesson: {exc}", "Name the training's lesson.json."
        ) from exc


def _lesson(learned: Learned) -> Lesson:
    origins = collection.load_origins()
    used = [origins[name] for name in learned.photos]
    return Lesson(
        sha256=learned.sha256,
        photos=learned.photos,
        heads=learned.heads,
        attribution=tuple(origin.attribution for origin in used if origin.attribution),
        doubts=tuple(f"{origin.title}: {origin.doubt}" for origin in used if origin.doubt),
    )


def _measured(photos: str, labels: str, evaluation: Evaluation) -> Measured:
    figures: Figures = evaluation.figures[labels]
    return Measured(
        photos=photos,
        labels=labels,
        count=evaluation.photos,
        heads=figures.heads,
        map50=_range(figures.map50),
        ap50={name: _range(value) for name, value in figures.ap50.items()},
        ap50_by_size={
            name: {size: None if value is None else round(value, 3) for size, value in sizes.items()}
            for name, sizes in figures.ap50_by_size.items()
        },
        at_threshold={name: _point(point) for name, point in evaluation.at_threshold[labels].items()},
    )


def _range(figure: Interval) -> Range:
    return Range(round(figure.value, 3), round(figure.low, 3), round(figure.high, 3))


def _point(point: OperatingPoint) -> Point:
    return Point(round(point.threshold, 3), round(point.precision, 3), round(point.recall, 3))


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
