"""Notices in SQL, from the transaction that makes them to what became of them."""

import datetime as dt
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloud.database import Connection, Row, instant
from cloud.notices.bounds import bounds, seconds
from cloud.notices.model import Outcome, Outgoing, Route
from cloud.notices.standing_in import BACK_OFF_S, longest_rest, take_over

MINUTE = dt.timedelta(minutes=1)
LOST = dt.timedelta(minutes=2)
"""A sending of which nothing was heard for so long is no longer on its way: its program has died.

A program whose connection ends dies at once; only one whose machine lost its power is waited for.
"""
SENDERS = 0x5A11
"""The class of the advisory locks by which senders show that they live."""
GIVEN_UP = dt.timedelta(hours=24)
"""So old a notice is not tried again."""
_FAVOURED_TRIES = 4
"""So often one of the gravest goes before all others of its channel."""

LISTENERS: LiteralString = """
    SELECT channel, site, language, lowest FROM channel
     WHERE account_id IS NULL AND removed_at IS NULL AND is_on AND (site IS NULL OR site = ANY(%s))
"""
PUT: LiteralString = """
    WITH given AS (
        SELECT row.*, its.device, its.family, its.rule, its.gateway_id, its.raised_at,
               its.id IS NOT NULL AND row.level < %(never)s AS folds
          FROM jsonb_to_recordset(%(rows)s) AS row(
                   n int, notice uuid, channel uuid, site text, kind text, about text, level smallint,
                   title text, body text, created_at timestamptz, episode uuid, wait interval,
                   account_id int, told uuid, step int)
               LEFT JOIN episode AS its ON its.id = row.episode
    ), seen AS (
        SELECT given.*, quiet.gateway AS silent,
               folds AND (coalesce(max(level) OVER kin >= level, false) OR EXISTS (
                   SELECT FROM notice AS before
                    WHERE before.channel = given.channel AND before.site = given.site
                          AND before.device = given.device AND before.family = given.family
                          AND before.level >= given.level AND before.state <> 'inhibited'
                          AND before.created_at > given.created_at - wait)) AS repeats
          FROM given LEFT JOIN LATERAL (
                   SELECT gateway FROM gateway_silence JOIN gateway ON gateway.id = gateway_id
                    WHERE folds AND given.rule LIKE ANY (%(quiet)s) AND gateway_id = given.gateway_id
                          AND raised_at BETWEEN since AND coalesce(ended_at, 'infinity') LIMIT 1
               ) AS quiet ON true
        WINDOW kin AS (PARTITION BY channel, given.site, device, family ORDER BY n
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ), judged AS (
        SELECT seen.*, folds AND (repeats OR %(singly)s <=
                   count(*) FILTER (WHERE folds AND NOT repeats AND silent IS NULL) OVER (
                       PARTITION BY channel, site, device ORDER BY n
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                   + (SELECT count(*) FROM (
                       SELECT FROM notice AS before
                        WHERE folds AND before.channel = seen.channel AND before.site = seen.site
                              AND before.device = seen.device AND before.held_until IS NULL
                              AND before.kind = 'alarm' AND before.level < %(never)s
                              AND before.state <> 'inhibited'
                              AND before.created_at > seen.created_at - %(window)s
                        LIMIT %(singly)s) AS enough)) AS holds
          FROM seen
    )
    INSERT INTO notice (notice, channel, site, kind, about, level, title, body, created_at, state, code,
                        answer, episode, device, family, held_until, account_id, told, step)
        SELECT notice, channel, site, kind, about, level, title, body, created_at,
               CASE WHEN silent IS NULL THEN 'waiting' ELSE 'inhibited' END,
               CASE WHEN silent IS NULL THEN '' ELSE 'gateway_silent' END, coalesce(silent, ''),
               episode, device, family, CASE WHEN holds AND silent IS NULL THEN created_at + wait END,
               account_id, told, step
          FROM judged ORDER BY n
        ON CONFLICT ON CONSTRAINT about DO NOTHING
"""
"""All rows at once, however many. Of alarms below the gravest it is judged here whether they go at once:
`repeats` are no graver than one of their device and kind shortly before; others go singly until there were
too many of a device.
"""


def listeners(connection: Connection, sites: list[str]) -> list[Row]:
    """Channels that alarms of these sites go to."""
    return connection.cursor(row_factory=dict_row).execute(LISTENERS, [sites]).fetchall()


def put(connection: Connection, rows: list[Row]) -> None:
    """Notices that wait to be sent; a channel is told of one thing once."""
    if rows:
        connection.execute(PUT, put_values(rows))


def put_values(rows: list[Row]) -> Row:
    """What `PUT` is given for these rows, whoever executes it; pure."""
    folding = bounds().folding
    given = [
        {
            **row,
            "n": n,
            "episode": episode_of(row["about"]),
            "wait": f"{folding.group_s.get(row['level'], 0)} s",
        }
        for n, row in enumerate(rows)
    ]
    return {
        "rows": Jsonb(given),
        "never": folding.never_from_level,
        "quiet": bounds().inhibition.rules,
        "singly": folding.singly,
        "window": seconds(folding.window_s),
    }


def episode_of(about: str) -> UUID | None:
    """The alarm that a notice is of, the first or of a further step (`alarm/<id>/<step>`); pure."""
    kind, _, of = about.partition("/")
    if kind != "alarm":
        return None
    try:
        return UUID(of.partition("/")[0])
    except ValueError:
        return None


class Claimed(NamedTuple):
    """A notice to be sent now, and by what."""

    channel: UUID
    server: UUID
    """The channel whose server sends it: the same, but for a person's way."""
    notice: Outgoing
    route: Route


class Busy(NamedTuple):
    """A channel that has something to send."""

    channel: UUID
    server: UUID
    is_grave: bool
    """Something of the gravest level."""


def busy_channels(connection: Connection, now: dt.datetime) -> list[Busy]:
    """Those that have something to send and may."""
    rows = connection.execute(
        """
        SELECT channel, its.server, max(notice.level) >= %(never)s
          FROM notice JOIN channel AS its USING (channel)
         WHERE notice.state IN ('waiting', 'sending') AND notice.held_until IS NULL
               AND NOT EXISTS (SELECT FROM channel_pace AS pace
                                WHERE pace.channel IN (its.channel, its.server)
                                      AND pace.rests_until BETWEEN %(now)s AND %(longest)s)
         GROUP BY channel, its.server
        """,
        {"now": now, "longest": longest_rest(now), "never": bounds().folding.never_from_level},
    ).fetchall()
    return [Busy(*row) for row in rows]


def claim(connection: Connection, of: Busy, now: dt.datetime, sender: int | None = None) -> Claimed | None:
    """The next notice of a channel, now on its way; nothing where another program is at it, or none may go.

    Call it in a transaction. Each channel sends one after the other, the worst first. A server that has
    failed is tried by one notice, and whoever else goes by it waits for what becomes of that.
    """
    channel = of.channel
    connection.execute(
        """
        INSERT INTO channel_pace (channel, minute_at, sent)
            SELECT DISTINCT channel, %s::timestamptz, 0 FROM unnest(%s::uuid[]) AS channel
            ON CONFLICT DO NOTHING
        """,
        [now, [channel, of.server]],
    )
    cursor = connection.cursor(row_factory=dict_row)
    pace = cursor.execute(
        """
        SELECT pace.*, channel.kind, channel.language, channel.site, server.failures AS server_failures,
               channel.is_on AND coalesce(via.is_on AND via.removed_at IS NULL, true)
                             AND whose.disabled_at IS NULL AS is_on,
               coalesce(via.target, '{}') || channel.target AS target,
               coalesce(lent.secret, '{}') || secret.secret AS secret
          FROM channel_pace AS pace JOIN channel USING (channel)
               JOIN channel_pace AS server ON server.channel = channel.server
               LEFT JOIN channel_secret AS secret ON secret.channel = pace.channel
               -- A person's way goes by the server and credentials of another.
               LEFT JOIN channel AS via ON via.channel = channel.via
               LEFT JOIN channel_secret AS lent ON lent.channel = channel.via
               LEFT JOIN account AS whose ON whose.id = channel.account_id
         WHERE pace.channel = %(channel)s
               AND coalesce(pace.rests_until NOT BETWEEN %(now)s AND %(longest)s, true)
               AND coalesce(server.rests_until NOT BETWEEN %(now)s AND %(longest)s, true)
               FOR UPDATE OF pace, server SKIP LOCKED
        """,
        {"channel": channel, "now": now, "longest": longest_rest(now)},
    ).fetchone()
    if pace is None or _is_on_its_way(connection, channel, pace["kind"], now, sender):
        return None
    if pace["server_failures"] and _is_tried(connection, of.server):
        return None
    if not pace["is_on"] or pace["secret"] is None:
        _drop(connection, channel)
        return None
    if not now - MINUTE < pace["minute_at"] <= now + LOST:
        pace |= {"minute_at": now, "sent": 0}
    bound = bounds().pace[pace["kind"]]
    least = 0
    if not bound.takes(pace["sent"], grave=False):
        _count_rest(connection, channel)
        if not bound.takes(pace["sent"], grave=True):
            return None
        least = bounds().folding.never_from_level
    found = _next(connection, channel, now, least, sender)
    if found is not None:
        _note_pace(connection, channel, pace)
    return None if found is None else _claimed(of, pace, found)


def hold_sender(connection: Connection, sender: int) -> None:
    """Hold the lock by which others see that the program with that number lives, as the connection does."""
    connection.execute("SELECT pg_advisory_lock(%s, %s)", [SENDERS, sender])


def _is_tried(connection: Connection, server: UUID) -> bool:
    """Whether something is on its way by that server."""
    row = connection.execute(
        """
        SELECT 1 FROM notice JOIN channel USING (channel)
         WHERE channel.server = %s AND notice.state = 'sending' LIMIT 1
        """,
        [server],
    ).fetchone()
    return row is not None


def _is_on_its_way(
    connection: Connection, channel: UUID, kind: str, now: dt.datetime, sender: int | None
) -> bool:
    """Whether one is being sent; one whose program has died may have arrived, and is not sent twice.

    A receiver of one's own knows a notice by its number: to it, it is sent again.
    """
    lost = connection.execute(
        """
        UPDATE notice SET state = %(state)s, code = 'lost', answer = 'the program ended while it was sending'
         WHERE channel = %(channel)s AND state = 'sending'
               AND (tried_at NOT BETWEEN %(lost)s AND %(ahead)s
                    OR (notice.sender <> %(own)s AND NOT EXISTS (
                            SELECT FROM pg_locks
                             WHERE locktype = 'advisory' AND granted AND objsubid = 2
                                   AND classid = %(senders)s::int::oid AND objid = notice.sender::oid
                                   AND database = (SELECT oid FROM pg_database
                                                    WHERE datname = current_database()))))
        RETURNING notice, state
        """,
        {
            "state": "waiting" if kind == "webhook" else "unknown",
            "channel": channel,
            "lost": now - LOST,
            "ahead": now + LOST,
            "own": 0 if sender is None else sender,
            "senders": SENDERS,
        },
    ).fetchall()
    for notice, state in lost:
        if state == "unknown":
            take_over(connection, notice)
    row = connection.execute(
        "SELECT 1 FROM notice WHERE channel = %s AND state = 'sending' LIMIT 1", [channel]
    ).fetchone()
    return row is not None


def _drop(connection: Connection, channel: UUID) -> None:
    dropped = connection.execute(
        """
        UPDATE notice SET state = 'rejected', code = 'off', answer = 'the channel was turned off'
         WHERE channel = %s AND state = 'waiting' RETURNING notice
        """,
        [channel],
    ).fetchall()
    for (notice,) in dropped:
        take_over(connection, notice)


def _count_rest(connection: Connection, channel: UUID) -> None:
    """The bound is reached: what waits is told of by one closing notice, when the minute is over."""
    connection.execute(
        """
        UPDATE notice SET state = 'counted'
         WHERE channel = %s AND state = 'waiting' AND held_until IS NULL
               AND kind NOT IN ('flood', 'digest', 'mailing') AND level < %s
        """,
        [channel, bounds().folding.never_from_level],
    )


def uncounted(connection: Connection, now: dt.datetime) -> list[Row]:
    """Channels whose minute is over, with what was not told singly in it."""
    cursor = connection.cursor(row_factory=dict_row)
    return cursor.execute(
        """
        SELECT channel, channel.site, channel.language, max(notice.level) AS worst,
               jsonb_object_agg(notice.level, n) AS levels, min(since) AS since
          FROM (SELECT channel, level, count(*) AS n, min(created_at) AS since
                  FROM notice WHERE state = 'counted' AND code = '' GROUP BY channel, level) AS notice
               JOIN channel USING (channel) JOIN channel_pace AS pace USING (channel)
         WHERE pace.minute_at <= %s OR pace.minute_at > %s GROUP BY channel, channel.site, channel.language
        """,
        [now - MINUTE, now + LOST],
    ).fetchall()


def close_count(connection: Connection, channel: UUID, notice: UUID) -> bool:
    """They are told of by that closing notice; false where there are none."""
    done = connection.execute(
        """
        UPDATE notice SET code = 'flood', answer = %s
         WHERE channel = %s AND state = 'counted' AND code = ''
        """,
        [str(notice), channel],
    )
    return done.rowcount > 0


def _next(
    connection: Connection, channel: UUID, now: dt.datetime, least: int, sender: int | None
) -> Row | None:
    """The gravest, a closing notice, then what was tried least: one that never goes holds up no other."""
    cursor = connection.cursor(row_factory=dict_row)
    return cursor.execute(
        """
        UPDATE notice SET state = 'sending', tries = tries + 1, tried_at = %(now)s, sender = %(sender)s
         WHERE notice = (SELECT notice FROM notice
                          WHERE channel = %(channel)s AND state = 'waiting' AND held_until IS NULL
                                AND level >= %(least)s
                          ORDER BY level >= %(never)s AND tries < %(favoured)s DESC, kind <> 'flood', tries,
                                   level DESC, created_at, notice LIMIT 1)
        RETURNING *, (SELECT time_zone FROM site WHERE site.site = notice.site) AS time_zone
        """,
        {
            "channel": channel,
            "now": now,
            "least": least,
            "never": bounds().folding.never_from_level,
            "favoured": _FAVOURED_TRIES,
            "sender": sender,
        },
    ).fetchone()


def _note_pace(connection: Connection, channel: UUID, pace: Row) -> None:
    connection.execute(
        "UPDATE channel_pace SET minute_at = %s, sent = %s WHERE channel = %s",
        [pace["minute_at"], pace["sent"] + 1, channel],
    )


def _claimed(of: Busy, pace: Row, row: Row) -> Claimed:
    notice = Outgoing(
        id=row["notice"],
        kind=row["kind"],
        site=row["site"],
        level=row["level"],
        title=row["title"],
        body=row["body"],
        created_at=row["created_at"],
        time_zone=row["time_zone"] or "UTC",
    )
    route = Route(kind=pace["kind"], target=pace["target"], secret=pace["secret"])
    return Claimed(of.channel, of.server, notice, route)


def settle(connection: Connection, claimed: Claimed, outcome: Outcome, now_ms: int) -> None:
    """Note what became of it; who fails, a channel or its server, is left alone for longer and longer."""
    now = instant(now_ms)
    again = outcome.again and claimed.notice.created_at > now - GIVEN_UP
    values: dict[str, Any] = {
        "state": "waiting" if again else outcome.state,
        "code": outcome.code,
        "answer": outcome.text,
        "took": outcome.took_ms,
        "notice": claimed.notice.id,
    }
    connection.execute(
        """
        UPDATE notice SET state = %(state)s, code = %(code)s, answer = %(answer)s, took_ms = %(took)s
         WHERE notice = %(notice)s AND state IN ('sending', 'unknown')
        """,
        values,
    )
    if not again and outcome.state != "sent":
        take_over(connection, claimed.notice.id)
    _note_rest(connection, claimed, outcome, now)


def _note_rest(connection: Connection, claimed: Claimed, outcome: Outcome, now: dt.datetime) -> None:
    """A server that answers is well, whatever it says; several tries that fail together are one failure."""
    shortest, longest = BACK_OFF_S
    failing = None
    if outcome.again or outcome.silent:
        failing = claimed.server if outcome.away else claimed.channel
    connection.execute(
        """
        UPDATE channel_pace
           SET failures = CASE WHEN channel = %(failing)s THEN failures + 1 ELSE 0 END,
               rests_until = CASE WHEN channel = %(failing)s
                   THEN %(now)s + least(%(longest)s, %(shortest)s * 3 ^ least(failures, 6))
                                  * interval '1 second' END
         WHERE channel = ANY (%(touched)s)
               AND NOT (channel IS NOT DISTINCT FROM %(failing)s
                        AND coalesce(rests_until BETWEEN %(now)s AND %(latest)s, false))
        """,
        {
            "failing": failing,
            "now": now,
            "shortest": shortest,
            "longest": longest,
            "latest": longest_rest(now),
            "touched": [claimed.server] if outcome.away else [claimed.channel, claimed.server],
        },
    )
