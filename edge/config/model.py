"""What an agent works from: buses, ears and devices, everything about them looked up and checked."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from edge.grouping import GroupPlan
from edge.settings import (
    ConfigurationSettings,
    ModbusSettings,
    OutputSettings,
    SirenSettings,
    SpeakingSettings,
)
from edge.vision.settings import CameraEntry, VisionSettings
from edge.zones import Danger
from sitewarden.derived import DerivedPoint, Instruments
from sitewarden.loadchart import LoadChart
from sitewarden.messages import Commissioning, DeviceSetup, PointBirth
from sitewarden.parameters import NO_POINTS, ByPoint
from sitewarden.profiles import ModbusProfile, Profile
from sitewarden.profiles.model import SpeakingProfile
from sitewarden.rules.model import BoundRule
from sitewarden.text import Text
from sitewarden.topics import Mode


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device, everything about it looked up and checked."""

    name: str
    profile: Profile
    label: Text
    intervals_ms: Mapping[str, int]
    """By poll group."""
    chart: LoadChart | None
    zero: Mapping[str, float]
    """Zero readings by key, in the unit of the point: of displacements (mm), and of tilts (°) where given."""
    parameters: Mapping[str, float | str]
    """What the site gives to rules and derivations."""
    point_parameters: ByPoint = NO_POINTS
    """The same by the key of a point, which win there."""
    instruments: Instruments = Instruments()
    """What hangs where in a pit, and what the certificates give."""
    points: tuple[PointBirth, ...]
    """Raw and derived."""
    group_points: tuple[DerivedPoint, ...] = ()
    """Those of `points` that a crane has from its group, and a positioning system from its zones."""
    danger: Danger | None = None
    """Which of its zones are dangerous, and when."""
    rules: tuple[BoundRule, ...]
    unjudged: tuple[str, ...] = ()
    """Why rules of the packs do not hold for this device, though it has what they watch."""
    lacking: Mapping[str, Sequence[str]] = {}
    """Parameters that are not given and on which rules wait, each with the points that those would judge."""
    commissioning: Commissioning = "in_use"
    out_of_service: frozenset[str] = frozenset()
    """Points whose alarms are not raised."""
    history: Path | None
    layout: Mapping[str, Any]
    setup: DeviceSetup = DeviceSetup()
    """As the file has it, for the cloud to know."""

    @property
    def is_on_trial(self) -> bool:
        """Whether its alarms are tests (试运行): told, and heard by nobody."""
        return self.commissioning == "trial"


class PolledDevice(Device, frozen=True, kw_only=True):
    """A device that is asked."""

    profile: ModbusProfile
    unit: int


class SpeakingDevice(Device, frozen=True, kw_only=True):
    """A device that speaks by itself."""

    profile: SpeakingProfile
    identity: str
    """By what it names itself."""
    token: str | None = None
    """By what it shows that it is the one; never printed."""


class Camera(Device, frozen=True, kw_only=True):
    """A camera, whose points say what is seen."""

    entry: CameraEntry
    """Its address has no login: `{username}` and `{password}` stand where one belongs."""
    password: str | None = None
    """Never printed."""
    address: str | None = None
    """With the login that belongs into it, where one does; never printed."""

    def __repr__(self) -> str:
        """Without the login, for a struct may end in a log."""
        return f"Camera({self.name})"


class Bus(msgspec.Struct, frozen=True, kw_only=True):
    """A line to one or more devices."""

    name: str
    modbus: ModbusSettings
    devices: tuple[PolledDevice, ...]

    @property
    def settle_s(self) -> float:
        """How long its devices want to be left alone after a connection."""
        return max(device.profile.modbus.pause_after_connect_ms for device in self.devices) / 1000

    @property
    def longest_answer_s(self) -> float:
        """How long a reading may take to come after it was asked for."""
        asked = (device.profile.modbus.answer_ms or 0 for device in self.devices)
        return (self.modbus.timeout_ms + max(asked)) / 1000


class Ear(msgspec.Struct, frozen=True, kw_only=True):
    """Where devices speak to that nobody asks; in the file it is a bus as any other."""

    name: str
    settings: SpeakingSettings
    secret: str | None = None
    """The password of the broker or of the packets; never printed."""
    ca_file: Path | None = None
    devices: tuple[SpeakingDevice, ...]


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """The broker with the password read; never printed."""

    host: str
    port: int
    username: str | None
    password: str | None
    ca_file: Path | None
    password_file: Path | None = None
    """Where a new password is looked for while the agent runs."""
    certificate_file: Path | None = None
    """The gateway's own certificate and its key."""
    cloud: str | None = None
    """Where the certificate is renewed, and where pictures go."""
    cloud_ca_file: Path | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway's own page with the PIN read; never printed."""

    host: str
    port: int
    pin: str | None


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """All that the agent works from."""

    site: str
    name: str
    mode: Mode
    data_dir: Path
    broker: Broker
    outputs: tuple[OutputSettings, ...]
    """With their files made absolute."""
    siren: SirenSettings = SirenSettings()
    configuration: ConfigurationSettings = ConfigurationSettings()
    page: Page | None = None
    buses: tuple[Bus, ...]
    ears: tuple[Ear, ...] = ()
    cameras: tuple[Camera, ...] = ()
    vision: VisionSettings = VisionSettings()
    groups: tuple[GroupPlan, ...] = ()
    itself: Device | None = None
    """What it says of itself; nothing in a replay, whose clock is the recorded one."""

    @property
    def lines(self) -> list[Bus | Ear]:
        """Every bus and ear."""
        return [*self.buses, *self.ears]

    @property
    def devices(self) -> Iterator[Device]:
        """Every device of every bus, those that are asked first, and the cameras."""
        polled = (device for bus in self.buses for device in bus.devices)
        speaking = (device for ear in self.ears for device in ear.devices)
        return itertools.chain(polled, speaking, self.cameras)

    @property
    def judged(self) -> Iterator[Device]:
        """Every device, and the gateway itself where it says something."""
        yield from self.devices
        if self.itself is not None:
            yield self.itself
