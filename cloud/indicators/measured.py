"""A measured indicator, before anybody shows it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from cloud.indicators.description import Light, descriptions
from cloud.indicators.lives import Life

Unit = Literal["count", "share", "days", "minutes", "seconds"]
MOST_RECORDS = 200
"""Behind one number; beyond these its count says how many there are."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A number beside the indicator's own."""

    name: str
    unit: Unit
    value: float | None
    of: float | None = None
    """What it is a share of."""
    records: Sequence[str] = ()
    """Ids of the hazard records behind it."""
    missing: str = ""
    """Which source is missing, where the value is unknown."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator with its value, what it is a share of, what stands beside it and how it went."""

    id: str
    value: float | None
    count: int | None = None
    of: int | None = None
    light: Light = "unknown"
    missing: str = ""
    warning: str = ""
    """`fewer_looked`: fewer found, less looked."""
    records: Sequence[str] = ()
    parts: Sequence[Part] = ()
    trend: Sequence[tuple[str, float | None]] = ()
    """By month, `2026-11`, the oldest first."""


def ids(lives: Iterable[Life]) -> list[str]:
    """Of the newest of them."""
    newest = sorted(lives, key=lambda life: life.opened_at, reverse=True)
    return [str(life.id) for life in newest[:MOST_RECORDS]]


def light(name: str, value: float | None) -> Light:
    """Its colour by the description."""
    return descriptions().indicators[name].light.of(value)


def share(part: int, whole: int) -> float | None:
    """`None` where there is nothing to be a share of."""
    return part / whole if whole else None


def counted(name: str, lives: Sequence[Life], is_so: Callable[[Life], bool] | None = None) -> Part:
    """How many there are, with the records."""
    found = [life for life in lives if is_so is None or is_so(life)]
    return Part(name=name, unit="count", value=len(found), records=ids(found))
