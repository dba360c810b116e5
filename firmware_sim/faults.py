"""What can go wrong with a device or its line, as a scenario says it, and what of it applies when. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from random import Random
from typing import Annotated, Literal, NamedTuple, TypeVar, get_args

import msgspec

from sitewarden.profiles.model import SPEAKING, WIDTHS, ModbusPoint, Name, Point, Positive, Profile

Seconds = Annotated[float, msgspec.Meta(ge=0, description="seconds, 0 or more")]
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=600_000, description="milliseconds, 0 to 600000")]
Delay = Annotated[int, msgspec.Meta(ge=1, le=600_000, description="milliseconds, 1 to 600000")]
Probability = Annotated[float, msgspec.Meta(gt=0, le=1, description="a number above 0, at most 1")]
Code = Annotated[int, msgspec.Meta(ge=1, le=255, description="an exception code from 1 to 255")]
Function = Annotated[int, msgspec.Meta(ge=1, le=127, description="a function from 1 to 127")]
Unit = Annotated[int, msgspec.Meta(ge=0, le=255, description="a unit number from 0 to 255")]
Bytes = Annotated[int, msgspec.Meta(ge=1, le=260, description="a number of bytes from 1 to 260")]
BitOfPoint = Annotated[int, msgspec.Meta(ge=0, le=31, description="a bit number from 0 (lowest) to 31")]
Points = Annotated[list[str], msgspec.Meta(min_length=1, description="a list of the profile's points")]


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault"):
    """When a fault is there, and how often."""

    at_s: Seconds = 0.0
    """After the start of the scenario."""
    for_s: Positive | None = None
    """Left out: until the end."""
    every_s: Positive | None = None
    """It comes again after so many seconds."""
    probability: Probability = 1.0
    """On the wire: of every answer. Of values, registers and connections: of every time that it comes."""


class WireFault(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something happens to answers: of one device, or of all on a bus."""

    device: Name | None = None
    bus: Name | None = None


class Silence(WireFault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="silence"):
    """Nobody answers."""


class Slow(WireFault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="slow"):
    """The answer takes longer; until it is out, the unit hears nothing else."""

    delay_ms: Delay
    jitter_ms: Milliseconds = 0
    """More or less by up to so much."""


class Late(WireFault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="late"):
    """The answer comes late, and the unit hears and answers the next request all the same.

    Later than the master waits, every answer meets the question after its own.
    """

    delay_ms: Delay
    jitter_ms: Milliseconds = 0


class Crc(WireFault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="crc"):
    """The checksum is wrong; over Modbus TCP, which has none, the number of the request is."""


class Garbage(WireFault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="garbage"):
    """Noise in place of the answer."""

    bytes: Bytes = 16


class Refusal(WireFault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="exception"):
    """The unit answers with an exception."""

    code: Code = 4
    function: Function | None = None
    """The one that it says it refuses; left out: the one that was asked for."""


class WrongUnit(WireFault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="wrong_unit"):
    """The answer comes under another unit's number."""

    unit: Unit | None = None
    """Left out: the next one."""


class Truncated(WireFault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="truncated"):
    """The end of the answer is lost."""

    lost_bytes: Bytes = 3


class Duplicate(WireFault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="duplicate"):
    """The answer comes twice."""


class Reorder(WireFault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="reorder"):
    """The answer comes right behind the next one on the line, whoever's that is."""


class Disconnect(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="disconnect"):
    """The line is gone: TCP connections are reset and new ones too, a pseudo-terminal is pulled out."""

    bus: Name


class ClockJump(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="clock_jump"):
    """The clock of a speaking device is wrong; it stays so until somebody sets it, or the fault is over."""

    device: Name
    by_s: float
    """So much ahead; negative behind."""


class Frozen(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="frozen"):
    """Points keep the value that they had when it began."""

    device: Name
    points: Points | None = None
    """Left out: all."""


class Drift(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="drift"):
    """Points move away from the truth, evenly."""

    device: Name
    points: Points
    per_hour: float
    """In the unit of the points."""


class Spike(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="spike"):
    """Now and then points show for a moment what is not there."""

    device: Name
    points: Points
    magnitude: float
    """Added to the value."""
    per_min: Positive = 6.0
    """How many a minute, on average, each point by its own chance."""
    lasts_s: Positive = 0.2


class Offset(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="offset"):
    """A sensor that shows too much or too little."""

    device: Name
    points: Points
    by: float


class Scale(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="scale"):
    """A sensor of another range than the profile says."""

    device: Name
    points: Points
    factor: float


class Sentinel(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="sentinel"):
    """Points show the number by which the maker says 'no value'."""

    device: Name
    points: Points | None = None
    """Left out: all that have such a number."""


class NotANumber(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="nan"):
    """Points of type float32 show NaN."""

    device: Name
    points: Points | None = None
    """Left out: all of that type."""


class Bypass(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="bypass"):
    """The limiter is bypassed: it says so by its bit, and does nothing."""

    device: Name


class ByteSwap(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="byte_swap"):
    """The two bytes of registers have changed places."""

    device: Name
    points: Points | None = None
    """Left out: all registers."""


class WordSwap(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="word_swap"):
    """The two registers of points have changed places."""

    device: Name
    points: Points | None = None
    """Left out: all that have two."""


class StuckBit(Fault, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="stuck_bit"):
    """One bit of a point's number never changes."""

    device: Name
    point: str
    bit: BitOfPoint | None = None
    """Left out: the one that the point is."""
    value: Literal[0, 1] = 1


AnyFault = (
    Silence
    | Slow
    | Late
    | Crc
    | Garbage
    | Refusal
    | WrongUnit
    | Truncated
    | Duplicate
    | Reorder
    | Disconnect
    | ClockJump
    | Frozen
    | Drift
    | Spike
    | Offset
    | Scale
    | Sentinel
    | NotANumber
    | Bypass
    | ByteSwap
    | WordSwap
    | StuckBit
)
KINDS: dict[str, type[Fault]] = {str(kind.__struct_config__.tag): kind for kind in get_args(AnyFault)}
"""Every fault by the word that a scenario has for it."""
BYPASS_KIND, CUTOFF_KIND = "crane.limiter.bypass", "crane.limiter.cutoff"

Complaint = tuple[str, str, str]
"""Field, message, mend."""
F = TypeVar("F", bound=Fault)


class Applied(NamedTuple):
    """A fault that applies at an instant."""

    fault: AnyFault
    since_s: float
    """So long this time."""
    seed: str
    """For its random numbers: another one each time that it comes."""


class Known(NamedTuple):
    """What faults of a site can be about."""

    profiles: Mapping[str, Profile]
    """By device."""
    buses: Mapping[str, bool]
    """By bus: whether it can be found again once it was pulled out."""


def kind_of(fault: Fault) -> str:
    """The word that a scenario has for it."""
    return str(fault.__struct_config__.tag)


def target_of(fault: AnyFault) -> str:
    """The device or bus that it is about."""
    return getattr(fault, "device", None) or getattr(fault, "bus", None) or ""


def named(faults: Iterable[AnyFault], taken: Iterable[str] = ()) -> dict[str, AnyFault]:
    """Each under a name of its own, such as `crane-1/frozen` and `crane-1/frozen-2`."""
    names: dict[str, AnyFault] = {}
    others = set(taken)
    for fault in faults:
        wanted = name = f"{target_of(fault)}/{kind_of(fault)}"
        number = 1
        while name in names or name in others:
            number += 1
            name = f"{wanted}-{number}"
        names[name] = fault
    return names


def chance(seed: str, *about: object) -> float:
    """A number from 0 to 1 that depends on nothing but these."""
    return Random("/".join(map(str, (seed, *about)))).random()


def applying(faults: Mapping[str, AnyFault], t_s: float, seed: int | str) -> list[Applied]:
    """Those that apply `t_s` seconds after the start, in their order."""
    return [applied for name, fault in faults.items() if (applied := _applied(name, fault, t_s, seed))]


def _applied(name: str, fault: AnyFault, t_s: float, seed: int | str) -> Applied | None:
    since_s = t_s - fault.at_s
    if since_s < 0.0:
        return None
    number = 0
    if fault.every_s is not None:
        number, since_s = int(since_s // fault.every_s), since_s % fault.every_s
    if fault.for_s is not None and since_s >= fault.for_s:
        return None
    own_seed = f"{seed}/{name}/{number}"
    if not isinstance(fault, WireFault) and chance(own_seed) >= fault.probability:
        return None
    return Applied(fault, since_s, own_seed)


def is_over(fault: Fault, t_s: float) -> bool:
    """Whether it never comes again."""
    return fault.every_s is None and fault.for_s is not None and t_s >= fault.at_s + fault.for_s


def only(applied: Iterable[Applied], kind: type[F]) -> list[F]:
    """The faults of one kind among them."""
    return [one.fault for one in applied if isinstance(one.fault, kind)]


def concerns(fault: AnyFault, device: str, bus: str) -> bool:
    """Whether it changes what a device on a bus answers."""
    if isinstance(fault, Disconnect):
        return False
    return fault.device == device or (isinstance(fault, WireFault) and fault.bus == bus)


def complaints(fault: AnyFault, known: Known) -> Iterator[Complaint]:
    """Why a fault cannot be meant so at this site; fields are those of the fault."""
    yield from _untimely(fault)
    wrong_target = list(_lost(fault, known))
    yield from wrong_target
    if wrong_target:
        return
    if isinstance(fault, Disconnect):
        if not known.buses[fault.bus]:
            message = f"bus {fault.bus} is a pseudo-terminal without a name, which nobody finds again"
            yield "bus", message, "Give the bus a `link:`."
    elif not isinstance(fault, WireFault):
        yield from _unfit(fault, known.profiles[fault.device])
    else:
        yield from _unspeakable(fault, known)


def _unspeakable(fault: WireFault, known: Known) -> Iterator[Complaint]:
    """Nobody asks a speaking device, so there is no answer that could be slow, refused or another's."""
    profile = known.profiles.get(fault.device or "")
    if isinstance(profile, SPEAKING) and isinstance(fault, Slow | Refusal | WrongUnit):
        yield "device", f"`{profile.profile}` speaks by itself and gives no answers", "Choose another fault."


def _untimely(fault: Fault) -> Iterator[Complaint]:
    if fault.every_s is None:
        return
    if fault.for_s is None:
        yield "every_s", "what lasts until the end does not come again", "Add `for_s:`."
    elif fault.for_s > fault.every_s:
        yield "for_s", "lasts longer than until it comes again", f"Write {fault.every_s:g} or less."


def _lost(fault: AnyFault, known: Known) -> Iterator[Complaint]:
    device, bus = getattr(fault, "device", None), getattr(fault, "bus", None)
    if isinstance(fault, WireFault) and (device is None) == (bus is None):
        yield "", "is about one device or one bus", "Write either `device:` or `bus:`."
    for field, name, names in (("device", device, known.profiles), ("bus", bus, known.buses)):
        if name is not None and name not in names:
            yield field, f"there is no {field} `{name}`", f"There are {', '.join(names) or 'none'}."


def _unfit(fault: AnyFault, profile: Profile) -> Iterator[Complaint]:
    if isinstance(fault, ClockJump):
        if not isinstance(profile, SPEAKING):
            yield "device", f"`{profile.profile}` says no instants", "Choose a device that speaks by itself."
        return
    if isinstance(fault, Bypass):
        if BYPASS_KIND not in {point.kind for point in profile.points.values()}:
            yield "device", f"`{profile.profile}` has no point of kind {BYPASS_KIND}", "Choose another fault."
        return
    field = "point" if isinstance(fault, StuckBit) else "points"
    fitting = [key for key, point in profile.points.items() if _can(fault, point)]
    if not fitting:
        yield (
            field,
            f"`{profile.profile}` has no point that can show {kind_of(fault)}",
            "Choose another fault.",
        )
        return
    for key in points_of(fault):
        if key not in profile.points:
            yield (
                field,
                f"`{profile.profile}` has no point `{key}`",
                f"Its points are {', '.join(profile.points)}.",
            )
        elif key not in fitting:
            yield field, f"`{key}` cannot show {kind_of(fault)}", f"These can: {', '.join(fitting)}."
        elif isinstance(fault, StuckBit) and isinstance(point := profile.points[key], ModbusPoint):
            yield from _unsticking(fault, point)


def _can(fault: AnyFault, point: Point) -> bool:
    if isinstance(fault, Sentinel):
        return bool(point.sentinels)
    if isinstance(fault, NotANumber):
        return getattr(point, "type", "") == "float32"
    if not isinstance(fault, WordSwap | ByteSwap | StuckBit):
        return True
    if not isinstance(point, ModbusPoint):
        return False  # these are of registers
    return not isinstance(fault, WordSwap) or WIDTHS[point.type] > 1


def _unsticking(fault: StuckBit, point: ModbusPoint) -> Iterator[Complaint]:
    if fault.bit is None and point.bit is None:
        yield "bit", f"is missing, for `{fault.point}` is more than one bit", "Add `bit:`."
    elif fault.bit is not None and fault.bit >= 16 * WIDTHS[point.type]:
        yield "bit", f"`{fault.point}` has only {16 * WIDTHS[point.type]} bits", "Name one of them, from 0."


def points_of(fault: AnyFault) -> list[str]:
    """The points that it names; none where it means all that can show it."""
    if isinstance(fault, StuckBit):
        return [fault.point]
    return list(getattr(fault, "points", None) or [])


def affected(fault: AnyFault, profile: Profile) -> list[str]:
    """The points that it is about: those named, or all that can show it."""
    return points_of(fault) or [key for key, point in profile.points.items() if _can(fault, point)]
