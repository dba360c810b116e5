"""Reports by the public, as the HTTP interface takes and shows them."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from cloud.hazards.acts import Given, Maybe, SignatureGiven, Words
from cloud.hazards.filing_model import HazardGiven, Sha256
from cloud.registry.model import Line
from cloud.shown import Identity, Instant, Shown, TextShown

State = Literal["received", "assigned", "judged", "answered"]
Outcome = Literal["verified", "unfounded", "passed_on"]
Way = Literal["page", "gate", "officer"]


class TipGiven(Given):
    """What somebody reports. Nothing of it but `content` must be said."""

    gate: Annotated[str, Field(max_length=100)] = Field(
        default="", description="What the QR code at a site's gate says."
    )
    territory: int | None = Field(default=None, description="Where no gate's code was read: of which area.")
    place: Line = Field(default="", description="Where, in words.")
    content: Words
    insider: bool = Field(default=False, description="Who reports works there.")
    name: Line = ""
    contact: Line = Field(default="", description="How the handler may reach whoever reports.")


class TipEntered(TipGiven):
    """The same as an officer enters it who was told by telephone or letter."""

    site: Annotated[str, Field(max_length=63)] | None = None


class TipReceipt(Shown):
    """That it has arrived. Only by the code is it seen again, so it is shown once."""

    number: str
    code: str
    photos: int = Field(description="So many pictures may be sent after it.")


class TipAreas(Shown):
    """What the public page offers."""

    areas: list["TipArea"]
    site: TextShown | None = Field(default=None, description="Whose gate's code was read.")


class TipArea(Shown):
    """A territory."""

    node: int
    name: TextShown


class TipWords(Shown):
    """Something that was said."""

    at: Instant
    by_reporter: bool
    words: str


class OwnTip(Shown):
    """What whoever has the receipt's code may see, and nothing else."""

    number: str
    state: State
    outcome: Outcome | None
    received_at: Instant
    content: str
    photos: int
    said: list[TipWords]


class WordsGiven(Given):
    """Something more."""

    words: Words


class TipListed(Shown):
    """A report, as those see it who handle them: never who made it."""

    id: Identity
    number: str
    way: Way
    state: State
    outcome: Outcome | None
    site: str | None
    site_name: TextShown | None
    territory: int | None
    territory_name: TextShown | None
    place: str
    content: str
    insider: bool
    named: bool = Field(description="Whether a name or contact is kept sealed, for the handler.")
    handler: int | None
    handler_name: str | None
    received_at: Instant
    due_at: Instant | None
    overdue: bool
    photos: int


class TipEvent(Shown):
    """What happened to it."""

    at: Instant
    kind: str
    author: str
    words: str


class TipShown(TipListed):
    """A report with all that happened to it."""

    hazard: Identity | None
    hazard_number: str | None
    reward_yuan: Decimal | None
    judged_at: Instant | None
    answered_at: Instant | None
    pictures: list[str] = Field(description="SHA-256 of each, in order.")
    events: list[TipEvent]
    version: int = Field(description="What an ETag says.")
    is_handler: bool = Field(description="Whether the caller is its handler.")
    identity_kept: bool = Field(description="Whether there is an identity that the handler may read.")


class TipHandler(Shown):
    """Somebody who may be its handler."""

    account: int
    name: str


class TipHandlers(Shown):
    """All of them."""

    items: list[TipHandler]


class Assign(Given):
    """Give it to a handler."""

    act: Literal["assign"]
    handler: int
    reason: Maybe = ""


class Verify(Given):
    """It is true: a hazard is filed from it, signed, in which nothing says who reported."""

    act: Literal["verify"]
    site: Annotated[str, Field(max_length=63)]
    photos: Annotated[list[Sha256], Field(max_length=6)] = Field(default=[])
    hazard: HazardGiven


class Unfounded(Given):
    """There is no such danger."""

    act: Literal["unfounded"]
    reason: Words


class PassOn(Given):
    """It is another's to judge."""

    act: Literal["pass_on"]
    to: Words
    reason: Words


class AnswerIt(Given):
    """Say what became of it to whoever reported; that ends it."""

    act: Literal["answer"]
    words: Words


class Reward(Given):
    """What was paid for it: an amount, and to nobody by name."""

    act: Literal["reward"]
    yuan: Decimal = Field(ge=0, max_digits=12, decimal_places=2)


TipAct = Annotated[Assign | Verify | Unfounded | PassOn | AnswerIt | Reward, Field(discriminator="act")]


class ReasonGiven(Given):
    """Why the identity is read, signed with one's password."""

    reason: Words
    signature: SignatureGiven


class IdentityShown(Shown):
    """Who reported; it was written down that it was read."""

    name: str
    contact: str


class Gate(Shown):
    """What a site's QR code says."""

    gate: str


class TipFigures(Shown):
    """Of the reports received within a time (F-23)."""

    received: int
    judged: int
    verified: int
    verified_percent: float | None = Field(description="Of those judged.")
    median_days: float | None = Field(description="From receipt to judgement.")
    rewarded: int
    overdue: int
