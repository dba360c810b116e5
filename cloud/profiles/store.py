"""Versions of profiles, and denied models, in SQL."""

from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection, Row, rows_of

DENIED_WITH = "profiles.deny"
"""The permission."""

_BROUGHT: LiteralString = "SELECT profile, version, text, summary, author, reason, at FROM profile_version "

NEWEST: LiteralString = """
    SELECT DISTINCT ON (profile) profile, version, summary, author, at FROM profile_version
     ORDER BY profile, version DESC
"""
"""Of each profile that was brought, the last version; without its text."""

DENIED: LiteralString = """
    SELECT denied AS id, brand, model, d.site, d.node, reason, source, listed_on, author, at, lifted_at,
           lifted_by, lifted_for
      FROM denied_model AS d LEFT JOIN tree_node AS its ON its.node = d.node
     WHERE d.site IS NULL AND d.node IS NULL OR sees_site(%(account)s, d.site)
        OR sees_node(%(account)s, its.path)
     ORDER BY lifted_at IS NOT NULL, at DESC
"""
"""Those that the account may know of."""

DENIED_AT: LiteralString = """
    SELECT brand, model, reason, source
      FROM denied_model AS d LEFT JOIN tree_node AS top ON top.node = d.node
     WHERE lifted_at IS NULL
       AND (d.site IS NULL AND d.node IS NULL OR d.site = %(site)s
            OR EXISTS (SELECT FROM site JOIN tree_node AS its ON its.node IN (site.territory, site.enterprise)
                        WHERE site.site = %(site)s AND starts_with(its.path, top.path)))
"""
"""Those that hold at a site; of no site: those that hold everywhere."""


async def versions(connection: AsyncConnection, profile: str) -> list[Row]:
    """Every version of a profile that was brought, the newest first."""
    return await rows_of(connection, _BROUGHT + "WHERE profile = %s ORDER BY version DESC", [profile])


async def version(connection: AsyncConnection, profile: str, number: int) -> Row | None:
    """One version."""
    found = await rows_of(connection, _BROUGHT + "WHERE profile = %s AND version = %s", [profile, number])
    return found[0] if found else None


async def keep(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Keep a version for good; false where that one is kept already."""
    kept = await rows_of(
        connection,
        """
        INSERT INTO profile_version (profile, version, text, sha256, summary, author, reason, at)
            VALUES (%(profile)s, %(version)s, %(text)s, %(sha256)s, %(summary)s, %(author)s, %(reason)s,
                    %(at)s)
            ON CONFLICT DO NOTHING RETURNING version
        """,
        {**values, "summary": Jsonb(values["summary"])},
    )
    return bool(kept)


async def deny(connection: AsyncConnection, values: dict[str, Any]) -> None:
    """Add a model that is not let in."""
    await connection.execute(
        """
        INSERT INTO denied_model (denied, brand, model, site, node, reason, source, listed_on, author, at)
            VALUES (%(id)s, %(brand)s, %(model)s, %(site)s, %(node)s, %(reason)s, %(source)s, %(listed_on)s,
                    %(author)s, %(at)s)
        """,
        values,
    )


async def lift(connection: AsyncConnection, values: dict[str, Any]) -> bool:
    """Let a model in again; false where it is let in already."""
    lifted = await rows_of(
        connection,
        """
        UPDATE denied_model SET lifted_at = %(at)s, lifted_by = %(author)s, lifted_for = %(reason)s
         WHERE denied = %(id)s AND lifted_at IS NULL RETURNING denied
        """,
        values,
    )
    return bool(lifted)


async def rules_over(connection: AsyncConnection, account: int | None, row: Row) -> bool:
    """Whether a denial lies wholly in the account's scope: only there it may be made and lifted."""
    found = await rows_of(
        connection,
        """
        SELECT CASE WHEN %(site)s::text IS NOT NULL THEN sees_device(%(account)s, %(site)s, NULL, %(roles)s)
                      AND EXISTS (SELECT FROM site WHERE site = %(site)s)
                    WHEN %(node)s::int IS NOT NULL
                      THEN coalesce((SELECT rules_node(%(account)s, path, %(roles)s) FROM tree_node
                                      WHERE node = %(node)s), false)
                    ELSE rules_node(%(account)s, '', %(roles)s) END AS may
        """,
        {"account": account, "roles": roles_with(DENIED_WITH), "site": row["site"], "node": row["node"]},
    )
    return bool(found[0]["may"])
