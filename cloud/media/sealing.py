"""Unredacted pictures rest encrypted: whoever has the database alone, or a copy of it, sees nobody.

AES-256-GCM under a key in a file, which the configuration names or which is made in the data folder when it
is needed first. Each sealed piece is bound to its place, so that none can be put in another's.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cloud.keyfiles import BadKeyError, is_to_be_made, key_of, read
from cloud.settings import Settings
from sitewarden.errors import SiteWardenError

_NONCE_BYTES = 12


class SealError(SiteWardenError):
    """The key of pictures is not there, or is not the one that this was sealed with."""


class OtherKeyError(SealError):
    """The key is there, and is not the one that this was sealed with."""


class Part(NamedTuple):
    """A piece of a picture as it rests."""

    from_byte: int
    content: bytes
    sealed: bool


class Vault(NamedTuple):
    """Seals and opens; the key is read when it is needed."""

    named: Path | None
    """The file that the configuration names."""
    made: Path
    """Where the key is made if none is named."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As configured."""
        return cls(settings.media_key_file, settings.data_dir / "media.key")

    @property
    def has_no_key_yet(self) -> bool:
        """Whether `seal` would make one."""
        return is_to_be_made(self.named, self.made)

    def seal(self, content: bytes, place: bytes) -> bytes:
        """Nonce, ciphertext and tag; raises `SealError`. Where there is no key yet, it is made."""
        nonce = os.urandom(_NONCE_BYTES)
        try:
            key = key_of(self.named, self.made)
        except (BadKeyError, OSError) as exc:
            raise SealError(f"unredacted pictures cannot be sealed: {exc}") from exc
        return nonce + AESGCM(key).encrypt(nonce, content, place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """What was sealed for that place; raises `SealError`."""
        return _opened(self._key(), sealed, place)

    def whole(self, of: UUID, parts: Sequence[Part]) -> bytes:
        """A picture from its pieces in their order; raises `SealError`."""
        key = self._key() if any(part.sealed for part in parts) else None
        return b"".join(
            _opened(key, part.content, place_of(of, part.from_byte))
            if key is not None and part.sealed
            else part.content
            for part in parts
        )

    def _key(self) -> AESGCM:
        """To open with: none is made that could open nothing."""
        try:
            return AESGCM(read(self.named or self.made))
        except BadKeyError as exc:
            raise SealError(f"unredacted pictures cannot be opened: {exc}") from exc


def _opened(key: AESGCM, sealed: bytes, place: bytes) -> bytes:
    try:
        return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
    except (InvalidTag, ValueError) as exc:
        raise OtherKeyError("the picture was sealed with another key, or its bytes were changed") from exc


def place_of(of: UUID, from_byte: int) -> bytes:
    """What a piece of a picture is bound to."""
    return b"sitewarden picture " + of.bytes + from_byte.to_bytes(8, "big")


def place_of_evidence(sha256: bytes) -> bytes:
    """What a file of evidence is bound to: the hash of what was sealed."""
    return b"sitewarden evidence " + sha256
