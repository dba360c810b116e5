"""Where somebody is: zones of the picture's ground, told by the feet, with patience and hours.

A zone is an outline on the ground as the picture shows it, so a person is where the feet are. Only heads are
found; the feet are reckoned from the head's height. Who steps to and fro on a border neither enters nor
leaves: both take three looks in a row.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone

from edge.vision.model import Track
from sitewarden.cameras import CameraZone, Hours

FEET_HEADS = 6.5
"""The feet are so many head heights below the chin: a body is seven and a half heads high."""
LOOKS = 3
"""So many looks in a row on the other side of a border are a crossing."""
_MIDNIGHT = 24 * 60

Place = tuple[float, float]
"""Shares of the picture, from the left and from the top."""


def foot(box: tuple[float, float, float, float], width: int, height: int) -> Place:
    """Where somebody with that head stands; at the lower edge, where the feet are out of the picture."""
    left, top, right, bottom = box
    below = bottom + FEET_HEADS * (bottom - top)
    return (left + right) / 2 / width, min(below / height, 1.0)


def contains(outline: Sequence[Place], place: Place) -> bool:
    """Whether a place lies in an outline; its edge belongs to it on the left and above."""
    x, y = place
    # The lower edge of the picture belongs to what reaches down to it: feet below it count there.
    y = min(y, 1.0 - 1e-9)
    inside = False
    for (x1, y1), (x2, y2) in zip(outline, [*outline[1:], outline[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            inside = not inside
    return inside


def is_watched(hours: Sequence[Hours], now: datetime, utc_offset_h: float) -> bool:
    """Whether a zone is watched at an instant; one without hours always is. `now` knows its own zone."""
    if not hours:
        return True
    local = now.astimezone(timezone(timedelta(hours=utc_offset_h)))
    minute, day = local.hour * 60 + local.minute, local.isoweekday()
    return any(_covers(some, day, minute) for some in hours)


def _covers(hours: Hours, day: int, minute: int) -> bool:
    start, end = _minutes(hours.start), _minutes(hours.end)
    if end > start:
        return day in hours.days and start <= minute < end
    before = (day - 2) % 7 + 1
    return (day in hours.days and minute >= start) or (before in hours.days and minute < end)


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return min(int(hour) * 60 + int(minute), _MIDNIGHT)


class Places:
    """In which zones of one camera everybody stands."""

    def __init__(self, zones: Sequence[CameraZone]) -> None:
        """Nobody is anywhere."""
        self._zones = tuple(zones)
        self._inside: dict[int, set[str]] = {}
        self._crossing: dict[tuple[int, str], int] = {}
        """Looks in a row on the other side, by track and zone."""

    def look(
        self, tracks: Iterable[Track], found: Collection[int], width: int, height: int
    ) -> Mapping[int, tuple[str, ...]]:
        """The zones of every track, by its number; only whoever was `found` in this look goes anywhere."""
        tracks = list(tracks)
        self._forget({track.number for track in tracks})
        for track in tracks:
            self._inside.setdefault(track.number, set())
            if track.number in found:
                self._step(track.number, foot(track.box, width, height))
        return {
            track.number: tuple(zone.zone for zone in self._zones if zone.zone in self._inside[track.number])
            for track in tracks
        }

    def _step(self, number: int, place: Place) -> None:
        inside = self._inside[number]
        for zone in self._zones:
            crossing = (number, zone.zone)
            if contains(zone.outline, place) == (zone.zone in inside):
                self._crossing.pop(crossing, None)
                continue
            looks = self._crossing.get(crossing, 0) + 1
            if looks < LOOKS:
                self._crossing[crossing] = looks
                continue
            self._crossing.pop(crossing, None)
            inside ^= {zone.zone}

    def _forget(self, alive: Collection[int]) -> None:
        self._inside = {number: zones for number, zones in self._inside.items() if number in alive}
        self._crossing = {key: looks for key, looks in self._crossing.items() if key[0] in alive}
