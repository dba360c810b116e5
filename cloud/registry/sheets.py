"""Tables as Excel writes them in China, read strictly: a complaint names line, column and mend. Pure."""

import csv
import datetime as dt
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

MAX_ROWS = 2_000
MAX_BYTES = 1024 * 1024

_BOM = "\ufeff"
_DELIMITERS = (",", "\t", ";")
_UNIT = re.compile(r"\s*[（(\[][^（(\[]*[)）\]]\s*$")
"""A unit behind a title, such as `幅度（m）`, says nothing new."""
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_LIST = re.compile(r"[;；、,，\s]+")


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong in a table, and how to mend it."""

    line: int
    """As an editor counts; 0: the file as a whole."""
    field: str
    """The title of the column; empty: the line as a whole."""
    message: str
    mend: str


class SheetError(ValueError):
    """The table as a whole cannot be read."""

    def __init__(self, message: str, mend: str, line: int = 0, field: str = "") -> None:
        """Where nothing else is said it is of the file."""
        super().__init__(message)
        self.complaint = Complaint(line=line, field=field, message=message, mend=mend)


class CellError(ValueError):
    """A cell that cannot be meant."""

    def __init__(self, message: str, mend: str) -> None:
        """Both for people."""
        super().__init__(message)
        self.message, self.mend = message, mend


class Column(NamedTuple):
    """A column that a table may have."""

    field: str
    """Dots lead into a record."""
    zh: str
    parse: Callable[[str], Any]
    is_key: bool = False
    """Without it there is no record."""

    @property
    def en(self) -> str:
        """The title as programs write it: `jib_m` of `geometry.jib_m`, `name_zh` of `name.zh`."""
        return self.field.replace("name.", "name_").rpartition(".")[2]


class Line(NamedTuple):
    """A row of a table: what its cells say by field, and what is wrong with others."""

    line: int
    cells: dict[str, Any]
    complaints: list[Complaint]


class Sheet(NamedTuple):
    """A table as read."""

    encoding: str
    titles: dict[str, str]
    """The title that a field has in this table."""
    lines: list[Line]


def read_sheet(content: bytes, columns: list[Column]) -> Sheet:
    """The table; raises `SheetError` where it is none, or lacks a column that every row needs."""
    if len(content) > MAX_BYTES:
        raise SheetError(f"has {len(content)} bytes, at most {MAX_BYTES} are taken", "Split the table.")
    text, encoding = _decoded(content)
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    rows = _rows(text, delimiter)
    try:
        _, titles = next(rows)
    except StopIteration:
        raise SheetError("is empty", "Take the template, it has the titles.") from None
    known = _placed(titles, columns)
    lines: list[Line] = []
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(lines) == MAX_ROWS:
            raise SheetError(f"has more than {MAX_ROWS} rows", "Split the table.", number)
        lines.append(_line(number, cells, known, titles))
    return Sheet(encoding, {column.field: titles[place].strip() for place, column in known.items()}, lines)


def template(columns: list[Column], *, in_english: bool) -> bytes:
    """A table with the titles alone; the mark in front makes Excel read it as UTF-8."""
    out = io.StringIO()
    csv.writer(out).writerow([column.en if in_english else column.zh for column in columns])
    return (_BOM + out.getvalue()).encode()


def _decoded(content: bytes) -> tuple[str, str]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SheetError("is UTF-16 text", "In Excel save it as CSV or as CSV UTF-8.")
    if content.startswith(b"PK"):
        raise SheetError("is an Excel workbook", "In Excel save it as CSV.")
    for encoding in ("utf-8", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise SheetError("is no text", "In Excel save it as CSV.")
        return text.removeprefix(_BOM), encoding
    raise SheetError("is neither UTF-8 nor GB18030 text", "In Excel save it as CSV or as CSV UTF-8.")


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begin = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            raise SheetError(f"cannot be read: {exc}", "Mend the quotes.", begin) from exc
        yield begin, row
        begin = reader.line_num + 1


def _placed(titles: list[str], columns: list[Column]) -> dict[int, Column]:
    """Which column stands where."""
    by_title: dict[str, Column] = {}
    for column in columns:
        by_title[_bare(column.zh)] = by_title[column.en] = column
    known: dict[int, Column] = {}
    for place, title in enumerate(titles):
        if not title.strip():
            continue
        found = by_title.get(_bare(title))
        if found is None:
            mend = f"Known are {'、'.join(column.zh for column in columns if not column.field.count('.'))}."
            raise SheetError(f"`{title.strip()}` is no known column", mend, 1, title.strip())
        if found in known.values():
            raise SheetError(f"`{title.strip()}` is given twice", "Keep one of them.", 1, title.strip())
        known[place] = found
    for column in columns:
        if column.is_key and column not in known.values():
            raise SheetError(f"the column {column.zh} is missing", "Take the template.", 1, column.zh)
    return known


def _bare(title: str) -> str:
    return _UNIT.sub("", title).strip().lower()


def _line(number: int, cells: list[str], known: Mapping[int, Column], titles: list[str]) -> Line:
    said: dict[str, Any] = {}
    complaints = []
    for place, column in known.items():
        text = cells[place].strip() if place < len(cells) else ""
        title = titles[place].strip()
        if not text:
            if column.is_key:
                complaint = Complaint(line=number, field=title, message="is empty", mend="Fill it in.")
                complaints.append(complaint)
            said[column.field] = None
            continue
        try:
            said[column.field] = column.parse(text)
        except CellError as exc:
            complaint = Complaint(line=number, field=title, message=exc.message, mend=exc.mend)
            complaints.append(complaint)
    return Line(number, said, complaints)


def plain(text: str) -> str:
    """Whatever is written."""
    return text


def number(text: str) -> float:
    """A number."""
    try:
        value = float(text)
    except ValueError:
        raise CellError(f"`{text}` is no number", "Write it like 12.5, without a unit.") from None
    if not math.isfinite(value):
        raise CellError(f"`{text}` is no number", "Write it like 12.5.")
    return value


def whole(text: str) -> int:
    """A whole number; Excel writes some of them with `.0`."""
    value = number(text)
    if value != int(value):
        raise CellError(f"`{text}` is no whole number", "Write it like 2.")
    return int(value)


def date(text: str) -> dt.date:
    """A day, as Excel or people write it."""
    found = _DATE.fullmatch(text)
    try:
        return dt.date(*map(int, found.groups() if found else ()))
    except (ValueError, TypeError):
        raise CellError(f"`{text}` is no date", "Write it like 2026-11-20 or 2026/11/20.") from None


def several(text: str) -> list[str]:
    """Names, apart from one another by whatever is usual."""
    return [part for part in _LIST.split(text) if part]


def one_of(words: Mapping[str, str]) -> Callable[[str], str]:
    """A word of a list, in Chinese or as programs have it."""

    def parse(text: str) -> str:
        if text in words.values():
            return text
        if text not in words:
            raise CellError(f"`{text}` is none of the known words", f"Write one of {'、'.join(words)}.")
        return words[text]

    return parse
