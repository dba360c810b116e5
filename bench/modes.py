"""The same measurement on plain PostgreSQL and on TimescaleDB, where a server with it is named."""

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bench.report import Result
from cloud.embedded import running
from cloud.storage.modes import Mode

SERVER = "SITEWARDEN_TIMESCALE_DSN"
"""Names a server with TimescaleDB, as a user who may create databases."""


def in_each_mode(measure: Callable[[Mode, str], Sequence[Result]]) -> Iterator[Result]:
    """What is measured in each mode, given the mode and the DSN of an empty database, as its owner."""
    with _plain() as dsn:
        yield from measure("plain", dsn)
    server = os.environ.get(SERVER)
    if not server:
        print(f"  mode timescale: not measured here: {SERVER} names no server", flush=True)
        return
    with _timescale(server) as dsn:
        yield from measure("timescale", dsn)


@contextmanager
def _plain() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="sitewarden-bench-") as name:
        folder = Path(name).resolve()
        # The server has an account of its own where it is started by root.
        folder.chmod(0o711)
        with running(folder / "data") as server:
            yield server.owner_dsn()


@contextmanager
def _timescale(server: str) -> Iterator[str]:
    name = f"bench_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        yield make_conninfo(server, dbname=name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
