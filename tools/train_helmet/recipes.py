"""What a detector is trained from and how: read from `recipes.yaml`."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from sitewarden import documents


class Augmentation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How batches differ from the photos they are made of; shares are 0 to 1."""

    mosaic: float  # images made of four photos
    smallest: float  # a photo's size in its frame, at least and at most, as a multiple of just fitting
    largest: float
    bare: float  # how often a photo with a bare head is taken, one without counting 1
    empty: float  # the same for a photo without heads
    paste: float  # images that get a head in the place of another, tried twice
    paste_bare: float  # of the pasted heads, bare ones
    smallest_pasted: float  # side of the head whose place is taken, in pixels of the input


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a detector learns from."""

    title: str
    licences: tuple[str, ...]  # of the photos; see `origins.yaml`
    augmentation: Augmentation
    seed: int = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long is learned on which device. What ends first, steps or minutes, ends the training."""

    device: str  # as PyTorch names it
    size: Annotated[int, Meta(gt=0, multiple_of=32)]  # side of the images, in pixels
    batch: Annotated[int, Meta(gt=0)]  # images a step
    steps: Annotated[int, Meta(gt=0)]
    minutes: float
    teacher_steps: int  # 0 trains without a teacher
    teacher_minutes: float
    rate: float  # of learning, at its highest
    canvas: int  # side of the canvas that photos are kept on, in pixels


class _Recipes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    recipes: dict[str, Recipe]
    plans: dict[str, Plan]


def load() -> tuple[dict[str, Recipe], dict[str, Plan]]:
    """All recipes and plans by name."""
    found = documents.load(Path(__file__).with_name("recipes.yaml"), _Recipes)
    return found.recipes, found.plans
