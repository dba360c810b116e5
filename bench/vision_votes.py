"""Which votes find most bare heads: `python -m bench.vision_votes FOLDER … [--model CARD]`.

Validation photos, shaken twice as `bench vision` shakes test photos, are looked at once by a model; then each
choice of votes judges what it saw. Told are, best first, those whose false alarms stay below a limit. What is
chosen is written down in `edge/vision/voting.py`; test photos have no part in it.
"""

import argparse
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import msgspec

from bench.vision_sequences import Counted, Shown, counted, found_bare, shown, together
from edge.vision.card import SHIPPED, load_model
from edge.vision.detectors import Detector, NetworkDetector
from edge.vision.detectors.onnx import Session
from edge.vision.voting import Voting
from tools.train_helmet import collection
from tools.train_helmet.collection import Photo
from tools.train_helmet.photos import picture

SHAKEN = (1, 2)
"""Seeds of the shaking."""
ENOUGH, SCORES = (2, 3, 4, 5), (0.25, 0.3, 0.35, 0.4)
MOST_FALSE = 1.2
"""Percent of the heads with helmets: some room below what the benchmark allows on test photos."""


class Looked(NamedTuple):
    """A photo, its shape, and what was seen in the looks at it."""

    photo: Photo
    shape: tuple[int, ...]
    looks: Sequence[Shown]


class Reached(NamedTuple):
    """What votes come to."""

    voting: Voting
    found: Counted

    @property
    def alarmed(self) -> float:
        """Percent of bare heads."""
        return 100 * self.found.alarmed / max(1, self.found.bare)

    @property
    def false(self) -> float:
        """Percent of heads with helmets."""
        return 100 * self.found.false / max(1, self.found.helmets)


def looked_at(folders: Sequence[Path], detector: Detector) -> Iterator[Looked]:
    """What a detector sees of the validation photos of some collections."""
    for at, photo in enumerate(collection.load(folders, "val")):
        pixels = picture(photo)
        for seed in SHAKEN:
            yield Looked(photo, pixels.shape, shown(pixels, detector, [seed, at]))


def choices() -> Iterator[Voting]:
    """The shipped votes first, then the others."""
    yield Voting()
    for enough, score in itertools.product(ENOUGH, SCORES):
        voting = msgspec.structs.replace(Voting(), enough=enough, score=score)
        if voting != Voting():
            yield voting


def reached(voting: Voting, sequences: Sequence[Looked]) -> Reached:
    """What comes of the sequences by these votes."""
    found = [
        counted(one.photo, one.shape, one.looks, found_bare(one.looks, one.shape, voting))
        for one in sequences
    ]
    return Reached(voting, together(found))


def main() -> None:
    """Look, judge and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="collections of labelled photos")
    parser.add_argument("--model", type=Path, default=SHIPPED / "helmet-416.json", help="a model card")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    model = load_model(asked.model)
    sequences = list(looked_at(asked.folders, NetworkDetector(model.card, Session(model, threads=1))))
    shipped, *others = [reached(voting, sequences) for voting in choices()]
    print(f"shipped {_line(shipped)}")
    for one in sorted(others, key=lambda one: -one.alarmed):
        print(f"{'       ' if one.false <= MOST_FALSE else 'too many'} {_line(one)}")


def _line(one: Reached) -> str:
    return (
        f"enough {one.voting.enough} score {one.voting.score:.2f}: "
        f"{one.alarmed:.1f} % of {one.found.bare} bare heads alarmed, "
        f"{one.false:.2f} % of {one.found.helmets} with helmets falsely, {one.found.unlabelled} where none is"
    )


if __name__ == "__main__":
    main()
