"""Other ways to read raw words that would make sense of them, where the profile's way does not. Pure."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from sitewarden.profiles.decoding import Registers, orders_of, value_in
from sitewarden.profiles.model import BIT_FUNCTIONS, WIDTHS, Modbus, ModbusPoint, Order, Profile
from sitewarden.text import Text

TINY = 1e-20
"""No sensor says less and not 0; a float whose words stand in the wrong order does."""
SCALES = (0.1, 10.0, 0.01, 100.0, 0.001, 1000.0)
MOST = 3
"""More would be guessing."""
_ENOUGH = 4
"""Looks, from which on a wild number tells something."""
_WILD, _CALMER = 0.02, 20.0
"""Steps of so much of the range on average are wild where another way makes them so many times smaller."""
_LETTERS = {
    ("big", "big"): "ABCD",
    ("little", "big"): "CDAB",
    ("big", "little"): "BADC",
    ("little", "little"): "DCBA",
}
_ORDERS: tuple[Order, ...] = ("big", "little")

Span = tuple[float, float]


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """One other way."""

    change: dict[str, str | float]
    """What to write at the point for it."""
    value: float
    """What the newest words would mean then."""
    says: Text


class _Way(NamedTuple):
    change: dict[str, str | float]
    name: str
    """By which other programs know it; empty where the keys say it all."""
    point: ModbusPoint


def hints(
    point: ModbusPoint, modbus: Modbus, looks: Sequence[Registers], usual: Span | None = None
) -> list[Hint]:
    """At most `MOST` ways by which all of `looks` (the newest last) would be plausible, the likeliest first.

    Nothing where the profile's own way is plausible. Where the point has no range, `usual` stands for it:
    what other profiles have for its kind.
    """
    span = point.range or usual
    if not looks or span is None or modbus.is_bit(point) or point.bits is not None:
        return []
    if is_plausible(point, modbus, looks, span):
        return _calmer(point, modbus, looks, span)
    families = (_orders(point, modbus), _types(point, modbus), _both(point, modbus), _scales(point))
    for family in families:
        fitting = [way for way in family if is_plausible(way.point, modbus, looks, span)]
        if fitting:
            # Of a scale the nearest is the likeliest, whatever the steps; of the rest the calmest is.
            likeliest = sorted(
                fitting, key=lambda way: "scale" in way.change or _step(way.point, modbus, looks)
            )
            return [_hint(way, point, modbus, looks[-1], span) for way in likeliest[:MOST]]
    return []


def is_plausible(point: ModbusPoint, modbus: Modbus, looks: Iterable[Registers], span: Span | None) -> bool:
    """Whether a sensor could have said all of this; `span` is what it can measure."""
    return all(_could_be(value_in(point, modbus, look), point, span) for look in looks)


def usual_spans(profiles: Mapping[str, Profile]) -> dict[str, Span]:
    """By kind: the widest range that any of the profiles has for it."""
    spans: dict[str, Span] = {}
    for point in (p for profile in profiles.values() for p in profile.points.values()):
        if point.range is not None:
            least, most = spans.get(point.kind, point.range)
            spans[point.kind] = min(least, point.range[0]), max(most, point.range[1])
    return spans


def _could_be(value: float, point: ModbusPoint, span: Span | None) -> bool:
    if not math.isfinite(value):
        return False
    is_tiny = point.type == "float32" and value != point.offset and abs(value - point.offset) < TINY
    return not is_tiny and (span is None or span[0] <= value <= span[1])


def _calmer(point: ModbusPoint, modbus: Modbus, looks: Sequence[Registers], span: Span) -> list[Hint]:
    """Where a number leaps about within its range, the order of bytes in which it does not."""
    wild = _step(point, modbus, looks)
    if len(looks) < _ENOUGH or wild < _WILD * (span[1] - span[0]):
        return []
    return [
        _hint(way, point, modbus, looks[-1], span)
        for way in _orders(point, modbus)
        if is_plausible(way.point, modbus, looks, span) and _step(way.point, modbus, looks) * _CALMER < wild
    ][:1]


def _step(point: ModbusPoint, modbus: Modbus, looks: Sequence[Registers]) -> float:
    """How far the value goes from one look to the next, on average."""
    values = [value_in(point, modbus, look) for look in looks]
    steps = [abs(after - before) for before, after in pairwise(values)]
    return sum(steps) / len(steps) if steps else 0.0


def _orders(point: ModbusPoint, modbus: Modbus) -> Iterator[_Way]:
    if modbus.function_of(point) in BIT_FUNCTIONS:
        return
    present = orders_of(point, modbus)
    for octets in _ORDERS:
        for words in _ORDERS if WIDTHS[point.type] > 1 else (present[0],):
            if (words, octets) != present:
                yield _Way(
                    _change(present, (words, octets)),
                    _name(point, (words, octets)),
                    msgspec.structs.replace(point, word_order=words, byte_order=octets),
                )


def _change(present: tuple[Order, Order], wanted: tuple[Order, Order]) -> dict[str, str | float]:
    keys = zip(("word_order", "byte_order"), present, wanted, strict=True)
    return {key: new for key, old, new in keys if old != new}


def _name(point: ModbusPoint, orders: tuple[Order, Order]) -> str:
    letters = _LETTERS[orders]
    if WIDTHS[point.type] > 1:
        return letters
    return "low byte first" if orders[1] == "little" else "high byte first"


def _types(point: ModbusPoint, modbus: Modbus) -> Iterator[_Way]:  # noqa: ARG001  # families share a signature
    for kind, width in WIDTHS.items():
        if width == WIDTHS[point.type] and kind != point.type:
            yield _Way({"type": kind}, "", msgspec.structs.replace(point, type=kind))


def _both(point: ModbusPoint, modbus: Modbus) -> Iterator[_Way]:
    for typed in _types(point, modbus):
        for ordered in _orders(typed.point, modbus):
            yield _Way({**typed.change, **ordered.change}, ordered.name, ordered.point)


def _scales(point: ModbusPoint) -> Iterator[_Way]:
    for factor in SCALES:
        scale = float(f"{point.scale * factor:.12g}")
        yield _Way({"scale": scale}, "", msgspec.structs.replace(point, scale=scale))


def _hint(way: _Way, point: ModbusPoint, modbus: Modbus, look: Registers, span: Span) -> Hint:
    value = value_in(way.point, modbus, look)
    unit = "" if point.unit == "1" else f" {point.unit}"
    shown, read = f"{value:.5g}{unit}", f"{value_in(point, modbus, look):.5g}{unit}"
    keys = ", ".join(
        f"{key}: {new:g}" if isinstance(new, float) else f"{key}: {new}" for key, new in way.change.items()
    )
    way_zh, way_en = (f"{way.name}（{keys}）", f"{way.name} ({keys})") if way.name else (keys, keys)
    within = f"{span[0]:g} … {span[1]:g}"
    return Hint(
        change=way.change,
        value=value,
        says=Text(
            f"若按 {way_zh} 则为 {shown}，在有效范围 {within} 内；现读作 {read}",
            f"{way_en} would give {shown}, inside the valid range {within}; as read {read}",
        ),
    )
