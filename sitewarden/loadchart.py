"""The load chart of a tower crane: what it may lift at a radius, by falls of rope."""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Annotated

import msgspec

Metres = Annotated[float, msgspec.Meta(gt=0, description="a radius in metres, above 0")]
Tonnes = Annotated[float, msgspec.Meta(ge=0, description="a load in tonnes, 0 or more")]


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
