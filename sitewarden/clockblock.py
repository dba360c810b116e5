"""The clock block: by which a simulator that plays history and a gateway in mode REPLAY go in step.

Registers of a Modbus unit that no device may have, so it is read like any device and written by nobody. It
names the recorded instant, what is to be read of it, and what registers cannot say. Reading it at `LOOK`
changes nothing and lets a connection in; reading it at `NEXT[serial % 2]` says that everything of the step
before is taken and asks for the step with that serial. Asked again, for an answer was lost, it says the same.
See docs/reference/clock-block.md.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

from sitewarden.errors import SiteWardenError
from sitewarden.quality import Quality

UNIT = 250
"""Above 247, so that it is no device's."""
FUNCTION = 3
LOOK, NEXT = 0, (0x1000, 0x2000)
"""Addresses: a look, and the next step by the parity of its serial."""
WINDOW = 125
"""Registers that a read at these addresses gives; what does not fit follows behind them."""
REPLAYING = 0x52
"""The exception (`R`) by which a replay refuses whoever does not follow the clock block."""
MAGIC, VERSION = 0x5357, 1

_HEAD = struct.Struct(">HHHHIIIqIH")
_DUE = struct.Struct(">HBBH")
_HEAD_REGISTERS = _HEAD.size // 2
_PASSES = 1 << 32


class ClockBlockError(SiteWardenError):
    """Registers that are no clock block."""


class State(IntEnum):
    """How the replay stands."""

    WAITING = 0
    """The next step is not due yet."""
    READY = 1
    """The step named is to be read."""
    PAUSED = 2
    ENDED = 3


class Code:
    """What is to be done about a point at a step: one octet."""

    NOT_DUE = 0
    """Nothing was recorded of it."""
    READ = 1
    """Its registers say it, good or bad."""
    TOLD = 2
    """And more: a reading of quality `code - TOLD`, which registers cannot say, or not without a wait."""


def told(quality: Quality) -> int:
    """The code by which a quality is told."""
    return Code.TOLD + int(quality)


class Due(NamedTuple):
    """What is to be read of one unit at a step."""

    bus: int
    """Counted from 0 as the simulator's buses are."""
    unit: int
    fingerprint: int
    """Of profile and points, so that both sides mean the same by a place in `codes`."""
    codes: bytes
    """One for each point of the profile, in its order."""


class ClockBlock(NamedTuple):
    """A clock block, understood."""

    state: State
    wait_ms: int
    """After so long it is worth asking again, where there is nothing to read."""
    serial: int
    """Of the step; goes on counting over passes."""
    passed: int
    """Begins anew with every jump in time: what was before it has no say in what is after it."""
    step: int
    """Counted from 0 within the recording."""
    at_ms: int
    """Recorded instant, UTC milliseconds."""
    speed_milli: int
    """Recorded time over real time in thousandths; 0 is as fast as possible."""
    due: Sequence[Due]


def fingerprint(profile: str, keys: Iterable[str]) -> int:
    """By which both sides see that they speak of the same points in the same order."""
    return zlib.crc32(f"{profile}:{','.join(keys)}".encode()) & 0xFFFF


def encode(block: ClockBlock) -> tuple[int, ...]:
    """The registers of a block, at least `WINDOW`."""
    table = b"".join(
        _DUE.pack(due.bus, due.unit, len(due.codes), due.fingerprint)
        + due.codes
        + b"\0" * (len(due.codes) % 2)
        for due in block.due
    )
    head = _HEAD.pack(
        MAGIC,
        VERSION,
        block.state,
        block.wait_ms,
        block.serial % _PASSES,
        block.passed,
        block.step,
        block.at_ms,
        block.speed_milli,
        len(table) // 2,
    )
    whole = (head + table).ljust(2 * WINDOW, b"\0")
    return struct.unpack(f">{len(whole) // 2}H", whole)


def size(registers: Sequence[int]) -> int:
    """How many registers the block has whose beginning these are; raises `ClockBlockError`."""
    if len(registers) < _HEAD_REGISTERS or registers[0] != MAGIC:
        raise ClockBlockError("not a clock block")
    if registers[1] != VERSION:
        raise ClockBlockError(f"a clock block of version {registers[1]}, this program knows {VERSION}")
    return _HEAD_REGISTERS + registers[_HEAD_REGISTERS - 1]


def decode(registers: Sequence[int]) -> ClockBlock:
    """Understand all registers of a block; raises `ClockBlockError`."""
    whole = size(registers)
    if len(registers) < whole:
        raise ClockBlockError(f"{len(registers)} registers of {whole}")
    data = struct.pack(f">{whole}H", *registers[:whole])
    _, _, state, wait_ms, serial, passed, step, at_ms, speed, _ = _HEAD.unpack_from(data)
    try:
        return ClockBlock(State(state), wait_ms, serial, passed, step, at_ms, speed, _table(data, _HEAD.size))
    except (ValueError, struct.error) as exc:
        raise ClockBlockError(f"a damaged clock block: {exc}") from exc


def _table(data: bytes, place: int) -> list[Due]:
    table: list[Due] = []
    while place < len(data):
        bus, unit, count, print_ = _DUE.unpack_from(data, place)
        place += _DUE.size
        codes = data[place : place + count]
        if len(codes) < count:
            raise ClockBlockError("a damaged clock block: its table ends early")
        table.append(Due(bus, unit, print_, codes))
        place += count + count % 2
    return table
