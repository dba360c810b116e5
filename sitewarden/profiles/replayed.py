"""Devices that speak by themselves, as a replay serves them: registers that both sides lay out alike. Pure.

A recorder's own frames tell instants to the second, come late or early, and are believed or not by a clock;
what was recorded is what came of that. So a replay says the recorded numbers, in step with those of polled
devices: each point has registers of its own, in steps of the resolution of its kind.
"""

from sitewarden.points import point_kind
from sitewarden.profiles.model import (
    WIDTHS,
    Modbus,
    ModbusPoint,
    ModbusProfile,
    Point,
    Profile,
    is_bit,
)

_WIDTH = WIDTHS["int32"]


def as_registers(profile: Profile) -> ModbusProfile:
    """A profile by which a device can be polled in a replay; of one that is polled anyway its own.

    Name, version, points, kinds, groups and ranges stay; how the device itself would say them is left out.
    """
    if isinstance(profile, ModbusProfile):
        return profile
    points = {
        key: _point(point, _WIDTH * i, is_yes_or_no=is_bit(profile, point))
        for i, (key, point) in enumerate(profile.points.items())
    }
    return ModbusProfile(
        profile=profile.profile,
        version=profile.version,
        device_kind=profile.device_kind,
        products=profile.products,
        source=profile.source,
        verified=profile.verified,
        groups=profile.groups,
        modbus=Modbus(transports=["tcp"]),
        points=points,
    )


def _point(point: Point, register: int, *, is_yes_or_no: bool) -> ModbusPoint:
    if is_yes_or_no:
        return ModbusPoint(
            kind=point.kind, unit=point.unit, group=point.group, label=point.label, register=register, bit=0
        )
    return ModbusPoint(
        kind=point.kind,
        unit=point.unit,
        group=point.group,
        label=point.label,
        range=point.range,
        register=register,
        type="int32",
        scale=point_kind(point.kind).resolution,
    )
