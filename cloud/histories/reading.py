"""A history out of the database, part by part: at most some hundred thousand rows are held at once."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import LiteralString, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from cloud.backtest.asked import Asked
from cloud.backtest.service import DatabaseSource, open_history
from cloud.backtest.store import StoredPoint
from cloud.database import Connection, instant, milliseconds
from cloud.histories.store import ROLLED, Job, counted
from cloud.readings.levels import LEVEL_MS
from cloud.registry.known import SiteEntry
from sitewarden.derived.crane import CRANE_INPUTS
from sitewarden.history import DevicePast, Header, TakenOut
from sitewarden.history.rows import Rows
from sitewarden.messages import Gap, PointBirth
from sitewarden.points import vocabulary
from sitewarden.rules.model import LimitChange

RAW_AT_ONCE, ROLLED_AT_ONCE = 250_000, 50_000
"""Rows of a part; one hour of all points is never cut."""
_GAPS: LiteralString = """
    SELECT from_at, to_at, count, reason, array_agg(DISTINCT name ORDER BY name)
      FROM (SELECT DISTINCT gateway_id, name FROM point WHERE id = ANY (%(ids)s::int[])) AS asked
           JOIN gap USING (gateway_id)
     WHERE from_at < %(to)s AND to_at >= %(from)s AND (points = '{}' OR name = ANY (points))
     GROUP BY gateway_id, boot, seq, place, from_at, to_at, count, reason ORDER BY from_at, to_at
"""
COLUMNS = ("low", "high", "first", "last", "mean", "n", "good")
"""Of a level, beside point and instant."""


class Part(NamedTuple):
    """Rows in the order of their instants."""

    points: list[str]
    which: NDArray[np.int32]
    """Counts into `points`."""
    at_ms: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.float64] | NDArray[np.int64] | NDArray[np.uint8]]
    """`value` and `quality` of readings, else those of a level. NaN is no value."""

    def by_point(self) -> "Part":
        """The same rows, point after point."""
        order = np.argsort(self.which, kind="stable")
        columns = {name: column[order] for name, column in self.columns.items()}
        return Part(self.points, self.which[order], self.at_ms[order], columns)


class Reader:
    """What a job asks for; one connection, one thread."""

    def __init__(self, connection: Connection, site: SiteEntry, job: Job) -> None:
        """Points that nobody has announced are left out."""
        self._connection, self._job = connection, job
        self._start_ms, self._end_ms = milliseconds(job.start), milliseconds(job.end)
        asked = Asked(site, None, self._start_ms, self._end_ms, job.mode)
        self._source: DatabaseSource = open_history(connection, asked)
        told = {point.p for device in self._source.header.devices for point in device.points}
        self.points = sorted(point for point in set(job.points) if point in told)
        taken_out = TakenOut(by=job.author, at=milliseconds(job.asked_at))
        header = msgspec.structs.replace(self._source.header, taken_out=taken_out)
        self._ids = [point_id for point in self.points for point_id, _ in self._source.stored(point).rows]
        gaps = _gaps(connection, self._ids, job.start, job.end)
        self.header = narrowed(header, frozenset(self.points), gaps)
        kinds = vocabulary()
        self.units = {point: _unit(kinds, self._source.stored(point).kind) for point in self.points}

    def parts(self) -> Iterator[Part]:
        """All rows."""
        is_raw = self._job.level == "raw"
        for first_ms, end_ms in self._spans(RAW_AT_ONCE if is_raw else ROLLED_AT_ONCE):
            part = self._raw(first_ms, end_ms) if is_raw else self._rolled(first_ms, end_ms)
            if part.at_ms.size:
                yield part

    def _spans(self, most: int) -> Iterator[tuple[int, int]]:
        """The whole span, cut where hours begin; nothing that comes late meanwhile falls between."""
        hours = counted(self._connection, self._ids, self._job.level, self._start_ms, self._end_ms)
        first_ms, held = self._start_ms, 0
        for at_ms, rows in hours:
            if held and held + rows > most and at_ms > first_ms:
                yield first_ms, at_ms
                first_ms, held = at_ms, 0
            held += rows
        yield first_ms, self._end_ms

    def _raw(self, first_ms: int, end_ms: int) -> Part:
        rows = Rows.of(self._source.tracks(self.points, first_ms, end_ms))
        return Part(rows.points, rows.which, rows.at_ms, {"value": rows.values, "quality": rows.quality})

    def _rolled(self, first_ms: int, end_ms: int) -> Part:
        """Whole buckets: the first and the last may reach beyond what was asked for."""
        unit = LEVEL_MS[self._job.level]
        span = (first_ms // unit * unit, -(-end_ms // unit) * unit)
        read = [self._bucketed(self._source.stored(point), *span) for point in self.points]
        lengths = [len(rows) for rows in read]
        which = np.repeat(np.arange(len(read), dtype=np.int32), lengths)
        table = np.concatenate([np.empty((0, 8)), *(rows for rows in read if len(rows))])
        order = np.argsort(table[:, 0], kind="stable")
        columns = {name: table[order, place] for place, name in enumerate(COLUMNS, 1)}
        counts = {name: columns[name].astype(np.int64) for name in ("n", "good")}
        return Part(self.points, which[order], table[order, 0].astype(np.int64), columns | counts)

    def _bucketed(self, point: StoredPoint, first_ms: int, end_ms: int) -> NDArray[np.float64]:
        asked = {
            "ids": [point_id for point_id, _ in point.rows],
            "scales": [resolution for _, resolution in point.rows],
            "from": instant(first_ms),
            "to": instant(end_ms),
        }
        found = self._connection.execute(ROLLED[self._job.level], asked).fetchall()
        table = np.array(found, dtype=np.float64).reshape(-1, 8)
        decimals = _decimals(min(resolution for _, resolution in point.rows))
        table[:, 1:5] = np.round(table[:, 1:5], decimals)
        # The mean of many lies between the steps of one.
        table[:, 5] = np.round(table[:, 5], decimals + 2)
        return table


def narrowed(header: Header, points: frozenset[str], gaps: list[Gap]) -> Header:
    """The header with what is told of these points alone: of others not even that they exist."""
    devices = [
        msgspec.structs.replace(device, points=_kept(device, points))
        for device in header.devices
        if any(point.p in points for point in device.points)
    ]
    return msgspec.structs.replace(
        header,
        devices=devices,
        gaps=gaps,
        alarms=[alarm for alarm in header.alarms if alarm.point in points],
        changes=[change for change in header.changes if any(_is_of(change, point) for point in points)],
    )


def _kept(device: DevicePast, points: frozenset[str]) -> list[PointBirth]:
    """Those of the file, and whatever no gateway reads a crane without: else none would replay it."""
    needed = CRANE_INPUTS if device.chart is not None else ()
    return [point for point in device.points if point.p in points or point.kind in needed]


def _is_of(change: LimitChange, point: str) -> bool:
    device, _, key = point.partition("/")
    return change.device in (None, device) and change.point in (None, key)


def _gaps(connection: Connection, ids: Sequence[int], start: dt.datetime, end: dt.datetime) -> list[Gap]:
    """What the gateways of these points had to give up; each gap names those of them that it is of."""
    asked = {"ids": list(ids), "from": start, "to": end}
    return [
        Gap(from_at=milliseconds(first), to_at=milliseconds(last), count=n, reason=reason, points=points)
        for first, last, n, reason, points in connection.execute(_GAPS, asked).fetchall()
    ]


def _unit(kinds: Mapping[str, object], kind: str) -> str:
    known = kinds.get(kind)
    unit = getattr(known, "unit", "")
    return "" if unit == "1" else str(unit)


def _decimals(resolution: float) -> int:
    return max(0, -math.floor(math.log10(resolution))) + 1
