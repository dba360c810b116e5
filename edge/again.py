"""Looking again: an on-delay that is over before the next poll needs a reading of its own then. Pure.

Only readings move a rule, so where polls lie half an hour apart a delay of three seconds would last half an
hour. What comes of looking again is a reading like any other: recorded, judged and sent as all are.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from edge.config import Device, PolledDevice
from sitewarden.derived import DerivedPoint
from sitewarden.rules.engine import Phase
from sitewarden.rules.model import Band, Bit, BoundRule, Count, High, Low, Vote
from sitewarden.rules.running import Watch

LEAST_GAIN_S = 1.0
"""A re-read that is not sooner than the next poll by so much brings nothing worth a request."""

_PROVEN_AT_ONCE = (High, Low, Band, Bit, Count, Vote)
"""Conditions of which one more reading says something new at any instant. A rate and readings in a row look
only at readings a spacing apart; what is frozen, unreadable or silent is so by time, and need not hurry."""


class Again(NamedTuple):
    """A poll group that should be read once more, and when."""

    device: str
    group: str
    at_ms: int
    """The first instant at which a reading proves that the delay is over."""


class Hurried(NamedTuple):
    """A rule whose delay may be over before the next poll."""

    watch: Watch
    sources: tuple[tuple[str, str], ...]
    """Device and poll group of all that its point is made of."""


class Polled:
    """Which poll groups the points of a gateway come from in the end.

    A device that speaks by itself has none: it cannot be asked.
    """

    def __init__(self, devices: Iterable[Device], derived: Iterable[DerivedPoint]) -> None:
        """`derived` are all derived points of these devices."""
        devices = [device for device in devices if isinstance(device, PolledDevice)]
        self._inputs = {point.point: point.inputs for point in derived}
        self._group = {
            f"{device.name}/{key}": (device.name, point.group)
            for device in devices
            for key, point in device.profile.points.items()
        }
        self._interval_ms = {
            (device.name, group): interval_ms
            for device in devices
            for group, interval_ms in device.intervals_ms.items()
        }

    def seldom(self, point: str) -> tuple[tuple[str, str], ...]:
        """Those of the point's poll groups that are read seldom enough for a re-read to gain something."""
        found = dict.fromkeys(self._sources(point))
        return tuple(one for one in found if self._interval_ms.get(one, 0) > 1000 * LEAST_GAIN_S)

    def _sources(self, point: str) -> list[tuple[str, str]]:
        seen, waiting, found = {point}, [point], list[tuple[str, str]]()
        while waiting:
            name = waiting.pop()
            if name in self._group:
                found.append(self._group[name])
            new = [one for one in self._inputs.get(name, ()) if one not in seen]
            seen.update(new)
            waiting += new
        return found


def hurried(watches: Iterable[Watch], polled: Polled) -> dict[str, list[Hurried]]:
    """By point, the rules that may ask for a re-read."""
    found: dict[str, list[Hurried]] = {}
    for watch in watches:
        bound = watch.bound
        if may_hurry(bound) and (sources := polled.seldom(bound.point)):
            found.setdefault(bound.point, []).append(Hurried(watch, sources))
    return found


def may_hurry(bound: BoundRule) -> bool:
    """Whether one more reading could end the rule's on-delay."""
    return bound.on_delay_ms > 0 and isinstance(bound.rule.condition, _PROVEN_AT_ONCE)


def wanted(read_at_ms: Mapping[str, int], rules: Mapping[str, Sequence[Hurried]]) -> list[Again]:
    """What should be read again after readings of these points at these instants, judged already."""
    soonest: dict[tuple[str, str], int] = {}
    for point in rules.keys() & read_at_ms.keys():
        for watch, sources in rules[point]:
            if (at_ms := _again_ms(watch, read_at_ms[point])) is not None:
                soonest |= {source: min(at_ms, soonest.get(source, at_ms)) for source in sources}
    return [Again(device, group, at_ms) for (device, group), at_ms in soonest.items()]


def _again_ms(watch: Watch, at_ms: int) -> int | None:
    """When the next reading of a running on-delay should be; `None` where none runs, or none may be raised.

    Where the delay was over and the reading could not say so, bad or within the dead-band, the next one is
    due when as long again has passed: some ten tries between two polls half an hour apart, and never many.
    """
    since_ms, delay_ms = watch.state.since_ms, watch.bound.on_delay_ms
    if watch.state.phase is not Phase.PENDING or watch.gate(at_ms) is not None:
        return None
    over_ms = since_ms + delay_ms
    return over_ms if over_ms > at_ms else at_ms + max(at_ms - since_ms, delay_ms)
