"""Who plays in a replay: each recorded device with its profile, on a bus and a unit of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sitewarden import cameras
from sitewarden.errors import ConfigurationError
from sitewarden.history import DevicePast, Header
from sitewarden.profiles import ModbusProfile, Profile
from sitewarden.profiles.replayed import as_registers

LAST_UNIT = 247
BUS, CAMERAS = "replay", "cameras"
"""Of devices and cameras whose history does not name one."""


class Played(NamedTuple):
    """A device of the history."""

    past: DevicePast
    profile: ModbusProfile
    bus: int
    """Counts into the buses."""
    unit: int
    keys: tuple[str, ...]
    """The points that are served, in the order of the profile."""

    @property
    def name(self) -> str:
        """Of the device."""
        return self.past.device


class Cast(NamedTuple):
    """All devices, and the names of the buses they stand on."""

    buses: tuple[str, ...]
    devices: tuple[Played, ...]


def cast_of(header: Header, profiles: Mapping[str, Profile], file: Path) -> Cast:
    """Give every device of the history its place.

    Devices keep bus and unit where the history names them; the others get a free unit on a bus of ours.
    Those that spoke by themselves are asked as well, and so are cameras, whose bus is the last one. Raises
    `ConfigurationError` where a profile is unknown, or where two devices would answer as one.
    """
    # Stable: else in the order of the history.
    devices = sorted(header.devices, key=is_camera)
    _check_apart(devices, file)
    buses: dict[str, set[int]] = {}
    for device in devices:
        taken = buses.setdefault(bus_of(device), set())
        if device.unit is not None:
            taken.add(device.unit)
    names = list(buses)
    played: list[Played] = []
    for i, device in enumerate(devices):
        profile = _profile(file, f"devices.{i}.profile", device, profiles)
        bus = bus_of(device)
        unit = device.unit or _free(buses[bus])
        left_out = unused(device, profile)
        keys = tuple(key for key in profile.points if key not in left_out)
        played.append(Played(device, profile, names.index(bus), unit, keys))
    return Cast(tuple(names), tuple(played))


def is_camera(device: DevicePast) -> bool:
    """Whether the device looked at pictures: it had no registers, and has some in a replay."""
    return device.profile == cameras.PROFILE.profile


def bus_of(device: DevicePast) -> str:
    """The name of the bus on which the device stands."""
    return device.bus or (CAMERAS if is_camera(device) else BUS)


def _check_apart(devices: Sequence[DevicePast], file: Path) -> None:
    """Gateways of one site name their buses alike: their devices would lie upon each other, one unseen."""
    names, places = set[str](), dict[tuple[str, int], str]()
    mend = "Give the `--config gateway.yaml` of one gateway, or export one device with `--device`."
    for i, device in enumerate(devices):
        if device.device in names:
            message = f"`{device.device}` is there twice"
            raise ConfigurationError(file, 0, f"devices.{i}.device", message, mend)
        names.add(device.device)
        if device.unit is None:
            continue
        place = (bus_of(device), device.unit)
        if other := places.get(place):
            message = f"unit {device.unit} of bus `{place[0]}` is both `{other}` and `{device.device}`"
            raise ConfigurationError(file, 0, f"devices.{i}.unit", message, mend)
        places[place] = device.device


def unused(device: DevicePast, profile: Profile) -> list[str]:
    """Points of the profile that the device did not have: named so, or not among those that it had."""
    had = {point.p for point in device.points}
    return [
        key for key in profile.points if key in device.unused or (had and f"{device.device}/{key}" not in had)
    ]


def _profile(file: Path, field: str, device: DevicePast, profiles: Mapping[str, Profile]) -> ModbusProfile:
    profile = cameras.recorded(device.points) if is_camera(device) else profiles.get(device.profile)
    if profile is None:
        mend = "Give the folder that has it with `--profiles`."
        raise ConfigurationError(file, 0, field, f"there is no profile `{device.profile}`", mend)
    if device.version not in (None, profile.version):
        message = (
            f"was recorded with version {device.version} of `{profile.profile}`, here is {profile.version}"
        )
        mend = "Give a folder with the profile as it was with `--profiles`, under a name of its own."
        raise ConfigurationError(file, 0, field, message, mend)
    return as_registers(profile)


def _free(taken: set[int]) -> int:
    unit = next(unit for unit in range(1, LAST_UNIT + 1) if unit not in taken)
    taken.add(unit)
    return unit
