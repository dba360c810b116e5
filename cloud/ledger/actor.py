"""In which role somebody acts at a site, and what he may do there."""

from cloud.accounts.holding import held_of, permissions_of
from cloud.accounts.model import Signed
from cloud.accounts.roles import roles
from cloud.problems import ProblemError
from cloud.serving import Serving


async def role_for(serving: Serving, signed: Signed, site: str | None, permission: str) -> str:
    """The role that he holds for the whole site by which he may; a problem where none does.

    Of several it is the first of `roles.yaml`. Without a site: anywhere.
    """
    held = {one.role for one in await held_of(serving, signed.account_id, site) if one.devices is None}
    for role in roles().roles:
        if role in held and permission in roles().permissions_of(role) and signed.account_id is not None:
            return role
    raise ProblemError(403, "forbidden", "Not allowed", "Your account may not do this.")


async def permissions_at(serving: Serving, signed: Signed, site: str) -> set[str]:
    """What he may do at the whole site."""
    held = await held_of(serving, signed.account_id, site)
    return set(permissions_of(one for one in held if one.devices is None))
