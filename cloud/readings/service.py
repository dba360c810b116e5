"""Series for charts: every reading where they are few, the extremes of each bucket where they are many."""

import math
from collections.abc import Callable, Iterable

import msgspec

DEFAULT_STALE_MS = 10_000
"""Where a gateway says nothing of how soon a point is stale."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One reading, or the readings of one bucket."""

    t: int
    first_ms: int
    last_ms: int
    """Of the readings in it, good or bad."""
    low: int | None
    high: int | None
    """Multiples of the resolution; `None` where no reading is good."""


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """Rows as columns."""

    t: list[int]
    low: list[float | None]
    high: list[float | None]


def number_of(resolution: float) -> Callable[[int | None], float | None]:
    """How multiples of a resolution become numbers, without binary dust."""
    decimals = max(0, -math.floor(math.log10(resolution))) + 1

    def number(multiple: int | None) -> float | None:
        return None if multiple is None else round(multiple * resolution, decimals)

    return number


def bucket_width_ms(from_ms: int, to_ms: int, max_points: int) -> int:
    """So wide that the range has at most `max_points` buckets."""
    return max(1, math.ceil((to_ms - from_ms) / max_points))


def with_gaps(rows: Iterable[Row], stale_after_ms: int, resolution: float) -> Columns:
    """Columns in which nothing is joined over a gap: an empty row lies between readings too far apart."""
    number = number_of(resolution)
    apart_ms = stale_after_ms or DEFAULT_STALE_MS
    columns = Columns(t=[], low=[], high=[])
    last: Row | None = None
    for row in rows:
        if last is not None and row.first_ms - last.last_ms > apart_ms:
            columns.t.append(max(last.t, last.last_ms) + 1)
            columns.low.append(None)
            columns.high.append(None)
        columns.t.append(row.t)
        columns.low.append(number(row.low))
        columns.high.append(number(row.high))
        last = row
    return columns
