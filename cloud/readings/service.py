"""Series for charts: every reading where they are few, the extremes of each bucket where they are many."""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from statistics import median_low

import msgspec
import numpy as np

from cloud.readings.sent import Floats, Numbers
from cloud.settings import Settings
from sitewarden.quality import Quality

DEFAULT_STALE_MS = 10_000
"""Where a gateway says nothing of how soon a point is stale."""
_AROUND, _SPACINGS = 5, 3.0
"""How many neighbours tell what is usual, and how many times that is a gap."""
_ROUNDED = 2.0**50
"""Up to there a float is exact enough to be rounded to a whole number."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One reading, or the readings of one bucket."""

    t: int
    first_ms: int
    last_ms: int
    """Of the readings in it, good or bad."""
    low: int | None
    high: int | None
    """Multiples of the resolution; `None` where no reading is good."""
    first: int | None
    last: int | None
    """Likewise, by their instants."""
    n: int = 1
    good: int = 1
    quality: int | None = None
    """Of a single reading."""


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """Rows as columns."""

    t: list[int]
    low: list[float | None]
    high: list[float | None]
    first: list[float | None]
    last: list[float | None]
    n: list[int]
    good: list[int]
    quality: list[str]
    """In words; empty where a row is no single reading."""


def number_of(resolution: float) -> Callable[[int | None], float | None]:
    """How multiples of a resolution become numbers, without binary dust."""
    decimals = max(0, -math.floor(math.log10(resolution))) + 1

    def number(multiple: int | None) -> float | None:
        return None if multiple is None else round(multiple * resolution, decimals)

    return number


def numbers_of(multiples: Numbers, resolutions: Floats | float) -> Floats:
    """The same of many; what is so large that nothing lies behind the point is left as it is."""
    plain = multiples * resolutions
    tens = 10.0 ** (np.maximum(0.0, -np.floor(np.log10(resolutions))) + 1.0)
    scaled = plain * tens
    return np.where(np.abs(scaled) < _ROUNDED, np.rint(scaled) / tens, plain)


def site_now_ms(settings: Settings, now_ms: int, instants_ms: Iterable[int]) -> int:
    """The instant that the ages of a site's values are judged against.

    In a replay it is the newest recorded instant that has arrived: at 600 times the speed half a second on
    the way would make every value look old.
    """
    return now_ms if settings.mode == "live" else max(instants_ms, default=0)


def with_gaps(rows: Iterable[Row], stale_after_ms: int, resolution: float) -> Columns:
    """Columns in which nothing is joined over a gap: an empty row lies between readings too far apart.

    Too far is longer than the point's own patience, and much longer than the readings around it lie apart: a
    logger's past of one reading every ten minutes is no row of gaps.
    """
    patience_ms = stale_after_ms or DEFAULT_STALE_MS
    ordered = list(rows)
    spacings = [later.first_ms - earlier.last_ms for earlier, later in pairwise(ordered)]
    shown: list[Row] = []
    for index, row in enumerate(ordered):
        if index and spacings[index - 1] > patience_ms and _is_unusual(spacings, index - 1):
            shown.append(_nothing(max(ordered[index - 1].t, ordered[index - 1].last_ms) + 1))
        shown.append(row)
    return Columns(
        t=[row.t for row in shown],
        low=_numbers([row.low for row in shown], resolution),
        high=_numbers([row.high for row in shown], resolution),
        first=_numbers([row.first for row in shown], resolution),
        last=_numbers([row.last for row in shown], resolution),
        n=[row.n for row in shown],
        good=[row.good for row in shown],
        quality=["" if row.quality is None else Quality(row.quality).word for row in shown],
    )


def _numbers(multiples: list[int | None], resolution: float) -> list[float | None]:
    numbers = numbers_of(np.array([one or 0 for one in multiples], np.int64), resolution).tolist()
    return [None if one is None else number for one, number in zip(multiples, numbers, strict=True)]


def _nothing(at_ms: int) -> Row:
    return Row(
        t=at_ms, first_ms=at_ms, last_ms=at_ms, low=None, high=None, first=None, last=None, n=0, good=0
    )


def _is_unusual(spacings: Sequence[int], index: int) -> bool:
    """Whether a spacing is much longer than those around it; it has no say in that itself."""
    around = [*spacings[max(0, index - _AROUND) : index], *spacings[index + 1 : index + 1 + _AROUND]]
    return spacings[index] > _SPACINGS * (median_low(around) if around else 0)
