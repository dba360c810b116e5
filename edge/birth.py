"""What a gateway says of itself on connecting: its devices, their points, and the limits in force."""

from edge.config import Device
from sitewarden.messages import DeviceBirth, LimitBirth


def birth_of(device: Device) -> DeviceBirth:
    """A device with everything that pages and cloud need to know of it."""
    return DeviceBirth(
        device=device.name,
        kind=device.profile.device_kind,
        label=device.label,
        profile=device.profile.profile,
        layout=dict(device.layout),
        setup=device.setup,
        points=list(device.points),
        limits=[
            LimitBirth(
                p=bound.point,
                rule=bound.rule.rule,
                rule_version=bound.rule.version,
                level=bound.rule.level,
                limit=bound.limit,
                direction="high" if bound.high else "low",
                label=bound.rule.label,
            )
            for bound in device.rules
        ],
    )
