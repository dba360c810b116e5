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


# TRUNCATE gives every table and index a new file, which takes longer than most tests.
_EMPTY = """
    DO $$
    DECLARE
        of text;
        has_rows boolean;
    BEGIN
        FOR of IN SELECT format('%I', tablename) FROM pg_tables
                   WHERE schemaname = 'public' AND tablename NOT IN ('migration', 'storage') LOOP
            EXECUTE 'SELECT EXISTS (SELECT FROM ' || of || ')' INTO has_rows;
            IF has_rows THEN
                EXECUTE 'DELETE FROM ' || of;
            END IF;
        END LOOP;
        PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
           FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL;
        UPDATE storage SET (watermark, computed_to, days_to, late_before, packed_to, raw_from)
            = ROW (t, t, t, t, t, t) FROM (VALUES ('-infinity'::timestamptz)) AS beginning (t);
    END $$
"""
_LARGE = """
    SELECT relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 1000000
"""


class Postgres:
    """A running server; work in databases of your own."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self._emptying: dict[str, psycopg.Connection] = {}

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
        if template:
            self._let_go(template)
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        return self.server.owner_dsn(name)

    def drop_database(self, dsn: str) -> None:
        """Drop a database made by `create_database`, whoever is still connected."""
        name = sql.Identifier(database_of(dsn))
        self._let_go(dsn)
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def empty(self, dsn: str) -> None:
        """Remove all rows of a migrated database, and let what is numbered begin anew.

        By a connection that stays: one that knows the tables already needs a quarter of the time.
        """
        try:
            self._empty(dsn)
        except psycopg.OperationalError:
            if dsn not in self._emptying or not self._emptying[dsn].broken:
                raise
            # A test has ended it, or the server.
            self._let_go(dsn)
            self._empty(dsn)

    def close(self) -> None:
        """Let go of every database."""
        for dsn in list(self._emptying):
            self._let_go(dsn)

    def _empty(self, dsn: str) -> None:
        owner = self._emptying.get(dsn)
        if owner is None:
            owner = self._emptying[dsn] = psycopg.connect(dsn, autocommit=True)
            # Only so does the trigger let go of hazard events, which nobody can remove otherwise.
            owner.execute("SET session_replication_role = replica")
            owner.execute("SET lock_timeout = '5s'")
        owner.execute(_EMPTY)
        # What a test has filled with very much, the next one need not read past.
        for (name,) in owner.execute(_LARGE).fetchall():
            owner.execute(sql.SQL("VACUUM {}").format(sql.Identifier(name)))

    def _let_go(self, dsn: str) -> None:
        if dsn in self._emptying:
            self._emptying.pop(dsn).close()

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
        postgres = Postgres(server)
        try:
            yield postgres
        finally:
            postgres.close()
