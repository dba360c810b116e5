"""What a channel does not get there goes by another: its second one, or a person's next way. In SQL."""

import datetime as dt
from typing import LiteralString
from uuid import UUID

from cloud.database import Connection
from cloud.notices.bounds import bounds

BACK_OFF_S = 5, 600
"""The shortest and the longest rest of who fails."""


def longest_rest(now: dt.datetime) -> dt.datetime:
    """A rest that ends later was begun before the clock was put back, as a minute or a sending may be."""
    return now + dt.timedelta(seconds=BACK_OFF_S[1])


_TAKE_OVER: LiteralString = """
    INSERT INTO notice (notice, channel, site, kind, about, level, title, body, created_at, state, instead_of,
                        account_id, told, step)
        SELECT gen_random_uuid(), second.channel, notice.site, notice.kind, notice.about, notice.level,
               notice.title, notice.body, notice.created_at, 'waiting', notice.notice,
               notice.account_id, notice.told, notice.step
          FROM notice JOIN channel AS first USING (channel)
               JOIN channel AS second ON second.is_on AND second.removed_at IS NULL
                    AND notice.kind <> 'mailing' AND second.channel =
                    CASE WHEN first.account_id IS NULL THEN first.fallback ELSE (
                        SELECT way.channel
                          FROM channel AS way JOIN channel AS via ON via.channel = way.via
                               JOIN account AS whose ON whose.id = way.account_id
                               LEFT JOIN channel_pace AS its ON its.channel = way.server
                         WHERE way.account_id = first.account_id AND whose.disabled_at IS NULL
                               AND way.is_on AND way.removed_at IS NULL AND way.proved_at IS NOT NULL
                               AND via.is_on AND via.removed_at IS NULL
                               AND (way.kind = 'voice') = (first.kind = 'voice')
                               AND NOT EXISTS (
                                   SELECT FROM notice AS there
                                    WHERE there.channel = way.channel AND there.about = notice.about)
                         ORDER BY coalesce(its.failures, 0) > 0, way.position, way.channel LIMIT 1) END
"""
"""A channel is told of one thing once, also where it takes it over from another. A person's way is stood
for by the next of his that writes, or calls, as it does, rather by one whose server answers. What goes by
name with a file goes by no other.
"""


def take_over(connection: Connection, notice: UUID) -> None:
    """What one channel did not get there goes by its second one."""
    connection.execute(
        _TAKE_OVER + "WHERE notice.notice = %s ON CONFLICT ON CONSTRAINT about DO NOTHING", [notice]
    )


def pass_on_waiting(connection: Connection, now: dt.datetime) -> None:
    """What waits for who rests, a channel or its server, goes by another meanwhile; the first still tries.

    The gravest does not even wait for a server that has failed and is being tried again.
    """
    connection.execute(
        _TAKE_OVER  # noqa: S608  of constants only
        + """
         WHERE notice.state = 'waiting' AND notice.held_until IS NULL
               AND (second.server <> first.server OR EXISTS (
                       SELECT FROM channel_pace WHERE channel = first.channel AND failures > 0))
               AND EXISTS (
                   SELECT FROM channel_pace AS pace
                    WHERE pace.channel IN (first.channel, first.server) AND pace.failures > 0
                          AND (pace.rests_until BETWEEN %(now)s AND %(longest)s
                               OR notice.level >= %(never)s))
               AND NOT EXISTS (
                   SELECT FROM notice AS there
                    WHERE there.about = notice.about
                          AND (there.channel = first.fallback OR there.instead_of = notice.notice))
            ON CONFLICT ON CONSTRAINT about DO NOTHING
        """,
        {"now": now, "longest": longest_rest(now), "never": bounds().folding.never_from_level},
    )
