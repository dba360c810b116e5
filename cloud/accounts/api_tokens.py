"""Tokens by which programs ask in somebody's name: some of his permissions, for a time; they never sign."""

import datetime as dt
from typing import LiteralString

from cloud.accounts.own_model import TokenAsked, TokenShown
from cloud.accounts.tokens import new_token, token_hash
from cloud.database import AsyncConnection, Row, instant, row_of, rows_of
from cloud.problems import ProblemError

PREFIX = "swt_"
"""So that whoever finds one in a file knows what it opens."""
LONGEST = dt.timedelta(days=366)
_MOST = 20
"""Good ones of one account."""
_SEEN_STEP = dt.timedelta(minutes=1)

LISTED: LiteralString = """
    SELECT id, name, permissions, made_at, expires_at, used_at, expires_at <= %(now)s AS is_over
      FROM api_token
     WHERE account_id = %(account)s AND revoked_at IS NULL ORDER BY is_over, id DESC LIMIT 200
"""
"""Of one account, without those that were revoked."""


async def make_token(
    connection: AsyncConnection, account_id: int, asked: TokenAsked, held: set[str], now_ms: int
) -> tuple[str, TokenShown]:
    """A token and what is shown of it; `held`: what the account itself may do now."""
    now = instant(now_ms)
    beyond = sorted(set(asked.permissions) - held)
    if beyond:
        detail = f"You do not have {', '.join(beyond)} yourself."
        raise ProblemError(
            422, "beyond-own", "Not yours", detail, field="permissions", values={"names": beyond}
        )
    if not now < asked.expires_at <= now + LONGEST:
        detail = "expires_at: within 366 days from now"
        raise ProblemError(422, "bad-expiry", "Not a time", detail, field="expires_at")
    await connection.execute("SELECT FROM account WHERE id = %s FOR UPDATE", [account_id])
    await _check_room(connection, account_id, now)
    token = PREFIX + new_token()
    row = await row_of(
        connection,
        """
        INSERT INTO api_token (account_id, name, token_hash, permissions, made_at, expires_at)
            VALUES (%(account)s, %(name)s, %(hash)s, %(permissions)s, %(now)s, %(until)s)
            ON CONFLICT (account_id, name) WHERE revoked_at IS NULL DO NOTHING
            RETURNING id, name, permissions, made_at, expires_at, used_at, false AS is_over
        """,
        {
            "account": account_id,
            "name": asked.name,
            "hash": token_hash(token),
            "permissions": sorted(set(asked.permissions)),
            "now": now,
            "until": asked.expires_at,
        },
    )
    if row is None:
        detail = "name: you have a token of that name."
        raise ProblemError(409, "already-there", "It is there already", detail, field="name")
    return token, TokenShown(**row)


async def _check_room(connection: AsyncConnection, account_id: int, now: dt.datetime) -> None:
    cursor = await connection.execute(
        "SELECT count(*) >= %s FROM api_token "
        "WHERE account_id = %s AND revoked_at IS NULL AND expires_at > %s",
        [_MOST, account_id, now],
    )
    if await cursor.fetchone() == (True,):
        detail = f"At most {_MOST}; revoke one that is not used any more."
        raise ProblemError(409, "too-many-tokens", "Too many tokens", detail, values={"most": _MOST})


async def revoke_token(connection: AsyncConnection, account_id: int | None, token: int, now_ms: int) -> bool:
    """From this moment on it opens nothing; whether it was that account's."""
    cursor = await connection.execute(
        "UPDATE api_token SET revoked_at = %s WHERE account_id = %s AND id = %s AND revoked_at IS NULL",
        [instant(now_ms), account_id, token],
    )
    return cursor.rowcount == 1


async def revoke_tokens(connection: AsyncConnection, account_id: int, now_ms: int) -> None:
    """All of the account's."""
    await connection.execute(
        "UPDATE api_token SET revoked_at = %s WHERE account_id = %s AND revoked_at IS NULL",
        [instant(now_ms), account_id],
    )


async def bearers_of(
    connection: AsyncConnection, hashes: list[bytes], factor_roles: list[str], now: dt.datetime
) -> list[Row]:
    """Whose each token is and what it is for; noted as used, once a minute. Bad ones are left out."""
    rows = await rows_of(
        connection,
        """
        SELECT t.token_hash, t.id, t.account_id, account.name, t.permissions, t.used_at,
               lacks_factor(t.account_id, %(roles)s) AS lacks_factor
          FROM api_token AS t JOIN account ON account.id = t.account_id
         WHERE t.token_hash = ANY(%(hashes)s) AND t.revoked_at IS NULL AND t.expires_at > %(now)s
           AND account.disabled_at IS NULL
        """,
        {"hashes": hashes, "now": now, "roles": factor_roles},
    )
    if used := [row["id"] for row in rows if row["used_at"] is None or row["used_at"] < now - _SEEN_STEP]:
        await connection.execute(_NOTE_USE, [now, used])
    return rows


_NOTE_USE: LiteralString = """
    UPDATE api_token SET used_at = %s
     WHERE id IN (SELECT id FROM api_token WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED)
"""
"""Whoever holds one of them notes it as well: nobody waits for that."""
