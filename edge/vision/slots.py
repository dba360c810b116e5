"""The alarms of one zone at a time: each bare head has a slot of its own, and one alarm while it is followed.

A slot is taken by a track that is found bare, and held until the track ends or is found to wear a helmet,
wherever it goes. Tracks break off. Whoever is found bare and came, soon after an alarm's track was seen last,
to where its head could have gone, goes on with it; who comes back to the spot later, within the zone's
cool-down, has had its alarm and waits for the end of the cool-down. Place and time decide, never looks.
Nobody else waits for anybody.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from edge.vision.model import HeadState, Track
from edge.vision.presence import Presence
from edge.vision.tracking import ALIKE, WALKING, WIDEST
from sitewarden.cameras import CameraZone

NEAR = 1.5
"""In sides of a head: as far as this from where one was lost, another is the same; and as much farther as one
walks, while the slot waits."""
VEERING = 1.0
"""In sides of a head a second: so far from the line on which it went a head may come out again."""
GOES_ON_S, GOES_ON_LOOKS = 4.0, 4
"""So long, and so many looks, a slot waits for whoever was lost, and for as long as he is followed for a
verdict on who has come meanwhile."""
LONGEST_S = 40.0
"""But no longer than that in all."""
RECENT = 6
"""So many of the last looks tell how often there is one."""
RESTS_S = 6.0
"""So long nobody takes a slot that was given back: rules of the pack clear after five seconds, and before
that the next one's alarm would only lengthen the last one's."""

Box = tuple[float, float, float, float]


class _Alarm:
    """One that was given, and the track that has it, or had it last."""

    def __init__(self, track: Track, at_s: float) -> None:
        self.taken_s = at_s
        self.go_on(track)

    def go_on(self, track: Track) -> None:
        """It is this track's from now on."""
        self.track = self.found = track
        self.lost: tuple[Track, Track] | None = None
        """Both as they were when it was lost: whoever is awaited since may be another."""
        self.lost_s: float | None = None
        self.has_left = False
        """It is reckoned to be beyond the picture's edge."""
        self.awaited: int | None = None
        """Who may be he, until it is found what that one wears."""

    def follow(self, track: Track, at_s: float, size: tuple[int, int]) -> None:
        """The track as it is now; where its head was found last is kept."""
        self.track, self.has_left = track, _is_out(track, size)
        if track.seen_s == at_s and track.is_clear:
            self.found = track

    def leads_to(self, came: Track, waits_s: float) -> bool:
        """Whether a track that began as `came` may be the same head: not seen since, and within a walk.

        Of one who has left the picture, only who comes in near there.
        """
        return any(self._lead_to(*ends, came, waits_s) for ends in self._ends)

    @property
    def _ends(self) -> Iterator[tuple[Track, Track]]:
        yield self.track, self.found
        if self.lost is not None:
            yield self.lost

    def _lead_to(self, track: Track, found: Track, came: Track, waits_s: float) -> bool:
        gap_s = came.began_s - min(track.seen_s, track.clear_s)
        if gap_s <= 0 or not _is_alike(found.box, came.box):
            return False
        off = _off(track, found, came)
        if gap_s > waits_s:
            return off <= NEAR
        is_ahead = _off_line(found, came, gap_s) <= NEAR + VEERING * gap_s
        farthest = WIDEST if self.has_left else math.inf
        return is_ahead or off <= min(farthest, NEAR + WALKING * gap_s)

    def off(self, came: Track) -> float:
        """In sides, how far a track began from where this one was found last or is reckoned to be."""
        return min(_off(*ends, came) for ends in self._ends)


class Slots:
    """Who has which slot of one zone."""

    def __init__(self, zone: CameraZone) -> None:
        """All are free."""
        self._zone = zone
        self._held: dict[int, _Alarm] = {}
        self._freed_s: dict[int, float] = {}
        """When each slot was last given back."""
        self._had: dict[int, _Alarm] = {}
        """The alarm that each track, as far as it is followed, had last or took up where it was lost."""
        self._told_s: dict[int, float] = {}
        """When each track that is followed was alarmed, also if another has gone on with that alarm since."""
        self._past: list[_Alarm] = []
        """Of whoever was lost: those that wait for them, and those whose cool-down is not over."""
        self._came: dict[int, Track | None] = {}
        """Everybody who is followed, as first heard of; who wore a helmet since is nobody's heir."""
        self._looked_s: deque[float] = deque(maxlen=RECENT)
        """When the last looks were."""
        self.more = 0
        """Bare heads for whom no slot is left."""

    @property
    def held(self) -> Mapping[int, int]:
        """The track of each slot that is taken, by the slot's number from 1."""
        return {number: alarm.track.number for number, alarm in self._held.items()}

    def clear(self) -> None:
        """Nothing is asked of anybody any more: every slot is free."""
        self._held, self._past, self.more = {}, [], 0

    def look(
        self,
        at_s: float,
        tracks: Mapping[int, Track],
        states: Mapping[int, HeadState],
        bare: Iterable[int],
        *,
        presence: Presence,
        size: tuple[int, int],
    ) -> Sequence[tuple[int, Track]]:
        """Slots that begin with this look, and whose they are; `bare` stand in the zone and are asked of.

        `size` is the picture's, width and height.
        """
        # A passer-by who took over the track of a thing has come just now, to where he is.
        came = self._came | {number: tracks[number]._replace(began_s=at_s) for number in presence.passers_by}
        self._came = {
            number: None if states[number] == "helmet" else came.get(number, track)
            for number, track in tracks.items()
        }
        self._looked_s.append(at_s)
        # Whoever stirred has none after all, if his alarm went on with somebody else.
        self._told_s = {
            number: then_s
            for number, then_s in self._told_s.items()
            if number in tracks and number not in presence.stirred
        }
        self._lose(at_s, tracks, presence, size)
        self._walk_on(tracks, presence.walked_on)
        self._pass_on(at_s, tracks, states)
        self._await(at_s, tracks, states)
        self._free(at_s, states)
        self._past = [alarm for alarm in self._past if self._lasts(alarm, at_s)]
        return self._begin(at_s, tracks, bare)

    def alarmed_s(self, number: int) -> float:
        """When the alarm of a track began; before all time where it has none."""
        alarm = self._had.get(number)
        return -math.inf if alarm is None else alarm.taken_s

    @property
    def _waits_s(self) -> float:
        """So long a slot waits: longer where looks are rare, for much happens between them."""
        rarest_s = max((later - sooner for sooner, later in pairwise(self._looked_s)), default=0.0)
        return min(max(GOES_ON_S, GOES_ON_LOOKS * rarest_s), LONGEST_S)

    def _lose(
        self, at_s: float, tracks: Mapping[int, Track], presence: Presence, size: tuple[int, int]
    ) -> None:
        """Follow whoever had an alarm; where they were last, others may take it up."""
        for number, alarm in list(self._had.items()):
            if number in tracks and presence.is_person(number):
                alarm.follow(tracks[number], at_s, size)
                continue
            del self._had[number]
            alarm.lost_s = min(alarm.track.seen_s, at_s)
            alarm.lost = alarm.track, alarm.found
            self._past.append(alarm)

    def _walk_on(self, tracks: Mapping[int, Track], walked_on: Mapping[int, int]) -> None:
        """Whoever leaves lying what may have been taken for him goes on with his alarm."""
        for left, goes in walked_on.items():
            helmet, bare = tracks[goes].scores
            is_awaited = any(alarm.awaited == goes for alarm in self._held.values())
            if left in self._had and goes not in self._had and bare > helmet and not is_awaited:
                self._give(self._had[left], tracks[goes])

    def _pass_on(self, at_s: float, tracks: Mapping[int, Track], states: Mapping[int, HeadState]) -> None:
        """Alarms go on with bare heads that came where theirs went: also before their own track is given up.

        Of two who are there at once each has an alarm; it is only passed on by whoever is seen no more.
        """
        for number, track in tracks.items():
            came = self._came[number]
            if number in self._had or states[number] != "bare" or came is None:
                continue
            open_ = [alarm for alarm in [*self._past, *self._had.values()] if self._lasts(alarm, at_s)]
            alarm = min(
                (alarm for alarm in open_ if alarm.awaited == number or alarm.leads_to(came, self._waits_s)),
                key=lambda alarm: alarm.off(came),
                default=None,
            )
            if alarm is None:
                continue
            self._give(alarm, track)

    def _give(self, alarm: _Alarm, track: Track) -> None:
        """An alarm is a track's from now on, and nobody else's."""
        self._past = [other for other in self._past if other is not alarm]
        self._had = {had: other for had, other in self._had.items() if other is not alarm}
        self._had[track.number] = alarm
        alarm.go_on(track)

    def _free(self, at_s: float, states: Mapping[int, HeadState]) -> None:
        for number, alarm in list(self._held.items()):
            if alarm.lost_s is None:
                is_over = states[alarm.track.number] == "helmet"
            else:
                is_over = at_s - alarm.track.seen_s >= self._waits_s
            if is_over:
                del self._held[number]
                self._freed_s[number] = at_s

    def _await(self, at_s: float, tracks: Mapping[int, Track], states: Mapping[int, HeadState]) -> None:
        """Who may be the one that was lost, and of whom nobody knows what he wears, is waited for as he."""
        for alarm in self._held.values():
            if alarm.lost_s is None:
                continue
            if alarm.awaited not in tracks:
                alarm.awaited = self._may_be(alarm, states)
            if alarm.awaited is not None and at_s - alarm.lost_s < LONGEST_S:
                alarm.track = alarm.found = tracks[alarm.awaited]

    def _may_be(self, alarm: _Alarm, states: Mapping[int, HeadState]) -> int | None:
        """The nearest of those who came in time."""
        came = [
            (alarm.off(came), number)
            for number, came in self._came.items()
            if came is not None
            and number not in self._had
            and states[number] == "unknown"
            and came.began_s - alarm.track.seen_s <= self._waits_s
            and alarm.leads_to(came, self._waits_s)
        ]
        return min(came)[1] if came else None

    def _begin(
        self, at_s: float, tracks: Mapping[int, Track], bare: Iterable[int]
    ) -> Sequence[tuple[int, Track]]:
        holding = set(self.held.values())
        begun: list[tuple[int, Track]] = []
        self.more = 0
        for number in sorted(set(bare) - holding):
            # Whoever has put a helmet on and takes it off again is alarmed anew, once the cool-down is over.
            had_s = max(self.alarmed_s(number), self._told_s.get(number, -math.inf))
            if at_s - had_s < self._zone.cool_down_s:
                continue
            slot = self._next(at_s)
            if slot is None:
                self.more += 1
                continue
            # Whoever is only reckoned on is alarmed once seen: another may go on with the alarm meanwhile.
            if tracks[number].seen_s < at_s:
                continue
            self._held[slot] = self._had[number] = _Alarm(tracks[number], at_s)
            self._told_s[number] = at_s
            begun.append((slot, tracks[number]))
        return begun

    def _next(self, at_s: float) -> int | None:
        """The first slot that is free, and was for so long that the alarm before has ended."""
        slots = range(1, self._zone.slots + 1)
        free = (slot for slot in slots if slot not in self._held)
        return next((slot for slot in free if at_s - self._freed_s.get(slot, -math.inf) >= RESTS_S), None)

    def _lasts(self, alarm: _Alarm, at_s: float) -> bool:
        return alarm in self._held.values() or self._cools(alarm, at_s)

    def _cools(self, alarm: _Alarm, at_s: float) -> bool:
        return at_s - alarm.taken_s < self._zone.cool_down_s


def _off(track: Track, found: Track, came: Track) -> float:
    return min(_apart(found.box, came.box), _apart(track.box, came.box))


def _apart(left: Box, right: Box) -> float:
    """The distance of two heads in sides of a head."""
    wide = (left[0] + left[2] - right[0] - right[2]) / 2
    high = (left[1] + left[3] - right[1] - right[3]) / 2
    return math.hypot(wide, high) / max(1.0, (_side(left) + _side(right)) / 2)


def _off_line(gone: Track, came: Track, gap_s: float) -> float:
    """In sides, how far a track began from the line on which another would have gone on."""
    far_x, far_y = gone.speed[0] * gap_s, gone.speed[1] * gap_s
    off_x, off_y = _middle(came.box)[0] - _middle(gone.box)[0], _middle(came.box)[1] - _middle(gone.box)[1]
    share = (off_x * far_x + off_y * far_y) / max(far_x**2 + far_y**2, 1e-6)
    share = min(1.0, max(0.0, share))
    off = math.hypot(off_x - share * far_x, off_y - share * far_y)
    return off / max(1.0, (_side(gone.box) + _side(came.box)) / 2)


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _is_out(track: Track, size: tuple[int, int]) -> bool:
    """Whether a head is beyond the picture's edge, or on it."""
    left, top, right, bottom = track.box
    return left < 0 or top < 0 or right > size[0] or bottom > size[1]


def _is_alike(left: Box, right: Box) -> bool:
    smaller, larger = sorted((_side(left), _side(right)))
    return smaller >= ALIKE * larger


def _side(box: Box) -> float:
    return math.sqrt(max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]))
