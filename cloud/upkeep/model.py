"""Maintenance and tasks of devices as the HTTP interface shows and takes them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cloud.instants import Moment
from cloud.shown import Identity, Instant, Shown

Words = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$"
    ),
]


class MaintenanceShown(Shown):
    """When a device is being mended (检修): its alarms are kept and open no record."""

    id: Identity
    state: Literal["asked", "coming", "under_way", "over", "withdrawn"] = Field(
        description="Nobody has approved it yet; still to come; it is so now; it has ended; it never was."
    )
    work_order: str
    reason: str
    start: Instant = Field(description="It begins then, or when it is approved, whichever is later.")
    end: Instant
    asked_by: str
    asked_at: Instant
    approved_by: str | None
    approved_at: Instant | None
    ended_by: str | None = Field(description="Who ended it before its time.")
    ended_at: Instant | None
    end_note: str
    is_own: bool = Field(description="You asked for it: somebody else approves it.")
    held: int = Field(description="Alarms that came meanwhile.")


class TaskShown(Shown):
    """Something to be done at a device."""

    id: Identity
    kind: Literal["repair", "calibration"]
    reason: str
    hazard: Identity | None
    hazard_number: str | None
    opened_by: str
    opened_at: Instant
    closed_by: str | None
    closed_at: Instant | None
    note: str


class Upkeep(Shown):
    """Of a device: the newest first."""

    maintenance: list[MaintenanceShown]
    tasks: list[TaskShown]
    may_maintain: bool = Field(description="Whether you may ask for maintenance, approve it, close tasks.")


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MaintenanceAsked(_Body):
    """For how long, by which order, and why."""

    work_order: Annotated[Words, StringConstraints(max_length=100)]
    reason: Words
    start: Moment
    end: Moment = Field(description="At most three days after its start.")


class Note(_Body):
    """What was done, or why it ends."""

    note: Words
