"""The signal of a record: the danger stands, is over, or nobody can tell because nothing watches it any more.

What is unknown is never taken for over: whoever unplugs a sensor closes no record.
"""

import datetime as dt
import logging
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from cloud.database import Connection, instant
from cloud.hazards.chain import Event
from cloud.hazards.clock import MACHINE
from cloud.hazards.store import append_event, hazards_by_id
from cloud.hazards.watched import watched
from cloud.instants import rfc3339
from cloud.live.store import NewEvent, wake_viewers, write_events

log = logging.getLogger(__name__)

_LOCKED: LiteralString = """
    SELECT status, signal, coalesce(signal_since, timestamptz 'epoch') AS since,
           ended_at IS NOT NULL AS has_ended FROM hazard WHERE id = %s FOR NO KEY UPDATE
"""
_EPISODES: LiteralString = """
    SELECT coalesce(bool_or(cleared_at IS NULL), false) AS stands, max(raised_at) AS raised_at,
           max(least(cleared_at, %(now)s)) FILTER (WHERE ended IS NULL) AS cleared_at,
           bool_and(clock = 'synced') AS is_synced
      FROM episode WHERE hazard_id = %(hazard)s
"""


class _State(NamedTuple):
    signal: str
    since: dt.datetime


class _Locked(msgspec.Struct, frozen=True, kw_only=True):
    status: str
    signal: str
    since: dt.datetime
    has_ended: bool


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """Of the record's alarms."""

    stands: bool
    raised_at: dt.datetime
    cleared_at: dt.datetime | None
    is_synced: bool


def follow(connection: Connection, hazard_id: UUID, now_ms: int) -> bool:
    """Set the signal by the record's alarms, one of which was just stored; whether that changed the record.

    Waits for whoever else writes the record. What nobody watches stays unknown when its alarm is cleared.
    """
    now = instant(now_ms)
    row = _locked(connection, hazard_id)
    cursor = connection.cursor(row_factory=class_row(_Told))
    told = cursor.execute(_EPISODES, {"hazard": hazard_id, "now": now}).fetchone()
    assert told is not None  # noqa: S101  an aggregate always has its row
    if row.has_ended:
        return False
    if told.stands:
        after = _State("active", row.since if row.signal == "active" else min(told.raised_at, now))
    elif row.signal == "unknown":
        after = _State("unknown", row.since)
    else:
        after = _State("cleared", _cleared_since(row, told, now))
    return _become(connection, hazard_id, row, after, now)


def _locked(connection: Connection, hazard_id: UUID) -> _Locked:
    row = connection.cursor(row_factory=class_row(_Locked)).execute(_LOCKED, [hazard_id]).fetchone()
    assert row is not None  # noqa: S101  hazards are never deleted
    return row


def _cleared_since(row: _Locked, told: _Told, now: dt.datetime) -> dt.datetime:
    if told.is_synced and told.cleared_at is not None:
        return max(told.cleared_at, row.since)
    # By a clock that nobody had set, or where a rule went: it is over only since that was heard.
    return row.since if row.signal == "cleared" else now


def look(connection: Connection, now_ms: int) -> list[UUID]:
    """Say of every open record whether its danger is still watched; returns the records that changed."""
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
    row = _locked(connection, hazard_id)
    # Again, now that nobody else writes the record.
    seen = watched(connection, [hazard_id], now)[hazard_id]
    if row.has_ended or (row.signal == "unknown") != seen.is_watched:
        return False
    if not seen.is_watched:
        log.warning("nothing watches the danger any more hazard=%s", hazard_id)
        return _become(connection, hazard_id, row, _State("unknown", seen.lost_at(now)), now)
    stands = connection.execute(
        "SELECT FROM episode WHERE hazard_id = %s AND cleared_at IS NULL LIMIT 1", [hazard_id]
    ).fetchone()
    # Whatever was before is forgotten: what happened in between nobody has seen.
    return _become(connection, hazard_id, row, _State("cleared" if stands is None else "active", now), now)


def _become(connection: Connection, hazard_id: UUID, row: _Locked, after: _State, now: dt.datetime) -> bool:
    """Write the signal; a danger that was there again sends what was rectified back."""
    if (row.signal, row.since) == after:
        return False
    has_returned = row.status in {"rectified", "reviewed"} and (
        # One that came and went while nobody looked was there all the same.
        after.signal == "active" or (row.signal, after.signal) == ("cleared", "cleared")
    )
    connection.execute(
        """
        UPDATE hazard
           SET signal = %(signal)s, signal_since = %(since)s,
               status = CASE WHEN %(returned)s THEN 'rectifying' ELSE status END,
               verified_at = CASE WHEN %(returned)s THEN NULL ELSE verified_at END
         WHERE id = %(id)s
        """,
        {"signal": after.signal, "since": after.since, "returned": has_returned, "id": hazard_id},
    )
    body = {"from": row.signal, "to": after.signal, "since": rfc3339(after.since)}
    _append(connection, hazard_id, "signal", body, now)
    if has_returned:
        returned = {"from": row.status, "to": "rectifying", "state": {"signal": after.signal}}
        _append(connection, hazard_id, "signal_returned", returned, now)
    return True


def _append(
    connection: Connection, hazard_id: UUID, kind: str, body: dict[str, Any], now: dt.datetime
) -> None:
    append_event(connection, hazard_id, Event(at=rfc3339(now), actor=MACHINE, kind=kind, body=body))
