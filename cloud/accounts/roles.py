"""Which role may do what, as `roles.yaml` says. Pure, but for reading that file once."""

from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from sitewarden import documents
from sitewarden.errors import SiteWardenError
from sitewarden.text import Text

ADMIN, VIEWER = "admin", "viewer"
"""Who sets the system up, and who looks at a demo: the two roles that the program knows by name."""


Side = Literal[
    "authority", "contractor", "supervision", "owner", "third_party", "operator", "platform", "audit"
]
Rank = Literal["officer", "county", "city", "province"]


class UnknownPermissionError(SiteWardenError):
    """A permission that `roles.yaml` does not have."""


class Role(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What its holder may do within the scope that it was given for."""

    name: Text
    side: Side
    """On whose behalf its holder acts."""
    rank: Rank | None = None
    """Of an authority: an officer of it, the county's, the prefecture's, the province's."""
    may: list[str] | Literal["everything"]
    gives: list[str] | Literal["everyone"]
    """Roles that its holder may give within his own scope."""


class Roles(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them, and where they come from."""

    source: Text
    permissions: dict[str, Text]
    roles: dict[str, Role]

    def permissions_of(self, role: str) -> frozenset[str]:
        """What the role may do; nothing where there is none of that name, as after a version that had it."""
        found = self.roles.get(role)
        if found is None:
            return frozenset()
        return frozenset(self.permissions if found.may == "everything" else found.may)

    def given_by(self, role: str) -> frozenset[str]:
        """Which roles a holder of this one may give."""
        found = self.roles.get(role)
        if found is None:
            return frozenset()
        return frozenset(self.roles if found.gives == "everyone" else found.gives)


@cache
def roles() -> Roles:
    """What `roles.yaml` says."""
    with resources.as_file(resources.files("cloud.accounts") / "roles.yaml") as file:
        return documents.load(file, Roles)


@cache
def roles_with(permission: str) -> list[str]:
    """The roles that have a permission; `UnknownPermissionError` where there is no such permission."""
    known = roles()
    if permission not in known.permissions:
        raise UnknownPermissionError(f"`{permission}` is no permission of roles.yaml")
    return [role for role in known.roles if permission in known.permissions_of(role)]


@cache
def roles_giving(role: str) -> list[str]:
    """The roles whose holders may give that one."""
    return [giver for giver in roles().roles if role in roles().given_by(giver)]
