"""Secrets that people carry: random, and kept only as a hash."""

import hashlib
import secrets


def new_token() -> str:
    """256 random bits, fit for a cookie and an address."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What rests in the database. Plain SHA-256: a random token needs no slow hash."""
    return hashlib.sha256(token.encode()).digest()
