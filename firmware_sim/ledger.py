"""The truth that detectors are measured against: when a value in the registers passed a limit."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from firmware_sim.chart import Line, load_ratio
from firmware_sim.model import Pit, Steps
from firmware_sim.scenario import Cast, Quantity

DECIMALS = 4
RATIO_OF = "crane.load", "crane.radius", "crane.falls"
"""What a load ratio is made of."""
WINDS = "crane.wind_speed", "weather.wind_speed"


class Value(NamedTuple):
    """A watched quantity as the registers tell it."""

    point: str
    """As the gateway will name it, such as `crane-1/load_ratio` or `pit-1/h3.cumulative`."""
    quantity: Quantity
    value: float


class Crossing(NamedTuple):
    """A limit was passed, to either side."""

    device: str
    point: str
    quantity: Quantity
    change: str
    """`beyond` or `within`."""
    limit: float
    value: float


class Watch:
    """Compares what a device's registers say with the limits that its scenario watches."""

    def __init__(self, cast: Cast) -> None:
        """Everything counts as within at first."""
        self._cast = cast
        self._beyond: set[tuple[str, float]] = set()

    def judge(self, said: Mapping[str, float | None]) -> list[Crossing]:
        """The crossings since the last call; a value that is not there crosses nothing."""
        return [crossing for value in self._values(said) for crossing in self._crossings(value)]

    def _crossings(self, value: Value) -> Iterator[Crossing]:
        for limit in self._cast.device.watch[value.quantity]:
            key = (value.point, limit)
            beyond = value.value >= limit
            if beyond == (key in self._beyond):
                continue
            self._beyond ^= {key}
            change = "beyond" if beyond else "within"
            yield Crossing(self._cast.device.device, value.point, value.quantity, change, limit, value.value)

    def _values(self, said: Mapping[str, float | None]) -> Iterator[Value]:
        device = self._cast.device
        if "load_ratio" in device.watch:
            yield from self._load_ratio(said)
        for key in self._displacements() if "displacement" in device.watch else ():
            raw = said[key]
            if raw is not None:
                moved = round(raw - self._zero(key), DECIMALS)
                yield Value(f"{device.device}/{key}.cumulative", "displacement", moved)
        for key in self._keys(*WINDS) if "wind" in device.watch else ():
            speed = said[key]
            if speed is not None:
                yield Value(f"{device.device}/{key}", "wind", speed)

    def _load_ratio(self, said: Mapping[str, float | None]) -> Iterator[Value]:
        load, radius, falls = (said[key] for key in self._keys(*RATIO_OF))
        line: Line | None = (
            self._cast.chart.falls.get(round(falls)) if self._cast.chart and falls is not None else None
        )
        if load is not None and radius is not None and line is not None:
            percent = round(load_ratio(line, load, radius), DECIMALS)
            yield Value(f"{self._cast.device.device}/load_ratio", "load_ratio", percent)

    def _keys(self, *kinds: str) -> list[str]:
        """The first point of each of the kinds that the profile has, in the order of the kinds."""
        points = self._cast.profile.points
        by_kind = {point.kind: key for key, point in reversed(list(points.items()))}
        return [by_kind[kind] for kind in kinds if kind in by_kind]

    def _displacements(self) -> Sequence[str]:
        physics = self._cast.device.physics
        if isinstance(physics, Pit):
            return list(physics.points)
        return [physics.point] if isinstance(physics, Steps) else []

    def _zero(self, key: str) -> float:
        physics = self._cast.device.physics
        if isinstance(physics, Pit):
            return physics.points[key].zero_mm
        return physics.zero_mm if isinstance(physics, Steps) else 0.0


class Ledger:
    """A file of crossings, a JSON object a line, on disk's way as soon as it is written."""

    def __init__(self, file: Path | None) -> None:
        """`None` keeps no ledger."""
        self._lines = file.open("a", encoding="utf-8", buffering=1) if file else None

    def write(self, crossings: Iterable[Crossing]) -> None:
        """Note crossings of registers that have just become readable; the instant is now."""
        if self._lines is None:
            return
        for crossing in crossings:
            at_ms = time.time_ns() // 1_000_000
            self._lines.write(json.dumps({"at_ms": at_ms, **crossing._asdict()}) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lines is not None:
            self._lines.close()
