"""Readings, and minutes that come packed by the hour, gathered into the buckets of a chart. Pure.

A chart is made of tens of thousands of them. As rows of the database they take several times as long as their
arrays do here; what they say is the same.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from cloud.database import Row
from cloud.readings.levels import LEVEL_MS, Cut
from cloud.readings.sent import NOTHING, Numbers, instants_ms, integers
from cloud.readings.service import Row as SeriesRow
from sitewarden.quality import Quality

_NO_VALUE = np.iinfo(np.int64)


class _Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Minutes of a point, or single readings, ascending; all of one length."""

    at_ms: Numbers
    first_ms: Numbers
    last_ms: Numbers
    low: Numbers
    high: Numbers
    first: Numbers
    last: Numbers
    n: Numbers
    good: Numbers
    """Where it is 0, the four values say nothing."""

    def where(self, chosen: NDArray[np.bool_]) -> "_Parts":
        """Some of them."""
        return _Parts(**{name: getattr(self, name)[chosen] for name in self.__struct_fields__})


def gathered(rows: Sequence[Row], cut: Cut) -> list[SeriesRow]:
    """What `BUCKETS["minute"]` says, of hours as `PACKED_MINUTES` has them, in order."""
    if not rows:
        return []
    minutes = _unpacked(rows)
    return _buckets(minutes.where((minutes.at_ms >= cut.from_ms) & (minutes.at_ms < cut.to_ms)), cut)


def gathered_readings(columns: Row, cut: Cut) -> list[SeriesRow]:
    """The same of single readings, as `READINGS` has them, in any order."""
    came_ms = instants_ms(columns["instants"])
    order = np.argsort(came_ms, kind="stable")
    at_ms, values = came_ms[order], integers(columns["multiples"], 8)[order]
    is_good = (integers(columns["qualities"], 2)[order] == Quality.GOOD) & (values != NOTHING)
    readings = _Parts(
        at_ms=at_ms, first_ms=at_ms, last_ms=at_ms, low=values, high=values, first=values, last=values,
        n=np.ones_like(at_ms), good=is_good.astype(np.int64),
    )  # fmt: skip
    return _buckets(readings, cut)


def _buckets(parts: _Parts, cut: Cut) -> list[SeriesRow]:
    if not parts.at_ms.size:
        return []
    bucket = (parts.at_ms - cut.from_ms) // cut.width_ms
    begins = np.flatnonzero(np.diff(bucket, prepend=-1))
    columns = [
        cut.from_ms + bucket[begins] * cut.width_ms,
        parts.first_ms[begins],
        parts.last_ms[np.append(begins[1:], bucket.size) - 1],
        *_values(parts, begins),
        np.add.reduceat(parts.n, begins),
        np.add.reduceat(parts.good, begins),
    ]
    return [
        SeriesRow(
            t=t, first_ms=first_ms, last_ms=last_ms, n=n, good=good,
            low=low if good else None, high=high if good else None,
            first=first if good else None, last=last if good else None,
        )
        for t, first_ms, last_ms, low, high, first, last, n, good in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]  # fmt: skip


def _values(parts: _Parts, begins: Numbers) -> list[Numbers]:
    """Low, high, first and last of each bucket; anything where no reading of it is good."""
    is_good = parts.good > 0
    place = np.arange(is_good.size)
    first = np.minimum.reduceat(np.where(is_good, place, is_good.size - 1), begins)
    last = np.maximum.reduceat(np.where(is_good, place, 0), begins)
    return [
        np.minimum.reduceat(np.where(is_good, parts.low, _NO_VALUE.max), begins),
        np.maximum.reduceat(np.where(is_good, parts.high, _NO_VALUE.min), begins),
        parts.first[first],
        parts.last[last],
    ]


def _unpacked(hours: Sequence[Row]) -> _Parts:
    packed = _Hours(hours)
    place = packed.put(packed.place, "minutes", 2)
    at_ms = packed.same("hour_ms") + place * LEVEL_MS["minute"]
    n = packed.put(packed.same("n"), "ns", 4)
    values = np.zeros((4, place.size), np.int64)
    for name, width in (("small", 2), ("middle", 4), ("large", 8)):
        packed.put(values, name, width)
    low, high, first, last = values + packed.same("base")
    return _Parts(
        at_ms=at_ms,
        first_ms=at_ms + packed.put(packed.same("first_ms"), "firsts", 4),
        last_ms=at_ms + packed.put(packed.same("last_ms"), "lasts", 4),
        low=low,
        high=high,
        first=first,
        last=last,
        n=n,
        good=packed.put(n.copy(), "goods", 4),
    )


class _Hours:
    """Columns of hours as columns of their minutes."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._sizes = np.array([row["size"] for row in rows])
        ends = np.cumsum(self._sizes)
        begins = ends - self._sizes
        self._spans = [slice(*span) for span in zip(begins.tolist(), ends.tolist(), strict=True)]
        self.place = np.arange(ends[-1]) - np.repeat(begins, self._sizes)
        """Of each minute in its hour: where minutes are not named, it is also which one."""

    def same(self, name: str) -> Numbers:
        """What all minutes of an hour have in common; 0 where they have nothing."""
        return np.repeat(np.array([row[name] or 0 for row in self._rows], np.int64), self._sizes)

    def put(self, into: Numbers, name: str, width: int) -> Numbers:
        """Over that, what each minute has of its own, of so many bytes: for hours that have such an array."""
        for row, span in zip(self._rows, self._spans, strict=True):
            if row[name] is not None:
                into[..., span] = integers(row[name], width).reshape(*into.shape[:-1], -1)
        return into
