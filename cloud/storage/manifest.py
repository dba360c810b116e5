"""What a backup must be, written behind it in the same file: its hash, and how many rows each table had.

PostgreSQL's own tools read a file by the table of contents at its beginning, and pass over what follows.
"""

import hashlib
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
from psycopg import sql

from cloud.storage.modes import Mode
from cloud.storage.programs import Connection, KeepingError

_MAGIC = b"SiteWarden backup\n"
_WIDTH = 8
"""Of the manifest's length, which stands before the magic at the very end."""
_CHUNK = 1 << 20
_TABLES = """
    SELECT relname FROM pg_class AS c
     WHERE relkind = 'r' AND relpersistence = 'p' AND relnamespace = 'public'::regnamespace
       AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype = 'e') ORDER BY 1
"""
_COPY = re.compile(rb'^COPY (?:"?public"?)\."?([^" ]+)"? .*FROM stdin;$')


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Of one backup."""

    schema: int
    """Number of its last migration."""
    mode: Mode
    made_at: str
    """When it began, by the database's clock."""
    sha256: str
    """Of all that stands before the manifest."""
    rows: dict[str, int]
    """Of each table, as the database had them; TimescaleDB's own chunks are not counted, but hashed."""


def rows_of(connection: Connection) -> dict[str, int]:
    """How many rows each table has, in the transaction that `connection` is in."""
    found = {}
    for (name,) in connection.execute(_TABLES.encode()).fetchall():
        counting = sql.SQL("SELECT count(*) FROM ONLY {}").format(sql.Identifier(name))
        row = connection.execute(counting).fetchone()
        found[str(name)] = int(row[0]) if row is not None else 0
    return found


def append(file: Path, manifest: Manifest) -> None:
    """Write it behind the backup, and see both on the disk."""
    text = msgspec.json.encode(manifest)
    with file.open("ab") as opened:
        opened.write(text + len(text).to_bytes(_WIDTH, "big") + _MAGIC)
        opened.flush()
        os.fsync(opened.fileno())


def hash_of(file: Path, size: int | None = None) -> str:
    """SHA-256 of its first `size` bytes, or of all."""
    digest, left = hashlib.sha256(), file.stat().st_size if size is None else size
    with file.open("rb") as opened:
        while left and (chunk := opened.read(min(_CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()


def read(file: Path) -> tuple[Manifest, int] | None:
    """The manifest, and the length of what stands before it; nothing where the file has none."""
    with file.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - _WIDTH - len(_MAGIC)))
        width, magic = opened.read(_WIDTH), opened.read()
        begins = size - _WIDTH - len(_MAGIC) - int.from_bytes(width, "big")
        if magic != _MAGIC or begins < 0:
            return None
        opened.seek(begins)
        text = opened.read(size - begins - _WIDTH - len(_MAGIC))
    try:
        return msgspec.json.decode(text, type=Manifest), begins
    except msgspec.DecodeError:
        return None


def check_file(file: Path, tool: Path) -> Iterator[str]:
    """All that is wrong with a backup, a line each; every byte of it is unpacked, and nothing restored."""
    found = read(file)
    if found is None:
        yield f"{file} is cut off, or was made by an older program: it has no list of what it must hold"
        return
    manifest, size = found
    if hash_of(file, size) != manifest.sha256:
        yield f"{file} is not what was written: its SHA-256 is another"
    try:
        rows = _counted(file, tool)
    except KeepingError as exc:
        yield str(exc)
        return
    for table in sorted(manifest.rows.keys() | rows.keys()):
        had, has = manifest.rows.get(table, 0), rows.get(table, 0)
        if had != has:
            yield f"table {table} has {has} rows, the database had {had}"


def _counted(file: Path, tool: Path) -> Counter[str]:
    """The rows of each table in the file, as restoring would bring them."""
    rows: Counter[str] = Counter()
    command: list[str | Path] = [tool, "--data-only", "--file=-", file]
    with subprocess.Popen(  # noqa: S603  a program of PostgreSQL
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"}
    ) as process:
        assert process.stdout is not None  # noqa: S101  asked for above
        assert process.stderr is not None  # noqa: S101  asked for above
        table, is_within = None, False
        for line in process.stdout:
            if is_within:
                if line == b"\\.\n":
                    is_within = False
                elif table is not None:
                    rows[table] += 1
            elif line.startswith(b"COPY "):
                named = _COPY.match(line.rstrip())
                table, is_within = named[1].decode() if named else None, True
        said = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise KeepingError(f"{file} cannot be unpacked: {said}")
    return rows


def made_at(connection: Connection) -> str:
    """The instant of the transaction that `connection` is in."""
    row = connection.execute(
        "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    ).fetchone()
    return str(row[0]) if row is not None else ""
