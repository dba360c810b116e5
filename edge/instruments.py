"""Whether what a device says of its pit instruments can be meant: every instrument has its points."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from sitewarden.derived import CONTROLS
from sitewarden.derived.inclinometer import TILTS
from sitewarden.derived.levelling import LEVEL, TEMPERATURE
from sitewarden.derived.vibrating_wire import FREQUENCY, WIRE_TEMPERATURE
from sitewarden.instruments import Certificate, Inclinometer, Instruments, Levelling
from sitewarden.profiles import Profile


class Fault(NamedTuple):
    """Something that cannot be meant."""

    field: str
    """Below the device's `instruments`."""
    message: str
    mend: str


def zeroed(instruments: Instruments) -> set[str]:
    """Keys of the points that need a zero reading for these instruments."""
    elements = (e.point for chain in instruments.inclinometers.values() for e in chain.elements)
    cells = (key for pipe in instruments.levellings.values() for key in (pipe.reference, *pipe.cells))
    return {*elements, *cells}


def faults(instruments: Instruments, profile: Profile) -> Iterator[Fault]:
    """All of them, the first to be told."""
    kinds = {key: point.kind for key, point in profile.points.items()}
    for name, inclinometer in instruments.inclinometers.items():
        yield from _inclinometer(f"inclinometers.{name}", inclinometer, kinds)
    for name, levelling in instruments.levellings.items():
        yield from _levelling(f"levellings.{name}", levelling, kinds)
    for key, certificate in instruments.vibrating_wires.items():
        yield from _wire(f"vibrating_wires.{key}", key, certificate, kinds)
    yield from _twice(instruments)
    yield from _left_out(instruments, kinds)
    for key, control_mm in instruments.control_mm.items():
        name = _control(key, instruments, kinds)
        mend = f"Write `point_parameters: {{{key}: {{{name}: {control_mm:g}}}}}` beside `instruments:`."
        yield Fault(f"control_mm.{key}", "now is a parameter of the point, for rules as well", mend)


def _control(key: str, instruments: Instruments, kinds: Mapping[str, str]) -> str:
    """The name of the control value that the rules of such a point ask for."""
    if any(key in (*pipe.cells, pipe.reference) for pipe in instruments.levellings.values()):
        return CONTROLS["pit.displacement.vertical.cumulative"]
    if kinds.get(key) in TILTS:
        return CONTROLS["pit.displacement.deep.cumulative"]
    return CONTROLS.get(f"{kinds.get(key)}.cumulative", "control_cumulative_mm")


def _inclinometer(where: str, inclinometer: Inclinometer, kinds: Mapping[str, str]) -> Iterator[Fault]:
    for i, element in enumerate(inclinometer.elements):
        yield from _wrong_kind(f"{where}.elements.{i}.point", element.point, TILTS, kinds)
    reach_m = sum(element.length_m for element in inclinometer.elements)
    if reach_m > inclinometer.toe_m + 1e-6:
        message = (
            f"the elements are {reach_m:g} m long together, the toe is only {inclinometer.toe_m:g} m deep"
        )
        yield Fault(
            f"{where}.toe_m", message, "Give the depth of the lower end and each element's own length."
        )


def _levelling(where: str, levelling: Levelling, kinds: Mapping[str, str]) -> Iterator[Fault]:
    yield from _wrong_kind(f"{where}.reference", levelling.reference, (LEVEL,), kinds)
    for i, key in enumerate(levelling.cells):
        yield from _wrong_kind(f"{where}.cells.{i}", key, (LEVEL,), kinds)
    for key, compensation in levelling.compensation.items():
        at = f"{where}.compensation.{key}"
        if key not in (levelling.reference, *levelling.cells):
            yield Fault(at, "is not a cell of this pipe", "Name it among the cells, or remove the line.")
        temperatures = (TEMPERATURE, WIRE_TEMPERATURE)
        yield from _wrong_kind(f"{at}.temperature", compensation.temperature, temperatures, kinds)


def _wire(where: str, key: str, certificate: Certificate, kinds: Mapping[str, str]) -> Iterator[Fault]:
    yield from _wrong_kind(where, key, (FREQUENCY,), kinds)
    if certificate.temperature is not None:
        temperatures = (TEMPERATURE, WIRE_TEMPERATURE)
        yield from _wrong_kind(f"{where}.temperature", certificate.temperature, temperatures, kinds)
    elif certificate.k != 0.0:
        message = "is missing, and the certificate's `k` says that warmth counts"
        yield Fault(f"{where}.temperature", message, "Add `temperature:`, the point that the wire's own is.")


def _wrong_kind(field: str, key: str, wanted: Collection[str], kinds: Mapping[str, str]) -> Iterator[Fault]:
    if kinds.get(key) in wanted:
        return
    fitting = [known for known, kind in kinds.items() if kind in wanted]
    names = " or ".join(f"`{kind}`" for kind in wanted)
    mend = f"Points are {', '.join(fitting)}." if fitting else "Use a device whose profile has such a point."
    yield Fault(field, f"`{key}` is not a point of kind {names}", mend)


def _twice(instruments: Instruments) -> Iterator[Fault]:
    """A point that is part of two things, or twice of one, would be counted twice."""
    seen: dict[str, str] = {}
    places = [
        (f"inclinometers.{name}.elements.{i}.point", element.point)
        for name, chain in instruments.inclinometers.items()
        for i, element in enumerate(chain.elements)
    ]
    for name, pipe in instruments.levellings.items():
        places.append((f"levellings.{name}.reference", pipe.reference))
        places += [(f"levellings.{name}.cells.{i}", key) for i, key in enumerate(pipe.cells)]
    for field, key in places:
        if key in seen:
            yield Fault(field, f"`{key}` already stands at `{seen[key]}`", "Name each point once.")
        seen[key] = field


def _left_out(instruments: Instruments, kinds: Mapping[str, str]) -> Iterator[Fault]:
    """A raw number that nothing is made of is judged by nobody."""
    cells = zeroed(instruments)
    for key, kind in kinds.items():
        if kind == FREQUENCY and key not in instruments.vibrating_wires:
            message = f"the certificate of `{key}` is missing: without it a frequency says nothing"
            mend = f"Add `{key}:` with gives, g, r0, k and t0 of its certificate, or name it under `unused:`."
            yield Fault("vibrating_wires", message, mend)
        if kind == LEVEL and key not in cells:
            message = f"the cell `{key}` is on no pipe, and its level alone says nothing"
            yield Fault("levellings", message, "Name it under `cells:` of its pipe, or under `unused:`.")
