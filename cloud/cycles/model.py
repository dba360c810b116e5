"""Work cycles as the HTTP interface shows them."""

import datetime as dt
from typing import Literal

from pydantic import Field

from cloud.shown import Instant, Shown


class HookPlaceShown(Shown):
    """Where a hook was; null what no sensor told."""

    radius: float | None = Field(description="m")
    slew: float | None = Field(description="°")
    height: float | None = Field(description="m")


class WorkCycleShown(Shown):
    """One lift of a crane, from taking a load up to setting it down."""

    site: str
    device: str
    started_at: Instant
    ended_at: Instant = Field(description="Of a cycle that was broken off, when the load was last seen.")
    peak_load: float = Field(description="t")
    peak_load_ratio: float | None = Field(description="%, of what the load chart allowed then and there.")
    peak_moment: float | None = Field(description="t·m")
    peak_moment_ratio: float | None = Field(description="%")
    picked: HookPlaceShown
    set_down: HookPlaceShown
    broken_off: bool = Field(description="The load was lost from sight before it was set down.")
    mode: Literal["live", "test", "drill", "replay"]
    clock: str
    received_at: Instant


class CyclesOfHour(Shown):
    """Lifts that began within an hour."""

    at: Instant
    cycles: int


class CyclesOfRatio(Shown):
    """Lifts whose worst moment ratio lay within a span."""

    low: int = Field(description="%, included.")
    high: int | None = Field(description="%, excluded; null where there is no end.")
    cycles: int


class CycleDay(Shown):
    """A crane's lifts of one day, by the clocks of the site."""

    day: dt.date
    start: Instant
    end: Instant
    cycles: int
    broken_off: int
    lifting_s: float = Field(description="How long a load was on the hook, s.")
    peak_load: float | None = Field(description="The heaviest, t; null on a day without lifts.")
    peak_moment_ratio: float | None = Field(description="The worst, %; null where none was told.")
    hours: list[CyclesOfHour]
    moment_ratios: list[CyclesOfRatio]
    without_ratio: int = Field(description="Lifts of which no moment ratio was told.")
