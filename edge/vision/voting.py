"""What a head wears, by vote over its last looks: one look is an opinion, several are a finding.

A look in which the head was large enough votes for what scored higher, if that scored high enough; a look in
which it was looked for in vain votes for nothing, and takes a place. It takes more votes to overturn a
finding than to come to one, so a doubt in between changes nothing. Who is no person (`presence.py`) is
unknown.
"""

from collections import deque
from collections.abc import Collection, Mapping, Sequence

import msgspec

from edge.vision.model import HEADS, HeadState, Track
from edge.vision.presence import Presence

HELMET, BARE = range(len(HEADS))
SMALL, NOTHING = 2, -1
"""Seen, but too small to say; and not seen, or only faintly."""
CLEARLY = 1.5
"""Half as many votes again as for the other kind are a finding."""


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
    sure: int = 3
    """So many more of the last sights speak for a helmet, however faintly: one more would change nothing."""


class _Votes:
    """The votes about one head."""

    def __init__(self, looks: int) -> None:
        self.cast: deque[tuple[float, int]] = deque(maxlen=looks)
        self.state: HeadState = "unknown"
        self.is_thing = False
        self.agreed = 0
        """Sights that speak for a helmet, more than do not."""

    def count(self, kind: int, since_s: float) -> int:
        return sum(cast == kind and at_s >= since_s for at_s, cast in self.cast)


class Ballot:
    """The votes about all heads that one camera follows."""

    def __init__(self, voting: Voting | None = None) -> None:
        """Nobody has voted."""
        self._how = voting or Voting()
        self._votes: dict[int, _Votes] = {}
        self._presence = Presence()

    @property
    def presence(self) -> Presence:
        """Who is somebody, as of the last look."""
        return self._presence

    def look(
        self, at_s: float, tracks: Sequence[Track], missed: Collection[int] = ()
    ) -> Mapping[int, HeadState]:
        """Count this look: the state of each track by its number. `missed` were looked for in vain."""
        before, self._votes = self._votes, {}
        self._presence.look(at_s, tracks)
        for track in tracks:
            votes = before.get(track.number)
            if votes is None or track.number in {*self._presence.walked_on, *self._presence.passers_by}:
                votes = _Votes(self._how.looks)
            self._votes[track.number] = votes
            if track.seen_s == at_s:
                votes.cast.append((at_s, self._opinion(track)))
                votes.is_thing = self._presence.is_thing(track.number)
                votes.agreed = self._agreed(votes.agreed, track)
            elif track.number in missed:
                votes.is_thing, votes.agreed = False, 0
                votes.cast.append((at_s, NOTHING))
            votes.state = self._state(votes, at_s, track)
        return {number: votes.state for number, votes in self._votes.items()}

    def is_somebody(self, number: int, at_s: float) -> bool:
        """Whether a track is surely a person: it was seen often enough, and came walking."""
        votes = self._votes[number]
        since_s = at_s - self._how.within_s
        seen = sum(votes.count(kind, since_s) for kind in (HELMET, BARE, SMALL))
        return self._presence.is_person(number) and seen >= self._how.somebody

    def things(self) -> frozenset[int]:
        """Tracks of which the last look saw a thing."""
        return frozenset(number for number, votes in self._votes.items() if votes.is_thing)

    def settled(self) -> frozenset[int]:
        """Tracks about which one more look would hardly change anything: surely a helmet, or never clear."""
        return frozenset(number for number, votes in self._votes.items() if self._is_settled(votes))

    def _is_settled(self, votes: _Votes) -> bool:
        if votes.state == "helmet":
            return votes.agreed >= self._how.sure
        is_full = len(votes.cast) == self._how.looks
        return votes.state == "unknown" and is_full and all(kind == NOTHING for _, kind in votes.cast)

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
        if at_s - track.began_s < self._how.after_s or not self._presence.is_sure(track.number):
            return votes.state
        since_s = at_s - self._how.within_s
        bare, helmet = votes.count(BARE, since_s), votes.count(HELMET, since_s)
        found: HeadState = "bare" if bare > helmet else "helmet"
        most, least = max(bare, helmet), min(bare, helmet)
        takes = self._how.enough if votes.state in {"unknown", found} else self._how.overturn
        return found if most >= takes and most >= CLEARLY * least else votes.state
