"""What was brought in, as the HTTP interface shows it; and who declares that something is kept."""

import datetime as dt
from typing import Any, Literal

from pydantic import Field

from cloud.registry.model import Given
from cloud.shown import Instant, Shown, TextShown

Source = Literal[
    "inspections",
    "enterprise_checks",
    "enforcement",
    "guidance",
    "incidents",
    "attendance",
    "certificates",
    "crane_registrations",
    "safety_logs",
    "duties",
    "public_reports",
    "weather",
    "external_warnings",
]


class IntakeKindShown(Shown):
    """A kind of what may be brought in."""

    kind: str
    label: TextShown
    permission: str
    columns: list[str]


class IntakeKinds(Shown):
    """All of them."""

    items: list[IntakeKindShown]


class IntakeComplaint(Shown):
    """What is wrong in a row, and how to mend it."""

    line: int = Field(description="Of the table, or the place in the list from 1.")
    field: str
    message: TextShown
    mend: TextShown


class BroughtShown(Shown):
    """What has become of the rows, or would."""

    is_applied: bool
    added: int
    changed: int = Field(description="New versions of what was there.")
    unchanged: int
    late: int = Field(description="Came later than the jurisdiction allows.")
    wrong: int = Field(description="So many things are; where there are any, nothing is taken in.")
    errors: list[IntakeComplaint] = Field(description="The first hundred of them, by line.")


class IntakeShown(Shown):
    """Something that was brought in, as it holds now."""

    kind: str
    system: str
    external_id: str
    version: int
    body: dict[str, Any]
    late: bool
    first_received_at: Instant
    received_at: Instant


class AttendanceState(Shown):
    """Whether those in key posts are there."""

    is_declared: bool = Field(description="False: nobody keeps attendance here, and nothing is known.")
    works: bool = Field(description="A crane has worked within half an hour.")
    missing: list[str] = Field(description="Posts of which nobody has come in today.")


class OutsideShown(Shown):
    """What other systems say of a site that matters now."""

    weather: list[IntakeShown]
    late_registrations: list[IntakeShown]
    warnings: list[IntakeShown]
    certificates: list[IntakeShown]
    permits: list[IntakeShown] = Field(description="Of whoever has no certificate in force.")
    attendance: AttendanceState


class SourceGiven(Given):
    """That something is kept whole for a territory or an enterprise."""

    source: Source
    node: int
    since: dt.date
    until: dt.date | None = None


class SourceShown(Shown):
    """A declaration."""

    source: Source
    node: int
    node_name: TextShown
    since: dt.date
    until: dt.date | None
    declared_at: Instant
    author: str


class Sources(Shown):
    """Those of the nodes that the caller sees."""

    items: list[SourceShown]
    nodes: list["SourceNode"] = Field(description="For which the caller may declare.")


class SourceNode(Shown):
    """A node of the trees."""

    node: int
    name: TextShown
    kind: str
