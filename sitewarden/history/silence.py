"""Where a device fell silent: instants at which it should have been read and no reading was recorded. Pure.

A hole in a history is played back as a unit that does not answer, and a back-test of the same history sees
the same silence, or an off-delay would end inside the hole in one and not in the other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sitewarden.history.model import Header, Track
from sitewarden.holes import MISSED
from sitewarden.messages import Gap
from sitewarden.quality import Quality

AGAIN_MS = 10_000
"""A silence that lasts is told again after so long."""
LONG_MS = 3_600_000
"""After so long it is told whenever it has lasted twice as long: a device away for years fills no memory."""
_TOLD = np.concatenate([np.arange(0, LONG_MS, AGAIN_MS), LONG_MS << np.arange(42)])
"""After the first time."""


def silences(
    times: NDArray[np.int64],
    interval_ms: int,
    until_ms: int,
    *,
    silent: NDArray[np.bool_] | None = None,
    lost: Iterable[Gap] = (),
) -> NDArray[np.int64]:
    """Instants of silence of points that are read together at `times` (ascending, each once).

    Nothing is said before the first reading, nor where readings were lost after they were taken. The
    interval is the larger of the one declared and the usual one: a history may have been thinned altogether.
    `silent` marks those of `times` at which a silence was recorded already: it is told again less often.
    """
    if not times.size:
        return np.empty(0, np.int64)
    interval_ms = max(interval_ms, _usual_ms(times), 1)
    next_ms = np.full(times.size, interval_ms)
    patience_ms = np.full(times.size, MISSED * interval_ms)
    if silent is not None:
        next_ms[silent], patience_ms[silent] = AGAIN_MS, AGAIN_MS
    ends = np.append(times[1:], until_ms)
    gaps = [(gap.from_at, gap.to_at) for gap in lost]
    found = [
        _told(int(times[i] + next_ms[i]), int(ends[i]))
        for i in np.flatnonzero(ends - times > patience_ms)
        if not any(first <= ends[i] and times[i] <= last for first, last in gaps)
    ]
    return np.concatenate([np.empty(0, np.int64), *found])


def _told(first_ms: int, end_ms: int) -> NDArray[np.int64]:
    """When a silence is told, before `end_ms`."""
    return first_ms + _TOLD[: np.searchsorted(_TOLD, end_ms - first_ms)]


def _usual_ms(times: NDArray[np.int64]) -> int:
    """The middle one of the spacings, the lesser of two; 0 where there is none."""
    spacings = np.diff(times)
    middle = (spacings.size - 1) // 2
    return int(np.partition(spacings, middle)[middle]) if spacings.size else 0


def with_silences(
    header: Header, tracks: Mapping[str, Track], groups: Mapping[str, Sequence[tuple[int, Sequence[str]]]]
) -> dict[str, Track]:
    """The tracks with a TIMEOUT wherever a device fell silent.

    `groups` has, by device, the interval in ms and the points of each of its poll groups.
    """
    whole = dict(tracks)
    until_ms = 1 + max((int(track.times[-1]) for track in tracks.values()), default=header.since_ms)
    for device, polled in groups.items():
        lost = lost_of(device, header.gaps)
        for interval_ms, points in polled:
            known = [point for point in points if point in tracks]
            if not known:
                continue
            told = missed([tracks[point] for point in known], interval_ms, until_ms, lost)
            if told.size:
                whole.update((point, without_value(tracks[point], told, Quality.TIMEOUT)) for point in known)
    return whole


def missed(
    together: Sequence[Track], interval_ms: int, until_ms: int, lost: Iterable[Gap]
) -> NDArray[np.int64]:
    """The silences of points that are read together."""
    times, silent = _polls(together)
    return silences(times, interval_ms, until_ms, silent=silent, lost=lost)


def lost_of(device: str, gaps: Iterable[Gap]) -> list[Gap]:
    """Gaps in which readings of the device were lost, for whatever reason: it had answered."""
    return [gap for gap in gaps if _concerns(gap, device)]


def _concerns(gap: Gap, device: str) -> bool:
    return not gap.points or any(point.startswith(f"{device}/") for point in gap.points)


def _polls(tracks: Sequence[Track]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """When any of the points was read, and whether nothing but silence came of it."""
    first, *others = tracks
    if all(np.array_equal(first.times, other.times) for other in others):
        # As a poll records them: a year of readings is not sorted for nothing.
        return first.times, np.logical_and.reduce([_is_silent(track) for track in tracks])
    times = np.concatenate([track.times for track in tracks])
    instants, which = np.unique(times, return_inverse=True)
    silent = np.ones(instants.size, np.bool_)
    silent[which[~np.concatenate([_is_silent(track) for track in tracks])]] = False
    return instants, silent


def _is_silent(track: Track) -> NDArray[np.bool_]:
    silent: NDArray[np.bool_] = (track.quality == Quality.TIMEOUT) | (track.quality == Quality.DISCONNECTED)
    return silent


def without_value(track: Track, silent: NDArray[np.int64], told: Quality) -> Track:
    """The track with readings of that quality at instants at which it has none."""
    places, after = (np.searchsorted(track.times, silent, side) for side in ("left", "right"))
    places, silent = places[places == after], silent[places == after]
    return Track(
        np.insert(track.times, places, silent),
        np.insert(track.values, places, np.nan),
        np.insert(track.quality, places, told),
    )


def polled(
    profile_groups: Mapping[str, int], points: Iterable[tuple[str, str]]
) -> Iterator[tuple[int, list[str]]]:
    """Interval and points of each poll group; `points` are pairs of point and group."""
    by_group: dict[str, list[str]] = {}
    for point, group in points:
        by_group.setdefault(group, []).append(point)
    for group, names in by_group.items():
        yield profile_groups[group], names
