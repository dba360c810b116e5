"""From what sensors say to what rules watch: the derived points of one device, live or back-fill."""

from collections.abc import Mapping
from typing import Any

import msgspec

from edge.bindings import subject_of
from edge.config import Device
from sitewarden.derived import Derivations, DerivedPoint, derivations_of


def derivations_for(device: Device) -> Derivations:
    """Those of a configured device, nothing remembered yet."""
    return derivations_of(
        subject_of(
            device.name,
            device.profile,
            device.intervals_ms,
            chart=device.chart,
            zero=device.zero,
            parameters=device.parameters,
            point_parameters=device.point_parameters,
            instruments=device.instruments,
        )
    )


def derived_from(device: Device) -> Any:
    """All that decides what is derived: where it is equal, so are the derivations."""
    return (
        device.profile,
        device.intervals_ms,
        device.chart,
        device.zero,
        device.parameters,
        device.point_parameters,
        device.instruments,
    )


def derived_points(device: Device) -> tuple[DerivedPoint, ...]:
    """All that a device has beside its own points: its own derivations', and those of its crane group."""
    return (*derivations_for(device).points, *device.group_points)


def newest_ms(saved: Mapping[str, Any]) -> int:
    """The newest instant in what a device's derivations remembered, as far as their histories tell; else 0.

    A history is a list of (instant, value), oldest first.
    """
    return max((_newest_of(memory) for memory in saved.values()), default=0)


def _newest_of(memory: Any) -> int:
    try:
        history = msgspec.convert(memory, list[tuple[int, float]])
    except msgspec.ValidationError:
        return 0
    return history[-1][0] if history else 0
