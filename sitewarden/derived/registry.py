"""Which derivations a device has: found from what it is, never listed by hand."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec

from sitewarden.derived import (
    crane,
    creep,
    cycles,
    displacement,
    exposure,
    inclinometer,
    levelling,
    motion,
    people,
    tilt,
    vibrating_wire,
    wind,
)
from sitewarden.derived.model import Derivation, DerivedPoint, Subject
from sitewarden.messages import WorkCycle
from sitewarden.readings import Reading

Maker = Callable[[Subject], Iterable[Derivation]]

MAKERS: tuple[Maker, ...] = (
    displacement.make,
    inclinometer.make,
    levelling.make,
    vibrating_wire.make,
    creep.make,
    crane.make,
    wind.make,
    exposure.make,
    motion.make,
    tilt.make,
    cycles.make,
    people.make,
)
"""In the order of their work: a later one may take what an earlier one adds as its input."""

_at = attrgetter("at_ms")


class Derivations:
    """All derivations of one device as one: readings go through them in order."""

    def __init__(self, derivations: Sequence[Derivation], own: Iterable[str]) -> None:
        """`own` are the points that the device gives itself; nothing is derived in their place."""
        self._derivations = tuple(derivations)
        self._own = frozenset(own)
        self.points: tuple[DerivedPoint, ...] = tuple(
            point for derivation in derivations for point in derivation.points if point.point not in self._own
        )
        """What the device has beside its own."""
        self._clash = len(self.points) < sum(len(derivation.points) for derivation in derivations)
        self._cycles = next((one for one in derivations if isinstance(one, cycles.Cycles)), None)
        self._patient: dict[str, creep.Creep] = {}
        """By name those whose judging may wait a moment."""
        self._routes: dict[str, list[int]] = {}
        for place, derivation in enumerate(self._derivations):
            for point in derivation.inputs:
                self._routes.setdefault(point, []).append(place)

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """What follows from the readings of one poll, or of many."""
        made = self.take_at_once(readings)
        for one in self.waiting:
            made += self.judge(one)
        return made

    def let_wait(self, wanted: Container[str]) -> None:
        """From now on `take_at_once` leaves costly judging for later, less that of points `wanted` at once.

        What waits comes to the same readings of the same instants, if it is judged before the next reading
        of its inputs is taken; else `take_at_once` does so first.
        """
        self._patient = {
            one.name: one
            for one in self.forecasts
            if not any(point.point in self._routes or point.point in wanted for point in one.points)
        }

    @property
    def forecasts(self) -> list[creep.Creep]:
        """What takes long to judge."""
        return [one for one in self._derivations if isinstance(one, creep.Creep)]

    @property
    def patient(self) -> Iterable[creep.Creep]:
        """Those that may wait."""
        return self._patient.values()

    @property
    def waiting(self) -> list[creep.Creep]:
        """What is still to be judged, in the order of the derivations."""
        return [one for one in self._patient.values() if one.due_ms is not None]

    def judge(self, one: creep.Creep) -> list[Reading]:
        """What follows from something that waits."""
        return self._less_own(one.judge())

    def take_at_once(self, readings: Sequence[Reading]) -> list[Reading]:
        """As `take`, less what may wait."""
        if not self._derivations or not readings:
            return []
        if len(set(map(_at, readings))) == 1:
            return self._take_instant(readings)
        # The answers of one poll may be milliseconds apart: a history knows only instants, so that live and
        # later the same follows from the same only if each instant is taken by itself.
        instants = groupby(sorted(readings, key=_at), key=_at)
        return [made for _, instant in instants for made in self._take_instant(list(instant))]

    def fetch_cycles(self) -> list[WorkCycle]:
        """The lifts of a crane that have ended since the last call."""
        return self._cycles.fetch() if self._cycles is not None else []

    def learn(self, readings: Sequence[Reading]) -> list[Reading]:
        """As `take`, of a past that is over: no forecast is made of it, for it would take minutes."""
        forecasting = self.forecasts
        for one in forecasting:
            one.is_judging = False
        try:
            return self.take(readings)
        finally:
            for one in forecasting:
                one.is_judging = True

    def remembered(self) -> dict[str, Any]:
        """What must be kept over a restart, by derivation."""
        kept = ((derivation.name, derivation.remembered()) for derivation in self._derivations)
        return {name: memory for name, memory in kept if memory is not None}

    def remember(self, saved: Mapping[str, Any]) -> list[str]:
        """Take up what `remembered` gave; derivations that are gone are forgotten.

        Returns what could not be understood: that begins anew, for it must not keep a site unwatched.
        """
        return [d.name for d in self._derivations if d.name in saved and not _takes_up(d, saved[d.name])]

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: whatever was dated since `since_ms` moves."""
        for derivation in self._derivations:
            derivation.shift(by_ms, since_ms)

    def _take_instant(self, readings: Sequence[Reading]) -> list[Reading]:
        wanted: dict[int, list[Reading]] = {}
        self._route(readings, wanted)
        derived: list[Reading] = []
        for place, derivation in enumerate(self._derivations):
            if place in wanted and (made := self._made(derivation, wanted[place])):
                new = self._less_own(made)
                self._route(new, wanted)
                derived += new
        return derived

    def _made(self, derivation: Derivation, readings: Sequence[Reading]) -> list[Reading]:
        patient = self._patient.get(derivation.name) if self._patient else None
        return derivation.take(readings) if patient is None else [*patient.judge(), *patient.note(readings)]

    def _less_own(self, made: list[Reading]) -> list[Reading]:
        return [reading for reading in made if reading.point not in self._own] if self._clash else made

    def _route(self, readings: Iterable[Reading], wanted: dict[int, list[Reading]]) -> None:
        routes = self._routes
        for reading in readings:
            if reading.point in routes:
                for place in routes[reading.point]:
                    if place in wanted:
                        wanted[place].append(reading)
                    else:
                        wanted[place] = [reading]


def derivations_of(subject: Subject) -> Derivations:
    """The derivations of a device, nothing remembered yet; raises `InputMissingError`."""
    return Derivations(list(_made(subject)), (point.p for point in subject.points))


def _made(subject: Subject) -> Iterator[Derivation]:
    known = subject
    own = {point.p for point in subject.points}
    for make in MAKERS:
        for derivation in make(known):
            added = (point.birth() for point in derivation.points if point.point not in own)
            known = msgspec.structs.replace(known, points=(*known.points, *added))
            yield derivation


def _takes_up(derivation: Derivation, saved: Any) -> bool:
    try:
        derivation.remember(saved)
    except msgspec.ValidationError:
        return False
    return True
