"""Accounts and sessions as the HTTP interface shows and takes them."""

import datetime as dt
from typing import Annotated

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from cloud.shown import Shown

MIN_PASSWORD = 10


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever makes a request."""

    account_id: int | None
    """`None`: the demo's viewer, who has no account."""
    name: str
    demo: bool
    token_hash: bytes
    since: dt.datetime | None = None
    """When the session began."""
    lacks_factor: bool = False
    """A role asks for a second factor, and the account has none: nothing but the own account is open."""
    api_token: int | None = None
    """A program asks, by this token of the account; it signs nothing."""
    permissions: frozenset[str] | None = None
    """What the token is for; `None`: everything that the account may."""


class AccountShown(Shown):
    """Who is signed in."""

    name: str


class SessionShown(Shown):
    """A session."""

    account: AccountShown
    demo: bool
    permissions: list[str] = Field(
        description="What the account may do somewhere; what it may do on a site, that site says."
    )
    needs_second_factor: bool = Field(
        default=False, description="Nothing but the own account is open before a second factor is set up."
    )


class Asked(BaseModel):
    """What a request says."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
Password = Annotated[str, Field(min_length=1, max_length=1000)]


class SignIn(Asked):
    """What signing in takes."""

    name: Name
    password: Password
    code: Annotated[str, Field(max_length=40)] | None = Field(
        default=None, description="Of the second factor, or a recovery code; asked for where there is one."
    )


class SetUp(Asked):
    """What the first account takes."""

    token: Annotated[str, Field(min_length=1, max_length=200)]
    name: Name
    password: Annotated[str, Field(min_length=MIN_PASSWORD, max_length=1000)]
