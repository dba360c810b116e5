"""What a gateway says of itself on connecting: its devices, their points, and the limits in force."""

from collections.abc import Iterator
from typing import Literal

from edge.config import Device
from sitewarden.messages import DeviceBirth, LimitBirth
from sitewarden.rules.model import Band, BoundRule, High, Low, Vote


def birth_of(device: Device) -> DeviceBirth:
    """A device with everything that pages and cloud need to know of it."""
    return DeviceBirth(
        device=device.name,
        kind=device.profile.device_kind,
        label=device.label,
        profile=device.profile.profile,
        profile_version=device.profile.version,
        layout=dict(device.layout),
        setup=device.setup,
        points=list(device.points),
        limits=[limit for bound in device.rules for limit in _limits(bound)],
        commissioning=device.commissioning,
    )


def _limits(bound: BoundRule) -> Iterator[LimitBirth]:
    """The lines that a page may draw beside the value; a rule on anything else has none."""
    if not isinstance(bound.rule.condition, High | Low | Band | Vote):
        return
    ends: list[tuple[float, Literal["high", "low"]]] = [(bound.limit, "high" if bound.high else "low")]
    if bound.low is not None:
        ends.append((bound.low, "low"))
    if isinstance(bound.rule.condition, High) and bound.rule.condition.magnitude:
        ends.append((-bound.limit, "low"))
    for limit, direction in ends:
        yield LimitBirth(
            p=bound.point,
            rule=bound.rule.rule,
            rule_version=bound.version,
            level=bound.rule.level,
            limit=limit,
            direction=direction,
            label=bound.rule.label,
        )
