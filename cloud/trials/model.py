"""Trials as the HTTP interface shows them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cloud.shown import Identity, Instant, Shown, TextShown
from sitewarden.trials import LONGEST_PROFILE, LONGEST_S, TrialKind

State = Literal["asked", "running", "done", "refused", "failed", "lapsed"]


class TrialWanted(BaseModel):
    """A device to be tried, which need not be in any configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: TrialKind = Field(
        default="read",
        description="`read`: every point once. `conformance`: for some time, and what it lacks.",
    )
    bus: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00]*$")] = Field(
        description="One that the gateway reads already."
    )
    unit: int | None = Field(default=None, ge=1, le=247, description="Of a bus that is polled.")
    identity: Annotated[str, StringConstraints(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")] = Field(
        default="", description="Of a bus on which devices speak by themselves: by what it names itself."
    )
    profile: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PROFILE)] = Field(
        description="The text of the profile's file."
    )
    seconds: int = Field(default=20, ge=0, le=LONGEST_S, description="Of a conformance run.")


class HintShown(Shown):
    """Another way to read the raw words that would make sense of them."""

    change: dict[str, str | float] = Field(description="What to write at the point for it.")
    value: float
    says: TextShown


class PointTried(Shown):
    """What a point said last: raw words beside what they mean."""

    point: str
    kind: str
    register_: int = Field(alias="register", description="As the manual numbers it.")
    function: int
    registers: list[int] = Field(description="Raw words; empty where there was no answer.")
    value: float | None
    unit: str
    quality: str
    detail: str = ""
    hints: list[HintShown] = Field(default=[])


class TrialCheck(Shown):
    """One thing that was looked at."""

    name: str
    level: Literal["ok", "note", "finding"]
    says: TextShown


class ReportShown(Shown):
    """All that a trial came to."""

    profile: str
    version: int
    is_sound: bool = Field(description="No check is a finding.")
    rounds: int
    points: list[PointTried]
    checks: list[TrialCheck]


class ValueHeard(Shown):
    """What a message says of a point."""

    point: str
    value: float | None
    unit: str
    quality: str


class FrameHeard(Shown):
    """A message of a device that speaks by itself, raw beside what it means."""

    at: int = Field(description="When it came, in UTC milliseconds.")
    raw: str
    values: list[ValueHeard] = Field(default=[])
    detail: str = Field(default="", description="Why the profile does not understand it.")


class TrialShown(Shown):
    """A trial and what came of it."""

    id: Identity
    kind: TrialKind
    bus: str
    unit: int | None
    identity: str
    seconds: int
    by: str
    asked_at: Instant
    expires_at: Instant = Field(description="It does not begin later.")
    sent_at: Instant | None
    state: State = Field(description="`lapsed`: the gateway said nothing of it in time.")
    told_at: Instant | None
    why: TextShown | None = Field(description="Of one that was refused or failed.")
    report: ReportShown | None = Field(description="Of one that is done, of a device that is asked.")
    heard: list[FrameHeard] = Field(
        description="Of one that is done, of a device that speaks by itself: its newest messages."
    )
