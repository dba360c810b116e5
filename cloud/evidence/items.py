"""An item of evidence, as guards judge by it. Pure."""

import datetime as dt
from typing import Literal
from uuid import UUID

import msgspec

Kind = Literal["series", "photo", "video", "document", "still", "device_file", "rule", "configuration"]
Stage = Literal["found", "before", "after", "review", "judgement"]


class EvidenceItem(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an item; its bytes rest apart."""

    id: UUID
    kind: Kind
    stage: Stage
    sha256: str
    """Hexadecimal, of the bytes as they are kept."""
    at: dt.datetime
    """When it was put there."""
    account_id: int | None
    """Who did; `None`: the machine."""

    @property
    def is_of_person(self) -> bool:
        """Whether a person brought it."""
        return self.account_id is not None
