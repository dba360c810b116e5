"""What travels between gateway and cloud: JSON in columns, compressed where that helps."""

import zlib
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from sitewarden.errors import MessageError
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.rules.model import Basis, HazardProposal
from sitewarden.text import Text

VERSION = 1
MAX_BODY_BYTES = 256 * 1024
"""Of a body on the wire and of what it unpacks to four-fold: a small body may not swell into a large one."""
MAX_UNPACKED_BYTES = 4 * MAX_BODY_BYTES
COMPRESS_ABOVE_BYTES = 512
"""Below it zlib saves nothing worth its time (measured: columns shrink to a third from there on)."""

_ZLIB_FIRST_BYTE = 0x78
"""Of every zlib stream that we make; JSON begins with `{`, so that the first byte tells."""

Natural = Annotated[int, msgspec.Meta(ge=0)]
Seq = Annotated[int, msgspec.Meta(ge=1)]
Level = Annotated[int, msgspec.Meta(ge=1, le=4)]
Lane = Literal["alarms", "readings"]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
ClockState = Literal["synced", "unsynced", "unknown"]
EpisodeId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]

T = TypeVar("T", bound=msgspec.Struct)


class Series(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Readings of one point in columns of equal length."""

    p: Name
    """The point, `device/key`."""
    t: list[int]
    """Milliseconds after the message's `at`."""
    x: list[float | None]
    """Values in the unit of the point's kind, rounded to its resolution; `null` where the quality is bad."""
    q: list[Quality] | None = None
    """Qualities; left out where all are good."""

    def __post_init__(self) -> None:
        """Refuse columns of unequal length: no guess which value belongs to which instant."""
        if len(self.x) != len(self.t) or (self.q is not None and len(self.q) != len(self.t)):
            raise ValueError("the columns t, x and q differ in length")
        if self.q is None and None in self.x:
            raise ValueError("a value is missing although every quality is good")


class Gap(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Readings that were taken and will never come, for the gateway had to give them up."""

    from_at: int
    """Of the first reading that is gone, in milliseconds UTC."""
    to_at: int
    """Of the last."""
    count: Natural
    """Readings gone; 0 where nobody can say how many."""
    reason: Literal["thinned", "evicted", "damaged", "disk"]
    """Some gone for want of room; all of them; not readable any more; never taken by the disk."""
    points: list[Name] = []
    """Whose; empty for all points of the gateway."""


class Readings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A batch of readings: one record of the outbox."""

    v: int = msgspec.field(default=VERSION)
    boot: Name
    seq: Seq
    at: int
    """The instant, in milliseconds UTC, that the series count from."""
    series: list[Series]
    hist: bool = False
    """Back-fill: older than live, of a logger's memory or of an outage; never judged by live rules again."""
    gaps: list[Gap] = []
    """What this gateway had to give up; such a record may have no series."""
    mono: int | None = None
    """Milliseconds of the boot's own clock at `at`; nobody sets that clock."""
    clock: ClockState = "unknown"
    """What the gateway knew about its wall clock when it recorded."""
    moved_ms: int = 0
    """By so much the instants were put right since they were recorded, for the wall clock was set."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One transition of an alarm; it tells its whole episode, so that a clear may arrive before its raise."""

    v: int = msgspec.field(default=VERSION)
    boot: Name
    seq: Seq
    at: int
    """Source time of the reading that made the transition."""
    change: Literal["raised", "acknowledged", "cleared"]
    episode: EpisodeId
    """Minted at the raise, carried by the clear."""
    device: Name
    point: Name
    kind: Name
    rule: Name
    rule_version: Natural
    family: Name
    level: Level
    label: Text
    unit: str
    value: float
    """At this transition."""
    limit: float
    peak: float
    """The worst value of the episode so far."""
    raised_at: int
    cleared_at: int | None = None
    acknowledged_at: int | None = None
    """When somebody said that they know of it; the danger may stand."""
    acknowledged_by: str = ""
    """As whom they said so, such as `local` for the gateway's own page or button."""
    mono: int | None = None
    """As in `Readings`."""
    clock: ClockState = "unknown"
    moved_ms: int = 0
    """As in `Readings`."""
    basis: Basis
    hazard: HazardProposal | None = None
    evidence: list[Series] = []
    """The readings around the moment; `t` counts from `at` and is negative before it."""


class PointBirth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A point as its gateway announces it."""

    p: Name
    kind: Name
    label: Text | None = None
    """Where it says more than the kind does, such as `测点 H1`."""
    stale_after_ms: Natural = 0


class LimitBirth(msgspec.Struct, frozen=True, kw_only=True):
    """A limit in force on a point, for the pages to draw."""

    p: Name
    rule: Name
    rule_version: Natural
    level: Level
    limit: float
    direction: Literal["high", "low"]
    label: Text


class DeviceBirth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A device as its gateway announces it."""

    device: Name
    kind: Literal["crane", "pit", "weather", "other"]
    label: Text
    profile: Name
    layout: dict[str, Any] = {}
    points: list[PointBirth]
    limits: list[LimitBirth] = []


class Counters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a gateway has done since its outbox began; the cloud compares it with what it holds."""

    readings_written: Natural = 0
    """Readings put into the outbox."""
    alarms_written: Natural = 0
    readings_dropped: Natural = 0
    """Shed because a bound was reached; never silently."""
    alarms_dropped: Natural = 0


class BusHealth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a bus fares; counts are since the agent's start."""

    bus: Name
    load_percent: float
    """Of the last minute: so much of the time the bus was held by requests, answers and waiting for them."""
    p95_ms: float | None = None
    """So long, or less, 95 % of the newest answers took."""
    requests: Natural = 0
    timeouts: Natural = 0
    late: Natural = 0
    """Sound answers that came to nobody, and were dropped."""
    broken: Natural = 0
    """Frames with a wrong checksum or length, and noise."""
    exceptions: Natural = 0
    missed: Natural = 0
    """Deadlines that passed while the bus was busy."""


class DeviceHealth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a device fares, by the age of what it said: a connection says nothing of that."""

    device: Name
    online: bool
    """Whether it has answered within three of its intervals."""
    age_ms: Natural | None = None
    """Since its last answer; absent where there was none."""


class Health(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the gateway itself fares."""

    buses: list[BusHealth] = []
    devices: list[DeviceHealth] = []
    cpu_s_per_1000: float | None = None
    """CPU-seconds of the last minute for 1000 readings; absent where there were none."""
    rss_bytes: Natural | None = None
    evicted: Natural = 0
    """Readings that the outbox has given up for want of room, thinned ones included."""
    clock_steps: Natural = 0
    """How often the wall clock was set since the agent's start."""


class Status(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Presence: the birth (`online`, retained), the last will (`offline`, retained), the heartbeat."""

    v: int = msgspec.field(default=VERSION)
    state: Literal["online", "offline", "heartbeat"]
    boot: Name
    at: int
    software: str = ""
    devices: list[DeviceBirth] | None = None
    """In the birth only."""
    outbox: dict[Lane, Natural] = {}
    """Records waiting for a receipt, a lane."""
    oldest_at: int | None = None
    """Since when the oldest unacknowledged record waits."""
    disk_free_bytes: Natural | None = None
    clock: ClockState = "unknown"
    counters: Counters = Counters()
    health: Health | None = None


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What one transaction of the cloud has committed: exactly these records, never 'up to'."""

    v: int = msgspec.field(default=VERSION)
    boot: Name
    lane: Lane
    seqs: list[tuple[int, int]]
    """Ranges, both ends included."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What the cloud asks of a gateway."""

    v: int = msgspec.field(default=VERSION)
    command: Literal["rebirth", "acknowledge"]
    episode: EpisodeId | None = None
    """Which alarm is acknowledged."""
    by: str = ""
    """Who acknowledges it, as the cloud knows them."""


class _Versioned(msgspec.Struct):
    v: int


def encode(message: msgspec.Struct) -> bytes:
    """The body of a message; raises `MessageError` with reason `oversized` above `MAX_BODY_BYTES`."""
    # omit_defaults leaves `v` out; it is spliced in so that every body names its version.
    plain = msgspec.json.encode(message)
    if not plain.startswith(b'{"v":'):
        plain = b'{"v":%d,%s' % (VERSION, plain[1:])
    body = zlib.compress(plain) if len(plain) > COMPRESS_ABOVE_BYTES else plain
    if len(body) > MAX_BODY_BYTES or len(plain) > MAX_UNPACKED_BYTES:
        raise MessageError("oversized", f"{len(body)} bytes; a body has at most {MAX_BODY_BYTES}")
    return body


def decode(body: bytes, kind: type[T]) -> T:
    """The message in `body`; raises `MessageError` with reason `garbage`, `version` or `oversized`."""
    plain = _unpack(body)
    try:
        version = msgspec.json.decode(plain, type=_Versioned).v
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise MessageError("garbage", str(exc)) from exc
    if version != VERSION:
        raise MessageError("version", f"version {version}; this program understands {VERSION}")
    try:
        return msgspec.json.decode(plain, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise MessageError("garbage", str(exc)) from exc


def _unpack(body: bytes) -> bytes:
    if len(body) > MAX_BODY_BYTES:
        raise MessageError("oversized", f"{len(body)} bytes; a body has at most {MAX_BODY_BYTES}")
    if not body or body[0] != _ZLIB_FIRST_BYTE:
        return body
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(body, MAX_UNPACKED_BYTES)
    except zlib.error as exc:
        raise MessageError("garbage", f"not a zlib stream: {exc}") from exc
    if unpacker.unconsumed_tail:
        raise MessageError("oversized", f"unpacks to more than {MAX_UNPACKED_BYTES} bytes")
    if not unpacker.eof:
        raise MessageError("garbage", "the zlib stream ends early")
    return plain


def series_of(readings: list[Reading], at_ms: int) -> list[Series]:
    """Readings in columns, a series a point, in the order in which the points first appear."""
    by_point: dict[str, list[Reading]] = {}
    for reading in readings:
        by_point.setdefault(reading.point, []).append(reading)
    return [
        Series(
            p=point,
            t=[r.at_ms - at_ms for r in rows],
            x=[r.value for r in rows],
            q=None if all(r.quality is Quality.GOOD for r in rows) else [r.quality for r in rows],
        )
        for point, rows in by_point.items()
    ]


def readings_of(series: list[Series], at_ms: int) -> list[Reading]:
    """The readings in the columns; the inverse of `series_of` but for the order of points."""
    return [
        Reading(s.p, at_ms + t, x, Quality.GOOD if s.q is None else s.q[i])
        for s in series
        for i, (t, x) in enumerate(zip(s.t, s.x, strict=True))
    ]
