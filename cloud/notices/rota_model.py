"""Rotas as the HTTP interface takes and shows them."""

import datetime as dt
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from cloud.accounts.roles import roles
from cloud.complaints import complaint
from cloud.instants import Moment
from cloud.registry.model import Name, Said
from cloud.shown import Instant, Shown, TextShown

_Time = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["08:00"])]
LONGEST = dt.timedelta(days=366)


def _role(name: str) -> str:
    if name not in roles().roles:
        raise complaint("no-such-role", f"{name!r} is no role")
    return name


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise complaint("no-such-zone", f"{name!r} is no time zone; write it like Asia/Shanghai")
    return name


class ShiftGiven(BaseModel):
    """A person's hours on some days of the week, by local time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(min_length=1, max_length=7)] = Field(
        description="0 is Monday."
    )
    begins: _Time
    ends: _Time = Field(description="No later than it begins: of the day after.")
    account: int


class RotaGiven(BaseModel):
    """A weekly pattern."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    week: Annotated[list[ShiftGiven], Field(max_length=100)]


class RotaNew(RotaGiven):
    """A rota that is not there yet: of a site, or of a territory or enterprise with all below it."""

    site: Name | None = None
    node: int | None = None
    role: Annotated[str, AfterValidator(_role)]
    time_zone: Annotated[str, AfterValidator(_zone)] = "Asia/Shanghai"

    @model_validator(mode="after")
    def _of_one(self) -> "RotaNew":
        if (self.site is None) == (self.node is None):
            raise complaint("site-or-node", "say either a site or a node")
        return self


class OverrideGiven(BaseModel):
    """Who is on duty in place of the pattern, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    starts_at: Moment
    ends_at: Moment
    account: int | None = Field(default=None, description="Null: the hours are called off.")
    reason: Said

    @model_validator(mode="after")
    def _in_order(self) -> "OverrideGiven":
        if not self.starts_at < self.ends_at <= self.starts_at + LONGEST:
            raise complaint("not-in-order", "it must end after it begins, within a year")
        return self


class Hours(BaseModel):
    """From one instant to another."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    starts_at: Moment
    ends_at: Moment

    @model_validator(mode="after")
    def _in_order(self) -> "Hours":
        if not self.starts_at < self.ends_at <= self.starts_at + LONGEST:
            raise complaint("not-in-order", "it must end after it begins, within a year")
        return self


class SwapGiven(BaseModel):
    """Two spans whose persons change places, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    one: Hours
    other: Hours
    reason: Said

    @model_validator(mode="after")
    def _apart(self) -> "SwapGiven":
        if self.one.starts_at < self.other.ends_at and self.other.starts_at < self.one.ends_at:
            raise complaint("not-apart", "the two spans overlap")
        return self


class Candidate(Shown):
    """Somebody who holds the role there."""

    account: int
    name: str


class SpanShown(Shown):
    """A time in which the same persons are on duty; with nobody it is a gap."""

    starts_at: Instant
    ends_at: Instant
    accounts: list[int]


class OverrideShown(Shown):
    """What stands in place of the pattern."""

    id: int
    starts_at: Instant
    ends_at: Instant
    account: int | None
    reason: str
    author: str


class RotaShown(Shown):
    """A rota, and who is on duty by it; by default in the next two weeks."""

    id: int
    site: str | None
    node: int | None
    place: TextShown
    role: str
    time_zone: str
    week: list[ShiftGiven]
    overrides: list[OverrideShown] = Field(description="Those that are not over.")
    today: dt.date = Field(description="By the rota's clocks.")
    spans: list[SpanShown]
    current: SpanShown = Field(description="Of this moment.")
    following: SpanShown | None = Field(description="Who comes next, within two weeks; null: it stays so.")
    gap: SpanShown | None = Field(description="The first of the next two weeks; in it all holders are told.")
    candidates: list[Candidate] = Field(description="Who holds the role there now; others are not told.")
    former: list[Candidate] = Field(description="Who stands in it and holds the role no more.")
    may_change: bool
    version: int


class DutyKinds(Shown):
    """Notices of which, of a role, only who is on duty is told."""

    role: str
    kinds: list[TextShown]


class RotasShown(Shown):
    """The rotas that the caller sees."""

    items: list[RotaShown]
    by_duty: list[DutyKinds] = Field(
        description="Of a role that is not here everybody is told, on duty or not."
    )
