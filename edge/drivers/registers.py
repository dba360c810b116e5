"""Points to requests and answers to values; pure, so that every plan can be a test."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from edge.drivers import Answer, Request
from sitewarden.profiles.decoding import Decoder, decoder
from sitewarden.profiles.model import BIT_FUNCTIONS, WIDTHS, Modbus, ModbusPoint
from sitewarden.quality import Quality

_BITS_A_REGISTER = 16
"""A request for so many bits moves as much as one for a register."""

Place = tuple[int, int]
"""A function and a register of its table, as the profile numbers it."""


class Placed(NamedTuple):
    """A point and where its registers stand in the answer to a read."""

    key: str
    point: ModbusPoint
    offset: int
    decode: Decoder


class PlannedRead(NamedTuple):
    """A read and the points that it serves."""

    request: Request
    points: tuple[Placed, ...]
    places: frozenset[Place]
    """That its points stand on."""


def plan(
    modbus: Modbus, points: Iterable[tuple[str, ModbusPoint]], holes: Collection[Place] = ()
) -> list[PlannedRead]:
    """The fewest reads that serve all points: registers merge across gaps of at most `max_gap`.

    No read is longer than `max_registers`, unless one point alone is, and none touches a place of `holes`:
    the device has no register there, and refuses the whole read. Points that stand on a hole get no read.
    """
    reads: list[PlannedRead] = []
    run: list[tuple[str, ModbusPoint]] = []
    by_place = sorted(points, key=lambda item: (modbus.function_of(item[1]), item[1].register, _end(item[1])))
    for key, point in by_place:
        if any(place in holes for place in _places(modbus, point)):
            continue
        if run and not _fits(modbus, run, point, holes):
            reads.append(_read(modbus, run))
            run = []
        run.append((key, point))
    if run:
        reads.append(_read(modbus, run))
    return reads


def halves(modbus: Modbus, read: PlannedRead) -> list[PlannedRead]:
    """A read that was refused, cut in two by its points; a read of one point stays as it is."""
    points = [(placed.key, placed.point) for placed in read.points]
    if len(points) == 1:
        return [read]
    middle = len(points) // 2
    return [_read(modbus, points[:middle]), _read(modbus, points[middle:])]


def values(read: PlannedRead, answer: Answer) -> list[tuple[str, float | None, Quality]]:
    """Key, value and quality of exactly the points of that read."""
    if answer.quality is not Quality.GOOD:
        return [(placed.key, None, answer.quality) for placed in read.points]
    registers = answer.registers
    return [(placed.key, *placed.decode(registers)) for placed in read.points]


def _end(point: ModbusPoint) -> int:
    return point.register + WIDTHS[point.type]


def _places(modbus: Modbus, point: ModbusPoint) -> Iterator[Place]:
    function = modbus.function_of(point)
    return ((function, register) for register in range(point.register, _end(point)))


def _fits(
    modbus: Modbus, run: list[tuple[str, ModbusPoint]], point: ModbusPoint, holes: Collection[Place]
) -> bool:
    first = run[0][1]
    function = modbus.function_of(first)
    if modbus.one_point_a_request or modbus.function_of(point) != function:
        return False
    times = _BITS_A_REGISTER if function in BIT_FUNCTIONS else 1
    end = max(_end(p) for _, p in run)
    longest = max(end, _end(point)) - first.register
    if point.register - end > times * modbus.max_gap or longest > times * modbus.max_registers:
        return False
    return not any((function, hole) in holes for hole in range(end, point.register))


def _read(modbus: Modbus, run: list[tuple[str, ModbusPoint]]) -> PlannedRead:
    first = min(point.register for _, point in run)
    count = max(_end(point) for _, point in run) - first
    placed = tuple(
        Placed(key, point, point.register - first, decoder(point, modbus, point.register - first))
        for key, point in run
    )
    places = frozenset(place for _, point in run for place in _places(modbus, point))
    return PlannedRead(Request(modbus.function_of(run[0][1]), first - modbus.base, count), placed, places)
