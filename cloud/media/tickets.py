"""A token by which one gateway may bring one file: signed here, and good for some minutes."""

import base64
import hashlib
import hmac
import math
import os
import time
from collections.abc import Awaitable, Callable
from typing import LiteralString, NamedTuple

import msgspec

from cloud.database import Connection
from cloud.ingest.model import GatewayKey
from sitewarden.messages import MediaOffered

GOOD_FOR_MS = 600_000
AGAIN_S = 60.0
_KEY_BYTES = 32
KEY: LiteralString = "SELECT key FROM camera_media_key"
_NEW_KEY: LiteralString = "INSERT INTO camera_media_key (key) VALUES (%s) ON CONFLICT DO NOTHING"


class BadTicketError(ValueError):
    """None of ours, or no longer good."""


class Ticket(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a token says."""

    mode: str
    site: str
    gateway: str
    camera: str
    sha256: str
    bytes: int
    until_ms: int


def key_of(connection: Connection) -> bytes:
    """The key of this cloud, made where there is none."""
    row = connection.execute(KEY).fetchone()
    if row is None:
        connection.execute(_NEW_KEY, [os.urandom(_KEY_BYTES)])
        row = connection.execute(KEY).fetchone()
    assert row is not None  # noqa: S101  just made, by whomever
    return bytes(row[0])


def write(key: bytes, of: GatewayKey, item: MediaOffered, now_ms: int) -> tuple[str, int]:
    """The token, and until when it is good."""
    until_ms = now_ms + GOOD_FOR_MS
    told = Ticket(
        mode=of.mode,
        site=of.site,
        gateway=of.gateway,
        camera=item.camera,
        sha256=item.sha256,
        bytes=item.bytes,
        until_ms=until_ms,
    )
    body = msgspec.json.encode(told)
    return f"{_text(body)}.{_text(_signature(key, body))}", until_ms


def read(key: bytes, token: str, now_ms: int) -> Ticket:
    """What a token says; raises `BadTicketError`."""
    said = _parts(token)
    if not said.is_signed(key):
        raise BadTicketError("not signed here")
    if now_ms >= said.ticket.until_ms:
        raise BadTicketError("no longer good")
    return said.ticket


class Reader:
    """Reads tokens without asking the database, but for the key: once, and then seldom.

    Whoever holds no token costs no more than reckoning a hash.
    """

    def __init__(self, again_s: float = AGAIN_S) -> None:
        """`again_s`: so seldom the key is asked for again."""
        self._key: bytes | None = None
        self._again_s, self._asked_s = again_s, -math.inf

    async def read(self, token: str, now_ms: int, ask: Callable[[], Awaitable[bytes | None]]) -> Ticket:
        """What a token says; raises `BadTicketError`. `ask` gives the key, if there is one."""
        said = _parts(token)
        is_known = self._key is not None and said.is_signed(self._key)
        is_due = self._key is None or time.monotonic() - self._asked_s >= self._again_s
        if not is_known and is_due:
            # The first, or another database has been put in place of the one before.
            self._asked_s = time.monotonic()
            self._key = await ask()
        return read(self._key or b"", token, now_ms)


class _Said(NamedTuple):
    """A token that reads as one, whoever made it."""

    body: bytes
    signature: bytes
    ticket: Ticket

    def is_signed(self, key: bytes) -> bool:
        return bool(key) and hmac.compare_digest(self.signature, _signature(key, self.body))


def _parts(token: str) -> _Said:
    body, _, signature = token.partition(".")
    try:
        said = _bytes(body)
        return _Said(said, _bytes(signature), msgspec.json.decode(said, type=Ticket))
    except (ValueError, RecursionError, msgspec.MsgspecError) as exc:
        # Whoever it is may send anything: bytes that are no text, brackets without an end.
        raise BadTicketError("not a token") from exc


def _signature(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, b"sitewarden upload\n" + body, hashlib.sha256)


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode((text + "=" * (-len(text) % 4)).encode("ascii"), altchars=b"-_", validate=True)
