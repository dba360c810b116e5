"""Enrolment as the HTTP interface takes and shows it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cloud.registry.model import Name
from cloud.shown import Instant, Shown
from cloud.sites.model import Presence

Standing = Literal["not_enrolled", "handed_out", "enrolled", "expired", "revoked", "retired"]


class GatewayAccess(Shown):
    """A gateway of the site, and how it stands with being let in."""

    id: str
    note: str
    standing: Standing = Field(
        description="Not enrolled: a password, if any, was made by hand. Handed out: its password is not "
        "in force yet, or it has not said that it has its certificate. Expired: its certificate has ended."
    )
    code_expires_at: Instant | None = Field(description="Of a code that may still be used.")
    issued_at: Instant | None = Field(description="Since when its password or certificate holds.")
    next_issued_at: Instant | None = Field(
        description="When a password or certificate was handed out that is not in force yet."
    )
    certificate_ends_at: Instant | None = Field(
        description="Until when the certificate in force holds; null: it has a password, or nothing."
    )
    revoked_at: Instant | None
    state: Presence
    seen_at: Instant | None
    cloned_at: Instant | None = Field(description="When two machines were last seen under its name.")


class BrokerTold(Shown):
    """Whether the broker knows what stands here."""

    is_configured: bool = Field(description="Without `enrolment` in cloud.yaml no code can be made.")
    by_certificate: bool = Field(description="Whoever is enrolled gets a certificate, not a password.")
    is_up_to_date: bool
    complaint: str | None = Field(description="Why it could not be told.")


class AccessShown(Shown):
    """All gateways of a site."""

    items: list[GatewayAccess]
    broker: BrokerTold


class CertificateShown(Shown):
    """A certificate that a gateway was given."""

    serial: str = Field(description="In hexadecimal, as openssl and the broker's log have it.")
    issued_at: Instant
    ends_at: Instant
    seen_at: Instant | None = Field(description="Since when the gateway is known to have it.")
    ended_at: Instant | None = Field(description="From then on the broker refuses it.")
    ended_by: Literal["revoked", "replaced"] | None


class CertificatesShown(Shown):
    """Every certificate of a gateway, the newest first."""

    items: list[CertificateShown]


class CodeShown(Shown):
    """A one-time code; it is shown this once."""

    code: str = Field(examples=["K7QF-3M9X-PW4T"])
    expires_at: Instant


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Pem = Annotated[str, Field(min_length=1, max_length=8_000)]
Serial = Annotated[str, Field(pattern=r"^[0-9A-F]{1,40}$")]
Signature = Annotated[str, Field(min_length=1, max_length=400)]


class Enrol(_Asked):
    """What a gateway sends to be let in."""

    code: Annotated[str, Field(min_length=1, max_length=100)]
    site: Name | None = Field(default=None, description="Who it is already: a code of another is refused.")
    gateway: Name | None = None
    request: Pem | None = Field(
        default=None,
        description="A request for a certificate (PKCS #10, PEM); the key stays on the gateway. "
        "A cloud that lets gateways in by passwords takes no notice of it.",
    )


class Seen(_Asked):
    """What a gateway sends when it has put its password in a safe place."""

    site: Name
    gateway: Name
    password: Annotated[str, Field(min_length=1, max_length=200)]


class SeenCertificate(_Asked):
    """What a gateway sends when it has put its certificate in a safe place, or has logged in by it."""

    serial: Serial
    signature: Signature = Field(
        description="Over `sitewarden seen` and the serial, by the certificate's key."
    )


class Renew(_Asked):
    """What a gateway sends for its next certificate."""

    serial: Serial = Field(description="Of the certificate that it has.")
    request: Pem
    signature: Signature = Field(
        description="Over `sitewarden renewal`, the serial and the request, by the key that it has."
    )


class BrokerShown(Shown):
    """Where the broker is."""

    host: str
    port: int
    ca: str | None = Field(
        description="Certificates (PEM) that the broker's is checked against; null: no TLS."
    )


class Issued(Shown):
    """A certificate for the key of the request."""

    certificate: str = Field(description="PEM")
    serial: str
    ends_at: Instant


class Enrolled(Shown):
    """Who the gateway is from now on, and what it logs in by, shown this once."""

    site: str
    gateway: str
    username: str
    password: str | None
    certificate: Issued | None
    broker: BrokerShown
    in_force_at: Instant = Field(description="At the latest; at once when the gateway says that it has it.")
