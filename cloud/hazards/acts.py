"""What a person may do to a hazard record, as the HTTP interface takes it: one body an act."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import AfterValidator as After
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from cloud.instants import Moment


def _utc(at: dt.datetime) -> dt.datetime:
    """Whole milliseconds of UTC, as everything of ours."""
    at = at.astimezone(dt.UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


At = Annotated[Moment, After(_utc)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
"""Something must be said."""
Maybe = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Document = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
"""Number of a document."""
EvidenceIds = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=50)]
ReasonCode = Literal["sensor_fault", "calibration", "maintenance_test", "misread", "duplicate", "other"]


class Given(BaseModel):
    """A part of what is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SignatureGiven(Given):
    """By which the person's own key is opened; it is not kept."""

    password: SecretStr = Field(min_length=1, max_length=1000)


class ClauseGiven(Given):
    """An item of an edition of the standard for judging major hazards."""

    edition: str = Field(max_length=16)
    id: str = Field(max_length=16)


class HandledGiven(Given):
    """Under a clause in two parts: whether the danger was handled in time, when and how."""

    in_time: bool
    when: At | None = None
    how: Maybe = ""


class PersonsAct(Given):
    """What every act has: the signature of whoever answers for it (谁检查、谁签字、谁负责)."""

    signature: SignatureGiven


class Reject(PersonsAct):
    """There is no danger (不成立)."""

    act: Literal["reject"]
    reason_code: ReasonCode
    reason: Words
    evidence: EvidenceIds = []


class Confirm(PersonsAct):
    """There is, and how grave (认定)."""

    act: Literal["confirm"]
    level: Literal["general", "major"]
    clause: ClauseGiven | None = None
    reason: Words
    handled: HandledGiven | None = None


class Merge(PersonsAct):
    """It is the same as another record (并案)."""

    act: Literal["merge"]
    into: Annotated[str, Field(max_length=64)]


class GiveOpinion(PersonsAct):
    """What somebody thinks who may not decide (意见)."""

    act: Literal["opinion"]
    reason_code: ReasonCode | Literal["is_hazard", "is_major", "is_general"]
    text: Words


class MakePlan(PersonsAct):
    """How it is to be rectified; what takes time names person, measures, funds, date and emergency plan."""

    act: Literal["plan"]
    type: Literal["immediate", "timed"]
    person: Maybe = ""
    measures: Maybe = ""
    funds_wan: float | None = Field(
        default=None, ge=0, le=1e6, allow_inf_nan=False, description="10,000 yuan."
    )
    due: At | None = None
    emergency_plan: Maybe = ""


class AcceptPlan(PersonsAct):
    """The plan of a major hazard will do."""

    act: Literal["accept_plan"]


class ReturnPlan(PersonsAct):
    """It will not."""

    act: Literal["return_plan"]
    reason: Words


class RequestExtension(PersonsAct):
    """More time is needed."""

    act: Literal["request_extension"]
    due: At
    reason: Words


class GrantExtension(PersonsAct):
    """It is given."""

    act: Literal["grant_extension"]


class RefuseExtension(PersonsAct):
    """It is not."""

    act: Literal["refuse_extension"]
    reason: Words


class Submit(PersonsAct):
    """It has been rectified; somebody else looks (提交复查)."""

    act: Literal["submit"]
    followup_measures: Maybe = ""
    cause: Maybe = ""
    rectified_at: At
    evidence: EvidenceIds = []


class PassReview(PersonsAct):
    """Looked at, and it is (复查合格)."""

    act: Literal["pass_review"]
    note: Words
    onsite: bool = Field(description="Whether the reviewer was there.")
    evidence: EvidenceIds = []


class FailReview(PersonsAct):
    """Looked at, and it is not (复查不合格)."""

    act: Literal["fail_review"]
    reason: Words
    evidence: EvidenceIds = []


class Close(PersonsAct):
    """Struck off (销号)."""

    act: Literal["close"]
    document: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class Reopen(PersonsAct):
    """It was never cured."""

    act: Literal["reopen"]
    reason: Words


class Upgrade(PersonsAct):
    """It is a major hazard after all."""

    act: Literal["upgrade"]
    clause: ClauseGiven
    reason: Words


class Downgrade(PersonsAct):
    """It is none after all."""

    act: Literal["downgrade"]
    reason: Words


class ListIt(PersonsAct):
    """Listed for supervision (挂牌督办)."""

    act: Literal["list"]
    authority_level: Literal["county", "city", "province"]
    document: Document
    due: At


class Delist(PersonsAct):
    """Taken off the list (摘牌)."""

    act: Literal["delist"]
    document: Document


class MarkRefused(PersonsAct):
    """Whoever must rectify it refuses to (拒不整改)."""

    act: Literal["mark_refused"]
    reason: Words
    evidence: EvidenceIds = []


class OrderControl(PersonsAct):
    """Stop part of the work, or all of it, or get people out."""

    act: Literal["order_control"]
    control: Literal["partial_stop", "stop_work", "evacuated"]
    reason: Words


class LiftControl(PersonsAct):
    """Work may go on."""

    act: Literal["lift_control"]
    reason: Words


class TakeStep(PersonsAct):
    """A measure against whoever is slow, the how manieth of the ladder."""

    act: Literal["take_step"]
    step: int = Field(ge=1, le=5)
    document: Document
    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=8000)] = ""


class PostponeStep(PersonsAct):
    """Not yet."""

    act: Literal["postpone_step"]
    reason: Words
    until: At


class Acknowledge(PersonsAct):
    """The principal has been told (签收)."""

    act: Literal["acknowledge"]


Act = Annotated[
    Reject
    | Confirm
    | Merge
    | GiveOpinion
    | MakePlan
    | AcceptPlan
    | ReturnPlan
    | RequestExtension
    | GrantExtension
    | RefuseExtension
    | Submit
    | PassReview
    | FailReview
    | Close
    | Reopen
    | Upgrade
    | Downgrade
    | ListIt
    | Delist
    | MarkRefused
    | OrderControl
    | LiftControl
    | TakeStep
    | PostponeStep
    | Acknowledge,
    Field(discriminator="act"),
]


def body_of(act: PersonsAct) -> dict[str, Any]:
    """What the event of an act says: everything but its name, as JSON has it."""
    said: dict[str, Any] = act.model_dump(mode="json", exclude={"act", "signature"}, exclude_none=True)
    return said
