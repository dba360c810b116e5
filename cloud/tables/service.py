"""Tables as comma-separated values that a spreadsheet program opens rightly and safely. Pure."""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from cloud.instants import local
from cloud.registry.known import SiteEntry

MOST_ROWS = 50_000
"""Of one table; what is left out is said in its first line."""

_BEGINS_FORMULA = (*"=+-@\t\r", *"\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b")
"""The wide and small signs too: spreadsheet programs of East Asia take them for the plain ones."""
_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Without it a spreadsheet program takes Chinese for something else."""


class Watermark(NamedTuple):
    """Who took a table out, of what, when."""

    title: str
    site: SiteEntry
    who: str
    at: dt.datetime
    chosen: str
    """What was filtered by; empty: nothing."""


def table(watermark: Watermark, titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The watermark, the titles, the rows; at most `MOST_ROWS` of them."""
    kept = list(rows)
    written = io.StringIO()
    written.write(_MARK)
    writer = csv.writer(written)
    writer.writerow([_line(watermark, is_cut=len(kept) > MOST_ROWS)])
    writer.writerow(titles)
    for row in kept[:MOST_ROWS]:
        writer.writerow([_cell(value, watermark.site.time_zone) for value in row])
    return written.getvalue()


def safe(text: str) -> str:
    """A text that no spreadsheet program takes for a formula: not every name is a friend's."""
    return f"'{text}" if text.lstrip().startswith(_BEGINS_FORMULA) or text[:1] in _BEGINS_FORMULA else text


def _line(watermark: Watermark, *, is_cut: bool) -> str:
    name = watermark.site.name
    parts = [
        f"工地卫士 SiteWarden · {watermark.title}",
        f"{name.zh} {name.en}" if name.zh != name.en else name.zh,
        f"导出人 exported by {watermark.who}",
        f"导出时间 at {_instant(watermark.at, watermark.site.time_zone)}",
    ]
    if watermark.chosen:
        parts.append(f"筛选 filter {watermark.chosen}")
    if is_cut:
        parts.append(f"只列出前 {MOST_ROWS} 行 the first {MOST_ROWS} rows only")
    return safe(" · ".join(parts))


def _cell(value: Any, time_zone: str) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, dt.datetime):
        return _instant(value, time_zone)
    return safe(value) if isinstance(value, str) else value


def _instant(at: dt.datetime, time_zone: str) -> str:
    """By the clocks of the site, with their offset."""
    return local(at, time_zone).isoformat(timespec="seconds")
