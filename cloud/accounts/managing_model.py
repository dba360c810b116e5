"""Accounts as those who manage them see and change them."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from cloud.accounts.model import MIN_PASSWORD, Asked, Name, Password
from cloud.accounts.roles import Side
from cloud.complaints import complaint
from cloud.instants import Moment
from cloud.shown import Instant, Shown, TextShown

_LINE = r"^[^\x00-\x1f\x7f]*$"
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=_LINE)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_LINE)]
Token = Annotated[str, Field(min_length=1, max_length=200)]
DeviceName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00]+$")]
Standing = Literal["invited", "active", "disabled"]
AccountState = Literal["invited", "active", "disabled", "without_second_factor"]
"""As one looks for accounts: the last are those of the active that come in by a password alone."""


class AssignmentGiven(Asked):
    """A role, where, and for how long; without any place it is for the whole system."""

    role: Annotated[str, Field(max_length=64)]
    node: int | None = Field(
        default=None, description="Of a tree: all sites below it. Without any place: all."
    )
    site: Annotated[str, Field(max_length=128)] | None = None
    devices: Annotated[list[DeviceName], Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Of the site, these alone."
    )
    valid_from: Moment | None = Field(default=None, description="Left out: now.")
    valid_until: Moment | None = Field(default=None, description="Left out: until somebody ends it.")
    reason: Reason

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.node is not None and self.site is not None:
            raise complaint("one-place", "a node or a site, not both")
        if self.devices is not None and self.site is None:
            raise complaint("devices-of-a-site", "devices are of a site")
        return self


class Invited(Asked):
    """A new account; whoever opens its link chooses the password."""

    name: Name
    note: Note = ""
    assignments: list[AssignmentGiven] = Field(default_factory=list, max_length=20)


class Because(Asked):
    """Why."""

    reason: Reason


class OwnPassword(Asked):
    """A new password for oneself."""

    password: Password
    new_password: Annotated[str, Field(min_length=MIN_PASSWORD, max_length=1000)]


class LinkAsked(Asked):
    """A link that somebody holds."""

    token: Token


class LinkUsed(Asked):
    """The password that its holder chooses."""

    token: Token
    password: Annotated[str, Field(min_length=MIN_PASSWORD, max_length=1000)]
    code: Annotated[str, Field(max_length=40)] | None = None


class LinkShown(Shown):
    """Whose link it is."""

    name: str
    kind: Literal["invitation", "reset"]
    expires_at: Instant


class LinkMade(Shown):
    """A link; it is shown this once."""

    path: str = Field(description="After the address of this server.")
    kind: Literal["invitation", "reset"]
    expires_at: Instant


class AssignmentShown(Shown):
    """A role that an account has, had or will have."""

    id: int
    role: str
    node: int | None
    node_name: TextShown | None
    site: str | None
    site_name: TextShown | None
    devices: list[str] | None
    valid_from: Instant
    valid_until: Instant | None
    given_by: str
    reason: str
    end_reason: str
    is_over: bool
    may_end: bool = Field(description="Whether the caller may.")


class AccountManaged(Shown):
    """An account in the caller's scope."""

    id: int
    name: str
    note: str
    standing: Standing
    created_at: Instant
    made_by: str | None
    seen_at: Instant | None = Field(description="When it was last used, if a session goes on.")
    has_second_factor: bool
    is_bound: bool = Field(description="Whether it belongs to somebody at the provider of identities.")
    link_until: Instant | None = Field(description="So long its link can be opened.")
    is_self: bool
    may_change: bool = Field(description="Whether the caller may disable it or make it a link.")
    assignments: list[AssignmentShown] = Field(description="Those within the caller's scope.")
    has_more: bool = Field(description="Whether it also has roles elsewhere.")


class AccountMade(Shown):
    """A new account and its link."""

    account: AccountManaged
    link: LinkMade


class RoleShown(Shown):
    """A role."""

    name: str
    label: TextShown
    permissions: list[str]
    is_given: bool = Field(description="Whether the caller may give it, within his own scope.")


class AccountChoices(Shown):
    """What there is to be given."""

    roles: list[RoleShown]
    permissions: dict[str, TextShown]
    everywhere: list[str] = Field(description="Roles that the caller may give for the whole system.")
    source: TextShown


class RoleExplained(Shown):
    """A role, as whoever wants to know who may do what reads it."""

    name: str
    label: TextShown
    side: Side = Field(description="On whose behalf its holder acts.")
    permissions: list[str]
    gives: list[str] = Field(description="Roles that its holder may give, within his own scope.")


class RolesExplained(Shown):
    """All roles and what each may do."""

    roles: list[RoleExplained]
    permissions: dict[str, TextShown]
    source: TextShown


class AccountChange(Shown):
    """Who changed what of an account."""

    id: int
    at: Instant
    author: str
    account: str
    record: Literal["account", "assignment", "account_link", "second_factor", "api_token", "identity"]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class OwnSession(Shown):
    """A session of the caller."""

    id: int
    created_at: Instant
    seen_at: Instant
    agent: str = Field(description="What the browser calls itself.")
    method: Literal["password", "oidc"]
    is_this: bool
