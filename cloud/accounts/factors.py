"""The second factor: codes of an authenticator (RFC 6238), and recovery codes for the day that it is lost."""

import base64
import hashlib
import hmac
import re
import secrets
import unicodedata
from typing import LiteralString

import msgspec
import pyotp
from psycopg.rows import class_row

from cloud.accounts.links import NoSuchAccountError
from cloud.accounts.service import clock_s
from cloud.database import AsyncConnection, Connection, instant
from cloud.problems import ProblemError
from cloud.serving import Serving

STEP_S = 30
_DRIFT = 1
"""Steps that a clock may be wrong by, to either side (RFC 6238, 5.2)."""
_CODES, _CODE_BYTES = 10, 10
"""So many recovery codes of 80 random bits: a plain hash suffices."""
_DIGITS = re.compile(r"[0-9]{6}")
ISSUER = "SiteWarden"

_REMOVE: LiteralString = """
    UPDATE second_factor SET secret = NULL, confirmed_at = NULL, last_step = 0, reason = %s
     WHERE account_id = %s AND secret IS NOT NULL
"""


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    """A row that has a secret."""

    secret: str
    last_step: int
    confirmed: bool


def step_of(secret: str, code: str, now_ms: int) -> int | None:
    """The step whose code that is, of those near now."""
    now, made = now_ms // 1000 // STEP_S, pyotp.HOTP(secret)
    near = range(now + _DRIFT, now - _DRIFT - 1, -1)
    return next((step for step in near if hmac.compare_digest(made.at(step), code)), None)


def otpauth_uri(secret: str, name: str) -> str:
    """What an authenticator reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def new_secret() -> str:
    """160 random bits, in base32."""
    return pyotp.random_base32()


def new_recovery_codes() -> list[str]:
    """As they are shown, once: four groups of four letters."""
    return [
        "-".join(re.findall("....", base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower()))
        for _ in range(_CODES)
    ]


def _plain(code: str) -> str:
    """As it is meant: a Chinese keyboard writes wide digits, and some people write them in two groups."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", code))


def recovery_hash(code: str) -> bytes:
    """What rests of one; hyphens, spaces and capitals do not matter."""
    return hashlib.sha256(re.sub(r"[\s-]", "", code).lower().encode()).digest()


async def factor_of(connection: AsyncConnection, account_id: int, *, locked: bool = False) -> Factor | None:
    """The account's, in force or waiting to be confirmed."""
    cursor = connection.cursor(row_factory=class_row(Factor))
    query = """
        SELECT secret, last_step, confirmed_at IS NOT NULL AS confirmed
          FROM second_factor WHERE account_id = %s AND secret IS NOT NULL
    """
    await cursor.execute(query + ("FOR UPDATE" if locked else ""), [account_id])
    return await cursor.fetchone()


async def pass_second(serving: Serving, account_id: int, code: str | None, *, refusal: int = 401) -> None:
    """Take the code, where the account has a second factor; `refusal` where it is missing, wrong or was used.

    Codes are few, so guesses at them are fewer than at passwords: five, then one in five minutes.
    """
    async with serving.pool.connection() as connection:
        factor = await factor_of(connection, account_id)
        if factor is None or not factor.confirmed:
            return
        if not code:
            detail = "Give the code of your authenticator, or a recovery code."
            raise ProblemError(refusal, "second-factor-needed", "A code is needed", detail)
        take_try(serving, account_id)
        if not await take_code(connection, account_id, factor, code, serving.now_ms()):
            detail = "The code is wrong, too old, or was used already."
            raise ProblemError(refusal, "wrong-code", "Wrong code", detail, field="code")
        forgive_tries(serving, account_id)


def take_try(serving: Serving, account_id: int) -> None:
    """Use up one guess at a code; 429 where there were too many."""
    serving.code_tries.take(f"code {account_id}", clock_s())


def forgive_tries(serving: Serving, account_id: int) -> None:
    """Somebody who has the authenticator may begin anew."""
    serving.code_tries.forgive(f"code {account_id}")


async def take_code(
    connection: AsyncConnection, account_id: int, factor: Factor, code: str, now_ms: int
) -> bool:
    """Use a code up; whether it was good. Of two who bring the same at once, one gets in."""
    code = _plain(code)
    if not _DIGITS.fullmatch(code):
        cursor = await connection.execute(
            "UPDATE recovery_code SET used_at = %s "
            "WHERE account_id = %s AND code_hash = %s AND used_at IS NULL",
            [instant(now_ms), account_id, recovery_hash(code)],
        )
        return cursor.rowcount == 1
    step = step_of(factor.secret, code, now_ms)
    if step is None:
        return False
    cursor = await connection.execute(
        "UPDATE second_factor SET last_step = %(step)s "
        "WHERE account_id = %(account)s AND secret = %(secret)s AND last_step < %(step)s",
        {"step": step, "account": account_id, "secret": factor.secret},
    )
    return cursor.rowcount == 1


async def begin(connection: AsyncConnection, account_id: int, now_ms: int) -> str:
    """A new secret that waits to be confirmed; 409 where one is in force."""
    secret = new_secret()
    cursor = await connection.execute(
        """
        INSERT INTO second_factor AS f (account_id, secret, made_at)
            VALUES (%(account)s, %(secret)s, %(now)s)
            ON CONFLICT (account_id) DO UPDATE
               SET secret = excluded.secret, made_at = excluded.made_at, last_step = 0, reason = ''
             WHERE f.confirmed_at IS NULL
        """,
        {"account": account_id, "secret": secret, "now": instant(now_ms)},
    )
    if cursor.rowcount != 1:
        raise ProblemError(409, "already-there", "It is there already", "Remove the second factor first.")
    return secret


async def confirm(connection: AsyncConnection, account_id: int, code: str, now_ms: int) -> list[str]:
    """Put it in force, a code having shown that the authenticator has it; answers the recovery codes."""
    factor = await factor_of(connection, account_id, locked=True)
    if factor is None or factor.confirmed:
        raise ProblemError(409, "no-second-factor", "Nothing to confirm", "Begin with a new secret.")
    if not _DIGITS.fullmatch(_plain(code)) or not await take_code(
        connection, account_id, factor, code, now_ms
    ):
        raise ProblemError(403, "wrong-code", "Wrong code", "It is no code of that secret.", field="code")
    await connection.execute(
        "UPDATE second_factor SET confirmed_at = %s WHERE account_id = %s", [instant(now_ms), account_id]
    )
    return await renew_recovery_codes(connection, account_id)


async def renew_recovery_codes(connection: AsyncConnection, account_id: int) -> list[str]:
    """Ten new ones; those before are void."""
    codes = new_recovery_codes()
    await connection.execute("DELETE FROM recovery_code WHERE account_id = %s", [account_id])
    await connection.execute(
        "INSERT INTO recovery_code (account_id, code_hash) SELECT %s, unnest(%s::bytea[])",
        [account_id, [recovery_hash(code) for code in codes]],
    )
    return codes


async def remove(connection: AsyncConnection, account_id: int, reason: str = "") -> bool:
    """Take it away with its recovery codes; whether there was one."""
    await connection.execute("DELETE FROM recovery_code WHERE account_id = %s", [account_id])
    cursor = await connection.execute(_REMOVE, [reason, account_id])
    return cursor.rowcount == 1


def reset_on_console(connection: Connection, name: str) -> bool:
    """For whoever has the server's terminal; whether there was one. Raises `NoSuchAccountError`."""
    with connection.transaction():
        connection.execute("SELECT set_config('sitewarden.author', 'console', true)")
        account = connection.execute("SELECT id FROM account WHERE name = %s", [name]).fetchone()
        if account is None:
            raise NoSuchAccountError
        connection.execute("DELETE FROM recovery_code WHERE account_id = %s", account)
        removed = connection.execute(_REMOVE, ["console", *account])
        return removed.rowcount == 1
