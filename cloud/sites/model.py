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
    kind: Literal["crane", "pit", "weather", "hoist", "dust", "other"]
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
