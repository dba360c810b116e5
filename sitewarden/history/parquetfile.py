"""A history in Parquet: row groups that a range of time can skip, in each of them point after point.

So a group is cut into tracks without sorting, and its instants, which climb steadily, take next to no room.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sitewarden.errors import ConfigurationError
from sitewarden.history.rows import Rows
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


def read_rows(file: Path, first_ms: int, end_ms: int, most: int = MOST_ROWS) -> Iterator[Rows]:
    """The rows at `first_ms` <= instant < `end_ms`, a row group at a time; groups outside are not read.

    Refused before anything is read where the groups have more than `most` rows.
    """
    opened = _opened(file)
    missing = [name for name in _COLUMNS if name not in opened.schema_arrow.names]
    if missing:
        mend = f"A history has the columns {', '.join(_COLUMNS)}."
        raise ConfigurationError(file, 0, missing[0], "is not a column", mend)
    groups = [group for group in range(opened.num_row_groups) if _overlaps(opened, group, first_ms, end_ms)]
    count = sum(opened.metadata.row_group(group).num_rows for group in groups)
    if count > most:
        message = f"has {count:,} readings in this range, more than {most:,}"
        raise ConfigurationError(file, 0, "", message, "Ask for a shorter range, or export fewer devices.")
    try:
        for group in groups:
            yield _rows(file, opened.read_row_group(group, columns=_COLUMNS)).between(first_ms, end_ms)
    except (pa.ArrowException, OSError) as exc:
        raise ConfigurationError(file, 0, "", f"is damaged: {exc}", "Export it anew.") from exc


def _opened(file: Path) -> Any:
    try:
        return pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as exc:
        raise ConfigurationError(file, 0, "", f"is no Parquet file: {exc}", "Check the path.") from exc


def _overlaps(opened: Any, group: int, first_ms: int, end_ms: int) -> bool:
    column = opened.schema_arrow.get_field_index("at_ms")
    statistics = opened.metadata.row_group(group).column(column).statistics
    if statistics is None or not statistics.has_min_max:
        return True
    return bool(statistics.max >= first_ms and statistics.min < end_ms)


def _rows(file: Path, table: Any) -> Rows:
    for name in ("point", "at_ms"):
        if table[name].null_count:
            raise ConfigurationError(file, 0, name, "is missing in some rows", "Give every row one.")
    worst = pc.max(table["quality"]).as_py()
    if worst is not None and worst > max(Quality):
        raise ConfigurationError(
            file, 0, "quality", f"{worst} is no quality", f"Write 0 to {int(max(Quality))}."
        )
    point = table["point"].combine_chunks()
    if not pa.types.is_dictionary(point.type):
        point = point.dictionary_encode()
    if isinstance(point, pa.ChunkedArray):
        point = point.unify_dictionaries().combine_chunks()
    values = pc.fill_null(table["value"].cast(pa.float64()), float("nan")).to_numpy()
    quality = pc.fill_null(table["quality"], int(Quality.GOOD)).to_numpy().astype(np.uint8, copy=False)
    # What is no number is never good, whatever another program wrote beside it.
    doubtful = (quality == Quality.GOOD) & ~np.isfinite(values)
    if doubtful.any():
        quality = np.where(doubtful, np.uint8(Quality.NOT_A_NUMBER), quality)
    return Rows(
        point.dictionary.to_pylist(),
        point.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False),
        table["at_ms"].to_numpy().astype(np.int64, copy=False),
        values,
        quality,
    )
