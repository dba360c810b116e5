"""How a scenario describes what its devices measure: cranes, pits, wind and plain signals."""

from typing import Annotated, Literal

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0, description="a number above 0")]
NotNegative = Annotated[float, msgspec.Meta(ge=0, description="a number of 0 or more")]
Share = Annotated[float, msgspec.Meta(ge=0, le=1, description="a number from 0 to 1")]
Percent = Annotated[float, msgspec.Meta(gt=90, le=150, description="per cent of the rated load, 90 to 150")]

JIB_END_M = 3.0
"""The trolley keeps so far from the end of the jib, so that a swinging load stays under it."""


class GustFront(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stronger wind that comes, stands and goes."""

    at_s: float
    """Seconds after the start at which it begins to rise."""
    peak_mps: Positive
    rise_s: Positive = 10.0
    hold_s: NotNegative = 30.0
    fall_s: Positive = 20.0
    every_s: Positive | None = None
    """It comes again after so many seconds."""


class Wind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The wind at the top."""

    mean_mps: NotNegative = 4.0
    gust_sd_mps: NotNegative = 0.8
    gust_s: Positive = 8.0
    """Correlation time of the gusts."""
    fronts: list[GustFront] = []


class Overload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lift that goes beyond the chart: a legal load, trolleyed too far out."""

    at_s: NotNegative
    """When the trolley starts outwards."""
    peak_percent: Percent = 112.0
    hold_s: NotNegative = 8.0
    """How long the load stays out there."""
    every_s: Positive | None = None
    limiter: Literal["works", "fails", "bypassed", "faulty"] = "works"
    """In this lift it cuts off; or does nothing; or nothing and says bypass; or nothing and says fault."""


class CraneStart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the empty hook hangs at the start."""

    radius_m: Positive = 20.0
    slew_deg: float = 0.0
    hook_height_m: NotNegative = 10.0


class Crane(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="crane"
):
    """A tower crane at work."""

    jib_m: Positive
    mast_m: Positive
    """Height of the jib; what the hook hangs from."""
    falls: Annotated[int, msgspec.Meta(ge=1, le=8)] = 4
    nearest_m: Positive = 5.0
    sector_deg: tuple[float, float] = (-60.0, 120.0)
    ground_m: tuple[float, float] = (0.0, 12.0)
    """Between which heights loads are picked up and set down."""
    start: CraneStart = msgspec.field(default_factory=CraneStart)
    overloads: list[Overload] = []
    wind: Wind = msgspec.field(default_factory=Wind)


class Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stage of the excavation, before the live start."""

    days_before: Positive
    mm: NotNegative
    """How far the middle of the trough moves while the stage is dug."""
    over_h: Positive = 36.0
    creep_mm: NotNegative = 0.3
    """How far it creeps in ten creep times."""
    creep_h: Positive = 6.0
    middle: Share = 0.5
    """Where along the wall the trough has its middle: 0 one end, 1 the other."""
    width: Positive = 0.45


class LiveStage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A movement after the live start, such as a strut that gives way."""

    at_s: NotNegative
    mm: NotNegative
    over_s: Positive = 20.0
    creep_mm: NotNegative = 0.3
    creep_s: Positive = 60.0
    middle: Share = 0.5
    width: Positive = 0.45


class PitPoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measuring point on the wall."""

    along: Share
    """Where on the wall: 0 one end, 1 the other."""
    zero_mm: float = 100.0
    """What the sensor said when the point was set."""


class Pit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="pit"):
    """An excavation and the sensors on its wall."""

    points: dict[str, PitPoint]
    stages: list[Stage] = []
    live: list[LiveStage] = []
    daily_mm: NotNegative = 0.15
    """What the day's temperature moves a point to and fro."""
    noise_mm: NotNegative = 0.05
    sample_s: Positive = 1.0
    """How often the logger asks its sensors."""


class Steps(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="steps"
):
    """One point jumps between two values, the others rest."""

    point: str
    below: float
    beyond: float
    below_s: tuple[Positive, Positive] = (3.0, 6.0)
    beyond_s: tuple[Positive, Positive] = (3.0, 6.0)
    steady: dict[str, float] = {}
    """Values of the other points; 0, or the least that the profile allows, where not given."""
    zero_mm: float = 0.0
    """Taken from a displacement before the ledger compares it."""


class Constant(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="form", tag="constant"
):
    """Always the same value."""

    value: float


class Sine(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="form", tag="sine"
):
    """To and fro between two values."""

    low: float
    high: float
    period_s: Positive = 60.0
    phase: Share = 0.0
    """Where in the period it begins: 0 in the middle and rising, 0.25 at the top."""


class Walk(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="form", tag="walk"
):
    """A random walk that turns back at its borders."""

    low: float
    high: float
    start: float | None = None
    """Left out: the middle."""
    wander: Positive | None = None
    """How far it strays in a second (standard deviation); left out: a fiftieth of the way between."""


class Ramp(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="form", tag="ramp"
):
    """A straight way from one value to another; there it stays."""

    start: float
    end: float
    over_s: Positive
    at_s: NotNegative = 0.0
    every_s: Positive | None = None
    """It begins again after so many seconds."""


class Stairs(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="form", tag="stairs"
):
    """One value after the other, then again from the first."""

    values: Annotated[list[float], msgspec.Meta(min_length=1, description="one value or more")]
    hold_s: Positive = 10.0


class Csv(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="form", tag="csv"):
    """A column of a file with a heading line, then again from its first row; an empty cell is 'no value'."""

    file: str
    """Its path, from where the scenario stands."""
    column: str
    every_s: Positive = 1.0
    """How long each row holds."""


Signal = Constant | Sine | Walk | Ramp | Stairs | Csv


class Signals(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="signals"
):
    """Each point does something simple of its own; this fits every profile."""

    points: dict[str, Signal] = {}
    """What is left out does what is usual for its kind."""
