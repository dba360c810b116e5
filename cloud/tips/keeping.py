"""The key under which reporters' identities rest, outside of the database; and what is made with it.

Whoever has the database alone, or a copy of it, learns nobody's name. The key is a file: named in the
configuration, or made in the data folder at first use.
"""

import hashlib
import hmac
import os
import secrets
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cloud import keyfiles
from cloud.settings import Settings
from sitewarden.errors import SiteWardenError

_NONCE_BYTES, _MARK_LETTERS = 12, 16
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without those that are mistaken for one another (Crockford)."""
_MISREAD = str.maketrans("OIL", "011")
_CODE_LETTERS = 16
"""80 bits: nobody guesses one."""


class TipKeyError(SiteWardenError):
    """The key is not there, or is not the one that something was sealed with."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who reported."""

    name: str = ""
    contact: str = ""


def key_of(settings: Settings) -> bytes:
    """The key; made where none is configured and there is none yet."""
    try:
        return keyfiles.key_of(settings.tips_key_file, settings.data_dir / "tips.key")
    except keyfiles.BadKeyError as exc:
        raise TipKeyError(f"reporters' identities: {exc}") from exc


def seal(key: bytes, tip: UUID, identity: Identity) -> bytes:
    """Nonce, ciphertext and tag of AES-256-GCM; bound to the report."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, msgspec.json.encode(identity), tip.bytes)


def unseal(key: bytes, tip: UUID, sealed: bytes) -> Identity:
    """Who it was; raises `TipKeyError` where it was sealed with another key, or for another report."""
    try:
        opened = AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], tip.bytes)
    except InvalidTag as exc:
        raise TipKeyError("the identity was sealed with another key") from exc
    return msgspec.json.decode(opened, type=Identity)


def new_code() -> str:
    """A receipt's code, in groups of four."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LETTERS))
    return "-".join(letters[i : i + 4] for i in range(0, _CODE_LETTERS, 4))


def code_hash(code: str) -> bytes:
    """By which a report is found; however the code was written."""
    plain = code.upper().replace("-", "").replace(" ", "").translate(_MISREAD)
    return hashlib.sha256(plain.encode()).digest()


def gate_of(key: bytes, site: str) -> str:
    """What a site's QR code says: its name, and that it is from here, so that nobody tries names."""
    return f"{site}.{_mark(key, site)}"


def site_of(key: bytes, gate: str) -> str | None:
    """The inverse; `None` where it is none of ours."""
    site, _, mark = gate.rpartition(".")
    return site if site and hmac.compare_digest(mark.encode(), _mark(key, site).encode()) else None


def _mark(key: bytes, site: str) -> str:
    return hmac.new(key, b"gate of " + site.encode(), hashlib.sha256).hexdigest()[:_MARK_LETTERS]
