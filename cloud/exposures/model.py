"""What is made known to the public, as the HTTP interface takes and shows it."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from cloud.hazards.acts import Given, SignatureGiven, Words
from cloud.hazards.filing_model import Sha256
from cloud.ledger.model import LedgerEvent
from cloud.shown import Identity, Instant, Shown, TextShown

State = Literal["draft", "published", "withdrawn", "dropped"]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class Masked(Given):
    """A picture of the record in which something was covered before it came here."""

    of: Sha256 = Field(description="Of the record's evidence.")
    sha256: Sha256 = Field(description="Of what was put under `filing-photos` or `exposure-photos`.")


class ExposureGiven(Given):
    """What is made known, in words without persons; the rest comes from the record."""

    title: Title
    words: Words
    photos: Annotated[list[Sha256], Field(max_length=6)] = Field(
        default=[], description="Of the record's evidence, JPEG only."
    )
    masked: Annotated[list[Masked], Field(max_length=6)] = Field(
        default=[], description="Pictures that go out with something covered; after the others."
    )
    photos_show_nobody: bool = Field(
        default=False, description="Whoever prepares it has looked: no face, no plate, no number is in them."
    )
    no_persons: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=50)] = Field(
        default=[], description="What looks like a name and is none, as the refusal says it."
    )
    node: int | None = Field(
        default=None, description="In whose name: a prefecture or province above the site; null: the nearest."
    )
    signature: SignatureGiven


class MaskedPut(Shown):
    """A covered picture has arrived."""

    sha256: Sha256
    bytes: int


class Approve(Given):
    """It may go out, exactly so."""

    act: Literal["approve"]
    sha256: Sha256 = Field(description="Of the file that was looked at.")
    signature: SignatureGiven


class Withdraw(Given):
    """It is taken back."""

    act: Literal["withdraw"]
    reason: Words
    signature: SignatureGiven


class Drop(Given):
    """The draft does not go out."""

    act: Literal["drop"]
    reason: Words
    signature: SignatureGiven


ExposureAct = Annotated[Approve | Withdraw | Drop, Field(discriminator="act")]


class ExposureListed(Shown):
    """A file for the public, and how it stands."""

    id: Identity
    number: str
    hazard: Identity
    hazard_number: str
    site: str
    site_name: TextShown
    node: int
    authority: TextShown
    title: str
    state: State
    photos: int
    sha256: str = Field(description="Of the archive.")
    bytes: int
    made_at: Instant
    author: str


class ExposureShown(ExposureListed):
    """The same, with all that was done with it."""

    version: int = Field(description="What an ETag says.")
    is_stale: bool = Field(description="The record's level or status has changed since: nobody approves it.")
    may_approve: bool
    may_withdraw: bool
    may_drop: bool
    events: list[LedgerEvent]
