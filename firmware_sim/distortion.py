"""What faults make of a device's values and registers, between its physics and the wire. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from firmware_sim.faults import (
    BYPASS_KIND,
    CUTOFF_KIND,
    Applied,
    Bypass,
    ByteSwap,
    Drift,
    Frozen,
    NotANumber,
    Offset,
    Scale,
    Sentinel,
    Spike,
    StuckBit,
    WordSwap,
    affected,
    chance,
)
from firmware_sim.layout import Layout, Place
from firmware_sim.registers import Image
from sitewarden.profiles.model import ModbusProfile, Profile

Value = float | None
Held = Mapping[tuple[str, str], Value]
"""What froze: by the fault's seed and the point."""
NOTHING_HELD: Held = {}
_SECONDS_AN_HOUR, _SECONDS_A_MINUTE = 3600.0, 60.0


class Distorted(NamedTuple):
    """Values under faults, and what the faults must remember for the next time."""

    values: dict[str, Value]
    held: Held


def distorted(
    profile: Profile, faults: Sequence[Applied], values: Mapping[str, Value], held: Held = NOTHING_HELD
) -> Distorted:
    """Values by point key, `None` where the maker's sentinel is shown, as the sensors' faults leave them."""
    now, keeps = dict(values), dict[tuple[str, str], Value]()
    for applied in faults:
        if isinstance(applied.fault, Bypass):
            _bypass(profile, now)
            continue
        if not isinstance(applied.fault, Frozen | Drift | Spike | Offset | Scale | Sentinel | NotANumber):
            continue
        for key in affected(applied.fault, profile):
            if isinstance(applied.fault, Frozen):
                place = (applied.seed, key)
                now[key] = keeps[place] = held.get(place, now[key])
            else:
                now[key] = _shown(applied, key, now[key])
    return Distorted(now, keeps)


def _bypass(profile: Profile, values: dict[str, Value]) -> None:
    for key, point in profile.points.items():
        if point.kind in (BYPASS_KIND, CUTOFF_KIND):
            values[key] = float(point.kind == BYPASS_KIND)


def _shown(applied: Applied, key: str, value: Value) -> Value:  # noqa: PLR0911  # a line a fault
    fault = applied.fault
    if value is None or isinstance(fault, Sentinel):
        return None
    match fault:
        case Drift():
            return value + fault.per_hour * applied.since_s / _SECONDS_AN_HOUR
        case Offset():
            return value + fault.by
        case Scale():
            return value * fault.factor
        case NotANumber():
            return math.nan
        case Spike():
            return value + fault.magnitude if _spikes(fault, applied, key) else value
    return value


def _spikes(fault: Spike, applied: Applied, key: str) -> bool:
    moment = int(applied.since_s // fault.lasts_s)
    return chance(applied.seed, key, moment) < fault.per_min * fault.lasts_s / _SECONDS_A_MINUTE


def spoilt(profile: ModbusProfile, faults: Iterable[Applied], image: Image) -> Image:
    """Registers as faults behind the sensors leave them.

    A point whose registers differ from what they should be says nothing that a ledger could hold against
    anybody.
    """
    spoiling = [one.fault for one in faults if isinstance(one.fault, ByteSwap | WordSwap | StuckBit)]
    if not spoiling:
        return image
    words, places = list(image.words), Layout(profile).places
    for fault in spoiling:
        match fault:
            case ByteSwap():
                for word in {word for key in affected(fault, profile) for word in places[key].words}:
                    words[word] = words[word] >> 8 | (words[word] & 0xFF) << 8
            case WordSwap():
                for key in affected(fault, profile):
                    low, high = places[key].words
                    words[high], words[low] = words[low], words[high]
            case StuckBit():
                _stick(places, fault, words)
    if tuple(words) == image.words:
        return image
    said = {
        key: value if all(words[a] == image.words[a] for a in places[key].words) else None
        for key, value in image.said.items()
    }
    return Image(tuple(words), said)


def _stick(places: Mapping[str, Place], fault: StuckBit, words: list[int]) -> None:
    place = places[fault.point]
    bit = fault.bit if fault.bit is not None else place.lowest
    assert bit is not None  # noqa: S101  # the fault was refused otherwise
    word = place.words[bit // 16]
    mask = 1 << bit % 16
    words[word] = words[word] | mask if fault.value else words[word] & ~mask
