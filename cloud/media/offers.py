"""What gateways have of pictures, and what of it is wanted: the answer to an offer."""

import datetime as dt
import logging
from typing import LiteralString, NamedTuple
from uuid import UUID

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloud.database import Connection, Row, instant
from cloud.ingest.model import GatewayKey
from cloud.media import tickets
from cloud.media.sealing import SealError, Vault
from cloud.settings import MediaSettings
from sitewarden.messages import MediaAnswer, MediaAnswers, MediaKind, MediaOffer, MediaOffered

log = logging.getLogger(__name__)

TYPES: dict[MediaKind, str] = {"snapshot": "image/jpeg", "still": "image/jpeg", "clip": "image/webp"}
AHEAD = dt.timedelta(minutes=10)
"""By so much a gateway's clock may be ahead; a picture from later was taken now."""

_DAY_MS = 86_400_000

LEAST_BYTES = 64 * 1024
"""A picture counts at least so much: ever so many small ones fill a disk as well."""
GIGABYTE = 1_000_000_000
_CLOSED = "a picture was sealed for a key that the cloud has not"

_HELD: LiteralString = """
    SELECT coalesce(sum(greatest(bytes, %s)), 0) FROM camera_media WHERE gateway_id = %s AND erased_at IS NULL
"""
_KNOWN: LiteralString = """
    SELECT encode(sha256, 'hex'), device FROM camera_media WHERE gateway_id = %s AND sha256 = ANY (%s)
"""
_CAMERA: LiteralString = """
    SELECT kind FROM device
     WHERE site = %s AND mode = %s AND device = %s AND gateway_id = %s
"""
_ANEW: LiteralString = """
    WITH begun AS (
        UPDATE camera_media SET received = 0, sealed_for = %(sealed_for)s
         WHERE gateway_id = %(gateway_id)s AND sha256 = %(sha256)s AND device = %(device)s AND kept_at IS NULL
           AND sealed_for IS DISTINCT FROM %(sealed_for)s
        RETURNING media
    )
    DELETE FROM camera_media_part WHERE media IN (SELECT media FROM begun)
"""
"""Other bytes come than those of which some are here: the gateway has sealed it since, or for another key."""
_NOTE: LiteralString = """
    INSERT INTO camera_media AS known (
            gateway_id, site, mode, device, point, episode, of_sha256, kind, media_type, sha256, bytes,
            unredacted, about, at, offered_at, sealed_for)
        VALUES (%(gateway_id)s, %(site)s, %(mode)s, %(device)s, %(point)s, %(episode)s, %(of)s, %(kind)s,
                %(media_type)s, %(sha256)s, %(bytes)s, %(unredacted)s, %(about)s, %(at)s, %(now)s,
                %(sealed_for)s)
        ON CONFLICT (gateway_id, sha256, device) DO UPDATE
            SET episode = coalesce(known.episode, excluded.episode),
                about = coalesce(known.about, excluded.about), offered_at = excluded.offered_at
        RETURNING received, bytes, kept_at IS NOT NULL AS is_kept
"""


class Gateway(NamedTuple):
    """Who offers."""

    key: GatewayKey
    id: int


class Room:
    """How much more of one gateway's pictures is taken."""

    def __init__(self, connection: Connection, gateway: Gateway, offer: MediaOffer, most_bytes: int) -> None:
        """As it stands before `offer`."""
        offered = [bytes.fromhex(item.sha256) for item in offer.media]
        known = connection.execute(_KNOWN, [gateway.id, offered]).fetchall()
        held = connection.execute(_HELD, [LEAST_BYTES, gateway.id]).fetchone()
        self._known = {(sha256, camera) for sha256, camera in known}
        self._left = most_bytes - int(held[0] if held else 0)

    def has(self, item: MediaOffered) -> bool:
        """Whether it is taken; then there is so much less room. What is known already needs none."""
        mine = item.sha256, item.camera
        if mine in self._known:
            return True
        needed = max(item.bytes, LEAST_BYTES)
        if needed > self._left:
            return False
        self._known.add(mine)
        self._left -= needed
        return True


def take(
    connection: Connection,
    gateway: Gateway,
    offer: MediaOffer,
    *,
    now_ms: int,
    settings: MediaSettings,
    vault: Vault,
) -> MediaAnswers:
    """Note what is offered and say what is wanted of it: nothing that was sealed for a key that is gone.

    Of a camera that is not known yet nothing is said: its birth is on its way, and the offer comes again.
    """
    signing, answers = tickets.key_of(connection), list[MediaAnswer]()
    oldest_ms = now_ms - settings.keep_days * _DAY_MS
    room = Room(connection, gateway, offer, settings.gateway_gb * GIGABYTE)
    for item in offer.media:
        kind = _kind(connection, gateway, item.camera)
        refusal = None if kind is None else _refusal(item, kind, oldest_ms)
        if kind is not None and refusal is None and not room.has(item):
            refusal = "so much is kept of this gateway that no more is taken"
        if refusal is not None:
            answers.append(MediaAnswer(sha256=item.sha256, state="refused", why=refusal))
        elif kind is not None:
            stands = _note(connection, gateway, item, now_ms)
            if stands["is_kept"] or not _is_closed(item, vault):
                answers.append(_answer(gateway.key, item, stands, signing, now_ms))
            else:
                answers.append(MediaAnswer(sha256=item.sha256, state="refused", why=_CLOSED))
    return MediaAnswers(media=answers)


def _kind(connection: Connection, gateway: Gateway, device: str) -> str | None:
    """As what the gateway has announced it, if it has."""
    key = gateway.key
    row = connection.execute(_CAMERA, [key.site, key.mode, device, gateway.id]).fetchone()
    return None if row is None else str(row[0])


def _refusal(item: MediaOffered, kind: str, oldest_ms: int) -> str | None:
    if kind != "camera":
        return f"{item.camera} is no camera"
    if TYPES[item.kind] != item.media_type:
        return f"a {item.kind} is {TYPES[item.kind]}"
    if item.at < oldest_ms:
        return "older than what is kept"
    return None


def _is_closed(item: MediaOffered, vault: Vault) -> bool:
    """Whether it was sealed for a key that is gone: it would be brought whole, again and again."""
    if item.sealed_for is None:
        return False
    try:
        is_closed = not vault.unboxes(item.sealed_for)
    except SealError:
        return False  # the key is not there at all: somebody may put it back
    if is_closed:
        log.error("%s camera=%s sha256=%s", _CLOSED, item.camera, item.sha256)
    return is_closed


def _answer(key: GatewayKey, item: MediaOffered, stands: Row, signing: bytes, now_ms: int) -> MediaAnswer:
    if stands["is_kept"]:
        return MediaAnswer(sha256=item.sha256, state="kept")
    if stands["bytes"] != item.bytes:
        return MediaAnswer(sha256=item.sha256, state="refused", why="was offered with another size")
    token, until_ms = tickets.write(signing, key, item, now_ms)
    return MediaAnswer(
        sha256=item.sha256, state="wanted", offset=stands["received"], token=token, until=until_ms
    )


def _note(connection: Connection, gateway: Gateway, item: MediaOffered, now_ms: int) -> Row:
    now, at = instant(now_ms), instant(item.at)
    told = {
        "gateway_id": gateway.id,
        "site": gateway.key.site,
        "mode": gateway.key.mode,
        "device": item.camera,
        "point": item.point,
        "episode": None if item.episode is None else UUID(item.episode),
        "of": None if item.of is None else bytes.fromhex(item.of),
        "kind": item.kind,
        "media_type": item.media_type,
        "sha256": bytes.fromhex(item.sha256),
        "bytes": item.bytes,
        "unredacted": item.unredacted,
        "about": None if item.about is None else Jsonb(msgspec.to_builtins(item.about)),
        "sealed_for": item.sealed_for,
        "at": at if at <= now + AHEAD else now,
        "now": now,
    }
    connection.execute(_ANEW, told)
    row = connection.cursor(row_factory=dict_row).execute(_NOTE, told).fetchone()
    assert row is not None  # noqa: S101  it returns what it wrote
    return row
