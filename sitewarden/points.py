"""The point vocabulary: the kinds of quantity that SiteWarden knows, whatever a vendor calls them."""

import difflib
import math
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from sitewarden.errors import SiteWardenError
from sitewarden.text import Text

Element = Literal["人员", "材料", "机械", "环境"]


class UnknownKindError(SiteWardenError):
    """A point kind that is not in the vocabulary."""


class PointKind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a point measures: its unit, smallest meaningful step, name for people, element class."""

    unit: str
    resolution: float
    element: Element
    zh: str
    en: str

    @property
    def label(self) -> Text:
        """The name for people."""
        return Text(self.zh, self.en)


@cache
def vocabulary() -> Mapping[str, PointKind]:
    """Every known kind by its name, such as `crane.load`; read once from `vocabulary.yaml`."""
    import yaml  # noqa: PLC0415  the wire and the rules need no YAML; only this table does

    text = resources.files("sitewarden").joinpath("vocabulary.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), dict[str, PointKind])


def point_kind(name: str) -> PointKind:
    """The kind of that name; raises `UnknownKindError` naming the nearest known one."""
    try:
        return vocabulary()[name]
    except KeyError:
        near = difflib.get_close_matches(name, vocabulary(), n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise UnknownKindError(f"`{name}` is not in the point vocabulary{hint}") from None


@cache
def quantiser(resolution: float) -> Callable[[float], float]:
    """What rounds a value to a multiple of `resolution`, without binary dust (3.1500000000000004)."""
    decimals = -round(math.log10(resolution))
    if math.isclose(resolution, 10.0**-decimals, rel_tol=1e-12):
        return lambda value: round(value, decimals) + 0.0  # never -0.0
    finer = max(0, -math.floor(math.log10(resolution))) + 1
    return lambda value: round(round(value / resolution) * resolution, finer)


def quantise(value: float, resolution: float) -> float:
    """`value` rounded to the nearest multiple of `resolution`."""
    return quantiser(resolution)(value)
