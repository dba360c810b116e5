"""Profiles: found, known, and fit for the bus that they are on."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from edge import itself
from edge.config.addresses import transport_of
from edge.config.source import Source, nearest
from edge.drivers.registry import UnknownProtocolError, talk_maker
from edge.settings import (
    DeviceEntry,
    FrameServer,
    Hj212Server,
    HttpPush,
    ModbusSettings,
    MqttJson,
    SpeakingSettings,
)
from sitewarden.errors import ConfigurationError
from sitewarden.profiles import ModbusProfile, Profile
from sitewarden.profiles.model import FrameProfile, Hj212Profile, JsonProfile


def profile_folders(source: Source) -> Iterator[Path]:
    """The folders of profiles of the site's own."""
    for i, name in enumerate(source.file.profiles):
        folder = source.folder / name
        if not folder.is_dir():
            raise source.error(f"profiles.{i}", f"`{name}` is not a folder", "Name a folder of profiles.")
        yield folder


def unknown_profiles(source: Source, profiles: Mapping[str, Profile]) -> Iterator[ConfigurationError]:
    """Devices of a profile that there is not, or that no device may have."""
    for i, bus in enumerate(source.file.buses):
        for j, entry in enumerate(bus.devices):
            if entry.profile == itself.PROFILE.profile:
                # Histories and judgements leave out what is of this profile.
                message = f"`{entry.profile}` is what a gateway says of itself"
                yield source.error(
                    f"buses.{i}.devices.{j}.profile", message, "Give the profile another name."
                )
            elif entry.profile not in profiles:
                message = f"there is no profile `{entry.profile}`"
                mend = nearest(entry.profile, profiles, "Profiles are")
                yield source.error(f"buses.{i}.devices.{j}.profile", message, mend)


def protocols_unknown(source: Source) -> Iterator[ConfigurationError]:
    """Frames that nothing installed here can read."""
    for i, bus in enumerate(source.file.buses):
        if bus.frames is not None:
            try:
                talk_maker(bus.frames.protocol)
            except UnknownProtocolError as exc:
                mend = "Check the name, or install the package that speaks it."
                yield source.error(f"buses.{i}.frames.protocol", str(exc), mend)


def other_protocol(source: Source, where: str, profile: Profile, bus: str) -> ConfigurationError:
    """A device under a bus that speaks otherwise than it does."""
    speaks = _protocol_of(profile)
    message = f"`{profile.profile}` speaks {speaks}, and {bus} does not"
    return source.error(f"{where}.profile", message, f"Put it under a bus of {speaks}.")


def transport_not_offered(
    source: Source, where: str, modbus: ModbusSettings, profile: ModbusProfile
) -> Iterator[ConfigurationError]:
    """A device that does not speak over the transport of its bus."""
    transport = transport_of(modbus)
    if source.file.mode == "replay":
        return  # the line is the simulator's, not the maker's
    if transport not in profile.modbus.transports:
        offered = ", ".join(profile.modbus.transports)
        message = f"`{profile.profile}` does not speak Modbus over {transport}, only over {offered}"
        yield source.error(f"{where}.profile", message, "Use a bus of that transport.")


def without_unused(source: Source, where: str, entry: DeviceEntry, profile: Profile) -> Profile:
    """The profile less the points that the site does not use."""
    for i, key in enumerate(entry.unused):
        if key not in profile.points:
            mend = nearest(key, profile.points, "Points are")
            raise source.error(f"{where}.unused.{i}", f"`{key}` is not a point of this profile", mend)
    used = {key: point for key, point in profile.points.items() if key not in entry.unused}
    if not used:
        raise source.error(f"{where}.unused", "leaves no point to read", "Remove the device instead.")
    return msgspec.structs.replace(profile, points=used)


def can_speak(profile: Profile, settings: SpeakingSettings | None) -> bool:
    """Whether a device of this profile speaks in the way of that ear."""
    match settings:
        case Hj212Server():
            return isinstance(profile, Hj212Profile)
        case FrameServer():
            return isinstance(profile, FrameProfile) and profile.frames.protocol == settings.protocol
        case MqttJson() | HttpPush():
            return isinstance(profile, JsonProfile)
        case None:
            return False


def _protocol_of(profile: Profile) -> str:
    match profile:
        case ModbusProfile():
            return "Modbus"
        case Hj212Profile():
            return "HJ 212"
        case FrameProfile():
            return f"frames of {profile.frames.protocol}"
        case _:
            return "JSON"
