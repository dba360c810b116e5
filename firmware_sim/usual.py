"""What a point does where nobody said anything: by its kind, else by the range of its profile."""

from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec
import yaml

from firmware_sim.model import Constant, Signal, Sine, Walk
from sitewarden.profiles.model import ModbusPoint, Profile

_RANGES = {"uint16": (0, 0xFFFF), "int16": (-0x8000, 0x7FFF), "uint32": (0, 0xFFFF_FFFF)}
_WIDEST = 1000.0
"""Numbers that mean something on a site are rarely larger, whatever their register could hold."""
_MIDDLE = 0.4, 0.6


@cache
def _usual() -> Mapping[str, Signal]:
    text = resources.files("firmware_sim").joinpath("usual.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), dict[str, Signal])


def usual_signals(profile: Profile) -> dict[str, Signal]:
    """A signal for every point of the profile, by key."""
    return {key: usual_signal(point) for key, point in profile.points.items()}


def usual_signal(point: ModbusPoint) -> Signal:
    """What is usual for the point's kind, inside what its profile and its register can say."""
    if point.bit is not None:
        return Constant(value=0.0)
    low, high = _sayable(point)
    signal = _usual().get(point.kind)
    match signal:
        case Constant():
            return Constant(value=min(high, max(low, signal.value)))
        case Walk() | Sine() if max(low, signal.low) < min(high, signal.high):
            return msgspec.structs.replace(signal, low=max(low, signal.low), high=min(high, signal.high))
        case _:
            way = high - low
            return Walk(low=low + _MIDDLE[0] * way, high=low + _MIDDLE[1] * way)


def _sayable(point: ModbusPoint) -> tuple[float, float]:
    """The least and the greatest value that point and register can say, within reason."""
    low, high = _RANGES.get(point.type, (-_WIDEST, _WIDEST))
    ends = sorted((low * point.scale + point.offset, high * point.scale + point.offset))
    least, most = max(-_WIDEST, ends[0]), min(_WIDEST, ends[1])
    return point.range or (least, most)
