"""What a route asks of whoever calls it; every route declares it, or the application does not start.

A permission is held at a place. Where the path names a site, it is asked for there: a site that the account
does not see is not found, what it may not do there is forbidden. On other paths it suffices to have it
somewhere, and the route asks again for what it touches (`sees_device`, `rules_node`).
"""

from collections.abc import Collection, Iterator
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from cloud.accounts.api_tokens import PREFIX, bearers_of
from cloud.accounts.holding import Devices, bounded_by, devices_permitted, held_of
from cloud.accounts.model import Signed
from cloud.accounts.roles import roles_with
from cloud.accounts.store import sessions_of
from cloud.accounts.tokens import token_hash
from cloud.callers import is_called_by
from cloud.database import Row
from cloud.problems import ProblemError, not_found
from cloud.serving import Served, Serving
from sitewarden.errors import SiteWardenError

COOKIE = "sitewarden_session"
_SESSION = "/api/v1/session"
_OWN = _SESSION
"""Begins the address of whatever is of one's own account, `/sessions` too."""
_READS = frozenset({"GET", "HEAD"})
PUBLIC: Final = "public"
"""Anybody."""
SIGNED_IN: Final = "signed-in"
"""Anybody who is signed in, in whatever role."""


class UndeclaredPermissionError(SiteWardenError):
    """A route that does not say who may call it, or says two things."""


class Credential(NamedTuple):
    """By what somebody shows who he is; never what he has shown, but its hash."""

    kind: Literal["session", "token"]
    hashed: bytes


def credential_of(request: Request) -> Credential | None:
    """A program has its token, a person his session's cookie; `None` where there is nothing of the kind."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        token = bearer.strip()
        return Credential("token", token_hash(token)) if token.startswith(PREFIX) else None
    session = request.cookies.get(COOKIE, "")
    return Credential("session", token_hash(session)) if session else None


async def signed_of(serving: Serving, credentials: Collection[Credential]) -> dict[Credential, Signed]:
    """Whose they are at this moment; those that are nobody's are left out."""
    tokens = [one.hashed for one in credentials if one.kind == "token"]
    sessions = [one.hashed for one in credentials if one.kind == "session"]
    found: dict[Credential, Signed] = {}
    of_roles, now = serving.settings.second_factor_roles, serving.now()
    async with serving.pool.connection() as connection:
        for row in await bearers_of(connection, tokens, of_roles, now) if tokens else ():
            found[Credential("token", row["token_hash"])] = _by_token(row)
        for row in await sessions_of(connection, sessions, of_roles, now) if sessions else ():
            # A demo session ends with the demo: the same database may be served for real next.
            if serving.settings.demo or not row["demo"]:
                found[Credential("session", row["token_hash"])] = _by_session(row)
    return found


async def _signed_in(request: Request, serving: Serving) -> Signed | None:
    credential = credential_of(request)
    if credential is None:
        return None
    return (await signed_of(serving, [credential])).get(credential)


def _by_token(row: Row) -> Signed:
    return Signed(
        account_id=row["account_id"],
        name=row["name"],
        demo=False,
        token_hash=b"",
        lacks_factor=row["lacks_factor"],
        api_token=row["id"],
        permissions=frozenset(row["permissions"]),
    )


def _by_session(row: Row) -> Signed:
    return Signed(
        account_id=row["account_id"],
        name=row["name"],
        demo=row["demo"],
        token_hash=row["token_hash"],
        since=row["created_at"],
        lacks_factor=row["lacks_factor"],
    )


async def _caller(request: Request, serving: Served) -> Signed:
    signed = await _signed_in(request, serving)
    if signed is None:
        serving.rates.count_stranger(_address(request))
        raise ProblemError(401, "not-signed-in", "Nobody is signed in", "Sign in first.")
    serving.rates.count_signed(_who(request, signed))
    if signed.lacks_factor and not request.url.path.startswith(_OWN):
        detail = "A role of yours asks for a second factor; set it up on your own page first."
        raise ProblemError(403, "second-factor-required", "A second factor is required", detail)
    bounded_by(signed.permissions)
    is_called_by(signed.account_id)
    return signed


def _who(request: Request, signed: Signed) -> str:
    if signed.api_token is not None:
        return f"token {signed.api_token}"
    return f"account {signed.account_id}" if signed.account_id is not None else _address(request)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


class Declares:
    """What a route says of itself."""

    def __init__(self, permission: str) -> None:
        """`PUBLIC`, `SIGNED_IN` or a permission of `roles.yaml`."""
        self.permission = permission


class Open(Declares):
    """A dependency that lets everybody through."""

    def __init__(self, *, for_gateways: bool = False) -> None:
        """Give it to a route's `dependencies`.

        `for_gateways`: nobody is signed in, and the route itself judges by what a gateway holds; so it looks
        as the programs do. Any other open route sees no site's rows.
        """
        super().__init__(PUBLIC)
        self._for_gateways = for_gateways

    async def __call__(self, request: Request, serving: Served) -> None:
        """Nothing is asked, but not without end."""
        if request.url.path.startswith("/api/"):
            serving.rates.count_stranger(_address(request))
        if self._for_gateways:
            is_called_by(None)


class Requires(Declares):
    """A dependency that lets through whoever has the permission where the path leads.

    `by_device`: the route shows an account that has it for some devices only what is theirs (`SeenDevices`);
    any other route is closed to it.
    """

    def __init__(self, permission: str, *, by_device: bool = False) -> None:
        """Raises `UnknownPermissionError`."""
        super().__init__(permission)
        self.by_device = by_device
        if permission != SIGNED_IN:
            roles_with(permission)

    async def __call__(
        self, request: Request, serving: Served, signed: Annotated[Signed, Depends(_caller)]
    ) -> Signed:
        """Who calls."""
        if signed.permissions is not None:
            self._check_token(request, signed.permissions)
        if self.permission != SIGNED_IN:
            request.state.devices = await self._devices(request, serving, signed)
        return signed

    def _check_token(self, request: Request, permissions: frozenset[str]) -> None:
        """It reads what anybody signed in reads, and does what it is for; the own account is none of that."""
        if self.permission == SIGNED_IN:
            fits = request.method in _READS and (
                request.url.path == _SESSION or not request.url.path.startswith(_OWN)
            )
        else:
            fits = self.permission in permissions
        if not fits:
            raise ProblemError(403, "token-is-for-less", "Not allowed", "The token is not for this.")

    async def _devices(self, request: Request, serving: Serving, signed: Signed) -> Devices:
        site: str | None = request.path_params.get("site")
        held = await held_of(serving, signed.account_id, site)
        if site is not None and not held:
            raise not_found("site")
        devices = devices_permitted(held, self.permission)
        if devices is None or (devices and (self.by_device or site is None)):
            return devices
        if devices:
            raise ProblemError(403, "part-of-site", "Not allowed", "Your account is for some devices only.")
        raise ProblemError(403, "forbidden", "Not allowed", "Your account may not do this.")


def requires(permission: str, *, by_device: bool = False) -> Any:
    """`Requires`, for a route's `dependencies`."""
    return Depends(Requires(permission, by_device=by_device))


def _devices_of(request: Request) -> list[str] | None:
    devices: Devices = request.state.devices
    return None if devices is None else sorted(devices)


Public = Depends(Open())
ForGateways = Depends(Open(for_gateways=True))
AnySigned = Depends(Requires(SIGNED_IN))
SignedIn = Annotated[Signed, AnySigned]
SeenDevices = Annotated[list[str] | None, Depends(_devices_of)]
"""The devices of the site that the permission is for; `None`: all of them. Of a route that is `by_device`."""


def declared_permissions(app: FastAPI) -> dict[str, str]:
    """What every route asks, by method and path; `UndeclaredPermissionError` where one does not say."""
    found: dict[str, str] = {}
    for route in iter_route_contexts(app.routes):
        name = f"{'|'.join(sorted(route.methods or ()))} {route.path}"
        dependant = getattr(route, "dependant", None)
        calls = _calls(dependant) if isinstance(dependant, Dependant) else iter(())
        declared = {call.permission for call in calls if isinstance(call, Declares)}
        if not declared:
            raise UndeclaredPermissionError(f"{name} declares no permission")
        # Who it is, a route may ask beside what he may do.
        asked = declared - {SIGNED_IN} or declared
        if len(asked) > 1:
            raise UndeclaredPermissionError(f"{name} declares {' and '.join(sorted(asked))}")
        found[name] = asked.pop()
    return found


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for below in dependant.dependencies:
        yield from _calls(below)
