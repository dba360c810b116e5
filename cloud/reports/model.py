"""What a report is: of a place, as of a cut-off; and a `Definition` by which one kind of them is made."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from cloud.database import Connection
from cloud.exports import Column, Mark, Value
from sitewarden.text import Text


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Of what, and as of when."""

    node: int | None = None
    """With everything below it; of a report of a site the site stands instead."""
    site: str | None = None
    campaign: str = ""
    cut_off: dt.datetime
    """Everything before this instant is counted, and nothing of it or after."""
    since: dt.datetime | None = None
    """From when it counts; `None`: from whenever its campaign began."""
    known_at: dt.datetime | None = None
    """What was recorded by then is in it; `None`: what was by the cut-off."""

    @property
    def known(self) -> dt.datetime:
        """What was recorded before this instant is in it."""
        return self.cut_off if self.known_at is None else self.known_at


class Number(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A number with the records behind it."""

    value: int | str | None
    """A decimal is text, so that its bytes are always the same; `None`: nobody has told its source."""
    records: list[str] = []
    split: dict[str, int | str] = {}
    """Of it, by the level of the authority that acted."""
    missing: str = ""
    """The source that nobody keeps here."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """Something that must hold of a report's numbers before it is approved."""

    code: str
    ok: bool
    words: Text


class Computed(msgspec.Struct, frozen=True, kw_only=True):
    """What a report says."""

    title: str
    head: dict[str, Any] = {}
    """Of whom, as of when, in which words of the place."""
    values: dict[str, Any] = {}
    """By the id of the cell a `Number`, or whatever else the kind's layout prints."""
    rows: list[dict[str, Any]] = []
    """Of a table: one a record, each with the id of what it is of."""
    sources: list[str] = []
    """Which of the sources it asks are kept here."""
    footer: list[Text] = []
    """What must be said beside the numbers."""
    checks: list[Check] = []

    @property
    def records(self) -> dict[str, list[str]]:
        """By the id of the cell the ids of the records behind its number."""
        numbers = msgspec.to_builtins(self.values)
        return {
            cell: number.get("records", []) for cell, number in numbers.items() if isinstance(number, dict)
        }


class Sheet(NamedTuple):
    """A table."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """How reports of a kind are made."""

    kind: str
    label: Text
    compute: Callable[[Connection, Scope], Computed]
    """Counts; over a connection of the programs, in a transaction that sees one state of the database."""
    render: Callable[[Computed, Mark], bytes]
    """As a workbook (xlsx)."""
    table: Callable[[Computed], Sheet]
    """As one table, for comma-separated values."""
    monthly: bool = False
    """It is made by itself for every authority of a campaign, at the end of each month."""
    of_campaign: bool = True
    """It counts for a campaign, which must be named."""


_KNOWN: dict[str, Definition] = {}


def register(definition: Definition) -> Definition:
    """Make a kind known; the module that does so is named in `cloud/reports/kinds.py`."""
    _KNOWN[definition.kind] = definition
    return definition


def definitions() -> dict[str, Definition]:
    """Every kind by its name."""
    from cloud.reports import kinds  # noqa: F401, PLC0415  whatever registers itself, after this module is there

    return _KNOWN
