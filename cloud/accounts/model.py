"""Accounts and sessions as the HTTP interface shows and takes them."""

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


class Asked(BaseModel):
    """What a request says."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
Password = Annotated[str, Field(min_length=1, max_length=1000)]


class SignIn(Asked):
    """What signing in takes."""

    name: Name
    password: Password


class SetUp(Asked):
    """What the first account takes."""

    token: Annotated[str, Field(min_length=1, max_length=200)]
    name: Name
    password: Annotated[str, Field(min_length=MIN_PASSWORD, max_length=1000)]
