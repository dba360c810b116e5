"""What faults make of an answer on its way: who says what, when, how often, and how much of it comes."""

from collections.abc import Iterable
from random import Random
from typing import NamedTuple

from firmware_sim.faults import (
    Applied,
    Crc,
    Duplicate,
    Garbage,
    Late,
    Refusal,
    Reorder,
    Silence,
    Slow,
    Truncated,
    WireFault,
    WrongUnit,
    chance,
)

_EXCEPTION = 0x80
_UNITS = 256


class Reply(NamedTuple):
    """What a unit puts on the wire in answer to one request; the framing is the server's."""

    unit: int
    pdu: bytes
    delay_s: float = 0.0
    """Over what the line itself takes."""
    is_deaf: bool = False
    """Until it has answered, the unit hears nothing."""
    has_wrong_check: bool = False
    """A wrong checksum; over Modbus TCP the number of another request."""
    is_after_next: bool = False
    """It goes out right behind the next answer."""
    copies: int = 1
    lost_bytes: int = 0
    """At the end of the frame."""
    noise: bytes = b""
    """Comes in place of the frame."""

    def on_wire(self, frame: bytes) -> bytes:
        """What really goes out where `frame` should."""
        if self.noise:
            return self.noise
        return frame[: max(0, len(frame) - self.lost_bytes)] * self.copies


def disturbed(reply: Reply, faults: Iterable[Applied], number: int) -> Reply | None:
    """The reply number `number` of its unit under the wire faults that apply; `None` is silence."""
    for applied in faults:
        fault = applied.fault
        if not isinstance(fault, WireFault) or chance(applied.seed, number) >= fault.probability:
            continue
        left = _under(fault, reply, Random(f"{applied.seed}/{number}/how"))
        if left is None:
            return None
        reply = left
    return reply


def _under(fault: WireFault, reply: Reply, rng: Random) -> Reply | None:  # noqa: C901, PLR0911  # a line a fault
    match fault:
        case Silence():
            return None
        case Slow():
            return reply._replace(delay_s=reply.delay_s + _delay_s(fault, rng), is_deaf=True)
        case Late():
            return reply._replace(delay_s=reply.delay_s + _delay_s(fault, rng))
        case Crc():
            return reply._replace(has_wrong_check=True)
        case Garbage():
            return reply._replace(noise=rng.randbytes(fault.bytes))
        case Refusal():
            function = fault.function or reply.pdu[0] & ~_EXCEPTION
            return reply._replace(pdu=bytes([function | _EXCEPTION, fault.code]))
        case WrongUnit():
            unit = (reply.unit + 1) % _UNITS if fault.unit is None else fault.unit
            return reply._replace(unit=unit)
        case Truncated():
            return reply._replace(lost_bytes=fault.lost_bytes)
        case Duplicate():
            return reply._replace(copies=2)
        case Reorder():
            return reply._replace(is_after_next=True)
    raise AssertionError(f"no such fault on the wire: {fault}")


def _delay_s(fault: Slow | Late, rng: Random) -> float:
    return max(0.0, fault.delay_ms + fault.jitter_ms * rng.uniform(-1.0, 1.0)) / 1000.0
