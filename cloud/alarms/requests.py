"""What people ask of alarms here: kept for good, sent to the gateway until it says that it is so.

The gateway alone decides: a request is done when its own transition or status tells so, never before. A
command names the alarm, and one that has ended is neither acknowledged nor shelved by it.
"""

import datetime as dt
import uuid
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from cloud.alarms.model import RequestKind, RequestShown
from cloud.alarms.store import episodes_by_id
from cloud.database import AsyncConnection, Connection, Row, instant, milliseconds, row_of
from cloud.ingest.model import GatewayKey
from cloud.live.store import NewEvent, write_events
from sitewarden.messages import Command

RESEND_MS = 15_000
"""A gateway's heartbeat comes every ten seconds, and tells what is so."""
SILENT_MS = 30_000
"""A gateway not heard for longer is not there: what waits for it is sent when it is back."""
SETTLING_MS = 5_000
"""So long after a command a status may have been on its way before the command was obeyed."""
MOST = 100
"""Commands of one transaction."""

REQUESTS: LiteralString = """
    SELECT alarm_request.id, kind, episode, alarm_request.point, alarm_request.rule, until, reason,
           asked_by AS by, asked_at, sent_at, settled_at, outcome
      FROM alarm_request
"""
"""As they are shown."""

PENDING: LiteralString = """
    SELECT alarm_request.id, kind, episode, point, rule, until, reason, asked_by AS by, asked_at, sent_at,
           settled_at, outcome, gateway.site, gateway.gateway
      FROM alarm_request JOIN gateway ON gateway.id = gateway_id
     WHERE gateway.site = ANY(%(sites)s) AND gateway.mode = %(mode)s AND settled_at IS NULL ORDER BY asked_at
"""
"""What gateways of these sites have not confirmed yet."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A request about to be made."""

    kind: RequestKind
    by: str
    at: dt.datetime
    until: dt.datetime | None = None
    reason: str = ""


class Target(NamedTuple):
    """The alarm that it is about."""

    episode: UUID
    gateway_id: int
    point: str
    rule: str


class Due(NamedTuple):
    """A command that is to go out now."""

    key: GatewayKey
    command: Command


class Looked(NamedTuple):
    """What one look came to."""

    due: list[Due]
    has_news: bool
    """Whether viewers must be woken."""


async def ask(connection: AsyncConnection, target: Target, wanted: Wanted) -> RequestShown | None:
    """Note a request; the same one again, while it waits or is in force, is the one that is there.

    `None` where somebody else has asked something different at the same moment.
    """
    async with connection.transaction():
        known = await _known(connection, target, wanted)
        if known is not None:
            return known
        named = _named(target, wanted)
        if wanted.kind != "acknowledge":
            await connection.execute(_REPLACE, named)
        row = await row_of(connection, _INSERT, {**named, "id": uuid.uuid4()})
        return None if row is None else RequestShown(**row)


async def _known(connection: AsyncConnection, target: Target, wanted: Wanted) -> RequestShown | None:
    cursor = connection.cursor(row_factory=dict_row)
    same = _SAME_ACKNOWLEDGEMENT if wanted.kind == "acknowledge" else _SAME_SHELF
    await cursor.execute(REQUESTS + same, _named(target, wanted))
    row = await cursor.fetchone()
    return None if row is None else RequestShown(**row)


def _named(target: Target, wanted: Wanted) -> Row:
    return {**target._asdict(), **msgspec.structs.asdict(wanted)}


_SAME_ACKNOWLEDGEMENT: LiteralString = (
    "WHERE episode = %(episode)s AND kind = 'acknowledge' AND settled_at IS NULL"
)
# In force: the gateway's last word names it, and nobody has asked for anything else since.
_SAME_SHELF: LiteralString = """
      JOIN gateway ON gateway.id = gateway_id
     WHERE gateway_id = %(gateway_id)s AND point = %(point)s AND rule = %(rule)s AND kind = %(kind)s
       AND until IS NOT DISTINCT FROM %(until)s AND reason = %(reason)s AND asked_by = %(by)s
       AND (settled_at IS NULL OR (
            gateway.shelved
            @> jsonb_build_array(jsonb_build_object('request', replace(alarm_request.id::text, '-', '')))
            AND NOT EXISTS (SELECT FROM alarm_request AS later
                             WHERE later.gateway_id = %(gateway_id)s AND later.point = %(point)s
                               AND later.rule = %(rule)s AND later.settled_at IS NULL
                               AND later.kind <> 'acknowledge')))
"""
_REPLACE: LiteralString = """
    UPDATE alarm_request SET settled_at = %(at)s, outcome = 'replaced'
     WHERE gateway_id = %(gateway_id)s AND point = %(point)s AND rule = %(rule)s
       AND settled_at IS NULL AND kind <> 'acknowledge'
"""
_INSERT: LiteralString = """
    INSERT INTO alarm_request (
            id, gateway_id, kind, episode, point, rule, until, reason, asked_by, asked_at)
        VALUES (
            %(id)s, %(gateway_id)s, %(kind)s, %(episode)s, %(point)s, %(rule)s, %(until)s, %(reason)s, %(by)s,
            %(at)s)
        ON CONFLICT DO NOTHING
        RETURNING id, kind, episode, point, rule, until, reason, asked_by AS by, asked_at, sent_at,
                  settled_at, outcome
"""


def note_acknowledged(connection: Connection, episode: UUID, now_ms: int) -> None:
    """The gateway has acknowledged it, as was asked; that it gets worse later is another matter."""
    connection.execute(
        """
        UPDATE alarm_request SET settled_at = %s, outcome = 'done'
         WHERE episode = %s AND kind = 'acknowledge' AND settled_at IS NULL
        """,
        [instant(now_ms), episode],
    )


def look(connection: Connection, now_ms: int, *, may_send: bool = True) -> Looked:
    """Settle what has become true or pointless, and take what is to be sent now; several may look at once."""
    with connection.transaction():
        episodes = _acknowledge_ended(connection)
        for query in _SETTLE:
            connection.execute(query, _times(now_ms))
        due = _claim(connection, now_ms) if may_send else []
        shown = episodes_by_id(connection, episodes) if episodes else []
        events = [NewEvent(episode.site, "alarm", episode.model_dump_json()) for episode in shown]
        write_events(connection, events, now_ms)
    return Looked(due, bool(events))


def _times(now_ms: int) -> dict[str, Any]:
    return {
        "now": instant(now_ms),
        "settling": dt.timedelta(milliseconds=SETTLING_MS),
        "heard_since": instant(now_ms - SILENT_MS),
        "sent_before": instant(now_ms - RESEND_MS),
        "most": MOST,
    }


def _acknowledge_ended(connection: Connection) -> list[UUID]:
    """An alarm that has ended is past the gateway's help: the acknowledgement is noted here alone."""
    rows = connection.execute(
        """
        UPDATE episode SET acknowledged_at = asked_at, acknowledged_by = asked_by
          FROM alarm_request
         WHERE alarm_request.episode = episode.id AND alarm_request.kind = 'acknowledge'
           AND settled_at IS NULL AND cleared_at IS NOT NULL AND acknowledged_at IS NULL
        RETURNING episode.id
        """
    ).fetchall()
    return [row[0] for row in rows]


_SETTLE: tuple[LiteralString, ...] = (
    """
    UPDATE alarm_request SET settled_at = %(now)s, outcome = 'done' FROM episode, gateway
     WHERE episode.id = alarm_request.episode AND gateway.id = alarm_request.gateway_id
       AND alarm_request.kind = 'acknowledge' AND settled_at IS NULL AND acknowledged_at IS NOT NULL
       AND (cleared_at IS NOT NULL OR (told_at > sent_at
            AND gateway.states ->> replace(episode.id::text, '-', '') IS DISTINCT FROM 'unacknowledged'))
    """,
    """
    UPDATE alarm_request SET settled_at = %(now)s, outcome = 'done' FROM gateway
     WHERE gateway.id = gateway_id AND kind = 'shelve' AND settled_at IS NULL AND gateway.shelved
           @> jsonb_build_array(jsonb_build_object('request', replace(alarm_request.id::text, '-', '')))
    """,
    """
    UPDATE alarm_request SET settled_at = %(now)s, outcome = 'done' FROM gateway
     WHERE gateway.id = gateway_id AND kind = 'unshelve' AND settled_at IS NULL AND told_at > sent_at
       AND NOT gateway.shelved @> jsonb_build_array(jsonb_build_object('point', point, 'rule', rule))
    """,
    """
    UPDATE alarm_request SET settled_at = %(now)s, outcome = 'lapsed'
     WHERE kind = 'shelve' AND settled_at IS NULL AND until <= %(now)s
    """,
    """
    UPDATE alarm_request SET settled_at = %(now)s, outcome = 'ended' FROM episode, gateway
     WHERE episode.id = alarm_request.episode AND gateway.id = alarm_request.gateway_id
       AND alarm_request.kind = 'shelve' AND settled_at IS NULL AND cleared_at IS NOT NULL
       AND (sent_at IS NULL OR told_at > sent_at + %(settling)s)
    """,
)


def _claim(connection: Connection, now_ms: int) -> list[Due]:
    cursor = connection.cursor(row_factory=dict_row)
    cursor.execute(
        """
        UPDATE alarm_request AS request SET sent_at = %(now)s
          FROM gateway
         WHERE gateway.id = request.gateway_id AND request.id IN (
               SELECT waiting.id FROM alarm_request AS waiting
                      JOIN gateway ON gateway.id = waiting.gateway_id
                WHERE settled_at IS NULL AND (sent_at IS NULL OR sent_at <= %(sent_before)s)
                  AND gateway.state = 'online' AND gateway.seen_at >= %(heard_since)s
                ORDER BY asked_at LIMIT %(most)s FOR UPDATE OF waiting SKIP LOCKED)
        RETURNING mode, site, gateway, request.id, kind, episode, point, rule, until, reason, asked_by
        """,
        _times(now_ms),
    )
    return [Due(GatewayKey(row["mode"], row["site"], row["gateway"]), _command(row)) for row in cursor]


def _command(row: Row) -> Command:
    named: dict[str, Any] = {"episode": row["episode"].hex, "by": row["asked_by"], "request": row["id"].hex}
    if row["kind"] == "acknowledge":
        return Command(command="acknowledge", **named)
    return Command(
        command="shelve",
        point=row["point"],
        rule=row["rule"],
        # An instant that is past ends it.
        until=0 if row["until"] is None else milliseconds(row["until"]),
        # A gateway takes no command on a shelf without a reason.
        reason=row["reason"] or "unshelved",
        **named,
    )
