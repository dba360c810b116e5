"""What a configuration can mean, and what leaves somebody in danger unheard all the same."""

from collections.abc import Iterator

from edge.busload import load_of
from edge.config import Gateway
from edge.grouping import doubts_of
from edge.rules import unwatched_points

FULL_PERCENT = 80
"""A bus that is held longer has no room for a second try."""


def doubts(gateway: Gateway) -> Iterator[str]:
    """All of them, for people."""
    yield from unheard(gateway)
    yield from unjudged(gateway)
    for bus in gateway.buses:
        percent = load_of(bus).percent
        if percent > FULL_PERCENT:
            yield f"bus {bus.name} would be held {percent:.0f} % of its time: poll slower or split it"


def unheard(gateway: Gateway) -> Iterator[str]:
    """Those by which nobody is warned at all, or cranes stand where they must not."""
    if not gateway.outputs:
        yield "`outputs` is empty: on site an alarm is neither heard nor seen"
    if not any(device.rules for device in gateway.devices):
        yield "no rule watches anything: there will be no alarm"
    for device in gateway.devices:
        if device.is_on_trial:
            yield f"{device.name} is on trial (试运行): its alarms sound nothing and open no hazard"
    for group in gateway.groups:
        yield from doubts_of(group)


def unjudged(gateway: Gateway) -> Iterator[str]:
    """Those about single points and rules: often meant, for not everything that is read has a limit."""
    for device in gateway.devices:
        if device.rules and (unwatched := unwatched_points(device)):
            yield f"no rule watches {', '.join(unwatched)}"
        yield from (f"{device.name}: {why}" for why in device.unjudged)
