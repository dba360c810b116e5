"""TimescaleDB for tests, where a server with it is named; the wheel's PostgreSQL does not have it."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

SERVER = "SITEWARDEN_TIMESCALE_DSN"
"""Names a server with TimescaleDB, as a user who may create databases."""

NO_SERVER = "no server with TimescaleDB is named"


def server() -> str | None:
    """The server's DSN; `None` where none is named, and its mode is then not measured here."""
    return os.environ.get(SERVER) or None


@contextmanager
def database(dsn: str) -> Iterator[str]:
    """An empty database of the caller's own on the server."""
    name = f"t_{secrets.token_hex(6)}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        yield make_conninfo(dsn, dbname=name)
    finally:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
