"""From parts of a history to one track a point: each number is copied once, to where it stays.

Memory is the dear thing here: fresh pages cost more than all checks together. So the room is taken once for
all values, whoever gives a part may forget it, and points that were read together share their instants.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sitewarden.history.model import Track


class Part(NamedTuple):
    """Readings point after point."""

    points: Sequence[str]
    ends: Sequence[int]
    """Where the readings of each point end, in the columns; those of the next begin there."""
    at_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    """NaN where there is none."""
    quality: NDArray[np.uint8]

    def runs(self) -> Iterator[tuple[str, slice]]:
        """Each point that has readings, and where they are."""
        first = 0
        for point, end in zip(self.points, self.ends, strict=True):
            if end > first:
                yield point, slice(first, end)
            first = end


class TwiceError(Exception):
    """A point has two readings of one instant."""

    def __init__(self, point: str, at_ms: int) -> None:
        """The first such point by name, and its earliest such instant."""
        super().__init__(f"{point} at {at_ms}")
        self.point, self.at_ms = point, at_ms


def gathered(parts: Iterable[Part], counts: Mapping[str, int]) -> dict[str, Track]:
    """One track a point, ascending by instant, of parts in whatever order; raises `TwiceError`.

    `counts` says how many readings a point has at most.
    """
    room = _Room(counts)
    for part in parts:
        room.put(part)
    return room.tracks()


class _Room:
    """Where the readings of all points stand."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        total = sum(counts.values())
        # What is not filled after all takes no memory: the system gives it page by page.
        self._values, self._quality = np.empty(total, np.float64), np.empty(total, np.uint8)
        self._firsts = dict(zip(counts, np.cumsum([0, *counts.values()]).tolist(), strict=False))
        self._ends = dict(self._firsts)
        self._instants: list[NDArray[np.int64]] = []
        self._pieces: dict[str, list[int]] = {point: [] for point in counts}
        """By point: which of the instants, in the order in which they came."""

    def put(self, part: Part) -> None:
        """Copy what is in the part."""
        known: dict[tuple[int, int, int], int] = {}
        for point, run in part.runs():
            first = self._ends[point]
            end = self._ends[point] = first + run.stop - run.start
            self._values[first:end] = part.values[run]
            self._quality[first:end] = part.quality[run]
            self._pieces[point].append(self._piece(part.at_ms[run], known))

    def _piece(self, times: NDArray[np.int64], known: dict[tuple[int, int, int], int]) -> int:
        """Which of the instants these are; `known` are those of the part."""
        alike = int(times[0]), int(times[-1]), times.size
        found = known.get(alike)
        if found is not None and np.array_equal(self._instants[found], times):
            return found
        known[alike] = len(self._instants)
        self._instants.append(times.copy())
        return known[alike]

    def tracks(self) -> dict[str, Track]:
        """Those points that have readings."""
        joined: dict[tuple[int, ...], tuple[NDArray[np.int64], bool]] = {}
        found: dict[str, Track] = {}
        for point in sorted(self._pieces):
            pieces = tuple(self._pieces[point])
            if not pieces:
                continue
            if pieces not in joined:
                joined[pieces] = self._joined(pieces)
            times, ascends = joined[pieces]
            place = slice(self._firsts[point], self._ends[point])
            track = Track(times, self._values[place], self._quality[place])
            found[point] = track if ascends else _ascending(point, track)
        return found

    def _joined(self, pieces: tuple[int, ...]) -> tuple[NDArray[np.int64], bool]:
        """The instants, and whether each is later than the one before."""
        parts = [self._instants[piece] for piece in pieces]
        times = parts[0] if len(parts) == 1 else np.concatenate(parts)
        # Several points may share them.
        times.flags.writeable = False
        return times, bool((times[1:] > times[:-1]).all())


def _ascending(point: str, track: Track) -> Track:
    order = np.argsort(track.times, kind="stable")
    times = track.times[order]
    twice = np.flatnonzero(times[1:] == times[:-1])
    if twice.size:
        raise TwiceError(point, int(times[twice[0]]))
    return Track(times, track.values[order], track.quality[order])
