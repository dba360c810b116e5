"""The work on days and roll-ups beside the lanes of ingest, by a thread of its own."""

import datetime as dt
import logging
from collections.abc import Callable, Iterator

import psycopg

from cloud.database import Connection, instant
from cloud.looking import Looking
from cloud.storage.days import close, drop_empty, forget, make_ahead
from cloud.storage.modes import Mode, stored_mode
from cloud.storage.repacking import repack
from cloud.storage.rolling import roll, set_back
from cloud.storage.settings import StorageSettings

log = logging.getLogger(__name__)

LOOK_S = 30.0
PATIENCE_MS = 15_000
"""So long it waits for a writer, and all others behind it: one that hangs must not hold them up for good."""
_LOCK = (21335, 9)
"""Of several ingests one does it; where its connection ends, another takes over with its next look."""


class Keeping(Looking):
    """A thread of ingest."""

    def __init__(
        self, settings: StorageSettings, dsn: str, *, every_s: float = LOOK_S, patience_ms: int = PATIENCE_MS
    ) -> None:
        """Nothing is read yet."""
        super().__init__(dsn, name="storage", every_s=every_s)
        self._settings, self._patience_ms = settings, patience_ms

    def look(self, connection: Connection, now_ms: int) -> None:
        """Whatever is due; where it is told to stop, it does so between two pieces."""
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [str(self._patience_ms)])
        for done in keep(connection, self._settings, now_ms):
            log.info("%s", done)
            if self._stopping.is_set():
                return


def keep(connection: Connection, settings: StorageSettings, now_ms: int) -> Iterator[str]:
    """Make days ahead, roll up, close days, let go of old ones; yields what was done, a piece at a time.

    What the last run came to is noted in the database, see `cloud.storage.state.Run`.
    """
    if connection.execute("SELECT pg_try_advisory_lock(%s, %s)", _LOCK).fetchone() != (True,):
        return
    try:
        mode = stored_mode(connection)
        if mode is not None:
            yield from _noted(connection, _keep(connection, mode, settings, instant(now_ms)))
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s, %s)", _LOCK)


def _noted(connection: Connection, work: Iterator[str]) -> Iterator[str]:
    connection.execute(
        "INSERT INTO keeping_run (began_at) VALUES (clock_timestamp()) ON CONFLICT (one) DO UPDATE"
        " SET (began_at, ended_at, pieces, error) = (excluded.began_at, NULL, 0, NULL)"
    )
    pieces, error = 0, None
    try:
        for done in work:
            pieces += 1
            yield done
    except GeneratorExit:
        error = "told to stop"
        raise
    except psycopg.Error as exc:
        error = str(exc).partition("\n")[0]
        raise
    finally:
        if not connection.closed:
            connection.execute(
                "UPDATE keeping_run SET (ended_at, pieces, error) = (clock_timestamp(), %s, %s)",
                [pieces, error],
            )


def _keep(connection: Connection, mode: Mode, settings: StorageSettings, now: dt.datetime) -> Iterator[str]:
    works: tuple[Callable[[], Iterator[str]], ...] = (
        lambda: set_back(connection, now),
        lambda: drop_empty(connection, mode, now),
        lambda: roll(connection, mode, now),
        lambda: close(connection, mode, settings, now),
        lambda: forget(connection, mode, settings, now),
        # The last, for it may take days and nobody waits for it.
        lambda: repack(connection) if mode == "plain" else iter(()),
    )
    make_ahead(connection, now)
    for work in works:
        yield from work()
