"""Whether a gateway can work from a document, and what its buses would be asked for. Changes nothing."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from edge.busload import load_of
from edge.config import Bus, Gateway, load_gateway
from sitewarden.errors import ConfigurationError
from sitewarden.messages import BusLoad, ConfigurationFault

WHOLE = 100.0
"""Percent of a bus's time."""
LONGEST = 500
"""Characters of each part of a complaint as it travels: a document may name what it likes."""


class Checked(NamedTuple):
    """What came of it."""

    gateway: Gateway | None
    """`None` where there is something wrong."""
    errors: list[ConfigurationFault]
    load: list[BusLoad]


def check(own: Path, told: Path, standing: Gateway) -> Checked:
    """Read a document of the cloud (`told`) over the gateway's own file, as if it were in force.

    `standing` is what the gateway works from now: whatever belongs to the machine stays as it was at the
    start of the process.
    """
    try:
        gateway = load_gateway(own, told)
    except ConfigurationError as exc:
        return Checked(None, [fault_of(exc, told.parent)], [])
    load = load_on(gateway.buses)
    errors = [_overload(one) for one in load if one.percent > WHOLE]
    return Checked(None if errors else _in_place(standing, gateway), errors, load)


def earlier(own: Path, told: Path | None, standing: Gateway) -> Gateway:
    """What was in force before, or what the gateway's own file says; raises `ConfigurationError`."""
    return _in_place(standing, load_gateway(own, told))


def load_on(buses: Iterable[Bus]) -> list[BusLoad]:
    """What each bus is asked for when all goes well."""
    return [
        BusLoad(bus=bus.name, percent=round(load.percent, 1), requests_per_s=round(load.requests_per_s, 3))
        for bus in buses
        for load in (load_of(bus),)
    ]


def fault_of(exc: ConfigurationError, folder: Path) -> ConfigurationFault:
    """The complaint as it travels: files by their names in the bundle, the gateway's own by its last part."""
    file = exc.file
    inside = file.resolve().is_relative_to(folder.resolve())
    name = file.resolve().relative_to(folder.resolve()).as_posix() if inside else file.name
    return ConfigurationFault(
        file="" if name == "." else name,
        line=max(0, exc.line),
        field=exc.field[:LONGEST],
        message=exc.message[:LONGEST],
        mend=exc.mend[:LONGEST],
    )


def _overload(load: BusLoad) -> ConfigurationFault:
    return ConfigurationFault(
        field="buses",
        message=f"bus `{load.bus}` would be asked {load.requests_per_s:g} times a second, which is"
        f" {load.percent:g} % of its time",
        mend="Ask less often (`interval_ms`), put devices on another bus, or use a faster line.",
    )


def _in_place(standing: Gateway, new: Gateway) -> Gateway:
    """What is connected from the new one, the machine from the old one."""
    return msgspec.structs.replace(
        standing, buses=new.buses, ears=new.ears, groups=new.groups, itself=new.itself
    )
