"""What travels between gateway and cloud: JSON in columns, compressed where that helps."""

import zlib
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain, pairwise, starmap
from operator import sub
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec

from sitewarden.errors import MessageError
from sitewarden.instruments import Instruments
from sitewarden.quality import Quality
from sitewarden.readings import Reading
from sitewarden.rules.model import Basis, HazardProposal, LimitChange
from sitewarden.text import Text

VERSION = 1
MAX_BODY_BYTES = 256 * 1024
"""Of a body on the wire and of what it unpacks to four-fold: a small body may not swell into a large one."""
MAX_UNPACKED_BYTES = 4 * MAX_BODY_BYTES
MOST_READINGS = 60_000
"""Of one message: many times what a gateway puts into one, and few enough for any reader's memory."""
MOST_DECIMALS = 6
"""Of values in a block; the finest resolution of the vocabulary has fewer."""
LARGEST_PACKED = 1e9
"""Of values in a block, so that every multiple is a whole number that a float holds exactly."""
COMPRESS_ABOVE_BYTES = 512
"""Below it zlib saves nothing worth its time (measured: columns shrink to a third from there on)."""

LIVE_LEVEL, BACKFILL_LEVEL = 1, 6
"""Of zlib: a live body costs every gateway time with every poll, back-fill costs the line (measured)."""

_OURS = b'{"v":%d,' % VERSION
_ZLIB_FIRST_BYTE = 0x78
"""Of every zlib stream that we make; JSON begins with `{`, so that the first byte tells."""

Natural = Annotated[int, msgspec.Meta(ge=0)]
Seq = Annotated[int, msgspec.Meta(ge=1)]
Named = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
"""A seq that a receipt names."""
Level = Annotated[int, msgspec.Meta(ge=1, le=4)]
Decimals = Annotated[int, msgspec.Meta(ge=0, le=MOST_DECIMALS)]
Step = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
Lane = Literal["alarms", "readings"]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
ClockState = Literal["synced", "unsynced", "unknown"]
Who = Annotated[str, msgspec.Meta(max_length=128)]
EpisodeId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
RequestId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
"""Of what somebody asked for at the cloud."""
Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
ConfigurationState = Literal["refused", "probation", "in_force", "rolled_back", "checked"]
"""Checked: nothing is wrong with it, and it was not to be put in force."""
ToldState = Literal["unacknowledged", "latched-unacknowledged", "suppressed-by-design", "out-of-service"]
"""Of a standing alarm what its transitions and the shelves do not tell, as ANSI/ISA-18.2 names it.

Unacknowledged is also one that got clearly worse after somebody had acknowledged it.
"""

MediaKind = Literal["snapshot", "clip", "still"]
"""Of an alarm the picture that it goes out with, and the seconds around it; or how a camera's view looks."""
NoPicture = Literal["disk_full", "disk", "no_frame", "eyes", "replay"]
"""Why an alarm of a camera has none: no room, a disk that fails, nothing seen, nobody looks, the past."""
MOST_OFFERED = 16
"""Files of one offer."""
MOST_MEDIA_BYTES = 12 * 1024 * 1024
"""Of one file; the cloud takes no larger one."""
MOST_OTHERS = 48
"""Areas of one picture that hold other heads; where more would be needed they are put together."""

Commissioning = Literal["trial", "in_use"]
"""Of a device: 试运行, it is watched and nobody is called; or 投用."""
Ended = Literal["orphaned", "in_use", "trial"]
"""Its point or rule has left the configuration; or its device was put into use, or back on trial."""

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


class Steps(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Readings of one point in a block: the same as a `Series`, written as steps."""

    p: Name
    e: Decimals
    """Values are whole multiples of 10⁻ᵉ."""
    d: list[Step | None]
    """The first multiple, then each one's step from the last before it; `null` where the quality is bad."""
    q: list[Quality] | None = None
    """As in a `Series`."""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Readings of points that were read together: one column of instants for all of them."""

    t: list[int]
    """The first instant in milliseconds after the message's `at`, then each one's step from the last."""
    s: list[Steps]


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


class HookPlace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a hook was, as far as somebody can say."""

    radius: float | None = None
    """In m, as all lengths here."""
    slew: float | None = None
    """In °."""
    height: float | None = None


class WorkCycle(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One lift of a crane (工作循环), from taking a load up to setting it down."""

    device: Name
    started_at: int
    """When the load was on the hook, in milliseconds UTC; with the device the cycle's natural key."""
    ended_at: int
    """When it was off; of a cycle that was broken off, when it was last seen on."""
    peak_load: float
    """In t."""
    peak_load_ratio: float | None = None
    """In %, of what the chart allows then and there."""
    peak_moment: float | None = None
    """In t·m."""
    peak_moment_ratio: float | None = None
    picked: HookPlace = HookPlace()
    """Where the load was taken up."""
    set_down: HookPlace = HookPlace()
    broken_off: bool = False
    """Whether the load was lost from sight before it was set down: `set_down` is not known then."""


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
    cycles: list[WorkCycle] = []
    """Lifts that ended with these readings."""
    mono: int | None = None
    """Milliseconds of the boot's own clock at `at`; nobody sets that clock."""
    clock: ClockState = "unknown"
    """What the gateway knew about its wall clock when it recorded."""
    moved_ms: int = 0
    """By so much the instants were put right since they were recorded, for the wall clock was set."""
    blocks: list[Block] = []
    """On the wire only, of back-fill: more series, smaller; a message in hand has them all in `series`."""

    def __post_init__(self) -> None:
        """Unpack blocks, so that whoever has a message finds every reading in `series`."""
        if self.blocks:
            in_blocks = sum(len(block.t) * len(block.s) for block in self.blocks)
            if in_blocks + _readings_in(self.series) > MOST_READINGS:
                raise ValueError(f"more than {MOST_READINGS} readings")
            unpacked = chain.from_iterable(map(_unpacked, self.blocks))
            msgspec.structs.force_setattr(self, "series", [*self.series, *unpacked])
            msgspec.structs.force_setattr(self, "blocks", [])


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a camera that lies on its gateway's disk, by what it is."""

    sha256: Sha256
    bytes: Annotated[int, msgspec.Meta(ge=1, le=MOST_MEDIA_BYTES)]
    media_type: Annotated[str, msgspec.Meta(max_length=64)]
    kind: MediaKind


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
    acknowledged_by: Who = ""
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
    test: bool = False
    """Of a device on trial (试运行): nobody is called, no siren sounds, and no hazard comes of it."""
    ended: Ended | None = None
    """Why it was cleared although nothing says that the danger is over; absent where something does."""
    pictures: Annotated[list[Picture], msgspec.Meta(max_length=8)] = []
    """Of a camera's alarm, in its raise: what was stored before it went out; the files themselves follow."""
    no_picture: NoPicture | None = None
    """Why there are none: an alarm waits for no picture."""


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


class DeviceSetup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """As what the gateway was told to read and judge a device: a back-test and a replay need the same."""

    bus: str | None = None
    unit: Natural | None = None
    """On that bus."""
    identity: str | None = None
    """By which it names itself there, where it speaks without being asked."""
    intervals_ms: dict[Name, Natural] = {}
    """By poll group."""
    unused: list[Name] = []
    """Points of the profile to which nothing is connected."""
    out_of_service: list[Name] = []
    """Points, raw or derived, whose alarms are not raised."""
    load_chart: str | None = None
    """By name, or the file's name where it is one of the site's own."""
    parameters: dict[Name, float | str] = {}
    """What rules ask for: control values of the design, classes, a depth."""
    point_parameters: dict[Name, dict[Name, float | str]] = {}
    """The same by the key of a point, which win there."""
    limit_changes: list[LimitChange] = []
    """Limits that the site has changed for this device, with author, reason and version."""
    zero: dict[Name, float] = {}
    """First readings in mm, by the key of the point."""
    instruments: Instruments = Instruments()
    """What hangs where in a pit, and what the certificates give."""
    crane_group: dict[str, Any] = {}
    """Of a crane in a group: `group`, `cranes` and `obstacles`, as the gateway's file has them."""


class DeviceBirth(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A device as its gateway announces it."""

    device: Name
    kind: Literal["crane", "pit", "weather", "hoist", "dust", "camera", "other"]
    label: Text
    profile: Name
    profile_version: Natural | None = None
    """By which its numbers were read; left out by an older gateway."""
    layout: dict[str, Any] = {}
    setup: DeviceSetup = DeviceSetup()
    points: list[PointBirth]
    limits: list[LimitBirth] = []
    commissioning: Commissioning = "in_use"


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
    rereads: Natural = 0
    """Poll groups read once more ahead of their time: an alarm's delay was over, or a jump unconfirmed."""


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
    outbox_bytes: dict[Lane, Natural] = {}
    """In use on the disk, a lane."""
    evicted: Natural = 0
    """Readings that the outbox has given up for want of room, thinned ones included."""
    clock_steps: Natural = 0
    """How often the wall clock was set since the agent's start."""


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """A rule whose alarm is held back for a time: by whom, and why."""

    point: Name
    rule: Name
    until: int
    by: Who = ""
    reason: Who = ""
    request: RequestId | None = None
    """By which request of the cloud; absent where it was done on site."""
    test: bool = False
    """Of a device on trial: it is over when the device is put into use."""


class ConfigurationFault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a configuration cannot be meant so, and the mend."""

    file: str = ""
    """Of the bundle; empty where it is about no file of it."""
    line: Natural = 0
    """From 1; 0 is the whole file."""
    field: str = ""
    message: str
    mend: str = ""


class BusLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What a bus would be asked for, reckoned before anything is connected."""

    bus: Name
    percent: float
    """Of the time that requests and answers hold it; above 100 it cannot keep up."""
    requests_per_s: float


class ConfigurationNow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which configuration a gateway works from that the cloud configures."""

    version: Natural = 0
    """Of the cloud; 0 is what the gateway's own file says."""
    hash: str = ""
    on_probation: bool = False


class Configuration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a gateway shall work from, or only say what it thinks of."""

    v: int = msgspec.field(default=VERSION)
    version: Natural = 0
    """Higher than any before; 0 only checks, or, without `check`, asks what is in force."""
    hash: Sha256
    files: dict[str, str]
    """Texts by name; `sitewarden.bundle` says which names there may be."""
    check: RequestId | None = None
    """Only check it and reckon the load of its buses, and name this in the report; nothing changes."""


class ConfigurationReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a configuration; sent when that changes, at each connection, and when it comes again."""

    v: int = msgspec.field(default=VERSION)
    boot: Name
    at: int
    version: Natural = 0
    hash: str = ""
    state: ConfigurationState
    why: Text | None = None
    """Of what was refused or rolled back; of version 0, why `files` are not told."""
    errors: list[ConfigurationFault] = []
    load: list[BusLoad] = []
    """Of every bus that is polled."""
    check: RequestId | None = None
    """Which request to check it is the answer to."""
    files: dict[str, str] | None = None
    """What the gateway's own file says beside its identity, until one of the cloud's is in force."""


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
    shelved: list[Shelf] = []
    """Rules that are held back now."""
    states: dict[EpisodeId, ToldState] = {}
    """Of standing alarms that are not just acknowledged."""
    configuration: ConfigurationNow | None = None
    """Left out where the gateway's own file alone says what it works from."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What one transaction of the cloud has committed: exactly these records, never 'up to'."""

    v: int = msgspec.field(default=VERSION)
    boot: Name
    lane: Lane
    seqs: Annotated[list[tuple[Named, Named]], msgspec.Meta(max_length=10_000)]
    """Ranges, both ends included."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What the cloud asks of a gateway."""

    v: int = msgspec.field(default=VERSION)
    command: Literal["rebirth", "acknowledge", "shelve", "watch", "view"]
    episode: EpisodeId | None = None
    """Which alarm is acknowledged, or shelved: one that has ended is neither."""
    point: Name | None = None
    rule: Name | None = None
    """Which rule on which point is shelved."""
    device: Name | None = None
    """The camera that somebody watches, until then; or whose view is right."""
    picture: Sha256 | None = None
    """The still on which that view was seen."""
    until: int = 0
    """Until when, UTC milliseconds; an instant that is past ends it."""
    reason: Who = ""
    by: Who = ""
    """Who asks, as the cloud knows them."""
    request: RequestId | None = None
    """What the gateway names where it says that it is shelved."""


ShareWithin = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""Of a picture's width or height, from its left or top."""
BoxWithin = tuple[ShareWithin, ShareWithin, ShareWithin, ShareWithin]
"""Left, top, right, bottom."""


class PictureAbout(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of what a snapshot shows: more can be learned from it than that there was an alarm."""

    box: BoxWithin
    """The head that the alarm is about."""
    others: Annotated[list[BoxWithin], msgspec.Meta(max_length=MOST_OTHERS)] = []
    """Areas that hold all other heads; covered, unless the picture is unredacted."""


class MediaOffered(Picture, frozen=True, kw_only=True, omit_defaults=True):
    """A file that a gateway has for the cloud."""

    camera: Name
    """The device."""
    at: int
    """When the picture was taken, of a clip the alarm's moment."""
    point: Name | None = None
    """Whose alarm it belongs to."""
    episode: EpisodeId | None = None
    """Of that alarm, where it is known."""
    of: Sha256 | None = None
    """Of a clip the snapshot of the same alarm."""
    unredacted: bool = False
    """Heads can be recognised, for the site wants it so."""
    about: PictureAbout | None = None
    """Of a snapshot, where its head was followed in that very frame."""
    sealed_for: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")] | None = None
    """What is brought is a box (`sitewarden.boxes`) for the cloud's key of that number."""


class MediaOffer(msgspec.Struct, frozen=True, kw_only=True):
    """What waits at a gateway to be fetched; sent again and again until it is answered."""

    v: int = msgspec.field(default=VERSION)
    boot: Name
    media: Annotated[list[MediaOffered], msgspec.Meta(max_length=MOST_OFFERED)]


class MediaAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What becomes of one file."""

    sha256: Sha256
    state: Literal["wanted", "kept", "refused"]
    """Kept is the receipt: the gateway may delete it. Refused: the gateway need not ask again today."""
    offset: Natural = 0
    """From this byte on it is wanted."""
    token: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    """By which it is taken over HTTPS, this file of this gateway alone, and not for long."""
    until: int = 0
    """So long the token is good, UTC milliseconds."""
    why: Who = ""
    """Of a refusal, in English."""


class MediaAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """The cloud's answer to an offer."""

    v: int = msgspec.field(default=VERSION)
    media: Annotated[list[MediaAnswer], msgspec.Meta(max_length=MOST_OFFERED)]


ShareOfPicture = Annotated[float, msgspec.Meta(ge=-1, le=2)]
"""Of its width or height; a box may reach beyond the edge."""


class SeenHead(msgspec.Struct, frozen=True, kw_only=True):
    """A head that a camera follows now. No person: the number ends with the track."""

    track: Natural
    box: tuple[ShareOfPicture, ShareOfPicture, ShareOfPicture, ShareOfPicture]
    """Left, top, right, bottom."""
    state: Literal["helmet", "bare", "unknown"]
    zones: list[Name] = []


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What a camera sees now, told while somebody watches it; kept by nobody."""

    v: int = msgspec.field(default=VERSION)
    camera: Name
    at: int
    heads: Annotated[list[SeenHead], msgspec.Meta(max_length=200)]


class _Versioned(msgspec.Struct):
    v: int


class _Packed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`Readings` as they are written with blocks."""

    boot: Name
    seq: Seq
    at: int
    series: list[Series]
    hist: bool = False
    gaps: list[Gap] = []
    cycles: list[WorkCycle] = []
    mono: int | None = None
    clock: ClockState = "unknown"
    moved_ms: int = 0
    blocks: list[Block] = []


def encode(message: msgspec.Struct) -> bytes:
    """The body of a message; raises `MessageError` with reason `oversized` where it would not be taken."""
    if isinstance(message, Readings):
        _check_size(message)
    return _wrapped(message, LIVE_LEVEL)


def encode_packed(message: Readings) -> bytes:
    """The body of back-fill: series whose values are decimal numbers go into blocks; raises as `encode`."""
    _check_size(message)
    blocks, series = _packed(message.series)
    fields = {name: getattr(message, name) for name in _Packed.__struct_fields__}
    return _wrapped(_Packed(**{**fields, "series": series, "blocks": blocks}), BACKFILL_LEVEL)


def _wrapped(message: msgspec.Struct, level: int) -> bytes:
    # omit_defaults leaves `v` out; it is spliced in so that every body names its version.
    plain = _encoder.encode(message)
    if not plain.startswith(b'{"v":'):
        plain = _OURS + plain[1:]
    body = zlib.compress(plain, level) if len(plain) > COMPRESS_ABOVE_BYTES else plain
    if len(body) > MAX_BODY_BYTES or len(plain) > MAX_UNPACKED_BYTES:
        raise MessageError("oversized", f"{len(body)} bytes; a body has at most {MAX_BODY_BYTES}")
    return body


def decode(body: bytes, kind: type[T]) -> T:
    """The message in `body`; raises `MessageError` with reason `garbage`, `version` or `oversized`."""
    plain = _unpack(body)
    # As every program of this version writes it; nobody of another begins so.
    if not plain.startswith(_OURS):
        _check_version(plain)
    try:
        message = msgspec.json.decode(plain, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise MessageError("garbage", str(exc)) from exc
    if getattr(message, "v", VERSION) != VERSION:
        raise MessageError("version", "it says two versions")
    # A reading takes two bytes at least, so a smaller body need not be counted.
    if isinstance(message, Readings) and len(plain) > MOST_READINGS:
        _check_size(message)
    return message


def _check_version(plain: bytes) -> None:
    try:
        version = msgspec.json.decode(plain, type=_Versioned).v
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise MessageError("garbage", str(exc)) from exc
    if version != VERSION:
        raise MessageError("version", f"version {version}; this program understands {VERSION}")


def _check_size(message: Readings) -> None:
    if (found := _readings_in(message.series)) > MOST_READINGS:
        raise MessageError("oversized", f"{found} readings; a message has at most {MOST_READINGS} readings")


def _readings_in(series: Iterable[Series]) -> int:
    return sum(len(s.t) for s in series)


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


def series_of(readings: Iterable[Reading], at_ms: int) -> list[Series]:
    """Readings in columns, a series a point, in the order in which the points first appear."""
    columns: dict[str, tuple[list[int], list[float | None], list[Quality]]] = {}
    for point, instant_ms, value, quality in readings:
        column = columns.get(point)
        if column is None:
            columns[point] = [instant_ms - at_ms], [value], [quality]
        else:
            column[0].append(instant_ms - at_ms)
            column[1].append(value)
            column[2].append(quality)
    # A good quality is zero.
    return [Series(p=point, t=t, x=x, q=q if any(q) else None) for point, (t, x, q) in columns.items()]


def readings_of(series: list[Series], at_ms: int) -> list[Reading]:
    """The readings in the columns; the inverse of `series_of` but for the order of points."""
    return [
        Reading(s.p, at_ms + t, x, Quality.GOOD if s.q is None else s.q[i])
        for s in series
        for i, (t, x) in enumerate(zip(s.t, s.x, strict=True))
    ]


class _Multiples(NamedTuple):
    decimals: int
    column: list[int | None]


def _packed(series: Iterable[Series]) -> tuple[list[Block], list[Series]]:
    """Blocks of the series whose values are decimal numbers, and the other series as they are."""
    together: dict[tuple[int, ...], list[Steps]] = {}
    others: list[Series] = []
    for s in series:
        found = _multiples(s.x) if s.t else None
        if found is None:
            others.append(s)
        else:
            steps = Steps(p=s.p, e=found.decimals, d=_stepped(found.column), q=s.q)
            together.setdefault(tuple(s.t), []).append(steps)
    blocks = [Block(t=[t[0], *(b - a for a, b in pairwise(t))], s=steps) for t, steps in together.items()]
    return blocks, others


def _unpacked(block: Block) -> Iterator[Series]:
    t = list(accumulate(block.t))
    for steps in block.s:
        column = _summed(steps.d)
        scale = 10**steps.e
        yield Series(p=steps.p, t=t, x=[None if k is None else k / scale for k in column], q=steps.q)


def _multiples(x: list[float | None]) -> _Multiples | None:
    """The values as whole multiples of the largest power of ten that gives each exactly."""
    values = [value for value in x if value is not None]
    if max(map(abs, values), default=0.0) > LARGEST_PACKED:
        return None
    for decimals in range(MOST_DECIMALS + 1):
        scale = 10**decimals
        found = [round(value * scale) for value in values]
        if [k / scale for k in found] == values:
            if len(values) == len(x):
                return _Multiples(decimals, list(found))
            rest = iter(found)
            return _Multiples(decimals, [None if value is None else next(rest) for value in x])
    return None


def _stepped(column: list[int | None]) -> list[int | None]:
    if None not in column:
        return [column[0], *starmap(sub, zip(column[1:], column, strict=False))]
    steps: list[int | None] = []
    last = 0
    for k in column:
        steps.append(None if k is None else k - last)
        last = last if k is None else k
    return steps


def _summed(steps: list[int | None]) -> Iterator[int | None]:
    if None not in steps:
        return accumulate(steps)
    return _summed_with_gaps(steps)


def _summed_with_gaps(steps: list[int | None]) -> Iterator[int | None]:
    last = 0
    for step in steps:
        last += step or 0
        yield None if step is None else last


_encoder = msgspec.json.Encoder()
