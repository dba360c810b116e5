"""A history in Parquet: row groups that a range of time can skip, in each of them point after point.

So a group is cut into tracks without sorting, and its instants, which climb steadily, take next to no room.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sitewarden.errors import ConfigurationError
from sitewarden.history.gathering import Part
from sitewarden.history.rows import Rows, run_ends
from sitewarden.quality import Quality

KEY = b"sitewarden"
MOST_ROWS = 200_000_000
"""That are read at once, some GB of memory: repeated values pack so well that a small file holds many."""
_COLUMNS = ["point", "at_ms", "value", "quality"]


def _schema(header: bytes) -> Any:
    return pa.schema(
        [
            pa.field("point", pa.dictionary(pa.int32(), pa.string()), nullable=False),
            pa.field("at_ms", pa.int64(), nullable=False),
            pa.field("value", pa.float64()),
            pa.field("quality", pa.uint8(), nullable=False),
        ],
        metadata={KEY: header},
    )


class Writer:
    """A file being written."""

    def __init__(self, file: Path, header: bytes) -> None:
        """Opens it at once."""
        self._schema = _schema(header)
        self._out = pq.ParquetWriter(
            file,
            self._schema,
            compression="zstd",
            use_dictionary=["point", "value", "quality"],
            column_encoding={"at_ms": "DELTA_BINARY_PACKED"},
        )

    def add(self, rows: Rows) -> None:
        """A row group."""
        rows = rows.by_point()
        point = pa.DictionaryArray.from_arrays(pa.array(rows.which), pa.array(rows.points, pa.string()))
        values = pa.array(rows.values, mask=np.isnan(rows.values))
        columns = [point, pa.array(rows.at_ms), values, pa.array(rows.quality)]
        self._out.write_table(pa.Table.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._out.close()


def read_header(file: Path) -> bytes | None:
    """The header in the schema, `None` where another program wrote the file."""
    metadata = _opened(file).schema_arrow.metadata or {}
    found: bytes | None = metadata.get(KEY)
    return found


class _Runs(NamedTuple):
    """Where a row group has which point; `ends` as in `Part`."""

    points: list[str]
    ends: list[int]


class Reading:
    """The readings of a file at `first_ms` <= instant < `end_ms`; row groups outside are not read.

    The points of all groups are read first: whoever gathers the parts knows then how much room each takes.
    """

    def __init__(self, file: Path, first_ms: int, end_ms: int, most: int = MOST_ROWS) -> None:
        """Raises `ConfigurationError` where the file is none, or its groups have more than `most` rows."""
        self._file, self._first_ms, self._end_ms = file, first_ms, end_ms
        self._opened = _opened(file)
        _check_columns(file, self._opened.schema_arrow)
        groups = range(self._opened.num_row_groups)
        wanted = [group for group in groups if _overlaps(self._opened, group, first_ms, end_ms)]
        count = sum(self._opened.metadata.row_group(group).num_rows for group in wanted)
        if count > most:
            message = f"has {count:,} readings in this range, more than {most:,}"
            raise ConfigurationError(
                file, 0, "", message, "Ask for a shorter range, or export fewer devices."
            )
        self.counts: dict[str, int] = {}
        """How many readings a point has at most."""
        with _damage_told(file):
            self._runs = {group: self._look_through(group) for group in wanted}

    def parts(self) -> Iterator[Part]:
        """A row group at a time; raises `ConfigurationError`."""
        for group, runs in self._runs.items():
            with _damage_told(self._file):
                part = self._part(group, runs)
            yield part

    def _look_through(self, group: int) -> _Runs | None:
        """The runs of a group and their readings counted; `None` where sorting it is less work."""
        points, which = self._points(group)
        ends = run_ends(which)
        runs = _Runs([points[i] for i in which[ends - 1].tolist()], ends.tolist())
        for point, count in zip(runs.points, np.diff(ends, prepend=0).tolist(), strict=True):
            self.counts[point] = self.counts.get(point, 0) + count
        return runs if len(ends) <= len(points) else None

    def _part(self, group: int, runs: _Runs | None) -> Part:
        at_ms, values, quality = self._columns(group)
        if runs is not None and _are_within(at_ms, self._first_ms, self._end_ms):
            return Part(runs.points, runs.ends, at_ms, values, quality)
        rows = Rows(*self._points(group), at_ms, values, quality)
        return rows.between(self._first_ms, self._end_ms).part()

    def _points(self, group: int) -> tuple[list[str], NDArray[np.int32]]:
        column = self._column(self._opened.read_row_group(group, columns=["point"]), "point")
        which = column.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
        return column.dictionary.to_pylist(), which

    def _columns(self, group: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint8]]:
        table = self._opened.read_row_group(group, columns=_COLUMNS[1:])
        at_ms = self._column(table, "at_ms").to_numpy().astype(np.int64, copy=False)
        _check_quality(self._file, table["quality"])
        quality = _without_nulls(table["quality"], int(Quality.GOOD)).astype(np.uint8, copy=False)
        values = _without_nulls(table["value"].cast(pa.float64()), float("nan"))
        # What is no number is never good, whatever another program wrote beside it.
        missing = np.flatnonzero(~np.isfinite(values))
        if np.isinf(values[missing]).any():
            values = values.copy()
            values[missing] = np.nan
        doubtful = missing[quality[missing] == Quality.GOOD]
        if doubtful.size:
            quality = quality.copy()
            quality[doubtful] = Quality.NOT_A_NUMBER
        return at_ms, values, quality

    def _column(self, table: Any, name: str) -> Any:
        if table[name].null_count:
            raise ConfigurationError(self._file, 0, name, "is missing in some rows", "Give every row one.")
        return _in_one(table[name])


def _in_one(column: Any) -> Any:
    if column.num_chunks == 1:
        return column.chunk(0)
    whole = column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column
    return whole.combine_chunks()


def _without_nulls(column: Any, instead: float) -> NDArray[Any]:
    whole = _in_one(column)
    filled = pc.fill_null(whole, instead) if whole.null_count else whole
    numbers: NDArray[Any] = filled.to_numpy()
    return numbers


def _check_columns(file: Path, schema: Any) -> None:
    """Each once, and of a kind that can be meant: told before a reading is looked at."""
    for name in _COLUMNS:
        count = schema.names.count(name)
        if count != 1:
            message = "is there twice" if count else "is not a column"
            raise ConfigurationError(
                file, 0, name, message, f"A history has the columns {', '.join(_COLUMNS)}."
            )
    for name, (is_meant, wanted, mend) in _KINDS.items():
        kind = schema.field(name).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if not is_meant(kind):
            raise ConfigurationError(file, 0, name, f"is {kind}, not {wanted}", mend)


def _is_text(kind: Any) -> bool:
    return any(
        is_one(kind) for is_one in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )


def _is_number(kind: Any) -> bool:
    is_decimal = pa.types.is_decimal(kind)
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or is_decimal)


_KINDS = {
    "point": (lambda kind: _is_text(kind) or pa.types.is_null(kind), "text", "Write names as text."),
    "at_ms": (
        lambda kind: pa.types.is_signed_integer(kind) or pa.types.is_null(kind),
        "whole milliseconds",
        "Write milliseconds since 1970, UTC, as int64.",
    ),
    "value": (lambda kind: _is_number(kind) or pa.types.is_null(kind), "numbers", "Write them as float64."),
    "quality": (pa.types.is_integer, "a number", f"Write 0 to {int(max(Quality))} as uint8."),
}
"""By column: what it may be, in words, and the mend. Nothing at all is told row by row."""


def _check_quality(file: Path, column: Any) -> None:
    ends = pc.min_max(column).as_py()
    for told in (ends["min"], ends["max"]):
        if told is not None and not 0 <= told <= max(Quality):
            message = f"{told} is no quality"
            raise ConfigurationError(file, 0, "quality", message, f"Write 0 to {int(max(Quality))}.")


def _are_within(at_ms: NDArray[np.int64], first_ms: int, end_ms: int) -> bool:
    return bool(at_ms.size and first_ms <= at_ms.min() and at_ms.max() < end_ms)


@contextmanager
def _damage_told(file: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as exc:
        raise ConfigurationError(file, 0, "", f"is damaged: {exc}", "Export it anew.") from exc


def _opened(file: Path) -> Any:
    try:
        # Names repeat a million times: only their numbers are unpacked.
        return pq.ParquetFile(file, read_dictionary=["point"])
    except (pa.ArrowException, OSError) as exc:
        reason = str(exc).rstrip(".")
        raise ConfigurationError(file, 0, "", f"is no Parquet file: {reason}", "Check the path.") from exc
    except KeyError as exc:
        # Names that are lists or the like have no numbers of their own.
        raise ConfigurationError(file, 0, "point", "is not a column of text", "Write names as text.") from exc


def _overlaps(opened: Any, group: int, first_ms: int, end_ms: int) -> bool:
    # By its path: columns of columns before it count for several here.
    paths = [opened.schema.column(i).path for i in range(len(opened.schema))]
    statistics = opened.metadata.row_group(group).column(paths.index("at_ms")).statistics
    if statistics is None or not statistics.has_min_max:
        return True
    return bool(statistics.max >= first_ms and statistics.min < end_ms)
