"""Unredacted pictures rest encrypted: whoever has the database alone, or a copy of it, sees nobody.

AES-256-GCM under a key in a file, which the configuration names or which is made in the data folder when it
is needed first. Each sealed piece is bound to its place, so that none can be put in another's. Keys that were
in use before lie beside it, and open what still rests under them.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cloud import keyfiles
from cloud.keyfiles import BadKeyError, is_to_be_made, key_of, read
from cloud.settings import Settings
from sitewarden import boxes
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
    key: str | None = None
    """By its number; `None`: not sealed, or from before keys had numbers."""


class Sealed(NamedTuple):
    """As it rests: nonce, ciphertext and tag."""

    content: bytes
    key: str
    """By its number."""


class Vault(NamedTuple):
    """Seals under one key and opens under that and those before it; they are read when they are needed."""

    named: Path | None
    """The file that the configuration names."""
    made: Path
    """Where the key is made if none is named."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As configured."""
        return cls(settings.media_key_file, settings.data_dir / "media.key")

    @property
    def file(self) -> Path:
        """Of the key that seals; those before it lie beside it."""
        return self.named or self.made

    @property
    def has_no_key_yet(self) -> bool:
        """Whether `seal` would make one."""
        return is_to_be_made(self.named, self.made)

    def seal(self, content: bytes, place: bytes) -> Sealed:
        """Sealed for that place; raises `SealError`. Where there is no key yet, it is made."""
        nonce = os.urandom(_NONCE_BYTES)
        try:
            key = key_of(self.named, self.made)
        except (BadKeyError, OSError) as exc:
            raise SealError(f"unredacted pictures cannot be sealed: {exc}") from exc
        return Sealed(nonce + AESGCM(key).encrypt(nonce, content, place), number_of(key))

    def open(self, sealed: bytes, place: bytes, key: str | None = None) -> bytes:
        """What was sealed for that place, under the key of that number if it is known; raises `SealError`."""
        return _opened(self.keys(), sealed, place, key)

    def whole(self, of: UUID, parts: Sequence[Part]) -> bytes:
        """A picture from its pieces in their order; raises `SealError`."""
        keys = self.keys() if any(part.sealed for part in parts) else {}
        return b"".join(
            _opened(keys, part.content, place_of(of, part.from_byte), part.key)
            if part.sealed
            else part.content
            for part in parts
        )

    def keys(self) -> dict[str, bytes]:
        """By number, the one that seals first; none is made that could open nothing. Raises `SealError`."""
        try:
            return {number_of(key): key for key in map(read, [self.file, *self.earlier])}
        except BadKeyError as exc:
            raise SealError(f"unredacted pictures cannot be opened: {exc}") from exc

    def box_key(self) -> bytes:
        """The public key for which gateways seal; raises `SealError`. Where there is no key, it is made."""
        try:
            return boxes.public_of(_for_boxes(key_of(self.named, self.made)))
        except (BadKeyError, OSError) as exc:
            raise SealError(f"gateways cannot be told a key: {exc}") from exc

    def unboxes(self, number: str) -> bool:
        """Whether the key is here for which a gateway has sealed; raises `SealError`."""
        return number in self._private()

    def unboxed(self, box: bytes, number: str, sha256: bytes) -> bytes:
        """What a gateway has sealed for the key of that number; raises `SealError`."""
        private = self._private().get(number)
        if private is None:
            raise OtherKeyError("a gateway has sealed it for a key that is gone")
        try:
            return boxes.opened(box, private, sha256)
        except boxes.BoxError as exc:
            raise OtherKeyError(str(exc)) from exc

    def _private(self) -> dict[str, bytes]:
        """Of boxes, by the number of the public one."""
        private = map(_for_boxes, self.keys().values())
        return {boxes.number_of(boxes.public_of(key)): key for key in private}

    @property
    def earlier(self) -> list[Path]:
        """The files of keys that only open."""
        return keyfiles.earlier(self.file)


def _for_boxes(key: bytes) -> bytes:
    """The private key that belongs to a key: whoever has the one needs no other, and both change together."""
    return HKDF(SHA256(), boxes.KEY_BYTES, salt=None, info=b"sitewarden boxes of gateways").derive(key)


def number_of(key: bytes) -> str:
    """By which a key is known without being known."""
    return hashlib.sha256(b"sitewarden key " + key).hexdigest()[:16]


def _opened(keys: Mapping[str, bytes], sealed: bytes, place: bytes, number: str | None) -> bytes:
    tried = keys.values() if number is None else [keys[number]] if number in keys else []
    for key in tried:
        try:
            return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
        except (InvalidTag, ValueError):
            continue
    raise OtherKeyError("the picture was sealed with another key, or its bytes were changed")


def place_of(of: UUID, from_byte: int) -> bytes:
    """What a piece of a picture is bound to."""
    return b"sitewarden picture " + of.bytes + from_byte.to_bytes(8, "big")


def place_of_evidence(sha256: bytes) -> bytes:
    """What a file of evidence is bound to: the hash of what was sealed."""
    return b"sitewarden evidence " + sha256
