"""What a scenario may say: which devices stand on which bus, how they behave, and what the ledger watches."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec

from firmware_sim.faults import AnyFault, Known, complaints
from sitewarden import documents
from sitewarden.charts import load_chart
from sitewarden.documents import Document
from sitewarden.errors import ConfigurationError
from sitewarden.loadchart import LoadChart
from sitewarden.profiles import Profile, load_profiles
from sitewarden.profiles.model import Name

Positive = Annotated[float, msgspec.Meta(gt=0, description="a number above 0")]
NotNegative = Annotated[float, msgspec.Meta(ge=0, description="a number of 0 or more")]
Share = Annotated[float, msgspec.Meta(ge=0, le=1, description="a number from 0 to 1")]
Port = Annotated[
    int, msgspec.Meta(ge=0, le=65535, description="a port, or 0 for one that the system chooses")
]
Unit = Annotated[int, msgspec.Meta(ge=0, le=255, description="a unit number from 0 to 255")]
Baudrate = Annotated[int, msgspec.Meta(ge=300, le=921_600, description="bits a second, 300 to 921600")]
StepMs = Annotated[int, msgspec.Meta(ge=1, le=50, description="milliseconds, 1 to 50")]
Percent = Annotated[float, msgspec.Meta(gt=90, le=150, description="per cent of the rated load, 90 to 150")]
Quantity = Literal["load_ratio", "displacement", "wind"]


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


class Device(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device: the profile gives its registers, the physics their numbers."""

    device: Name
    profile: str
    unit: Unit
    load_chart: str | None = None
    silent: bool = False
    """It is there and never answers."""
    physics: Crane | Pit | Steps
    watch: dict[Quantity, list[float]] = {}
    """Limits whose crossing the ledger notes."""


class Bus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line and the units on it."""

    bus: Name
    transport: Literal["tcp", "rtu", "rtu-over-tcp"] = "tcp"
    """Modbus TCP, a serial line as a pseudo-terminal, or such a line behind a serial server."""
    host: str = "127.0.0.1"
    port: Port = 0
    link: str | None = None
    """With `rtu`: a name for the pseudo-terminal, from where the simulator was started."""
    baudrate: Baudrate | None = None
    """With RTU frames: how fast the line carries bytes; 9600 where not given."""
    devices: list[Device]


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site to be played."""

    scenario: Name
    seed: int
    step_ms: StepMs = 50
    buses: list[Bus]
    faults: list[AnyFault] = []
    """What goes wrong, and when."""


class Cast(NamedTuple):
    """A device with everything that its names stood for."""

    device: Device
    profile: Profile
    chart: LoadChart | None


class Site(NamedTuple):
    """A scenario, understood: every name in it resolved."""

    scenario: Scenario
    cast: dict[str, Cast]
    """By device."""


DEFAULT_BAUDRATE = 9600
"""That of a gateway's serial bus."""
LAST_RTU_UNIT = 247
Complaint = tuple[str, str, str]
"""Field, message, mend."""
JIB_END_M = 3.0
"""The trolley keeps so far from the end of the jib, so that a swinging load stays under it."""
PHYSICS_OF_KIND = {"crane": Crane, "pit": Pit}
QUANTITIES_OF_KIND: dict[str, set[Quantity]] = {"crane": {"load_ratio", "wind"}, "pit": {"displacement"}}


def read_scenario(file: Path) -> Site:
    """The scenario in `file`; raises `ConfigurationError` at the first thing that cannot be meant."""
    document = documents.read(file, Scenario)
    for error in (*_repeated(document), *_unconnectable(document)):
        raise error
    profiles = load_profiles()
    cast: dict[str, Cast] = {}
    for i, bus in enumerate(document.value.buses):
        for j, device in enumerate(bus.devices):
            cast[device.device] = _resolve(document, f"buses.{i}.devices.{j}", device, profiles)
    site = Site(document.value, cast)
    for error in _meaningless(document, site):
        raise error
    return site


def known_of(site: Site) -> Known:
    """What a fault of this site can be about."""
    return Known(
        profiles={name: cast.profile for name, cast in site.cast.items()},
        buses={bus.bus: bus.transport != "rtu" or bus.link is not None for bus in site.scenario.buses},
    )


def _meaningless(document: Document[Scenario], site: Site) -> Iterator[ConfigurationError]:
    known = known_of(site)
    for i, fault in enumerate(site.scenario.faults):
        for field, message, mend in complaints(fault, known):
            yield document.error(f"faults.{i}.{field}".rstrip("."), message, mend)


def _repeated(document: Document[Scenario]) -> Iterator[ConfigurationError]:
    buses: set[str] = set()
    devices: set[str] = set()
    for i, bus in enumerate(document.value.buses):
        if bus.bus in buses:
            yield document.error(
                f"buses.{i}.bus", f"`{bus.bus}` is given twice", "Give each bus its own name."
            )
        buses.add(bus.bus)
        units: set[int] = set()
        for j, device in enumerate(bus.devices):
            where = f"buses.{i}.devices.{j}"
            if device.device in devices:
                yield document.error(
                    f"{where}.device", f"`{device.device}` is given twice", "Give each device its own name."
                )
            if device.unit in units:
                yield document.error(
                    f"{where}.unit", f"unit {device.unit} is taken on this bus", "Give it a free one."
                )
            devices.add(device.device)
            units.add(device.unit)


def _unconnectable(document: Document[Scenario]) -> Iterator[ConfigurationError]:
    for i, bus in enumerate(document.value.buses):
        where = f"buses.{i}"
        if bus.link is not None and bus.transport != "rtu":
            message = f"a bus of transport {bus.transport} is no terminal to link to"
            yield document.error(f"{where}.link", message, "Remove the line, or write `transport: rtu`.")
        if bus.transport == "tcp":
            if bus.baudrate is not None:
                message = "Modbus TCP has no baudrate"
                yield document.error(f"{where}.baudrate", message, "Remove the line, or name a transport.")
            continue
        for j, device in enumerate(bus.devices):
            if not 1 <= device.unit <= LAST_RTU_UNIT:
                message = f"unit {device.unit} cannot be asked on a serial line"
                yield document.error(f"{where}.devices.{j}.unit", message, "Give it one from 1 to 247.")


def _resolve(
    document: Document[Scenario], where: str, device: Device, profiles: Mapping[str, Profile]
) -> Cast:
    profile = profiles.get(device.profile)
    if profile is None:
        known = ", ".join(sorted(profiles))
        raise document.error(
            f"{where}.profile", f"there is no profile `{device.profile}`", f"Known are {known}."
        )
    chart = load_chart(device.load_chart, document.file.parent) if device.load_chart else None
    cast = Cast(device, profile, chart)
    for field, message, mend in (*_unplayable(cast), *_unwatchable(cast)):
        raise document.error(f"{where}.{field}", message, mend)
    return cast


def _unplayable(cast: Cast) -> Iterator[Complaint]:
    device, profile, chart = cast
    physics = device.physics
    fitting = PHYSICS_OF_KIND.get(profile.device_kind)
    if not isinstance(physics, Steps) and type(physics) is not fitting:
        message = f"this physics does not fit a {profile.device_kind}, which `{device.profile}` describes"
        yield "physics.kind", message, f"Write `{profile.device_kind}` or `steps`."
    for key, field in _named_points(physics):
        if key not in profile.points:
            known = ", ".join(profile.points)
            yield f"physics.{field}", f"`{device.profile}` has no point `{key}`", f"Its points are {known}."
    if isinstance(physics, Crane):
        yield from _unliftable(physics, chart)


def _named_points(physics: Crane | Pit | Steps) -> Iterator[tuple[str, str]]:
    if isinstance(physics, Pit):
        yield from ((key, f"points.{key}") for key in physics.points)
    if isinstance(physics, Steps):
        yield physics.point, "point"
        yield from ((key, f"steady.{key}") for key in physics.steady)


def _unliftable(crane: Crane, chart: LoadChart | None) -> Iterator[Complaint]:
    if chart is None:
        yield (
            "load_chart",
            "a crane at work needs a load chart",
            "Add `load_chart: tc5610-like`, for example.",
        )
        return
    if crane.falls not in chart.falls:
        known = ", ".join(str(falls) for falls in chart.falls)
        message = f"the chart `{chart.chart}` has no line for {crane.falls} falls"
        yield "physics.falls", message, f"It has lines for {known}."
        return
    end = chart.falls[crane.falls][-1][0]
    if crane.jib_m > end:
        message = f"the jib of {crane.jib_m:g} m is longer than the chart, which ends at {end:g} m"
        yield "physics.jib_m", message, f"Write {end:g} or less."
    if crane.nearest_m > crane.jib_m - 2 * JIB_END_M:
        yield "physics.nearest_m", "leaves the trolley no way to travel", "Make it smaller."


def _unwatchable(cast: Cast) -> Iterator[Complaint]:
    device, profile, chart = cast
    fitting = QUANTITIES_OF_KIND.get(profile.device_kind, set())
    for quantity in device.watch:
        if quantity not in fitting:
            known = ", ".join(sorted(fitting)) or "nothing"
            message = f"a {profile.device_kind} has no {quantity}"
            yield f"watch.{quantity}", message, f"What can be watched here is {known}."
        if quantity == "load_ratio" and chart is None:
            yield "load_chart", "a load ratio needs a load chart", "Add `load_chart:` to the device."
