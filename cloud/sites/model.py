"""Sites, gateways, devices and points as the HTTP interface shows them."""

from typing import Any, Literal

from pydantic import Field

from cloud.alarms.model import RequestShown, ShelfShown
from cloud.shown import Instant, Shown, TextShown
from sitewarden.messages import Commissioning, ToldState

Presence = Literal["online", "offline", "unknown"]


class SiteFacts(Shown):
    """What list and detail have in common."""

    id: str
    name: TextShown
    time_zone: str
    demo: bool


class Outbox(Shown):
    """What waits at a gateway for a receipt."""

    alarms: int
    readings: int
    oldest_at: Instant | None


class BusShown(Shown):
    """How a bus of a gateway fares; counts are since the agent's start."""

    bus: str
    load_percent: float = Field(description="Of the last minute: how much of the time it was held.")
    p95_ms: float | None = Field(
        default=None, description="So long, or less, 95 % of the newest answers took."
    )
    requests: int = 0
    timeouts: int = 0
    late: int = 0
    broken: int = 0
    exceptions: int = 0
    missed: int = 0
    rereads: int = 0


class DeviceHeard(Shown):
    """How a device answers its gateway, by the age of what it said."""

    device: str
    online: bool
    age_ms: int | None = None


class HealthShown(Shown):
    """How a gateway itself fares, as its newest status told."""

    buses: list[BusShown] = Field(default_factory=list)
    devices: list[DeviceHeard] = Field(default_factory=list)
    cpu_s_per_1000: float | None = Field(
        default=None, description="CPU-seconds of the last minute for 1000 readings."
    )
    rss_bytes: int | None = None
    outbox_bytes: dict[str, int] = Field(default_factory=dict)
    evicted: int = Field(default=0, description="Readings that its outbox gave up for want of room.")
    clock_steps: int = Field(default=0, description="How often its clock was set since the agent's start.")


class Gateway(Shown):
    """A gateway and how it fares."""

    id: str
    state: Presence = Field(
        description="Offline: it said so, or was silent for 30 s. Unknown: it was never heard."
    )
    seen_at: Instant | None
    boot: str | None
    outbox: Outbox
    disk_free_bytes: int | None
    clock: str
    clock_offset_ms: int | None = Field(
        default=None,
        description="By how much its clock was ahead of the cloud's when it last spoke; behind, if negative. "
        "The time on the way makes it look a little behind.",
    )
    software: str = Field(default="", description="The version of its agent.")
    health: HealthShown | None = None
    cloned_at: Instant | None = Field(
        description="When two machines were last seen under its name, within a day."
    )
    shelved: list[ShelfShown] = Field(description="Rules whose alarms it holds back, as it last said.")
    states: dict[str, ToldState] = Field(
        description="Of its standing alarms, by episode, what alarms and shelves do not tell."
    )
    requests: list[RequestShown] = Field(description="What it was asked and has not confirmed yet.")


class Limit(Shown):
    """A limit in force on a point."""

    rule: str
    level: int
    limit: float
    direction: Literal["high", "low"]
    label: TextShown


class Point(Shown):
    """Something that is measured or derived."""

    id: str = Field(examples=["crane-1/load"])
    key: str
    kind: str
    unit: str
    resolution: float
    label: TextShown
    stale_after_ms: int
    limits: list[Limit]


class Device(Shown):
    """A device and its points."""

    id: str
    gateway: str
    kind: Literal["crane", "pit", "weather", "hoist", "dust", "camera", "other"]
    label: TextShown
    profile: str
    layout: dict[str, Any]
    commissioning: Commissioning = Field(
        description="`trial` (试运行): it is watched and shown, and its alarms call nobody."
    )
    points: list[Point]


class Site(SiteFacts):
    """A site with all that stands on it."""

    now: Instant
    permissions: list[str] = Field(description="What the account may do here.")
    gateways: list[Gateway]
    devices: list[Device]


class Statistics(Shown):
    """Counts of mode live, since the site began."""

    readings: int = Field(description="Readings stored, each once.")
    readings_late: int = Field(description="Of these, stored more than a minute after their instant.")
    alarm_transitions: int
    episodes: int
    hazards_open: int
    dead_letters: dict[str, int] = Field(description="By reason.")
    readings_written: dict[str, int] = Field(description="By gateway, as it counts them itself.")
