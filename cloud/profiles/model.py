"""Profiles and denied models, as the HTTP interface takes and shows them."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from cloud.profiles.checking import MOST_LETTERS
from cloud.registry.model import Given, Line, Name, Said
from cloud.shown import Identity, Instant, Shown, TextShown

ProfileText = Annotated[str, Field(min_length=1, max_length=MOST_LETTERS, description="YAML.")]
Level = Literal["ok", "note", "finding"]


class ProfileAsked(Given):
    """A profile's text, to be looked at."""

    text: ProfileText


class ProfileBrought(ProfileAsked):
    """A profile's text, to be kept as a version for good."""

    reason: Said = Field(description="Why, such as: first version, from the manual's page 14.")


class Complaint(Shown):
    """What cannot be meant in a profile, and how to mend it."""

    line: int = Field(description="From 1; 0: the text as a whole.")
    field: str = Field(description="Dotted, such as points.load.register.")
    message: str
    mend: str


class PaperCheck(Shown):
    """One thing that was looked at."""

    name: str
    level: Level = Field(description="A finding stands between the device and a site.")
    says: TextShown


class ProductShown(Shown):
    """A product that a profile fits."""

    brand: str
    model: str


class ProfileSummary(Shown):
    """What a profile says of itself."""

    profile: str
    version: int
    device_kind: str
    driver: str
    verified: str = Field(description="simulator, bench or site: on what it was tried.")
    products: list[ProductShown]
    points: int


class ProfilePoint(Shown):
    """A point of a profile."""

    key: str
    kind: str
    label: TextShown
    unit: str
    place: str = Field(description="Register, byte or pointer, with its type and order.")
    scale: float
    offset: float
    range: tuple[float, float] | None
    every_ms: int


class ProfileChecked(Shown):
    """What a text came to."""

    is_sound: bool
    complaints: list[Complaint]
    checks: list[PaperCheck] = Field(description="Of a sound one: what it lacks.")
    summary: ProfileSummary | None
    points: list[ProfilePoint]
    newest: int | None = Field(description="The newest version that is kept under this name.")
    difference: list[str] = Field(description="From that one, line by line.")
    denied: list[str] = Field(description="Products of it that are not let in anywhere.")


class ProfileListed(ProfileSummary):
    """A profile in the list: its newest version."""

    origin: Literal["shipped", "brought"]
    author: str | None = Field(description="Of that version; of a shipped one nobody.")
    at: Instant | None
    is_denied: bool = Field(description="A product of it is not let in anywhere.")


class VersionListed(Shown):
    """A version that is kept."""

    version: int
    author: str | None
    at: Instant | None
    reason: str


class ProfileShown(Shown):
    """A profile in one version, and which others there are."""

    summary: ProfileSummary
    origin: Literal["shipped", "brought"]
    text: str
    points: list[ProfilePoint]
    checks: list[PaperCheck]
    versions: list[VersionListed] = Field(description="The newest first.")


class Difference(Shown):
    """What a version changed."""

    lines: list[str] = Field(description="Unified: added lines begin with +, removed ones with -.")


class DenialGiven(Given):
    """A model that is not to be let in."""

    brand: Line = Field(default="", description="Empty: any brand.")
    model: Said = Field(description="`*` stands for anything; blanks, hyphens and capitals do not matter.")
    site: Name | None = Field(default=None, description="At this site only.")
    node: int | None = Field(default=None, description="At sites below this node only.")
    reason: Said
    source: Said = Field(description="The catalogue or order, its number and page.")
    listed_on: dt.date


class DenialLifted(Given):
    """Why a model is let in again."""

    reason: Said


class DenialShown(Shown):
    """A model that is or was not let in."""

    id: Identity | None = Field(description="None: it comes with SiteWarden.")
    brand: str
    model: str
    site: str | None
    node: int | None
    reason: TextShown
    source: str
    listed_on: dt.date
    author: str | None
    at: Instant | None
    lifted_at: Instant | None
    lifted_by: str | None
    lifted_for: str | None
