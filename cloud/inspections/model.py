"""Inspections as the HTTP interface takes and shows them."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from cloud.complaints import complaint
from cloud.inspections.questions import Answer, Checklist, questions
from cloud.instants import Day, Moment
from cloud.ledger.model import Signature
from cloud.registry.model import Devices, Given, Line, Name, Note, Said
from cloud.shown import Identity, Instant, Shown, TextShown

InspectionLevel = Literal["province", "prefecture", "county", "township", "enterprise", "project"]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


def _known(kind: str) -> str:
    if kind not in questions().kinds:
        raise complaint("no-such-inspection", "is no kind of inspection")
    return kind


def asked_answers(answers: dict[str, Answer]) -> dict[str, Answer]:
    """Themselves; a complaint about those to questions that there are not."""
    unknown = sorted(set(answers) - set(questions().questions))
    if unknown:
        raise complaint("no-such-question", f"there is no question {', '.join(unknown)}", names=unknown)
    return answers


InspectionKind = Annotated[str, Field(max_length=40), AfterValidator(_known)]


class Inspector(Given):
    """Somebody who took part."""

    name: Said
    post: Line = ""
    led: bool = Field(default=False, description="He led it (带队).")


class InspectionGiven(Given):
    """What was looked at, by whom, and what was found."""

    kind: InspectionKind
    acting_level: InspectionLevel = Field(description="Of who inspects: reports are split by it.")
    territory: int | None = Field(
        default=None, description="Node of the territory tree, of the authority that inspects."
    )
    site: Name | None = None
    enterprise: int | None = Field(default=None, description="Node of the enterprise tree.")
    enterprise_name: Line = Field(default="", description="Of an enterprise that is in no tree.")
    devices: Devices = Field(default=[])
    theme: Line = Field(default="", description="Of the month (一月一主题); empty: none.")
    started_at: Moment
    ended_at: Moment | None = Field(default=None, description="Null: it took no time.")
    people: Annotated[list[Inspector], Field(max_length=30)] = Field(default=[])
    answers: Annotated[dict[str, Answer], Field(max_length=100), AfterValidator(asked_answers)] = Field(
        default={}, description="By the code of each question."
    )
    note: Note = ""
    photos: Annotated[list[Sha256], Field(max_length=12)] = Field(
        default=[], description="Put here before as photos of a filing; those of a correction come to them."
    )


class InspectionRecorded(InspectionGiven):
    """The same, signed or not."""

    plan: UUID | None = Field(default=None, description="The plan that it carries out.")
    signature: Signature | None = None


class InspectionCorrected(InspectionGiven):
    """What was recorded, put right as a whole: a new row, and the old one stays."""

    reason: Annotated[Note, Field(min_length=1)]
    withdrawn: bool = Field(default=False, description="Recorded in error: it counts no more.")
    signature: Signature | None = None


class PatrolGiven(Given):
    """That an officer has looked at a site over the network."""

    since: Moment = Field(description="Since when he has looked; at most a day.")
    devices: Devices = Field(default=[], description="At which; none: at all of them.")
    note: Note = ""


class InspectionRow(Shown):
    """An inspection as it was recorded, or corrected, at one time."""

    seq: int
    kind: str
    acting_level: InspectionLevel
    territory: int | None
    territory_name: TextShown | None
    site: str | None
    site_name: TextShown | None
    enterprise: int | None
    enterprise_name: str
    devices: list[str]
    theme: str
    started_at: Instant
    ended_at: Instant
    time_zone: str = Field(description="Of its place.")
    day: dt.date
    people: list[Inspector]
    answers: dict[str, Answer]
    note: str
    signed: bool
    withdrawn: bool
    reason: str
    at: Instant
    author: str
    system: str = Field(description="The other system that it came from; empty: it was recorded here.")


class InspectionShown(InspectionRow):
    """An inspection as it holds now."""

    id: Identity
    findings: list[str] = Field(description="Codes of the questions whose answers are findings.")
    alarms: int | None = Field(description="So many stood when a remote patrol looked; null: it is none.")
    hazards: int = Field(description="So many were filed from it.")


class InspectionHazard(Shown):
    """A hazard that was filed from it."""

    id: Identity
    number: str
    content: TextShown
    level: str
    status: str


class InspectionPhoto(Shown):
    """A photo of it."""

    sha256: str
    media_type: str
    bytes: int


class InspectionDetail(InspectionShown):
    """An inspection with what belongs to it and everything that it was before."""

    asked: list["QuestionShown"] = Field(description="What was answered, in the order of the checklist.")
    detail: str = Field(description="How a hazard that is filed from it came to light.")
    filed: list[InspectionHazard]
    photos: list[InspectionPhoto]
    seen: dict[str, Any] = Field(description="Of a remote patrol: values and alarms as they stood then.")
    archive_sha256: str = Field(description="Of the file that is kept of it, hexadecimal.")
    before: list[InspectionRow]
    may_correct: bool
    may_file: bool = Field(description="Whether the caller may file hazards at its site.")


class InspectionKindShown(Shown):
    """A kind of inspection, for forms."""

    kind: str
    label: TextShown
    side: Literal["authority", "enterprise"]
    checklists: list[Checklist]
    detail: str = Field(description="How a hazard that is filed from it came to light.")


class QuestionShown(Shown):
    """Something that is looked at."""

    code: str
    text: TextShown
    checklist: Checklist
    deficient_when: Literal["yes", "no"]
    cell: str = Field(description="Item of the dispatch table's second part; empty: none.")


class InspectionNode(Shown):
    """A node for which the caller records."""

    node: int
    name: TextShown
    kind: str
    level: InspectionLevel | None = Field(default=None, description="Of an authority; null: not known.")


class InspectionSite(Shown):
    """A site that he may inspect."""

    site: str
    name: TextShown
    enterprise: int | None


class InspectionChoices(Shown):
    """What the form for an inspection offers."""

    source: TextShown
    kinds: list[InspectionKindShown] = Field(description="All of them; `records` says which are his.")
    records: list[str]
    questions: list[QuestionShown]
    territories: list[InspectionNode]
    enterprises: list[InspectionNode]
    sites: list[InspectionSite]


class InspectionPlanGiven(Given):
    """An unannounced inspection (四不两直) that is planned."""

    territory: int
    day: Day
    site: Name | None = None
    enterprise_name: Line = ""
    theme: Line = ""
    note: Note = ""


class InspectionPlan(Shown):
    """A plan; nobody but the authority itself sees it."""

    id: Identity
    territory: int
    territory_name: TextShown
    day: dt.date
    site: str | None
    site_name: TextShown | None
    enterprise_name: str
    theme: str
    note: str
    author: str
    inspection: Identity | None = Field(description="That carried it out.")
    withdrawn: bool


class InspectionPlans(Shown):
    """Those that the caller's own authority has, the latest day first."""

    items: list[InspectionPlan]
