"""Alarms, shelves and requests as the HTTP interface and the live push show them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from cloud.instants import Moment
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
    test: bool = Field(description="Of a device on trial (试运行): no siren, no hazard, nobody is called.")
    ended: Literal["orphaned", "in_use", "trial"] | None = Field(
        description="Why it was cleared although nothing says that the danger is over: its rule or point is "
        "gone; its device was put into use; or back on trial."
    )


RequestKind = Literal["acknowledge", "shelve", "unshelve"]


class RequestShown(Shown):
    """What somebody asked of an alarm here, and what became of it."""

    id: EpisodeId
    kind: RequestKind
    episode: EpisodeId
    point: str
    rule: str
    until: Instant | None = Field(description="Of `shelve`.")
    reason: str
    by: str = Field(description="The account that asked.")
    asked_at: Instant
    sent_at: Instant | None = Field(description="When its command last went to the gateway.")
    settled_at: Instant | None = Field(description="Null while the gateway has not confirmed it.")
    outcome: Literal["done", "ended", "lapsed", "replaced"] | None = Field(
        description="It is so; the alarm had ended; its time passed unconfirmed; a later one replaced it."
    )


class ShelfShown(Shown):
    """A rule that its gateway holds back, as the gateway last said; one that is past its end has ended."""

    point: str
    rule: str
    until: Instant
    by: str = Field(description="`local`: on site.")
    reason: str
    episode: EpisodeId | None = Field(description="The rule's newest alarm, if any has come here.")
    label: TextShown | None


class Asked(Shown):
    """An alarm after something was asked of it."""

    alarm: Episode
    request: RequestShown | None = Field(description="Null where there was nothing left to ask.")


class ShelveAsked(BaseModel):
    """For how long, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    until: Moment = Field(description="At most 24 hours from now.")
    reason: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$"
        ),
    ]


class UnshelveAsked(BaseModel):
    """Why it is held back no longer, where somebody says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")
    ] = ""
