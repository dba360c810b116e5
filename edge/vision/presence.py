"""Who of those who are followed is a person: whoever came walking, for as long as he is there.

Whoever has moved is somebody, and stays somebody however still he stands, also where something hides him for
a while. What was there when it was first seen, and has not moved since, is a thing that looks like a head,
such as a cap on a crate: it counts as nobody until it moves while nobody passes it. So is what is left lying
where somebody walks on. Trackers mistake a thing for whoever passes: so a track that stays where a thing lies
is the thing, and one that goes off with a passer-by has come just then.
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from statistics import median
from typing import NamedTuple

from edge.vision.model import Track
from edge.vision.places import FEET_HEADS
from edge.vision.tracking import WALKING

LAST, LONG = 4, 12
"""Sights of where it is, and of where it was over some seconds. The middle of each counts: neither trembling
nor one sight of a passer-by is movement."""
MOVED = 0.1
"""Of its own side: what goes so far soon after it was first seen is a person."""
STEP, STIRRED, SETTLED_S = 0.35, 0.15, 15.0
"""What did not for so long has to go farther: the boxes of a cap on a crate wander, with the squares that
show it and with the light. A step, by its last place; or a shift of weight, by where it was for some time."""
BESIDE = 1.0
"""While somebody passes, and shortly after, only what goes as far as this has moved."""
PASSES, AROUND, AFTER_S = 1.0, 1.5, 3.0
"""Who is faster by so many sides a second passes what his head or body comes nearer to than so many sides;
and so long it counts."""
FOLLOWS_S = 60.0
"""The place of what stands follows where it is seen, so slowly: the light of a day moves nothing."""
THERE = 0.2
"""Of its side: what is seen nearer than that to the place of a thing is the thing."""
GONE_S = 20.0
"""Nothing was seen there for so long: the place is as any other."""
RESTS, RESTING_S = 0.3, 1.0
"""Whoever goes no farther than so many sides for so long stands; what is left lying does at once."""
AGAIN, KEPT_S = 0.75, 300.0
"""Who stood and was lost is whoever is found so near to there within so long."""
WALKED_ON, STOPPED_S, DOUBT_S = 4.0, 5.0, 10.0
"""Somebody new within so many sides, and as many more as one walks meanwhile, of one who stopped not longer
ago may be the one who walks on, and what stays be his cap: it is one, if it does not move for so long."""
MEANWHILE_S = 2.0
"""So long at most is it thought that somebody went on unseen."""


class Place(NamedTuple):
    """The middle of a head, and its side."""

    x: float
    y: float
    side: float

    def gone(self, now: "Place") -> float:
        """How far it has gone or grown, in sides."""
        far = max(math.hypot(now.x - self.x, now.y - self.y), abs(now.side - self.side))
        return far / max(self.side, 1.0)


class _Spot:
    """Where something stands that nobody saw move."""

    def __init__(self, place: Place, began_s: float, seen_s: float, owner: int | None) -> None:
        self.place, self.began_s, self.seen_s, self.owner = place, began_s, seen_s, owner

    def see(self, place: Place, at_s: float) -> None:
        """It was seen, about there."""
        share = 1 - math.exp(-(at_s - self.seen_s) / FOLLOWS_S)
        self.place = Place(*(was + share * (now - was) for was, now in zip(self.place, place, strict=True)))
        self.seen_s = at_s


class _Doubt(NamedTuple):
    """It is a question whether it was left lying there, and since when."""

    place: Place
    since_s: float


class _Figure:
    """One track, as somebody or something."""

    def __init__(self, track: Track) -> None:
        self.began_s = track.began_s
        self.is_person = False
        self.spot: _Spot | None = None
        self.last: deque[Place] = deque(maxlen=LONG)
        self.passed_s = -math.inf
        self.rest, self.rest_s, self.seen_s = _place(track), track.seen_s, track.seen_s
        self.stood_s = -math.inf
        """When it was seen last where it stood before this rest."""
        self.beside: frozenset[int] = frozenset()
        """Who had just stopped where this one appeared."""
        self.at_thing = 0
        """Sights in a row where a thing lies that is another's."""
        self.doubt: _Doubt | None = None

    @property
    def is_sure(self) -> bool:
        """It is a person of whom new things may be found."""
        return self.is_person and self.doubt is None

    @property
    def now(self) -> Place:
        return _middle(list(islice(reversed(self.last), LAST)))

    def see(self, place: Place, at_s: float) -> None:
        self.last.append(place)
        if self.rest.gone(place) >= RESTS:
            if self.seen_s - self.rest_s >= RESTING_S:
                self.stood_s = self.seen_s
            self.rest, self.rest_s = place, at_s
        self.seen_s = at_s

    def fall(self) -> None:
        """It is a thing after all; where it was before is no movement of its."""
        self.is_person = False
        here = list(self.last)[-LAST:]
        self.last.clear()
        self.last.extend(here)

    def has_moved(self, at_s: float) -> bool:
        """Whether it has, since it is known where it stands."""
        if self.spot is None or len(self.last) < LAST:
            return False
        gone = self.spot.place.gone(self.now)
        if self.is_passed(at_s):
            return gone >= BESIDE
        if at_s - self.spot.began_s < SETTLED_S:
            return gone >= MOVED
        over_long = self.spot.place.gone(_middle(self.last)) if len(self.last) == LONG else 0.0
        return gone >= STEP or over_long >= STIRRED

    def is_passed(self, at_s: float) -> bool:
        return at_s - self.passed_s < AFTER_S


class Presence:
    """Who is a person of all that one camera follows."""

    def __init__(self) -> None:
        """Nobody is there."""
        self._figures: dict[int, _Figure] = {}
        self._spots: list[_Spot] = []
        self._lost: list[tuple[Place, float]] = []
        """Where people stood who were lost, and when they were last seen."""
        self._gone: list[tuple[Place, float]] = []
        """Where people were seen last who were lost just now."""
        self._looked_s = -math.inf
        self.walked_on: Mapping[int, int] = {}
        """In this look: tracks that may be what was left lying, each with that of who walks on."""
        self.stirred: set[int] = set()
        """Tracks that stirred in this look: nobody left them lying, so who walked on is somebody else."""
        self.passers_by: set[int] = set()
        """Tracks of things that a passer-by took over in this look: earlier sights say nothing of him."""

    def look(self, at_s: float, tracks: Iterable[Track]) -> None:
        """Everybody who is followed, as of this look."""
        tracks = list(tracks)
        self._forget(at_s, {track.number for track in tracks})
        seen = [track for track in tracks if track.seen_s == at_s]
        for track in seen:
            if track.number not in self._figures:
                self._figures[track.number] = self._begun(track, tracks)
            self._figures[track.number].see(_place(track), at_s)
        self._pass(at_s, tracks)
        self._stay(at_s, seen)
        self.walked_on, self.stirred, self.passers_by = {}, set(), set()
        for track in seen:
            figure = self._figures[track.number]
            if not figure.is_person:
                self._judge(track.number, figure, at_s)
            elif figure.doubt is not None:
                self._doubt(track.number, figure, at_s)
        self._looked_s = at_s

    def is_person(self, number: int) -> bool:
        """Whether a track is somebody."""
        figure = self._figures.get(number)
        return figure is not None and figure.is_person

    def is_sure(self, number: int) -> bool:
        """Whether it is, and was not perhaps left lying by somebody who walks on."""
        figure = self._figures.get(number)
        return figure is not None and figure.is_sure

    def is_thing(self, number: int) -> bool:
        """Whether a track is what stands there for so long that it takes a step to be anybody."""
        figure = self._figures.get(number)
        if figure is None or figure.spot is None:
            return False
        return figure.seen_s - figure.spot.began_s >= SETTLED_S

    def _forget(self, at_s: float, followed: set[int]) -> None:
        """Let go of whoever is followed no more; where people stood, they are expected back."""
        for number in [number for number in self._figures if number not in followed]:
            figure = self._figures.pop(number)
            if figure.spot is not None:
                figure.spot.owner = None
            if figure.is_person:
                self._gone.append((figure.now, figure.seen_s))
            if figure.is_person and figure.seen_s - figure.rest_s >= RESTING_S:
                self._lost.append((figure.now, figure.seen_s))
        self._gone = [(place, seen_s) for place, seen_s in self._gone if at_s - seen_s < STOPPED_S]
        self._lost = [(place, seen_s) for place, seen_s in self._lost if at_s - seen_s < KEPT_S]
        self._spots = [spot for spot in self._spots if spot.owner is not None or at_s - spot.seen_s < GONE_S]

    def _begun(self, track: Track, tracks: Sequence[Track]) -> _Figure:
        """One that is seen for the first time: a thing that was known, somebody who was lost, or new."""
        figure, here = _Figure(track), _place(track)
        spot = self._spot(here, None)
        if spot is not None:
            if spot.owner is None:
                spot.owner, figure.spot = track.number, spot
            return figure
        again = min(self._lost, key=lambda lost: lost[0].gone(here), default=None)
        if again is not None and again[0].gone(here) < AGAIN:
            self._lost.remove(again)
            figure.is_person = True
            return figure
        near = {other.number for other in tracks if other is not track and self._may_be_left(other, figure)}
        # Who was lost just now may have come out again here: then nobody was left behind.
        if not any(_in_reach(place, here, track.seen_s - seen_s) for place, seen_s in self._gone):
            figure.beside = frozenset(near)
        return figure

    def _spot(self, here: Place, number: int | None) -> _Spot | None:
        """The thing that lies there, if any that is not the track's own."""
        return next(
            (spot for spot in self._spots if spot.place.gone(here) < THERE and _is_other(spot, number)), None
        )

    def _pass(self, at_s: float, tracks: Sequence[Track]) -> None:
        """Note who is passed by somebody."""
        between_s = min(at_s - self._looked_s, MEANWHILE_S)
        for track in tracks:
            figure, here = self._figures.get(track.number), _place(track)
            if figure is None or figure.is_person:
                continue
            for other in tracks:
                faster = _faster(other, track) / max(here.side, 1.0)
                if other is not track and faster >= PASSES and _covers(other, here, faster * between_s):
                    figure.passed_s = at_s

    def _stay(self, at_s: float, seen: Sequence[Track]) -> None:
        """Whoever stays where a thing lies is the thing."""
        for track in seen:
            here, figure = _place(track), self._figures[track.number]
            if figure.spot is not None:
                figure.spot.see(here, at_s)
            spot = self._spot(here, track.number)
            figure.at_thing = 0 if spot is None else figure.at_thing + 1
            if spot is None:
                continue
            if spot.owner is None:
                spot.see(here, at_s)
            if spot.owner is None and figure.at_thing >= LAST and figure.is_person:
                figure.fall()
                figure.spot, spot.owner = spot, track.number

    def _judge(self, number: int, figure: _Figure, at_s: float) -> None:
        if figure.has_moved(at_s):
            self._rise(number, figure, at_s)
        elif figure.spot is None and len(figure.last) == LAST:
            self._settle(number, figure, figure.now, figure.began_s)

    def _rise(self, number: int, figure: _Figure, at_s: float) -> None:
        """It is a person. Farther off than a side, the thing may still lie there, and this be a passer-by."""
        if figure.is_passed(at_s) and self.is_thing(number):
            self.passers_by.add(number)
        if figure.doubt is not None:
            figure.doubt = None
            self.stirred.add(number)
        spot, figure.spot, figure.is_person = figure.spot, None, True
        assert spot is not None  # noqa: S101  # has moved from there
        spot.owner = None
        if spot.place.gone(figure.now) < BESIDE:
            self._spots.remove(spot)
        left = [other for other in figure.beside if self._stays(other, figure)]
        for other in left:
            self._figures[other].doubt = _Doubt(self._figures[other].now, at_s)
        self.walked_on = {**self.walked_on, **dict.fromkeys(left, number)}

    def _may_be_left(self, track: Track, new: _Figure) -> bool:
        """Whether one who stops, or just stopped, may be what was left lying by somebody new."""
        figure = self._figures.get(track.number)
        if figure is None or not figure.is_person or new.began_s - figure.seen_s >= STOPPED_S:
            return False
        return _in_reach(_place(track), new.rest, new.began_s - figure.rest_s)

    def _stays(self, number: int, walked_on: _Figure) -> bool:
        """Whether a track stopped about when another appeared, and has not moved since.

        Only at once from where it stood: whoever walks up and stops is no cap that was taken for its wearer.
        """
        figure = self._figures.get(number)
        if figure is None or not figure.is_sure or figure.rest_s - figure.stood_s >= MEANWHILE_S:
            return False
        return -STOPPED_S <= figure.rest_s - walked_on.began_s <= RESTING_S

    def _doubt(self, number: int, figure: _Figure, at_s: float) -> None:
        """Somebody who stirs is nothing that lies there."""
        assert figure.doubt is not None  # noqa: S101  # asked before
        if figure.doubt.place.gone(figure.now) >= STIRRED:
            figure.doubt = None
            self.stirred.add(number)
        elif at_s - figure.doubt.since_s >= DOUBT_S:
            figure.fall()
            self._settle(number, figure, figure.now, at_s - SETTLED_S)

    def _settle(self, number: int, figure: _Figure, place: Place, began_s: float) -> None:
        """It stands there, and nobody saw it come."""
        figure.spot = _Spot(place, began_s, figure.seen_s, number)
        self._spots.append(figure.spot)


def _place(track: Track) -> Place:
    left, top, right, bottom = track.box
    return Place((left + right) / 2, (top + bottom) / 2, math.sqrt((right - left) * (bottom - top)))


def _middle(places: Iterable[Place]) -> Place:
    xs, ys, sides = zip(*places, strict=True)
    return Place(median(xs), median(ys), median(sides))


def _is_other(spot: _Spot, number: int | None) -> bool:
    return number is None or spot.owner != number


def _in_reach(was: Place, now: Place, meanwhile_s: float) -> bool:
    """Whether somebody may have walked from one place to the other meanwhile."""
    return was.gone(now) < WALKED_ON + WALKING * min(max(meanwhile_s, 0.0), MEANWHILE_S)


def _faster(other: Track, track: Track) -> float:
    """How fast two go apart or together, in pixels a second."""
    return math.hypot(other.speed[0] - track.speed[0], other.speed[1] - track.speed[1])


def _covers(track: Track, there: Place, wider: float) -> bool:
    """Whether somebody's head or body is before or beside a place; `wider` in sides of that place."""
    left, top, right, bottom = track.box
    around = AROUND * _place(track).side + wider * there.side
    below = bottom + FEET_HEADS * (bottom - top)
    return left - around <= there.x <= right + around and top - around <= there.y <= below + around
