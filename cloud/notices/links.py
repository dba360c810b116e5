"""Links by which somebody says, without signing in, that he knows: signed, of one person; pure."""

import base64
import binascii
import hashlib
import hmac
import struct
from typing import NamedTuple
from uuid import UUID

_SHAPE = struct.Struct(">16sIH")
_MAC_BYTES = 16
_FOR = b"sitewarden told "


OF_DIGEST = 0xFFFF
"""In place of a step: the link is of all alarms of a digest, whose number stands for what was told."""


class Link(NamedTuple):
    """Whom a link was sent to, and what of."""

    told: UUID
    account: int
    step: int


def token(key: bytes, link: Link) -> str:
    """What stands in the address: 51 letters, so that it fits into a short message."""
    body = _SHAPE.pack(link.told.bytes, link.account, link.step)
    return base64.urlsafe_b64encode(body + _mac(key, body)).decode().rstrip("=")


def opened(key: bytes, text: str) -> Link | None:
    """What it is of; nothing where it was not made with that key."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    body, mac = raw[: _SHAPE.size], raw[_SHAPE.size :]
    if len(body) != _SHAPE.size or not hmac.compare_digest(mac, _mac(key, body)):
        return None
    told, account, step = _SHAPE.unpack(body)
    return Link(UUID(bytes=told), account, step)


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, _FOR + body, hashlib.sha256)[:_MAC_BYTES]
