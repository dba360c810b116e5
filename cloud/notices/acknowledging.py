"""Somebody says that he knows: by the link in his message, without signing in, or on the pages."""

import datetime as dt
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg.rows import dict_row

from cloud.accounts.model import Signed
from cloud.accounts.roles import roles_with
from cloud.alarms.requests import Target, Wanted, ask
from cloud.alarms.store import IS_ACKNOWLEDGED
from cloud.database import AsyncConnection, Row, instant, row_of
from cloud.instants import rfc3339
from cloud.notices import links
from cloud.notices.links import Link
from cloud.notices.people_model import LinkState, ToldLinkShown, ToldOfDigest
from cloud.notices.telling import table
from cloud.problems import ProblemError, not_found
from cloud.serving import Serving
from cloud.shown import TextShown

_KEY: LiteralString = "SELECT key FROM told_key"
_PERSON: LiteralString = """
    SELECT told.*, person.expires_at, person.used_at, person.used_how, person.step AS person_step,
           account.name, account.disabled_at,
           site.name AS site_name, (
               SELECT array_agg(DISTINCT role) FROM told_person AS its, unnest(its.roles) AS role
                WHERE its.told = told.told AND its.account_id = person.account_id) AS roles
      FROM told_person AS person JOIN told USING (told) JOIN account ON account.id = person.account_id
           LEFT JOIN site ON site.site = told.site
"""
_LINKED: LiteralString = (
    _PERSON
    + """
     WHERE person.told = %(told)s AND person.account_id = %(account)s AND person.step = %(step)s
"""
)
_OF_DIGEST: LiteralString = (
    _PERSON
    + """
     WHERE person.account_id = %(account)s AND EXISTS (
               SELECT FROM notice
                WHERE notice.digest = %(told)s AND notice.account_id = person.account_id
                      AND notice.told = person.told AND notice.step = person.step)
     ORDER BY told.level DESC, told.created_at, told.told
"""
)
_DIGEST: LiteralString = """
    SELECT title, created_at FROM notice
     WHERE notice = %(told)s AND account_id = %(account)s AND kind = 'digest'
"""
_USE: LiteralString = """
    UPDATE told_person SET used_at = %(at)s, used_from = %(address)s, used_how = %(how)s
     WHERE told = %(told)s AND account_id = %(account)s AND used_at IS NULL
       AND (%(step)s::int IS NULL OR step = %(step)s)
"""
_END: LiteralString = """
    UPDATE told SET ended = 'acknowledged', due_at = NULL, acknowledged_at = %(at)s,
                    acknowledged_by = %(name)s
     WHERE told = %(told)s AND acknowledged_at IS NULL
"""
_ALARM: LiteralString = """
    SELECT episode.id, gateway_id, point, rule FROM episode
     WHERE episode.id = %(episode)s AND sees_device(%(account)s, episode.site, episode.device, %(roles)s)
"""
_REFUSED = {
    "used": ("link-used", "The link has been used", "It is used once. The acknowledgement stands."),
    "expired": ("link-expired", "The link has expired", "Sign in and acknowledge it on the pages."),
    "disabled": ("account-disabled", "The account is disabled", "Its links acknowledge nothing any more."),
}


_OF_ALARM: LiteralString = """
    SELECT told.*, account.name
      FROM told JOIN account ON account.id = %(account)s
     WHERE told.about = 'alarm/' || %(episode)s::uuid::text FOR UPDATE OF told
"""
_ROLES: LiteralString = """
    SELECT ARRAY(SELECT role FROM unnest(%(roles)s::text[]) AS role
                  WHERE sees_device(%(account)s, %(site)s, %(device)s, ARRAY[role])) AS roles
"""


class _Who(NamedTuple):
    """Who acknowledges, and from where."""

    account: int
    step: int | None
    """Of the link; none on the pages."""
    address: str | None


async def look(serving: Serving, token: str) -> ToldLinkShown:
    """What a link is of; changes nothing, for mail programs open links by themselves."""
    async with serving.pool.connection() as connection, connection.transaction():
        found = await _found(connection, token)
    return found.shown(instant(serving.now_ms()))


async def by_link(serving: Serving, token: str, address: str | None) -> ToldLinkShown:
    """Acknowledge in the name of whom the link was sent to; a problem where it can no longer be used."""
    now = instant(serving.now_ms())
    async with serving.pool.connection() as connection, connection.transaction():
        found = await _found(connection, token, is_locked=True)
        state = found.shown(now).state
        if state in _REFUSED:
            kind, title, detail = _REFUSED[state]
            raise ProblemError(409, kind, title, detail)
        for row in found.rows:
            if shown(row, now).state not in _REFUSED:
                who = _Who(found.link.account, row["person_step"], address)
                await _acknowledge(connection, row, who, now)
        found = await _found(connection, token)
    return found.shown(now)


async def on_pages(serving: Serving, signed: Signed, told: UUID, address: str | None) -> None:
    """The same by somebody who has signed in and was told of it."""
    now = instant(serving.now_ms())
    async with serving.pool.connection() as connection, connection.transaction():
        row = await row_of(
            connection,
            """
            SELECT told.*, account.name, ARRAY(
                       SELECT DISTINCT role FROM told_person AS its, unnest(its.roles) AS role
                        WHERE its.told = told.told AND its.account_id = account.id) AS roles
              FROM told JOIN account ON account.id = %(account)s
             WHERE told.told = %(told)s AND %(account)s = ANY (told.accounts) FOR UPDATE OF told
            """,
            {"told": told, "account": signed.account_id},
        )
        if row is None or signed.account_id is None:
            raise not_found("notice")
        await _acknowledge(connection, row, _Who(signed.account_id, None, address), now)


async def of_alarm(serving: Serving, signed: Signed, episode: UUID, address: str | None) -> None:
    """The same by somebody who acknowledges the alarm itself, told of it or not.

    The siren falls silent whoever does that; the next of the chain are told all the same, unless he holds a
    role there whose word counts.
    """
    if signed.account_id is None:
        return
    now = instant(serving.now_ms())
    async with serving.pool.connection() as connection, connection.transaction():
        cursor = connection.cursor(row_factory=dict_row)
        await cursor.execute(_OF_ALARM, {"account": signed.account_id, "episode": episode})
        for row in await cursor.fetchall():
            roles = await _roles_for(connection, row, signed.account_id)
            await _note(connection, {**row, "roles": roles}, _Who(signed.account_id, None, address), now)


async def _roles_for(connection: AsyncConnection, row: Row, account: int) -> list[str]:
    """Those of the roles whose word counts that the account holds where it is of."""
    kind = table().tellings.get(row["kind"])
    counting = [] if kind is None else kind.rule(row["level"]).acknowledges
    cursor = connection.cursor(row_factory=dict_row)
    asked = {"account": account, "site": row["site"], "device": row["device"], "roles": counting}
    found = await (await cursor.execute(_ROLES, asked)).fetchone()
    return [] if found is None else found["roles"]


class _Found(NamedTuple):
    """A link and what it is of: one thing, or all of a digest."""

    link: Link
    rows: list[Row]
    digest: Row | None

    def shown(self, now: dt.datetime) -> ToldLinkShown:
        """As it stands at that instant."""
        if self.digest is None:
            return shown(self.rows[0], now)
        return digest_shown(self.link.told, self.digest, self.rows, now)


async def _found(connection: AsyncConnection, token: str, *, is_locked: bool = False) -> _Found:
    cursor = connection.cursor(row_factory=dict_row)
    # Whose link it is, the link says; whoever opens it may be nobody who has signed in, or somebody else.
    await cursor.execute("SELECT set_config('sitewarden.account', '', true)")
    key = await (await cursor.execute(_KEY)).fetchone()
    link = None if key is None else links.opened(bytes(key["key"]), token)
    if link is None:
        raise not_found("link")
    is_digest = link.step == links.OF_DIGEST
    query = (_OF_DIGEST if is_digest else _LINKED) + ("FOR UPDATE OF person, told" if is_locked else "")
    rows = await (await cursor.execute(query, link._asdict())).fetchall()
    digest = await (await cursor.execute(_DIGEST, link._asdict())).fetchone() if is_digest else None
    if not rows or (is_digest and digest is None):
        raise not_found("link")
    return _Found(link, rows, digest)


async def _acknowledge(connection: AsyncConnection, row: Row, who: "_Who", now: dt.datetime) -> None:
    if await _note(connection, row, who, now) and row["episode"] is not None:
        await _acknowledge_alarm(connection, row, who.account, now)


async def _note(connection: AsyncConnection, row: Row, who: "_Who", now: dt.datetime) -> bool:
    """Whether his word is enough; where it is not, he has seen it, and who must act still has to say so."""
    asked: dict[str, Any] = {
        **who._asdict(),
        "told": row["told"],
        "at": now,
        "how": "page" if who.step is None else "link",
        "name": row["name"],
    }
    await connection.execute(_USE, asked)
    if not is_enough(row):
        return False
    await connection.execute(_END, asked)
    return True


async def _acknowledge_alarm(connection: AsyncConnection, row: Row, account: int, now: dt.datetime) -> None:
    """Ask the alarm's gateway too, where he may: whoever knows of the notice knows of the alarm."""
    cursor = connection.cursor(row_factory=dict_row)
    asked = {"episode": row["episode"], "account": account, "roles": roles_with("alarms.acknowledge")}
    alarm = await (await cursor.execute(_ALARM, asked)).fetchone()
    known = await (await cursor.execute(IS_ACKNOWLEDGED, [row["episode"]])).fetchone()
    if alarm is not None and known is not None and not known["so"]:
        target = Target(alarm["id"], alarm["gateway_id"], alarm["point"], alarm["rule"])
        await ask(connection, target, Wanted(kind="acknowledge", by=row["name"], at=now))


def is_enough(row: Row) -> bool:
    """Whether the word of somebody with these roles ends the chain; pure."""
    kind = table().tellings.get(row["kind"])
    return kind is None or kind.rule(row["level"]).ends(row["roles"] or ())


def shown(row: Row, now: dt.datetime) -> ToldLinkShown:
    """A link as it stands at that instant; pure."""
    state: LinkState = "ready"
    at = None
    if row["disabled_at"] is not None:
        state = "disabled"
    elif row["used_how"] == "link":
        state, at = "used", row["used_at"]
    elif row["acknowledged_at"] is not None:
        state, at = "acknowledged", row["acknowledged_at"]
    elif row["expires_at"] is None or row["expires_at"] <= now:
        state, at = "expired", row["expires_at"]
    said, name = row["words"], row["site_name"]
    return ToldLinkShown(
        state=state,
        name=row["name"],
        site=None if name is None else TextShown(**name),
        level=row["level"],
        title=TextShown(**{language: said[language]["title"] for language in said}),
        body=TextShown(**{language: said[language]["body"] for language in said}),
        page=row["page"],
        created_at=row["created_at"],
        ends=is_enough(row),
        at=at,
        by=row["acknowledged_by"],
        items=[],
    )


_FIRST_OF_ALL: list[LinkState] = ["disabled", "ready", "used", "acknowledged", "expired"]
"""Of several: as long as one waits, all of it does."""


def digest_shown(digest: UUID, notice: Row, rows: list[Row], now: dt.datetime) -> ToldLinkShown:
    """All alarms of a digest together, the gravest first; pure."""
    each = [shown(row, now) for row in rows]
    first = min(each, key=lambda one: _FIRST_OF_ALL.index(one.state))
    items = [
        ToldOfDigest(
            level=one.level,
            title=one.title,
            page=one.page,
            created_at=one.created_at,
            is_known=one.state in {"used", "acknowledged"},
        )
        for one in each
    ]
    return first.model_copy(
        update={
            "title": TextShown(zh=notice["title"], en=notice["title"]),
            "body": TextShown(zh="", en=""),
            "level": max(one.level for one in each),
            "page": f"/sites/{rows[0]['site']}/alarms?digest={digest}",
            "created_at": rfc3339(notice["created_at"]),
            "ends": any(one.ends for one in each),
            "items": items,
        }
    )
