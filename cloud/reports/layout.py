"""How the two official tables are printed, as their files say. Pure, but for reading those once."""

from functools import cache
from importlib import resources
from typing import TypeVar

import msgspec

from sitewarden import documents
from sitewarden.rules.model import Confidence
from sitewarden.text import Text

_Kind = TypeVar("_Kind")


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An item of the dispatch table."""

    text: str
    split: bool = False
    second: str = ""
    """The id of its second number follows that of the first: `c3.amount`."""
    form: str = "{}"


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the dispatch table."""

    name: str
    letter: str
    items: list[Item]

    @property
    def cells(self) -> list[tuple[str, int, Item]]:
        """Each item with the id of its cell and its printed number."""
        return [(f"{self.letter}{no}", no, item) for no, item in enumerate(self.items, 1)]


class Dispatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The dispatch table (调度表)."""

    title: str
    unit: str
    date: str
    groups: list[Group]
    notes: list[str]
    source: Text
    confidence: Confidence

    @property
    def items(self) -> dict[str, Item]:
        """Every item by the id of its cell."""
        return {cell: item for group in self.groups for cell, _, item in group.cells}


class Heading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A column of a table."""

    key: str
    text: str
    width: int


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The statistics table (统计表), or the ledger."""

    title: str
    unit: str = ""
    date: str = ""
    columns: list[Heading]
    foot: list[str] = []
    least_rows: int = 0
    """So many rows are printed at least, the last of them blank."""
    source: Text
    confidence: Confidence


def _load(name: str, kind: type[_Kind]) -> _Kind:
    with resources.as_file(resources.files("cloud.reports") / name) as file:
        return documents.load(file, kind)


@cache
def dispatch() -> Dispatch:
    """The dispatch table."""
    return _load("appendix_1.yaml", Dispatch)


@cache
def statistics() -> Table:
    """The statistics table."""
    return _load("appendix_2.yaml", Table)


@cache
def ledger() -> Table:
    """The ledger."""
    return _load("ledger.yaml", Table)
