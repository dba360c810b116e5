"""The life of a hazard record as the HTTP interface shows it: what `record.Record` knows, part by part."""

import datetime as dt
from typing import Any, Literal, Self

import msgspec
from pydantic import Field

from cloud.accounts.roles import Side
from cloud.hazards import record as told
from cloud.hazards.record import Control, Level, Report, Signal, Status, Supervision
from cloud.shown import Instant, Shown


class PersonShown(Shown):
    """Who acted, and in which role."""

    account: int
    name: str
    role: str
    side: Side


class SignedShown(Shown):
    """When, and by whom."""

    at: Instant
    by: PersonShown


class ClauseNamedShown(Shown):
    """An item of an edition of the standard for judging major hazards."""

    edition: str
    id: str


class HandledShown(Shown):
    """Whether it was handled in time."""

    in_time: bool
    when: Instant | None = None
    how: str = ""


class JudgementShown(SignedShown):
    """What it was judged to be."""

    level: Level
    reason: str
    clause: ClauseNamedShown | None = None
    handled: HandledShown | None = None


class OpinionShown(SignedShown):
    """What somebody thought of it."""

    reason_code: str
    text: str
    is_expert: bool = False


class RejectionShown(SignedShown):
    """Why there was no danger."""

    reason_code: str
    reason: str
    evidence: list[str] = Field(default_factory=list)


class PlanShown(SignedShown):
    """How it is to be rectified."""

    type: Literal["immediate", "timed"]
    person: str
    measures: str
    due: Instant
    funds_wan: float | None = None
    emergency_plan: str = ""
    accepted: SignedShown | None = None


class ReasonShown(SignedShown):
    """Something that was done for a reason."""

    reason: str


class ExtensionShown(SignedShown):
    """A later date that was asked for."""

    due: Instant
    reason: str
    outcome: Literal["pending", "granted", "refused"] = "pending"
    decided: SignedShown | None = None
    decision: str = ""


class SubmissionShown(SignedShown):
    """What was done about it."""

    followup_measures: str = ""
    cause: str = ""
    rectified_at: Instant
    evidence: list[str] = Field(default_factory=list)


class ReviewShown(SignedShown):
    """Somebody else looked."""

    round: int = Field(description="The how manieth submission it is of.")
    is_passed: bool
    note: str
    onsite: bool = False
    evidence: list[str] = Field(default_factory=list)


class ClosingShown(SignedShown):
    """That it was struck off, or taken off the list."""

    document: str = ""


class ListingShown(SignedShown):
    """That it is listed for supervision."""

    authority_level: str
    document: str
    due: Instant
    delisted: ClosingShown | None = None


class OrderShown(SignedShown):
    """Work stopped, people out."""

    control: Control
    reason: str


class StepShown(SignedShown):
    """A measure against whoever is slow."""

    step: int
    document: str
    text: str = ""


class PostponedShown(SignedShown):
    """A measure that is put off."""

    reason: str
    until: Instant


class RefusalShown(SignedShown):
    """That whoever must rectify it refuses to."""

    reason: str
    evidence: list[str] = Field(default_factory=list)


class RecordShown(Shown):
    """What the events of a record come to."""

    status: Status
    level: Level
    signal: Signal
    report: Report
    report_due_at: Instant | None = None
    supervision: Supervision
    control: Control
    escalation_step: int
    escalation_proposed: int | None = Field(
        default=None, description="A step that the machine proposes and nobody has taken yet."
    )
    overdue: bool
    refused: bool
    due_at: Instant | None = None
    due_original: Instant | None = Field(default=None, description="Before any extension.")
    verified_at: Instant | None = Field(default=None, description="Of the last review that was passed.")
    closed_at: Instant | None = None
    ended_at: Instant | None = None
    merged_into: str | None = None
    repeat_of: str | None = None
    repeat_no: int
    mode: str
    source: str
    source_detail: str
    filed: SignedShown | None = None
    judgements: list[JudgementShown]
    opinions: list[OpinionShown]
    rejection: RejectionShown | None = None
    plan: PlanShown | None = None
    returned: list[ReasonShown]
    extensions: list[ExtensionShown]
    submissions: list[SubmissionShown]
    reviews: list[ReviewShown]
    closings: list[ClosingShown]
    reopenings: list[ReasonShown]
    downgrade: ReasonShown | None = Field(
        default=None, description="The first signature under a downgrade that needs two."
    )
    listings: list[ListingShown]
    orders: list[OrderShown]
    lifted: list[ReasonShown]
    steps: list[StepShown]
    postponed: PostponedShown | None = None
    refusal: RefusalShown | None = None
    acknowledged: list[SignedShown]
    incidents: list[str]
    absorbed: list[str] = Field(description="Records that were merged into this one.")

    @classmethod
    def of(cls, record: told.Record) -> Self:
        """As it is shown."""
        fields: dict[str, Any] = {
            name: msgspec.to_builtins(getattr(record, name), builtin_types=(dt.datetime,))
            for name in cls.model_fields
        }
        return cls.model_validate(fields)


class UnmetShown(Shown):
    """What must hold before an act, and does not."""

    code: str = Field(description="Stable word for it.")
    zh: str
    en: str
    values: dict[str, str | int | float | list[str]] = Field(description="What those words name.")
    field: str = Field(description="Of the act's form, where it is for the form to say; else empty.")


class ActShown(Shown):
    """An act that there is in the record's state."""

    act: str
    permitted: bool = Field(description="Whether any role that the caller holds there may do it.")
    unmet: list[UnmetShown] = Field(description="What else must hold; a form may lack more.")
