"""Where a device fell silent: instants at which it should have been read and no reading was recorded. Pure.

A hole in a history is played back as a unit that does not answer, and whoever judges the same history
otherwise has to see the same silence, or an off-delay would end inside the hole in one and not in the other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sitewarden.history.model import Header, Track
from sitewarden.messages import Gap
from sitewarden.quality import Quality

MISSED = 3
"""So many intervals without a reading are a silence; fewer are a poll that came late."""
AGAIN_MS = 10_000
"""A silence that lasts is told again after so long."""


def silences(
    times: NDArray[np.int64],
    interval_ms: int,
    until_ms: int,
    *,
    silent: NDArray[np.bool_] | None = None,
    thinned: Iterable[Gap] = (),
) -> NDArray[np.int64]:
    """Instants of silence of points that are read together at `times` (ascending, each once).

    Nothing is said before the first reading, nor where readings were thinned out after they were taken. The
    interval is the larger of the one declared and the usual one: a history may have been thinned altogether.
    `silent` marks those of `times` at which a silence was recorded already: it is told again less often.
    """
    if not times.size:
        return np.empty(0, np.int64)
    spacings = np.sort(np.diff(times))
    usual_ms = int(spacings[(spacings.size - 1) // 2]) if spacings.size else interval_ms
    interval_ms = max(interval_ms, usual_ms, 1)
    next_ms = np.full(times.size, interval_ms)
    patience_ms = np.full(times.size, MISSED * interval_ms)
    if silent is not None:
        next_ms[silent], patience_ms[silent] = AGAIN_MS, AGAIN_MS
    ends = np.append(times[1:], until_ms)
    gaps = [(gap.from_at, gap.to_at) for gap in thinned]
    found = [
        np.arange(times[i] + next_ms[i], ends[i], AGAIN_MS, dtype=np.int64)
        for i in np.flatnonzero(ends - times > patience_ms)
        if not any(first <= ends[i] and times[i] <= last for first, last in gaps)
    ]
    return np.concatenate([np.empty(0, np.int64), *found])


def with_silences(
    header: Header, tracks: Mapping[str, Track], groups: Mapping[str, Sequence[tuple[int, Sequence[str]]]]
) -> dict[str, Track]:
    """The tracks with a TIMEOUT wherever a device fell silent.

    `groups` has, by device, the interval in ms and the points of each of its poll groups.
    """
    whole = dict(tracks)
    until_ms = 1 + max((int(track.times[-1]) for track in tracks.values()), default=header.since_ms)
    for device, polled in groups.items():
        thinned = [gap for gap in header.gaps if gap.reason == "thinned" and _concerns(gap, device)]
        for interval_ms, points in polled:
            known = [point for point in points if point in tracks]
            if not known:
                continue
            times, silent = _polls([tracks[point] for point in known])
            told = silences(times, interval_ms, until_ms, silent=silent, thinned=thinned)
            if told.size:
                whole.update((point, _with_timeouts(tracks[point], told)) for point in known)
    return whole


def _concerns(gap: Gap, device: str) -> bool:
    return not gap.points or any(point.startswith(f"{device}/") for point in gap.points)


def _polls(tracks: Sequence[Track]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """When any of the points was read, and whether nothing but silence came of it."""
    times = np.concatenate([track.times for track in tracks])
    quality = np.concatenate([track.quality for track in tracks])
    instants, which = np.unique(times, return_inverse=True)
    silent = np.ones(instants.size, np.bool_)
    silent[which[~np.isin(quality, [Quality.TIMEOUT, Quality.DISCONNECTED])]] = False
    return instants, silent


def _with_timeouts(track: Track, silent: NDArray[np.int64]) -> Track:
    times = np.concatenate([track.times, silent])
    order = np.argsort(times, kind="stable")
    values = np.concatenate([track.values, np.full(silent.size, np.nan)])
    quality = np.concatenate([track.quality, np.full(silent.size, Quality.TIMEOUT, np.uint8)])
    return Track(times[order], values[order], quality[order])


def polled(
    profile_groups: Mapping[str, int], points: Iterable[tuple[str, str]]
) -> Iterator[tuple[int, list[str]]]:
    """Interval and points of each poll group; `points` are pairs of point and group."""
    by_group: dict[str, list[str]] = {}
    for point, group in points:
        by_group.setdefault(group, []).append(point)
    for group, names in by_group.items():
        yield profile_groups[group], names
