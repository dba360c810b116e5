"""Evidence as the HTTP interface shows it."""

from typing import Any

from pydantic import Field

from cloud.evidence.items import Kind, Stage
from cloud.shown import Identity, Instant, Shown


class EvidenceItemShown(Shown):
    """A photo, a film, a paper, or what the machine kept; never changed, never removed."""

    id: Identity
    hazard: Identity = Field(description="Of a record that was merged into this one, that one.")
    kind: Kind
    stage: Stage = Field(description="What it was brought for: found, before, after, review, judgement.")
    sha256: str = Field(description="Hexadecimal, of the bytes as they are kept.")
    bytes: int
    media_type: str
    name: str
    note: str
    about: dict[str, Any] = Field(
        description="`taken_out`: bytes of metadata, such as the place, taken out of a photo before it "
        "was kept. Of a series `from`, `to`, `readings` and `missing_s` by point."
    )
    author: str = Field(description="`sitewarden`: the machine.")
    at: Instant


class EvidenceAwaited(Shown):
    """The readings around the alarm, which are frozen once all are here."""

    start: Instant = Field(serialization_alias="from")
    end: Instant = Field(serialization_alias="to")


class EvidenceShown(Shown):
    """All that belongs to a record, the oldest first."""

    items: list[EvidenceItemShown]
    awaited: EvidenceAwaited | None = Field(description="Null where nothing is still to come by itself.")
