"""Records of enforcement as the HTTP interface takes and shows them."""

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from cloud.complaints import complaint
from cloud.enforcement.kinds import kinds
from cloud.ledger.model import Signature
from cloud.registry.model import Given, Line, Name, Note
from cloud.shown import Identity, Instant, Shown, TextShown

Level = Literal["province", "prefecture", "county"]


def _known(kind: str) -> str:
    if kind not in kinds().kinds:
        raise complaint("no-such-measure", "is no kind of measure")
    return kind


def _decimal_text(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else value


MeasureKind = Annotated[str, Field(max_length=40), AfterValidator(_known)]
Yuan = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)]
YuanShown = Annotated[str, BeforeValidator(_decimal_text)]


class EnforcementGiven(Given):
    """A measure that an authority has taken."""

    kind: MeasureKind
    acting_level: Level = Field(description="Of the authority that acts: reports are split by it.")
    territory: int = Field(description="Node of the territory tree, of the authority that acts.")
    enterprise: int | None = Field(default=None, description="Node of the enterprise tree.")
    enterprise_name: Line = Field(default="", description="Of an enterprise that is in no tree.")
    site: Name | None = None
    hazard: UUID | None = None
    incident: UUID | None = None
    amount: Yuan | None = Field(default=None, description="Of a penalty, in yuan.")
    both_punished: bool = Field(
        default=False, description="Enterprise and principal under one case (一案双罚)."
    )
    persons: Annotated[int, Field(ge=0, le=10_000)] = Field(
        default=0, description="How many are concerned; who they are is not kept here."
    )
    crime: bool = Field(default=False, description="It is of the crime of dangerous operations (危险作业罪).")
    case_no: Line = ""
    document_no: Line = ""
    decided_on: dt.date
    note: Note = ""


class EnforcementRecorded(EnforcementGiven):
    """The same, signed."""

    signature: Signature


class EnforcementMended(EnforcementGiven):
    """What was recorded, put right as a whole: a new row, and the old one stays."""

    reason: Annotated[Note, Field(min_length=1)]
    withdrawn: bool = Field(default=False, description="Recorded in error: it counts no more.")


class EnforcementCorrected(EnforcementMended):
    """The same, signed."""

    signature: Signature


class EnforcementRow(Shown):
    """A record as it was recorded, or corrected, at one time."""

    seq: int
    kind: str
    acting_level: Level
    territory: int
    territory_name: TextShown
    enterprise: int | None
    enterprise_name: str
    site: str | None
    site_name: TextShown | None
    hazard: Identity | None
    hazard_number: str | None
    incident: Identity | None
    amount: YuanShown | None = Field(
        description="In yuan; a decimal in text, for numbers of a page lose fen."
    )
    both_punished: bool
    persons: int
    crime: bool
    case_no: str
    document_no: str
    decided_on: dt.date
    note: str
    withdrawn: bool
    reason: str
    at: Instant
    author: str
    system: str = Field(description="The other system that it came from; empty: it was recorded here.")


class Enforcement(EnforcementRow):
    """A record as it holds now."""

    id: Identity


class EnforcementDetail(Enforcement):
    """A record with everything that it was before, and whether the caller may correct it."""

    before: list[EnforcementRow]
    may_correct: bool


class MeasureKindShown(Shown):
    """A kind of measure, for forms."""

    kind: str
    label: TextShown
    counts: Literal["acts", "enterprises", "persons"]
    cell: str = Field(description="Item of the dispatch table under which it is counted; empty: under none.")
    needs: list[str]


class AuthorityShown(Shown):
    """A territory for which the caller records."""

    node: int
    name: TextShown
    kind: str


class EnforcementChoices(Shown):
    """What the form for a record offers."""

    source: TextShown
    kinds: list[MeasureKindShown]
    territories: list[AuthorityShown]
    enterprises: list[AuthorityShown]
    sites: list["SiteChoice"]


class SiteChoice(Shown):
    """A site that the caller sees, and whose it is."""

    site: str
    name: TextShown
    enterprise: int | None


class EnforcementTotal(Shown):
    """A kind in numbers, over the records that hold in a span of days."""

    kind: str
    acts: int
    enterprises: int
    persons: int
    amount: YuanShown
    both_punished: int
    crimes: int


class EnforcementTotals(Shown):
    """Every kind of which there is a record."""

    items: list[EnforcementTotal]
