"""Incidents as the HTTP interface takes and shows them."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from cloud.instants import Moment
from cloud.ledger.model import LedgerEvent, Signature
from cloud.registry.model import Given, Line, Name, Note, Said
from cloud.shown import Identity, Instant, Shown, TextShown

Kind = Literal["near_miss", "non_fatal", "fatal"]
"""Which ledger: 险情, 非亡人事故, 亡人事故."""
Status = Literal["open", "closed"]
Lesson = Literal["cause", "responsible", "measures", "education"]
"""The four that are not let go (四不放过)."""
LESSONS: tuple[Lesson, ...] = ("cause", "responsible", "measures", "education")

_Text = Annotated[Note, Field(min_length=1)]
Persons = Annotated[int, Field(ge=0, le=10_000)]


class FirstReport(Given):
    """To whom it was told, and how."""

    to: Said = Field(examples=["某县住房和城乡建设局"])
    how: Line = Field(default="", examples=["电话"])
    at: Moment


class IncidentGiven(Given):
    """What has happened, as far as it is known: short, for it is written in haste."""

    kind: Kind
    what: _Text
    place: Line = ""
    device: Name | None = None
    occurred_at: Moment
    killed: Persons = 0
    injured: Persons = 0
    missing: Persons = 0
    reported: FirstReport | None = None
    drill: bool = Field(default=False, description="An exercise (演练): kept, marked, and never counted.")


class Report(Given):
    """It was told to an authority (首报)."""

    act: Literal["report"]
    reported: FirstReport


class Correct(Given):
    """More is known, or something was wrong: what is not given stays."""

    act: Literal["correct"]
    reason: _Text
    kind: Kind | None = None
    what: _Text | None = None
    place: Line | None = None
    occurred_at: Moment | None = None
    killed: Persons | None = None
    injured: Persons | None = None
    missing: Persons | None = None


class SubmitDetails(Given):
    """The details (详细信息), as they were handed in."""

    act: Literal["submit_details"]
    course: _Text = Field(description="How it came to pass.")
    measures: _Text = Field(description="What was done at once.")
    loss_wan: Annotated[float, Field(ge=0, le=1e8)] | None = Field(
        default=None, description="Direct loss, in ten thousand yuan (直接经济损失)."
    )
    receipt: Line = Field(default="", description="Number that the receiving platform gave.")
    signature: Signature


class Learn(Given):
    """One of the four that are not let go (四不放过), with what shows it."""

    act: Literal["learn"]
    lesson: Lesson
    text: _Text


class Close(Given):
    """All that must follow has followed."""

    act: Literal["close"]
    note: _Text
    signature: Signature


Act = Annotated[Report | Correct | SubmitDetails | Learn | Close, Field(discriminator="act")]


class FirstReportShown(Shown):
    """To whom it was told."""

    to: str
    how: str
    at: Instant
    by: str


class DetailsShown(Shown):
    """The details that were handed in."""

    course: str
    measures: str
    loss_wan: float | None
    receipt: str
    at: Instant
    by: str
    in_time: bool


class LessonShown(Shown):
    """One of the four."""

    lesson: Lesson
    text: str
    at: Instant
    by: str


class ClockShown(Shown):
    """By when something is due; `settled_at`: it was done, or the time has passed."""

    kind: Literal["first_report", "details_warning", "details"]
    due_at: Instant
    settled_at: Instant | None


class IncidentListed(Shown):
    """An incident in a list."""

    id: Identity
    number: str
    site: str
    site_name: TextShown
    time_zone: str
    mode: Literal["live", "drill"]
    kind: Kind
    status: Status
    what: str
    place: str
    device: str | None
    hazard: Identity | None
    occurred_at: Instant
    filed_at: Instant
    killed: int
    injured: int
    missing: int
    overdue: bool = Field(description="Something of it was not done in time, or is not.")
    next_due_at: Instant | None = Field(description="The next of its clocks that runs.")
    lessons: int = Field(description="How many of the four are done.")


class UnmetShown(Shown):
    """What is in the way of closing it."""

    code: str
    zh: str
    en: str


class IncidentShown(IncidentListed):
    """All of an incident."""

    filed_by: str
    reports: list[FirstReportShown]
    details: DetailsShown | None
    learnt: list[LessonShown]
    clocks: list[ClockShown]
    closing: list[UnmetShown] = Field(description="What is in the way of closing; empty where nothing is.")
    may: list[str] = Field(description="Acts that the caller may do by his roles.")
    events: list[LedgerEvent]
    version: int


class IncidentCounts(Shown):
    """The three ledgers in numbers; exercises are not in them."""

    near_miss: int
    non_fatal: int
    fatal: int
    open: int
    overdue: int


def latest(now: dt.datetime) -> dt.datetime:
    """No incident is of later: a phone's clock may be a little ahead."""
    return now + dt.timedelta(minutes=5)
