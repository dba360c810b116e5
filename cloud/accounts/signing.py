"""Whoever acts on a hazard record signs it: his own key, which only his password opens, for this one act.

What a signature proves, and what it does not, is said in decision 0024.
"""

import datetime as dt
from typing import LiteralString

import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from psycopg.rows import class_row

from cloud.accounts import sealing
from cloud.accounts.model import Signed
from cloud.accounts.proving import prove
from cloud.accounts.sealing import Sealed, WrongPasswordError, verify
from cloud.accounts.service import clock_s
from cloud.accounts.signatures import KeyEndedError
from cloud.database import AsyncConnection
from cloud.problems import ProblemError, answer
from cloud.serving import Serving

__all__ = [
    "Signer",
    "choose_signing_password",
    "end_key",
    "make_key",
    "open_key",
    "reseal_key",
    "tell_of_ended_keys",
    "verify",
]

_KEY: LiteralString = """
    SELECT key, account_id, public_key, sealed, salt, time_cost, memory_kib, lanes
      FROM signing_key WHERE account_id = %s AND ended_at IS NULL
"""
"""The one in force."""
_MAKE: LiteralString = """
    INSERT INTO signing_key (
            account_id, public_key, sealed, salt, time_cost, memory_kib, lanes, made_at, sealed_at)
        VALUES (%(account)s, %(public)s, %(sealed)s, %(salt)s, %(time_cost)s, %(memory_kib)s, %(lanes)s,
                %(now)s, %(now)s)
        ON CONFLICT (account_id) WHERE ended_at IS NULL DO NOTHING RETURNING key
"""
_RESEAL: LiteralString = """
    UPDATE signing_key
       SET sealed = %(sealed)s, salt = %(salt)s, time_cost = %(time_cost)s, memory_kib = %(memory_kib)s,
           lanes = %(lanes)s, sealed_at = %(now)s
     WHERE key = %(key)s
"""


class Signer(msgspec.Struct, frozen=True, kw_only=True):
    """A person's key, open for one request; it is not kept any longer than that."""

    key: int
    account_id: int
    private: bytes

    def sign(self, digest: bytes) -> bytes:
        """Ed25519 over the digest: 64 bytes."""
        return sealing.sign(self.private, digest)

    def __repr__(self) -> str:
        """Without what is secret: a log may show it."""
        return f"Signer(key={self.key}, account_id={self.account_id})"


class _Key(msgspec.Struct, frozen=True, kw_only=True):
    """A row."""

    key: int
    account_id: int
    public_key: bytes
    sealed: bytes
    salt: bytes
    time_cost: int
    memory_kib: int
    lanes: int

    def open(self, password: str) -> bytes:
        """The private key; raises `WrongPasswordError`."""
        resting = Sealed(
            sealed=self.sealed,
            salt=self.salt,
            time_cost=self.time_cost,
            memory_kib=self.memory_kib,
            lanes=self.lanes,
        )
        return sealing.unseal(resting, self.public_key, self.account_id, password)


async def open_key(serving: Serving, signed: Signed, password: str) -> Signer:
    """The caller's key, opened by his password and made on first use; 403 where it does not open.

    Whoever has a session and guesses is slowed down as at signing in (429).
    """
    if signed.account_id is None:
        raise not_signed("demo", "The demo's viewer has no account and signs nothing.")
    if signed.api_token is not None:
        raise not_signed("token", "A token signs nothing: whoever answers for the act signs in and does it.")
    who = f"signature {signed.account_id}"
    serving.tries.take(who, clock_s())
    async with serving.pool.connection() as connection:
        found = await _key(connection, signed.account_id)
    signer = await (
        _first_key(serving, signed.account_id, password)
        if found is None
        else _opened(serving, found, password)
    )
    serving.tries.forgive(who)
    return signer


async def make_key(
    connection: AsyncConnection, serving: Serving, account_id: int, password: str
) -> Signer | None:
    """A new key under a password that is known to be right; nothing where one is in force already."""
    private, public = sealing.new_key()
    sealed = await serving.passwords.slowly(lambda: sealing.seal(private, public, account_id, password))
    cursor = await connection.execute(
        _MAKE,
        {
            "account": account_id,
            "public": public,
            "now": serving.now(),
            **msgspec.structs.asdict(sealed),
        },
    )
    row = await cursor.fetchone()
    return None if row is None else Signer(key=row[0], account_id=account_id, private=private)


async def reseal_key(
    connection: AsyncConnection, serving: Serving, account_id: int, password: str, new_password: str
) -> None:
    """Put the key under another password, in the transaction that puts that in force."""
    found = await _key(connection, account_id, locked=True)
    if found is None:
        return
    now = serving.now()
    try:
        private = await serving.passwords.slowly(lambda: found.open(password))
    except WrongPasswordError:
        # Nobody can open it any more: it lay under a password that was chosen for signing alone.
        await end_key(connection, account_id, now, "replaced")
        return
    sealed = await serving.passwords.slowly(
        lambda: sealing.seal(private, found.public_key, account_id, new_password)
    )
    await connection.execute(_RESEAL, {"key": found.key, "now": now, **msgspec.structs.asdict(sealed)})


async def choose_signing_password(serving: Serving, signed: Signed, password: str, new_password: str) -> None:
    """The password for signing of an account that has no other here.

    With the one before the key stays; without it, after a sign-in just now, another key takes its place.
    """
    row = await serving.row("SELECT password_hash FROM account WHERE id = %s", [signed.account_id])
    if signed.account_id is None or row is None or row["password_hash"] is not None:
        detail = "You sign with the password by which you sign in; change that one."
        raise ProblemError(409, "has-password", "You have a password", detail)
    if password:
        await open_key(serving, signed, password)
    else:
        await prove(serving, signed, "")
    async with serving.pool.connection() as connection, connection.transaction():
        if password:
            await reseal_key(connection, serving, signed.account_id, password, new_password)
        else:
            await end_key(connection, signed.account_id, serving.now(), "replaced")
            await make_key(connection, serving, signed.account_id, new_password)


async def end_key(connection: AsyncConnection, account_id: int, now: dt.datetime, reason: str) -> None:
    """Nothing more is signed with the key; what was signed is still verified with it.

    `reason`: `password_reset` or `replaced`.
    """
    await connection.execute(
        """
        UPDATE signing_key SET ended_at = greatest(made_at, %s), end_reason = %s
         WHERE account_id = %s AND ended_at IS NULL
        """,
        [now, reason, account_id],
    )


def not_signed(code: str, detail: str) -> ProblemError:
    """Refused: there is no valid signature."""
    return ProblemError(403, "not-signed", "Not signed", detail, field="body.signature.password", code=code)


def tell_of_ended_keys(app: FastAPI) -> None:
    """Answer `KeyEndedError`, from whatever route: 403, and nothing was done."""

    async def on_ended(_: Request, __: Exception) -> JSONResponse:
        detail = "Your key has just been ended, for your password was changed; nothing was done."
        problem = not_signed("key-ended", detail)
        return answer(problem, errors=problem.errors)

    app.add_exception_handler(KeyEndedError, on_ended)


async def _first_key(serving: Serving, account_id: int, password: str) -> Signer:
    async with serving.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT password_hash FROM account WHERE id = %s AND disabled_at IS NULL", [account_id]
        )
        row = await cursor.fetchone()
    hashed: str | None = row[0] if row else None
    if row and hashed is None:
        raise not_signed("no-signing-password", "Choose a password for signing on your own page first.")
    if not await serving.passwords.fits(password, hashed):
        raise _wrong()
    async with serving.pool.connection() as connection, connection.transaction():
        # Whoever changes the password at this moment goes before, or seals anew what is made here.
        cursor = await connection.execute(
            "SELECT FROM account WHERE id = %s AND password_hash = %s AND disabled_at IS NULL FOR UPDATE",
            [account_id, hashed],
        )
        if await cursor.fetchone() is None:
            raise _wrong()
        made = await make_key(connection, serving, account_id, password)
        if made is not None:
            return made
        found = await _key(connection, account_id)
    if found is None:
        raise _wrong()
    return await _opened(serving, found, password)


async def _opened(serving: Serving, found: _Key, password: str) -> Signer:
    try:
        private = await serving.passwords.slowly(lambda: found.open(password))
    except WrongPasswordError as exc:
        raise _wrong() from exc
    return Signer(key=found.key, account_id=found.account_id, private=private)


async def _key(connection: AsyncConnection, account_id: int, *, locked: bool = False) -> _Key | None:
    cursor = connection.cursor(row_factory=class_row(_Key))
    await cursor.execute(_KEY + ("FOR UPDATE" if locked else ""), [account_id])
    return await cursor.fetchone()


def _wrong() -> ProblemError:
    return not_signed("wrong-password", "The password is wrong; nothing was done.")
