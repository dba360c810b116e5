"""What a ledger's event looks like over HTTP, and how a person signs."""

from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from cloud.database import Row
from cloud.shown import Instant, Shown


class Signature(BaseModel):
    """That a person answers for it: his password opens his own key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    password: SecretStr = Field(min_length=1, max_length=1000)


class LedgerEvent(Shown):
    """Something that was done; each event's hash covers the one before."""

    seq: int
    at: Instant
    actor: str
    role: str = Field(description="In which the person acted; empty where the machine did.")
    kind: str
    body: dict[str, Any]
    is_signed: bool
    hash: str = Field(description="SHA-256, hexadecimal.")


def event_shown(row: Row) -> LedgerEvent:
    """A row of `EVENTS`."""
    record: dict[str, Any] = msgspec.json.decode(row["record"])
    fields = {name: record[name] for name in ("seq", "at", "actor", "role", "kind", "body")}
    return LedgerEvent(**fields, is_signed=row["is_signed"], hash=row["hash"].hex())
