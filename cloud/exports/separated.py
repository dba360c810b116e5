"""Comma-separated values, as spreadsheet programs open them: row by row, however many there are. Pure."""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from cloud.exports.cells import Column, Mark, Value, plain, safe, written_instant

_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Without it a spreadsheet program takes Chinese for something else."""
_CHUNK = 64 * 1024


def csv_of(columns: Sequence[Column], rows: Iterable[Sequence[Value]], mark: Mark) -> Iterator[bytes]:
    """Titles, rows, and in the last line who took them; in UTF-8, in parts of some ten thousand bytes."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write(_BOM)
    writer.writerow([safe(column.title) for column in columns])
    for row in rows:
        writer.writerow([_cell(value, mark.time_zone) for value in row])
        if buffer.tell() >= _CHUNK:
            yield _taken(buffer)
    line = mark.line()
    writer.writerow([safe(f"{mark.about} · {line}" if mark.about else line)])
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    written = buffer.getvalue().encode("utf-8", "replace")
    buffer.seek(0)
    buffer.truncate()
    return written


def _cell(value: Value, time_zone: str) -> str | int | float:
    told = plain(value)
    if told is None:
        return ""
    if isinstance(told, dt.datetime):
        return written_instant(told, time_zone)
    if isinstance(told, dt.date):
        return told.isoformat()
    if isinstance(told, Decimal):
        return f"{told:f}"
    return safe(told) if isinstance(told, str) else told
