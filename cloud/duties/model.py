"""Duties as the HTTP interface takes and shows them."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from cloud.complaints import complaint
from cloud.duties.due import State
from cloud.duties.kinds import kinds
from cloud.hazards.patterns import PatternRecord
from cloud.jurisdictions.model import Frequency
from cloud.registry.model import Given, Line, Name, Note, Words
from cloud.shown import Identity, Instant, Shown, TextShown


def _known(kind: str) -> str:
    if kind not in kinds().duties:
        raise complaint("no-such-duty", "is no kind of duty")
    return kind


DutyKind = Annotated[str, Field(max_length=40), AfterValidator(_known)]


class PeriodShown(Shown):
    """A period of a duty."""

    since: dt.date
    until: dt.date
    state: State = Field(description="Unknown: nobody was declared to keep what would show it.")
    done_on: list[dt.date]


class DutyShown(Shown):
    """What somebody owes, and how often it was done."""

    kind: str
    label: TextShown
    who: TextShown
    node: int | None
    site: str | None
    level: str
    frequency: Frequency
    required: int
    done: int
    missed_days: list[dt.date] = Field(description="The last day of each period without it.")
    source_declared: bool = Field(description="Else what is not there is unknown, and not missed.")
    periods: list[PeriodShown]


class DutiesShown(Shown):
    """The duties of a place."""

    source: TextShown
    items: list[DutyShown]


class DutyChoice(Shown):
    """A kind of duty, for forms."""

    kind: str
    label: TextShown
    owed_by: str


class DutyChoices(Shown):
    """All of them."""

    items: list[DutyChoice]


class MissingShown(Shown):
    """Something that nobody has looked at."""

    id: str
    name: TextShown
    site: str | None
    serial_no: str


class ShareShown(Shown):
    """How many of how many."""

    looked_at: int | None = Field(description="Null where nobody was declared to keep it.")
    all: int
    missing: list[MissingShown]
    source_declared: bool


class CoverageShown(Shown):
    """How far a round of full coverage has come."""

    no: int
    what: TextShown
    since: dt.date
    until: dt.date
    days_left: int
    enterprises: ShareShown
    projects: ShareShown
    devices: ShareShown


class CoverageAnswer(Shown):
    """The round of a day; none where the territory has none."""

    round: CoverageShown | None


class DutyDoneGiven(Given):
    """A duty that was done."""

    kind: DutyKind
    site: Name | None = Field(default=None, description="Whose duty it was: a site …")
    node: int | None = Field(default=None, description="… or an enterprise or authority.")
    day: dt.date
    words: Annotated[Note, Field(min_length=1)] = Field(description="What was done, and who took part.")


class DutyDoneCorrected(DutyDoneGiven):
    """The same put right as a whole; what it said before stays."""

    reason: Annotated[Note, Field(min_length=1)]
    withdrawn: bool = False


class DutyPhoto(Shown):
    """A photo of it."""

    sha256: str
    media_type: str
    at: Instant


class DutyDone(Shown):
    """A duty as it was recorded."""

    id: Identity
    seq: int
    kind: str
    site: str | None
    node: int | None
    day: dt.date
    words: str
    withdrawn: bool
    reason: str
    at: Instant
    author: str
    photos: list[DutyPhoto] = Field(default_factory=list)


class DutyDoneListed(DutyDone):
    """The same among others."""

    label: TextShown
    who: TextShown


class DutiesDone(Shown):
    """Duties that were recorded."""

    items: list[DutyDoneListed]
    may_record: bool = Field(description="For the place itself.")


class ThemeGiven(Given):
    """What is looked for in a month (一月一主题)."""

    name: Words
    checklist: Annotated[list[Line], Field(max_length=100)] = Field(default_factory=list)


class Theme(Shown):
    """A theme and how far it has come."""

    node: int
    node_name: TextShown
    month: dt.date
    code: str
    name: TextShown
    checklist: list[str]
    version: int
    projects: int = Field(description="In progress in that month, below the node.")
    checked: int | None = Field(description="Of them; null where nobody was declared to keep inspections.")
    missing: list[MissingShown]
    hazards: int = Field(description="Found by inspections that name the theme.")
    fixed: int


class ThemesShown(Shown):
    """Themes of a year."""

    items: list[Theme]


class ThemeProposal(Shown):
    """A theme that hazards suggest."""

    code: str
    name: TextShown
    checklist: list[str]
    why: TextShown
    times: int
    records: list[PatternRecord]
    set_for: dt.date | None = Field(description="The last month for which somebody has set it; null: none.")


class ThemeProposals(Shown):
    """The most frequent first; none is set by itself."""

    items: list[ThemeProposal]


class DrawGiven(Given):
    """A random draw (双随机) among the enterprises and projects of an authority."""

    node: int
    seed: Annotated[Line, Field(min_length=1)] | None = Field(
        default=None, description="Such as drawn in public; without it one is made."
    )


class DrawPart(Shown):
    """What was drawn from what."""

    fraction: float
    all: list[str]
    drawn: list[str]


class Draw(Shown):
    """A draw that anybody can make again from its seed."""

    id: Identity
    node: int
    seed: str
    enterprises: DrawPart
    projects: DrawPart
    at: Instant
    author: str


class Draws(Shown):
    """The newest first."""

    items: list[Draw]
    owed_a_year: int
    method: str


class Counts(Shown):
    """How many units stand how."""

    done: int = 0
    due: int = 0
    missed: int = 0
    unknown: int = 0


class Entry(Shown):
    """Something of a day."""

    on: dt.date
    since: dt.date | None = Field(description="First day of what ends on that day.")
    kind: Literal["duty", "return", "round", "inspection", "theme", "phase", "log", "rota"]
    code: str
    title: TextShown
    state: Literal["done", "due", "missed", "unknown", "noted"]
    counts: Counts | None = Field(description="Where several units owe it.")
    missing: list[TextShown] = Field(description="Who has not done it; twenty at most.")
    link: str = Field(description="Address of the page that shows it; empty: this one does.")


class DutyCalendar(Shown):
    """A month of a place."""

    month: dt.date
    today: dt.date
    jurisdiction: TextShown
    entries: list[Entry]
