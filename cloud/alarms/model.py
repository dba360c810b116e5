"""An episode as the HTTP interface and the live push show it."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field

from cloud.shown import Identity, Instant, Shown, TextShown


class BasisShown(Shown):
    """Where a limit comes from."""

    clause: str
    source: str
    confidence: str


def _hexadecimal(value: Any) -> Any:
    return value.hex if isinstance(value, UUID) else value


EpisodeId = Annotated[str, BeforeValidator(_hexadecimal)]
"""32 hexadecimal digits, as the gateway minted them."""


class Episode(Shown):
    """One alarm from its raise to its clear."""

    id: EpisodeId
    site: str
    device: str
    point: str
    kind: str
    rule: str
    rule_version: int
    family: str
    level: int = Field(ge=1, le=4, description="1 提示, 2 预警, 3 报警, 4 危急.")
    label: TextShown
    value: float = Field(description="At the raise.")
    peak: float = Field(description="The worst so far.")
    limit: float
    unit: str
    raised_at: Instant
    acknowledged_at: Instant | None = Field(
        description="When somebody said that they know of it; the danger may stand."
    )
    acknowledged_by: str = Field(description="Who did, as the gateway knows them; empty while nobody has.")
    cleared_at: Instant | None
    received_at: Instant
    mode: Literal["live", "test", "drill", "replay"]
    clock: str
    basis: BasisShown
    hazard: Identity | None = Field(description="The hazard record that it belongs to.")
    late: bool = Field(description="It reached the cloud more than a minute after its raise.")
