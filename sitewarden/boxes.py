"""Boxes that whoever closes them cannot open again: only who has the private key of the one they are for.

X25519 with a key made for this one box, HKDF-SHA256, AES-256-GCM; bound to what the box is said to hold.
Needs `cryptography`, which gateways and clouds have.
"""

import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sitewarden.errors import SiteWardenError

KEY_BYTES = 32
_MARK = b"SWB1"
_TAG_BYTES = 16
OVERHEAD = len(_MARK) + KEY_BYTES + _TAG_BYTES
"""Bytes by which a box is larger than what it holds."""
_NONCE = bytes(12)
"""Each box has a key of its own, which closes nothing else."""


class BoxError(SiteWardenError):
    """Not a key, or no box that this key opens."""


def number_of(public: bytes) -> str:
    """By which a public key is named."""
    return hashlib.sha256(b"sitewarden box " + public).hexdigest()[:16]


def public_of(private: bytes) -> bytes:
    """The public key of a private one of 32 bytes."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def closed(content: bytes, public: bytes, sha256: bytes) -> bytes:
    """A box for whoever has the private key; `sha256` is that of the content. Raises `BoxError`."""
    own = X25519PrivateKey.generate()
    beside = own.public_key().public_bytes_raw()
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as exc:
        raise BoxError(f"nothing is sealed for what is no key: {exc}") from exc
    return _MARK + beside + AESGCM(_key(shared, beside, public)).encrypt(_NONCE, content, sha256)


def opened(box: bytes, private: bytes, sha256: bytes) -> bytes:
    """What a box holds; raises `BoxError`."""
    beside = box[len(_MARK) : len(_MARK) + KEY_BYTES]
    try:
        if not box.startswith(_MARK):
            raise ValueError("no mark")  # noqa: TRY301  as the others
        key = X25519PrivateKey.from_private_bytes(private)
        shared = key.exchange(X25519PublicKey.from_public_bytes(beside))
        mine = key.public_key().public_bytes_raw()
        return AESGCM(_key(shared, beside, mine)).decrypt(_NONCE, box[len(_MARK) + KEY_BYTES :], sha256)
    except (InvalidTag, ValueError) as exc:
        raise BoxError("it is no box for this key, or its bytes were changed") from exc


def _key(shared: bytes, beside: bytes, public: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"sitewarden box" + beside + public).derive(shared)
