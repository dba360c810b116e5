"""What a role does not see of a row that it sees, as `masks.yaml` says. Pure, but for reading it once."""

from functools import cache
from importlib import resources

import msgspec

from cloud.accounts.roles import roles_with
from sitewarden import documents
from sitewarden.text import Text

HIDDEN = "***"
"""In place of what one does not see: an empty cell would say that there is nothing."""


class Mask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of facts."""

    label: Text
    hidden_from: list[str]
    """Roles."""


class Masks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them, and where they come from."""

    source: Text
    masks: dict[str, Mask]


@cache
def masks() -> Masks:
    """What `masks.yaml` says."""
    with resources.as_file(resources.files("cloud.exports") / "masks.yaml") as file:
        return documents.load(file, Masks)


@cache
def roles_seeing(mask: str, permission: str) -> list[str]:
    """The roles with a permission that see what is masked for others."""
    hidden = set(masks().masks[mask].hidden_from)
    return [role for role in roles_with(permission) if role not in hidden]
