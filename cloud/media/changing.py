"""Who may change the key of unredacted pictures: one at a time, and only who has the one that was made last.

Two machines that serve one database need not share a disk, so that a lock on the key's file holds up only
those at one of them.
"""

import contextlib
from collections.abc import Collection, Iterator
from typing import LiteralString

from cloud.database import Connection
from sitewarden.errors import SiteWardenError

_TURN: LiteralString = "SELECT pg_try_advisory_xact_lock(hashtextextended('media key', 0))"
_LAST: LiteralString = "SELECT number, changed_at FROM media_key"
_NOTE: LiteralString = """
    INSERT INTO media_key (number, changed_at) VALUES (%s, clock_timestamp())
    ON CONFLICT (one) DO UPDATE SET (number, changed_at) = (excluded.number, excluded.changed_at)
"""


@contextlib.contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """For as long as the block runs nobody else changes the key; raises `SiteWardenError` where one does.

    The lock goes with the transaction, and so with whoever dies.
    """
    with connection.transaction():
        if connection.execute(_TURN).fetchone() != (True,):
            raise SiteWardenError("the key is being changed at another machine or by another command now")
        yield


def check_last(connection: Connection, numbers: Collection[str]) -> None:
    """Raise `SiteWardenError` where another key than these was made last."""
    last = connection.execute(_LAST).fetchone()
    if last is not None and last[0] not in numbers:
        raise SiteWardenError(
            f"the key was changed to {last[0]} at another machine ({last[1]:%Y-%m-%d %H:%M} UTC), and that "
            "key is not here: bring its file and those beside it here first. Where it is lost for good, "
            "`change --lost` makes another one: what rests under it stays closed"
        )


def note_last(connection: Connection, number: str) -> None:
    """From now on it is this one."""
    connection.execute(_NOTE, [number])
