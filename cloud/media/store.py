"""Files of cameras in SQL: their bytes rest in the pieces in which they came."""

from typing import LiteralString
from uuid import UUID

from cloud.database import Connection
from cloud.media.sealing import Part, Sealed, SealError, Vault

PARTS: LiteralString = (
    "SELECT from_byte, content, sealed, key FROM camera_media_part WHERE media = %s ORDER BY from_byte"
)

_ANY_SEALED: LiteralString = """
    SELECT EXISTS (SELECT FROM camera_media_part WHERE sealed)
           OR EXISTS (SELECT FROM evidence_file WHERE sealed)
"""


def sealed(connection: Connection, vault: Vault, content: bytes, place: bytes) -> Sealed:
    """As it rests; raises `SealError`.

    No second key is made beside pictures that rest under one which is gone: once the first is put back, what
    the second has sealed would be lost.
    """
    _check_key(connection, vault)
    return vault.seal(content, place)


def box_key(connection: Connection, vault: Vault) -> bytes:
    """The public key for which gateways seal, made where there is none; raises `SealError`."""
    _check_key(connection, vault)
    return vault.box_key()


def _check_key(connection: Connection, vault: Vault) -> None:
    if vault.has_no_key_yet and connection.execute(_ANY_SEALED).fetchone() == (True,):
        raise SealError(
            f"unredacted pictures rest under a key that is gone: put it back as {vault.made}; "
            "where it is lost, write a new one there, 64 hexadecimal digits"
        )


def whole(connection: Connection, of: UUID, vault: Vault) -> bytes:
    """All that is here of a file; raises `SealError` where it cannot be opened."""
    rows = connection.cursor(binary=True).execute(PARTS, [of]).fetchall()
    return vault.whole(of, [Part(*row) for row in rows])
