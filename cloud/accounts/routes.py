"""Sessions and the first account over HTTP."""

from fastapi import APIRouter, Request, Response

from cloud.accounts import store
from cloud.accounts.holding import held_of, permissions_of
from cloud.accounts.model import AccountShown, SessionShown, SetUp, SignIn
from cloud.accounts.permissions import COOKIE, AnySigned, Public, SignedIn
from cloud.accounts.service import Passwords, Tries, clock_s, is_loopback
from cloud.accounts.tokens import new_token, token_hash
from cloud.database import instant
from cloud.problems import ProblemError
from cloud.serving import Served, Serving

_BURST, _INTERVAL_S = 10, 6.0


def make_router() -> APIRouter:
    """The routes, with a memory of tries of their own."""
    router = APIRouter(tags=["accounts"])
    tries, passwords = Tries(_BURST, _INTERVAL_S), Passwords()
    _add_session(router)
    _add_sign_in(router, tries, passwords)
    _add_demo(router)
    _add_set_up(router, tries, passwords)
    return router


def _add_session(router: APIRouter) -> None:
    @router.get("/session", dependencies=[AnySigned])
    async def session(signed: SignedIn, serving: Served) -> SessionShown:
        """Who is signed in."""
        return await _session_shown(serving, signed.account_id, signed.name)

    @router.delete("/session", dependencies=[AnySigned], status_code=204)
    async def sign_out(signed: SignedIn, response: Response, serving: Served) -> None:
        """End the session."""
        async with serving.pool.connection() as connection:
            await store.close_session(connection, signed.token_hash)
        response.delete_cookie(COOKIE, path="/")


def _add_sign_in(router: APIRouter, tries: Tries, passwords: Passwords) -> None:
    @router.post("/session", dependencies=[Public])
    async def sign_in(asked: SignIn, request: Request, response: Response, serving: Served) -> SessionShown:
        """Sign in with name and password."""
        callers = _callers(request, asked.name)
        for caller in callers:
            tries.take(caller, clock_s())
        async with serving.pool.connection() as connection:
            account = await store.password_hash_of(connection, asked.name)
        fits = await passwords.fits(asked.password, account["password_hash"] if account else None)
        if not account or not fits:
            raise ProblemError(401, "wrong-password", "Wrong name or password")
        tries.forgive(callers[-1])
        await _open_session(serving, request, response, account["id"])
        return await _session_shown(serving, account["id"], account["name"])


def _add_demo(router: APIRouter) -> None:
    @router.post("/session/demo", dependencies=[Public])
    async def sign_in_to_demo(request: Request, response: Response, serving: Served) -> SessionShown:
        """Look at the demo, on the machine that it runs on."""
        client = request.client.host if request.client else None
        if not serving.settings.demo:
            raise ProblemError(403, "no-demo", "This is no demo")
        if not is_loopback(client, request.headers.get("host")):
            raise ProblemError(403, "not-local", "The demo is open only on its own machine")
        await _open_session(serving, request, response, None)
        return await _session_shown(serving, None, "demo")


def _add_set_up(router: APIRouter, tries: Tries, passwords: Passwords) -> None:
    @router.post("/setup", dependencies=[Public], status_code=201)
    async def set_up(asked: SetUp, request: Request, response: Response, serving: Served) -> SessionShown:
        """Make the first account with the set-up link and sign in."""
        tries.take(_callers(request, "")[0], clock_s())
        hashed = await passwords.hash(asked.password)
        async with serving.pool.connection() as connection:
            account_id = await store.make_first_account(
                connection, token_hash(asked.token), asked.name, hashed, instant(serving.now_ms())
            )
        if account_id is None:
            raise ProblemError(
                403,
                "setup-link-invalid",
                "The set-up link is not valid",
                "It was used, is older than 30 minutes, or there is an account already. "
                "`sitewarden cloud setup-link` prints a new one as long as there is no account.",
            )
        await _open_session(serving, request, response, account_id)
        return await _session_shown(serving, account_id, asked.name)


def _callers(request: Request, name: str) -> list[str]:
    """Tries are counted by address, and by name from whatever address."""
    client = request.client.host if request.client else ""
    return [f"address {client}", f"name {name}"]


async def _session_shown(serving: Serving, account_id: int | None, name: str) -> SessionShown:
    held = await held_of(serving, account_id)
    return SessionShown(
        account=AccountShown(name=name), demo=account_id is None, permissions=permissions_of(held)
    )


async def _open_session(
    serving: Serving, request: Request, response: Response, account_id: int | None
) -> None:
    token = new_token()
    async with serving.pool.connection() as connection:
        await store.open_session(connection, token_hash(token), account_id, instant(serving.now_ms()))
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="lax", secure=request.url.scheme == "https", path="/"
    )
