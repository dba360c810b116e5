"""Whether a process has what it needs to do its work, and what of it is missing."""

import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Literal, LiteralString

import psycopg
from psycopg.conninfo import make_conninfo

from cloud.callers import PROGRAMS, calling
from cloud.database import connect
from cloud.migrate import shipped

Part = Literal["database", "migrations", "broker"]
Parts = dict[Part, bool]
SCHEMA: LiteralString = "SELECT max(number) FROM migration"
RETRY_AFTER_S = 5
_KEPT_S = 1.0
_PATIENCE_S = 2


@cache
def newest() -> int:
    """The schema that this program needs."""
    return len(shipped())


def is_migrated(schema: int | None) -> bool:
    """Whether a database is far enough; one that is further belongs to a newer program beside this one."""
    return schema is not None and schema >= newest()


class Readiness:
    """Of a process without a pool: the database is asked anew each second at most."""

    def __init__(self, dsn: str, hears: Callable[[], bool]) -> None:
        """`hears`: whether messages come in from the broker."""
        self._dsn, self._hears = make_conninfo(dsn, connect_timeout=_PATIENCE_S), hears
        self._lock, self._until_s = threading.Lock(), 0.0
        self._schema: int | None = None
        self._has_database = False

    def parts(self) -> Parts:
        """Each with whether it is there."""
        with self._lock:
            if time.monotonic() >= self._until_s:
                self._ask()
                self._until_s = time.monotonic() + _KEPT_S
            is_migrated_now = self._has_database and is_migrated(self._schema)
            return {
                "database": self._has_database,
                "migrations": is_migrated_now,
                "broker": self._hears(),
            }

    def _ask(self) -> None:
        try:
            with calling(PROGRAMS), connect(self._dsn) as connection:
                row = connection.execute(SCHEMA).fetchone()
                self._schema = None if row is None else row[0]
        except psycopg.errors.UndefinedTable:
            self._schema, self._has_database = None, True
        except psycopg.Error:
            self._has_database = False
        else:
            self._has_database = True
