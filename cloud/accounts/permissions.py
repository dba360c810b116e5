"""What a route asks of whoever calls it; every route declares it, or the application does not start."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from cloud.accounts.model import Signed
from cloud.accounts.store import session_of
from cloud.accounts.tokens import token_hash
from cloud.database import instant
from cloud.problems import ProblemError
from cloud.serving import Served
from sitewarden.errors import SiteWardenError

COOKIE = "sitewarden_session"


class Permission(IntEnum):
    """From nothing to everything."""

    PUBLIC = 0
    VIEWER = 1
    ADMIN = 2


class UndeclaredPermissionError(SiteWardenError):
    """A route that does not say who may call it."""


class Requires:
    """A dependency that lets through whoever has the permission."""

    def __init__(self, permission: Permission) -> None:
        """Give it to a route's `dependencies`, or take its result as a parameter."""
        self.permission = permission

    async def __call__(self, request: Request, serving: Served) -> Signed | None:
        """Who calls; nobody on a public route."""
        if self.permission is Permission.PUBLIC:
            return None
        signed = await signed_in(request.cookies.get(COOKIE, ""), serving)
        if signed is None:
            raise ProblemError(401, "not-signed-in", "Nobody is signed in", "Sign in first.")
        if Permission[signed.role.upper()] < self.permission:
            raise ProblemError(403, "forbidden", "Not allowed", "Your account may not do this.")
        return signed


public, viewer, admin = Requires(Permission.PUBLIC), Requires(Permission.VIEWER), Requires(Permission.ADMIN)

Public, Viewer, Admin = Depends(public), Depends(viewer), Depends(admin)
SignedIn = Annotated[Signed, Viewer]


async def signed_in(token: str, serving: Served) -> Signed | None:
    """Whose session the token opens."""
    if not token:
        return None
    hashed = token_hash(token)
    async with serving.pool.connection() as connection:
        row = await session_of(connection, hashed, instant(serving.now_ms()))
    # A demo session ends with the demo: the same database may be served for real next.
    if row is None or (row["demo"] and not serving.settings.demo):
        return None
    return Signed(
        account_id=row["account_id"], name=row["name"], role=row["role"], demo=row["demo"], token_hash=hashed
    )


def declared_permissions(app: FastAPI) -> dict[str, Permission]:
    """What every route asks, by method and path; `UndeclaredPermissionError` where one does not say."""
    found: dict[str, Permission] = {}
    for route in iter_route_contexts(app.routes):
        name = f"{'|'.join(sorted(route.methods or ()))} {route.path}"
        dependant = getattr(route, "dependant", None)
        calls = _calls(dependant) if isinstance(dependant, Dependant) else iter(())
        permissions = [call.permission for call in calls if isinstance(call, Requires)]
        if not permissions:
            raise UndeclaredPermissionError(f"{name} declares no permission")
        found[name] = max(permissions)
    return found


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for below in dependant.dependencies:
        yield from _calls(below)
