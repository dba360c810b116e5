"""A whole database in one file, and out of it again into an empty one.

The file is what `pg_dump --format=custom` makes, and behind it what it must hold: consistent as of its
beginning, and any PostgreSQL's own tools read it too. Programs go on working meanwhile.
"""

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg

from cloud.migrate import ensure_role, migrate, shipped
from cloud.roles import APP_ROLE
from cloud.storage.manifest import Manifest, append, check_file, hash_of, made_at, read, rows_of
from cloud.storage.modes import Mode, lacking, stored_mode
from cloud.storage.programs import Connection, KeepingError, Say, newest, program, run
from cloud.storage.transfer import scratch, transfer

_MAGIC = b"PGDMP"
_KEPT = ("minute_kept", "hour_kept", "day_kept")
_OTHERS = """
    SELECT format('%I.%I', n.nspname, c.relname)
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND n.nspname !~ '^pg_(toast|temp)'
       AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype = 'e')
       AND n.nspname !~ '^(_timescaledb|timescaledb)' ORDER BY 1 LIMIT 3
"""


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is of."""

    schema: int
    """Number of its last migration."""
    mode: Mode
    extension: str | None
    """The version of TimescaleDB, where it has that."""


def back_up(dsn: str, file: Path, say: Say, mode: Mode | None = None) -> int:
    """Write the database of `dsn`, given as its owner, into a new file; returns its bytes.

    `mode`: as a database of that one has it, whichever it has itself. Nothing lies under the file's name
    until it is whole. Raises `KeepingError`.
    """
    with _asked(dsn) as connection:
        is_other = mode is not None and stored_mode(connection) not in {None, mode}
    if is_other and mode is not None:
        _require_new(file)
        with scratch(dsn) as between:
            transfer(dsn, between, mode, say)
            return back_up(between, file, say)
    _require_new(file)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with open(part, "xb", opener=_for_owner_alone):
            pass
        with _asked(dsn) as connection:
            manifest = _dump(connection, dsn, part, say)
        append(part, msgspec.structs.replace(manifest, sha256=hash_of(part)))
        # Unlike a rename, a link never replaces what somebody else has put there meanwhile.
        os.link(part, file)
    except OSError as exc:
        raise KeepingError(f"{file} cannot be written: {exc.strerror}") from exc
    finally:
        part.unlink(missing_ok=True)
    return file.stat().st_size


def _require_new(file: Path) -> None:
    if file.exists():
        raise KeepingError(f"{file} is there already; nothing is overwritten, choose another name")
    if not file.parent.is_dir():
        raise KeepingError(f"there is no folder {file.parent}")


def _dump(connection: Connection, dsn: str, part: Path, say: Say) -> Manifest:
    """Dump and count one and the same instant; the hash is still to be filled in."""
    tool, mode = program("pg_dump", connection), stored_mode(connection)
    if mode is None:
        raise KeepingError("this database has no readings by day yet; run sitewarden cloud migrate first")
    _require_all_rows(connection)
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        ((snapshot,),) = connection.execute("SELECT pg_export_snapshot()").fetchall()
        ((schema,),) = connection.execute("SELECT max(number) FROM migration").fetchall()
        command: list[str | Path] = [tool, "--format=custom", "--no-owner", "--enable-row-security"]
        # What lies in such tables can be made again.
        command += ["--no-unlogged-table-data"]
        run(
            [*command, f"--snapshot={snapshot}", f"--file={part}"],
            dsn,
            say,
            lambda: f"{_megabytes(part)} MB written",
        )
        return Manifest(
            schema=schema, mode=mode, made_at=made_at(connection), sha256="", rows=rows_of(connection)
        )


def _require_all_rows(connection: Connection) -> None:
    """Fences hold for the owner too, and their functions are not found as pg_dump asks."""
    row = connection.execute(
        "SELECT rolsuper OR rolbypassrls, quote_ident(rolname) FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    assert row is not None  # noqa: S101  whoever is connected has his row
    sees_all, owner = row
    if not sees_all:
        raise KeepingError(
            f"{owner} may not read what is fenced; as a superuser run: ALTER ROLE {owner} BYPASSRLS"
        )


def look_at(file: Path) -> tuple[Contents, list[str]]:
    """What is in a backup, and all that is wrong with it; restores nothing and needs no database.

    Raises `KeepingError` where it is none.
    """
    tool = newest("pg_restore")
    try:
        contents = contents_of(file, tool)
    except KeepingError:
        # Spoilt where that is written; what it should be is written at its end too.
        found = read(file) if file.is_file() else None
        if found is None:
            raise
        contents = Contents(schema=found[0].schema, mode=found[0].mode, extension=None)
    return contents, list(check_file(file, tool))


def restore(dsn: str, file: Path, say: Say, mode: Mode | None = None) -> Contents:
    """Bring a backup into the empty database of `dsn`, given as its owner: whole, or not at all.

    `mode`: which the database is to get, whichever the backup has. Raises `KeepingError` where that cannot
    be, before anything is changed.
    """
    _require_whole(file)
    tool = newest("pg_restore")
    if mode is None or (contents := contents_of(file, tool)).mode == mode:
        return _restore(dsn, file, say)
    with _asked(dsn) as connection:
        _require(connection, contents)
        if mode == "timescale" and (why := lacking(connection)) is not None:
            raise KeepingError(f"it is to be restored for TimescaleDB, but {why}")
    with scratch(dsn) as between:
        _restore(between, file, say)
        migrate(between)
        transfer(between, dsn, mode, say)
    return msgspec.structs.replace(contents, mode=mode, schema=len(shipped()))


def _restore(dsn: str, file: Path, say: Say) -> Contents:
    with _asked(dsn) as connection:
        tool = program("pg_restore", connection)
        contents = contents_of(file, tool)
        _require(connection, contents)
        ensure_role(connection)
        with _restoring(connection, contents):
            # Whole or not at all; no-owner: who restores need not be called as the owner was.
            command: list[str | Path] = [tool, "--single-transaction", "--exit-on-error", "--no-owner"]
            run([*command, str(file)], dsn, say, lambda: f"restored so far: {_progress(connection)}")
        _hand_over(connection, contents)
        connection.execute("ANALYZE")
    return contents


def contents_of(file: Path, tool: Path) -> Contents:
    """What is in a backup; raises `KeepingError` where it is none, or cannot be unpacked."""
    try:
        with file.open("rb") as opened:
            begins = opened.read(len(_MAGIC))
    except OSError as exc:
        raise KeepingError(f"{file} cannot be read: {exc.strerror}") from exc
    if begins != _MAGIC:
        raise KeepingError(f"{file} is no backup that sitewarden cloud backup has made")
    mode = re.search(r"\t(plain|timescale)\t", _rows(file, tool, "storage"))
    numbers = [int(row) for row in re.findall(r"^(\d+)\t", _rows(file, tool, "migration"), re.MULTILINE)]
    if not numbers or mode is None:
        raise KeepingError(f"{file} is a copy of another database than one of SiteWarden's")
    extension = re.search(r"timescaledb", _run_out([tool, "--list", str(file)]))
    return Contents(
        schema=max(numbers),
        mode="timescale" if mode[1] == "timescale" else "plain",
        extension="timescaledb" if extension else None,
    )


def _rows(file: Path, tool: Path, table: str) -> str:
    said = _run_out([tool, "--data-only", "--schema=public", f"--table={table}", "--file=-", str(file)])
    return said[said.find("COPY ") :]


def _run_out(command: list[str | Path]) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603
    if done.returncode:
        raise KeepingError(f"the file cannot be read: {done.stderr.strip()}")
    return done.stdout


def _require_whole(file: Path) -> None:
    """A backup of an older program has nothing to be compared with."""
    if file.is_file() and (found := read(file)) is not None and hash_of(file, found[1]) != found[0].sha256:
        raise KeepingError(f"{file} is not what was written: its SHA-256 is another; take another backup")


def _require(connection: Connection, contents: Contents) -> None:
    """What must hold before anything is restored."""
    known = len(shipped())
    if contents.schema > known:
        raise KeepingError(
            f"the backup has schema {contents.schema}, this program knows {known}; install the newer program"
        )
    there = [str(name) for (name,) in connection.execute(_OTHERS.encode()).fetchall()]
    if there:
        raise KeepingError(
            f"the database is not empty: it has {', '.join(there)} …; restore into one that is newly made "
            "(CREATE DATABASE), or with the embedded server into another data_dir"
        )
    if contents.mode == "timescale":
        _require_timescale(connection)


def _require_timescale(connection: Connection) -> None:
    if (why := lacking(connection)) is not None:
        raise KeepingError(
            f"the backup is of a database on TimescaleDB, but {why}; on its own server "
            "sitewarden cloud backup --mode plain makes one for any server"
        )
    row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if row != (True,):
        raise KeepingError("the backup is of a database on TimescaleDB, which a superuser alone restores")


@contextlib.contextmanager
def _restoring(connection: Connection, contents: Contents) -> Iterator[None]:
    """TimescaleDB must be told that its own catalogue is being written."""
    if contents.mode != "timescale":
        yield
        return
    connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    connection.execute("SELECT timescaledb_pre_restore()")
    try:
        yield
    finally:
        connection.execute("SELECT timescaledb_post_restore()")


def _hand_over(connection: Connection, contents: Contents) -> None:
    """What the migration gives to the programs' role: only the owner of an aggregate may refresh it."""
    if contents.mode == "timescale":
        for name in _KEPT:
            connection.execute(f"ALTER MATERIALIZED VIEW {name} OWNER TO {APP_ROLE}".encode())


def _progress(connection: Connection) -> str:
    row = connection.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
    return str(row[0]) if row is not None else "?"


def _megabytes(file: Path) -> int:
    return file.stat().st_size // 1_000_000 if file.exists() else 0


def _for_owner_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextlib.contextmanager
def _asked(dsn: str) -> Iterator[Connection]:
    with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
        yield connection
