"""Accounts and sessions in SQL."""

import datetime as dt
from typing import LiteralString, NamedTuple

import psycopg

from cloud.accounts.roles import ADMIN
from cloud.database import AsyncConnection, Row, row_of, rows_of

IDLE = dt.timedelta(hours=12)
"""A session that nobody used for so long is over."""
_SEEN_STEP = dt.timedelta(minutes=1)
"""How finely use is noted: not every request writes."""
_SETUP_LOCK = 0x5357_5345
"""Any number that nothing else in the database locks."""


class Proven(NamedTuple):
    """Whose password somebody knows, and the hash that it fits."""

    account_id: int
    password_hash: str


_OPEN_DEMO: LiteralString = """
    INSERT INTO session (token_hash, account_id, created_at, seen_at, agent)
        VALUES (%(hash)s, NULL, %(now)s, %(now)s, %(agent)s)
"""
# Locked: whoever changes the password at this moment goes before, or ends this session too.
_OPEN: LiteralString = """
    INSERT INTO session (token_hash, account_id, created_at, seen_at, agent)
        SELECT %(hash)s, id, %(now)s, %(now)s, %(agent)s FROM account
         WHERE id = %(account_id)s AND password_hash = %(password_hash)s AND disabled_at IS NULL FOR SHARE
"""


async def password_hash_of(connection: AsyncConnection, name: str) -> Row | None:
    """Id and password hash of an account that is not disabled."""
    return await row_of(
        connection,
        "SELECT id, name, password_hash FROM account WHERE name = %s AND disabled_at IS NULL",
        [name],
    )


async def account_exists(connection: AsyncConnection) -> bool:
    """Whether the system has been set up."""
    cursor = await connection.execute("SELECT 1 FROM account LIMIT 1")
    return await cursor.fetchone() is not None


async def make_first_account(
    connection: AsyncConnection, link_hash: bytes, name: str, password_hash: str, now: dt.datetime
) -> int | None:
    """Use up the link and make the administrator; nothing where the link is not valid or was used."""
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_SETUP_LOCK])
            await connection.execute("SELECT set_config('sitewarden.author', %s, true)", [name])
            used = await connection.execute(
                "DELETE FROM setup_link WHERE token_hash = %s AND expires_at > %s RETURNING 1",
                [link_hash, now],
            )
            if await used.fetchone() is None or await account_exists(connection):
                return None
            cursor = await connection.execute(
                """
                WITH made AS (
                    INSERT INTO account (name, password_hash, created_at, password_at)
                        VALUES (%(name)s, %(hash)s, %(now)s, %(now)s)
                        RETURNING id)
                INSERT INTO assignment (account_id, role, valid_from, given_by)
                    SELECT id, %(role)s, statement_timestamp(), %(name)s FROM made RETURNING account_id
                """,
                {"name": name, "hash": password_hash, "now": now, "role": ADMIN},
            )
            row = await cursor.fetchone()
    except psycopg.errors.UniqueViolation:
        return None
    return None if row is None else int(row[0])


async def open_session(
    connection: AsyncConnection, hashed: bytes, proven: Proven | None, now: dt.datetime, agent: str = ""
) -> bool:
    """Begin a session, the demo's where nobody has proven anything, and sweep out those that are over.

    False where the password was changed, or the account disabled, while it was being proven.
    """
    await connection.execute("DELETE FROM session WHERE seen_at < %s", [now - IDLE])
    cursor = await connection.execute(
        _OPEN_DEMO if proven is None else _OPEN,
        {"hash": hashed, "now": now, "agent": agent, **(proven._asdict() if proven else {})},
    )
    return cursor.rowcount == 1


async def open_session_elsewhere(
    connection: AsyncConnection, hashed: bytes, account_id: int, now: dt.datetime, agent: str
) -> bool:
    """Begin a session of somebody whom a provider of identities vouches for; false where he is disabled."""
    await connection.execute("DELETE FROM session WHERE seen_at < %s", [now - IDLE])
    cursor = await connection.execute(
        """
        INSERT INTO session (token_hash, account_id, created_at, seen_at, agent, method)
            SELECT %(hash)s, id, %(now)s, %(now)s, %(agent)s, 'oidc' FROM account
             WHERE id = %(account)s AND disabled_at IS NULL FOR SHARE
        """,
        {"hash": hashed, "account": account_id, "now": now, "agent": agent},
    )
    return cursor.rowcount == 1


async def bound_to(connection: AsyncConnection, issuer: str, subject: str) -> int | None:
    """The account of that person at that provider."""
    cursor = await connection.execute(
        "SELECT account_id FROM identity WHERE issuer = %s AND subject = %s", [issuer, subject]
    )
    row = await cursor.fetchone()
    return None if row is None else int(row[0])


async def bind(
    connection: AsyncConnection, issuer: str, subject: str, account_id: int, now: dt.datetime
) -> None:
    """That person is the account from now on; a violation of uniqueness where another is."""
    await connection.execute(
        "INSERT INTO identity (issuer, subject, account_id, bound_at) VALUES (%s, %s, %s, %s)",
        [issuer, subject, account_id, now],
    )


async def still_proven(connection: AsyncConnection, proven: Proven) -> bool:
    """Whether the password is still the one that was proven; nobody else changes it meanwhile."""
    cursor = await connection.execute(
        """
        SELECT FROM account WHERE id = %(account_id)s AND password_hash = %(password_hash)s
           AND disabled_at IS NULL FOR UPDATE
        """,
        proven._asdict(),
    )
    return await cursor.fetchone() is not None


async def sessions_of(
    connection: AsyncConnection, hashes: list[bytes], factor_roles: list[str], now: dt.datetime
) -> list[Row]:
    """Who each session belongs to, `demo` where to nobody; noted as used. Those that are over are left out.

    `factor_roles` ask for a second factor; whoever signs in at a provider has that one's.
    """
    rows = await rows_of(
        connection,
        """
        SELECT token_hash, account_id, coalesce(account.name, 'demo') AS name,
               session.account_id IS NULL AS demo, seen_at, session.created_at,
               method = 'password' AND lacks_factor(account_id, %s) AS lacks_factor
          FROM session LEFT JOIN account ON account.id = session.account_id
         WHERE token_hash = ANY(%s) AND seen_at > %s AND account.disabled_at IS NULL
        """,
        [factor_roles, hashes, now - IDLE],
    )
    if used := [row["token_hash"] for row in rows if row["seen_at"] < now - _SEEN_STEP]:
        await connection.execute(_NOTE_USE, [now, used])
    return rows


_NOTE_USE: LiteralString = """
    UPDATE session SET seen_at = greatest(seen_at, %s)
     WHERE token_hash IN (SELECT token_hash FROM session WHERE token_hash = ANY(%s) FOR UPDATE SKIP LOCKED)
"""
"""Whoever holds one of them notes it as well: nobody waits for that."""


async def close_session(connection: AsyncConnection, hashed: bytes) -> None:
    """End a session."""
    await connection.execute("DELETE FROM session WHERE token_hash = %s", [hashed])


SESSIONS: LiteralString = """
    SELECT id, created_at, seen_at, agent, method, token_hash = %(hash)s AS is_this
      FROM session WHERE account_id = %(account)s ORDER BY seen_at DESC, id DESC LIMIT 100
"""
"""Of one account, the last used first."""


async def end_session(connection: AsyncConnection, account_id: int | None, session: int) -> bool:
    """End one by its number; whether it was that account's."""
    cursor = await connection.execute(
        "DELETE FROM session WHERE account_id = %s AND id = %s", [account_id, session]
    )
    return cursor.rowcount == 1
