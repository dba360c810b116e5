"""Codes and passwords of gateways in SQL."""

import datetime as dt
from typing import LiteralString

from psycopg.rows import dict_row

from cloud.database import AsyncConnection, Connection, Row

TRIES = 5
"""So often a code may be tried, right or wrong; then it is dead."""
OVERLAP = dt.timedelta(minutes=10)
"""So long the old password stays good where the gateway does not say that it has the new one."""

ACCESS: LiteralString = """
    SELECT its.gateway AS id, its.note, its.retired_on, access.code_expires_at, access.code_used_at,
           access.code_tries, access.password_hash IS NOT NULL AS has_password, access.issued_at,
           access.next_issued_at, access.revoked_at, coalesce(heard.state, 'unknown') AS state, heard.seen_at,
           heard.cloned_at
      FROM site_gateway AS its
           LEFT JOIN gateway_access AS access ON access.site = its.site AND access.gateway = its.gateway
           LEFT JOIN gateway AS heard
             ON heard.site = its.site AND heard.gateway = its.gateway AND heard.mode = %(mode)s
     WHERE its.site = %(site)s ORDER BY its.gateway
"""
"""Every gateway of a site."""

TOLD: LiteralString = """
    SELECT coalesce(roster.version = registry.version AND roster.told_at IS NOT NULL, false) AS is_up_to_date,
           roster.complaint
      FROM (SELECT coalesce(max(version), 0) AS version FROM registry_version) AS registry
           LEFT JOIN broker_roster AS roster ON true
"""
"""Whether the broker was told of the newest change."""


async def standing_of(connection: AsyncConnection, site: str, gateway: str) -> Row | None:
    """Whether a gateway is in service; locked, so that it stays so."""
    return await _row(
        connection,
        "SELECT retired_on FROM site_gateway WHERE site = %(site)s AND gateway = %(gateway)s FOR SHARE",
        {"site": site, "gateway": gateway},
    )


async def put_code(
    connection: AsyncConnection,
    site: str,
    gateway: str,
    *,
    locator: str,
    hashed: str,
    expires_at: dt.datetime,
) -> None:
    """A new code in place of any other."""
    await connection.execute(
        """
        INSERT INTO gateway_access (site, gateway, code_locator, code_hash, code_expires_at)
            VALUES (%(site)s, %(gateway)s, %(locator)s, %(hash)s, %(expires)s)
            ON CONFLICT (site, gateway) DO UPDATE
               SET code_locator = excluded.code_locator, code_hash = excluded.code_hash,
                   code_expires_at = excluded.code_expires_at, code_tries = 0, code_used_at = NULL
        """,
        {"site": site, "gateway": gateway, "locator": locator, "hash": hashed, "expires": expires_at},
    )


async def revoke(connection: AsyncConnection, site: str, gateway: str, now: dt.datetime) -> None:
    """Nothing that it has or was promised is good any more."""
    await connection.execute(
        """
        INSERT INTO gateway_access (site, gateway, revoked_at) VALUES (%(site)s, %(gateway)s, %(now)s)
            ON CONFLICT (site, gateway) DO UPDATE
               SET code_locator = NULL, code_hash = NULL, code_expires_at = NULL, code_tries = 0,
                   code_used_at = NULL, password_hash = NULL, issued_at = NULL, next_password_hash = NULL,
                   next_issued_at = NULL, revoked_at = coalesce(gateway_access.revoked_at, %(now)s)
        """,
        {"site": site, "gateway": gateway, "now": now},
    )


async def take_try(connection: AsyncConnection, locator: str) -> Row | None:
    """The code that a locator finds, with one more try counted; nothing where none is left.

    Counted before anybody looks whether it is the right one: tries at the same time are counted too.
    """
    return await _row(
        connection,
        """
        UPDATE gateway_access SET code_tries = code_tries + 1
         WHERE code_locator = %(locator)s AND code_tries < %(tries)s
        RETURNING site, gateway, code_hash, code_expires_at, code_tries, code_used_at
        """,
        {"locator": locator, "tries": TRIES},
    )


async def is_code(connection: AsyncConnection, locator: str) -> bool:
    """Whether the locator finds a code at all."""
    found = await _row(
        connection,
        "SELECT 1 AS one FROM gateway_access WHERE code_locator = %(locator)s",
        {"locator": locator},
    )
    return found is not None


async def redeem(
    connection: AsyncConnection, locator: str, code_hash: str, password_hash: str, now: dt.datetime
) -> bool:
    """Use the code up and hand a password out; false where somebody else has used it meanwhile."""
    found = await _row(
        connection,
        """
        UPDATE gateway_access
           SET code_used_at = %(now)s, next_password_hash = %(password)s, next_issued_at = %(now)s
         WHERE code_locator = %(locator)s AND code_hash = %(hash)s AND code_used_at IS NULL
        RETURNING 1 AS one
        """,
        {"locator": locator, "hash": code_hash, "password": password_hash, "now": now},
    )
    return found is not None


async def passwords_of(connection: AsyncConnection, site: str, gateway: str) -> Row | None:
    """What the gateway has and was handed, as hashes; locked."""
    return await _row(
        connection,
        """
        SELECT password_hash, next_password_hash FROM gateway_access
         WHERE site = %(site)s AND gateway = %(gateway)s FOR UPDATE
        """,
        {"site": site, "gateway": gateway},
    )


_IN_FORCE: LiteralString = """
    UPDATE gateway_access
       SET password_hash = next_password_hash, issued_at = next_issued_at, next_password_hash = NULL,
           next_issued_at = NULL, revoked_at = NULL
     WHERE next_password_hash IS NOT NULL
"""


async def put_in_force(connection: AsyncConnection, site: str, gateway: str) -> None:
    """The password that was handed out is the one that holds."""
    await connection.execute(
        _IN_FORCE + "AND site = %(site)s AND gateway = %(gateway)s", {"site": site, "gateway": gateway}
    )


def put_due_in_force(connection: Connection, now: dt.datetime) -> None:
    """The same for every one that was handed out long ago, whether the gateway said anything or not."""
    due = connection.execute(
        "SELECT 1 FROM gateway_access WHERE next_issued_at <= %s LIMIT 1", [now - OVERLAP]
    ).fetchone()
    if due is not None:
        with connection.transaction():
            connection.execute("SELECT set_config('sitewarden.author', 'enrolment', true)")
            connection.execute(_IN_FORCE + "AND next_issued_at <= %s", [now - OVERLAP])


async def _row(connection: AsyncConnection, query: LiteralString, parameters: Row) -> Row | None:
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(query, parameters)
    return await cursor.fetchone()
