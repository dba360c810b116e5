"""A work cycle as the HTTP interface shows it."""

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
