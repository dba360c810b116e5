"""Links that let somebody choose the password of an account: shown once, used once, good for a while."""

import datetime as dt
from typing import Any, LiteralString

import msgspec
from psycopg.rows import dict_row

from cloud.accounts.api_tokens import revoke_tokens
from cloud.accounts.signing import end_key
from cloud.accounts.tokens import new_token, token_hash
from cloud.database import AsyncConnection, Connection, Row, instant
from sitewarden.errors import SiteWardenError

INVITED = dt.timedelta(hours=72)
RESET = dt.timedelta(hours=24)
PATH = "/welcome"
"""Of the page that opens it. What follows after # reaches no server and no log of one."""

_MAKE: LiteralString = """
    INSERT INTO account_link AS link (account_id, token_hash, kind, expires_at)
        SELECT id, %(hash)s, CASE WHEN password_hash IS NULL THEN 'invitation' ELSE 'reset' END,
               %(now)s + CASE WHEN password_hash IS NULL THEN %(invited)s ELSE %(reset)s END
          FROM account WHERE (id = %(account)s OR name = %(name)s) AND disabled_at IS NULL
        ON CONFLICT (account_id) DO UPDATE
           SET token_hash = excluded.token_hash, kind = excluded.kind, expires_at = excluded.expires_at
        RETURNING kind, expires_at
"""
"""The only valid one of the account from now on; no row where there is no such account, or it is disabled."""

_OPEN: LiteralString = """
    SELECT account.id, account.name, link.kind, link.expires_at
      FROM account_link AS link JOIN account ON account.id = link.account_id
     WHERE link.token_hash = %(hash)s AND link.expires_at > %(now)s AND account.disabled_at IS NULL
"""


class NoSuchAccountError(SiteWardenError):
    """There is no account of that name, or it is disabled."""

    def __str__(self) -> str:
        """The docstring is the message."""
        return self.__doc__ or ""


class NewLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that was just made; nobody can read it again."""

    path: str
    kind: str
    expires_at: dt.datetime


def reset_link(connection: Connection, address: str, name: str, now_ms: int) -> str:
    """For whoever has the server's terminal; raises `NoSuchAccountError`."""
    token = new_token()
    with connection.transaction():
        connection.execute("SELECT set_config('sitewarden.author', 'console', true)")
        made = connection.execute(_MAKE, _named(token, now_ms, name=name)).fetchone()
    if made is None:
        raise NoSuchAccountError
    return f"{address}{PATH}#{token}"


async def make_link(connection: AsyncConnection, account_id: int, now_ms: int) -> NewLink | None:
    """A link of an account that is not disabled."""
    token = new_token()
    cursor = await connection.execute(_MAKE, _named(token, now_ms, account=account_id))
    made = await cursor.fetchone()
    return None if made is None else NewLink(path=f"{PATH}#{token}", kind=made[0], expires_at=made[1])


async def void_link_of_others(connection: AsyncConnection, account_id: int, author: str) -> None:
    """A link that somebody else has made of the account is no longer valid."""
    await connection.execute(
        """
        DELETE FROM account_link WHERE account_id = %(account)s
           AND (SELECT author FROM account_change WHERE account_id = %(account)s AND record = 'account_link'
                 ORDER BY id DESC LIMIT 1) IS DISTINCT FROM %(author)s
        """,
        {"account": account_id, "author": author},
    )


async def link_of(
    connection: AsyncConnection, token: str, now_ms: int, *, locked: bool = False
) -> Row | None:
    """Whose link it is; nothing where it is not valid. With `locked` nobody else uses it meanwhile."""
    cursor = connection.cursor(row_factory=dict_row)
    query = _OPEN + "FOR UPDATE" if locked else _OPEN
    await cursor.execute(query, {"hash": token_hash(token), "now": instant(now_ms)})
    return await cursor.fetchone()


async def use_link(connection: AsyncConnection, token: str, password_hash: str, now_ms: int) -> Row | None:
    """Put the password in force and use the link up; nothing where it is not valid. Every session ends."""
    async with connection.transaction():
        found = await link_of(connection, token, now_ms, locked=True)
        if found is None:
            return None
        await connection.execute("SELECT set_config('sitewarden.author', %s, true)", [found["name"]])
        await set_password(connection, found["id"], password_hash, now_ms)
        # Whoever resets a password cannot open what lies under the old one.
        await end_key(connection, found["id"], instant(now_ms), "password_reset")
        await revoke_tokens(connection, found["id"], now_ms)
        return found


async def set_password(
    connection: AsyncConnection, account_id: int, password_hash: str, now_ms: int, *, kept: bytes = b""
) -> None:
    """A new password; links of the old one and every session but the one `kept` are void."""
    await connection.execute(
        "UPDATE account SET password_hash = %s, password_at = %s WHERE id = %s",
        [password_hash, instant(now_ms), account_id],
    )
    await connection.execute("DELETE FROM account_link WHERE account_id = %s", [account_id])
    await connection.execute(
        "DELETE FROM session WHERE account_id = %s AND token_hash <> %s", [account_id, kept]
    )


def _named(token: str, now_ms: int, *, account: int | None = None, name: str | None = None) -> dict[str, Any]:
    return {
        "hash": token_hash(token),
        "now": instant(now_ms),
        "invited": INVITED,
        "reset": RESET,
        "account": account,
        "name": name,
    }
