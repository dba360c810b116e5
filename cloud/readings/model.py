"""Values and series as the HTTP interface shows them."""

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


class Series(Shown):
    """A point over time, in columns; a null between two instants is a gap."""

    point: str
    unit: str
    from_ms: int
    to_ms: int
    bucket_ms: int = Field(description="How much time a row gathers; 0 where every reading is a row.")
    t: list[int] = Field(description="UTC milliseconds, ascending.")
    min: list[float | None]
    max: list[float | None]
    raw: bool
