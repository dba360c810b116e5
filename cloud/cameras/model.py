"""Cameras as the HTTP interface shows them."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from cloud.shown import Identity, Instant, Shown, TextShown

Verdict = Literal["right", "wrong", "unclear"]
Instead = Literal["helmet", "nothing"]
"""What a wrong alarm on a bare head shows: a head with its helmet on, or no head at all."""


class HeadShown(Shown):
    """A head that the camera follows now."""

    track: int = Field(description="Ends with the track; nobody is known again.")
    box: tuple[float, float, float, float] = Field(
        description="Left, top, right, bottom as shares of the picture's width and height."
    )
    state: Literal["helmet", "bare", "unknown"]
    zones: list[str]


class SightShown(Shown):
    """What a camera sees now: boxes, no picture."""

    at: Instant | None = Field(description="Null where nothing has come since somebody began to watch.")
    until: Instant = Field(description="So long the gateway goes on telling; ask again before.")
    heads: list[HeadShown]


class ViewShown(Shown):
    """The newest picture of a camera's view that is here."""

    picture: Identity = Field(description="Its bytes are at `pictures/{picture}/file`.")
    sha256: str = Field(description="Hexadecimal; by this it is accepted.")
    at: Instant = Field(description="When it was taken.")
    unredacted: bool = Field(description="Heads can be recognised; the site has it so.")
    newer_awaited: bool = Field(
        description="Its gateway has a newer one, which is on its way: only that one can be accepted."
    )


class ViewAcceptedGiven(BaseModel):
    """Why a view that has moved is right as a picture shows it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] = Field(
        description="Of the picture that was looked at: the view on it becomes the right one, and no other."
    )
    reason: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True, min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$"
        ),
    ] = Field(description="Such as: the stockpile has grown, outlines fit.")


class ViewAccepted(Shown):
    """Somebody has looked at a view that has moved, and says that it is right."""

    id: Identity
    picture: Identity = Field(description="What was looked at; kept as long as pictures are.")
    sha256: str = Field(description="Of that picture, hexadecimal.")
    author: str
    at: Instant
    until: Instant = Field(description="So long its gateway is told, while the camera says `moved`.")
    reason: str


class AlarmReviewGiven(BaseModel):
    """What somebody thinks of a camera's alarm, having looked at its picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: Verdict = Field(description="`wrong`: there was nobody, or the helmet was on.")
    note: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")
    ] = ""
    shows: Instead | None = Field(
        default=None,
        description="Of `wrong` alone, what there was instead of a bare head: a helmet was on, or no head "
        "was there. A site's own training learns from it.",
    )

    @model_validator(mode="after")
    def _only_of_wrong(self) -> Self:
        if self.shows is not None and self.verdict != "wrong":
            raise ValueError("what there was instead is said of a wrong alarm")
        return self


class AlarmReview(Shown):
    """What was thought of it last."""

    verdict: Verdict
    shows: Instead | None
    note: str
    author: str
    at: Instant


class CameraAlarm(Shown):
    """An alarm of a camera, to be looked at by people."""

    episode: Identity
    device: str
    camera: TextShown
    point: str
    kind: str
    rule: str
    level: int
    label: TextShown
    raised_at: Instant
    cleared_at: Instant | None
    hazard: Identity | None
    review: AlarmReview | None


class CameraFigures(Shown):
    """How far a camera can be believed, from what people said of its alarms in a span."""

    device: str
    camera: TextShown
    alarms: int
    right: int
    wrong: int
    unclear: int
    false_share: float | None = Field(description="Wrong of right and wrong, 0 to 1; null of none.")
    false_low: float | None = Field(description="Lower bound of its 95 % interval (Wilson).")
    false_high: float | None
    coverage: float | None = Field(
        description="% of heads large enough to judge, as the gateway told last; null where it told nothing."
    )
    unknown: float | None = Field(description="% of tracks that could not be judged, as told last.")
