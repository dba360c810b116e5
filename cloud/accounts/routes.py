"""Sessions and the first account over HTTP."""

from fastapi import APIRouter, Request, Response

from cloud.accounts import store
from cloud.accounts.factors import pass_second
from cloud.accounts.holding import held_of, permissions_of
from cloud.accounts.links import link_of, set_password, use_link
from cloud.accounts.managing_model import LinkAsked, LinkShown, LinkUsed, OwnPassword, OwnSession
from cloud.accounts.model import AccountShown, SessionShown, SetUp, SignIn
from cloud.accounts.permissions import COOKIE, AnySigned, Public, SignedIn
from cloud.accounts.service import clock_s, is_loopback
from cloud.accounts.signing import reseal_key
from cloud.accounts.tokens import new_token, token_hash
from cloud.database import instant
from cloud.problems import ProblemError, not_found
from cloud.registry.service import acting
from cloud.serving import Served, Serving
from cloud.shown import Page


def make_router() -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["accounts"])
    _add_session(router)
    _add_sign_in(router)
    _add_demo(router)
    _add_set_up(router)
    _add_links(router)
    _add_own(router)
    return router


def _add_session(router: APIRouter) -> None:
    @router.get("/session", dependencies=[AnySigned])
    async def session(signed: SignedIn, serving: Served) -> SessionShown:
        """Who is signed in."""
        shown = await _session_shown(serving, signed.account_id, signed.name)
        return shown.model_copy(update={"needs_second_factor": signed.lacks_factor})

    @router.delete("/session", dependencies=[AnySigned], status_code=204)
    async def sign_out(signed: SignedIn, response: Response, serving: Served) -> None:
        """End the session."""
        async with serving.pool.connection() as connection:
            await store.close_session(connection, signed.token_hash)
        response.delete_cookie(COOKIE, path="/")


def _add_sign_in(router: APIRouter) -> None:
    @router.post("/session", dependencies=[Public])
    async def sign_in(asked: SignIn, request: Request, response: Response, serving: Served) -> SessionShown:
        """Sign in with name and password."""
        callers = _callers(request, asked.name)
        for caller in callers:
            serving.tries.take(caller, clock_s())
        async with serving.pool.connection() as connection:
            account = await store.password_hash_of(connection, asked.name)
        fits = await serving.passwords.fits(asked.password, account["password_hash"] if account else None)
        if not account or not fits:
            raise ProblemError(401, "wrong-password", "Wrong name or password")
        await pass_second(serving, account["id"], asked.code)
        serving.tries.forgive(callers[-1])
        proven = store.Proven(account["id"], account["password_hash"])
        await _open_session(serving, request, response, proven)
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


def _add_set_up(router: APIRouter) -> None:
    @router.post("/setup", dependencies=[Public], status_code=201)
    async def set_up(asked: SetUp, request: Request, response: Response, serving: Served) -> SessionShown:
        """Make the first account with the set-up link and sign in."""
        serving.tries.take(_callers(request, "")[0], clock_s())
        hashed = await serving.passwords.hash(asked.password)
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
        await _open_session(serving, request, response, store.Proven(account_id, hashed))
        return await _session_shown(serving, account_id, asked.name)


def _add_links(router: APIRouter) -> None:
    @router.post("/account-links/look", dependencies=[Public])
    async def look_at_link(asked: LinkAsked, request: Request, serving: Served) -> LinkShown:
        """Whose link it is, before its holder chooses a password."""
        serving.tries.take(_callers(request, "")[0], clock_s())
        async with serving.pool.connection() as connection:
            found = await link_of(connection, asked.token, serving.now_ms())
        if found is None:
            raise _no_link()
        return LinkShown(name=found["name"], kind=found["kind"], expires_at=found["expires_at"])

    @router.post("/account-links/use", dependencies=[Public])
    async def use_account_link(
        asked: LinkUsed, request: Request, response: Response, serving: Served
    ) -> SessionShown:
        """Choose the password, which uses the link up, and sign in. Every earlier session ends."""
        serving.tries.take(_callers(request, "")[0], clock_s())
        hashed = await serving.passwords.hash(asked.password)
        async with serving.pool.connection() as connection:
            found = await link_of(connection, asked.token, serving.now_ms())
        if found is not None:
            await pass_second(serving, found["id"], asked.code)
        async with serving.pool.connection() as connection:
            account = await use_link(connection, asked.token, hashed, serving.now_ms())
        if account is None:
            raise _no_link()
        await _open_session(serving, request, response, store.Proven(account["id"], hashed))
        return await _session_shown(serving, account["id"], account["name"])


def _add_own(router: APIRouter) -> None:
    @router.put("/session/password", dependencies=[AnySigned], status_code=204)
    async def change_password(asked: OwnPassword, signed: SignedIn, serving: Served) -> None:
        """A new password of one's own; every other session ends."""
        serving.tries.take(f"name {signed.name}", clock_s())
        async with serving.pool.connection() as connection:
            account = await store.password_hash_of(connection, signed.name)
        fits = await serving.passwords.fits(asked.password, account["password_hash"] if account else None)
        if signed.account_id is None or not account or not fits:
            raise ProblemError(403, "wrong-password", "Wrong password", field="password")
        serving.tries.forgive(f"name {signed.name}")
        hashed = await serving.passwords.hash(asked.new_password)
        async with acting(serving, signed) as connection:
            known = store.Proven(signed.account_id, account["password_hash"])
            if not await store.still_proven(connection, known):
                raise ProblemError(403, "wrong-password", "Wrong password", field="password")
            await reseal_key(connection, serving, signed.account_id, asked.password, asked.new_password)
            await set_password(
                connection, signed.account_id, hashed, serving.now_ms(), kept=signed.token_hash
            )

    @router.get("/sessions", dependencies=[AnySigned])
    async def list_sessions(signed: SignedIn, serving: Served) -> Page[OwnSession]:
        """Where one is signed in, the last used first."""
        asked = {"account": signed.account_id, "hash": signed.token_hash}
        rows = await serving.rows(store.SESSIONS, asked)
        return Page(items=[OwnSession(**row) for row in rows], next=None)

    @router.delete("/sessions/{session}", dependencies=[AnySigned], status_code=204)
    async def end_session(session: int, signed: SignedIn, serving: Served) -> None:
        """Sign out there."""
        async with serving.pool.connection() as connection:
            if not await store.end_session(connection, signed.account_id, session):
                raise not_found("session")


def _no_link() -> ProblemError:
    detail = "It was used, is too old, or a newer one was made. Ask whoever gave it to you for another."
    return ProblemError(403, "link-invalid", "The link is not valid", detail)


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
    serving: Serving, request: Request, response: Response, proven: store.Proven | None
) -> None:
    token = new_token()
    async with serving.pool.connection() as connection:
        agent, now = request.headers.get("user-agent", "")[:200], instant(serving.now_ms())
        if not await store.open_session(connection, token_hash(token), proven, now, agent):
            raise ProblemError(401, "wrong-password", "Wrong name or password")
    give_cookie(request, response, token)


def give_cookie(request: Request, response: Response, token: str) -> None:
    """The session's token, where no script can read it."""
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="lax", secure=request.url.scheme == "https", path="/"
    )
