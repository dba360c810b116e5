"""What a scenario may say: which devices stand on which bus, how they behave, and what the ledger watches."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple

import msgspec

from firmware_sim import crane, hoist, weather
from firmware_sim.camera import film, scene
from firmware_sim.camera.model import FILM, SCENE, Camera, Port, meaningless, unusable
from firmware_sim.crane_group import Group, Member, apart, overlap
from firmware_sim.faults import AnyFault, Known, complaints
from firmware_sim.forms import Columns, read_column
from firmware_sim.model import (
    JIB_END_M,
    Behaviour,
    Crane,
    CraneGroup,
    Csv,
    Dust,
    Hoist,
    Meeting,
    Pit,
    Simple,
    Steps,
    WeatherStation,
)
from sitewarden import documents
from sitewarden.charts import load_chart
from sitewarden.documents import Document
from sitewarden.errors import ConfigurationError, SiteWardenError
from sitewarden.loadchart import LoadChart
from sitewarden.profiles import Profile, load_profiles
from sitewarden.profiles.model import FrameProfile, Hj212Profile, JsonProfile, Name

Unit = Annotated[int, msgspec.Meta(ge=0, le=255, description="a unit number from 0 to 255")]
Baudrate = Annotated[int, msgspec.Meta(ge=300, le=921_600, description="bits a second, 300 to 921600")]
StepMs = Annotated[int, msgspec.Meta(ge=1, le=50, description="milliseconds, 1 to 50")]
Transport = Literal["tcp", "rtu", "rtu-over-tcp"]
Way = Literal["tcp", "rtu", "rtu-over-tcp", "hj212", "frames", "mqtt-json", "http-push"]
Quantity = Literal["load_ratio", "displacement", "wind"]


class Device(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device: the profile gives its registers, the physics their numbers."""

    device: Name
    """Its name, which the gateway's configuration need not share."""
    profile: str
    """The name of a shipped profile, or of one in the folders under `profiles`."""
    unit: Unit | None = None
    """Its Modbus unit on the bus; a device that speaks by itself has none."""
    identity: str | None = None
    """By what a speaking device names itself: the MN of HJ 212, a number, a topic, a part of a path."""
    token: str | None = None
    """With `http-push` its token; with `hj212` its PW."""
    every_ms: Annotated[int, msgspec.Meta(ge=20, le=86_400_000, description="20 to 86400000")] | None = None
    """How often a speaking device speaks, milliseconds; left out: as its profile says."""
    load_chart: str | None = None
    """A crane's chart: a shipped one's name, or a file."""
    silent: bool = False
    """It is there and never answers."""
    physics: Behaviour = msgspec.field(default_factory=Simple)
    """Left out: every point does what is usual for its kind."""
    watch: dict[Quantity, list[float]] = {}
    """Limits whose crossing the ledger notes."""


class Bus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line and the units on it."""

    bus: Name
    """Its name, under which the ports file has its port."""
    transport: Way = "tcp"
    """Modbus TCP, a serial line as a pseudo-terminal, or such a line behind a serial server; with the others
    the devices speak by themselves, to a gateway or a broker."""
    host: str = "127.0.0.1"
    """Where it listens; with `rtu` nowhere. Of speaking devices: where they speak to."""
    port: Port = 0
    """0 lets the system choose; the ports file says which. Of speaking devices: where they speak to."""
    username: str | None = None
    """With `mqtt-json`: as whom the devices log in."""
    password: str | None = None
    link: str | None = None
    """With `rtu`: a name for the pseudo-terminal, from where the simulator was started."""
    baudrate: Baudrate | None = None
    """With RTU frames: how fast the line carries bytes; 9600 where not given."""
    devices: list[Device]
    """The units on it."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site to be played."""

    scenario: Name
    """Its name."""
    seed: int
    """Everything that chance decides follows from it."""
    step_ms: StepMs = 50
    """How finely physics is stepped, milliseconds."""
    profiles: list[str] = []
    """Folders with profiles of one's own, from where the scenario stands, beside the shipped ones."""
    buses: list[Bus]
    """The lines and what stands on them."""
    faults: list[AnyFault] = []
    """What goes wrong, and when."""
    cameras: list[Camera] = []
    """The ports file has the URL of each."""
    crane_groups: list[CraneGroup] = []
    """Cranes that must mind each other."""


class Cast(NamedTuple):
    """A device with everything that its names stood for."""

    device: Device
    profile: Profile
    chart: LoadChart | None
    columns: Columns = MappingProxyType({})
    """What the CSV files of its forms say, by point."""
    group: Group | None = None
    """The cranes beside it, if it is one of a group."""


class Site(NamedTuple):
    """A scenario, understood: every name in it resolved."""

    scenario: Scenario
    cast: dict[str, Cast]
    """By device."""
    folder: Path = Path()
    """From where the names of files in the scenario count."""


DEFAULT_BAUDRATE = 9600
"""That of a gateway's serial bus."""
LAST_RTU_UNIT = 247
SPEAKING_WAYS = frozenset(("hj212", "frames", "mqtt-json", "http-push"))
"""Transports on which devices speak by themselves."""
VOICES = frozenset(("goyo",))
"""Whose frames the simulator can say."""
Complaint = tuple[str, str, str]
"""Field, message, mend."""
KINDS_OF_PHYSICS: dict[type, Callable[[str], bool]] = {
    Crane: set(crane.KINDS.values()).__contains__,
    Pit: lambda kind: kind.startswith(("pit.", "tilt.")),
    Hoist: set(hoist.KINDS.values()).__contains__,
    Dust: {"dust.pm2_5", "dust.pm10", "dust.tsp", "noise.level"}.__contains__,
    WeatherStation: set(weather.KINDS.values()).__contains__,
}
"""Which kinds a physics gives; one of them makes it fit a profile. Those not here fit every profile."""
CLEAR_OF_MAST_M = 2.0
"""A jib must end so far from another crane's mast: GB 5144, 10.5."""
WATCHABLE: dict[Quantity, list[set[str]]] = {
    "load_ratio": [{"crane.load", "crane.radius", "crane.falls"}],
    "displacement": [{"pit.displacement.horizontal"}, {"pit.displacement.vertical"}],
    "wind": [{"crane.wind_speed"}, {"weather.wind_speed"}],
}
"""The kinds that a quantity is made of: a profile must have one of the sets."""


def read_scenario(file: Path) -> Site:
    """The scenario in `file`; raises `ConfigurationError` at the first thing that cannot be meant."""
    document = documents.read(file, Scenario)
    for error in (*_repeated(document), *_unconnectable(document), *_unseen(document)):
        raise error
    profiles = _profiles(document)
    cast: dict[str, Cast] = {}
    for i, bus in enumerate(document.value.buses):
        for j, device in enumerate(bus.devices):
            where = f"buses.{i}.devices.{j}"
            cast[device.device] = _resolve(document, where, device, profiles)
            if not _speaks(cast[device.device].profile, bus.transport):
                message = f"`{device.profile}` does not speak so"
                mend = "Put it on a bus of another `transport:`."
                raise document.error(f"{where}.profile", message, mend)
    for i, group in enumerate(document.value.crane_groups):
        grouped = _grouped(document, f"crane_groups.{i}", group, cast)
        cast |= {name: cast[name]._replace(group=grouped) for name in group.cranes}
    site = Site(document.value, cast, file.parent)
    for error in _meaningless(document, site):
        raise error
    return site


def _speaks(profile: Profile, way: Way) -> bool:
    match profile:
        case Hj212Profile():
            return way == "hj212"
        case FrameProfile():
            return way == "frames" and profile.frames.protocol in VOICES
        case JsonProfile():
            return way in {"mqtt-json", "http-push"}
    return way not in SPEAKING_WAYS


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


def _profiles(document: Document[Scenario]) -> Mapping[str, Profile]:
    folders = [document.file.parent / name for name in document.value.profiles]
    for i, folder in enumerate(folders):
        if not folder.is_dir():
            raise document.error(
                f"profiles.{i}", f"`{folder}` is not a folder", "Name a folder with profiles in it."
            )
    return load_profiles(*folders)


def _repeated(document: Document[Scenario]) -> Iterator[ConfigurationError]:
    buses: set[str] = set()
    devices: set[str] = set()
    for i, bus in enumerate(document.value.buses):
        if bus.bus in buses:
            yield document.error(
                f"buses.{i}.bus", f"`{bus.bus}` is given twice", "Give each bus its own name."
            )
        buses.add(bus.bus)
        units: set[int | str] = set()
        for j, device in enumerate(bus.devices):
            where = f"buses.{i}.devices.{j}"
            if device.device in devices:
                yield document.error(
                    f"{where}.device", f"`{device.device}` is given twice", "Give each device its own name."
                )
            called = device.identity if bus.transport in SPEAKING_WAYS else device.unit
            if called is not None and called in units:
                field = "unit" if device.unit is not None else "identity"
                message = f"{field} {called} is taken on this bus"
                yield document.error(f"{where}.{field}", message, "Give it a free one.")
            devices.add(device.device)
            if called is not None:
                units.add(called)


def _unconnectable(document: Document[Scenario]) -> Iterator[ConfigurationError]:
    for i, bus in enumerate(document.value.buses):
        where = f"buses.{i}"
        if bus.link is not None and bus.transport != "rtu":
            message = f"a bus of transport {bus.transport} is no terminal to link to"
            yield document.error(f"{where}.link", message, "Remove the line, or write `transport: rtu`.")
        if bus.transport in {"tcp", *SPEAKING_WAYS}:
            if bus.baudrate is not None:
                message = f"a bus of transport {bus.transport} has no baudrate"
                yield document.error(f"{where}.baudrate", message, "Remove the line, or name a transport.")
            yield from _unnamed(document, where, bus)
            continue
        yield from _unnamed(document, where, bus)
        for j, device in enumerate(bus.devices):
            if device.unit is not None and not 1 <= device.unit <= LAST_RTU_UNIT:
                message = f"unit {device.unit} cannot be asked on a serial line"
                yield document.error(f"{where}.devices.{j}.unit", message, "Give it one from 1 to 247.")


def _unnamed(document: Document[Scenario], where: str, bus: Bus) -> Iterator[ConfigurationError]:
    """Devices that answer without a unit, or speak without a name or to nobody."""
    speaks = bus.transport in SPEAKING_WAYS
    if speaks and bus.port == 0:
        yield document.error(
            f"{where}.port", "is missing: to whom do they speak?", "Write the gateway's port."
        )
    for j, device in enumerate(bus.devices):
        if speaks and device.identity is None:
            message = "is missing, and by it a gateway knows the device"
            yield document.error(f"{where}.devices.{j}.identity", message, "Add `identity:`.")
        if not speaks and device.unit is None:
            yield document.error(f"{where}.devices.{j}.unit", "is missing", "Add `unit:`.")


def _unseen(document: Document[Scenario]) -> Iterator[ConfigurationError]:
    """Cameras that cannot be told from what else the ports file lists, and those without pictures."""
    taken = {bus.bus for bus in document.value.buses}
    for i, camera in enumerate(document.value.cameras):
        if camera.camera in taken:
            message = f"`{camera.camera}` is the name of a bus or of another camera"
            yield document.error(f"cameras.{i}.camera", message, "Give each camera its own name.")
        taken.add(camera.camera)
        if (wrong := meaningless(camera)) is not None:
            key, message = wrong
            yield document.error(f"cameras.{i}.{key}", message, "Take it away, or choose another source.")
        if camera.source is not None and camera.source.startswith(FILM):
            try:
                film.load(document.file.parent / camera.source.removeprefix(FILM))
            except SiteWardenError as exc:
                mend = "Make one: `sitewarden sim film SCENE FILE`."
                yield document.error(f"cameras.{i}.source", str(exc), mend)
            continue
        if camera.source is not None and camera.source.startswith(SCENE):
            yield from scene.wrong(document.file.parent / camera.source.removeprefix(SCENE))
            continue
        why = unusable(document.file.parent / camera.source) if camera.source is not None else None
        if why is not None:
            mend = "Name a folder, a video, `scene:FILE` or `film:FILE`; without one pictures are drawn."
            yield document.error(f"cameras.{i}.source", why, mend)


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
    return cast._replace(columns=_columns(document, where, cast))


def _columns(document: Document[Scenario], where: str, cast: Cast) -> Columns:
    physics = cast.device.physics
    columns = {}
    for key, form in physics.points.items() if isinstance(physics, Simple) else ():
        if not isinstance(form, Csv):
            continue
        field = f"{where}.physics.points.{key}"
        try:
            columns[key] = read_column(document.file.parent / form.file, form.column)
        except (OSError, ValueError) as exc:
            raise document.error(
                field, str(exc), "Name a CSV file with a heading line, and one of its columns."
            ) from exc
        if None in columns[key] and not cast.profile.points[key].sentinels:
            message = f"`{form.file}` has empty cells, and `{key}` has no way to say 'no value'"
            raise document.error(field, message, "Fill them, or give the profile's point its `sentinels`.")
    return columns


def _unplayable(cast: Cast) -> Iterator[Complaint]:
    device, profile, chart = cast.device, cast.profile, cast.chart
    physics = device.physics
    if not _fits(physics, profile):
        message = f"this physics does not fit a {profile.device_kind}, which `{device.profile}` describes"
        yield "physics.kind", message, "Write one that gives what it measures, or `simple`, which fits all."
    for key, field in _named_points(physics):
        if key not in profile.points:
            known = ", ".join(profile.points)
            yield f"physics.{field}", f"`{device.profile}` has no point `{key}`", f"Its points are {known}."
    if isinstance(physics, Crane):
        yield from _unliftable(physics, chart)
    if isinstance(physics, Pit):
        yield from _unmeasured(physics, profile)


def _fits(physics: object, profile: Profile) -> bool:
    gives = KINDS_OF_PHYSICS.get(type(physics))
    return gives is None or any(gives(point.kind) for point in profile.points.values())


def _named_points(physics: object) -> Iterator[tuple[str, str]]:
    if isinstance(physics, Pit | Simple):
        yield from ((key, f"points.{key}") for key in physics.points)
    if isinstance(physics, Pit):
        for part in ("struts", "wells", "elements", "cells"):
            yield from ((key, f"{part}.{key}") for key in getattr(physics, part))
        yield from ((key, f"thermometers.{i}") for i, key in enumerate(physics.thermometers))
    if isinstance(physics, Steps):
        yield physics.point, "point"
        yield from ((key, f"steady.{key}") for key in physics.steady)


def _unmeasured(pit: Pit, profile: Profile) -> Iterator[Complaint]:
    """Points that the profile has, but not for what the scenario lets them measure."""
    wanted = [(f"points.{key}", key, "pit.displacement.", "moves") for key in pit.points]
    wanted += [(f"wells.{key}", key, "pit.water_level", "is a level") for key in pit.wells]
    wanted += [(f"elements.{key}", key, "tilt.", "is a tilt") for key in pit.elements]
    wanted += [(f"cells.{key}", key, "pit.hydrostatic_level", "is a levelling cell") for key in pit.cells]
    for key, element in pit.elements.items():
        if element.lower_m <= element.upper_m:
            yield f"physics.elements.{key}.lower_m", "lies not below its upper end", "Depths count downwards."
    for key, strut in pit.struts.items():
        if strut.wire is None:
            wanted.append((f"struts.{key}", key, "pit.strut.force", "is a force"))
        else:
            wanted.append((f"struts.{key}", key, "pit.vibrating_wire.frequency", "is a frequency"))
    for field, key, kind, what in wanted:
        if key in profile.points and not profile.points[key].kind.startswith(kind):
            message = f"`{key}` is of kind {profile.points[key].kind}, not of one that {what}"
            yield f"physics.{field}", message, f"Name a point of kind {kind.removesuffix('.')}."


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


def _grouped(document: Document[Scenario], where: str, group: CraneGroup, cast: Mapping[str, Cast]) -> Group:
    for field, message, mend in _ungroupable(group, cast):
        raise document.error(f"{where}.{field}", message, mend)
    members = []
    for name in group.cranes:
        machine, chart = cast[name].device.physics, cast[name].chart
        assert isinstance(machine, Crane)  # noqa: S101  # it was refused otherwise
        assert chart is not None  # noqa: S101  # it was refused otherwise
        members.append(Member(name, machine, chart.falls[machine.falls], f"{document.value.seed}/{name}"))
    return Group(group, tuple(members))


def _ungroupable(group: CraneGroup, cast: Mapping[str, Cast]) -> Iterator[Complaint]:
    machines: dict[str, Crane] = {}
    for i, name in enumerate(group.cranes):
        physics = cast[name].device.physics if name in cast else None
        if not isinstance(physics, Crane):
            yield f"cranes.{i}", f"there is no device `{name}` with the physics `crane`", "Name one."
            return
        if name in machines or cast[name].group is not None:
            yield f"cranes.{i}", f"`{name}` is in a group already", "Name it once."
        for other, placed in machines.items():
            lower = min(physics, placed, key=lambda machine: machine.mast_m)
            if apart(physics, placed) < lower.jib_m + CLEAR_OF_MAST_M:
                message = f"the lower jib of `{name}` and `{other}` reaches the other's mast"
                yield f"cranes.{i}", message, "Set their `at_m` farther apart, or shorten that jib."
        machines[name] = physics
    for i, meeting in enumerate(group.meetings):
        for field, message, mend in _unmeetable(meeting, machines):
            yield f"meetings.{i}.{field}", message, mend


def _unmeetable(meeting: Meeting, machines: Mapping[str, Crane]) -> Iterator[Complaint]:
    first, second = (machines.get(name) for name in meeting.cranes)
    if first is None or second is None or first is second:
        yield "cranes", "a meeting is of two cranes of the group", "Name two of them."
        return
    higher, lower = sorted((first, second), key=lambda machine: -machine.mast_m)
    near_m, far_m = overlap(higher, lower)
    if near_m >= far_m:
        yield "cranes", "these two cannot reach each other", "Choose two whose work areas overlap."


def _unwatchable(cast: Cast) -> Iterator[Complaint]:
    device, profile, chart = cast.device, cast.profile, cast.chart
    kinds = {point.kind for point in profile.points.values()}
    fitting = {quantity for quantity, ways in WATCHABLE.items() if any(way <= kinds for way in ways)}
    for quantity in device.watch:
        if quantity not in fitting:
            known = ", ".join(sorted(fitting)) or "nothing"
            message = f"a {profile.device_kind} has no {quantity}"
            yield f"watch.{quantity}", message, f"What can be watched here is {known}."
        if quantity == "load_ratio" and chart is None:
            yield "load_chart", "a load ratio needs a load chart", "Add `load_chart:` to the device."
