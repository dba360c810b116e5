"""Enrolment as the HTTP interface takes and shows it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cloud.registry.model import Name
from cloud.shown import Instant, Shown
from cloud.sites.model import Presence

Standing = Literal["not_enrolled", "handed_out", "enrolled", "revoked", "retired"]


class GatewayAccess(Shown):
    """A gateway of the site, and how it stands with being let in."""

    id: str
    note: str
    standing: Standing = Field(
        description="Not enrolled: a password, if any, was made by hand. Handed out: its password is not "
        "in force yet."
    )
    code_expires_at: Instant | None = Field(description="Of a code that may still be used.")
    issued_at: Instant | None = Field(description="Since when its password holds.")
    next_issued_at: Instant | None = Field(
        description="When a password was handed out that is not in force yet."
    )
    revoked_at: Instant | None
    state: Presence
    seen_at: Instant | None
    cloned_at: Instant | None = Field(description="When two machines were last seen under its name.")


class BrokerTold(Shown):
    """Whether the broker knows what stands here."""

    is_configured: bool = Field(description="Without `enrolment` in cloud.yaml no code can be made.")
    is_up_to_date: bool
    complaint: str | None = Field(description="Why it could not be told.")


class AccessShown(Shown):
    """All gateways of a site."""

    items: list[GatewayAccess]
    broker: BrokerTold


class CodeShown(Shown):
    """A one-time code; it is shown this once."""

    code: str = Field(examples=["K7QF-3M9X-PW4T"])
    expires_at: Instant


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Enrol(_Asked):
    """What a gateway sends to be let in."""

    code: Annotated[str, Field(min_length=1, max_length=100)]
    site: Name | None = Field(default=None, description="Who it is already: a code of another is refused.")
    gateway: Name | None = None


class Seen(_Asked):
    """What a gateway sends when it has put its password in a safe place."""

    site: Name
    gateway: Name
    password: Annotated[str, Field(min_length=1, max_length=200)]


class BrokerShown(Shown):
    """Where the broker is."""

    host: str
    port: int
    ca: str | None = Field(
        description="Certificates (PEM) that the broker's is checked against; null: no TLS."
    )


class Enrolled(Shown):
    """Who the gateway is from now on, and its password: shown this once."""

    site: str
    gateway: str
    username: str
    password: str
    broker: BrokerShown
    in_force_at: Instant = Field(description="At the latest; at once when the gateway says that it has it.")
