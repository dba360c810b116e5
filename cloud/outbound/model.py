"""What is handed on, as the HTTP interface takes and shows it."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, model_validator

from cloud.complaints import complaint
from cloud.hazards.acts import Given, Maybe, Words
from cloud.outbound.addresses import can_be_sent_to
from cloud.outbound.packages import Kind
from cloud.registry.model import Said
from cloud.shown import Identity, Instant, Shown

State = Literal["waiting", "sending", "sent", "accepted", "rejected", "unknown"]


def _address(url: str) -> str:
    if url and not can_be_sent_to(url):
        raise complaint("no-address", "is no address; write it like https://platform.example.com/take")
    return url


class ConnectorGiven(Given):
    """Where packages go, which, and in whose words."""

    name: Said
    kind: Literal["file", "http"]
    node: int | None = Field(default=None, description="What lies in it is handed on; null: everything.")
    wants: Annotated[list[Kind], Field(min_length=1, max_length=6)]
    url: Annotated[str, Field(max_length=500), AfterValidator(_address)] = ""
    key: SecretStr | None = Field(
        default=None, max_length=200, description="Packages are signed with it; null: as it was."
    )
    mapping: str = Field(default="", max_length=20_000, description="YAML: their names and codes.")
    is_on: bool = True

    @model_validator(mode="after")
    def _has_address(self) -> "ConnectorGiven":
        if (self.kind == "http") != bool(self.url):
            raise complaint("address-of-http", "names an address where it is http, and else none")
        return self


class ConnectorShown(Shown):
    """A connector, and how it fares."""

    id: Identity
    name: str
    kind: Literal["file", "http"]
    node: int | None
    wants: list[str]
    url: str
    mapping: str
    has_key: bool
    is_on: bool
    since: Instant
    version: int
    failures: int
    rests_until: Instant | None
    depth: int = Field(description="Packages that have no receipt yet.")
    oldest_at: Instant | None = Field(description="Since when the oldest of those waits.")
    rejected: int
    accepted: int
    last_receipt_at: Instant | None
    last_code: str | None
    last_answer: str | None
    may_change: bool


class Outbound(Shown):
    """All connectors, and what none wants."""

    items: list[ConnectorShown]
    unclaimed: int = Field(description="Major hazards, reports … that no connector takes.")


class PackageShown(Shown):
    """A package."""

    id: Identity
    connector: Identity
    connector_name: str
    seq: int
    kind: Kind
    of: Identity
    site: str | None
    sha256: str
    state: State
    code: str
    answer: str
    attempts: int
    created_at: Instant
    tried_at: Instant | None
    settled_at: Instant | None


class PackageDetail(PackageShown):
    """A package with what it says."""

    body: dict[str, Any]
    wire: dict[str, Any] | None = Field(description="As it went out; null: it did not yet.")


class ResendGiven(Given):
    """Why it goes out again."""

    reason: Words


class ReceiptGiven(Given):
    """A receipt that came by another way, such as a number on paper."""

    result: Literal["accepted", "rejected"]
    code: Annotated[str, Field(max_length=100)] = ""
    text: Maybe = ""
