"""A profile in words, for a terminal and for whoever compares it with a manual. Pure."""

from collections.abc import Iterator

from sitewarden.points import point_kind
from sitewarden.profiles import ModbusProfile, Profile
from sitewarden.profiles.decoding import orders_of
from sitewarden.profiles.model import (
    BIT_FUNCTIONS,
    FUNCTIONS,
    WIDTHS,
    FramePoint,
    FrameProfile,
    Hj212Point,
    Hj212Profile,
    JsonPoint,
    Modbus,
    ModbusPoint,
    Point,
)
from sitewarden.rules.describe import both


def described(profile: Profile) -> Iterator[str]:
    """A profile line by line, as the page of devices cannot hold it."""
    yield f"{profile.profile} version {profile.version}, device kind {profile.device_kind}"
    yield from (f"  fits {product.brand} {product.model}" for product in profile.products)
    yield f"  verified: {profile.verified}"
    yield f"  source: {profile.source}"
    yield f"  {_spoken(profile)}"
    verb = "read" if isinstance(profile, ModbusProfile) else "said"
    for name, group in profile.groups.items():
        stale_s = (group.stale_after_ms or 3 * group.interval_ms) / 1000
        if group.occasional:
            yield f"  group {name}: {verb} when something happens"
        else:
            yield f"  group {name}: {verb} every {group.interval_ms / 1000:g} s, stale after {stale_s:g} s"
    for key, point in profile.points.items():
        yield ""
        yield f"  {key}: {both(point.label or point_kind(point.kind).label)} ({point.kind})"
        yield f"    {place_of(profile, point)}"
        unit = "" if point.unit == "1" else f" {point.unit}"
        yield f"    value: number × {point.scale:g} + {point.offset:g}{unit}{_bounds(point)}"


def _spoken(profile: Profile) -> str:
    match profile:
        case ModbusProfile(modbus=modbus):
            return f"Modbus over {', '.join(modbus.transports)}; registers counted from {modbus.base}"
        case Hj212Profile(hj212=hj212):
            systems = f"; system {' or '.join(hj212.systems)}" if hj212.systems else ""
            return f"HJ 212, speaks by itself{systems}; command {' or '.join(hj212.commands)}"
        case FrameProfile(frames=frames):
            return f"frames of {frames.protocol}, {frames.length} bytes; speaks by itself"
    return "JSON, speaks by itself"


def place_of(profile: Profile, point: Point) -> str:
    """Where in a message, or in which register, a point stands."""
    match point:
        case ModbusPoint() if isinstance(profile, ModbusProfile):
            function = FUNCTIONS[profile.modbus.function_of(point)]
            return f"{function} {point.register}, {type_of(point, profile.modbus)}"
        case Hj212Point():
            return f"{point.factor}-{point.field}"
        case FramePoint():
            bit = "" if point.bit is None else f", bit {point.bit} (0 is the lowest)"
            return f"byte {point.byte} of the frame (from 0), {point.type}{bit}"
        case JsonPoint():
            count = "" if point.count_where is None else "; the number of items there that fit"
            return f"{point.pointer or 'the whole body'}{count}"
    raise TypeError(point)


def type_of(point: ModbusPoint, modbus: Modbus) -> str:
    """What the number in the registers is, and in which order it stands there."""
    if modbus.function_of(point) in BIT_FUNCTIONS:
        return "one bit"
    words, octets = orders_of(point, modbus)
    said: list[str] = [point.type]
    if WIDTHS[point.type] > 1:
        said.append(f"{'high' if words == 'big' else 'low'} word first")
    if octets == "little":
        said.append("low byte first")
    if point.bit is not None:
        said.append(f"bit {point.bit} (0 is the lowest)")
    if point.bits is not None:
        said.append(f"bits {point.bits[0]} to {point.bits[1]} (0 is the lowest)")
    return ", ".join(said)


def _bounds(point: Point) -> str:
    said = "" if point.range is None else f"; {point.range[0]:g} to {point.range[1]:g}"
    none = ", ".join(map(str, point.sentinels))
    return f"{said}; no value: {none}" if none else said
