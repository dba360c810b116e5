"""What a head wears, by vote over its last looks: one look is an opinion, several are a finding.

A look in which the head was large enough votes for what scored higher, if that scored high enough; a look in
which it was looked for in vain votes for nothing, and takes a place. It takes more votes to overturn a
finding than to come to one, so a doubt in between changes nothing.

What has never moved at all since it was first seen is no head but a thing that looks like one, such as a cap
on a shelf: nobody stands so still for long. It is unknown, and counts as nobody, until it moves. Where such
a thing stands, no sight has an opinion: who passes would else lend its track his movement, and his votes.
"""

import math
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import median
from typing import TypeAlias

import msgspec

from edge.vision.model import HEADS, HeadState, Track

HELMET, BARE = range(len(HEADS))
SMALL, NOTHING = 2, -1
"""Seen, but too small to say; and not seen, or only faintly."""
CLEARLY = 1.5
"""Half as many votes again as for the other kind are a finding."""
FIRST, LAST = 3, 4
"""Sights of the first place, and of the last one. The middle of each counts: neither trembling nor one sight
of a passer-by is movement."""
Place: TypeAlias = tuple[float, float, float]
"""The middle of a head, and its side."""


class Voting(msgspec.Struct, frozen=True, kw_only=True):
    """How looks are counted; the values were chosen on validation photos alone (`bench vision`)."""

    looks: int = 10
    """So many of the last looks have a vote."""
    enough: int = 4
    """So many of them, and half as many again as for the other, are a first finding."""
    overturn: int = 6
    """So many of them overturn an earlier one."""
    somebody: int = 4
    """In so many of them a head was seen, whatever it wears."""
    score: float = 0.35
    """A look that scores less has no opinion."""
    smallest_px: float = 12.0
    """Nor has one that saw the head smaller than this in the detector's input."""
    after_s: float = 0.7
    """No head is judged sooner than so long after it was first seen, nor before it had as many sights as
    tell whether it moves. Waiting longer only loses heads whose track breaks off."""
    within_s: float = 10.0
    """What was seen longer ago says nothing of now."""
    moved: float = 0.1
    """Of its own side: a head that has not gone so far since it was first seen is a thing. The boxes of a cap
    on a crate wander by 0.07, with the squares that show it and with the light."""
    stood_s: float = 15.0
    """What has stood so long without moving marks its place as that of a thing."""
    there: float = 0.2
    """Of its side: what is seen nearer than that to a marked place is the thing."""
    gone_s: float = 20.0
    """Nothing was seen there for so long: the place is as any other."""
    sure: int = 3
    """So many more of the last sights speak for a helmet, however faintly: one more would change nothing."""


class _Votes:
    """The votes about one head."""

    def __init__(self, looks: int) -> None:
        self.cast: deque[tuple[float, int]] = deque(maxlen=looks)
        self.state: HeadState = "unknown"
        self.has_moved = self.is_thing = False
        self.agreed = 0
        """Sights that speak for a helmet, more than do not."""
        self._first: list[Place] = []
        self._last: deque[Place] = deque(maxlen=LAST)

    def count(self, kind: int, since_s: float) -> int:
        return sum(cast == kind and at_s >= since_s for at_s, cast in self.cast)

    def see(self, track: Track, moved: float) -> None:
        """Remember where it is, for as long as it has not moved."""
        if self.has_moved:
            return
        place = _place(track)
        if len(self._first) < FIRST:
            self._first.append(place)
        self._last.append(place)
        if len(self._last) == LAST:
            was = _middle(self._first)
            self.has_moved = _gone(was, _middle(self._last)) >= moved * max(was[2], 1.0)


class Ballot:
    """The votes about all heads that one camera follows."""

    def __init__(self, voting: Voting | None = None) -> None:
        """Nobody has voted."""
        self._how = voting or Voting()
        self._votes: dict[int, _Votes] = {}
        self._things: dict[Place, float] = {}
        """Where something stands that has never moved, and when it was last seen there."""

    def look(
        self, at_s: float, tracks: Iterable[Track], missed: Collection[int] = ()
    ) -> Mapping[int, HeadState]:
        """Count this look: the state of each track by its number. `missed` were looked for in vain."""
        before, self._votes = self._votes, {}
        for track in tracks:
            votes = before.get(track.number) or _Votes(self._how.looks)
            self._votes[track.number] = votes
            if track.seen_s == at_s:
                votes.is_thing = self._stands(track, votes, at_s)
                votes.cast.append((at_s, NOTHING if votes.is_thing else self._opinion(track)))
                votes.agreed = self._agreed(votes.agreed, track)
                votes.see(track, self._how.moved)
            elif track.number in missed:
                votes.is_thing, votes.agreed = False, 0
                votes.cast.append((at_s, NOTHING))
            votes.state = self._state(votes, at_s, track)
        self._things = {
            place: seen_s for place, seen_s in self._things.items() if at_s - seen_s < self._how.gone_s
        }
        return {number: votes.state for number, votes in self._votes.items()}

    def is_somebody(self, number: int, at_s: float) -> bool:
        """Whether a track is surely a person: it was seen often enough, and has moved."""
        votes = self._votes[number]
        since_s = at_s - self._how.within_s
        seen = sum(votes.count(kind, since_s) for kind in (HELMET, BARE, SMALL))
        return votes.has_moved and seen >= self._how.somebody

    def things(self) -> frozenset[int]:
        """Tracks of which the last look saw a thing, that has never moved."""
        return frozenset(n for n, votes in self._votes.items() if votes.is_thing and not votes.has_moved)

    def settled(self) -> frozenset[int]:
        """Tracks about which one more look would hardly change anything: surely a helmet, or never clear."""
        return frozenset(number for number, votes in self._votes.items() if self._is_settled(votes))

    def _is_settled(self, votes: _Votes) -> bool:
        if votes.state == "helmet":
            return votes.agreed >= self._how.sure
        is_full = len(votes.cast) == self._how.looks
        return votes.state == "unknown" and is_full and all(kind == NOTHING for _, kind in votes.cast)

    def _stands(self, track: Track, votes: _Votes, at_s: float) -> bool:
        """Whether it is seen where a thing stands, which it marks by having stood there for long."""
        here = _place(track)
        there = self._how.there
        known = next((place for place in self._things if _gone(place, here) < there * place[2]), None)
        if known is None and not votes.has_moved and at_s - track.began_s >= self._how.stood_s:
            known = here
        if known is None:
            return False
        self._things[known] = at_s
        return True

    def _agreed(self, before: int, track: Track) -> int:
        """How surely it is a helmet by its last sights, up to `sure`: a clear bare one ends that."""
        helmet, bare = track.scores[HELMET], track.scores[BARE]
        if helmet > bare:
            return min(before + 1, self._how.sure)
        return 0 if bare >= self._how.score else max(before - 1, 0)

    def _opinion(self, track: Track) -> int:
        best = BARE if track.scores[BARE] > track.scores[HELMET] else HELMET
        if track.scores[best] < self._how.score:
            return NOTHING
        return best if track.input_px >= self._how.smallest_px else SMALL

    def _state(self, votes: _Votes, at_s: float, track: Track) -> HeadState:
        if at_s - track.began_s < self._how.after_s or not votes.has_moved:
            return votes.state
        since_s = at_s - self._how.within_s
        bare, helmet = votes.count(BARE, since_s), votes.count(HELMET, since_s)
        found: HeadState = "bare" if bare > helmet else "helmet"
        most, least = max(bare, helmet), min(bare, helmet)
        takes = self._how.enough if votes.state in {"unknown", found} else self._how.overturn
        return found if most >= takes and most >= CLEARLY * least else votes.state


def _place(track: Track) -> Place:
    left, top, right, bottom = track.box
    return (left + right) / 2, (top + bottom) / 2, math.sqrt((right - left) * (bottom - top))


def _gone(was: Place, now: Place) -> float:
    """How far a head has gone or grown, in pixels."""
    return max(math.hypot(now[0] - was[0], now[1] - was[1]), abs(now[2] - was[2]))


def _middle(places: Sequence[Place]) -> Place:
    xs, ys, sides = zip(*places, strict=True)
    return median(xs), median(ys), median(sides)
