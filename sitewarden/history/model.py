"""What a history says: readings by point, and the header by which they can be understood without the site."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from sitewarden.instruments import Instruments
from sitewarden.loadchart import LoadChart
from sitewarden.messages import Gap, PointBirth
from sitewarden.rules.model import LimitChange
from sitewarden.rules.packs import RulePack
from sitewarden.rules.scan import Track
from sitewarden.text import Text

__all__ = [
    "VERSION",
    "DeviceConfiguration",
    "DevicePast",
    "Header",
    "History",
    "PastAlarm",
    "TakenOut",
    "Track",
]

VERSION = 1
"""Of the format; a reader refuses what it does not know."""


class DeviceConfiguration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A device, as its gateway was told to read and judge it while the history was recorded.

    What the source did not know stays at its default: a cloud knows neither units nor charts.
    """

    device: str
    profile: str
    version: int | None = None
    """Of the profile."""
    label: Text | None = None
    bus: str | None = None
    unit: int | None = None
    """By which it answered on its bus."""
    intervals_ms: dict[str, int] = {}
    """How often it was asked, by poll group; says from when on missing readings are a silence."""
    unused: list[str] = []
    """Points of the profile to which nothing was connected."""
    out_of_service: list[str] = []
    """Keys of points, raw or derived, whose alarms the gateway did not raise: nor does a replay."""
    chart: LoadChart | None = None
    parameters: dict[str, float | str] = {}
    point_parameters: dict[str, dict[str, float | str]] = {}
    """By the key of a point; they win over the device's."""
    zero: dict[str, float] = {}
    """In mm, by the key of each displacement point."""
    instruments: Instruments = Instruments()
    """What hung where in a pit, and what the certificates gave."""
    crane_group: dict[str, Any] = {}
    """Of a crane in a group: `group`, `cranes` and `obstacles`, as the gateway's file had them."""
    layout: dict[str, Any] = {}


class DevicePast(DeviceConfiguration, frozen=True, kw_only=True, omit_defaults=True):
    """A device as it was, with the points that it announced."""

    points: list[PointBirth] = []
    """Raw and derived, with their kinds."""


class PastAlarm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An alarm that was raised while the history was recorded."""

    episode: str
    device: str
    point: str
    kind: str
    rule: str
    rule_version: int
    family: str
    level: int
    label: Text
    value: float
    """At the raise."""
    limit: float
    peak: float
    raised_at: int
    """UTC milliseconds, source time; so is `cleared_at`."""
    cleared_at: int | None = None


class TakenOut(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """By whom a history was taken out of a cloud, and when: it goes wherever the file goes."""

    by: str
    at: int
    """UTC milliseconds."""


class Header(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything about a history but its readings."""

    v: int = msgspec.field(default=VERSION)
    site: str
    gateway: str = ""
    """Whose readings they are; empty where they are those of several."""
    name: Text | None = None
    """Of the site."""
    time_zone: str = "UTC"
    since_ms: int
    """What was asked for, UTC milliseconds: readings lie at `since_ms` <= instant < `until_ms`."""
    until_ms: int
    devices: list[DevicePast]
    gaps: list[Gap] = []
    """What a gateway had recorded and had to give up."""
    alarms: list[PastAlarm] = []
    rules: list[RulePack] = []
    """Those in force, where the source knew them whole."""
    changes: list[LimitChange] = []
    """Limits that the site had changed."""
    software: str = ""
    """Version that wrote the file."""
    taken_out: TakenOut | None = None


class History(NamedTuple):
    """A whole history in memory."""

    header: Header
    tracks: Mapping[str, Track]
    """By point, `device/key`; a point without readings is left out."""
