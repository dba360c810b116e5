"""A logger's memory, imported once: what was before the gateway came, so a day's rate is known at once."""

import csv
import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from edge.config import Device
from edge.recorder import batch_of
from sitewarden.derived import Derivations
from sitewarden.errors import ConfigurationError
from sitewarden.messages import Readings
from sitewarden.points import point_kind, quantise
from sitewarden.quality import Quality
from sitewarden.readings import Reading

INSTANTS = 300
"""Of one message."""
READINGS = 10_000
"""Of one message, where a device has very many points."""
AT = "at"


def digest(file: Path) -> str:
    """By which a file that was imported is known again."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def read_history(device: Device, file: Path) -> list[list[Reading]]:
    """The raw readings by instant, oldest first; raises `ConfigurationError` naming a bad cell."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise ConfigurationError(file, 0, "", f"cannot be read: {exc.strerror}", "Check the path.") from exc
    except UnicodeDecodeError as exc:
        raise ConfigurationError(file, 0, "", "is not UTF-8 text", "Save it as UTF-8.") from exc
    return [instant for instant in _Table(device, file).instants(text) if instant]


def as_messages(
    device: Device, derivations: Derivations, instants: Sequence[Sequence[Reading]]
) -> Iterator[Readings]:
    """Back-fill messages of raw and derived readings; the derivations remember them for live ones.

    Derived from rounded readings, as live ones are.
    """
    resolutions = {birth.p: point_kind(birth.kind).resolution for birth in device.points}
    instants_of_one = max(1, min(INSTANTS, READINGS // len(device.points)))
    for first in range(0, len(instants), instants_of_one):
        part = instants[first : first + instants_of_one]
        readings: list[Reading] = []
        for instant in part:
            raw = _rounded(instant, resolutions)
            readings += (*raw, *_rounded(derivations.learn(raw), resolutions))
        yield batch_of(readings, derivations.fetch_cycles(), hist=True)


def as_past(device: Device, readings: Sequence[Reading]) -> Readings:
    """A back-fill message of raw readings that a device had kept; nothing is derived from them any more."""
    resolutions = {birth.p: point_kind(birth.kind).resolution for birth in device.points}
    return batch_of(_rounded(readings, resolutions), hist=True)


def _rounded(readings: Iterable[Reading], resolutions: Mapping[str, float]) -> list[Reading]:
    return [
        r if r.value is None else r._replace(value=quantise(r.value, resolutions[r.point])) for r in readings
    ]


class _Table:
    """One file being read: which device its columns belong to, and where a complaint stands."""

    def __init__(self, device: Device, file: Path) -> None:
        self._device, self._file = device, file
        self._line = 1

    def instants(self, text: str) -> Iterator[list[Reading]]:
        rows = csv.reader(text.splitlines())
        columns = self._columns(next(rows, []))
        before = -1
        for row in rows:
            self._line = rows.line_num
            if not row:
                continue
            if len(row) != len(columns) + 1:
                message = f"has {len(row)} cells, the header has {len(columns) + 1}"
                raise self._error("", message, "Leave a missing value empty.")
            before = at_ms = self._instant(row[0], before)
            cells = zip(columns, row[1:], strict=True)
            yield [self._reading(at_ms, key, cell) for key, cell in cells if cell.strip()]

    def _error(self, column: str, message: str, mend: str) -> ConfigurationError:
        return ConfigurationError(self._file, self._line, column, message, mend)

    def _columns(self, header: list[str]) -> list[str]:
        if not header or header[0].strip() != AT:
            raise self._error(AT, "is not the first column", "Begin the header with `at`.")
        columns = [name.strip() for name in header[1:]]
        for i, name in enumerate(columns):
            if name not in self._device.profile.points:
                known = ", ".join(self._device.profile.points)
                message = f"is not a point of `{self._device.profile.profile}`"
                raise self._error(name, message, f"Points are {known}.")
            if name in columns[:i]:
                raise self._error(name, "is given twice", "Keep one column of a point.")
        return columns

    def _instant(self, cell: str, before: int) -> int:
        mend = "Write an instant such as 2026-05-04T08:00:00Z."
        try:
            at = datetime.fromisoformat(cell.strip())
        except ValueError as exc:
            raise self._error(AT, f"`{cell}` is not an instant", mend) from exc
        if at.tzinfo is None:
            raise self._error(AT, f"`{cell}` does not say its offset from UTC", mend)
        at_ms = round(at.timestamp() * 1000)
        if at_ms <= before:
            raise self._error(AT, f"`{cell}` is not later than the line before", "Sort by time.")
        return at_ms

    def _reading(self, at_ms: int, key: str, cell: str) -> Reading:
        try:
            value = float(cell)
        except ValueError as exc:
            mend = "Write a number, or leave the cell empty."
            raise self._error(key, f"`{cell}` is not a number", mend) from exc
        point, limits = f"{self._device.name}/{key}", self._device.profile.points[key].range
        if not math.isfinite(value):
            return Reading(point, at_ms, None, Quality.NOT_A_NUMBER)
        if limits is not None and not limits[0] <= value <= limits[1]:
            return Reading(point, at_ms, None, Quality.OUT_OF_RANGE)
        return Reading(point, at_ms, value)
