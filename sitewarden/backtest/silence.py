"""What a back-test hears of a device that fell silent: the same as a replay of the history. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from sitewarden import holes
from sitewarden.backtest.binding import profile_of
from sitewarden.history import DevicePast, Track
from sitewarden.history.silence import lost_of, missed, without_value
from sitewarden.holes import Group
from sitewarden.messages import Gap
from sitewarden.quality import Quality


def with_silences(
    device: DevicePast, tracks: Mapping[str, Track], gaps: Iterable[Gap]
) -> Mapping[str, Track]:
    """The tracks with a TIMEOUT wherever a poll group of the device fell silent, to the last reading of all.

    What is derived is bad then too, where all of the device was silent. Of a profile that is not known here
    nobody can say which points are read together: its tracks stay as they are, and so do derived points of a
    device of which no point that is read is among `tracks`.
    """
    groups = [(every, known) for every, points in groups_of(device) if (known := _among(points, tracks))]
    if not groups:
        return tracks
    whole, lost = dict(tracks), lost_of(device.device, gaps)
    until_ms = 1 + max(int(track.times[-1]) for track in tracks.values())
    for interval_ms, points in groups:
        told = missed([tracks[point] for point in points], interval_ms, until_ms, lost)
        if told.size:
            whole |= {point: without_value(tracks[point], told, Quality.TIMEOUT) for point in points}
    raw = [point for _, points in groups for point in points]
    derived = _among((point.p for point in device.points if point.p not in raw), tracks)
    if derived:
        told = missed([tracks[point] for point in raw], min(every for every, _ in groups), until_ms, lost)
        if told.size:
            whole |= {point: without_value(tracks[point], told, Quality.BAD_INPUT) for point in derived}
    return whole


def witnesses(device: DevicePast, points: Sequence[str]) -> list[str]:
    """A point of each poll group that has none among `points`: derived ones do not say when it was read."""
    return [group[0] for _, group in groups_of(device) if points and not _among(group, points)]


def groups_of(device: DevicePast) -> list[Group]:
    """The poll groups of the points that the device had."""
    return list(holes.groups_of(profile_of(device), device.points, device.intervals_ms))


def _among(points: Iterable[str], known: Mapping[str, Track] | Sequence[str]) -> list[str]:
    return [point for point in points if point in known]
