"""Tables as Excel writes them in China, read strictly: a complaint names line, column and mend. Pure."""

import csv
import datetime as dt
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from sitewarden.text import Text

MAX_ROWS = 2_000
MAX_BYTES = 1024 * 1024

_BOM = "\ufeff"
_DELIMITERS = (",", "\t", ";")
_UNIT = re.compile(r"[（(\[][^（(\[]*[)）\]]$")
"""A unit behind a title, such as `幅度（m）`, says nothing new.

It begins with no blanks: a title of a hundred thousand would take minutes, and every page waits."""
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_SHORTENED = re.compile(r"\d(\.\d+)?E\+\d{2,}")
_LIST = re.compile(r"[;；、,，\s]+")


_SPLIT = Text("拆成几个表。", "Split the table.")
_TEMPLATE = Text("下载模板，里面有全部列名。", "Take the template, it has the titles.")
_AS_CSV = Text("在 Excel 中另存为 CSV 或 CSV UTF-8。", "In Excel save it as CSV or as CSV UTF-8.")


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong in a table, and how to mend it."""

    line: int
    """As an editor counts; 0: the file as a whole."""
    field: str
    """The title of the column; empty: the line as a whole."""
    message: Text
    mend: Text


class SheetError(ValueError):
    """The table as a whole cannot be read."""

    def __init__(self, message: Text, mend: Text, line: int = 0, field: str = "") -> None:
        """Where nothing else is said it is of the file."""
        super().__init__(message.en)
        self.complaint = Complaint(line=line, field=field, message=message, mend=mend)


class CellError(ValueError):
    """A cell that cannot be meant."""

    def __init__(self, message: Text, mend: Text) -> None:
        """Both for people."""
        super().__init__(message.en)
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
        message = Text(
            f"有 {len(content)} 字节，最多 {MAX_BYTES}",
            f"has {len(content)} bytes, at most {MAX_BYTES} are taken",
        )
        raise SheetError(message, _SPLIT)
    text, encoding = _decoded(content)
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    rows = _rows(text, delimiter)
    try:
        _, titles = next(rows)
    except StopIteration:
        raise SheetError(Text("是空表", "is empty"), _TEMPLATE) from None
    known = _placed(titles, columns)
    lines: list[Line] = []
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(lines) == MAX_ROWS:
            message = Text(f"超过 {MAX_ROWS} 行", f"has more than {MAX_ROWS} rows")
            raise SheetError(message, _SPLIT, number)
        lines.append(_line(number, cells, known, titles))
    return Sheet(encoding, {column.field: titles[place].strip() for place, column in known.items()}, lines)


def template(columns: list[Column], *, in_english: bool) -> bytes:
    """A table with the titles alone; the mark in front makes Excel read it as UTF-8."""
    out = io.StringIO()
    csv.writer(out).writerow([column.en if in_english else column.zh for column in columns])
    return (_BOM + out.getvalue()).encode()


def _decoded(content: bytes) -> tuple[str, str]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SheetError(Text("是 UTF-16 文本", "is UTF-16 text"), _AS_CSV)
    if content.startswith(b"PK"):
        raise SheetError(Text("是 Excel 工作簿", "is an Excel workbook"), _AS_CSV)
    for encoding in ("utf-8", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise SheetError(Text("不是文本", "is no text"), _AS_CSV)
        return text.removeprefix(_BOM), encoding
    message = Text("既不是 UTF-8 也不是 GB18030 文本", "is neither UTF-8 nor GB18030 text")
    raise SheetError(message, _AS_CSV)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begin = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            message = Text("这一行读不懂，可能是引号不成对", f"cannot be read: {exc}")
            raise SheetError(message, Text("补全或去掉引号。", "Mend the quotes."), begin) from exc
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
        named = title.strip()
        if found is None:
            names = "、".join(column.zh for column in columns if not column.field.startswith("parameters."))
            message = Text(f"没有“{named}”这一列", f"`{named}` is no known column")
            raise SheetError(message, Text(f"可用的列：{names}。", f"Known are {names}."), 1, named)
        if found in known.values():
            message = Text(f"“{named}”这一列出现了两次", f"`{named}` is given twice")
            raise SheetError(message, Text("只留一列。", "Keep one of them."), 1, named)
        known[place] = found
    for column in columns:
        if column.is_key and column not in known.values():
            message = Text(f"缺少“{column.zh}”这一列", f"the column {column.zh} is missing")
            raise SheetError(message, _TEMPLATE, 1, column.zh)
    return known


def _bare(title: str) -> str:
    return _UNIT.sub("", title.strip()).strip().lower()


def _line(number: int, cells: list[str], known: Mapping[int, Column], titles: list[str]) -> Line:
    said: dict[str, Any] = {}
    complaints = list(_beside(number, cells, titles))
    for place, column in known.items():
        text = cells[place].strip() if place < len(cells) else ""
        title = titles[place].strip()
        if not text:
            if column.is_key:
                empty, fill = Text("没有填写", "is empty"), Text("填上。", "Fill it in.")
                complaints.append(Complaint(line=number, field=title, message=empty, mend=fill))
            said[column.field] = None
            continue
        try:
            said[column.field] = column.parse(text)
        except CellError as exc:
            complaint = Complaint(line=number, field=title, message=exc.message, mend=exc.mend)
            complaints.append(complaint)
    return Line(number, said, complaints)


def _beside(number: int, cells: list[str], titles: list[str]) -> Iterator[Complaint]:
    """What stands under no title: mostly a comma within a number, and all behind it would be misread."""
    beside = [
        text.strip()
        for place, text in enumerate(cells)
        if text.strip() and not (place < len(titles) and titles[place].strip())
    ]
    if beside:
        message = Text(f"“{beside[0]}”不在任何列名之下", f"`{beside[0]}` stands under no title")
        mend = Text(
            "去掉它；数字不写千位逗号。", "Take it out, and write numbers without a comma for thousands."
        )
        yield Complaint(line=number, field="", message=message, mend=mend)


def plain(text: str) -> str:
    """Whatever is written, but for a long number that Excel has shortened: two of them would be the same."""
    if _SHORTENED.fullmatch(text):
        message = Text(
            f"“{text}”被 Excel 缩写，后面的数字丢了", f"`{text}` was shortened by Excel, digits are lost"
        )
        mend = Text(
            "把这一列设为文本格式，重新填写完整编号。",
            "Format the column as text and enter the whole number again.",
        )
        raise CellError(message, mend)
    return text


def number(text: str) -> float:
    """A number."""
    if "_" in text:
        # Python alone takes `1_5` for 15.
        raise _no_number(text)
    try:
        value = float(text)
    except ValueError:
        raise _no_number(text) from None
    if not math.isfinite(value):
        raise _no_number(text)
    return value


def _no_number(text: str) -> CellError:
    mend = Text("只写数字，如 12.5，不带单位。", "Write it like 12.5, without a unit.")
    return CellError(Text(f"“{text}”不是数字", f"`{text}` is no number"), mend)


def whole(text: str) -> int:
    """A whole number; Excel writes some of them with `.0`."""
    value = number(text)
    if value != int(value):
        message = Text(f"“{text}”不是整数", f"`{text}` is no whole number")
        raise CellError(message, Text("写成 2 这样的整数。", "Write it like 2."))
    return int(value)


def date(text: str) -> dt.date:
    """A day, as Excel or people write it."""
    found = _DATE.fullmatch(text)
    try:
        return dt.date(*map(int, found.groups() if found else ()))
    except (ValueError, TypeError):
        mend = Text("写成 2026-11-20 或 2026/11/20。", "Write it like 2026-11-20 or 2026/11/20.")
        raise CellError(Text(f"“{text}”不是日期", f"`{text}` is no date"), mend) from None


def several(text: str) -> list[str]:
    """Names, apart from one another by whatever is usual."""
    return [part for part in _LIST.split(text) if part]


def one_of(words: Mapping[str, str]) -> Callable[[str], str]:
    """A word of a list, in Chinese or as programs have it."""

    def parse(text: str) -> str:
        if text in words.values():
            return text
        if text not in words:
            known = "、".join(words)
            message = Text(f"“{text}”不是可用的词", f"`{text}` is none of the known words")
            raise CellError(message, Text(f"写其中之一：{known}。", f"Write one of {known}."))
        return words[text]

    return parse
