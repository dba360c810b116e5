"""Everything about one point on one screen: its source, how it is read, what watches it, how it is now."""

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from edge.again import LEAST_GAIN_S, may_hurry
from edge.bus import AGAIN_DISTANCE_S
from edge.config import (
    Bus,
    Device,
    Ear,
    Gateway,
    Page,
    PolledDevice,
    SpeakingDevice,
    address_of,
    transport_of,
    way_of,
)
from edge.derivation import derived_points
from edge.drivers.registers import PlannedRead, plan
from edge.page.board import AlarmNow, PointNow, Snapshot
from sitewarden.derived import DISPLACEMENTS, TILTS
from sitewarden.errors import ConfigurationError, MessageError
from sitewarden.messages import PointBirth
from sitewarden.points import PointKind, point_kind
from sitewarden.profiles.describe import place_of, type_of
from sitewarden.profiles.model import (
    FUNCTIONS,
    ModbusPoint,
    Point,
    speech_of,
)
from sitewarden.rules import describe
from sitewarden.rules.describe import LEVELS
from sitewarden.rules.describe import both as _both
from sitewarden.rules.model import BoundRule

ASK_S = 2.0
"""So long the agent's page may take to answer."""

Line = tuple[str, str]
"""What it is about, and what is said; the first is empty where a line goes on."""


class Found(NamedTuple):
    """A point and where it belongs."""

    bus: Bus | Ear
    device: Device
    birth: PointBirth
    kind: PointKind

    @property
    def key(self) -> str:
        """Within its device."""
        return self.birth.p.removeprefix(f"{self.device.name}/")


def find(gateway: Gateway, point: str, file: Path) -> Found:
    """The point of that name; raises `ConfigurationError` naming the nearest one."""
    known = {
        birth.p: Found(bus, device, birth, point_kind(birth.kind))
        for bus, device in _placed(gateway)
        for birth in device.points
    }
    if point in known:
        return known[point]
    near = difflib.get_close_matches(point, known, n=1)
    mend = f"Did you mean `{near[0]}`?" if near else f"Points are {', '.join(known)}."
    raise ConfigurationError(file, 0, "", f"there is no point `{point}`", mend)


def _placed(gateway: Gateway) -> Iterator[tuple[Bus | Ear, Device]]:
    yield from ((bus, device) for bus in gateway.buses for device in bus.devices)
    yield from ((ear, device) for ear in gateway.ears for device in ear.devices)


def explain(found: Found) -> list[str]:
    """What the configuration says of it, line by line."""
    return _aligned([*_identity(found), *_origin(found), *_timing(found), *_uses(found), *_rules(found)])


def _aligned(lines: Iterable[Line]) -> list[str]:
    return [f"{about:<10} {said}".rstrip() for about, said in lines]


def _identity(found: Found) -> Iterator[Line]:
    bus, device, birth, kind = found
    name = f"{_both(birth.label)}, " if birth.label else ""
    yield "point", f"{birth.p}: {name}{_both(kind.label)}"
    unit = f"unit {kind.unit}" if _unit(kind) else "no unit"
    yield "kind", f"{birth.kind}, {unit}, resolution {kind.resolution:g}"
    called = _called(device)
    yield "device", f"{device.name}: {_both(device.label)}, {called} of bus {bus.name}"
    profile = device.profile
    yield "profile", f"{profile.profile} version {profile.version}, verified: {profile.verified}"
    yield "", f"source: {profile.source}"
    if isinstance(bus, Ear):
        yield "bus", f"{bus.name}: {way_of(bus.settings)}; nobody asks, the device speaks by itself"
        return
    timeout = f"an answer may take {bus.modbus.timeout_ms} ms"
    yield "bus", f"{bus.name}: Modbus {transport_of(bus.modbus)} {address_of(bus.modbus)}, {timeout}"


def _origin(found: Found) -> Iterator[Line]:
    point = found.device.profile.points.get(found.key)
    if point is None:
        return _derived(found)
    if isinstance(found.device, PolledDevice) and isinstance(point, ModbusPoint):
        return _register(found, found.device, point)
    return _said(found, point)


def _called(device: Device) -> str:
    if isinstance(device, PolledDevice):
        return f"unit {device.unit}"
    return f"identity {device.identity}" if isinstance(device, SpeakingDevice) else ""


def _said(found: Found, point: Point) -> Iterator[Line]:
    """A point of a device that speaks by itself."""
    yield "comes as", place_of(found.device.profile, point)
    yield from _value(found, point)
    if isinstance(found.device, SpeakingDevice):
        speech = speech_of(found.device.profile)
        yield (
            "instant",
            f"the device's own, from {speech.late_s:g} s before it comes to {speech.ahead_s:g} s after",
        )


def _value(found: Found, point: Point) -> Iterator[Line]:
    unit = f", in{_unit(found.kind)}" if _unit(found.kind) else ""
    yield "value", f"number × {point.scale:g} + {point.offset:g}{unit}"
    if point.range is not None:
        yield "range", f"{point.range[0]:g} to {point.range[1]:g}; anything else is bad: out_of_range"
    else:
        yield "range", "none: every number is believed"
    yield "sentinels", ", ".join(map(str, point.sentinels)) if point.sentinels else "none"


def _register(found: Found, device: PolledDevice, point: ModbusPoint) -> Iterator[Line]:
    modbus = device.profile.modbus
    number = modbus.function_of(point)
    function = f"function {number}, {FUNCTIONS[number]}"
    manual = f"{point.register} in the manual, which counts from {modbus.base}"
    yield "register", f"{manual}; {point.register - modbus.base} on the wire; {function}"
    yield "type", type_of(point, modbus)
    yield from _value(found, point)
    yield "request", _request(device, found.key, point)


def _request(device: PolledDevice, key: str, point: ModbusPoint) -> str:
    profile = device.profile
    reads = plan(profile.modbus, [item for item in profile.points.items() if item[1].group == point.group])
    read = next(read for read in reads if any(placed.key == key for placed in read.points))
    return f"{_wire(read)}{_along(read, key)}"


def _wire(read: PlannedRead) -> str:
    function, first, length = read.request
    return f"function {function}, address {first}, {length} registers"


def _along(read: PlannedRead, key: str) -> str:
    others = [placed.key for placed in read.points if placed.key != key]
    return f"; reads along {', '.join(others)}" if others else "; for this point alone"


def _derived(found: Found) -> Iterator[Line]:
    derived = next(one for one in derived_points(found.device) if one.point == found.birth.p)
    yield "derived", f"on the gateway, from {', '.join(derived.inputs)}"
    if derived.how:
        yield "", derived.how


def _inputs(device: Device, birth: PointBirth) -> list[str]:
    """Keys of what a derived point is made of; nothing for a raw one."""
    for derived in derived_points(device):
        if derived.point == birth.p:
            return [point.removeprefix(f"{device.name}/") for point in derived.inputs]
    return []


def _sources(device: Device, birth: PointBirth) -> list[str]:
    """Keys of the raw points that it comes from in the end."""
    key = birth.p.removeprefix(f"{device.name}/")
    if key in device.profile.points:
        return [key]
    births = {point.p: point for point in device.points}
    inputs = (births[f"{device.name}/{name}"] for name in _inputs(device, birth))
    return list(dict.fromkeys(source for one in inputs for source in _sources(device, one)))


def _intervals_ms(found: Found) -> list[int]:
    """How often what it comes from is read, the shortest first."""
    device = found.device
    sources = _sources(device, found.birth)
    return sorted({device.intervals_ms[device.profile.points[key].group] for key in sources})


def _timing(found: Found) -> Iterator[Line]:
    every = " and ".join(f"{interval} ms" for interval in _intervals_ms(found))
    yield "read", f"every {every}; stale after {found.birth.stale_after_ms} ms"


def _uses(found: Found) -> Iterator[Line]:
    if made := _made_of(found):
        yield "part of", ", ".join(made)
    if found.birth.kind in (*DISPLACEMENTS, *TILTS):
        yield "zero", f"{found.device.zero.get(found.key, 0.0):g}{_unit(found.kind)}"


def _made_of(found: Found) -> list[str]:
    return [birth.p for birth in found.device.points if found.key in _inputs(found.device, birth)]


def _rules(found: Found) -> Iterator[Line]:
    rules = [bound for bound in found.device.rules if found.birth.p in bound.listens_to]
    if not any(bound.point == found.birth.p for bound in rules):
        yield "rules", "no rule watches this point"
        watched = {bound.point for bound in found.device.rules}.intersection(_made_of(found))
        if watched:
            yield "", f"but rules watch {', '.join(sorted(watched))}"
    for bound in rules:
        headline, *rest = describe.lines(bound)
        yield "rule", headline
        yield from (("", line) for line in (*_late(found, bound), *rest))


def _late(found: Found, bound: BoundRule) -> Iterator[str]:
    """What ends a delay that is shorter than the wait for the next poll: a re-read, or only that poll."""
    interval_ms = max(_intervals_ms(found), default=0)
    if bound.point != found.birth.p or not 0 < bound.on_delay_ms < interval_ms:
        return
    every = describe.duration(interval_ms / 1000)
    again_ms = max(bound.on_delay_ms, 1000 * AGAIN_DISTANCE_S, *_measured_every_ms(found))
    is_asked = isinstance(found.device, PolledDevice)
    if is_asked and may_hurry(bound) and again_ms <= interval_ms - 1000 * LEAST_GAIN_S:
        again = describe.duration(again_ms / 1000)
        yield f"read every {every}, and once more {again} after a reading beyond: raised if it still is"
    else:
        yield f"read every {every}: raised by the second reading beyond, {every} after the first"


def _measured_every_ms(found: Found) -> Iterator[int]:
    """How often the device measures what the point comes from, where it does so by a clock of its own."""
    profile = found.device.profile
    for key in _sources(found.device, found.birth):
        yield profile.groups[profile.points[key].group].measured_every_ms or 0


def present(page: Page | None, found: Found) -> list[str]:
    """How it is now, as the running agent's page says."""
    if page is None:
        return _aligned([("now", "the gateway serves no page that could be asked (`page:` in its file)")])
    try:
        snapshot = _ask(page)
    except (OSError, MessageError) as exc:
        return _aligned([("now", f"the agent's page does not answer at {page.host}:{page.port}: {exc}")])
    point = next((one for one in snapshot.points if one.point == found.birth.p), None)
    if point is None:
        return _aligned([("now", "the running agent does not know this point; was it restarted since?")])
    alarms = [alarm for alarm in snapshot.alarms if alarm.point == found.birth.p]
    standing = [("alarm", _standing(alarm, snapshot.at_ms)) for alarm in alarms]
    return _aligned([("now", _now(point)), *(standing or [("alarm", "none stands")])])


def _ask(page: Page) -> Snapshot:
    import http.client  # noqa: PLC0415  only here does this program ask a web server

    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(page.host, page.host)  # noqa: S104  where it listens
    connection = http.client.HTTPConnection(host, page.port, timeout=ASK_S)
    try:
        connection.request("GET", "/snapshot.json")
        answer = connection.getresponse()
        body = answer.read()
    except http.client.HTTPException as exc:
        raise MessageError("garbage", str(exc)) from exc
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise MessageError("garbage", f"status {answer.status}")
    try:
        return msgspec.json.decode(body, type=Snapshot)
    except msgspec.DecodeError as exc:
        raise MessageError("garbage", str(exc)) from exc


def _now(point: PointNow) -> str:
    if point.value is None or point.age_ms is None:
        return f"no value yet; quality {point.quality}"
    quality = "stale" if point.quality == "good" and point.is_stale else point.quality
    unit = "" if point.unit == "1" else f" {point.unit}"
    return f"{point.value:g}{unit}, {point.age_ms / 1000:.1f} s old; quality {quality}"


def _standing(alarm: AlarmNow, now_ms: int) -> str:
    since = f"stands since {(now_ms - alarm.raised_at) / 1000:.0f} s"
    by = f", acknowledged ({alarm.acknowledged_by})" if alarm.acknowledged_at is not None else ""
    return f"{alarm.rule} level {alarm.level} {LEVELS[alarm.level]} {since}, peak {alarm.peak:g}{by}"


def _unit(kind: PointKind) -> str:
    """With the space before it; empty where there is none."""
    return "" if kind.unit == "1" else f" {kind.unit}"
