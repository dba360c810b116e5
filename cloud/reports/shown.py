"""Reports as the HTTP interface takes and shows them."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import Field

from cloud.ledger.model import LedgerEvent, Signature
from cloud.registry.model import Given, Line, Note
from cloud.shown import Identity, Instant, Shown, TextShown

Status = Literal["draft", "approved", "sent"]
Way = Literal["mail", "platform", "paper", "other"]


class ReportRow(Shown):
    """A report in a list."""

    report: Identity
    kind: str
    label: TextShown
    node: int | None
    site: str | None
    name: TextShown
    campaign: str
    since: Instant | None
    cut_off: Instant
    due_at: Instant | None
    versions: int
    preliminary: bool = Field(description="The last version was made before its cut-off (预报).")
    status: Status = Field(description="Of the last version: a correction is a draft again.")
    late: bool = Field(description="It was not sent when it was due.")
    sent_at: Instant | None


class ReportCheckShown(Shown):
    """Something that must hold of the numbers."""

    code: str
    ok: bool
    words: TextShown


class ReportVersionRow(Shown):
    """A version in the list of them."""

    version: int
    preliminary: bool
    made_at: Instant
    author: str
    generator: str
    words: str = Field(description="What it puts right (更正说明); empty: nothing had been approved before.")
    sha256: str
    status: Literal["draft", "approved", "sent"]


class DispatchCell(Shown):
    """An item of the dispatch table as it is printed."""

    cell: str
    no: int
    text: TextShown = Field(description="Of an official table the printed words alone, in both languages.")
    written: str = Field(description="The value as it stands in the cell.")
    behind: int = Field(description="How many records are behind it; `…/records` names them.")


class DispatchGroup(Shown):
    """A part of the dispatch table, or of the monthly report."""

    name: TextShown
    cells: list[DispatchCell]


class TableColumn(Shown):
    """A column of a table."""

    key: str
    text: str


class ReportVersion(Shown):
    """What a version says."""

    version: int
    preliminary: bool
    known_at: Instant
    made_at: Instant
    author: str
    words: str
    sha256: str
    title: str
    head: dict[str, Any]
    unit: str = Field(description="What is printed before the name of whoever hands it in.")
    date: str
    groups: list[DispatchGroup] = Field(description="Of the dispatch table; empty of other kinds.")
    notes: list[str]
    columns: list[TableColumn] = Field(description="Of a table; empty of other kinds.")
    rows: list[dict[str, Any]]
    values: dict[str, Any] = Field(description="By cell; empty of kinds that are shown in groups.")
    footer: list[TextShown]
    foot: list[str]
    checks: list[ReportCheckShown]
    changed: list[str] = Field(description="Cells that differ from the version before.")


class ReportDetail(ReportRow):
    """A report with its versions and what was done with it."""

    seq: int = Field(description="What an ETag says.")
    approved: int | None
    sent: int | None
    history: list[ReportVersionRow]
    events: list[LedgerEvent]
    shown: ReportVersion
    may_prepare: bool
    may_approve: bool


class ReportRecord(Shown):
    """A record behind a number."""

    id: str = Field(description="Of a site, a node or a device with what it is before it: `site:north`.")
    what: Literal[
        "hazard", "inspection", "enforcement", "incident", "alarm", "duty", "site", "node", "device"
    ]
    site: str | None = Field(description="At which site; null: at none.")
    on: str = Field(description="The day on which it was found, made or decided; empty: it has none.")
    called: str = Field(description="Its number, or that of its document.")
    about: str


class ReportRecords(Shown):
    """The records behind a number, those that the caller may see."""

    cell: str
    items: list[ReportRecord]
    more: int = Field(description="So many more of which only the number is said here.")
    hidden: int = Field(description="So many more that the caller may not see.")


class ReportNodeChoice(Shown):
    """A territory that the caller makes reports for."""

    node: int
    name: TextShown
    kind: str


class CampaignShown(Shown):
    """A campaign that reports count for."""

    campaign: str
    name: TextShown
    node: int
    since: Instant
    until: Instant | None
    source: TextShown


class CampaignTemplate(Shown):
    """A campaign as its circular announces it."""

    template: str
    name: TextShown
    since: str
    until: str | None
    source: TextShown


class ReportKindShown(Shown):
    """A kind of reports."""

    kind: str
    label: TextShown
    of_campaign: bool


class ReportChoices(Shown):
    """What can be made, and for whom."""

    kinds: list[ReportKindShown]
    nodes: list[ReportNodeChoice]
    campaigns: list[CampaignShown]
    templates: list[CampaignTemplate]


class ReportCalendarDay(Shown):
    """Something that is to be handed in."""

    on: str
    what: TextShown
    cut_off: str | None
    reports: list[ReportRow] = Field(description="Those that there are of that cut-off.")


class ReportCalendar(Shown):
    """What a territory is to hand in."""

    node: int
    name: TextShown
    jurisdiction: TextShown
    days: list[ReportCalendarDay]


class ReportGiven(Given):
    """A report that somebody wants made, as of now or of a past day."""

    kind: Annotated[str, Field(max_length=40)]
    node: int
    campaign: Annotated[str, Field(max_length=63)] = ""
    cut_off: Annotated[dt.date, Field(ge=dt.date(2000, 1, 1), le=dt.date(2099, 12, 31))] = Field(
        description="Everything before this day is counted."
    )


class ReportVersionGiven(Given):
    """A further version."""

    words: Note = Field(default="", description="What it puts right; needed once one was approved.")


class ReportApprovalGiven(Given):
    """That a version is right."""

    version: int
    signature: Signature


class ReportSentGiven(Given):
    """That it was handed over."""

    version: int
    way: Way
    to: Line = Field(description="To whom.")
    receipt: Line = Field(default="", description="Number of the receipt, or who took it.")
    signature: Signature


class CampaignGiven(Given):
    """A campaign that an authority runs from now on."""

    campaign: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    node: int
    template: Annotated[str, Field(max_length=63)]
    changes: dict[str, Any] = Field(default_factory=dict, description="What differs from the template.")
