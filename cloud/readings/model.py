"""Values and series as the HTTP interface shows them."""

from typing import Literal

from pydantic import Field

from cloud.shown import Shown


class LastGood(Shown):
    """What a point said last that could be believed."""

    at_ms: int = Field(description="Source time, UTC milliseconds.")
    value: float


class Value(Shown):
    """The newest reading of a point."""

    at_ms: int = Field(description="Source time, UTC milliseconds.")
    value: float | None
    quality: str = Field(examples=["good", "timeout"])
    last: LastGood | None = Field(
        default=None, description="The last good reading, where this one is not good and there ever was one."
    )


class Values(Shown):
    """The newest reading of every point of a site."""

    now_ms: int
    values: dict[str, Value]


class Gap(Shown):
    """Readings that a gateway took and had to give up."""

    from_ms: int
    to_ms: int
    lost: int = Field(description="How many; 0 where nobody can say.")
    reason: Literal["thinned", "evicted", "damaged", "disk"]


class Alarmed(Shown):
    """An alarm of the point."""

    id: str
    rule: str
    level: int = Field(description="From 1, a hint, to 4, the gravest.")
    from_ms: int
    to_ms: int | None = Field(description="Null while it stands.")


class Series(Shown):
    """A point over time, in columns of one length; a null between two instants is a gap."""

    point: str
    unit: str
    from_ms: int
    to_ms: int
    level: Literal["raw", "minute", "hour", "day"] = Field(description="What the rows are made of.")
    computed_to_ms: int | None = Field(
        description="Up to there the level is kept: only readings that come late still change it."
    )
    bucket_ms: int = Field(
        description="How much time a row gathers, a multiple of the level; 0 where every reading is a row."
    )
    t: list[int] = Field(description="UTC milliseconds, ascending; of a bucket its beginning.")
    min: list[float | None]
    max: list[float | None]
    first: list[float | None]
    last: list[float | None]
    n: list[int] = Field(description="How many readings a row has; 0 for a row that only marks a gap.")
    good: list[int] = Field(description="How many of them are good.")
    quality: list[str] = Field(
        description="Of each reading, such as `good` or `timeout`; empty texts for buckets."
    )
    gaps: list[Gap] = Field(description="What the gateway has told of readings lost, at most 500.")
    alarms: list[Alarmed] = Field(
        description="The point's alarms that reach into the span, the newest 200, newest first."
    )
    raw: bool
