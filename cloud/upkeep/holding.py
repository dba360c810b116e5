"""Alarms of a device that is being mended: kept as they came; what stands afterwards opens its record."""

import logging
from collections.abc import Callable
from typing import LiteralString
from uuid import UUID

import msgspec

from cloud.database import Connection, instant, storable
from sitewarden.errors import MessageError
from sitewarden.messages import Alarm

log = logging.getLogger(__name__)

MOST = 100
"""Of one look."""

_DUE: LiteralString = """
    SELECT held.episode, held.alarm, episode.cleared_at IS NULL AS stands
      FROM held_alarm AS held JOIN device_maintenance USING (maintenance)
           JOIN episode ON episode.id = held.episode
     WHERE held.settled_at IS NULL AND coalesce(ended_at, until_at) <= %s
     ORDER BY held.episode LIMIT %s FOR UPDATE OF held SKIP LOCKED
"""


def hold(connection: Connection, maintenance: UUID, alarm: Alarm) -> None:
    """Keep an alarm that opens nothing now; what was said first of an episode stays."""
    connection.execute(
        "INSERT INTO held_alarm (episode, maintenance, alarm) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        [UUID(alarm.episode), maintenance, storable(alarm)],
    )


def release_due(
    connection: Connection, now_ms: int, follow: Callable[[Connection, Alarm], None]
) -> list[UUID]:
    """Hand alarms that still stand after their maintenance to `follow`; returns their episodes.

    One transaction. Several workers may ask at the same time: each alarm is one's alone.
    """
    released: list[UUID] = []
    with connection.transaction():
        for episode, told, stands in connection.execute(_DUE, [instant(now_ms), MOST]).fetchall():
            connection.execute(
                "UPDATE held_alarm SET settled_at = %s WHERE episode = %s", [instant(now_ms), episode]
            )
            if not stands:
                continue
            try:
                alarm = msgspec.convert(told, Alarm)
            except (msgspec.ValidationError, MessageError):
                log.exception("a held alarm cannot be read any more episode=%s", episode)
                continue
            follow(connection, alarm)
            released.append(episode)
    return released
