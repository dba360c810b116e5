"""Models that are not let in: how one is recognised, and those that come with SiteWarden. Pure."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import msgspec

from sitewarden import documents
from sitewarden.text import Text

_APART = re.compile(r"[\s_\-\u2010-\u2015./]+")
"""Blanks, and dashes of all kinds, as nameplates print them."""


class DeniedModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry that holds everywhere."""

    model: str
    """`*` stands for anything."""
    brand: str = ""
    """Empty: any."""
    reason: Text
    source: str
    listed_on: dt.date


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    models: list[DeniedModel]


class Product(NamedTuple):
    """What a nameplate says."""

    brand: str
    model: str


@cache
def shipped_denials() -> tuple[DeniedModel, ...]:
    """Those that come with SiteWarden."""
    with resources.as_file(resources.files("cloud.profiles") / "denied.yaml") as file:
        return tuple(documents.load(Path(file), _File).models)


def denies(brand: str, model: str, product: Product) -> bool:
    """Whether an entry means the product: a nameplate is written in many ways, and all are the same."""
    of_brand = not brand or _same(brand) == _same(product.brand) or not product.brand
    return bool(product.model) and of_brand and fnmatchcase(_same(product.model), _same(model))


def _same(text: str) -> str:
    # What else fnmatch knows is no part of a model's name.
    return _APART.sub("", text.casefold()).replace("[", "(").replace("?", "")


def products_of(pairs: Iterable[tuple[str, str]]) -> Iterator[Product]:
    """Brand and model, as far as both or one are known."""
    return (Product(brand, model) for brand, model in pairs if model)
