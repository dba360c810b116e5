"""Codes and passwords of gateways in SQL."""

import datetime as dt
from typing import Literal, LiteralString

from cloud.database import AsyncConnection, Connection, Row, row_of

TRIES = 5
"""So often a code may be tried, right or wrong; then it is dead."""
OVERLAP = dt.timedelta(minutes=10)
"""So long the old password stays good where the gateway does not say that it has the new one."""

ACCESS: LiteralString = """
    SELECT its.gateway AS id, its.note, its.retired_on, access.code_expires_at, access.code_used_at,
           access.code_tries, access.password_hash IS NOT NULL AS has_password, access.issued_at,
           access.next_issued_at, access.revoked_at, coalesce(heard.state, 'unknown') AS state, heard.seen_at,
           heard.cloned_at, held.issued_at AS certified_at, held.ends_at AS certificate_ends_at,
           given.issued_at AS certificate_given_at
      FROM site_gateway AS its
           LEFT JOIN gateway_access AS access ON access.site = its.site AND access.gateway = its.gateway
           LEFT JOIN gateway AS heard
             ON heard.site = its.site AND heard.gateway = its.gateway AND heard.mode = %(mode)s
           LEFT JOIN LATERAL (
               SELECT issued_at, ends_at FROM gateway_certificate AS c
                WHERE c.site = its.site AND c.gateway = its.gateway AND c.ended_at IS NULL
                  AND c.seen_at IS NOT NULL
                ORDER BY c.issued_at DESC LIMIT 1
           ) AS held ON true
           LEFT JOIN LATERAL (
               SELECT issued_at FROM gateway_certificate AS c
                WHERE c.site = its.site AND c.gateway = its.gateway AND c.ended_at IS NULL
                  AND c.seen_at IS NULL
                  AND c.ends_at > %(now)s AND (held.issued_at IS NULL OR c.issued_at > held.issued_at)
                ORDER BY c.issued_at DESC LIMIT 1
           ) AS given ON true
     WHERE its.site = %(site)s ORDER BY its.gateway
"""
"""Every gateway of a site."""

KNOWN: LiteralString = "SELECT 1 FROM site_gateway WHERE site = %(site)s AND gateway = %(gateway)s"
"""Whether the site has the gateway."""

CERTIFICATES: LiteralString = """
    SELECT serial, issued_at, ends_at, seen_at, ended_at, ended_by FROM gateway_certificate
     WHERE site = %(site)s AND gateway = %(gateway)s ORDER BY issued_at DESC, serial LIMIT 200
"""
"""Of a gateway."""

TOLD: LiteralString = """
    SELECT coalesce(roster.version = registry.version AND roster.told_at IS NOT NULL, false) AS is_up_to_date,
           roster.complaint
      FROM (SELECT coalesce(max(version), 0) AS version FROM registry_version) AS registry
           LEFT JOIN broker_roster AS roster ON true
"""
"""Whether the broker was told of the newest change."""


async def standing_of(connection: AsyncConnection, site: str, gateway: str) -> Row | None:
    """Whether a gateway is in service; locked, so that it stays so."""
    return await row_of(
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
    await end_certificates(connection, site, gateway, "revoked", now)
    # Who was shut out before may have come back by a new code, and is in again.
    await connection.execute(
        "DELETE FROM gateway_disconnected WHERE site = %s AND gateway = %s", [site, gateway]
    )


async def end_certificates(
    connection: AsyncConnection,
    site: str,
    gateway: str,
    by: Literal["revoked", "replaced"],
    now: dt.datetime,
    *,
    but: str = "",
) -> None:
    """The broker takes none of the gateway's certificates any more, but that of a serial."""
    await connection.execute(
        """
        UPDATE gateway_certificate SET ended_at = %(now)s, ended_by = %(by)s
         WHERE site = %(site)s AND gateway = %(gateway)s AND ended_at IS NULL AND ends_at > %(now)s
           AND serial <> %(but)s
        """,
        {"site": site, "gateway": gateway, "by": by, "now": now, "but": but},
    )


async def take_try(connection: AsyncConnection, locator: str) -> Row | None:
    """The code that a locator finds, with one more try counted; nothing where none is left.

    Counted before anybody looks whether it is the right one: tries at the same time are counted too.
    """
    return await row_of(
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
    found = await row_of(
        connection,
        "SELECT 1 AS one FROM gateway_access WHERE code_locator = %(locator)s",
        {"locator": locator},
    )
    return found is not None


async def redeem(
    connection: AsyncConnection, locator: str, code_hash: str, password_hash: str | None, now: dt.datetime
) -> bool:
    """Use the code up, and hand out a password if any; false where somebody has used it meanwhile."""
    found = await row_of(
        connection,
        """
        UPDATE gateway_access
           SET code_used_at = %(now)s, next_password_hash = %(password)s,
               next_issued_at = CASE WHEN %(password)s::text IS NOT NULL THEN %(now)s END
         WHERE code_locator = %(locator)s AND code_hash = %(hash)s AND code_used_at IS NULL
        RETURNING 1 AS one
        """,
        {"locator": locator, "hash": code_hash, "password": password_hash, "now": now},
    )
    return found is not None


async def passwords_of(connection: AsyncConnection, site: str, gateway: str) -> Row | None:
    """What the gateway has and was handed, as hashes; locked."""
    return await row_of(
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


async def put_certificate(connection: AsyncConnection, row: Row) -> None:
    """A certificate that was just made."""
    await connection.execute(
        """
        INSERT INTO gateway_certificate (serial, site, gateway, certificate, key_hash, issued_at, ends_at)
            VALUES (%(serial)s, %(site)s, %(gateway)s, %(certificate)s, %(key_hash)s, %(issued_at)s,
                    %(ends_at)s)
        """,
        row,
    )


_CERTIFICATE: LiteralString = """
    SELECT c.serial, c.site, c.gateway, c.certificate, c.issued_at, c.ends_at, c.seen_at, c.ended_at,
           c.ended_by, its.retired_on
      FROM gateway_certificate AS c JOIN site_gateway AS its USING (site, gateway)
"""


async def certificate_of_key(connection: AsyncConnection, key_hash: str) -> Row | None:
    """The one that a key has already."""
    return await row_of(connection, _CERTIFICATE + "WHERE key_hash = %(key_hash)s", {"key_hash": key_hash})


async def certificate_of_serial(connection: AsyncConnection, serial: str) -> Row | None:
    """One, with how its gateway stands; locked, so that it stays so."""
    return await row_of(
        connection,
        _CERTIFICATE + "WHERE serial = %(serial)s FOR UPDATE OF c FOR SHARE OF its",
        {"serial": serial},
    )


async def issued_since(connection: AsyncConnection, site: str, gateway: str, since: dt.datetime) -> int:
    """How many certificates the gateway was given after that instant."""
    found = await row_of(
        connection,
        """
        SELECT count(*) AS n FROM gateway_certificate
         WHERE site = %(site)s AND gateway = %(gateway)s AND issued_at > %(since)s
        """,
        {"site": site, "gateway": gateway, "since": since},
    )
    return 0 if found is None else int(found["n"])


async def see_certificate(
    connection: AsyncConnection, site: str, gateway: str, serial: str, now: dt.datetime
) -> None:
    """It is the one by which the gateway logs in: no earlier one, and no password."""
    await connection.execute(
        "UPDATE gateway_certificate SET seen_at = %(now)s WHERE serial = %(serial)s AND seen_at IS NULL",
        {"serial": serial, "now": now},
    )
    await end_certificates(connection, site, gateway, "replaced", now, but=serial)
    await connection.execute(
        """
        UPDATE gateway_access
           SET password_hash = NULL, issued_at = NULL, next_password_hash = NULL, next_issued_at = NULL,
               revoked_at = NULL
         WHERE site = %(site)s AND gateway = %(gateway)s
           AND coalesce(issued_at, next_issued_at, revoked_at) IS NOT NULL
        """,
        {"site": site, "gateway": gateway},
    )


_HEAR_AGAIN: LiteralString = """
    UPDATE gateway_access AS access SET revoked_at = NULL
      FROM gateway_certificate AS c
     WHERE c.site = access.site AND c.gateway = access.gateway AND c.ended_at IS NULL
       AND access.revoked_at <= c.issued_at AND c.issued_at <= %s
"""
_DUE: LiteralString = """
    SELECT 1 FROM gateway_access AS access JOIN gateway_certificate AS c USING (site, gateway)
     WHERE access.revoked_at <= c.issued_at AND c.ended_at IS NULL AND c.issued_at <= %s LIMIT 1
"""
"""Whoever was revoked and has a certificate since then, which he has not shown."""


def put_due_in_force(connection: Connection, now: dt.datetime) -> None:
    """What was handed out long ago holds, whether the gateway said anything or not.

    A certificate holds from the beginning; but who was revoked is heard again only from then on.
    """
    _hear_again(connection, now - OVERLAP)
    due = connection.execute(
        "SELECT 1 FROM gateway_access WHERE next_issued_at <= %s LIMIT 1", [now - OVERLAP]
    ).fetchone()
    if due is not None:
        with connection.transaction():
            connection.execute("SELECT set_config('sitewarden.author', 'enrolment', true)")
            connection.execute(_IN_FORCE + "AND next_issued_at <= %s", [now - OVERLAP])


def _hear_again(connection: Connection, before: dt.datetime) -> None:
    if connection.execute(_DUE, [before]).fetchone() is not None:
        with connection.transaction():
            connection.execute("SELECT set_config('sitewarden.author', 'enrolment', true)")
            connection.execute(_HEAR_AGAIN, [before])
