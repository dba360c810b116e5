"""Says of every open record whether anything still watches its danger."""

import datetime as dt
import logging
from uuid import UUID

from cloud.database import Connection, instant
from cloud.hazards.chain import Event
from cloud.hazards.record import MACHINE
from cloud.hazards.signal import Signalled
from cloud.hazards.store import append_event, hazards_by_id
from cloud.hazards.watched import watched
from cloud.instants import rfc3339
from cloud.live.store import NewEvent, wake_viewers, write_events

log = logging.getLogger(__name__)


def look(connection: Connection, now_ms: int) -> list[UUID]:
    """Set to unknown what nothing watches any more, and back what is read again; returns what changed."""
    now, changed = instant(now_ms), list[UUID]()
    signals: dict[UUID, str] = dict(
        connection.execute("SELECT id, signal FROM hazard WHERE ended_at IS NULL AND signal <> 'none'")
    )
    for hazard_id, seen in watched(connection, sorted(signals), now).items():
        if (signals[hazard_id] == "unknown") != seen.is_watched:
            continue
        with connection.transaction():
            if _look_at(connection, hazard_id, now):
                changed.append(hazard_id)
                (shown,) = hazards_by_id(connection, [hazard_id])
                write_events(connection, [NewEvent(shown.site, "hazard", shown.model_dump_json())], now_ms)
    if changed:
        wake_viewers(connection)
    return changed


def _look_at(connection: Connection, hazard_id: UUID, now: dt.datetime) -> bool:
    row = connection.execute(
        "SELECT signal, ended_at IS NOT NULL FROM hazard WHERE id = %s FOR NO KEY UPDATE", [hazard_id]
    ).fetchone()
    assert row is not None  # noqa: S101  hazards are never deleted
    before, has_ended = row
    # Again, now that nobody else writes the record.
    seen = watched(connection, [hazard_id], now)[hazard_id]
    if has_ended or (before == "unknown") != seen.is_watched:
        return False
    if not seen.is_watched:
        log.warning("nothing watches the danger any more hazard=%s", hazard_id)
        after = Signalled("unknown", seen.lost_at(now))
    else:
        # Whatever was before is forgotten: what happened in between nobody has seen.
        after = Signalled("active" if _stands(connection, hazard_id) else "cleared", now)
    connection.execute("UPDATE hazard SET signal = %s, signal_since = %s WHERE id = %s", [*after, hazard_id])
    body = {"from": before, "to": after.signal, "since": rfc3339(after.since or now)}
    append_event(connection, hazard_id, Event(at=rfc3339(now), actor=MACHINE, kind="signal", body=body))
    return True


def _stands(connection: Connection, hazard_id: UUID) -> bool:
    found = connection.execute(
        "SELECT FROM episode WHERE hazard_id = %s AND cleared_at IS NULL LIMIT 1", [hazard_id]
    )
    return found.fetchone() is not None
