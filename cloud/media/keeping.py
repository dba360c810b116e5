"""Pictures find their alarm and its record, whichever came first; and go when their time is over."""

import datetime as dt
import logging
from typing import LiteralString
from uuid import UUID

from psycopg.rows import dict_row

from cloud.database import Connection, Row, instant
from cloud.evidence.bundle import MACHINE
from cloud.evidence.store import NewItem, put
from cloud.instants import rfc3339
from cloud.media.sealing import SealError, Vault
from cloud.media.store import whole

log = logging.getLogger(__name__)

MOST = 20
"""Pictures of one look."""
ENOUGH = 400
"""Pictures beside one record, and those of one look more: evidence is never removed, and a gateway that goes
mad would fill the disk with it. The others go when their time is over."""
UNFINISHED = dt.timedelta(days=2)
"""What nobody brings any more is forgotten."""
TIDY = dt.timedelta(minutes=1)
AGAIN = dt.timedelta(hours=1)
"""What the key at hand did not open is tried again: somebody may have put the right one back."""

_FIND: LiteralString = """
    UPDATE camera_media AS its SET episode = found.episode
      FROM (
        SELECT media, coalesce(
                   (SELECT other.episode FROM camera_media AS other
                     WHERE other.gateway_id = loose.gateway_id AND other.device = loose.device
                       AND other.sha256 = loose.of_sha256),
                   (SELECT alarm.id FROM episode AS alarm
                     WHERE alarm.site = loose.site AND alarm.mode = loose.mode AND alarm.device = loose.device
                       AND alarm.gateway_id = loose.gateway_id
                       AND alarm.raised_at BETWEEN loose.at - interval '1 day' AND loose.at + interval '1 day'
                       AND alarm.pictures @> jsonb_build_array(jsonb_build_object(
                               'sha256', encode(coalesce(loose.of_sha256, loose.sha256), 'hex')))
                     ORDER BY alarm.raised_at LIMIT 1)) AS episode
          FROM camera_media AS loose
         WHERE kept_at > %(since)s AND hazard_id IS NULL AND erased_at IS NULL AND kind <> 'still'
           AND episode IS NULL
         ORDER BY kept_at LIMIT 200) AS found
     WHERE its.media = found.media AND found.episode IS NOT NULL
"""
_DUE: LiteralString = """
    SELECT its.media, alarm.hazard_id
      FROM camera_media AS its
           JOIN episode AS alarm ON alarm.id = its.episode AND alarm.gateway_id = its.gateway_id
                AND alarm.device = its.device
     WHERE its.kept_at IS NOT NULL AND its.hazard_id IS NULL AND its.erased_at IS NULL AND its.kind <> 'still'
       AND alarm.hazard_id IS NOT NULL AND its.media <> ALL (%s)
       AND (SELECT count(*) FROM evidence_item AS beside
             WHERE beside.hazard_id = alarm.hazard_id AND beside.about ? 'camera') < %s
     ORDER BY its.kept_at LIMIT %s
"""
_CLAIMED: LiteralString = """
    SELECT media, device, kind, media_type, at, unredacted, encode(sha256, 'hex') AS sha256
      FROM camera_media
     WHERE media = %s AND hazard_id IS NULL AND erased_at IS NULL FOR UPDATE SKIP LOCKED
"""
_ERASE: LiteralString = """
    WITH old AS (
        UPDATE camera_media SET erased_at = %(now)s
         WHERE erased_at IS NULL AND kept_at IS NOT NULL AND at < %(before)s RETURNING media
    )
    DELETE FROM camera_media_part WHERE media IN (SELECT media FROM old)
"""
_GIVE_UP: LiteralString = "DELETE FROM camera_media WHERE kept_at IS NULL AND offered_at < %s"


class PicturesKept:
    """A duty: asked every few seconds."""

    def __init__(self, keep_days: int, vault: Vault) -> None:
        """So long a picture is kept that no record holds as evidence."""
        self._vault = vault
        self._closed = set[UUID]()
        """Pictures that the key at hand does not open; the others go on meanwhile."""
        self._tried = dt.datetime.min.replace(tzinfo=dt.UTC)
        self._keep = dt.timedelta(days=keep_days)
        self._tidied = dt.datetime.min.replace(tzinfo=dt.UTC)
        self.__name__ = "pictures"

    def __call__(self, connection: Connection, now_ms: int) -> None:
        """Put pictures beside records, and erase those whose time is over."""
        now = instant(now_ms)
        if now - self._tried >= AGAIN:
            self._tried = now
            self._closed.clear()
        connection.execute(_FIND, {"since": now - UNFINISHED})
        for media, hazard in connection.execute(_DUE, [list(self._closed), ENOUGH, MOST]).fetchall():
            try:
                with connection.transaction():
                    if self._attach(connection, media, hazard, now):
                        log.info("picture kept hazard=%s media=%s", hazard, media)
            except SealError as exc:
                # It keeps no other back.
                log.error("picture not put beside its record hazard=%s media=%s: %s", hazard, media, exc)  # noqa: TRY400
                self._closed.add(media)
        if now - self._tidied >= TIDY:
            self._tidied = now
            connection.execute(_ERASE, {"now": now, "before": now - self._keep})
            connection.execute(_GIVE_UP, [now - UNFINISHED])

    def _attach(self, connection: Connection, media: UUID, hazard: UUID, now: dt.datetime) -> bool:
        """Put it beside the record as evidence; whether it was not there yet."""
        # The record first, as everybody locks it.
        connection.execute("SELECT FROM hazard WHERE id = %s FOR NO KEY UPDATE", [hazard])
        row = connection.cursor(row_factory=dict_row).execute(_CLAIMED, [media]).fetchone()
        if row is None:
            return False
        item = _item(hazard, row, whole(connection, media, self._vault), now)
        put(connection, item, self._vault if row["unredacted"] else None)
        connection.execute("UPDATE camera_media SET hazard_id = %s WHERE media = %s", [hazard, media])
        return True


def _item(hazard: UUID, row: Row, content: bytes, now: dt.datetime) -> NewItem:
    return NewItem(
        hazard_id=hazard,
        kind="still" if row["kind"] == "snapshot" else "video",
        stage="found",
        content=content,
        media_type=row["media_type"],
        about={"camera": row["device"], "taken_at": rfc3339(row["at"]), "unredacted": row["unredacted"]},
        author=MACHINE,
        at=now,
    )
