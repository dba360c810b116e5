"""What an account holds at this moment, at a site or anywhere, and what that comes to."""

from collections.abc import Iterable
from contextvars import ContextVar
from typing import LiteralString

import msgspec

from cloud.accounts.roles import VIEWER, roles
from cloud.serving import Serving

Devices = frozenset[str] | None
"""Some devices of a site; `None`: all of it."""

_bounds: ContextVar[frozenset[str] | None] = ContextVar("bounds", default=None)
"""Of this request: what the program that asks is for, whatever its account may."""

_AT: LiteralString = "SELECT role, devices FROM assignments_at(%(account)s, %(site)s)"
_ANYWHERE: LiteralString = "SELECT role, devices FROM assignments_of(%(account)s)"


def bounded_by(permissions: frozenset[str] | None) -> None:
    """From here on the request has these permissions at most: a route that asks again cannot forget it."""
    _bounds.set(permissions)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A role, and for what of a site."""

    role: str
    devices: Devices = None


async def held_of(serving: Serving, account_id: int | None, site: str | None = None) -> list[Held]:
    """What an account holds at the site, or with none given anywhere; no account is the demo's viewer."""
    if account_id is None:
        return [Held(role=VIEWER)]
    rows = await serving.rows(_ANYWHERE if site is None else _AT, {"account": account_id, "site": site})
    return [
        Held(role=row["role"], devices=None if row["devices"] is None else frozenset(row["devices"]))
        for row in rows
    ]


def devices_permitted(held: Iterable[Held], permission: str) -> Devices:
    """For which devices it is permitted; `None`: for all of them; empty: not at all."""
    if not _is_within(permission):
        return frozenset()
    permitting = [one.devices for one in held if permission in roles().permissions_of(one.role)]
    some = [devices for devices in permitting if devices is not None]
    return None if len(some) < len(permitting) else frozenset().union(*some)


def permissions_of(held: Iterable[Held]) -> list[str]:
    """Everything that these roles permit, in alphabetical order."""
    found = frozenset[str]().union(*(roles().permissions_of(one.role) for one in held))
    return sorted(permission for permission in found if _is_within(permission))


def _is_within(permission: str) -> bool:
    bounds = _bounds.get()
    return bounds is None or permission in bounds
