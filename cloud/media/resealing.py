"""The key of unredacted pictures is changed: what rests under one before it is sealed anew, bit by bit.

A piece at a time, each by itself: whatever ends it, each rests whole under one key or the other, and it goes
on from there. The old key opens what is left meanwhile.
"""

import logging
import time
from typing import LiteralString, NamedTuple
from uuid import UUID

from cloud.database import Connection
from cloud.media.sealing import OtherKeyError, Sealed, Vault, place_of, place_of_evidence

log = logging.getLogger(__name__)

MOST = 40
"""Pieces of one look."""
MOST_S = 1.0
"""And so long at most: other duties wait."""
AGAIN_MS = 3_600_000
"""What no key at hand opens is tried again."""

_PIECE: LiteralString = """
    SELECT media, from_byte, content, key FROM camera_media_part
     WHERE sealed AND key IS DISTINCT FROM %s AND NOT (media = ANY (%s)) LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_FILE: LiteralString = """
    SELECT sha256, content, key FROM evidence_file
     WHERE sealed AND key IS DISTINCT FROM %s AND NOT (sha256 = ANY (%s)) LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_PUT_PIECE: LiteralString = """
    UPDATE camera_media_part SET content = %s, key = %s WHERE media = %s AND from_byte = %s
"""
_PUT_FILE: LiteralString = "UPDATE evidence_file SET content = %s, key = %s WHERE sha256 = %s"
_LEFT: LiteralString = """
    SELECT (SELECT count(DISTINCT media) FROM camera_media_part
             WHERE sealed AND key IS DISTINCT FROM %(key)s),
           (SELECT count(*) FROM evidence_file WHERE sealed AND key IS DISTINCT FROM %(key)s)
"""


class Left(NamedTuple):
    """So many do not rest under the key that seals."""

    pictures: int
    evidence: int


def left(connection: Connection, vault: Vault) -> Left:
    """Raises `SealError` where there is no key."""
    row = connection.execute(_LEFT, {"key": next(iter(vault.keys()))}).fetchone()
    assert row is not None  # noqa: S101  it counts
    return Left(*row)


class PicturesResealed:
    """A duty: asked every few seconds, does nothing where no key was changed."""

    def __init__(self, vault: Vault) -> None:
        """Nothing is read yet."""
        self._vault = vault
        self._closed_pictures, self._closed_evidence = set[UUID](), set[bytes]()
        """What no key at hand opens; it keeps no other back."""
        self._tried_ms = 0
        self._done_for = ""
        """The key under which everything rested when it was looked at last."""
        self.__name__ = "resealing"

    def __call__(self, connection: Connection, now_ms: int) -> None:
        """Seal some anew."""
        if not self._vault.earlier:
            return
        key = next(iter(self._vault.keys()))
        if now_ms - self._tried_ms >= AGAIN_MS:
            self._tried_ms, self._done_for = now_ms, ""
            self._closed_pictures.clear()
            self._closed_evidence.clear()
        if key == self._done_for:
            return
        end_s, count = time.monotonic() + MOST_S, 0
        while count < MOST and time.monotonic() < end_s:
            with connection.transaction():
                if not (self._piece(connection, key) or self._file(connection, key)):
                    self._done_for = key
                    break
            count += 1
        if count:
            log.info("sealed anew pieces=%d key=%s", count, key)

    def _piece(self, connection: Connection, key: str) -> bool:
        """Seal a piece of a picture anew; whether there was one."""
        asked = [key, list(self._closed_pictures)]
        row = connection.cursor(binary=True).execute(_PIECE, asked).fetchone()
        if row is None:
            return False
        media, from_byte, content, number = row
        anew = self._anew(content, place_of(media, from_byte), number)
        if anew is None:
            self._closed_pictures.add(media)
            log.error("no key opens a picture, it is not sealed anew media=%s", media)
        else:
            connection.execute(_PUT_PIECE, [*anew, media, from_byte])
        return True

    def _file(self, connection: Connection, key: str) -> bool:
        """Seal a file of evidence anew; whether there was one."""
        asked = [key, list(self._closed_evidence)]
        row = connection.cursor(binary=True).execute(_FILE, asked).fetchone()
        if row is None:
            return False
        sha256, content, number = row
        anew = self._anew(content, place_of_evidence(sha256), number)
        if anew is None:
            self._closed_evidence.add(sha256)
            log.error("no key opens a file of evidence, it is not sealed anew sha256=%s", sha256.hex())
        else:
            connection.execute(_PUT_FILE, [*anew, sha256])
        return True

    def _anew(self, content: bytes, place: bytes, number: str | None) -> Sealed | None:
        try:
            opened = self._vault.open(content, place, number)
        except OtherKeyError:
            return None
        return self._vault.seal(opened, place)
