"""Minutes that were kept before minutes were packed: packed a little at a time, while the service runs.

Until then they lie as they lay, a row each, and are read as those that are packed; an hour that is counted
anew meanwhile is packed, and its rows count no more. Each batch is one transaction: killed, it goes on there.
"""

import logging
from collections.abc import Iterator
from typing import LiteralString

import psycopg

from cloud.database import Connection

log = logging.getLogger(__name__)

ROWS = 60_000
"""Minutes of one batch, and what is missing of its last hour: half a second."""
BATCHES = 60
"""Of one look: other work has its turn as well."""

_BATCH: LiteralString = """
    WITH first AS (
        SELECT point_id, at FROM minute_plain
         WHERE (point_id, at) > (%(point)s, %(at)s::timestamptz) ORDER BY point_id, at LIMIT %(rows)s
    ), hours AS (
        SELECT DISTINCT point_id, date_bin('1 hour', at, 'epoch') AS hour FROM first
    ), gone AS (
        DELETE FROM minute_plain AS its USING hours
         WHERE its.point_id = hours.point_id AND its.at >= hours.hour
           AND its.at < hours.hour + interval '1 hour'
        RETURNING its.*
    ), packed AS (
        INSERT INTO minute_packed (point_id, hour, base, size, minutes, n, first_after, last_after, ns,
                                   firsts, lasts, goods, small, middle, large, sums, wide_sums)
            SELECT g.point_id, g.hour, k.*
              FROM (SELECT point_id, date_bin('1 hour', at, 'epoch') AS hour,
                           array_agg(ROW(at, low, high, first, last, first_at, last_at, point_id, n, good,
                                         sum)::minute_kept ORDER BY at) AS minutes
                      FROM gone GROUP BY 1, 2) AS g
                   CROSS JOIN LATERAL pack_minutes(g.minutes) AS k
            ON CONFLICT (point_id, hour) DO NOTHING
    )
    SELECT (SELECT count(*) FROM hours), point_id, at FROM first ORDER BY point_id DESC, at DESC LIMIT 1
"""
"""What was packed by its being counted anew stays as it is."""
_HAS_ROOM: LiteralString = "SELECT pg_relation_size('minute_plain') > 0"
_PATIENCE: LiteralString = "SET LOCAL lock_timeout = '1s'"
_LOCK: LiteralString = "LOCK TABLE minute_plain IN ACCESS EXCLUSIVE MODE"
_HORIZON: LiteralString = "SELECT pg_snapshot_xmax(pg_current_snapshot())::xid::text"
_IS_SEEN: LiteralString = """
    SELECT FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND age(backend_xmin) > age(%s::xid) LIMIT 1
"""
"""Whoever began before may still see what was packed as it lay, and what is truncated is gone for all."""
_RELEASE: LiteralString = "TRUNCATE minute_plain"


def repack(connection: Connection) -> Iterator[str]:
    """Pack some of the minutes that lie plain; yields what was done, so that others may have a turn between.

    `connection` must be in autocommit, and of a database in plain mode.
    """
    if connection.execute(_HAS_ROOM).fetchone() != (True,):
        return
    # From where the last batch ended: what lies before are rows that nobody has swept away yet.
    place = {"point": -1, "at": "-infinity", "rows": ROWS}
    for _ in range(BATCHES):
        with connection.transaction():
            row = connection.execute(_BATCH, place).fetchone()
        if row is None:
            yield from _release(connection)
            return
        hours, point, at = row
        place |= {"point": point, "at": at}
        yield f"minutes packed hours={hours} point={point} until={at:%Y-%m-%dT%H}"


def _release(connection: Connection) -> Iterator[str]:
    """Give the room back once all is packed."""
    horizon = connection.execute(_HORIZON).fetchone()
    try:
        with connection.transaction():
            connection.execute(_PATIENCE)
            connection.execute(_LOCK)
            if connection.execute("SELECT FROM minute_plain LIMIT 1").fetchone() is not None:
                return  # others came before where we began
            is_seen = connection.execute(_IS_SEEN, horizon).fetchone() is not None
            if not is_seen:
                connection.execute(_RELEASE)
    except psycopg.errors.LockNotAvailable:
        is_seen = True
    if is_seen:
        log.info("minutes are packed; their room waits for a backup or an export")
        return
    yield "all minutes packed"
