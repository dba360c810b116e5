"""Series for charts: every reading where they are few, the extremes of each bucket where they are many."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median_low
from typing import Any

import msgspec

from cloud.settings import Settings
from sitewarden.quality import Quality

DEFAULT_STALE_MS = 10_000
"""Where a gateway says nothing of how soon a point is stale."""
_AROUND, _SPACINGS = 5, 3.0
"""How many neighbours tell what is usual, and how many times that is a gap."""


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


def value_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `NEWEST` as it is shown; where it is not good, with what was good last."""
    number = number_of(row["resolution"])
    shown = {
        "at_ms": row["at_ms"],
        "value": number(row["value"]),
        "quality": Quality(row["quality"]).word,
    }
    if row["quality"] != Quality.GOOD and row["good_at_ms"] is not None:
        shown["last"] = {"at_ms": row["good_at_ms"], "value": number(row["good_value"])}
    return shown


def site_now_ms(settings: Settings, now_ms: int, instants_ms: Iterable[int]) -> int:
    """The instant that the ages of a site's values are judged against.

    In a replay it is the newest recorded instant that has arrived: at 600 times the speed half a second on
    the way would make every value look old.
    """
    return now_ms if settings.mode == "live" else max(instants_ms, default=0)


def bucket_width_ms(from_ms: int, to_ms: int, max_points: int) -> int:
    """So wide that the range has at most `max_points` buckets."""
    return max(1, math.ceil((to_ms - from_ms) / max_points))


def with_gaps(rows: Iterable[Row], stale_after_ms: int, resolution: float) -> Columns:
    """Columns in which nothing is joined over a gap: an empty row lies between readings too far apart.

    Too far is longer than the point's own patience, and much longer than the readings around it lie apart: a
    logger's past of one reading every ten minutes is no row of gaps.
    """
    number = number_of(resolution)
    ordered = list(rows)
    spacings = [later.first_ms - earlier.last_ms for earlier, later in pairwise(ordered)]
    columns = Columns(t=[], low=[], high=[])
    for index, row in enumerate(ordered):
        if index and spacings[index - 1] > _apart_ms(spacings, index - 1, stale_after_ms):
            earlier = ordered[index - 1]
            columns.t.append(max(earlier.t, earlier.last_ms) + 1)
            columns.low.append(None)
            columns.high.append(None)
        columns.t.append(row.t)
        columns.low.append(number(row.low))
        columns.high.append(number(row.high))
    return columns


def _apart_ms(spacings: Sequence[int], index: int, stale_after_ms: int) -> float:
    """How far apart is too far for the spacing at `index`, in ms; the spacing itself has no say in it."""
    around = [*spacings[max(0, index - _AROUND) : index], *spacings[index + 1 : index + 1 + _AROUND]]
    usual_ms = median_low(around) if around else 0
    return max(stale_after_ms or DEFAULT_STALE_MS, _SPACINGS * usual_ms)
