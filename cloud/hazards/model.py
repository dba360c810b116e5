"""A hazard record as the HTTP interface and the live push show it."""

from typing import Any, Literal

from pydantic import Field

from cloud.accounts.roles import Side
from cloud.alarms.model import Episode, EpisodeId
from cloud.hazards.record import Level, Signal, Status
from cloud.hazards.record_model import ActShown, RecordShown
from cloud.shown import Identity, Instant, Shown, TextShown


class ClauseShown(Shown):
    """A clause of the judgement standard for major hazards; a proposal, a person judges."""

    edition: str
    id: str
    text: str


class HazardFacts(Shown):
    """What list and detail have in common."""

    id: Identity
    number: str
    site: str
    device: str | None = Field(description="Null: filed by a person, who names a place instead.")
    category: TextShown
    family: str
    level: Level
    status: Status
    content: TextShown
    potential_accident: TextShown
    clause: ClauseShown | None
    also: list[ClauseShown] = Field(description="The same danger in other editions of the standard.")
    handling_due_at: Instant | None = Field(
        description="By when it must be handled, under a clause in two parts; later it is suspected major."
    )
    signal: Signal
    opened_at: Instant
    detected_at: Instant
    last_episode_at: Instant
    worst_level: int = Field(ge=1, le=4)
    mode: Literal["live", "drill"] = Field(description="A drill's is marked, neither reported nor counted.")


class Hazard(HazardFacts):
    """A hazard record in lists and in the live push."""

    episodes: int = Field(description="How many alarms belong to it.")


class HazardEvent(Shown):
    """Something that was done to the record; each event's hash covers the one before."""

    seq: int
    at: Instant
    actor: str
    kind: str
    body: dict[str, Any]
    role: str | None = Field(default=None, description="In which role a person acted.")
    side: Side | None = Field(default=None, description="And on whose side.")
    status: Status = Field(description="Of the record, right after it.")
    level: Level = Field(description="Likewise.")
    signed: bool = Field(description="Whether a person's own key has signed it.")
    hash: str = Field(
        description="SHA-256, hexadecimal, over the previous hash and this event's canonical JSON."
    )


class EvidenceSeries(Shown):
    """The readings of one point around an alarm, in columns."""

    point: str
    t: list[int] = Field(description="UTC milliseconds.")
    x: list[float | None]
    q: list[str]


class Evidence(Shown):
    """What was measured around one alarm."""

    episode: EpisodeId
    series: list[EvidenceSeries]


class HazardDetail(HazardFacts):
    """A hazard record with everything that belongs to it."""

    version: int = Field(description="As the ETag says it.")
    record: RecordShown = Field(description="Its life so far.")
    acts: list[ActShown] = Field(description="What its state allows, and whether the caller may.")
    profile: str | None = Field(description="By which the device was read when the record was opened.")
    profile_version: int | None
    episodes: list[Episode]
    events: list[HazardEvent]
    evidence: list[Evidence]
