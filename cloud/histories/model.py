"""Exports of histories as the HTTP interface takes and shows them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cloud.instants import Moment
from cloud.readings.levels import Level
from cloud.shown import Identity, Instant, Shown

Form = Literal["csv", "parquet"]
State = Literal["queued", "running", "done", "failed", "cancelled", "expired"]

MOST_POINTS = 200
MOST_ROWS = 20_000_000
"""Of one file: about 1.5 GB as CSV. `sitewarden cloud export` knows no such limit."""
MOST_OWN = 5
"""Of one account: under way, or with a file that is still there."""
MOST_KEPT_BYTES = 20_000_000_000
"""Of all files together: while so much is kept another one fails for want of room."""
KEPT_HOURS = 24
"""How long a file stays."""

PointName = Annotated[str, Field(max_length=128, pattern=r"^[^\x00]+$")]


class ExportWanted(BaseModel):
    """What is to be in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: list[PointName] = Field(min_length=1, max_length=MOST_POINTS)
    start: Moment = Field(alias="from", description="Included.")
    end: Moment = Field(alias="to", description="Excluded.")
    level: Level = Field(
        default="raw",
        description="`raw`: every reading, to be replayed too. Others: a row a minute, hour or UTC day.",
    )
    form: Form = "csv"


class ExportShown(Shown):
    """An export, and how far it is."""

    id: Identity
    points: list[str]
    from_: Instant = Field(alias="from")
    to: Instant
    level: Level
    form: Form
    state: State = Field(description="`expired`: the file is gone, by its age or because it was removed.")
    asked_at: Instant
    rows: int = Field(description="Written so far.")
    estimated_rows: int = Field(description="As many as there were when it was asked for; more may come.")
    ended_at: Instant | None
    expires_at: Instant | None = Field(description="The file is kept until then.")
    bytes: int | None
    sha256: str | None = Field(description="Of the file, in hexadecimal digits.")
    why: Literal["disk", "error", "lost"] | None = Field(
        description="Of one that failed. `disk`: no room; `lost`: whoever wrote it died, several times."
    )
