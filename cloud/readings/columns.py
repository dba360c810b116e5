"""Readings of many messages as columns, and those columns as binary COPY takes them, built at once."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cloud.readings.sent import PG_EPOCH_MS
from cloud.sites.registry import PointEntry
from sitewarden.messages import Series
from sitewarden.quality import Quality

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
_LARGEST = 2.0**62
"""Of a value as a multiple: far enough within eight bytes that neither packing nor rounding leaves them."""
_FURTHEST_MS = 2**53
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_NO_VALUE = -1
_FIELDS = [("n", ">i2"), ("n_at", ">i4"), ("at", ">i8"), ("n_value", ">i4")]
_REST = [("n_point", ">i4"), ("point", ">i4"), ("n_quality", ">i4"), ("quality", ">i2")]
_WITH_VALUE = np.dtype([*_FIELDS, ("value", ">i8"), *_REST])
_WITHOUT = np.dtype([*_FIELDS, *_REST])

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class _Run(NamedTuple):
    """Readings of one message, which follow one another."""

    n: int
    gateway_id: int
    seen_ms: int


class Columns:
    """Readings as they are gathered from messages; values in the unit of their point."""

    def __init__(self) -> None:
        """None yet."""
        self.point_ids: list[int] = []
        self.at_ms: list[int] = []
        self.values: list[float | None] = []
        self.resolutions: dict[int, float] = {}
        self.qualities: list[tuple[int, list[int]]] = []
        """Where they begin, and what they are; everywhere else they are good."""
        self.runs: list[_Run] = []

    def __len__(self) -> int:
        """How many readings."""
        return len(self.point_ids)

    def add(
        self,
        gateway_id: int,
        points: Mapping[str, PointEntry],
        at_ms: int,
        series: list[Series],
        seen_ms: int,
    ) -> Iterator[str]:
        """The readings of a message; yields what is wrong with those that are not taken.

        `seen_ms`: what their instants are judged against, see `cloud.ingest.decoding.present_ms`. Series of
        other points than these are passed over.
        """
        before = len(self.point_ids)
        for one in series:
            point = points.get(one.p)
            if point is None:
                continue
            limit = point.resolution * _LARGEST
            # Nearly every series has one good reading, and a worker spends its time here.
            if one.q is None and len(one.t) == 1:
                x, at = one.x[0], at_ms + one.t[0]
                if x is not None and -limit < x < limit and -_FURTHEST_MS < at < _FURTHEST_MS:
                    self.values.append(x)
                    self.at_ms.append(at)
                    self.point_ids.append(point.id)
                    self.resolutions[point.id] = point.resolution
                    continue
            yield from self._add_many(point, at_ms, one, limit)
        self.runs.append(_Run(len(self.point_ids) - before, gateway_id, seen_ms))

    def _add_many(self, point: PointEntry, at_ms: int, series: Series, limit: float) -> Iterator[str]:
        instants = [at_ms + t for t in series.t]
        if not all(-_FURTHEST_MS < at < _FURTHEST_MS for at in instants):
            yield f"an instant of {series.p} is none"
        elif not all(x is None or -limit < x < limit for x in series.x):
            yield f"a value of {series.p} does not fit"
        else:
            if series.q is not None:
                self.qualities.append((len(self.point_ids), _qualities(series.x, series.q)))
            self.values += series.x
            self.at_ms += instants
            self.point_ids += [point.id] * len(instants)
            self.resolutions[point.id] = point.resolution


class Batch(NamedTuple):
    """Readings as arrays of one length."""

    points: Ints
    at_ms: Ints
    values: Ints
    """Whole multiples of the point's resolution; 0 where there is none."""
    has_value: Bools
    qualities: Ints
    gateways: Ints
    seen_ms: Ints

    @classmethod
    def of(cls, columns: Columns) -> "Batch":
        """The columns; only a good or a stale reading keeps its value."""
        points = np.array(columns.point_ids, dtype=np.int64)
        qualities = np.zeros(len(points), dtype=np.int64)
        for begin, told in columns.qualities:
            qualities[begin : begin + len(told)] = told
        x = np.array(columns.values, dtype=np.float64)
        has_value = (qualities <= Quality.STALE) & ~np.isnan(x)
        multiples = np.rint(np.where(has_value, x, 0.0) / _resolutions(columns.resolutions, points))
        lengths = [run.n for run in columns.runs]
        return cls(
            points=points,
            at_ms=np.array(columns.at_ms, dtype=np.int64),
            values=multiples.astype(np.int64),
            has_value=has_value,
            qualities=qualities,
            gateways=np.repeat(np.array([run.gateway_id for run in columns.runs], dtype=np.int64), lengths),
            seen_ms=np.repeat(np.array([run.seen_ms for run in columns.runs], dtype=np.int64), lengths),
        )

    def __bool__(self) -> bool:
        """Whether there is a reading in it."""
        return bool(len(self.points))

    def where(self, chosen: Bools | Ints) -> "Batch":
        """Those readings alone, or in that order."""
        chosen_columns: Any = (column[chosen] for column in self)
        return Batch(*chosen_columns)

    def in_order(self) -> "Batch":
        """By point and instant, each once: of several with one key the first that came."""
        order = np.lexsort((self.at_ms, self.points))
        points, at_ms = self.points[order], self.at_ms[order]
        is_first = np.ones(len(order), dtype=bool)
        is_first[1:] = (points[1:] != points[:-1]) | (at_ms[1:] != at_ms[:-1])
        return self.where(order[is_first])

    def last_of_points(self) -> "Batch":
        """The last reading of each point; of a batch in order."""
        is_last = np.ones(len(self.points), dtype=bool)
        is_last[:-1] = self.points[1:] != self.points[:-1]
        return self.where(is_last)

    def days(self) -> list[int]:
        """The UTC days, counted from 1970."""
        return [int(day) for day in np.unique(self.at_ms // DAY_MS)]

    def hours(self) -> Iterator[tuple[int, int]]:
        """Each point and hour, the hour's beginning in UTC milliseconds, ascending."""
        pairs = np.unique(np.stack((self.points, self.at_ms // HOUR_MS)), axis=1)
        return zip(pairs[0].tolist(), (pairs[1] * HOUR_MS).tolist(), strict=True)

    def nullable(self) -> list[int | None]:
        """The values, with `None` where there is none."""
        pairs = zip(self.values.tolist(), self.has_value.tolist(), strict=True)
        return [value if there else None for value, there in pairs]

    def copied(self) -> bytes:
        """As binary COPY takes the columns (at, value, point_id, quality)."""
        with_value, without = self.where(self.has_value), self.where(~self.has_value)
        return b"".join((_HEADER, _rows(with_value, _WITH_VALUE), _rows(without, _WITHOUT), _TRAILER))


def _rows(batch: Batch, layout: np.dtype[np.void]) -> bytes:
    rows = np.empty(len(batch.points), dtype=layout)
    rows["n"], rows["n_at"], rows["n_point"], rows["n_quality"] = 4, 8, 4, 2
    rows["at"] = (batch.at_ms - PG_EPOCH_MS) * 1000
    rows["point"], rows["quality"] = batch.points, batch.qualities
    if layout is _WITH_VALUE:
        rows["n_value"], rows["value"] = 8, batch.values
    else:
        rows["n_value"] = _NO_VALUE
    return rows.tobytes()


def _resolutions(known: dict[int, float], points: Ints) -> npt.NDArray[np.float64]:
    ids = np.array(sorted(known), dtype=np.int64)
    return np.array([known[int(i)] for i in ids])[np.searchsorted(ids, points)]


def _qualities(values: list[float | None], told: list[Quality]) -> list[int]:
    """Bad where there is no value although the quality is said to be good."""
    return [
        int(Quality.NOT_A_NUMBER) if x is None and quality is Quality.GOOD else int(quality)
        for x, quality in zip(values, told, strict=True)
    ]
