"""Numbered plain SQL brings a database to this program's schema: each file once, whole or not at all.

Lines between `-- only: plain` (or `timescale`) and `-- end` are for databases of that mode alone.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from importlib.resources.abc import Traversable

import msgspec
import psycopg
from psycopg import sql

from cloud.database import patient
from cloud.roles import APP_ROLE
from cloud.storage.modes import Mode, Wish, mode_of, text_for
from sitewarden.errors import SiteWardenError

log = logging.getLogger(__name__)

NO_TRANSACTION = "-- no transaction"
"""First line of a file that PostgreSQL refuses inside a transaction; each statement must be repeatable."""
_PATIENCE_S = 5
_PARAMETER = "sitewarden.account"
"""On whose behalf a session asks."""
_TIMESCALES = "_timescaledb_internal"
_GIVEN = f"OWNER TO {APP_ROLE}"
_LOCK = 0x5357_4D47
"""Any number that nothing else in the database locks."""

Connection = psycopg.Connection[tuple[object, ...]]


class MigrationError(SiteWardenError):
    """The database and this program's migrations do not go together."""


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Of the text: a file that was applied must never change."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def is_transactional(self) -> bool:
        """Whether the file runs as one transaction."""
        return not self.text.startswith(NO_TRANSACTION)


def shipped() -> list[Migration]:
    """The migrations of this program, in order."""
    return read_migrations(resources.files("cloud") / "migrations")


def read_migrations(folder: Traversable) -> list[Migration]:
    """The `NNNN_name.sql` files of a folder; raises `MigrationError` where a number is missing or doubled."""
    found = sorted(_files(folder), key=lambda migration: migration.number)
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise MigrationError(f"migrations must be numbered 1, 2, 3 …, not {numbers}")
    return found


def migrate(dsn: str, migrations: list[Migration] | None = None, *, wish: Wish = "auto") -> list[Migration]:
    """Apply what is missing, as the owner; returns what was applied. Several may call at the same time.

    `wish`: how readings are to be stored, where that is not decided yet. Raises `MigrationError` where the
    database is newer than this program or an applied file has changed, `StorageError` where the wish cannot
    be met.
    """
    wanted = shipped() if migrations is None else migrations
    with psycopg.connect(patient(dsn), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        ensure_role(connection)
        _ensure_table(connection)
        missing = _missing(connection, wanted)
        mode = mode_of(connection, wish)
        _require_leave(connection, missing, mode)
        for migration in missing:
            _apply(connection, migration, mode)
    return missing


def pending(dsn: str) -> list[Migration]:
    """What `migrate` would apply; changes nothing, waits for nobody. Raises `MigrationError` as that does."""
    wanted = shipped()
    with psycopg.connect(patient(dsn), autocommit=True, connect_timeout=_PATIENCE_S) as connection:
        try:
            return _missing(connection, wanted)
        except psycopg.errors.UndefinedTable:
            return wanted


def _files(folder: Traversable) -> Iterator[Migration]:
    for file in folder.iterdir():
        number, _, rest = file.name.partition("_")
        if number.isdigit() and rest.endswith(".sql"):
            yield Migration(number=int(number), name=file.name, text=file.read_text(encoding="utf-8"))


def ensure_role(connection: Connection) -> None:
    """The programs' role must be there to be granted to, and the owner must be able to become it."""
    role = sql.Identifier(APP_ROLE)
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE]).fetchone() is None:
        try:
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        except psycopg.errors.DuplicateObject:
            pass  # another database of the same server is being migrated right now
        except psycopg.errors.InsufficientPrivilege as exc:
            raise MigrationError(
                f"the role {APP_ROLE} is missing and this user may not create it; "
                f"as a superuser run: CREATE ROLE {APP_ROLE} NOLOGIN; GRANT {APP_ROLE} TO CURRENT_USER"
            ) from exc
    member = connection.execute("SELECT pg_has_role(current_user, %s, 'SET')", [APP_ROLE]).fetchone()
    if member != (True,):
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))


def _require_leave(connection: Connection, missing: list[Migration], mode: Mode) -> None:
    """What only a superuser can give an owner who is none; better asked for before anything is changed."""
    text = "".join(text_for(mode, migration.text) for migration in missing)
    row = connection.execute(
        "SELECT quote_ident(current_user), has_parameter_privilege(%s, 'SET'), rolsuper"
        "  FROM pg_roles WHERE rolname = current_user",
        [_PARAMETER],
    ).fetchone()
    assert row is not None  # noqa: S101  whoever is connected has his row
    owner, may_set, is_superuser = row
    wanted = []
    # Functions that look past the fences set it.
    if f"SET {_PARAMETER} TO" in text and not may_set:
        wanted.append(f"GRANT SET ON PARAMETER {_PARAMETER} TO {owner}")
    # What is kept is given to the programs' role, and TimescaleDB's own part of it lies there.
    if _GIVEN in text and mode == "timescale" and not (is_superuser or _may_create(connection, _TIMESCALES)):
        wanted.append("CREATE EXTENSION IF NOT EXISTS timescaledb")
        wanted.append(f"GRANT CREATE ON SCHEMA {_TIMESCALES} TO {APP_ROLE}")
    if wanted:
        raise MigrationError(
            f"{owner} is no superuser and lacks leave to migrate; "
            f"in this database, as a superuser run: {'; '.join(wanted)}"
        )


def _may_create(connection: Connection, schema: str) -> bool:
    row = connection.execute(
        "SELECT has_schema_privilege(%s, to_regnamespace(%s)::oid, 'CREATE')", [APP_ROLE, schema]
    ).fetchone()
    return row == (True,)


def _ensure_table(connection: Connection) -> None:
    connection.execute(
        """
        CREATE TABLE IF NOT EXISTS migration (
            number int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now())
        """
    )
    connection.execute(sql.SQL("GRANT SELECT ON migration TO {}").format(sql.Identifier(APP_ROLE)))


def _missing(connection: Connection, wanted: list[Migration]) -> list[Migration]:
    rows = connection.execute("SELECT number, checksum FROM migration ORDER BY number").fetchall()
    applied = {int(str(number)): str(checksum) for number, checksum in rows}
    if applied and max(applied) > len(wanted):
        raise MigrationError(
            f"the database has schema {max(applied)}, this program knows {len(wanted)}; "
            "install the newer program"
        )
    for migration in wanted:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            raise MigrationError(
                f"{migration.name} was changed after it was applied; undo that, and add a new file instead"
            )
    return [migration for migration in wanted if migration.number not in applied]


def _apply(connection: Connection, migration: Migration, mode: Mode) -> None:
    text = text_for(mode, migration.text)
    if migration.is_transactional:
        with connection.transaction(), _schema_lent(connection, text):
            _run(connection, text)
            _note(connection, migration)
    else:
        for statement in text.split(";\n"):
            if statement.strip():
                _run(connection, statement)
        _note(connection, migration)
    log.info("migration applied name=%s", migration.name)


@contextmanager
def _schema_lent(connection: Connection, text: str) -> Iterator[None]:
    """Only who may create in a schema is given what lies in it, unless a superuser gives."""
    row = connection.execute("SELECT current_schema()").fetchone()
    schema = str(row[0]) if row is not None else ""
    if _GIVEN not in text or _may_create(connection, schema):
        yield
        return
    names = sql.Identifier(schema), sql.Identifier(APP_ROLE)
    connection.execute(sql.SQL("GRANT CREATE ON SCHEMA {} TO {}").format(*names))
    yield
    connection.execute(sql.SQL("REVOKE CREATE ON SCHEMA {} FROM {}").format(*names))


def _run(connection: Connection, text: str) -> None:
    connection.execute(text.encode())


def _note(connection: Connection, migration: Migration) -> None:
    connection.execute(
        "INSERT INTO migration (number, name, checksum) VALUES (%s, %s, %s)",
        [migration.number, migration.name, migration.checksum],
    )
