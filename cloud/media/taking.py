"""Pieces of files as gateways bring them: appended in their order, and kept once the whole has its hash."""

import hashlib
import logging
from typing import LiteralString, NamedTuple
from uuid import UUID

from psycopg.rows import dict_row

from cloud.database import Connection, Row, connect, instant
from cloud.evidence import media
from cloud.media import tickets
from cloud.media.sealing import OtherKeyError, Vault, place_of
from cloud.media.store import sealed, whole
from cloud.problems import ProblemError, not_found
from sitewarden import boxes
from sitewarden.messages import MediaAnswer

log = logging.getLogger(__name__)

PIECE_BYTES = 1024 * 1024
"""Of one request."""

_ROW: LiteralString = """
    SELECT its.media, its.site, its.mode, its.device, its.kind, its.media_type, its.bytes, its.received,
           its.unredacted, its.at, its.kept_at IS NOT NULL AS is_kept, its.sealed_for
      FROM camera_media AS its JOIN gateway ON gateway.id = its.gateway_id
     WHERE gateway.site = %(site)s AND gateway.gateway = %(gateway)s AND gateway.mode = %(mode)s
       AND its.sha256 = %(sha256)s AND its.device = %(camera)s
       FOR UPDATE OF its
"""
# One that somebody has accepted stays, as what he signed for.
_HOLD_OLDER: LiteralString = """
    SELECT FROM camera_media
     WHERE site = %(site)s AND mode = %(mode)s AND device = %(device)s AND kind = 'still'
       AND media <> %(media)s AND at <= %(at)s FOR UPDATE
"""
"""Whoever accepts one just now is waited for: what is deleted then is seen after him."""
_NEWER_STILL: LiteralString = """
    DELETE FROM camera_media
     WHERE site = %(site)s AND mode = %(mode)s AND device = %(device)s AND kind = 'still'
       AND media <> %(media)s AND at <= %(at)s
       AND NOT EXISTS (SELECT FROM camera_view AS seen WHERE seen.media = camera_media.media)
"""


class Piece(NamedTuple):
    """As it came, with what its token says."""

    ticket: tickets.Ticket
    offset: int
    content: bytes


def take(dsn: str, vault: Vault, piece: Piece, now_ms: int) -> tuple[MediaAnswer, str | None]:
    """How the file stands with this piece, and its kind where it has just become whole.

    Raises `ProblemError` where the piece does not fit, or the whole is not what was offered: then all of it
    is forgotten, and it begins anew. `SealError` where it must be sealed and cannot be.
    """
    sha256 = piece.ticket.sha256
    with connect(dsn) as connection:
        with connection.transaction():
            row = _locked(connection, piece.ticket)
            if row["is_kept"]:
                return MediaAnswer(sha256=sha256, state="kept"), None
            received = _append(connection, vault, row, piece)
            is_whole = received == _coming(row)
            fault = _finish(connection, vault, row, sha256=sha256, now_ms=now_ms) if is_whole else None
        if fault is not None:
            raise fault
    if received < _coming(row):
        return MediaAnswer(sha256=sha256, state="wanted", offset=received), None
    return MediaAnswer(sha256=sha256, state="kept"), row["kind"]


def _locked(connection: Connection, ticket: tickets.Ticket) -> Row:
    asked = {
        "site": ticket.site,
        "gateway": ticket.gateway,
        "mode": ticket.mode,
        "camera": ticket.camera,
        "sha256": bytes.fromhex(ticket.sha256),
    }
    row = connection.cursor(row_factory=dict_row).execute(_ROW, asked).fetchone()
    if row is None or row["bytes"] != ticket.bytes:
        raise not_found("file")
    return row


def _append(connection: Connection, vault: Vault, row: Row, piece: Piece) -> int:
    """So many bytes are here then."""
    if piece.offset != row["received"]:
        detail = f"It goes on at byte {row['received']}."
        values = {"offset": row["received"]}
        raise ProblemError(409, "wrong-offset", "Not the next piece", detail, field="offset", values=values)
    received = int(row["received"]) + len(piece.content)
    if not piece.content or received > _coming(row):
        detail = f"The file has {_coming(row)} bytes, of which {row['received']} are here."
        raise ProblemError(422, "wrong-size", "Not a piece of the file", detail)
    _rest(connection, vault, row, piece.offset, piece.content)
    connection.execute("UPDATE camera_media SET received = %s WHERE media = %s", [received, row["media"]])
    return received


def _rest(connection: Connection, vault: Vault, row: Row, offset: int, content: bytes) -> None:
    """Put a piece down, sealed where people can be known on it."""
    key = None
    if row["unredacted"]:
        content, key = sealed(connection, vault, content, place_of(row["media"], offset))
    connection.execute(
        "INSERT INTO camera_media_part (media, from_byte, content, sealed, key) VALUES (%s, %s, %s, %s, %s)",
        [row["media"], offset, content, key is not None, key],
    )


def _finish(
    connection: Connection, vault: Vault, row: Row, *, sha256: str, now_ms: int
) -> ProblemError | None:
    """Keep the whole; or forget it and say why."""
    try:
        content = whole(connection, row["media"], vault)
        if row["sealed_for"] is not None:
            content = vault.unboxed(content, row["sealed_for"], bytes.fromhex(sha256))
    except OtherKeyError as exc:
        # A key is gone, or the gateway has sealed it anew while it came; the gateway has it still.
        log.error("a picture is brought anew media=%s: %s", row["media"], exc)  # noqa: TRY400
        _forget(connection, row["media"])
        detail = "What came of it cannot be opened any more; bring the file anew."
        return ProblemError(422, "wrong-hash", "Not the file that was offered", detail)
    if hashlib.sha256(content).hexdigest() != sha256:
        _forget(connection, row["media"])
        detail = "The bytes that came have another SHA-256; bring the file anew."
        return ProblemError(422, "wrong-hash", "Not the file that was offered", detail)
    if not _is_picture(content, row["media_type"]):
        _forget(connection, row["media"])
        detail = f"The file is no {row['media_type']}, or holds more than a picture."
        return ProblemError(415, "unsupported-media-type", "Not a file that is taken", detail)
    if row["sealed_for"] is not None:
        _forget(connection, row["media"])
        for offset in range(0, len(content), PIECE_BYTES):
            _rest(connection, vault, row, offset, content[offset : offset + PIECE_BYTES])
    connection.execute(
        "UPDATE camera_media SET kept_at = %s, received = bytes WHERE media = %s",
        [instant(now_ms), row["media"]],
    )
    if row["kind"] == "still":
        connection.execute(_HOLD_OLDER, row)
        connection.execute(_NEWER_STILL, row)
    return None


def _is_picture(content: bytes, media_type: str) -> bool:
    """Whether it is what it is said to be; of a JPEG that nothing but a picture is in it."""
    try:
        found = media.media_of(content)
        has_more = found is media.JPEG and media.without_metadata(content).content != content
    except media.NotTakenError:
        return False
    return found.media_type == media_type and not has_more


def _coming(row: Row) -> int:
    """So many bytes are brought: a box is larger than what it holds."""
    return int(row["bytes"]) + (0 if row["sealed_for"] is None else boxes.OVERHEAD)


def _forget(connection: Connection, of: UUID) -> None:
    connection.execute("DELETE FROM camera_media_part WHERE media = %s", [of])
    connection.execute("UPDATE camera_media SET received = 0 WHERE media = %s", [of])
