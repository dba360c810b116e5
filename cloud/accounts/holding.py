"""What an account holds at this moment, at a site or anywhere, and what that comes to."""

from collections.abc import Collection, Iterable
from contextvars import ContextVar
from typing import LiteralString

import msgspec

from cloud.accounts.roles import VIEWER, roles
from cloud.database import Connection
from cloud.serving import Serving

Devices = frozenset[str] | None
"""Some devices of a site; `None`: all of it."""

_bounds: ContextVar[frozenset[str] | None] = ContextVar("bounds", default=None)
"""Of this request: what the program that asks is for, whatever its account may."""

_AT: LiteralString = """
    SELECT asked.account, asked.site, given.role, given.devices
      FROM unnest(%(accounts)s::int[], %(sites)s::text[]) AS asked (account, site)
           CROSS JOIN LATERAL assignments_at(asked.account, asked.site) AS given
"""
_ANYWHERE: LiteralString = "SELECT role, devices FROM assignments_of(%(account)s)"


def bounded_by(permissions: frozenset[str] | None) -> None:
    """From here on the request has these permissions at most: a route that asks again cannot forget it."""
    _bounds.set(permissions)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A role, and for what of a site."""

    role: str
    devices: Devices = None


def held_at(connection: Connection, account_id: int | None, site: str) -> list[Held]:
    """The same for programs that work on behalf of an account."""
    if account_id is None:
        return [Held(role=VIEWER)]
    rows = connection.execute(_AT, {"accounts": [account_id], "sites": [site]}).fetchall()
    return [_held(role, devices) for _, _, role, devices in rows]


async def held_of(serving: Serving, account_id: int | None, site: str | None = None) -> list[Held]:
    """What an account holds at the site, or with none given anywhere; no account is the demo's viewer."""
    if account_id is None:
        return [Held(role=VIEWER)]
    if site is not None:
        return (await held_of_each(serving, [(account_id, site)]))[account_id, site]
    return [
        _held(row["role"], row["devices"]) for row in await serving.rows(_ANYWHERE, {"account": account_id})
    ]


async def held_of_each(
    serving: Serving, asked: Collection[tuple[int, str]]
) -> dict[tuple[int, str], list[Held]]:
    """The same of several accounts, each at a site; where it holds nothing, of none."""
    found: dict[tuple[int, str], list[Held]] = {one: [] for one in asked}
    pairs = {"accounts": [account for account, _ in found], "sites": [site for _, site in found]}
    for row in await serving.rows(_AT, pairs):
        found[row["account"], row["site"]].append(_held(row["role"], row["devices"]))
    return found


def _held(role: str, devices: list[str] | None) -> Held:
    return Held(role=role, devices=None if devices is None else frozenset(devices))


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
