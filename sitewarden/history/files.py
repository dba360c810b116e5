"""One history, one file: Parquet by its ending `.parquet`, else CSV; both hold the same.

Columns are `point`, `at_ms`, `value`, `quality`; read in any order. The header is JSON: in Parquet
the schema's metadata under `sitewarden`, in CSV a first line `#sitewarden {…}`. All of it stands in
docs/reference/history-file.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from sitewarden.errors import ConfigurationError
from sitewarden.history import csvfile, parquetfile
from sitewarden.history.gathering import TwiceError, gathered
from sitewarden.history.model import VERSION, Header, History, Track
from sitewarden.history.rows import Rows
from sitewarden.topics import IDENTIFIER

PARQUET = ".parquet"
_SLICE = 1_000_000
"""Rows that are written at once."""


class _Sink(Protocol):
    """A file being written."""

    def add(self, rows: Rows) -> None:
        """Append rows."""

    def close(self) -> None:
        """Finish the file."""


class HistoryWriter:
    """Writes rows as they come, inside `with`; the file is there whole or not at all."""

    def __init__(self, file: Path, header: Header) -> None:
        """The ending of `file` says which format."""
        self._file, self._draft = file, file.with_name(f".{file.name}.new")
        encoded = msgspec.json.encode(header)
        self._out: _Sink = (
            parquetfile.Writer(self._draft, encoded)
            if file.suffix == PARQUET
            else csvfile.Writer(self._draft, encoded)
        )

    def add(
        self,
        points: Sequence[str],
        which: NDArray[np.int32],
        at_ms: NDArray[np.int64],
        values: NDArray[np.float64],
        quality: NDArray[np.uint8],
    ) -> None:
        """Append rows, not older than those before: `which` counts into `points`, NaN is no value."""
        self._out.add(Rows(list(points), which, at_ms, values, quality))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._out.close()
        if kind is None:
            self._draft.replace(self._file)
        else:
            self._draft.unlink(missing_ok=True)


def write_history(file: Path, history: History) -> None:
    """Write a history that is whole in memory."""
    rows = Rows.of(history.tracks)
    with HistoryWriter(file, history.header) as out:
        for first in range(0, len(rows.at_ms), _SLICE):
            part = rows.slice(first, first + _SLICE)
            out.add(part.points, part.which, part.at_ms, part.values, part.quality)


def read_header(file: Path) -> Header:
    """What the file says of itself; raises `ConfigurationError` where it is no history."""
    header = find_header(file)
    if header is None:
        mend = "Export it with `sitewarden cloud export`; a replay may be told by `--config gateway.yaml`."
        raise ConfigurationError(file, 1, "", "does not say which devices it is of", mend)
    return header


def find_header(file: Path) -> Header | None:
    """The same; `None` where another program wrote the file."""
    encoded = parquetfile.read_header(file) if file.suffix == PARQUET else csvfile.read_header(file)
    return None if encoded is None else _understood(file, encoded)


def read_history(
    file: Path,
    *,
    since_ms: int | None = None,
    until_ms: int | None = None,
    header: Header | None = None,
    most: int = parquetfile.MOST_ROWS,
) -> History:
    """The readings at `since_ms` <= instant < `until_ms`; `header` stands in for one that the file lacks.

    Raises `ConfigurationError` where the file is no history, has a point twice at one instant, or is Parquet
    with more than `most` readings in the range.
    """
    known = header or read_header(file)
    first = known.since_ms if since_ms is None else max(since_ms, known.since_ms)
    end = known.until_ms if until_ms is None else min(until_ms, known.until_ms)
    try:
        return History(known, _tracks(file, first, end, most))
    except TwiceError as exc:
        message = f"has the instant {exc.at_ms} ms twice"
        raise ConfigurationError(
            file, 0, exc.point, message, "Keep one reading a point and instant."
        ) from exc


def _tracks(file: Path, first_ms: int, end_ms: int, most: int) -> Mapping[str, Track]:
    if file.suffix == PARQUET:
        reading = parquetfile.Reading(file, first_ms, end_ms, most)
        return gathered(reading.parts(), reading.counts)
    part = csvfile.read_rows(file, first_ms, end_ms).part()
    return gathered([part], {point: run.stop - run.start for point, run in part.runs()})


def _understood(file: Path, encoded: bytes) -> Header:
    try:
        version = msgspec.json.decode(encoded, type=_Versioned).v
        if version != VERSION:
            message = f"has version {version} of the format, this program knows {VERSION}"
            raise ConfigurationError(file, 1, "v", message, "Update SiteWarden, or export the file anew.")
        header = msgspec.json.decode(encoded, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ConfigurationError(file, 1, "", f"has a damaged header: {exc}", "Export it anew.") from exc
    for field, name in _names(header):
        if not IDENTIFIER.fullmatch(name):
            mend = "Write at most 63 of a-z, 0-9 and -, none of them - at the beginning."
            raise ConfigurationError(file, 1, field, f"`{name}` is no name of ours", mend)
    return header


def _names(header: Header) -> Iterator[tuple[str, str]]:
    """Whatever goes into topics, file names and addresses: a history may come from a stranger."""
    if header.site:
        yield "site", header.site
    if header.gateway:
        yield "gateway", header.gateway
    for i, device in enumerate(header.devices):
        yield f"devices.{i}.device", device.device


class _Versioned(msgspec.Struct):
    v: int = VERSION
