"""A private key that rests under its owner's password: opened slowly on purpose, some 50 ms each time."""

import os
from typing import NamedTuple

import argon2.low_level
import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES, _SALT_BYTES, _KEY_BYTES = 12, 16, 32


class Cost(NamedTuple):
    """Parameters of Argon2id: RFC 9106, second recommendation; the same as for the hash of a password."""

    time_cost: int = 3
    memory_kib: int = 65_536
    lanes: int = 4


SLOW = Cost()


class WrongPasswordError(Exception):
    """The password does not open the key."""


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """What rests in the database of a private key."""

    sealed: bytes
    """Nonce, ciphertext and tag of AES-256-GCM."""
    salt: bytes
    time_cost: int
    memory_kib: int
    lanes: int


def new_key() -> tuple[bytes, bytes]:
    """A private Ed25519 key and its public half, both raw."""
    private = Ed25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def seal(private: bytes, public: bytes, account_id: int, password: str, cost: Cost = SLOW) -> Sealed:
    """The private key under the password; bound to its public half and to the account."""
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    empty = Sealed(sealed=b"", salt=salt, **cost._asdict())
    closed = AESGCM(_derived(empty, password)).encrypt(nonce, private, _bound(public, account_id))
    return msgspec.structs.replace(empty, sealed=nonce + closed)


def unseal(sealed: Sealed, public: bytes, account_id: int, password: str) -> bytes:
    """The private key; raises `WrongPasswordError`, also where the row was moved or changed."""
    nonce, closed = sealed.sealed[:_NONCE_BYTES], sealed.sealed[_NONCE_BYTES:]
    try:
        return AESGCM(_derived(sealed, password)).decrypt(nonce, closed, _bound(public, account_id))
    except InvalidTag as exc:
        raise WrongPasswordError from exc


def sign(private: bytes, digest: bytes) -> bytes:
    """64 bytes."""
    return Ed25519PrivateKey.from_private_bytes(private).sign(digest)


def verify(public_key: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether the signature over the digest was made with the key's private half."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, digest)
    except (InvalidSignature, ValueError):
        return False
    return True


def _derived(sealed: Sealed, password: str) -> bytes:
    return argon2.low_level.hash_secret_raw(
        password.encode(),
        sealed.salt,
        time_cost=sealed.time_cost,
        memory_cost=sealed.memory_kib,
        parallelism=sealed.lanes,
        hash_len=_KEY_BYTES,
        type=argon2.low_level.Type.ID,
    )


def _bound(public: bytes, account_id: int) -> bytes:
    return b"sitewarden signing key " + str(account_id).encode() + b" " + public
