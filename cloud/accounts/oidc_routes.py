"""Signing in elsewhere over HTTP, to the provider and back: a browser comes, every answer leads to a page."""

import hmac
import logging
import re
import time
from typing import Annotated

import psycopg
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from cloud.accounts import store
from cloud.accounts.oidc import BEGUN_S, Person, Provider, ProviderError, Seal
from cloud.accounts.permissions import Public
from cloud.accounts.routes import give_cookie
from cloud.accounts.service import clock_s
from cloud.accounts.tokens import new_token, token_hash
from cloud.database import AsyncConnection, row_of
from cloud.problems import not_found
from cloud.serving import Own, Served, Serving

log = logging.getLogger(__name__)

_COOKIE, _PATH = "sitewarden_oidc", "/api/v1/session/oidc"
_OWN_PAGE = re.compile(r"/(?![/\\])[^\x00-\x1f]{0,500}")
"""An address of these pages: a link must not lead a fresh session elsewhere."""

Text = Annotated[str | None, Query(max_length=4000)]


class _Elsewhere:
    """The provider of this process, made when somebody first asks for it."""

    def __init__(self) -> None:
        self.seal = Seal()
        self._provider: Provider | None = None

    def provider(self, serving: Serving) -> Provider:
        """404 where none is configured."""
        if serving.settings.oidc is None:
            raise not_found("provider")
        if self._provider is None:
            self._provider = Provider(serving.settings.oidc)
        return self._provider


_ELSEWHERE = Own(_Elsewhere)


class _RefusedError(Exception):
    """The slug that the sign-in page has words for."""


def make_router() -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["accounts"], prefix="/session/oidc")

    @router.get(
        "", dependencies=[Public], response_class=RedirectResponse, status_code=303, include_in_schema=False
    )
    async def sign_in_elsewhere(
        request: Request, serving: Served, *, page: Annotated[str, Query(max_length=500)] = "/"
    ) -> RedirectResponse:
        """To the provider; it sends the browser back, and that one to the page."""
        return await _begin(request, serving, page if _OWN_PAGE.fullmatch(page) else "/")

    @router.get(
        "/back",
        dependencies=[Public],
        response_class=RedirectResponse,
        status_code=303,
        include_in_schema=False,
    )
    async def come_back(
        request: Request, serving: Served, *, code: Text = None, state: Text = None
    ) -> RedirectResponse:
        """From the provider, with a code by which it tells us who it is."""
        try:
            return await _come_back(request, serving, code or "", state or "")
        except ProviderError as exc:
            log.warning("signing in elsewhere: %s", exc)
            return _to_sign_in("oidc-refused")
        except _RefusedError as exc:
            return _to_sign_in(str(exc))

    return router


async def _begin(request: Request, serving: Serving, page: str) -> RedirectResponse:
    elsewhere = _ELSEWHERE.of(serving)
    provider = elsewhere.provider(serving)
    serving.tries.take(f"address {_address(request)}", clock_s())
    try:
        address, begun = await provider.begin(page)
    except ProviderError as exc:
        log.warning("signing in elsewhere: %s", exc)
        return _to_sign_in("oidc-unreachable")
    answer = RedirectResponse(address, 303)
    answer.set_cookie(
        _COOKIE,
        elsewhere.seal.close(begun),
        max_age=BEGUN_S,
        path=_PATH,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


async def _come_back(request: Request, serving: Serving, code: str, state: str) -> RedirectResponse:
    elsewhere = _ELSEWHERE.of(serving)
    provider = elsewhere.provider(serving)
    begun = elsewhere.seal.open(request.cookies.get(_COOKIE, ""), time.time())
    if begun is None or not hmac.compare_digest(begun.state.encode(), state.encode()):
        raise _RefusedError("oidc-stale")
    if not code:
        raise _RefusedError("oidc-refused")
    account = await _account_of(serving, await provider.person(code, begun))
    answer = RedirectResponse(begun.page, 303)
    answer.delete_cookie(_COOKIE, path=_PATH)
    if not await _open(serving, request, answer, account):
        raise _RefusedError("oidc-no-account")
    return answer


def _to_sign_in(slug: str) -> RedirectResponse:
    answer = RedirectResponse(f"/sign-in?problem={slug}", 303)
    answer.delete_cookie(_COOKIE, path=_PATH)
    return answer


async def _account_of(serving: Serving, person: Person) -> int:
    """The account that this person is bound to, or is bound to now, by its name; it is there already."""
    async with serving.pool.connection() as connection, connection.transaction():
        bound = await store.bound_to(connection, person.issuer, person.subject)
        if bound is not None:
            return bound
        account = await _named(connection, person.name)
        await connection.execute("SELECT set_config('sitewarden.author', %s, true)", [person.name])
        try:
            await store.bind(connection, person.issuer, person.subject, account, serving.now())
        except psycopg.errors.UniqueViolation as exc:
            # Somebody else has had this name at the provider, and the account is his.
            raise _RefusedError("oidc-other-person") from exc
        log.info("account %s is bound to a person at %s", person.name, person.issuer)
        return account


async def _named(connection: AsyncConnection, name: str | None) -> int:
    row = await row_of(connection, "SELECT id FROM account WHERE name = %s AND disabled_at IS NULL", [name])
    if row is None:
        raise _RefusedError("oidc-no-account")
    return int(row["id"])


async def _open(serving: Serving, request: Request, answer: RedirectResponse, account: int) -> bool:
    token, agent = new_token(), request.headers.get("user-agent", "")[:200]
    async with serving.pool.connection() as connection:
        opened = await store.open_session_elsewhere(
            connection, token_hash(token), account, serving.now(), agent
        )
    if opened:
        give_cookie(request, answer, token)
    return opened


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
