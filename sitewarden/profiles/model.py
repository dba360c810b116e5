"""What a device profile may say: the edge decodes by it, the simulator encodes by it, the docs list it."""

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
    stale_after_ms: Interval | None = None
    """Left out: three intervals."""
    measured_every_ms: Interval | None = None
    """The device measures by a clock of its own and answers the old value until then: a re-read sooner after
    a reading would prove nothing. Left out: it measures when asked, or all the time."""


class ModbusPoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a point stands in the registers and what its number means."""

    kind: str
    """Of the point vocabulary."""
    unit: str
    """As in the vocabulary; written here so that a reader sees it, checked so that nobody errs."""
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
    scale: float = 1.0
    offset: float = 0.0
    """value = number * scale + offset"""
    range: tuple[float, float] | None = None
    """Values outside are what the sensor cannot measure: the reading is bad."""
    sentinels: list[int] = []
    """Register numbers (unsigned, before scaling) by which the maker says 'no value'."""
    frozen_after_s: Positive | None = None
    """A living sensor never shows the very same number for so long; from then on the reading is bad."""
    max_step: Positive | None = None
    """The largest change between two readings that can be true. A larger one is bad until the readings after
    it confirm it: a thing that really jumped stays where it is."""
    group: str = "main"
    label: Text | None = None
    """Where it says more than the kind's name."""


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


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model of device."""

    profile: Name
    version: Annotated[int, msgspec.Meta(ge=1, description="a whole number from 1")]
    device_kind: Literal["crane", "pit", "weather", "hoist", "dust", "other"]
    products: list[Product]
    source: str
    """Where the numbers come from: the manual, its version, the table."""
    verified: Literal["simulator", "bench", "site"]
    driver: Literal["modbus"]
    modbus: Modbus
    groups: dict[str, PollGroup]
    points: dict[Key, ModbusPoint]

    def stale_after_ms(self, key: str) -> int:
        """From which age on the point's value is stale."""
        group = self.groups[self.points[key].group]
        return group.stale_after_ms or 3 * group.interval_ms
