"""A history as a file, part by part: CSV for people and spreadsheets, Parquet for programs.

Both of a history of readings can be replayed: beside the columns that a replay reads stand others, for
whoever opens the file. Who took it out, when, and what was lost before it came is in the file itself.
"""

import datetime as dt
import zoneinfo
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cloud.database import instant
from cloud.exports.cells import Mark, written_instant
from cloud.histories.model import Form
from cloud.histories.reading import Part
from cloud.instants import rfc3339
from cloud.readings.levels import Level
from sitewarden.history import Header, TakenOut
from sitewarden.history.csvfile import first_line
from sitewarden.history.parquetfile import KEY
from sitewarden.messages import Gap
from sitewarden.quality import Quality

EXPORT_KEY = b"sitewarden.export"
_QUARTER_MS = 900_000
"""Clocks are put forward and back at whole quarters of an hour."""
_MOST_GAPS = 1000
"""That are told in words; the header has all."""
_REASONS = {"thinned": "已稀释", "evicted": "缓存已满被丢弃", "damaged": "记录损坏", "disk": "磁盘写入失败"}
_LEVELS = {
    "raw": "原始读数 readings",
    "minute": "分钟 minutes",
    "hour": "小时 hours",
    "day": "日（UTC） UTC days",
}
_SEPARATORS = str.maketrans({",": "，", ";": "；", '"': "”", "\n": " ", "\r": " ", "\t": " ", "|": "／"})
_WORDS = pa.array([quality.word for quality in sorted(Quality)])
_STAMP = "%Y-%m-%dT%H:%M:%S"


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a file is of."""

    header: Header
    level: Level
    units: dict[str, str]
    """By point."""


class Sink(Protocol):
    """A file being written."""

    def add(self, part: Part) -> None:
        """Append rows."""

    def close(self) -> None:
        """Finish it."""


def sink(form: Form, file: Path, about: About) -> Sink:
    """A new file."""
    return CsvSink(file, about) if form == "csv" else ParquetSink(file, about)


class CsvSink:
    """Comma-separated in UTF-8, instants in UTC and by the clocks of the site."""

    def __init__(self, file: Path, about: About) -> None:
        """Opens it, and writes what stands before the table."""
        self._about = about
        self._out = file.open("wb")
        self._table: Any = None
        self._out.write("\N{ZERO WIDTH NO-BREAK SPACE}".encode())
        if about.level == "raw":
            self._out.write(first_line(msgspec.json.encode(about.header)).encode())
        self._out.writelines(f"# {line.translate(_SEPARATORS)}\n".encode() for line in in_words(about))
        self._out.write((",".join(_csv_columns(about.level)) + "\n").encode())

    def add(self, part: Part) -> None:
        """A line a row."""
        zone = self._about.header.time_zone
        columns = {
            "point": _names(part, part.points),
            "at_ms": pa.array(part.at_ms),
            "at_utc": _written(part.at_ms, np.zeros(len(part.at_ms), np.int64), "Z"),
            "at_site": _written(part.at_ms, offsets_ms(part.at_ms, zone), None),
        }
        for name, column in part.columns.items():
            columns[name] = _WORDS.take(pa.array(column)) if name == "quality" else _numbers(column)
        columns["unit"] = _names(part, [self._about.units.get(point, "") for point in part.points])
        names = _csv_columns(self._about.level)
        table = pa.table([columns[name] for name in names], names=names)
        if self._table is None:
            options = pa_csv.WriteOptions(include_header=False, quoting_style="needed")
            self._table = pa_csv.CSVWriter(self._out, table.schema, write_options=options)
        self._table.write_table(table)

    def close(self) -> None:
        """Finish the file."""
        if self._table is not None:
            self._table.close()
        self._out.close()


def _csv_columns(level: Level) -> list[str]:
    if level == "raw":
        return ["point", "at_ms", "at_utc", "at_site", "value", "unit", "quality"]
    return [
        "point",
        "at_ms",
        "at_utc",
        "at_site",
        "low",
        "high",
        "first",
        "last",
        "mean",
        "unit",
        "n",
        "good",
    ]


class ParquetSink:
    """Row groups that ascend in time, in each of them point after point."""

    def __init__(self, file: Path, about: About) -> None:
        """Opens it."""
        self._about = about
        fields = [
            pa.field("point", pa.dictionary(pa.int32(), pa.string()), nullable=False),
            pa.field("at_ms", pa.int64(), nullable=False),
            pa.field("at_utc", pa.timestamp("ms", tz="UTC"), nullable=False),
            pa.field("at_site", pa.timestamp("ms"), nullable=False),
            pa.field("unit", pa.dictionary(pa.int32(), pa.string()), nullable=False),
            *_fields(about.level),
        ]
        self._schema = pa.schema(fields, metadata=_metadata(about))
        instants = ("at_ms", "at_utc", "at_site")
        self._out = pq.ParquetWriter(
            file,
            self._schema,
            compression="zstd",
            use_dictionary=[field.name for field in fields if field.name not in instants],
            column_encoding=dict.fromkeys(instants, "DELTA_BINARY_PACKED"),
        )

    def add(self, part: Part) -> None:
        """A row group."""
        part = part.by_point()
        local_ms = part.at_ms + offsets_ms(part.at_ms, self._about.header.time_zone)
        columns = [
            _dictionary(part, part.points),
            pa.array(part.at_ms),
            pa.array(part.at_ms, pa.timestamp("ms", tz="UTC")),
            pa.array(local_ms, pa.timestamp("ms")),
            _dictionary(part, [self._about.units.get(point, "") for point in part.points]),
            *(_numbers(part.columns[field.name]) for field in _fields(self._about.level)),
        ]
        self._out.write_table(pa.Table.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._out.close()


def _fields(level: Level) -> list[Any]:
    if level == "raw":
        return [pa.field("value", pa.float64()), pa.field("quality", pa.uint8(), nullable=False)]
    values = [pa.field(name, pa.float64()) for name in ("low", "high", "first", "last", "mean")]
    return [*values, *(pa.field(name, pa.int64(), nullable=False) for name in ("n", "good"))]


def _metadata(about: About) -> dict[bytes, bytes]:
    told = {
        "by": _taken_out(about.header).by,
        "at": rfc3339(instant(_taken_out(about.header).at)),
        "site": about.header.site,
        "time_zone": about.header.time_zone,
        "from": rfc3339(instant(about.header.since_ms)),
        "to": rfc3339(instant(about.header.until_ms)),
        "level": about.level,
        "units": about.units,
        "gaps": about.header.gaps,
        "words": in_words(about)[0],
    }
    exported = {EXPORT_KEY: msgspec.json.encode(told)}
    return exported | ({KEY: msgspec.json.encode(about.header)} if about.level == "raw" else {})


def in_words(about: About) -> list[str]:
    """What people should know of the file: whose it is, who took it out and when, and what was lost."""
    header = about.header
    taken_out, name = _taken_out(header), header.name
    mark = Mark(name=taken_out.by, at=instant(taken_out.at), time_zone=header.time_zone)
    site = header.site if name is None else f"{name.zh} {name.en} ({header.site})"
    first, last = (
        written_instant(instant(ms), header.time_zone) for ms in (header.since_ms, header.until_ms)
    )
    whole = [
        f"工地卫士 SiteWarden · 历史数据 history · {site} · {_LEVELS[about.level]} · {mark.line()}",
        f"{first} ≤ t < {last} · at_utc: UTC · at_site: {header.time_zone}",
    ]
    gaps = [_in_words(gap, header.time_zone) for gap in header.gaps[:_MOST_GAPS]]
    more = len(header.gaps) - len(gaps)
    return [*whole, *gaps, *([f"另有 {more} 处缺口 and {more} more gaps"] if more else [])]


def _in_words(gap: Gap, time_zone: str) -> str:
    first, last = (written_instant(instant(ms), time_zone) for ms in (gap.from_at, gap.to_at))
    lost = f" · {gap.count}" if gap.count else ""
    return f"缺口 gap: {first} – {last} · {_REASONS[gap.reason]} {gap.reason}{lost} · {' '.join(gap.points)}"


def _taken_out(header: Header) -> TakenOut:
    return header.taken_out or TakenOut(by="", at=header.until_ms)


def offsets_ms(at_ms: NDArray[np.int64], time_zone: str) -> NDArray[np.int64]:
    """How far the clocks of a site are ahead of UTC at each instant."""
    zone = zoneinfo.ZoneInfo(time_zone)
    quarters, places = np.unique(at_ms // _QUARTER_MS, return_inverse=True)
    offsets = [_ahead_ms(quarter * _QUARTER_MS, zone) for quarter in quarters.tolist()]
    return np.array(offsets, np.int64)[places]


def _ahead_ms(at_ms: int, zone: zoneinfo.ZoneInfo) -> int:
    ahead = instant(at_ms).astimezone(zone).utcoffset() or dt.timedelta()
    return ahead // dt.timedelta(milliseconds=1)


def _written(at_ms: NDArray[np.int64], ahead_ms: NDArray[np.int64], suffix: str | None) -> Any:
    """Instants as texts, each with its offset."""
    stamps = pc.strftime(pa.array(at_ms + ahead_ms, pa.timestamp("ms")), format=_STAMP)
    if suffix is not None:
        return pc.binary_join_element_wise(stamps, suffix, "")
    known, places = np.unique(ahead_ms, return_inverse=True)
    texts = pa.array([_offset(int(ms)) for ms in known]).take(pa.array(places))
    return pc.binary_join_element_wise(stamps, texts, "")


def _offset(ms: int) -> str:
    minutes = abs(ms) // 60_000
    return f"{'-' if ms < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def _dictionary(part: Part, words: list[str]) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(part.which), pa.array(words, pa.string()))


def _names(part: Part, words: list[str]) -> Any:
    return _dictionary(part, words).dictionary_decode()


def _numbers(column: NDArray[Any]) -> Any:
    return pa.array(column, mask=np.isnan(column)) if column.dtype.kind == "f" else pa.array(column)
