"""A hazard filed by a person, as the HTTP interface takes it."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from cloud.complaints import complaint
from cloud.hazards.acts import At, ClauseGiven, Given, HandledGiven, Maybe, SignatureGiven, Words
from cloud.hazards.filing_words import filing_words
from cloud.registry.model import Line, Name
from cloud.shown import Identity, Instant, Shown, TextShown


def _category(name: str) -> str:
    if name not in filing_words().categories:
        raise complaint("no-such-category", "is no category of hazards")
    return name


def _accident(name: str) -> str:
    if name not in filing_words().accidents:
        raise complaint("no-such-accident", "is no kind of accident")
    return name


def _detail(name: str) -> str:
    if name not in filing_words().details:
        raise complaint("no-such-detail", "is no way in which hazards come to light")
    return name


def _once(photos: list[str]) -> list[str]:
    if len(set(photos)) < len(photos):
        raise complaint("said-twice", "names something twice")
    return photos


Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class HazardGiven(Given):
    """What somebody has found."""

    category: Annotated[str, Field(max_length=40), AfterValidator(_category)]
    content: Words
    potential_accident: Annotated[str, Field(max_length=40), AfterValidator(_accident)]
    device: Name | None = None
    location: Line = Field(default="", description="Where, in words; needed where no device is named.")
    source_detail: Annotated[str, Field(max_length=40), AfterValidator(_detail)]
    level: Literal["general", "major"] = Field(
        default="general", description="As who files it sees it; of whoever may not judge it is a proposal."
    )
    clause: ClauseGiven | None = Field(default=None, description="Basis of a major hazard (判定依据).")
    handled: HandledGiven | None = Field(
        default=None, description="Under a clause in two parts: whether it was handled in time."
    )
    reason: Maybe = ""
    detected_at: At | None = Field(default=None, description="When it was seen; now where none is given.")
    photos: Annotated[list[Sha256], Field(max_length=12), AfterValidator(_once)] = Field(
        default=[], description="Of photos that were put here before, by what their bytes are."
    )
    judge: bool = Field(
        default=True,
        description="An inspector's own finding is judged with it; false: it waits for judgement.",
    )
    distinct: bool = Field(
        default=False, description="It is another danger than the open one of the same place and category."
    )
    inspection: UUID | None = Field(default=None, description="The inspection that it is a finding of.")
    drill: bool = Field(default=False, description="An exercise (演练): neither reported nor counted.")
    signature: SignatureGiven


class FiledShown(Shown):
    """The record that was opened."""

    id: Identity
    number: str
    status: Literal["candidate", "confirmed"]
    level: Literal["general", "major_proposed", "major"]
    opened_at: Instant


class StagedPhoto(Shown):
    """A photo that waits to be filed."""

    sha256: str
    bytes: int
    media_type: str
    at: Instant


class StagedPhotos(Shown):
    """The caller's, of a site."""

    items: list[StagedPhoto]


class Choice(Shown):
    """Something to choose in the form."""

    name: str
    label: TextShown


class DetailChoice(Choice):
    """How it came to light, and how many photos that asks for."""

    photos: int


class FilingDevice(Shown):
    """A device that it may be of."""

    device: str
    name: TextShown


class FilingChoices(Shown):
    """What the form offers whoever asks, at this site."""

    categories: list[Choice]
    accidents: list[Choice]
    details: list[DetailChoice]
    devices: list[FilingDevice]
    judges: list[Literal["general", "major"]] = Field(
        description="Levels that his own finding is confirmed with at once."
    )
    source: TextShown
