"""The derived points of cranes that can reach one another: from each crane's polls to distances."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType

import msgspec
import numpy as np

from sitewarden.collision import pairs
from sitewarden.collision.bodies import Indices, Motion, bodies_of, motion_of
from sitewarden.collision.model import Around, Judged, Member, Pose
from sitewarden.collision.points import GROUP, LINES, STRUCTURES, ZONES, key_of, parts_code
from sitewarden.collision.surroundings import Surroundings, path_of
from sitewarden.collision.track import Sample, Track
from sitewarden.quality import Quality
from sitewarden.readings import Reading

_MEASURES = ("distance", "mast", "vertical", "ahead")
"""What is held of a pair; `_DISTANCE` and so on are their places."""
_DISTANCE, _MAST, _VERTICAL, _AHEAD = range(4)
_KINDS = tuple(f"crane.group.{measure}" for measure in _MEASURES)
_UNJUDGED: Mapping[str, Judged] = MappingProxyType({})

_at = attrgetter("at_ms")

Values = dict[str, float | None]
"""By kind; `None` where an input was not good."""


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What a group must know again after a restart; cranes by name, so that the file may be put in order."""

    samples: dict[str, list[Sample]] = {}
    pairs: dict[str, dict[str, tuple[float | None, ...]]] = {}
    """Of a crane and another: what was measured when both were last seen, in the order of `_MEASURES`."""


class Group:
    """Remembers where each crane of a group is and how near each two of them were when last seen.

    The readings of a crane are made at each of its polls, at that instant, against the newest poses that the
    others had before it. A measure is good, and of the nearest crane that is seen, where no crane that is not
    seen was nearer when last seen, and where it is beyond every limit (`judged`) whatever else is near, for
    then it can clear nothing. Else it is bad, and a bad reading neither raises nor clears. So no approach of
    a crane that is seen is missed because another one is not, and no alarm clears because its partner fell
    silent, as long as it could still be there: once this crane is out of all that the other could get to,
    by more than any alarm needs to clear, what it was counts no more.
    `crane.group.unseen` counts those not seen whose circle the crane is in: they may be anywhere in it.
    """

    def __init__(
        self,
        members: Sequence[Member],
        around: Around = Around(),  # noqa: B008  a tuple
        judged: Mapping[str, Judged] = _UNJUDGED,
    ) -> None:
        """Nothing seen yet; `judged` by point, those without a rule left out."""
        self._names = [member.crane.name for member in members]
        self._bodies = bodies_of([member.crane for member in members])
        self._tracks = [Track(m.points, m.max_age_ms, m.window_ms) for m in members]
        self._surroundings = Surroundings(around.structures, around.zones, around.lines)
        self._derived_ms = [0] * len(members)
        limits = [[judged.get(f"{n}/{key_of(k)}", Judged()) for n in self._names] for k in _KINDS]
        self._beyond = np.array([[limit.beyond_m for limit in row] for row in limits])
        self._back = np.array([[limit.back_m for limit in row] for row in limits]).max(axis=0)
        shape = (len(_MEASURES), len(members), len(members))
        self._held = np.full(shape, np.nan)
        self._held_parts = np.zeros((2, len(members), len(members)), dtype=np.intp)
        self._held_time = np.zeros((len(members), len(members)))
        self._kinds = [
            *(GROUP if len(members) > 1 else ()),
            *(STRUCTURES if self._surroundings.has_structures else ()),
            *(ZONES if self._surroundings.has_zones else ()),
            *(LINES if self._surroundings.has_lines else ()),
        ]

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """The derived readings that follow from those of one poll, or of many.

        Each instant is taken by itself, so that the same follows however the readings are cut up.
        """
        derived: list[Reading] = []
        for _, instant in groupby(sorted(readings, key=_at), key=_at):
            together = list(instant)
            for i, track in enumerate(self._tracks):
                if track.take(together):
                    derived += self._derive(i)
        return derived

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: move what was dated since `since_ms`."""
        for track in self._tracks:
            track.shift(by_ms, since_ms)
        self._derived_ms = [at_ms + by_ms if at_ms >= since_ms else at_ms for at_ms in self._derived_ms]

    def remembered(self) -> Remembered:
        """What must be kept over a restart."""
        names = self._names
        return Remembered(
            samples={name: track.remembered() for name, track in zip(names, self._tracks, strict=True)},
            pairs={
                name: {other: self._held_of(i, j) for j, other in enumerate(names) if self._was_seen(i, j)}
                for i, name in enumerate(names)
            },
        )

    def remember(self, saved: Remembered) -> None:
        """Take up what `remembered` gave; cranes that are gone are forgotten, pairs seen since stay."""
        for i, name in enumerate(self._names):
            self._tracks[i].remember(saved.samples.get(name, []))
            for other, held in saved.pairs.get(name, {}).items():
                if other in self._names and len(held) == len(_MEASURES):
                    j = self._names.index(other)
                    if not self._was_seen(i, j):
                        self._held[:, i, j] = [np.nan if value is None else value for value in held]

    def _was_seen(self, i: int, j: int) -> bool:
        return not np.isnan(self._held[_DISTANCE, i, j])

    def _held_of(self, i: int, j: int) -> tuple[float | None, ...]:
        return tuple(round(float(value), 3) for value in self._held[:, i, j])

    def _derive(self, i: int) -> list[Reading]:
        track = self._tracks[i]
        # A point has one reading an instant: inputs no newer than before make no new one.
        if track.at_ms == self._derived_ms[i]:
            return []
        self._derived_ms[i] = track.at_ms
        values = self._measured(i) if track.is_known else dict.fromkeys(self._kinds)
        return [_reading(self._names[i], kind, track.at_ms, values[kind]) for kind in self._kinds]

    def _measured(self, i: int) -> Values:
        own = self._tracks[i]
        poses = [own.pose if track is own else track.pose_before(own.at_ms) for track in self._tracks]
        motion = motion_of(self._bodies, poses, own.at_ms)
        return {**self._to_others(i, motion, poses), **self._to_surroundings(i, motion)}

    def _to_others(self, i: int, motion: Motion, poses: Sequence[Pose | None]) -> Values:
        others = np.array([j for j in range(len(self._names)) if j != i], dtype=np.intp)
        if not len(others):
            return {}
        own = np.full_like(others, i)
        now = pairs.present(self._bodies, motion, own, others)
        ahead = pairs.ahead(self._bodies, motion, own, others, now)
        at_ms = self._tracks[i].at_ms
        seen = np.array([self._tracks[j].is_fresh(poses[j], at_ms) for j in others])
        self._hold(i, others, seen, now, ahead)
        self._let_go(i, others[~seen], motion)
        return self._said(i, others, seen, int((~seen & now.within_reach).sum()))

    def _hold(
        self, i: int, others: Indices, seen: np.ndarray, now: pairs.Present, ahead: pairs.Ahead
    ) -> None:
        """Note what this crane measured to those that are seen."""
        j = others[seen]
        measured = np.array([now.distance, now.mast, now.vertical, ahead.distance])[:, seen]
        self._held[:, i, j] = measured
        self._held_parts[:, i, j] = now.part_a[seen], now.part_b[seen]
        self._held_time[i, j] = ahead.at_s[seen]

    def _let_go(self, i: int, unseen: Indices, motion: Motion) -> None:
        """Forget what was measured to those that are not seen and cannot be near, wherever they are."""
        held = unseen[[self._was_seen(i, j) for j in unseen]]
        if len(held):
            room = pairs.room(self._bodies, motion, np.full_like(held, i), held)
            self._held[:, i, held[room > self._back[i]]] = np.nan

    def _said(self, i: int, others: Indices, seen: np.ndarray, unseen: int) -> Values:
        held = np.where(np.isnan(self._held[:, i, others]), np.inf, self._held[:, i, others])
        to_seen, to_unseen = np.where(seen, held, np.inf), np.where(seen, np.inf, held)
        at = to_seen.argmin(axis=1)
        nearest, values = others[at], to_seen.min(axis=1)
        good = np.isfinite(values) & ((values <= to_unseen.min(axis=1)) | (values <= self._beyond[:, i]))
        least = [float(values[m]) if good[m] else None for m in range(len(_MEASURES))]
        partner = [float(nearest[m] + 1) if good[m] else None for m in range(len(_MEASURES))]
        own, other = self._held_parts[:, i, nearest[_DISTANCE]]
        return {
            "crane.group.distance": least[_DISTANCE],
            "crane.group.distance.partner": partner[_DISTANCE],
            "crane.group.distance.parts": parts_code(int(own), int(other)) if good[_DISTANCE] else None,
            "crane.group.mast": least[_MAST],
            "crane.group.mast.partner": partner[_MAST],
            "crane.group.vertical": least[_VERTICAL],
            "crane.group.vertical.partner": partner[_VERTICAL],
            "crane.group.ahead": least[_AHEAD],
            "crane.group.ahead.partner": partner[_AHEAD],
            "crane.group.ahead.time": float(self._held_time[i, nearest[_AHEAD]]) if good[_AHEAD] else None,
            "crane.group.unseen": float(unseen),
        }

    def _to_surroundings(self, i: int, motion: Motion) -> Values:
        around, values = self._surroundings, dict[str, float | None]()
        if not (around.has_structures or around.has_zones or around.has_lines):
            return values
        path = path_of(self._bodies, motion, i)
        if around.has_structures:
            near, tail = around.structures(self._bodies, i, path)
            values |= zip(STRUCTURES, (near.now, near.ahead, tail, near.obstacle + 1.0), strict=True)
        if around.has_zones:
            near = around.zones(self._bodies, i, path)
            values |= zip(ZONES, (near.now, near.ahead, near.obstacle + 1.0), strict=True)
        if around.has_lines:
            near = around.lines(self._bodies, i, path)
            values |= zip(LINES, (near.now, near.ahead, near.obstacle + 1.0), strict=True)
        return values


def _reading(crane: str, kind: str, at_ms: int, value: float | None) -> Reading:
    quality = Quality.BAD_INPUT if value is None else Quality.GOOD
    return Reading(f"{crane}/{key_of(kind)}", at_ms, value, quality)
