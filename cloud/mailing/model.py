"""What is handed in by mail, as the HTTP interface takes and shows it."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from cloud.notices.model import Address, State
from cloud.registry.model import Given
from cloud.shown import Identity, Instant, Shown

Format = Literal["xlsx", "csv"]


class _Addressed(Given):
    channel: UUID = Field(description="The channel by mail whose server sends it.")
    recipients: Annotated[list[Address], Field(max_length=20)] = Field(
        default=[], description="Empty: those of the channel."
    )


class ReportMailingGiven(_Addressed):
    """That a version of a report is to be sent."""

    version: int
    format: Format = Field(default="xlsx", description="csv: as one table.")


class DossierMailingGiven(_Addressed):
    """That a dossier is to be sent."""


class MailingShown(Shown):
    """Something that was given to a mail server, or is to be."""

    id: Identity
    version: int | None = Field(description="Of the report; null: it is a dossier.")
    name: str = Field(description="Of the file.")
    recipients: list[str]
    channel_name: str
    state: State = Field(
        description="Sent: the mail server took it for everybody. Unknown: handed over, and no answer "
        "came; it may have arrived."
    )
    code: str
    answer: str = Field(description="What the mail server said.")
    tries: int
    made_at: Instant
    tried_at: Instant | None
    author: str
    sha256: str = Field(description="Hexadecimal, of what is kept.")
    file_sha256: str | None = Field(description="Of the file as the mail server took it.")


class MailChannel(Shown):
    """A channel that it can be sent by."""

    id: Identity
    name: str
    sender: str
    recipients: list[str]


class Mailings(Shown):
    """The newest first, and by what more can be sent."""

    items: list[MailingShown]
    channels: list[MailChannel] = Field(description="Empty also where the caller may send nothing.")
    tells: bool = Field(description="False: a demo or a replay, which sends nothing.")
