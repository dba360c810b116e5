"""What a point does where nobody said anything: by its kind, else by the range of its profile."""

from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec
import yaml

from firmware_sim.model import Constant, Form, Sine, Walk
from sitewarden.profiles.model import ModbusPoint, Point, Profile, is_bit

_RANGES = {
    "uint8": (0, 0xFF),
    "int8": (-0x80, 0x7F),
    "uint16": (0, 0xFFFF),
    "int16": (-0x8000, 0x7FFF),
    "uint32": (0, 0xFFFF_FFFF),
    "bcd16": (0, 9999),
    "bcd32": (0, 99_999_999),
}
_WIDEST = 1000.0
"""Numbers that mean something on a site are rarely larger, whatever their register could hold."""
_MIDDLE = 0.4, 0.6


@cache
def usual_kinds() -> Mapping[str, Form]:
    """What is usual for a kind of the vocabulary; read once from `usual.yaml`."""
    text = resources.files("firmware_sim").joinpath("usual.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), dict[str, Form])


def usual_forms(profile: Profile) -> dict[str, Form]:
    """A form for every point of the profile, by key."""
    return {
        key: Constant(value=0.0) if is_bit(profile, point) else _usual_form(point)
        for key, point in profile.points.items()
    }


def _usual_form(point: Point) -> Form:
    """What is usual for the point's kind, inside what its profile and its register can say."""
    low, high = _sayable(point)
    form = usual_kinds().get(point.kind)
    match form:
        case Constant():
            return Constant(value=min(high, max(low, form.value)))
        case Walk() | Sine() if max(low, form.low) < min(high, form.high):
            return msgspec.structs.replace(form, low=max(low, form.low), high=min(high, form.high))
        case _:
            way = high - low
            return Walk(low=low + _MIDDLE[0] * way, high=low + _MIDDLE[1] * way)


def _sayable(point: Point) -> tuple[float, float]:
    """The least and the greatest value that point and register can say, within reason."""
    low, high = _RANGES.get(getattr(point, "type", ""), (-_WIDEST, _WIDEST))
    if isinstance(point, ModbusPoint) and point.bits is not None:
        high = (1 << point.bits[1] - point.bits[0] + 1) - 1
    ends = sorted((low * point.scale + point.offset, high * point.scale + point.offset))
    least, most = max(-_WIDEST, ends[0]), min(_WIDEST, ends[1])
    return point.range or (least, most)
