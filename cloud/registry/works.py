"""The scale of dangerous works, by their dimensions; the numbers are data with their source. Pure."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from sitewarden import documents
from sitewarden.text import Text

Scale = Literal["below", "dangerous", "over_scale", "unknown"]


class Measure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dimension and from where on it matters."""

    label: Text
    unit: str
    dangerous: float | None = None
    over_scale: float | None = None


class Category(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of dangerous works."""

    label: Text
    needs_monitoring: bool
    """Whether one that is under way without a connected device is marked 未接入监测."""
    measures: dict[str, Measure]


class Works(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them, and where the numbers come from."""

    source: Text
    confidence: str
    categories: dict[str, Category]


@cache
def works() -> Works:
    """What `works.yaml` says."""
    with resources.as_file(resources.files("cloud.registry") / "works.yaml") as file:
        return documents.load(file, Works)


def scale_of(category: Category, dimensions: Mapping[str, float]) -> Scale:
    """The largest scale that a dimension reaches; unknown where none that is judged was given."""
    judged = [
        (measure, dimensions[name]) for name, measure in category.measures.items() if name in dimensions
    ]
    if not judged:
        return "unknown"
    if any(m.over_scale is not None and value >= m.over_scale for m, value in judged):
        return "over_scale"
    if any(m.dangerous is not None and value >= m.dangerous for m, value in judged):
        return "dangerous"
    return "below"
