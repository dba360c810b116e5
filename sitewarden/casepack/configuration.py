"""What a pack's devices were set up as, apart from what was read of them. Pure."""

import msgspec

from sitewarden.errors import SiteWardenError
from sitewarden.history import DeviceConfiguration, DevicePast, Header
from sitewarden.rules.model import LimitChange


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """Of all devices of a pack."""

    devices: list[DeviceConfiguration]
    limit_changes: list[LimitChange] = []
    """Limits that the site had changed."""


class UnfitError(SiteWardenError):
    """A configuration of other devices than the history is of."""


def configuration_of(header: Header) -> Configuration:
    """What a history's header says of it."""
    return Configuration(
        devices=[
            DeviceConfiguration(
                **{name: getattr(device, name) for name in DeviceConfiguration.__struct_fields__}
            )
            for device in header.devices
        ],
        limit_changes=header.changes,
    )


def without_configuration(header: Header) -> Header:
    """The header with nothing but what was recorded: devices by name and profile, and their points."""
    bare = [
        DevicePast(device=device.device, profile=device.profile, points=device.points)
        for device in header.devices
    ]
    return msgspec.structs.replace(header, devices=bare, changes=[])


def configured(header: Header, configuration: Configuration) -> Header:
    """The header whole again; raises `UnfitError` where the two are not of the same devices."""
    known = {device.device: device for device in configuration.devices}
    recorded = {device.device: device.profile for device in header.devices}
    if recorded.keys() != known.keys():
        raise UnfitError(
            f"is of {', '.join(sorted(known)) or 'no device'}, the history of {', '.join(sorted(recorded))}"
        )
    for name, profile in recorded.items():
        if known[name].profile != profile:
            raise UnfitError(f"says that `{name}` is a `{known[name].profile}`, the history a `{profile}`")
    devices = [_configured(device, known[device.device]) for device in header.devices]
    return msgspec.structs.replace(header, devices=devices, changes=configuration.limit_changes)


def _configured(device: DevicePast, known: DeviceConfiguration) -> DevicePast:
    fields = {name: getattr(known, name) for name in DeviceConfiguration.__struct_fields__}
    return msgspec.structs.replace(device, **fields)
