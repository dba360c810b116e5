"""Gateways' passwords as Mosquitto keeps them: PBKDF2 with SHA-512, `$7$rounds$salt$hash`."""

import base64
import binascii
import hashlib
import hmac
import secrets

ROUNDS = 101
"""As mosquitto_passwd writes. Few, and enough: nobody tries 192 random bits through."""
_SALT_BYTES = 12
_MOST_ROUNDS = 1_000_000


def new_password() -> str:
    """192 random bits in letters that every file and shell takes."""
    return secrets.token_urlsafe(24)


def password_hash(password: str, salt: bytes | None = None) -> str:
    """What goes into the broker's file after the colon."""
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS)
    return f"$7${ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def fits(password: str, hashed: str | None) -> bool:
    """Whether the password belongs to the hash; never to none, or to one that is not written so."""
    parts = (hashed or "").split("$")
    if len(parts) != len(("", "7", "rounds", "salt", "hash")) or parts[1] != "7" or not parts[2].isdecimal():
        return False
    try:
        rounds, salt, digest = int(parts[2]), base64.b64decode(parts[3]), base64.b64decode(parts[4])
    except binascii.Error:
        return False
    if not 1 <= rounds <= _MOST_ROUNDS:
        return False
    return hmac.compare_digest(digest, hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds))
