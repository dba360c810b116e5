"""The two modes that a database stores readings in; which of them is decided once, when it is made."""

from typing import Any, Literal

import psycopg

from sitewarden.errors import SiteWardenError

Mode = Literal["plain", "timescale"]
Wish = Literal["auto", "plain", "timescale"]
"""`auto`: TimescaleDB where the server offers it."""

OLDEST_TIMESCALE = (2, 20)
"""Since then rows that are there already are found in a columnstore without unpacking all of it."""
_ONLY, _END = "-- only: ", "-- end"

Connection = psycopg.Connection[tuple[Any, ...]]


class StorageError(SiteWardenError):
    """Readings cannot be stored as is wished."""


def mode_of(connection: Connection, wish: Wish = "auto") -> Mode:
    """The mode of this database; where it has none yet, the one that it is to get.

    Raises `StorageError` where the wish cannot be met.
    """
    known = stored_mode(connection)
    if known is not None:
        if wish not in {"auto", known}:
            raise StorageError(
                f"this database stores readings in mode {known}, not {wish}, and that does not "
                "change; leave storage.mode out"
            )
        return known
    if wish == "plain":
        return "plain"
    lack = lacking(connection)
    if lack is None:
        return "timescale"
    if wish == "timescale":
        raise StorageError(f"storage.mode is timescale, but {lack}")
    return "plain"


def stored_mode(connection: Connection) -> Mode | None:
    """The mode that was decided; `None` where the schema is older than that."""
    if connection.execute("SELECT to_regclass('storage')").fetchone() == (None,):
        return None
    row = connection.execute("SELECT mode FROM storage").fetchone()
    return row[0] if row is not None else None


def text_for(mode: Mode, text: str) -> str:
    """A migration's text without the lines of the other mode; line numbers stay."""
    kept: list[str] = []
    only: str | None = None
    for line in text.split("\n"):
        if line.startswith(_ONLY):
            only = line.removeprefix(_ONLY).strip()
        elif line.strip() == _END:
            only = None
        kept.append(line if only in {None, mode} else "")
    return "\n".join(kept)


def lacking(connection: Connection) -> str | None:
    """What keeps this server from the mode timescale; nothing where it has all."""
    offered = connection.execute(
        "SELECT default_version FROM pg_available_extensions WHERE name = 'timescaledb'"
    ).fetchone()
    if offered is None:
        return "the server does not offer the extension timescaledb"
    # Creating it where its loader was not started with the server would end the connection.
    if connection.execute("SELECT current_setting('timescaledb.disable_load', true)").fetchone() == (None,):
        return "timescaledb is not among the server's shared_preload_libraries"
    version = tuple(int(part) for part in str(offered[0]).split("-")[0].split(".")[:2])
    if version < OLDEST_TIMESCALE:
        return f"its timescaledb is {offered[0]}; 2.20 or newer is needed"
    row = connection.execute("SELECT current_setting('timescaledb.license', true)").fetchone()
    # Unknown until the extension is in the database; the packages of the Apache edition then say so at once.
    if row is not None and row[0] == "apache":
        return "its timescaledb runs under timescaledb.license = apache, without columnstore and aggregates"
    return None
