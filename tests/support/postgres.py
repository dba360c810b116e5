"""A real PostgreSQL for tests: the embedded default, in a folder of the session's own."""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from cloud.embedded import EmbeddedPostgres
from cloud.embedded import running as running_server

# A test's database need not survive a power cut; everything else is as the product starts it.
QUICK = {"fsync": "off", "full_page_writes": "off"}


class Postgres:
    """A running server; work in databases of your own."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server

    @property
    def dsn(self) -> str:
        """Logs in as the schema's owner, a superuser, to the database `postgres`."""
        return self.server.owner_dsn("postgres")

    def app_dsn(self, dsn: str) -> str:
        """The database of `dsn` as the role that the programs run as."""
        return self.server.app_dsn(database_of(dsn))

    def create_database(self, *, template: str | None = None) -> str:
        """Create an empty database, or a copy of the one of the DSN `template`; returns the owner's DSN.

        Nobody may be connected to the template.
        """
        name, original = f"t_{secrets.token_hex(6)}", database_of(template) if template else "template0"
        names = (sql.Identifier(name), sql.Identifier(original))
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        return self.server.owner_dsn(name)

    def drop_database(self, dsn: str) -> None:
        """Drop a database made by `create_database`, whoever is still connected."""
        name = sql.Identifier(database_of(dsn))
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(statement)


def database_of(dsn: str) -> str:
    """The name of the database that a DSN leads to."""
    return str(conninfo_to_dict(dsn)["dbname"])


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Postgres]:
    """A server under `folder`, stopped at the end."""
    with running_server(folder, options=QUICK) as server:
        yield Postgres(server)
