"""What stands in an exported table, and by whom it was taken out. Pure."""

import datetime as dt
import itertools
import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from cloud.database import Row
from cloud.instants import local

Value = str | int | float | Decimal | bool | dt.date | dt.datetime | Mapping[str, Any] | None
"""Of a cell. A mapping is the same words as `zh` and `en`; `None` is nothing said, and never 0."""

NO_SOURCE = "—"
"""In place of a number of which nobody has declared a source."""

_BEGINS_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212")
"""The wide and small signs too: spreadsheet programs of East Asia take them for the plain ones."""
_PASSED_OVER = frozenset("'\"`\u2018\u2019\u201c\u201d\uff07\uff02")
"""Quotes that one program or another takes off before it looks at what follows."""


class Column(NamedTuple):
    """Of a table."""

    title: str
    """In both languages, such as `设备 device`."""
    width: int = 16
    """In a workbook, in letters of the Latin alphabet."""


class Table(NamedTuple):
    """What a kind of export is made of."""

    name: str
    """Begins the file's name."""
    columns: Sequence[Column]
    cells: Callable[[Row], Sequence[Value]]
    """Of a row of the database."""


class Mark(NamedTuple):
    """Who took something out, and when: it goes wherever the file goes."""

    name: str
    at: dt.datetime
    time_zone: str
    """By whose clocks instants are written."""
    about: str = ""
    """Of what it is, and by what it was filtered; empty: the file says it itself."""

    def line(self, *, at_most: int | None = None) -> str:
        """The watermark; shortened by its name where it must fit in less (a `&` there takes two signs)."""
        when = written_instant(self.at, self.time_zone)
        said = f"由 {self.name} 于 {when} 导出 / exported by {self.name} at {when}"
        if at_most is None or len(said) + said.count("&") <= at_most:
            return said
        room = (at_most - len(said) - said.count("&")) // 2 + len(self.name) + self.name.count("&")
        signs = itertools.accumulate(1 + (sign == "&") for sign in self.name)
        kept = sum(taken < room for taken in signs)
        return self._replace(name=f"{self.name[:kept]}…").line()


def looks_like_formula(text: str) -> bool:
    """Whether some spreadsheet program may run it, whatever is unseen or quoted before its sign."""
    if text[:1] in ("\t", "\r", "\n"):
        return True
    first = next(itertools.dropwhile(_is_passed_over, text), "")
    return first in _BEGINS_FORMULA


def safe(text: str) -> str:
    """A text that no spreadsheet program takes for a formula: not every name is a friend's."""
    return f"'{text}" if looks_like_formula(text) else text


def both(text: Mapping[str, Any]) -> str:
    """In both languages; once where they are the same."""
    return str(text["zh"]) if text["zh"] == text["en"] else f"{text['zh']} {text['en']}"


def plain(value: Value) -> str | int | float | Decimal | dt.date | dt.datetime | None:
    """As both kinds of files begin with it: words in one text, no number that is none."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Mapping):
        return both(value)
    if isinstance(value, float | Decimal) and not math.isfinite(value):
        return None
    return value


def written_instant(at: dt.datetime, time_zone: str) -> str:
    """By the clocks of the place, with their offset."""
    return local(at, time_zone).isoformat(timespec="seconds")


def _is_passed_over(sign: str) -> bool:
    return (
        sign in _PASSED_OVER
        or sign.isspace()
        # Controls, marks of no width, and spaces of any kind.
        or unicodedata.category(sign)[0] in "CZ"
    )
