"""How a scenario describes what its devices measure: cranes, pits, wind and plain forms."""

from typing import Annotated, Literal

import msgspec

from sitewarden.profiles.model import Name

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
    """The mean wind while it stands."""
    rise_s: Positive = 10.0
    hold_s: NotNegative = 30.0
    fall_s: Positive = 20.0
    every_s: Positive | None = None
    """It comes again after so many seconds."""


class Wind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The wind at the top."""

    mean_mps: NotNegative = 4.0
    """Without fronts."""
    gust_sd_mps: NotNegative = 0.8
    """Standard deviation of all gusts together."""
    gust_s: Positive = 8.0
    """Correlation time of the largest gusts; smaller ones ride on them as in real turbulence."""
    fronts: list[GustFront] = []
    """Of several at a time the strongest blows."""


class Day(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The time of day at the start, and how warm it gets."""

    starts_at_h: Annotated[float, msgspec.Meta(ge=0, lt=24, description="hours, 0 to below 24")] = 9.0
    """The hour of the day at which the scenario begins."""
    mean_c: float = 18.0
    """°C."""
    swing_c: NotNegative = 6.0
    """So much above the mean at three in the afternoon, and below it at three at night."""


class WeatherStation(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="weather"
):
    """Instruments on a mast: wind speed, its direction, temperature."""

    wind: Wind = msgspec.field(default_factory=Wind)
    """Its gusts and fronts."""
    direction_deg: Annotated[float, msgspec.Meta(ge=0, lt=360, description="degrees, 0 to below 360")] = 135.0
    """Where the wind comes from, on the mean."""
    veer_deg: NotNegative = 12.0
    """How far it veers and backs around that (standard deviation)."""
    veer_s: Positive = 60.0
    """Correlation time of that."""
    day: Day = msgspec.field(default_factory=Day)
    """For the temperature."""


class Overload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lift that goes beyond the chart: a legal load, trolleyed too far out."""

    at_s: NotNegative
    """When the trolley starts outwards."""
    peak_percent: Percent = 112.0
    """Of the rated load, where nothing cuts off."""
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


class Tilt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far the mast's top leans, where the profile has an inclinometer there.

    x is positive towards slew 90°, y towards slew 0°. A mast that stands well still leans under its load.
    """

    plumb_permille: tuple[float, float] = (0.6, -0.4)
    """How far it was erected out of plumb, in 1/1000, towards x and y."""
    deg_per_100tm: NotNegative = 0.4
    """Lean towards the load under a moment of 100 t·m."""
    balance_tm: NotNegative = 35.0
    """The load's moment at which counterweight and jib are in balance."""
    deg_at_20mps: NotNegative = 0.12
    """Lean with the wind at 20 m/s; it grows with the square of the wind's speed."""
    wind_from_deg: float = 225.0
    """Where the wind comes from, as seen from above, clockwise from y."""
    noise_deg: NotNegative = 0.003
    """Of the inclinometer (standard deviation)."""


class Crane(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="crane"
):
    """A tower crane at work."""

    jib_m: Positive
    """Not longer than the load chart."""
    mast_m: Positive
    """Height of the jib; what the hook hangs from."""
    falls: Annotated[int, msgspec.Meta(ge=1, le=8)] = 4
    """A line of the load chart."""
    nearest_m: Positive = 5.0
    """The trolley comes no nearer to the mast."""
    sector_deg: tuple[float, float] = (-60.0, 120.0)
    """Between which angles it works; clockwise from y."""
    ground_m: tuple[float, float] = (0.0, 12.0)
    """Between which heights loads are picked up and set down."""
    start: CraneStart = msgspec.field(default_factory=CraneStart)
    """Where its hook hangs at the start."""
    overloads: list[Overload] = []
    """Lifts that leave the chart, by script; all others stay within it."""
    wind: Wind = msgspec.field(default_factory=Wind)
    """At its top."""
    load_noise_t: NotNegative = 0.006
    """Noise of the load cell (standard deviation): 0.1 % of a full scale of 6 t."""
    tilt: Tilt = msgspec.field(default_factory=Tilt)
    """How its mast leans."""
    at_m: tuple[float, float] = (0.0, 0.0)
    """In a group: where its mast stands on the site's grid, x and y."""
    counter_jib_m: NotNegative = 12.0
    """In a group: how far its counter-jib reaches behind the mast."""


class Meeting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two drivers of a group who do not mind each other: the second comes near the first on purpose."""

    at_s: NotNegative
    """When the second begins to slew towards the first, which stands still."""
    cranes: tuple[Name, Name]
    """The one that stands, then the one that comes."""
    gap_m: Positive = 3.0
    """How near they come: seen from above, jib to hoist rope, or tip to jib where they are of one height."""
    hold_s: NotNegative = 8.0
    every_s: Positive | None = None


class CraneGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cranes whose work areas overlap, and drivers who keep out of each other's way."""

    group: Name
    """Its name."""
    cranes: Annotated[list[Name], msgspec.Meta(min_length=2, max_length=12, description="2 to 12 cranes")]
    """Devices with the physics `crane`; each says `at_m`."""
    clear_m: Positive = 5.0
    """A driver begins no lift that comes nearer than this to where the others are and are going."""
    meetings: list[Meeting] = []
    """When they come nearer than that, by script."""


class Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stage of the excavation, before the live start."""

    days_before: Positive
    """When digging it began, days before the live start."""
    mm: NotNegative
    """How far the middle of the trough moves while the stage is dug."""
    over_h: Positive = 36.0
    """How long it was dug."""
    creep_mm: NotNegative = 0.3
    """How far it creeps in ten creep times."""
    creep_h: Positive = 6.0
    """The creep time."""
    middle: Share = 0.5
    """Where along the wall the trough has its middle: 0 one end, 1 the other."""
    width: Positive = 0.45


class LiveStage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A movement after the live start, such as a strut that gives way."""

    at_s: NotNegative
    mm: NotNegative
    """How far the middle of the trough moves."""
    over_s: Positive = 20.0
    """How long it takes."""
    creep_mm: NotNegative = 0.3
    """How far it creeps in ten creep times."""
    creep_s: Positive = 60.0
    """The creep time."""
    middle: Share = 0.5
    width: Positive = 0.45


class PowerCreep(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="law", tag="power"
):
    """A wall that fails: its speed grows as 1 / (time left) ** exponent.

    An exponent of 1 is what the method of inverse velocity takes for granted; Voight's α has 1 / (α - 1).
    """

    at_s: float
    """When it sets in, seconds after the live start; negative is in the past."""
    mm_per_day: Positive
    """The speed at which it sets in."""
    fails_s: Positive
    """How long after that the wall fails."""
    exponent: Positive = 1.0
    """1 is a straight line of inverse velocity; below it fails more abruptly, above more gently."""
    most_mm: Positive = 200.0
    """It moves no farther."""
    middle: Share = 0.5
    width: Positive = 0.45


class ExponentialCreep(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="law", tag="exponential"
):
    """A wall whose speed doubles again and again."""

    at_s: float
    mm_per_day: Positive
    """The speed at which it sets in."""
    doubles_s: Positive
    """The time in which its speed doubles."""
    most_mm: Positive = 200.0
    """It moves no farther."""
    middle: Share = 0.5
    width: Positive = 0.45


class Wire(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The certificate of a vibrating wire: kN = g * (f² / 1000 - r0) + k * (T - t0)."""

    g: float
    """kN a digit; a digit is f² / 1000."""
    r0: Positive
    """Digits without force."""
    k: float = 0.0
    """kN a degree."""
    t0: float = 20.0
    """°C at which they were taken."""


class Strut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A strut between the walls and the force in it."""

    along: Share
    kn: float
    """Its force where the wall has not moved, at the day's mean temperature."""
    kn_per_mm: float = 30.0
    """What the wall's movement presses into it."""
    kn_per_degree: float = 4.0
    """A strut between walls cannot grow in the sun."""
    noise_kn: NotNegative = 1.0
    """Standard deviation; a load cell has about 0.5 % of its full scale."""
    wire: Wire | None = None
    """Needed where the point shows a frequency, refused where it shows the force."""


class Rain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Water that comes and drains away."""

    at_s: float
    m: Positive
    """How far the level rises."""
    over_s: Positive = 3600.0
    """How long the water takes to rise."""
    ebbs_s: Positive = 43_200.0
    """Time in which it falls to 1/e."""


class Well(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The groundwater in an observation well."""

    level_m: float
    """At the live start."""
    m_per_day: float = 0.0
    """How fast it rises, or with a minus falls."""
    daily_m: NotNegative = 0.02
    """What the pumps' day moves it to and fro."""
    noise_m: NotNegative = 0.003
    """Standard deviation."""
    rains: list[Rain] = []
    """Water that comes."""


class Element(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tilt sensor of an in-place inclinometer: it leans as the wall between its two ends does."""

    along: Share
    upper_m: NotNegative
    """Depth of its upper end."""
    lower_m: Positive
    """Depth of its lower end."""
    toe_m: Positive
    """Depth at which the wall stands still; from there up it moves more and more."""
    zero_deg: float = 0.0
    """How it leans in a wall that has not moved."""
    noise_deg: NotNegative = 0.002


class Cell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cell of a hydrostatic levelling line behind the wall: where it settles, its liquid stands higher."""

    along: Share
    level_mm: Positive = 200.0
    """Its level where nothing has moved, at the day's mean temperature."""
    share: NotNegative = 0.5
    """It settles by so much of what the wall moves; 0 for the one that the others are compared with."""
    mm_per_degree: float = 0.02
    noise_mm: NotNegative = 0.05


class PitPoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measuring point on the wall."""

    along: Share
    """Where on the wall: 0 one end, 1 the other."""
    zero_mm: float = 100.0
    """What the sensor said when the point was set."""


class Pit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="pit"):
    """An excavation and the sensors on its wall."""

    points: dict[str, PitPoint] = {}
    """Displacements, by the profile's key."""
    stages: list[Stage] = []
    """The past, which `sitewarden sim history` writes."""
    live: list[LiveStage] = []
    """What happens while it is played."""
    creeps: list[PowerCreep | ExponentialCreep] = []
    """Walls that fail."""
    struts: dict[str, Strut] = {}
    """Forces or the frequencies of vibrating wires, by the profile's key."""
    wells: dict[str, Well] = {}
    """Water levels, by the profile's key."""
    elements: dict[str, Element] = {}
    """Elements of inclinometers, by the profile's key."""
    cells: dict[str, Cell] = {}
    """Levelling cells, by the profile's key."""
    thermometers: list[str] = []
    """Points that show the temperature of struts and cells."""
    day: Day = msgspec.field(default_factory=Day)
    """For the temperature of struts and cells."""
    daily_mm: NotNegative = 0.15
    """What the day's temperature moves a point to and fro."""
    noise_mm: NotNegative = 0.05
    """Of each displacement (standard deviation)."""
    sample_s: Positive = 1.0
    """How often the logger asks its sensors."""


class HoistOverload(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="event", tag="overload"
):
    """A cage that is loaded too heavily at its next stop; from 110 % on the limiter keeps it there."""

    at_s: NotNegative
    percent: Positive = 115.0
    """Of the rated load."""
    hold_s: Positive = 20.0
    """Until somebody takes the surplus off."""
    every_s: Positive | None = None


class HoistOverspeed(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="event", tag="overspeed"
):
    """A cage that runs away on its next way down."""

    at_s: NotNegative
    peak_mps: Positive = 1.6
    """How fast it gets where nothing catches it."""
    anti_fall: Literal["works", "fails"] = "works"
    """The anti-fall device stops it, or it runs on to the landing."""
    every_s: Positive | None = None


class HoistDoor(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="event", tag="open_door"
):
    """A cage that moves with a door open, its interlock bypassed."""

    at_s: NotNegative
    for_s: Positive = 60.0
    door: Literal["entry", "exit"] = "exit"
    """Which."""
    every_s: Positive | None = None


class Hoist(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="hoist"
):
    """A construction hoist that carries people and material between floors."""

    floors: Annotated[int, msgspec.Meta(ge=2, le=199, description="floors, 2 to 199")] = 20
    """Landings, the ground's among them."""
    floor_m: Positive = 3.0
    """From one to the next."""
    rated_t: Positive = 2.0
    """What the cage may carry."""
    speed_mps: Positive = 0.6
    """At which it travels."""
    trip_mps: Positive = 1.0
    """Speed at which the anti-fall device trips."""
    people_most: Annotated[int, msgspec.Meta(ge=1, le=60, description="people, 1 to 60")] = 9
    """It never carries more people."""
    stop_s: tuple[Positive, Positive] = (8.0, 25.0)
    """How long it stands at a landing."""
    events: list[HoistOverload | HoistOverspeed | HoistDoor] = []
    """What goes wrong, by script."""
    plumb_deg: tuple[float, float] = (0.03, -0.02)
    """How far the mast was erected out of plumb, towards x and y."""
    noise_t: NotNegative = 0.004
    """Of the load (standard deviation)."""
    wind: Wind = msgspec.field(default_factory=Wind)
    """At the mast's top."""


class DustBurst(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Work that makes more dust and noise than usual, such as breaking concrete."""

    at_s: NotNegative
    for_s: Positive = 300.0
    factor: Positive = 4.0
    """So many times the usual dust."""
    noise_db: Positive = 85.0
    """What it sounds like at the station."""
    every_s: Positive | None = None


class Dust(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="dust"
):
    """The air and the noise at a site's fence: the town's own, the day's work, and the spray against it."""

    town_pm10: NotNegative = 60.0
    """Mean PM10 of the air that comes in, µg/m³."""
    work_pm10: NotNegative = 70.0
    """What a working hour adds, without spray and in still air, µg/m³."""
    hours: tuple[tuple[float, float], ...] = ((6.5, 11.5), (13.0, 18.5))
    """When there is work."""
    spray_at: Positive | None = 150.0
    """The PM10 at which the spray goes on; null: there is none."""
    spray_s: Positive = 600.0
    """How long it then runs."""
    spray_share: Share = 0.65
    """The part of the site's own dust that it takes out."""
    quiet_db: NotNegative = 46.0
    """At night."""
    work_db: NotNegative = 66.0
    """In a working hour."""
    bursts: list[DustBurst] = []
    """Dusty work, by script."""
    wind: Wind = msgspec.field(default_factory=Wind)
    """It thins the site's own dust."""
    direction_deg: Annotated[float, msgspec.Meta(ge=0, lt=360, description="degrees, 0 to below 360")] = 135.0
    """Where the wind comes from."""
    day: Day = msgspec.field(default_factory=Day)
    """The hours of work are those of the day."""


class Steps(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="steps"
):
    """One point jumps between two values, the others rest."""

    point: str
    """The one that jumps."""
    below: float
    """Its value within the limit."""
    beyond: float
    """Its value beyond it."""
    below_s: tuple[Positive, Positive] = (3.0, 6.0)
    """How long it stays within: at least, at most."""
    beyond_s: tuple[Positive, Positive] = (3.0, 6.0)
    """How long beyond."""
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
    """By its heading."""
    every_s: Positive = 1.0
    """How long each row holds."""


Form = Constant | Sine | Walk | Ramp | Stairs | Csv


class Simple(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="simple"
):
    """Each point does something simple of its own; this fits every profile."""

    points: dict[str, Form] = {}
    """What is left out does what is usual for its kind."""


Behaviour = Crane | Pit | Hoist | Dust | WeatherStation | Steps | Simple
"""What a device's physics may be."""
