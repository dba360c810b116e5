"""Points that each do something simple: stand still, swing, wander, climb, step, follow a file's column."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from firmware_sim.model import Constant, Csv, Ramp, Signal, Sine, Stairs, Walk

WANDERS = 1 / 50
"""Of the way between its borders a walk strays so much in a second, where not given."""

Columns = Mapping[str, Sequence[float | None]]
"""What the CSV files said, by point; `None` is an empty cell."""


def start(signal: Signal) -> float:
    """What a signal remembers between two steps, at the start: a walk its place, the others nothing."""
    if not isinstance(signal, Walk):
        return 0.0
    return signal.start if signal.start is not None else (signal.low + signal.high) / 2


def step(signal: Signal, place: float, *, dt_s: float, rng: Random) -> float:
    """The place of a walk `dt_s` later."""
    if not isinstance(signal, Walk):
        return place
    wander = signal.wander if signal.wander is not None else (signal.high - signal.low) * WANDERS
    return _reflected(place + wander * math.sqrt(dt_s) * rng.gauss(0.0, 1.0), signal.low, signal.high)


def _reflected(value: float, low: float, high: float) -> float:
    """`value` turned back at the borders, however far beyond them it went."""
    way = high - low
    if way <= 0.0:
        return low
    beyond = (value - low) % (2.0 * way)
    return low + (beyond if beyond <= way else 2.0 * way - beyond)


def read(signal: Signal, place: float, t_s: float, column: Sequence[float | None] = ()) -> float | None:
    """The value `t_s` after the start; `None` where a file has no value."""
    match signal:
        case Constant():
            return signal.value
        case Walk():
            return place
        case Sine():
            swing = math.sin(2.0 * math.pi * (t_s / signal.period_s + signal.phase))
            return (signal.low + signal.high + (signal.high - signal.low) * swing) / 2
        case Ramp():
            since = t_s - signal.at_s
            if signal.every_s is not None and since > 0.0:
                since %= signal.every_s
            return signal.start + (signal.end - signal.start) * min(1.0, max(0.0, since / signal.over_s))
        case Stairs():
            return signal.values[int(t_s / signal.hold_s) % len(signal.values)]
        case Csv():
            return column[int(t_s / signal.every_s) % len(column)]


def read_column(file: Path, column: str) -> list[float | None]:
    """A column of a CSV file; raises `OSError`, or `ValueError` where column or number is missing."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        if column not in (rows.fieldnames or ()):
            raise ValueError(f"{file} has no column `{column}`")
        cells = [(rows.line_num, (row[column] or "").strip()) for row in rows]
    if not cells:
        raise ValueError(f"{file} has no rows")
    return [_number(file, line, cell) for line, cell in cells]


def _number(file: Path, line: int, cell: str) -> float | None:
    if not cell:
        return None
    try:
        number = float(cell)
    except ValueError:
        raise ValueError(f"{file}:{line}: `{cell}` is no number") from None
    if not math.isfinite(number):
        raise ValueError(f"{file}:{line}: `{cell}` is no finite number")
    return number
