"""Asked before something that outlasts the session: whether it is still the person who signed in."""

import datetime as dt

from cloud.accounts import store
from cloud.accounts.model import Signed
from cloud.accounts.service import clock_s
from cloud.database import instant
from cloud.problems import ProblemError
from cloud.serving import Serving

FRESH = dt.timedelta(minutes=10)
"""Whoever has no password here shows by a sign-in no older than this that it is he."""


async def prove(serving: Serving, signed: Signed, password: str) -> int:
    """The caller's account, his password having been asked for again; 403 where it is wrong.

    An account that has none, because it signs in elsewhere, must have done so just now.
    """
    if signed.account_id is None:
        raise ProblemError(403, "no-account", "No account", "The demo's viewer has no account.")
    who = f"name {signed.name}"
    serving.tries.take(who, clock_s())
    async with serving.pool.connection() as connection:
        account = await store.password_hash_of(connection, signed.name)
    if account is not None and account["password_hash"] is None:
        _check_fresh(serving, signed)
    elif account is None or not await serving.passwords.fits(password, account["password_hash"]):
        raise ProblemError(403, "wrong-password", "Wrong password", field="password")
    serving.tries.forgive(who)
    return signed.account_id


def _check_fresh(serving: Serving, signed: Signed) -> None:
    if signed.since is None or signed.since < instant(serving.now_ms()) - FRESH:
        detail = "Sign out and in again first: your account has no password here to ask for."
        raise ProblemError(403, "sign-in-again", "Sign in again", detail)
