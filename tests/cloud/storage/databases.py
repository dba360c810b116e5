"""Empty databases of a mode."""

from collections.abc import Iterator
from contextlib import contextmanager

from cloud.storage.modes import Mode
from tests.support import timescale
from tests.support.postgres import Postgres


@contextmanager
def empty_database(mode: Mode, postgres: Postgres) -> Iterator[str]:
    """One of the caller's own, on a server that offers what the mode needs; gone afterwards."""
    server = timescale.server()
    if mode == "timescale" and server is not None:
        with timescale.database(server) as dsn:
            yield dsn
        return
    dsn = postgres.create_database()
    try:
        yield dsn
    finally:
        postgres.drop_database(dsn)
