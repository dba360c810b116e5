"""Dossiers as the HTTP interface shows them."""

import datetime as dt
from typing import Literal

from pydantic import Field

from cloud.shown import Identity, Instant, Shown

DossierKind = Literal["attendance_trace", "incident_package"]


class DossierShown(Shown):
    """A version of what was put together about an incident or an overdue major hazard."""

    id: Identity
    kind: DossierKind
    site: str
    hazard: Identity | None
    incident: Identity | None
    version: int
    of_at: Instant = Field(description="Of the incident, or since when the hazard is overdue.")
    made_at: Instant
    author: str
    by_machine: bool = Field(description="Made by itself, because it was due.")
    sha256: str = Field(description="Hexadecimal, of what is kept.")
    bytes: int


class Dossiers(Shown):
    """The newest first."""

    items: list[DossierShown]


class AbsenceShown(Shown):
    """Days on end."""

    days: int
    first: dt.date
    last: dt.date


class PostShown(Shown):
    """A person in a key post."""

    post: str
    name: str
    present: int
    absent: int
    no_data: int = Field(description="Days of which the register says nothing: these are no absences.")
    longest_absence: AbsenceShown | None
    alarms_while_absent: int
    on_the_day: Literal["present", "absent", "no_data"]


class TraceShown(Shown):
    """A trace of attendance."""

    first: dt.date
    last: dt.date
    day: dt.date
    systems: list[str]
    posts: list[PostShown]
