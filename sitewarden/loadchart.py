"""The load chart of a tower crane: what it may lift at a radius, by falls of rope."""

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Annotated, NamedTuple

import msgspec

Metres = Annotated[float, msgspec.Meta(gt=0, description="a radius in metres, above 0")]
Tonnes = Annotated[float, msgspec.Meta(ge=0, description="a load in tonnes, 0 or more")]


Falls = Mapping[int, list[tuple[float, float]]]
"""By falls of rope, points of (radius m, load t)."""


class UnknownFallsError(KeyError):
    """The chart has no line for this number of falls."""


class LoadChart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rated loads as a maker prints them: by falls, points of (radius m, load t), radius ascending.

    Between two points the load is linear (the practice of field instruments); below the first radius it is
    the first load; beyond the last radius nothing is rated, so it is 0.
    """

    chart: str
    source: str
    falls: Mapping[int, list[tuple[Metres, Tonnes]]]

    def rated_load(self, radius_m: float, falls: int) -> float:
        """Rated load in tonnes; raises `UnknownFallsError` where the chart has no such falls."""
        try:
            line = self.falls[falls]
        except KeyError:
            raise UnknownFallsError(f"the chart `{self.chart}` has no line for {falls} falls") from None
        if radius_m <= line[0][0]:
            return line[0][1]
        if radius_m > line[-1][0]:
            return 0.0
        right = bisect_left(line, (radius_m, 0.0))
        (r0, q0), (r1, q1) = line[right - 1], line[right]
        return q0 + (q1 - q0) * (radius_m - r0) / (r1 - r0)


class Fault(NamedTuple):
    """Something in a chart that cannot be so."""

    falls: int
    place: int | None
    """The point in its line, from 0; `None`: the line as a whole."""
    message: str
    mend: str
    is_of_load: bool = False
    """Of the load rather than of the radius."""


def faults(falls: Falls) -> Iterator[Fault]:
    """What cannot be so, line by line: radii must ascend, and a load never rises with the radius."""
    for number, line in falls.items():
        if not line:
            yield Fault(number, None, "has no points", "Give at least one [radius, load].")
        for i, (radius_m, load_t) in enumerate(line):
            if not (math.isfinite(radius_m) and math.isfinite(load_t) and radius_m > 0 and load_t >= 0):
                message = f"{radius_m} m and {load_t} t are no radius and load"
                yield Fault(number, i, message, "A radius is above 0, a load 0 or more.")
        for i, ((r0, q0), (r1, q1)) in enumerate(pairwise(line), start=1):
            if r1 <= r0:
                yield Fault(number, i, f"radius {r1} m does not lie beyond {r0} m", "Sort by radius.")
            elif q1 > q0:
                mend = "A load never rises with the radius."
                yield Fault(number, i, f"load rises from {q0} t to {q1} t", mend, is_of_load=True)
