"""Buses and ears with the devices on them."""

from edge.config.access import LEAST_TOKEN, certificates, secret_in
from edge.config.devices import fields_of
from edge.config.model import Bus, Ear, PolledDevice, SpeakingDevice
from edge.config.profiles import can_speak, other_protocol, transport_not_offered
from edge.config.source import Known, Source
from edge.settings import BusEntry, DeviceEntry, Hj212Server, ModbusSettings, MqttJson, SpeakingSettings
from sitewarden.profiles import ModbusProfile
from sitewarden.profiles.model import SPEAKING

SLOW_MS = 10_000
"""A device that may take longer to answer cannot share its bus."""


def bus_of(source: Source, i: int, entry: BusEntry, modbus: ModbusSettings, known: Known) -> Bus:
    """A line with the devices that are asked over it."""
    devices = tuple(
        _polled(source, f"buses.{i}.devices.{j}", device, entry, known)
        for j, device in enumerate(entry.devices)
    )
    for j, device in enumerate(devices):
        answer_ms = device.profile.modbus.answer_ms or 0
        if len(devices) > 1 and answer_ms > SLOW_MS:
            model = f"`{device.profile.profile}` may take {answer_ms / 1000:g} s to answer"
            message = f"{model}, and nobody else on the bus is heard meanwhile"
            raise source.error(f"buses.{i}.devices.{j}.profile", message, "Give it a bus of its own.")
    return Bus(name=entry.bus, modbus=modbus, devices=devices)


def _polled(source: Source, where: str, entry: DeviceEntry, bus: BusEntry, known: Known) -> PolledDevice:
    profile = known.profiles[entry.profile]
    assert bus.modbus is not None  # noqa: S101  # else the bus is an ear
    assert entry.unit is not None  # noqa: S101  # it was refused otherwise
    if not isinstance(profile, ModbusProfile):
        raise other_protocol(source, where, profile, "a bus of Modbus")
    for error in transport_not_offered(source, where, bus.modbus, profile):
        raise error
    return PolledDevice(**fields_of(source, where, entry, bus, known), unit=entry.unit)


def ear_of(source: Source, i: int, entry: BusEntry, settings: SpeakingSettings, known: Known) -> Ear:
    """An ear with the devices that speak to it."""
    where, secret, ca_file = f"buses.{i}", None, None
    if isinstance(settings, Hj212Server):
        secret = secret_in(source, f"{where}.hj212.password_file", settings.password_file)
    if isinstance(settings, MqttJson):
        if settings.password_file is not None and settings.username is None:
            message = "is missing beside a password file"
            raise source.error(f"{where}.mqtt_json.username", message, "Add `username:`.")
        secret = secret_in(source, f"{where}.mqtt_json.password_file", settings.password_file)
        ca_file = certificates(source, f"{where}.mqtt_json.ca_file", settings.ca_file)
    devices = tuple(
        _speaking(source, f"{where}.devices.{j}", device, entry, known)
        for j, device in enumerate(entry.devices)
    )
    return Ear(name=entry.bus, settings=settings, secret=secret, ca_file=ca_file, devices=devices)


def _speaking(source: Source, where: str, entry: DeviceEntry, bus: BusEntry, known: Known) -> SpeakingDevice:
    profile = known.profiles[entry.profile]
    if not isinstance(profile, SPEAKING) or not can_speak(profile, bus.speaking):
        raise other_protocol(source, where, profile, "this bus")
    token = secret_in(source, f"{where}.token_file", entry.token_file)
    if token is not None and len(token) < LEAST_TOKEN:
        message = f"the token has {len(token)} characters"
        raise source.error(f"{where}.token_file", message, f"Write one of {LEAST_TOKEN} or more.")
    assert entry.identity is not None  # noqa: S101  # it was refused otherwise
    return SpeakingDevice(**fields_of(source, where, entry, bus, known), identity=entry.identity, token=token)
