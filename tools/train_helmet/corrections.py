"""Labels set right after looking: heads that were missed or of the wrong kind. Photos are named, never kept.

Both sets of labels are always measured: the collected ones to compare with others, the corrected ones for
the truth.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from sitewarden import documents
from sitewarden.errors import ConfigurationError
from tools.train_helmet.boxes import overlaps
from tools.train_helmet.collection import KINDS, Corners, Label, Photo

SAME = 0.7
"""A correction of a label must point at it this well."""


class Correction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One label set right; `was` and `now` name a kind, or are absent where there was or is no head."""

    photo: str
    box: Corners  # shares of the photo's width and height
    was: str | None = None
    now: str | None = None


class Corrections(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of corrections."""

    corrections: tuple[Correction, ...]


def load(file: Path) -> tuple[Correction, ...]:
    """The corrections of a file."""
    document = documents.read(file, Corrections)
    for at, correction in enumerate(document.value.corrections):
        for field in ("was", "now"):
            if getattr(correction, field) not in (None, *KINDS):
                raise document.error(
                    f"corrections.{at}.{field}", "is no kind of head", f"Write one of: {', '.join(KINDS)}."
                )
    return document.value.corrections


def corrected(photos: Iterable[Photo], corrections: Sequence[Correction]) -> list[Photo]:
    """The same photos with the corrections that are theirs."""
    mine: dict[str, list[Correction]] = {}
    for correction in corrections:
        mine.setdefault(correction.photo, []).append(correction)
    return [_corrected(photo, mine.get(photo.name, [])) for photo in photos]


def _corrected(photo: Photo, corrections: Sequence[Correction]) -> Photo:
    labels = list(photo.labels)
    for correction in corrections:
        if correction.was is not None:
            labels.remove(_meant(photo, labels, correction))
        if correction.now is not None:
            labels.append(Label(KINDS.index(correction.now), correction.box))
    return msgspec.structs.replace(photo, labels=tuple(labels))


def _meant(photo: Photo, labels: Sequence[Label], correction: Correction) -> Label:
    candidates = [label for label in labels if KINDS[label.kind] == correction.was]
    corners = np.array([label.corners for label in candidates]).reshape(-1, 4)
    fit = overlaps(np.array([correction.box]), corners)[0]
    if not len(fit) or fit.max() < SAME:
        message = f"has no {correction.was} where a correction says one was: {correction.box}"
        raise ConfigurationError(photo.path, 0, "", message, "Correct the labels that the photo has.")
    return candidates[int(fit.argmax())]
