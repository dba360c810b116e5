"""Safety logs as the HTTP interface takes and shows them."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import Field

from cloud.ledger.model import Signature
from cloud.registry.model import Given, Line, Note
from cloud.shown import Instant, Shown

LogWords = Annotated[Note, Field(max_length=8000)]
LogState = Literal["coming", "draft", "signed", "none"]


class LogGiven(Given):
    """What the officer writes."""

    weather: Line = ""
    words: LogWords = ""


class LogSigned(Given):
    """That he answers for the log as he saw it."""

    signature: Signature


class AmendmentGiven(Given):
    """Something that the signed log does not say, or says wrongly."""

    words: Annotated[LogWords, Field(min_length=1)]
    signature: Signature


class LogEntry(Shown):
    """The signing, or what was added afterwards; each is signed over a hash that covers the one before."""

    seq: int
    kind: Literal["signed", "amended"]
    words: str
    at: Instant
    author: str
    hash: str = Field(description="SHA-256, hexadecimal.")


class LogLate(Shown):
    """That it was not signed when it had to be."""

    name: str = Field(description="Of the officer who had checked in; empty where nobody counts who comes.")
    at: Instant


class SafetyLog(Shown):
    """The safety log (施工安全日志) of a site's day."""

    site: str
    day: dt.date
    state: LogState = Field(
        description="Coming: the day is not over, and this is what is known of it so far."
    )
    facts: dict[str, Any] = Field(description="What the machine knows of the day.")
    drafted_at: Instant | None
    weather: str
    words: str
    version: int
    editor: str | None
    edited_at: Instant | None
    signed_by: str | None
    signed_at: Instant | None
    entries: list[LogEntry]
    late: list[LogLate]
    may_sign: bool = Field(description="Whether the caller keeps logs here.")


class LogDay(Shown):
    """A day in the list."""

    day: dt.date
    state: LogState
    signed_by: str | None
    signed_at: Instant | None
    amendments: int
    late: int = Field(description="Check-ins of officers while it was not signed.")
    alarms: int | None
    open_hazards: int | None


class LogDays(Shown):
    """A month of logs, the newest first."""

    items: list[LogDay]
    signed: int
    days: int = Field(description="Days for which there is a log.")
    late: int = Field(description="Of them those that were not signed when they had to be.")
