"""What a derivation is, and how it sees the device that it works for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from sitewarden.instruments import Instruments
from sitewarden.loadchart import LoadChart
from sitewarden.messages import PointBirth
from sitewarden.parameters import point_key
from sitewarden.readings import Reading
from sitewarden.text import Text


class DerivedPoint(NamedTuple):
    """A point that a derivation adds to its device."""

    point: str
    """`device/key`."""
    kind: str
    """Of the vocabulary."""
    inputs: tuple[str, ...]
    """The points that it is made of."""
    stale_after_ms: int
    label: Text | None = None
    how: str = ""
    """How it is made of them, for people who look into it."""

    def birth(self) -> PointBirth:
        """As the device announces it."""
        return PointBirth(p=self.point, kind=self.kind, label=self.label, stale_after_ms=self.stale_after_ms)


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A device as its derivations see it: the same on the gateway and over a history in the cloud."""

    device: str
    kind: str
    """`device_kind` of its profile."""
    points: tuple[PointBirth, ...]
    """Raw ones, and for a later derivation also what earlier ones add."""
    chart: LoadChart | None = None
    """A crane's."""
    zero: Mapping[str, float] = {}
    """Zero readings by the key of the point, in the unit of its kind."""
    parameters: Mapping[str, float] = {}
    """What the site gives: design values, and thresholds of derivations over their defaults."""
    point_parameters: Mapping[str, Mapping[str, float]] = {}
    """The same by the key of a point, which win there."""
    instruments: Instruments = Instruments()
    """What hangs where in a pit, and what the certificates give."""

    def parameters_of(self, point: str) -> Mapping[str, float]:
        """What holds at a point, or at what is derived from it."""
        return {**self.parameters, **self.point_parameters.get(point_key(point), {})}

    def name(self, key: str) -> str:
        """The point of that key."""
        return f"{self.device}/{key}"

    def key(self, point: str) -> str:
        """The key of that point."""
        return point.removeprefix(f"{self.device}/")

    def of_kinds(self, kinds: Iterable[str]) -> Iterator[PointBirth]:
        """Every point of one of these kinds."""
        wanted = frozenset(kinds)
        return (point for point in self.points if point.kind in wanted)

    def first(self, kind: str) -> PointBirth | None:
        """The first point of that kind."""
        return next(self.of_kinds((kind,)), None)


class Derivation(Protocol):
    """Makes readings of derived points out of readings of others; has no clock and does no I/O.

    Only readings move it, so that cutting a history differently, or saving and restoring it between two
    instants, changes nothing. A bad input makes a bad output (`Quality.BAD_INPUT`), never a guess.
    """

    @property
    def name(self) -> str:
        """What its memory is kept under; unique within the device, and the same in every version."""

    @property
    def inputs(self) -> frozenset[str]:
        """The points whose readings it wants, raw ones and those of derivations before it."""

    @property
    def points(self) -> tuple[DerivedPoint, ...]:
        """What it adds."""

    def take(self, readings: Sequence[Reading]) -> list[Reading]:
        """What follows from the inputs of one instant; each call is of a later instant than the last."""

    def remembered(self) -> Any:
        """What must be kept over a restart, as something that JSON can hold; `None` where that is nothing."""

    def remember(self, saved: Any) -> None:
        """Take up what `remembered` gave; raises `msgspec.ValidationError` where it cannot be that."""

    def shift(self, by_ms: int, since_ms: int) -> None:
        """The clock was set: whatever was dated since `since_ms` moves."""


def moved(at_ms: int, by_ms: int, since_ms: int) -> int:
    """An instant after the clock was set."""
    return at_ms + by_ms if at_ms >= since_ms else at_ms
