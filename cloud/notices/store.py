"""Channels in SQL, as people set them up, and what became of their notices."""

import datetime as dt
from typing import LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection, Row, rows_of
from cloud.notices.model import Outcome, Outgoing

EDITED_WITH = "notices.edit"
"""The permission."""

_SHOWN: LiteralString = """
    SELECT channel.channel AS id, channel.site, channel.name, channel.kind, channel.language, channel.lowest,
           channel.is_on, channel.for_people, channel.fallback, channel.target, channel.version,
           rules_channel(%(account)s, channel.site, %(roles)s) AS may_change,
           coalesce(secret.secret ? 'key', false) AS has_key,
           coalesce(secret.secret ? 'password', false) AS has_password,
           last.state AS last_state, last.code AS last_code, last.answer AS last_answer,
           coalesce(last.tried_at, last.created_at) AS last_at
      FROM channel LEFT JOIN channel_secret AS secret USING (channel)
           LEFT JOIN LATERAL (
               SELECT state, code, answer, tried_at, created_at FROM notice
                WHERE notice.channel = channel.channel AND state <> 'counted'
                ORDER BY created_at DESC, notice DESC LIMIT 1) AS last ON true
     WHERE channel.removed_at IS NULL AND channel.account_id IS NULL
"""
"""Without what is secret."""


async def channels(connection: AsyncConnection, account: int | None, site: str) -> list[Row]:
    """Those that a site's alarms go to; the caller may see the site."""
    return await rows_of(
        connection,
        _SHOWN
        + """AND (channel.site = %(site)s OR channel.site IS NULL)
             ORDER BY channel.site NULLS LAST, channel.name, channel.channel""",
        {"account": account, "roles": roles_with(EDITED_WITH), "site": site},
    )


async def channel(connection: AsyncConnection, account: int | None, of: UUID) -> Row | None:
    """One that the account may change."""
    found = await rows_of(
        connection,
        _SHOWN + "AND channel.channel = %(channel)s AND rules_channel(%(account)s, channel.site, %(roles)s)",
        {"account": account, "roles": roles_with(EDITED_WITH), "channel": of},
    )
    return found[0] if found else None


async def lock(connection: AsyncConnection, of: UUID) -> Row | None:
    """A channel with its secret, as it stays until the transaction ends."""
    found = await rows_of(
        connection,
        """
        SELECT channel.*, coalesce(secret.secret, '{}') AS secret
          FROM channel LEFT JOIN channel_secret AS secret USING (channel)
         WHERE channel.channel = %(channel)s AND account_id IS NULL AND removed_at IS NULL
               FOR UPDATE OF channel
        """,
        {"channel": of},
    )
    return found[0] if found else None


async def make(connection: AsyncConnection, of: UUID, site: str | None, values: Row) -> None:
    """A new channel."""
    await connection.execute(
        """
        INSERT INTO channel (channel, site, name, kind, language, lowest, is_on, for_people,
                             fallback, target)
            VALUES (%(channel)s, %(site)s, %(name)s, %(kind)s, %(language)s, %(lowest)s, %(is_on)s,
                    %(for_people)s, %(fallback)s, %(target)s)
        """,
        {**_adapted(values), "channel": of, "site": site},
    )


async def change(connection: AsyncConnection, of: UUID, values: Row) -> None:
    """Other values of a locked channel."""
    await connection.execute(
        """
        UPDATE channel SET name = %(name)s, kind = %(kind)s, language = %(language)s, lowest = %(lowest)s,
               is_on = %(is_on)s, for_people = %(for_people)s, fallback = %(fallback)s, target = %(target)s
         WHERE channel = %(channel)s
        """,
        {**_adapted(values), "channel": of},
    )
    # Whoever mends a channel does not wait for the end of its rest.
    await connection.execute(
        """
        UPDATE channel_pace SET failures = 0, rests_until = NULL
         WHERE channel IN (SELECT channel FROM channel WHERE server = %s)
        """,
        [of],
    )


async def may_stand_in(connection: AsyncConnection, of: UUID | None, site: str | None, other: UUID) -> bool:
    """Whether the other channel is there, is another one, and may tell of whatever this one tells of."""
    found = await connection.execute(
        """
        SELECT FROM channel WHERE channel = %s AND channel IS DISTINCT FROM %s
                                  AND account_id IS NULL AND removed_at IS NULL
                                  AND (site IS NULL OR site = %s)
        """,
        [other, of, site],
    )
    return await found.fetchone() is not None


async def keep_secret(connection: AsyncConnection, of: UUID, secret: dict[str, str]) -> None:
    """What the channel is sent by, in place of what was."""
    await connection.execute(
        """
        INSERT INTO channel_secret (channel, secret) VALUES (%s, %s)
            ON CONFLICT (channel) DO UPDATE SET secret = excluded.secret
        """,
        [of, Jsonb(secret)],
    )


async def remove(connection: AsyncConnection, of: UUID, now: dt.datetime) -> None:
    """It tells nothing more; what it has told stays."""
    await connection.execute("UPDATE channel SET removed_at = %s WHERE channel = %s", [now, of])
    await connection.execute("DELETE FROM channel_secret WHERE channel = %s", [of])
    await connection.execute(
        """
        UPDATE notice SET state = 'rejected', code = 'removed', answer = 'the channel was removed'
         WHERE channel = %s AND state = 'waiting'
        """,
        [of],
    )


async def note_test(
    connection: AsyncConnection, of: UUID, site: str | None, notice: Outgoing, outcome: Outcome
) -> None:
    """A test stands among the notices like any other."""
    await connection.execute(
        """
        INSERT INTO notice (notice, channel, site, kind, about, level, title, body, created_at, state, code,
                            answer, tries, tried_at, took_ms)
            VALUES (%(id)s, %(channel)s, %(site)s, 'test', %(about)s, %(level)s, %(title)s, %(body)s, %(at)s,
                    %(state)s, %(code)s, %(answer)s, 1, %(at)s, %(took)s)
        """,
        {
            "id": notice.id,
            "channel": of,
            "site": site,
            "about": f"test/{notice.id}",
            "level": notice.level,
            "title": notice.title,
            "body": notice.body,
            "at": notice.created_at,
            "state": outcome.state,
            "code": outcome.code,
            "answer": outcome.text,
            "took": outcome.took_ms,
        },
    )


NOTICES: LiteralString = """
    SELECT notice.notice AS id, notice.channel, channel.name AS channel_name, notice.site, notice.kind,
           notice.level, notice.title, notice.created_at, notice.state, notice.code,
           -- By the link in a person's message whoever reads it would acknowledge in his name.
           CASE WHEN notice.account_id IS NULL THEN notice.body
                ELSE regexp_replace(notice.body, '/told#[A-Za-z0-9_-]+', '/told#…', 'g') END AS body,
           notice.answer, notice.tries, notice.tried_at, notice.took_ms, notice.instead_of, notice.digest
      FROM notice JOIN channel USING (channel)
     WHERE (notice.site = %(site)s
            OR (notice.site IS NULL AND (channel.site IS NULL OR channel.site = %(site)s)
                AND rules_channel(%(account)s, channel.site, %(roles)s)))
       AND (%(at)s::timestamptz IS NULL OR (notice.created_at, notice.notice) < (%(at)s, %(id)s))
     ORDER BY notice.created_at DESC, notice.notice DESC LIMIT %(limit)s
"""
"""Those of a site, the newest first."""


UNDELIVERED: LiteralString = """
    SELECT count(*) AS n, max(level) AS level, min(created_at) AS since,
           bool_or(may_have_arrived) AS may_have_arrived, array_agg(DISTINCT site) AS sites
      FROM (SELECT notice.site, notice.about, max(notice.level) AS level,
                   min(notice.created_at) AS created_at, bool_or(notice.state = 'unknown') AS may_have_arrived
              FROM notice LEFT JOIN episode ON episode.id = notice.episode
             WHERE notice.site IN (SELECT seen_whole_sites())
                   AND (%(site)s::text IS NULL OR notice.site = %(site)s)
                   AND notice.level >= %(level)s AND notice.kind NOT IN ('test', 'flood')
                   AND notice.state NOT IN ('counted', 'inhibited') AND notice.held_until IS NULL
                   AND notice.created_at BETWEEN %(since)s AND %(until)s
                   -- Whoever silenced the siren counts only where the table found nobody who must know.
                   AND (episode.acknowledged_at IS NULL
                        OR EXISTS (SELECT FROM told
                                    WHERE told.about = 'alarm/' || episode.id::text
                                          AND told.accounts <> '{}'))
                   AND NOT EXISTS (SELECT FROM told
                                    WHERE (told.told = notice.told OR told.about = notice.about)
                                          AND told.acknowledged_at IS NOT NULL)
             GROUP BY notice.site, notice.about
            HAVING NOT bool_or(notice.state = 'sent')) AS told
"""
"""What was told and has reached nobody by any way, and of which nobody has said that he knows."""


def _adapted(values: Row) -> Row:
    return {**values, "target": Jsonb(values["target"])}
