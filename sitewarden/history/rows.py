"""Readings of many points as columns, and the way between those and one track a point."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sitewarden.history.gathering import Part
from sitewarden.history.model import Track


class Rows(NamedTuple):
    """One reading a row."""

    points: list[str]
    which: NDArray[np.int32]
    """Counts into `points`."""
    at_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    """NaN where there is none."""
    quality: NDArray[np.uint8]

    @classmethod
    def of(cls, tracks: Mapping[str, Track]) -> "Rows":
        """Every reading of the tracks, ascending by instant, then by the name of the point."""
        points = sorted(tracks)
        parts = [tracks[point] for point in points]
        which = np.repeat(np.arange(len(points), dtype=np.int32), [len(part.times) for part in parts])
        at_ms = np.concatenate([np.empty(0, np.int64), *(part.times for part in parts)])
        values = np.concatenate([np.empty(0, np.float64), *(part.values for part in parts)])
        quality = np.concatenate([np.empty(0, np.uint8), *(part.quality for part in parts)])
        order = np.argsort(at_ms, kind="stable")
        return cls(points, which[order], at_ms[order], values[order], quality[order])

    def slice(self, first: int, end: int) -> "Rows":
        """The rows from `first` up to, not including, `end`."""
        return Rows(
            self.points,
            self.which[first:end],
            self.at_ms[first:end],
            self.values[first:end],
            self.quality[first:end],
        )

    def between(self, first_ms: int, end_ms: int) -> "Rows":
        """The rows at `first_ms` <= instant < `end_ms`."""
        if len(self.at_ms) and first_ms <= self.at_ms.min() and self.at_ms.max() < end_ms:
            return self
        kept = (self.at_ms >= first_ms) & (self.at_ms < end_ms)
        return Rows(self.points, self.which[kept], self.at_ms[kept], self.values[kept], self.quality[kept])

    def by_point(self) -> "Rows":
        """The same rows, point after point, each point's in the order that they had."""
        if not (self.which[1:] < self.which[:-1]).any():
            return self
        order = np.argsort(self.which, kind="stable")
        return Rows(
            self.points, self.which[order], self.at_ms[order], self.values[order], self.quality[order]
        )

    def part(self) -> Part:
        """The same readings, point after point."""
        rows = self.by_point()
        ends = run_ends(rows.which)
        points = [rows.points[which] for which in rows.which[ends - 1].tolist()]
        return Part(points, ends.tolist(), rows.at_ms, rows.values, rows.quality)


def run_ends(which: NDArray[np.int32]) -> NDArray[np.intp]:
    """Where each run of equal numbers ends."""
    if not which.size:
        return np.empty(0, np.intp)
    return np.append(np.flatnonzero(which[1:] != which[:-1]) + 1, which.size)
