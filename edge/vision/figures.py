"""How one camera's looking goes: how often, how late, how long, and how well heads could be judged."""

import statistics
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from edge.vision.model import Standing
from edge.vision.shedding import percentile

HEADS_S = 600.0
"""Shares are of the heads of so long: a quiet camera sees few."""


class Figures:
    """Counts looks, and tells them."""

    def __init__(self, smallest_px: float, at_s: float) -> None:
        """A head that has fewer pixels in the detector's input cannot be judged."""
        self._smallest_px = smallest_px
        self._began_s = at_s
        self._looks = 0
        self._ages_s: list[float] = []
        self._infer_s: list[float] = []
        self._heads: deque[tuple[float, int, int, int]] = deque()
        """When: heads, those that nobody could judge, those that were large enough."""

    def look(self, at_s: float, age_s: float, infer_s: float | None, standing: Iterable[Standing]) -> None:
        """One more look: how old its picture was when it was judged, how long one input took the detector."""
        self._looks += 1
        self._ages_s.append(age_s)
        if infer_s is not None:
            self._infer_s.append(infer_s)
        found = [one for one in standing if one.track.seen_s == at_s]
        if found:
            unknown = sum(one.state == "unknown" for one in found)
            large = sum(one.track.input_px >= self._smallest_px for one in found)
            self._heads.append((at_s, len(found), unknown, large))

    def told(self, now_s: float) -> Mapping[str, float]:
        """Since the last time, by the keys of points; what nothing is known of is left out."""
        return dict(self._told(now_s))

    def _told(self, now_s: float) -> Iterator[tuple[str, float]]:
        yield "fps", round(self._looks / max(now_s - self._began_s, 1e-3), 2)
        if self._ages_s:
            yield "age", round(1000 * percentile(self._ages_s, 95))
        if self._infer_s:
            yield "infer", round(1000 * statistics.median(self._infer_s), 1)
        while self._heads and self._heads[0][0] < now_s - HEADS_S:
            self._heads.popleft()
        heads = sum(counted[1] for counted in self._heads)
        if heads:
            yield "unknown", round(100 * sum(counted[2] for counted in self._heads) / heads, 1)
            yield "coverage", round(100 * sum(counted[3] for counted in self._heads) / heads, 1)
        self._began_s, self._looks = now_s, 0
        self._ages_s, self._infer_s = [], []
