"""Making, changing and ending accounts: within the own scope, below the own role, never one's own.

Every change looks once more inside its transaction, under one lock for all of them: a role that somebody is
about to lose gives nothing any more.
"""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString

import msgspec
from psycopg.types.json import Jsonb

from cloud.accounts import factors
from cloud.accounts.links import NewLink, make_link, void_link_of_others
from cloud.accounts.managing_model import (
    AccountManaged,
    AccountState,
    AssignmentGiven,
    AssignmentShown,
    Invited,
    Standing,
)
from cloud.accounts.model import Signed
from cloud.accounts.roles import roles, roles_giving, roles_with
from cloud.database import AsyncConnection, Row, instant, rows_of
from cloud.problems import ProblemError, not_found
from cloud.registry.service import acting
from cloud.serving import Serving

MANAGE, AUDIT = "accounts.manage", "audit.view"
_LOCK = 0x5357_4143
"""Any number that nothing else in the database locks."""

_ACCOUNTS: LiteralString = """
    SELECT account.id, account.name, account.note, account.created_at, account.disabled_at,
           account.password_hash IS NOT NULL AS has_password, maker.name AS made_by,
           EXISTS (SELECT FROM second_factor AS f
                    WHERE f.account_id = account.id AND f.confirmed_at IS NOT NULL) AS has_second_factor,
           EXISTS (SELECT FROM identity WHERE identity.account_id = account.id) AS is_bound,
           (SELECT max(seen_at) FROM session WHERE session.account_id = account.id) AS seen_at,
           (SELECT expires_at FROM account_link AS link
             WHERE link.account_id = account.id AND link.expires_at > %(now)s) AS link_until,
           account.id = %(caller)s AS is_self,
           answers_for(%(caller)s, %(managers)s, %(givers)s, account.id) AS may_change
      FROM account LEFT JOIN account AS maker ON maker.id = account.made_by
     WHERE knows_account(%(caller)s, %(managers)s, account.id)
"""
_PAGE: LiteralString = """
       AND account.id > %(after)s
       AND (%(search)s::text IS NULL
            OR strpos(lower(account.name || ' ' || account.note), lower(%(search)s)) > 0)
       AND (%(state)s::text IS NULL
            OR CASE WHEN account.disabled_at IS NOT NULL THEN %(state)s = 'disabled'
                    WHEN account.password_hash IS NOT NULL
                    THEN %(state)s = 'active' OR (%(state)s = 'without_second_factor' AND NOT EXISTS (
                             SELECT FROM second_factor AS f
                              WHERE f.account_id = account.id AND f.confirmed_at IS NOT NULL))
                    WHEN EXISTS (SELECT FROM identity WHERE identity.account_id = account.id)
                    THEN %(state)s = 'active'
                    ELSE %(state)s = 'invited' END)
       AND (num_nonnulls(%(role)s::text, %(node)s::int, %(site)s::text) = 0
            OR EXISTS (
                SELECT FROM assignment AS given
                       LEFT JOIN tree_node AS place ON place.node = given.node
                       LEFT JOIN site ON site.site = given.site
                       LEFT JOIN tree_node AS territory ON territory.node = site.territory
                       LEFT JOIN tree_node AS enterprise ON enterprise.node = site.enterprise
                       LEFT JOIN tree_node AS top ON top.node = %(node)s
                 WHERE given.account_id = account.id
                   AND (given.valid_until IS NULL OR given.valid_until > statement_timestamp())
                   AND (%(role)s::text IS NULL OR given.role = %(role)s)
                   AND (%(site)s::text IS NULL OR given.site = %(site)s)
                   AND (%(node)s::int IS NULL OR starts_with(place.path, top.path)
                        OR starts_with(territory.path, top.path) OR starts_with(enterprise.path, top.path))
                   -- What lies outside of the caller's scope is not to be found by asking for it either.
                   AND (given.account_id = %(caller)s
                        OR covers_scope(%(caller)s, %(managers)s, given.node, given.site, given.devices,
                                        '-infinity'))))
     ORDER BY account.id LIMIT %(limit)s
"""
_ONE: LiteralString = "AND account.id = %(account)s"

_ASSIGNMENTS: LiteralString = """
    SELECT given.account_id, given.assignment AS id, given.role, given.node, node.name AS node_name,
           given.site, site.name AS site_name, given.devices, given.valid_from, given.valid_until,
           given.given_by, given.reason, given.end_reason,
           coalesce(given.valid_until <= statement_timestamp(), false) AS is_over,
           covers_scope(%(caller)s, %(managers)s, given.node, given.site, given.devices, '-infinity')
               OR given.account_id = %(caller)s AS is_seen,
           given.account_id <> %(caller)s
               AND covers_scope(%(caller)s, ARRAY(SELECT jsonb_array_elements_text(%(givers)s -> given.role)),
                                given.node, given.site, given.devices, '-infinity') AS may_end
      FROM assignment AS given LEFT JOIN tree_node AS node ON node.node = given.node
           LEFT JOIN site ON site.site = given.site
     WHERE given.account_id = ANY (%(accounts)s) ORDER BY is_over, given.assignment
"""

CHANGES: LiteralString = """
    SELECT change.id, change.at, change.author, account.name AS account, change.record, change.before,
           change.after
      FROM account_change AS change JOIN account ON account.id = change.account_id
     WHERE (%(before)s::bigint IS NULL OR change.id < %(before)s)
       AND (%(account)s::int IS NULL OR change.account_id = %(account)s)
       AND knows_account(%(caller)s, %(auditors)s, change.account_id)
       AND (change.record <> 'assignment' OR change.account_id = %(caller)s
            OR covers_scope(%(caller)s, %(auditors)s, (change.after ->> 'node')::int, change.after ->> 'site',
                            NULL, '-infinity'))
     ORDER BY change.id DESC LIMIT %(limit)s
"""
"""Who changed what, the newest first, of accounts and places in the caller's scope."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which accounts of a list are wanted; what is left out narrows nothing."""

    search: str | None = None
    """Some letters of its name or note."""
    state: AccountState | None = None
    role: str | None = None
    """That it has now or will have, at the place if one is named."""
    node: int | None = None
    """Of a tree: with a role there, at a node below or at a site below."""
    site: str | None = None


@asynccontextmanager
async def changing(serving: Serving, signed: Signed) -> AsyncIterator[AsyncConnection]:
    """A transaction of the caller in which no other changes an account."""
    async with acting(serving, signed) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        yield connection


async def listed(
    serving: Serving, signed: Signed, connection: AsyncConnection, wanted: Wanted, *, after: int, limit: int
) -> list[AccountManaged]:
    """The next accounts in the caller's scope that are wanted."""
    asked = {**_asked(serving, signed), **msgspec.structs.asdict(wanted), "after": after, "limit": limit}
    return await _shown(connection, asked, await rows_of(connection, _ACCOUNTS + _PAGE, asked))


async def one(
    serving: Serving, signed: Signed, connection: AsyncConnection, account_id: int
) -> AccountManaged:
    """An account in the caller's scope; a problem where there is none."""
    asked = {**_asked(serving, signed), "account": account_id}
    found = await _shown(connection, asked, await rows_of(connection, _ACCOUNTS + _ONE, asked))
    if not found:
        raise not_found("account")
    return found[0]


async def invite(serving: Serving, signed: Signed, given: Invited) -> tuple[AccountManaged, NewLink]:
    """A new account with its roles, and the link by which its owner gets in."""
    now = instant(serving.now_ms())
    async with changing(serving, signed) as connection:
        cursor = await connection.execute(
            """
            INSERT INTO account (name, note, created_at, made_by) VALUES (%s, %s, %s, %s)
                ON CONFLICT (name) DO NOTHING RETURNING id
            """,
            [given.name, given.note, now, signed.account_id],
        )
        made = await cursor.fetchone()
        if made is None:
            detail = "name: there is an account of that name already"
            raise ProblemError(409, "already-there", "It is there already", detail, field="name")
        for assignment in given.assignments:
            await _give(connection, signed, made[0], assignment, now)
        link = await _link(connection, made[0], serving.now_ms())
        return await one(serving, signed, connection, made[0]), link


async def give(serving: Serving, signed: Signed, account_id: int, given: AssignmentGiven) -> AccountManaged:
    """One more role for an account that the caller knows, not for himself."""
    async with changing(serving, signed) as connection:
        account = await one(serving, signed, connection, account_id)
        _check_other(account)
        if account.standing == "disabled":
            raise ProblemError(409, "disabled", "The account is disabled", "Enable it first.")
        await _give(connection, signed, account_id, given, instant(serving.now_ms()))
        # Whoever made the link may have kept it, and need not be one who could give that role.
        await void_link_of_others(connection, account_id, signed.name)
        return await one(serving, signed, connection, account_id)


async def end(
    serving: Serving, signed: Signed, account_id: int, assignment: int, reason: str
) -> AccountManaged:
    """Take a role away that the caller might have given; it stays on record."""
    async with changing(serving, signed) as connection:
        account = await one(serving, signed, connection, account_id)
        _check_other(account)
        found = next((its for its in account.assignments if its.id == assignment), None)
        if found is None:
            raise not_found("assignment")
        if not found.may_end:
            raise _beyond()
        await connection.execute(
            """
            UPDATE assignment SET end_reason = %(reason)s,
                   valid_until = greatest(valid_from, statement_timestamp())
             WHERE assignment = %(assignment)s
               AND (valid_until IS NULL OR valid_until > statement_timestamp())
            """,
            {"reason": reason, "assignment": assignment},
        )
        return await one(serving, signed, connection, account_id)


async def set_disabled(
    serving: Serving, signed: Signed, account_id: int, reason: str, *, disabled: bool
) -> AccountManaged:
    """Shut an account out with all its sessions, or let it in again."""
    async with changing(serving, signed) as connection:
        await _answered_for(serving, signed, connection, account_id)
        await connection.execute(
            "UPDATE account SET disabled_at = %s, standing_reason = %s WHERE id = %s",
            [instant(serving.now_ms()) if disabled else None, reason, account_id],
        )
        await connection.execute("DELETE FROM session WHERE account_id = %s", [account_id])
        await connection.execute("DELETE FROM account_link WHERE account_id = %s", [account_id])
        return await one(serving, signed, connection, account_id)


async def reset_factor(serving: Serving, signed: Signed, account_id: int, reason: str) -> AccountManaged:
    """Take the second factor of an account away, whose owner has lost it; all its sessions end."""
    async with changing(serving, signed) as connection:
        await _answered_for(serving, signed, connection, account_id)
        if not await factors.remove(connection, account_id, reason):
            raise ProblemError(409, "no-second-factor", "There is none", "The account has no second factor.")
        await connection.execute("DELETE FROM session WHERE account_id = %s", [account_id])
        return await one(serving, signed, connection, account_id)


async def unbind(serving: Serving, signed: Signed, account_id: int, reason: str) -> AccountManaged:
    """Let somebody else at the provider of identities take the account's name; all its sessions end."""
    async with changing(serving, signed) as connection:
        await _answered_for(serving, signed, connection, account_id)
        await connection.execute(
            "UPDATE account SET standing_reason = %s WHERE id = %s", [reason, account_id]
        )
        await connection.execute("DELETE FROM identity WHERE account_id = %s", [account_id])
        await connection.execute("DELETE FROM session WHERE account_id = %s", [account_id])
        return await one(serving, signed, connection, account_id)


async def renew_link(serving: Serving, signed: Signed, account_id: int) -> NewLink:
    """A new link of an account; the one before is void."""
    async with changing(serving, signed) as connection:
        await _answered_for(serving, signed, connection, account_id)
        return await _link(connection, account_id, serving.now_ms())


async def _give(
    connection: AsyncConnection, signed: Signed, account_id: int, given: AssignmentGiven, now: dt.datetime
) -> None:
    if given.valid_until is not None and given.valid_until <= max(given.valid_from or now, now):
        detail = "valid_until: it would be over before it begins"
        raise ProblemError(422, "bad-until", "Not a time", detail, field="valid_until")
    asked = {
        "caller": signed.account_id,
        "givers": roles_giving(given.role),
        "role": given.role,
        **given.model_dump(exclude={"role"}),
    }
    covered = await connection.execute(
        "SELECT covers_scope(%(caller)s, %(givers)s, %(node)s::int, %(site)s, %(devices)s::text[], "
        "coalesce(%(valid_until)s::timestamptz, 'infinity'))",
        asked,
    )
    if await covered.fetchone() != (True,):
        raise _beyond()
    await connection.execute(
        """
        INSERT INTO assignment (
                account_id, role, node, site, devices, valid_from, valid_until, given_by, reason)
            VALUES (%(account)s, %(role)s, %(node)s, %(site)s, %(devices)s,
                    coalesce(%(valid_from)s, statement_timestamp()), %(valid_until)s, %(by)s, %(reason)s)
        """,
        {**asked, "account": account_id, "by": signed.name},
    )


async def _link(connection: AsyncConnection, account_id: int, now_ms: int) -> NewLink:
    link = await make_link(connection, account_id, now_ms)
    if link is None:
        raise ProblemError(409, "disabled", "The account is disabled", "Enable it first.")
    return link


async def _answered_for(
    serving: Serving, signed: Signed, connection: AsyncConnection, account_id: int
) -> None:
    account = await one(serving, signed, connection, account_id)
    _check_other(account)
    if not account.may_change:
        detail = "It has a role, or a place, that you may not give; whoever may, decides."
        raise ProblemError(403, "not-yours-alone", "Not allowed", detail)


def _check_other(account: AccountManaged) -> None:
    if account.is_self:
        detail = "Nobody changes what he himself may do. Ask another."
        raise ProblemError(403, "own-account", "Your own account", detail)


def _beyond() -> ProblemError:
    """The same answer whether the place is not there, not seen, or the role is not below the caller's."""
    detail = "You give roles below your own, within your own scope, and no longer than you have yours."
    return ProblemError(403, "beyond-own-role", "Not yours to give", detail)


def _asked(serving: Serving, signed: Signed) -> dict[str, Any]:
    return {
        "caller": signed.account_id,
        "managers": roles_with(MANAGE),
        "givers": Jsonb({role: roles_giving(role) for role in roles().roles}),
        "now": instant(serving.now_ms()),
    }


async def _shown(
    connection: AsyncConnection, asked: dict[str, Any], rows: Sequence[Row]
) -> list[AccountManaged]:
    given = await rows_of(connection, _ASSIGNMENTS, {**asked, "accounts": [row["id"] for row in rows]})
    return [_account_shown(row, [its for its in given if its["account_id"] == row["id"]]) for row in rows]


def _account_shown(row: Row, given: list[Row]) -> AccountManaged:
    fields = AssignmentShown.model_fields
    seen = [its for its in given if its["is_seen"]]
    standing: Standing = "active" if row["has_password"] or row["is_bound"] else "invited"
    return AccountManaged(
        **{name: value for name, value in row.items() if name in AccountManaged.model_fields},
        standing="disabled" if row["disabled_at"] else standing,
        assignments=[AssignmentShown(**{name: its[name] for name in fields}) for its in seen],
        has_more=any(not its["is_seen"] and not its["is_over"] for its in given),
    )
