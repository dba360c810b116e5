"""What a device profile may say: the edge decodes by it, the simulator encodes by it, the docs list it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec

from sitewarden.text import Text

WIDTHS = {"uint16": 1, "int16": 1, "bcd16": 1, "uint32": 2, "int32": 2, "float32": 2, "bcd32": 2}
"""Registers that a type takes."""
FUNCTIONS = {1: "coil", 2: "discrete input", 3: "holding register", 4: "input register"}
"""What each function that reads is asked for; no other is ever sent."""
BIT_FUNCTIONS = (1, 2)
"""Those whose places hold one bit each."""

Register = Annotated[int, msgspec.Meta(ge=0, le=65535, description="a register number from 0 to 65535")]
Bit = Annotated[int, msgspec.Meta(ge=0, le=15, description="a bit number from 0 (lowest) to 15")]
Function = Annotated[
    int,
    msgspec.Meta(
        ge=1,
        le=127,
        description="1 coils, 2 discrete inputs, 3 holding registers or 4 input registers",
        extra_json_schema={"enum": sorted(FUNCTIONS)},
    ),
]
"""Every function can be written down, so that one that writes is refused for what it is."""
Order = Literal["big", "little"]
Interval = Annotated[int, msgspec.Meta(ge=20, le=86_400_000, description="milliseconds, 20 to 86400000")]
Pause = Annotated[int, msgspec.Meta(ge=0, le=60_000, description="milliseconds, 0 to 60000")]
AnswerTime = Annotated[int, msgspec.Meta(ge=10, le=300_000, description="milliseconds, 10 to 300000")]
Positive = Annotated[float, msgspec.Meta(gt=0, description="a number above 0")]
Name = Annotated[
    str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$", description="a name of a-z, 0-9 and -")
]
Key = Annotated[
    str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9_]{0,62}$", description="a name of a-z, 0-9 and _")
]


class Product(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product that the profile fits."""

    brand: str
    model: str


class PollGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Points that are read together, how often, and when their values count as stale."""

    interval_ms: Interval
    """Of a speaking device: how often it speaks."""
    stale_after_ms: Interval | None = None
    """Left out: three intervals."""
    measured_every_ms: Interval | None = None
    """The device measures by a clock of its own and answers the old value until then: a re-read sooner after
    a reading would prove nothing. Left out: it measures when asked, or all the time."""
    occasional: bool = False
    """A speaking device says these only when something happens: that it does not is no silence."""


class Point(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a number means, whatever protocol it comes by."""

    kind: str
    """Of the point vocabulary."""
    unit: str
    """As in the vocabulary; written here so that a reader sees it, checked so that nobody errs."""
    scale: float = 1.0
    offset: float = 0.0
    """value = number * scale + offset"""
    range: tuple[float, float] | None = None
    """Values outside are what the sensor cannot measure: the reading is bad."""
    sentinels: Sequence[float | str] = ()
    """By which the maker says 'no value'."""
    frozen_after_s: Positive | None = None
    """A living sensor never shows the very same number for so long; from then on the reading is bad."""
    max_step: Positive | None = None
    """The largest change between two readings that can be true. A larger one is bad until the readings after
    it confirm it: a thing that really jumped stays where it is."""
    group: str = "main"
    label: Text | None = None
    """Where it says more than the kind's name."""


class ModbusPoint(Point, frozen=True, kw_only=True):
    """Where a point stands in the registers."""

    register: Register
    function: Function | None = None
    """Over the profile's: which of the device's tables the register stands in."""
    type: Literal["uint16", "int16", "bcd16", "uint32", "int32", "float32", "bcd32"] = "uint16"
    bit: Bit | None = None
    """The point is this one bit of the register."""
    bits: tuple[Bit, Bit] | None = None
    """The point is the number in these bits of the register, the lowest and the highest of them."""
    word_order: Order | None = None
    """Over the profile's: which register of a pair comes first."""
    byte_order: Order | None = None
    """Over the profile's: which byte of a register comes first."""
    sentinels: list[int] = []
    """Register numbers (unsigned, before scaling) by which the maker says 'no value'."""


class Modbus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the device speaks Modbus."""

    transports: list[Literal["tcp", "rtu", "rtu-over-tcp"]]
    function: Function = 3
    """3 holding registers, 4 input registers; 1 coils and 2 discrete inputs have one bit a place."""
    base: Literal[0, 1] = 0
    """1 where the maker's manual counts registers from 1."""
    word_order: Order = "big"
    """Which register of a pair comes first: `big` where that is the high one."""
    byte_order: Order = "big"
    """Which byte of a register comes first; the specification has the high one, `big`."""
    max_registers: Annotated[int, msgspec.Meta(ge=1, le=125, description="registers a request, 1 to 125")] = (
        125
    )
    max_gap: Annotated[int, msgspec.Meta(ge=0, le=124, description="registers, 0 to 124")] = 16
    """So many unused registers are read along rather than make a second request; of bits 16 times as many."""
    one_point_a_request: bool = False
    """For devices that answer wrongly when asked for more than one thing."""
    pause_ms: Pause = 0
    """The device wants to be left alone for so long between its answer and the next request to it."""
    pause_after_connect_ms: Pause = 0
    """After a connection the device wants to be left alone for so long."""
    answer_ms: AnswerTime | None = None
    """How long an answer may take to begin, where that is unusual: loggers that measure only when asked."""

    def function_of(self, point: ModbusPoint) -> int:
        """By which the point is read."""
        return point.function or self.function

    def is_bit(self, point: ModbusPoint) -> bool:
        """Whether it is one bit, and so yes or no."""
        return point.bit is not None or self.function_of(point) in BIT_FUNCTIONS


class Speech(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all devices that speak by themselves have in common: how far their clocks are believed."""

    utc_offset_h: Annotated[float, msgspec.Meta(ge=-12, le=14, description="hours, -12 to 14")] = 8.0
    """Of the device's clock, where its instants do not say so themselves."""
    ahead_s: Annotated[float, msgspec.Meta(ge=0, le=3600, description="seconds, 0 to 3600")] = 10.0
    """So far after their arrival its instants may lie; beyond that they are not believed."""
    late_s: Annotated[float, msgspec.Meta(ge=1, le=86_400, description="seconds, 1 to 86400")] = 60.0
    """So far before their arrival its instants may lie and still be of now."""


FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "N": "good",
        "T": "out_of_range",
        "D": "exception",
        "B": "exception",
        "F": "sentinel",
        "M": "sentinel",
        "S": "sentinel",
        "C": "sentinel",
    }
)
"""Of HJ 212: normal, over range, fault, no communication, stopped, maintained, set by hand, calibrated."""


class Hj212(Speech, frozen=True, kw_only=True):
    """How the device speaks HJ 212."""

    systems: tuple[Annotated[str, msgspec.Meta(pattern="^[0-9]{2}$", description="two digits")], ...] = ()
    """The system codes (ST) that it may send under; empty: any."""
    commands: tuple[Annotated[str, msgspec.Meta(pattern="^[0-9]{4}$", description="four digits")], ...] = (
        "2011",
    )
    """The commands (CN) whose data are these points: 2011 live, 2051 minutes, 2061 hours, 2031 days."""
    flags: dict[str, Literal["good", "out_of_range", "sentinel", "exception"]] = msgspec.field(
        default_factory=dict
    )
    """What a value's flag makes of it, over `FLAGS`; one that neither lists makes it bad (exception)."""


class Hj212Point(Point, frozen=True, kw_only=True):
    """Where a point stands in a data segment of HJ 212."""

    factor: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9]{1,12}$", description="a code such as a34002")]
    """The code of the pollutant or quantity."""
    field: Literal["Rtd", "Avg", "Min", "Max", "Cou"] = "Rtd"
    """Which of its values; the older `-Data` of noise stations is a `Rtd` of 2017."""
    sentinels: list[float] = []
    """Numbers, before scaling, by which the maker says 'no value'."""


class Frames(Speech, frozen=True, kw_only=True):
    """How the device speaks in frames of its maker's."""

    protocol: Name
    """Whose frames: `goyo`, or a protocol that is installed as an entry point of `sitewarden.drivers`."""
    byte_order: Literal["big", "little"] = "little"
    length: Annotated[int, msgspec.Meta(ge=1, le=4096, description="bytes, 1 to 4096")]
    """Of the frame that carries the points, in bytes; a shorter one is refused."""


class FramePoint(Point, frozen=True, kw_only=True):
    """Where a point stands in the frame."""

    byte: Annotated[int, msgspec.Meta(ge=0, le=4095, description="a byte number from 0 to 4095")]
    """Its first byte, counted from the first of the frame."""
    type: Literal["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32"] = "uint16"
    bit: Annotated[int, msgspec.Meta(ge=0, le=31, description="a bit number from 0 to 31")] | None = None
    """The point is this one bit of the number, 0 the lowest."""
    sentinels: list[int] = []
    """Numbers (unsigned, before scaling) by which the maker says 'no value'."""


Pointer = Annotated[
    str,
    msgspec.Meta(
        pattern="^(/([^~/]|~[01])*)*$", max_length=200, description="a JSON pointer such as /data/pm10"
    ),
]
"""RFC 6901; the empty one is the whole body."""


class Json(Speech, frozen=True, kw_only=True):
    """How the device speaks JSON, over MQTT or HTTP."""

    time: Pointer | None = None
    """Where its instant stands; left out, a reading is dated when it arrives."""
    time_form: Literal["iso", "seconds", "milliseconds", "local"] = "iso"
    """ISO 8601; seconds or milliseconds since 1970; or `2026-05-04 08:00:00` in the device's own zone."""
    id: Pointer | None = None
    """Where a message has its own number: one that comes twice is taken once."""


class JsonPoint(Point, frozen=True, kw_only=True):
    """Where a point stands in a body."""

    pointer: Pointer
    words: dict[str, float] = {}
    """What words mean, before scaling; `true` and `false` are 1 and 0 by themselves."""
    count_where: dict[Pointer, str | int] | None = None
    """The pointer leads to a list, and the number is how many of its items have all of this; `{}` counts
    every one."""
    sentinels: list[float | str] = []
    """Numbers (before scaling) or words by which the maker says 'no value'; `null` always does."""


class Profile(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="driver", tag="none"
):
    """A model of device; what its protocol needs is in the sub-classes."""

    profile: Name
    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1, description="a whole number from 1")]
    """No longer than the cloud stores: of a longer one it would take no birth, and know no device."""
    device_kind: Literal["crane", "pit", "weather", "hoist", "dust", "camera", "other"]
    products: list[Product]
    source: str
    """Where the numbers come from: the manual, its version, the table."""
    verified: Literal["simulator", "bench", "site"]
    groups: dict[str, PollGroup]
    points: Mapping[Key, Point]

    def stale_after_ms(self, key: str) -> int:
        """From which age on the point's value is stale."""
        group = self.groups[self.points[key].group]
        return group.stale_after_ms or 3 * group.interval_ms


class ModbusProfile(Profile, frozen=True, kw_only=True, tag="modbus"):
    """A model that is polled over Modbus."""

    modbus: Modbus
    points: dict[Key, ModbusPoint]


class Hj212Profile(Profile, frozen=True, kw_only=True, tag="hj212"):
    """A model that sends data by HJ 212."""

    hj212: Hj212
    points: dict[Key, Hj212Point]


class FrameProfile(Profile, frozen=True, kw_only=True, tag="frames"):
    """A model that sends frames of its maker's."""

    frames: Frames
    points: dict[Key, FramePoint]


class JsonProfile(Profile, frozen=True, kw_only=True, tag="json"):
    """A model that sends JSON."""

    json: Json
    points: dict[Key, JsonPoint]


SpeakingProfile = Hj212Profile | FrameProfile | JsonProfile
"""A model that nobody asks: it speaks by itself."""
AnyProfile = ModbusProfile | Hj212Profile | FrameProfile | JsonProfile
"""What a file may be."""
SPEAKING = (Hj212Profile, FrameProfile, JsonProfile)


def is_bit(profile: Profile, point: Point) -> bool:
    """Whether a point is one bit, and so yes or no."""
    if isinstance(profile, ModbusProfile) and isinstance(point, ModbusPoint):
        return profile.modbus.is_bit(point)
    return isinstance(point, FramePoint) and point.bit is not None


def says_instants(profile: SpeakingProfile) -> bool:
    """Whether the device says when it measured."""
    return not isinstance(profile, JsonProfile) or profile.json.time is not None


def speech_of(profile: SpeakingProfile) -> Speech:
    """How a device that speaks by itself does so."""
    match profile:
        case Hj212Profile():
            return profile.hj212
        case FrameProfile():
            return profile.frames
        case JsonProfile():
            return profile.json
