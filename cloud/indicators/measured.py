"""A measured indicator, before anybody shows it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

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
    key: str = ""
    """Which of several of the name; empty where there is one."""
    about: dict[str, str] | None = None
    """What that one is, in words."""
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


def share(part: int, whole: int) -> float | None:
    """`None` where there is nothing to be a share of."""
    return part / whole if whole else None


def measured(name: str, value: float | None, **more: Any) -> Measured:
    """With its colour by the description."""
    return Measured(id=name, value=value, light=descriptions().indicators[name].light.of(value), **more)


def measured_share(name: str, part: Sequence[Life], whole: Sequence[Life], **more: Any) -> Measured:
    """How many of them are as they should be; behind it those that are not."""
    good = {life.id for life in part}
    left = ids(life for life in whole if life.id not in good)
    value = share(len(part), len(whole))
    return measured(name, value, count=len(part), of=len(whole), records=left, **more)


def counted(name: str, lives: Sequence[Life], is_so: Callable[[Life], bool] | None = None) -> Part:
    """How many there are, with the records."""
    found = [life for life in lives if is_so is None or is_so(life)]
    return Part(name=name, unit="count", value=len(found), records=ids(found))


def shared(name: str, part: int, whole: int, records: Sequence[str] = ()) -> Part:
    """How many of how many."""
    return Part(name=name, unit="share", value=share(part, whole), of=whole, records=records)


def timed(name: str, unit: Unit, value: Any) -> Part:
    """How long it took; `None` where nothing is known to have ended."""
    return Part(name=name, unit=unit, value=None if value is None else float(value))
