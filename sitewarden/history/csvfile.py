"""A history in CSV, for people and other programs: the same columns, the quality as its word."""

import csv
import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sitewarden.errors import ConfigurationError
from sitewarden.history.rows import Rows
from sitewarden.quality import Quality

MARK = "#sitewarden "
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')
_SEPARATORS = re.compile(r"[,;|]")
_WORDS = {quality.word: quality for quality in Quality}
_GOOD = ("", Quality.GOOD.word)


class Writer:
    """A file being written."""

    def __init__(self, file: Path, header: bytes) -> None:
        """Opens it at once."""
        self._out = file.open("w", encoding="utf-8", newline="")
        self._out.write(first_line(header))
        self._rows = csv.writer(self._out, lineterminator="\n")
        self._rows.writerow(["point", "at_ms", "value", "quality"])

    def add(self, rows: Rows) -> None:
        """A line a reading."""
        words = {int(quality): quality.word for quality in Quality}
        columns = rows.which.tolist(), rows.at_ms.tolist(), rows.values.tolist(), rows.quality.tolist()
        self._rows.writerows(
            (rows.points[which], at_ms, "" if math.isnan(value) else repr(value), words[quality])
            for which, at_ms, value, quality in zip(*columns, strict=True)
        )

    def close(self) -> None:
        """Finish the file."""
        self._out.close()


def first_line(header: bytes) -> str:
    """The header as it begins a file, in which a spreadsheet program finds nothing to run.

    Such a program takes the line for cells, whose ends and beginnings a stranger's name might set: inside of
    a text separators, and a first sign that is neither letter nor digit, are written by their numbers.
    """
    return f"{MARK}{_TEXT.sub(_harmless, header).decode()}\n"


def _harmless(text: re.Match[bytes]) -> bytes:
    inner = _SEPARATORS.sub(_by_number, text[0][1:-1].decode())
    if inner and not inner[0].isalnum() and inner[0] != "\\":
        inner = _by_number(inner[0]) + inner[1:]
    return f'"{inner}"'.encode()


def _by_number(sign: re.Match[str] | str) -> str:
    plain = sign if isinstance(sign, str) else sign[0]
    written = json.dumps(plain)[1:-1]
    return written if len(written) > 1 else f"\\u{ord(plain):04x}"


def read_header(file: Path) -> bytes | None:
    """The header in the first line, `None` where another program wrote the file."""
    try:
        with file.open(encoding="utf-8-sig") as text:
            first = text.readline()
    except (OSError, UnicodeDecodeError) as exc:
        raise _unreadable(file, exc) from exc
    return first.removeprefix(MARK).encode() if first.startswith(MARK) else None


def read_rows(file: Path, first_ms: int, end_ms: int) -> Rows:
    """All rows at `first_ms` <= instant < `end_ms`; raises `ConfigurationError` naming a bad cell."""
    points: dict[str, int] = {}
    which, at_ms, values, quality = list[int](), list[int](), list[float](), list[int]()
    table = _Table(file)
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            for cell in table.cells(text):
                if first_ms <= cell.at_ms < end_ms:
                    which.append(points.setdefault(cell.point, len(points)))
                    at_ms.append(cell.at_ms)
                    values.append(cell.value)
                    quality.append(cell.quality)
    except (OSError, UnicodeDecodeError) as exc:
        raise _unreadable(file, exc) from exc
    except csv.Error as exc:
        raise table.error("", f"is no line of a CSV: {exc}", "Close what is opened with a quote.") from exc
    return Rows(
        list(points),
        np.array(which, np.int32),
        np.array(at_ms, np.int64),
        np.array(values, np.float64),
        np.array(quality, np.uint8),
    )


class _Cell(NamedTuple):
    point: str
    at_ms: int
    value: float
    quality: int


class _Table:
    """One file being read: which column is which, and where a complaint stands."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._line = 0

    def cells(self, text: Iterator[str]) -> Iterator[_Cell]:
        rows = csv.reader(self._without_header(text))
        names = [name.strip() for name in next(rows, [])]
        point, value = self._column(names, "point"), self._column(names, "value")
        at, instant = self._instants(names)
        quality = self._column(names, "quality") if "quality" in names else None
        for row in rows:
            if not row:
                continue
            if len(row) != len(names):
                message = f"has {len(row)} cells, the header has {len(names)}"
                raise self.error("", message, "Leave a missing value empty.")
            word = row[quality].strip() if quality is not None else ""
            yield self._cell(row[point].strip(), instant(row[at]), row[value].strip(), word)

    def _without_header(self, text: Iterator[str]) -> Iterator[str]:
        """The table alone: lines before it that begin with # are for people."""
        is_before = True
        for line in text:
            self._line += 1
            is_before = is_before and line.startswith("#")
            if not is_before:
                yield line

    def _cell(self, point: str, at_ms: int, value: str, word: str) -> _Cell:
        quality = _WORDS.get(word) if word not in _GOOD else Quality.GOOD
        if quality is None:
            raise self.error("quality", f"`{word}` is no quality", f"Write one of {', '.join(_WORDS)}.")
        if quality > Quality.STALE:
            return _Cell(point, at_ms, math.nan, quality)
        try:
            number = float(value)
        except ValueError as exc:
            mend = "Write a number, or a quality that says why there is none."
            raise self.error("value", f"`{value}` is not a number", mend) from exc
        if not math.isfinite(number):
            return _Cell(point, at_ms, math.nan, Quality.NOT_A_NUMBER)
        return _Cell(point, at_ms, number, quality)

    def _column(self, names: list[str], name: str) -> int:
        if name not in names:
            raise self.error(name, "is not a column", _mend_of(names))
        if names.count(name) > 1:
            raise self.error(name, "is there twice", "Give each column once.")
        return names.index(name)

    def _instants(self, names: list[str]) -> tuple[int, Callable[[str], int]]:
        """Milliseconds in `at_ms`, or instants with their offset in `at`."""
        if "at_ms" not in names and "at" in names:
            return names.index("at"), self._written_instant
        return self._column(names, "at_ms"), self._milliseconds

    def _milliseconds(self, cell: str) -> int:
        try:
            return int(cell)
        except ValueError as exc:
            message = f"`{cell}` is no number of milliseconds"
            raise self.error("at_ms", message, "Write milliseconds since 1970, UTC.") from exc

    def _written_instant(self, cell: str) -> int:
        mend = "Write an instant such as 2026-05-04T08:00:00+08:00."
        try:
            at = datetime.fromisoformat(cell.strip())
        except ValueError as exc:
            raise self.error("at", f"`{cell}` is not an instant", mend) from exc
        if at.tzinfo is None:
            raise self.error("at", f"`{cell}` does not say its offset from UTC", mend)
        return round(at.timestamp() * 1000)

    def error(self, column: str, message: str, mend: str) -> ConfigurationError:
        """A complaint about the line that was read last."""
        return ConfigurationError(self._file, self._line, column, message, mend)


def _mend_of(names: list[str]) -> str:
    """What a table lacks: more often than a column it is the sign between columns."""
    for sign, named in ((";", "`;`"), ("\t", "a tab"), ("，", "`，`")):
        if len(names) == 1 and sign in names[0]:
            return f"Part columns by `,` in place of {named}."
    return "Begin the table with point, at_ms or at, value and, where there is one, quality."


def _unreadable(file: Path, exc: OSError | UnicodeDecodeError) -> ConfigurationError:
    if isinstance(exc, UnicodeDecodeError):
        return ConfigurationError(file, 0, "", "is not UTF-8 text", "Save it as UTF-8.")
    return ConfigurationError(file, 0, "", f"cannot be read: {exc.strerror}", "Check the path.")
