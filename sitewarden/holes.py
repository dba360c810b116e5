"""Points that are read together, and when nobody read them though they were due. Pure.

A hole in the readings of a poll group is a silence: nobody knows what was in it. The gateway notices it as
the next reading comes, a back-test and a replay find it in the recorded history
(`sitewarden.history.silence`), and all judge it alike.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sitewarden.cameras import PROFILE, recorded
from sitewarden.messages import PointBirth
from sitewarden.profiles.model import Profile
from sitewarden.quality import Quality
from sitewarden.readings import Reading

MISSED = 3
"""So many intervals without a reading are a silence; fewer are a poll that came late."""
_USUAL = 5
"""The middle one of so many spacings is how often a group is really read, on a bus that does not keep up: one
poll or two that came sooner say nothing of the others."""


class Group(NamedTuple):
    """A poll group of a device."""

    interval_ms: int
    """As declared."""
    points: Sequence[str]


def groups_of(
    profile: Profile | None, points: Iterable[PointBirth], intervals_ms: Mapping[str, int]
) -> Iterator[Group]:
    """The poll groups of these points of one device; none where nobody knows how they are read.

    `intervals_ms` has, by group, what was set otherwise than in the profile.
    """
    points = list(points)
    if profile is not None and profile.profile == PROFILE.profile:
        profile = recorded(points)  # all that a camera says it tells together, every ten seconds
    if profile is None:
        return
    by_group: dict[str, list[str]] = {}
    for point in points:
        known = profile.points.get(point.p.partition("/")[2])
        # That something did not happen is no silence.
        if known is not None and not profile.groups[known.group].occasional:
            by_group.setdefault(known.group, []).append(point.p)
    for name, names in by_group.items():
        yield Group(intervals_ms.get(name, profile.groups[name].interval_ms), names)


class Hole(NamedTuple):
    """Points that were not read when they were due."""

    at_ms: int
    """The first instant at which they should have been read."""
    points: Sequence[str]
    quality: Quality


class _Polled:
    """One group, as it is read."""

    def __init__(self, interval_ms: int, points: Sequence[str], quality: Quality) -> None:
        self.interval_ms, self.points, self.quality = interval_ms, points, quality
        self.last_ms: int | None = None
        self.spacings: deque[int] = deque(maxlen=_USUAL)

    def take(self, at_ms: int) -> Hole | None:
        last_ms, self.last_ms = self.last_ms, at_ms
        if last_ms is None or at_ms <= last_ms:  # another group's instant, or the clock was set back
            return None
        spacing_ms = at_ms - last_ms
        if spacing_ms * 2 < self.interval_ms:  # the next part of the same poll
            return None
        if spacing_ms <= MISSED * self.interval_ms:
            self.spacings.append(spacing_ms)  # as nearly always
            return None
        spacings = sorted(self.spacings) or [spacing_ms]
        interval_ms = max(self.interval_ms, spacings[(len(spacings) - 1) // 2])
        self.spacings.append(spacing_ms)
        if spacing_ms <= MISSED * interval_ms:
            return None
        return Hole(last_ms + interval_ms, self.points, self.quality)


class Holes:
    """Of one device, as its readings come."""

    def __init__(self, groups: Iterable[Group], points: Iterable[PointBirth]) -> None:
        """Nothing was read yet; `points` are raw and derived."""
        groups = [group for group in groups if group.points]
        self._polled = [_Polled(*group, Quality.TIMEOUT) for group in groups]
        self._of = {point: polled for polled in self._polled for point in polled.points}
        derived = [point.p for point in points if point.p not in self._of]
        self._whole: _Polled | None = None
        """What is derived is not known where none of the device was read."""
        if derived and groups:
            self._whole = _Polled(min(group.interval_ms for group in groups), derived, Quality.BAD_INPUT)

    def take(self, readings: Iterable[Reading]) -> Sequence[Hole]:
        """What was not read before these raw readings; nearly always nothing."""
        found: list[Hole] = []
        for reading in readings:
            polled = self._of.get(reading.point)
            if polled is None or polled.last_ms == reading.at_ms:
                continue
            if (hole := polled.take(reading.at_ms)) is not None:
                found.append(hole)
            if self._whole is not None and (hole := self._whole.take(reading.at_ms)) is not None:
                found.append(hole)
        return found

    def go_on_from(self, before: "Holes") -> None:
        """Take over from the same device under another configuration: nobody was away meanwhile."""
        known = {tuple(one.points): one for one in before.all()}
        for one in self.all():
            other = known.get(tuple(one.points))
            if other is not None:
                one.last_ms, one.spacings = other.last_ms, deque(other.spacings, _USUAL)

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: what was read since then is dated anew."""
        for one in self.all():
            if one.last_ms is not None and one.last_ms >= since_ms:
                one.last_ms += by_ms

    def all(self) -> list[_Polled]:
        """Every group, and the device as a whole."""
        return self._polled if self._whole is None else [*self._polled, self._whole]
