"""What the machine puts beside a record that an alarm has opened: what was in force, later the readings.

The readings of five minutes before and after are frozen once they are all here. A gateway that is cut off
brings them later, so that they are waited for; what has not come within a day is said to be missing.
"""

import datetime as dt
import logging
from typing import LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import class_row, dict_row

from cloud.database import Connection, Row, instant, milliseconds
from cloud.evidence.bundle import MACHINE, bundle
from cloud.evidence.series import GivenUp, Track, document, missing
from cloud.evidence.store import NewItem, put
from cloud.instants import rfc3339
from cloud.readings.service import number_of
from sitewarden.points import UnknownKindError, point_kind

log = logging.getLogger(__name__)

SETTLE = dt.timedelta(seconds=30)
"""After the window: the last readings are on their way."""
WAIT = dt.timedelta(days=1)
"""For a gateway that is cut off."""
AGAIN = dt.timedelta(minutes=1)
MOST = 20
"""Records of one look."""

_DUE: LiteralString = """
    SELECT hazard_id FROM evidence_window
     WHERE frozen_at IS NULL AND due_at <= %s ORDER BY due_at LIMIT %s
"""
_CLAIMED: LiteralString = """
    SELECT hazard_id, from_at AS start, to_at AS "end", bundled_at IS NOT NULL AS is_bundled
      FROM evidence_window
     WHERE hazard_id = %s AND frozen_at IS NULL AND due_at <= %s FOR UPDATE SKIP LOCKED
"""
_POINTS: LiteralString = """
    SELECT point.name, point.kind, point.resolution, point.stale_after_ms,
           array_agg(point.id) AS ids, min(newest.at) AS newest_at
      FROM episode JOIN hazard ON hazard.content_episode = episode.id
           JOIN point ON point.site = episode.site AND point.mode = episode.mode
                AND point.device = episode.device AND (point.current OR point.name = episode.point)
           LEFT JOIN newest ON newest.point_id = point.id
     WHERE hazard.id = %s
     GROUP BY point.name, point.kind, point.resolution, point.stale_after_ms ORDER BY point.name
"""
_READINGS: LiteralString = """
    SELECT (extract(epoch FROM at) * 1000)::bigint, value, quality
      FROM readings_of(%s::int[], %s, %s) ORDER BY at
"""
_GIVEN_UP: LiteralString = """
    SELECT (extract(epoch FROM from_at) * 1000)::bigint AS from_ms,
           (extract(epoch FROM to_at) * 1000)::bigint AS to_ms, gap.count, gap.reason, gap.points
      FROM gap JOIN episode USING (gateway_id) JOIN hazard ON hazard.content_episode = episode.id
     WHERE hazard.id = %s AND from_at < %s AND to_at >= %s ORDER BY from_at, to_at
"""


class _Window(msgspec.Struct, frozen=True, kw_only=True):
    hazard_id: UUID
    start: dt.datetime
    end: dt.datetime
    is_bundled: bool


def keep_due(connection: Connection, now_ms: int) -> list[UUID]:
    """Do what is due; returns the records that got something. Several workers may ask at the same time."""
    now, done = instant(now_ms), list[UUID]()
    for (hazard_id,) in connection.execute(_DUE, [now, MOST]).fetchall():
        with connection.transaction():
            claimed = connection.cursor(row_factory=class_row(_Window)).execute(_CLAIMED, [hazard_id, now])
            window = claimed.fetchone()
            if window is not None and _keep(connection, window, now):
                done.append(hazard_id)
    return done


def _keep(connection: Connection, window: _Window, now: dt.datetime) -> bool:
    connection.execute("SELECT FROM hazard WHERE id = %s FOR NO KEY UPDATE", [window.hazard_id])
    if not window.is_bundled:
        bundle(connection, window.hazard_id, now)
        _look_again(connection, window, max(now, window.end + SETTLE), bundled_at=now)
        return True
    points = _points(connection, window.hazard_id)
    is_here = all(row["newest_at"] is not None and row["newest_at"] >= window.end for row in points)
    if not is_here and now < window.end + WAIT:
        _look_again(connection, window, now + AGAIN, bundled_at=None)
        return False
    put(connection, _frozen(connection, window, points, now))
    connection.execute(
        "UPDATE evidence_window SET frozen_at = %s WHERE hazard_id = %s", [now, window.hazard_id]
    )
    return True


def _look_again(
    connection: Connection, window: _Window, due_at: dt.datetime, *, bundled_at: dt.datetime | None
) -> None:
    connection.execute(
        "UPDATE evidence_window SET due_at = %s, bundled_at = coalesce(bundled_at, %s) WHERE hazard_id = %s",
        [due_at, bundled_at, window.hazard_id],
    )


def _points(connection: Connection, hazard_id: UUID) -> list[Row]:
    return connection.cursor(row_factory=dict_row).execute(_POINTS, [hazard_id]).fetchall()


def _frozen(connection: Connection, window: _Window, points: list[Row], now: dt.datetime) -> NewItem:
    tracks = [_track(connection, row, window) for row in points]
    cursor = connection.cursor(row_factory=dict_row)
    gaps = cursor.execute(_GIVEN_UP, [window.hazard_id, window.end, window.start]).fetchall()
    given_up = [GivenUp(**gap) for gap in gaps]
    return NewItem(
        hazard_id=window.hazard_id,
        kind="series",
        stage="found",
        content=document(tracks, given_up, start=window.start, end=window.end, now=now),
        media_type="application/json",
        about={
            "from": rfc3339(window.start),
            "to": rfc3339(window.end),
            "readings": sum(len(track.t) for track in tracks),
            "missing_s": _missing_s(tracks, window),
        },
        author=MACHINE,
        at=now,
    )


def _missing_s(tracks: list[Track], window: _Window) -> dict[str, float]:
    """By point, those of which nothing is missing left out."""
    found = {
        track.point: missing(track, milliseconds(window.start), milliseconds(window.end)) for track in tracks
    }
    return {point: sum(end - start for start, end in spans) / 1000 for point, spans in found.items() if spans}


def _track(connection: Connection, row: Row, window: _Window) -> Track:
    number = number_of(row["resolution"])
    read = connection.execute(_READINGS, [row["ids"], window.start, window.end]).fetchall()
    try:
        unit = point_kind(row["kind"]).unit
    except UnknownKindError:
        unit = ""
    return Track(
        point=row["name"],
        kind=row["kind"],
        unit=unit,
        patience_ms=row["stale_after_ms"],
        t=[at for at, _, _ in read],
        x=[number(value) for _, value, _ in read],
        q=[quality for _, _, quality in read],
    )
