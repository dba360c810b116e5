"""Two machines under one gateway's name: seen by their lives, which take turns, and by counts that go back.

A program that is started anew, also on another machine, has another boot, and the earlier one is never heard
again. Where an earlier boot goes on to speak, both are alive. A copy of a running machine has the same boot;
then the number of records that it says it has written goes back again and again.
"""

import datetime as dt
import logging

from cloud.database import Connection, instant
from cloud.ingest.model import GatewayKey
from sitewarden.messages import Status

log = logging.getLogger(__name__)

GRACE = dt.timedelta(seconds=15)
"""So long after a new boot's first word one of the earlier may still be on its way, by another worker."""
TWICE_WITHIN = dt.timedelta(minutes=10)
"""A count goes back once where an outbox was set aside as broken; twice in this time, it is two machines."""
_REMEMBERED = dt.timedelta(days=1)
_MOST_BOOTS = 50
_SAY_AGAIN = dt.timedelta(minutes=10)


def note_life(
    connection: Connection, key: GatewayKey, gateway_id: int, status: Status, received_ms: int
) -> None:
    """Write down that this boot lives; where another does too, that the gateway is cloned."""
    now = instant(received_ms)
    went_back_at = _write(connection, gateway_id, status, now)
    is_copied = went_back_at is not None and went_back_at >= now - TWICE_WITHIN
    if is_copied or _is_superseded(connection, gateway_id, status.boot, now):
        _tell(connection, key, gateway_id, status.boot, now)


def _write(connection: Connection, gateway_id: int, status: Status, now: dt.datetime) -> dt.datetime | None:
    """The life continued; if its count went back just now, when it had done so before."""
    written = status.counters.readings_written + status.counters.alarms_written
    row = connection.execute(
        """
        SELECT told_ms, written, back_at FROM gateway_boot
         WHERE gateway_id = %s AND boot = %s FOR NO KEY UPDATE
        """,
        [gateway_id, status.boot],
    ).fetchone()
    if row is None:
        _begin(connection, gateway_id, status, written, now)
        return None
    told_ms, written_before, back_at = row
    # A status that comes late or twice is older by its own clock, and says nothing of what is so now.
    is_newer = status.at > told_ms
    goes_back = is_newer and written < written_before
    connection.execute(
        """
        UPDATE gateway_boot
           SET last_at = greatest(last_at, %(now)s), told_ms = greatest(told_ms, %(at)s),
               written = CASE WHEN %(newer)s THEN %(written)s ELSE written END,
               back_at = CASE WHEN %(back)s THEN %(now)s ELSE back_at END
         WHERE gateway_id = %(id)s AND boot = %(boot)s
        """,
        {
            "id": gateway_id,
            "boot": status.boot,
            "now": now,
            "at": _told_ms(status),
            "newer": is_newer,
            "written": _bounded(written),
            "back": goes_back,
        },
    )
    return back_at if goes_back else None


def _begin(connection: Connection, gateway_id: int, status: Status, written: int, now: dt.datetime) -> None:
    connection.execute(
        """
        DELETE FROM gateway_boot
         WHERE gateway_id = %(id)s
           AND (last_at < %(old)s OR boot IN (
                SELECT boot FROM gateway_boot WHERE gateway_id = %(id)s
                 ORDER BY last_at DESC OFFSET %(most)s))
        """,
        {"id": gateway_id, "old": now - _REMEMBERED, "most": _MOST_BOOTS},
    )
    connection.execute(
        """
        INSERT INTO gateway_boot (gateway_id, boot, first_at, last_at, told_ms, written)
            VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
        """,
        [gateway_id, status.boot, now, now, _told_ms(status), _bounded(written)],
    )


def _is_superseded(connection: Connection, gateway_id: int, boot: str, now: dt.datetime) -> bool:
    """Whether another boot began after this one, and long enough ago."""
    row = connection.execute(
        """
        SELECT 1 FROM gateway_boot AS this JOIN gateway_boot AS other USING (gateway_id)
         WHERE gateway_id = %s AND this.boot = %s AND other.first_at > this.first_at AND other.first_at <= %s
         LIMIT 1
        """,
        [gateway_id, boot, now - GRACE],
    ).fetchone()
    return row is not None


def _tell(connection: Connection, key: GatewayKey, gateway_id: int, boot: str, now: dt.datetime) -> None:
    row = connection.execute(
        """
        UPDATE gateway SET cloned_at = greatest(gateway.cloned_at, %(now)s)
          FROM (SELECT id, cloned_at FROM gateway WHERE id = %(id)s FOR NO KEY UPDATE) AS before
         WHERE gateway.id = before.id RETURNING before.cloned_at
        """,
        {"id": gateway_id, "now": now},
    ).fetchone()
    if row is not None and (row[0] is None or row[0] < now - _SAY_AGAIN):
        log.error(
            "two machines under one name site=%s gateway=%s mode=%s one_boot=%s",
            key.site,
            key.gateway,
            key.mode,
            boot,
        )


def _told_ms(status: Status) -> int:
    return _bounded(status.at)


def _bounded(number: int) -> int:
    return max(0, min(number, 2**63 - 1))
