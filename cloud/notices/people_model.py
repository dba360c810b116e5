"""What persons are told, their ways of being told, and acknowledgements, as the HTTP interface has them."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from cloud.notices.model import Language, State
from cloud.shown import Identity, Instant, Shown, TextShown

WayKind = Literal["mail", "sms", "voice", "apprise"]
_To = Field(max_length=300, description="A mail address, a telephone number, or an address of apprise.")


class Offer(Shown):
    """A channel by which persons may be told here."""

    via: Identity
    kind: WayKind
    name: str


class WayNew(BaseModel):
    """A way of one's own that is not there yet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    via: UUID
    to: Annotated[SecretStr, _To]
    language: Language = "zh"


class WayGiven(BaseModel):
    """What may be changed of a way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: Language
    is_on: bool
    position: Annotated[int, Field(ge=0, le=100, description="The first that works is taken.")]


class Proof(BaseModel):
    """The code that was sent to the way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Annotated[str, Field(pattern=r"^\s*\d{6}\s*$")]


class WayShown(Shown):
    """A way of one's own."""

    id: Identity
    kind: WayKind
    name: str = Field(description="Of the channel that sends it.")
    masked: str
    language: Language
    is_on: bool
    is_proved: bool
    is_sent: bool = Field(description="Whether the channel that sends it is on.")
    position: int
    version: int


class WaysShown(Shown):
    """All of one's own, and what there is to choose."""

    items: list[WayShown]
    offers: list[Offer]


class WaySent(Shown):
    """The way, and what came of sending a code or a test there."""

    way: WayShown
    state: Literal["sent", "rejected", "unknown"]
    code: str
    text: str


class HeardBy(Shown):
    """A person who was told."""

    name: str
    roles: list[str]
    step: int
    at: Instant
    is_reached: bool = Field(description="False: 通知未送达. No way but the pages, or no message was taken.")
    stands_in: bool = Field(description="The rota had nobody on duty.")
    states: list[State] = Field(description="Of his messages; empty: none went out.")
    knows_at: Instant | None
    ends: bool = Field(description="Whether his word is enough; of others it is only said that they saw it.")


class ToldShown(Shown):
    """What persons were told of."""

    id: Identity
    kind: str
    kind_name: TextShown
    site: str | None
    level: int
    title: TextShown
    body: TextShown
    page: str
    created_at: Instant
    needs_answer: bool
    due_at: Instant | None = Field(description="When the next are told, where nobody acknowledges.")
    ended: Literal["acknowledged", "nobody"] | None
    acknowledged_at: Instant | None
    acknowledged_by: str
    unheld: list[str] = Field(description="Roles that should be told and that nobody holds there.")
    persons: list[HeardBy]


class LinkGiven(BaseModel):
    """What stands in the address of a link."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: Annotated[str, Field(max_length=100)]


LinkState = Literal["ready", "used", "expired", "disabled", "acknowledged"]


class ToldOfDigest(Shown):
    """One alarm of a digest."""

    level: int
    title: TextShown
    page: str
    created_at: Instant
    is_known: bool = Field(description="Its reader has said so, or somebody whose word is enough.")


class ToldLinkShown(Shown):
    """What a link is of. Looking at it changes nothing."""

    state: LinkState = Field(
        description="Used: by this link before. Acknowledged: by another. Disabled: the account."
    )
    name: str = Field(description="Whose link it is.")
    site: TextShown | None
    level: int
    title: TextShown
    body: TextShown
    page: str
    created_at: Instant
    ends: bool = Field(description="Whether his word is enough; else only that he has seen it is noted.")
    at: Instant | None = Field(description="When it was used or acknowledged, or expired.")
    by: str = Field(description="Who has acknowledged it.")
    items: list[ToldOfDigest] = Field(description="Of a digest: its alarms, which one word acknowledges.")
