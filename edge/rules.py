"""The limits in force on a gateway, point by point: where each comes from, and what nobody judges."""

from collections.abc import Iterator

from edge.config import Device, Gateway
from edge.derivation import derived_points
from sitewarden.rules import describe
from sitewarden.rules.model import Bad, BoundRule, Stale


def in_force(gateway: Gateway) -> Iterator[str]:
    """Line by line, device by device."""
    for device in gateway.judged:
        yield f"{device.name}: {describe.both(device.label)}, {device.profile.profile}"
        yield from (f"  {line}" for line in _device(device))


def _device(device: Device) -> Iterator[str]:
    yield from describe.all_given(device.parameters, device.point_parameters)
    for birth in device.points:
        rules = [bound for bound in device.rules if bound.point == birth.p]
        if rules:
            yield f"{birth.p}: {birth.kind}"
            yield from (f"  {line}" for bound in rules for line in indented(bound))
    if not device.rules:
        yield "no rule watches this device"
    yield from (f"not judged: {why}" for why in device.unjudged)
    if unwatched := unwatched_points(device):
        yield f"not watched: {', '.join(unwatched)}"


def indented(bound: BoundRule) -> list[str]:
    """A rule in force, the headline first and the rest indented."""
    headline, *rest = describe.lines(bound)
    return [headline, *(f"  {line}" for line in rest)]


def unwatched_points(device: Device) -> list[str]:
    """Points that are read and no rule watches, neither themselves nor by what is derived from them.

    Whatever arms a rule counts as watched. That a point or a device can be read says nothing of a value.
    """
    judging = _judging(device)
    watched = {bound.point for bound in judging}
    for derived in reversed(derived_points(device)):
        if derived.point in watched:
            watched.update(derived.inputs)
    for bound in judging:
        watched.update(bound.inputs[: len(bound.arm)])
    return [p for key in device.profile.points if (p := f"{device.name}/{key}") not in watched]


def unasked(device: Device) -> dict[str, list[str]]:
    """Parameters that would have points judged whose values no rule judges, each with those points."""
    judged = {bound.point for bound in _judging(device)}
    found = {name: [p for p in points if p not in judged] for name, points in device.lacking.items()}
    return {name: points for name, points in found.items() if points}


def _judging(device: Device) -> list[BoundRule]:
    """The rules about values, not about whether there are any."""
    return [bound for bound in device.rules if not isinstance(bound.rule.condition, Stale | Bad)]
