"""Points that each do something simple: stand still, swing, wander, climb, step, follow a file's column."""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from firmware_sim.model import Constant, Csv, Form, Ramp, Sine, Stairs, Walk

WANDERS = 1 / 50
"""Of the way between its borders a walk strays so much in a second, where not given."""

Columns = Mapping[str, Sequence[float | None]]
"""What the CSV files said, by point; `None` is an empty cell."""


def start(form: Form) -> float:
    """What a form remembers between two steps, at the start: a walk its place, the others nothing."""
    if not isinstance(form, Walk):
        return 0.0
    return form.start if form.start is not None else (form.low + form.high) / 2


def step(form: Form, place: float, *, dt_s: float, rng: Random) -> float:
    """The place of a walk `dt_s` later."""
    if not isinstance(form, Walk):
        return place
    wander = form.wander if form.wander is not None else (form.high - form.low) * WANDERS
    return _reflected(place + wander * math.sqrt(dt_s) * rng.gauss(0.0, 1.0), form.low, form.high)


def _reflected(value: float, low: float, high: float) -> float:
    """`value` turned back at the borders, however far beyond them it went."""
    way = high - low
    if way <= 0.0:
        return low
    beyond = (value - low) % (2.0 * way)
    return low + (beyond if beyond <= way else 2.0 * way - beyond)


def read(form: Form, place: float, t_s: float, column: Sequence[float | None] = ()) -> float | None:
    """The value `t_s` after the start; `None` where a file has no value."""
    match form:
        case Constant():
            return form.value
        case Walk():
            return place
        case Sine():
            swing = math.sin(2.0 * math.pi * (t_s / form.period_s + form.phase))
            return (form.low + form.high + (form.high - form.low) * swing) / 2
        case Ramp():
            since = t_s - form.at_s
            if form.every_s is not None and since > 0.0:
                since %= form.every_s
            return form.start + (form.end - form.start) * min(1.0, max(0.0, since / form.over_s))
        case Stairs():
            return form.values[int(t_s / form.hold_s) % len(form.values)]
        case Csv():
            return column[int(t_s / form.every_s) % len(column)]


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
