"""Which level of detail a chart is drawn from. Pure."""

import datetime as dt
import math
from typing import Literal

import msgspec

Level = Literal["raw", "minute", "hour", "day"]

LEVEL_MS: dict[Level, int] = {"raw": 1, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
_COARSE_FIRST: tuple[Level, ...] = ("day", "hour", "minute")


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """How far each level reaches, UTC milliseconds; nothing where it holds all, or nothing yet."""

    computed_to_ms: int | None
    """Minutes and hours are kept up to there; what comes after is counted when it is asked for."""
    days_to_ms: int | None
    raw_from_ms: int | None
    """Readings from before this are gone by retention."""
    minutes_from_ms: int
    """Minutes from before this may be gone."""
    are_minutes_packed: bool = False
    """Whether the database hands them out by the hour, as plain PostgreSQL has them."""

    def to_ms(self, level: Level) -> int | None:
        """Up to where a level is kept: what lies before it, only a reading that comes late changes."""
        return self.days_to_ms if level == "day" else self.computed_to_ms


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """How a span is cut into buckets."""

    level: Level
    width_ms: int
    """A whole multiple of the level's."""
    from_ms: int
    """Where the first bucket begins: not after the span does, with a bucket of the level."""
    to_ms: int
    """Where the last bucket of the level ends, not before the span does."""


def cut(from_ms: int, to_ms: int, max_points: int, kept: Kept) -> Cut:
    """The coarsest level that still gives more than half of the points asked for.

    So at most sixty rows of the level are read for a point that is drawn, whatever the span. Where the
    readings, or the minutes, are gone already, what is still there is drawn.
    """
    finest = _finest(from_ms, kept)
    wanted = (to_ms - from_ms) * 2
    coarse = [one for one in _COARSE_FIRST if wanted > max_points * LEVEL_MS[one]]
    level: Level = coarse[0] if coarse else "raw"
    if LEVEL_MS[level] < LEVEL_MS[finest]:
        level = finest
    unit = LEVEL_MS[level]
    begin, end = from_ms // unit * unit, -(-to_ms // unit) * unit
    return Cut(
        level=level,
        width_ms=max(1, math.ceil((end - begin) / unit / max_points)) * unit,
        from_ms=begin,
        to_ms=end,
    )


def _finest(from_ms: int, kept: Kept) -> Level:
    if from_ms < kept.minutes_from_ms:
        return "hour"
    if kept.raw_from_ms is not None and from_ms < kept.raw_from_ms:
        return "minute"
    return "raw"


def midnight_ms(now_ms: int, days: int) -> int:
    """So many days before now, at the UTC midnight: where retention cuts."""
    return now_ms // LEVEL_MS["day"] * LEVEL_MS["day"] - days * LEVEL_MS["day"]


def width_of(one: Cut) -> dt.timedelta:
    """As the database has it."""
    return dt.timedelta(milliseconds=one.width_ms)
