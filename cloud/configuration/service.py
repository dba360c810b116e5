"""Versions of a gateway's configuration: proposed, never changed, and what the gateway made of them.

The gateway is the judge: a version is in force when it says so, and what it has refused or rolled back is not
sent to it again. Only a newer version is.
"""

import datetime as dt
import difflib
import uuid
from typing import Any, LiteralString, NamedTuple

from psycopg.types.json import Jsonb

from cloud.database import AsyncConnection, Row, rows_of
from sitewarden import bundle
from sitewarden.errors import MessageError
from sitewarden.messages import Configuration, encode

_VERSION: LiteralString = """
    SELECT version, hash, author, reason, at, state, why, errors, load, sent_at, reported_at
"""

MOST_CHECKS = 20
"""Of a gateway, answered or not."""


class Of(NamedTuple):
    """A gateway of a site."""

    site: str
    gateway: str


class Current(NamedTuple):
    """How a gateway stands with its configuration."""

    newest: Row | None
    """The newest version with its texts, whatever became of it."""
    in_force: Row | None
    """The newest that the gateway has said to be in force, without its texts."""
    own_file: dict[str, str] | None
    """What its own file says, as it told."""
    untold: Row | None
    """Why it could not tell, the last time that it was to."""
    now: dict[str, Any] | None
    """What it works from, as it last said; `None` where its own file alone says so."""
    is_online: bool


async def current(connection: AsyncConnection, gateway: Of) -> Current:
    """Newest version, the one in force, and what the gateway says."""
    newest = await _row(connection, _VERSION + ", files" + _NEWEST, gateway)
    in_force = await _row(connection, _VERSION + _IN_FORCE, gateway)
    own = await _row(connection, _OWN_FILE, gateway)
    said = await _row(connection, _SAID, gateway)
    return Current(
        newest,
        in_force,
        None if own is None else own["files"],
        None if own is None or own["why"] is None else own,
        None if said is None else said["configuration"],
        said is not None and said["state"] == "online",
    )


async def propose(
    connection: AsyncConnection,
    gateway: Of,
    files: bundle.Files,
    *,
    author: str,
    reason: str,
    now: dt.datetime,
) -> int:
    """Add a version; it goes out as soon as the gateway is there. Returns its number.

    Whatever older one the gateway has not spoken of is superseded. Raises `bundle.BundleError` where the
    texts are no bundle or too large to be sent. Within a transaction; two at once are made one by one.
    """
    check_sendable(files)
    await lock(connection, gateway)
    newest = await _row(connection, _VERSION + _NEWEST, gateway)
    version = 1 if newest is None else int(newest["version"]) + 1
    await connection.execute(
        """
        UPDATE gateway_configuration SET state = 'superseded'
         WHERE site = %(site)s AND gateway = %(gateway)s AND state = 'waiting'
        """,
        gateway._asdict(),
    )
    await connection.execute(
        """
        INSERT INTO gateway_configuration (site, gateway, version, hash, files, author, reason, at)
            VALUES (%(site)s, %(gateway)s, %(version)s, %(hash)s, %(files)s, %(author)s, %(reason)s, %(at)s)
        """,
        {
            **gateway._asdict(),
            "version": version,
            "hash": bundle.digest(files),
            "files": Jsonb(dict(files)),
            "author": author,
            "reason": reason,
            "at": now,
        },
    )
    return version


async def lock(connection: AsyncConnection, gateway: Of) -> None:
    """Let nobody else propose for this gateway before the transaction ends."""
    await connection.execute(
        "SELECT FROM site_gateway WHERE site = %(site)s AND gateway = %(gateway)s FOR NO KEY UPDATE",
        gateway._asdict(),
    )


def check_sendable(files: bundle.Files) -> None:
    """Raise `bundle.BundleError` where the texts are no bundle, or would not fit into one message."""
    bundle.check(files)
    try:
        encode(Configuration(version=1, hash=bundle.digest(files), files=dict(files)))
    except MessageError as exc:
        raise bundle.BundleError("", exc.detail, "Leave out what no device needs.") from exc


async def history(
    connection: AsyncConnection, gateway: Of, *, before: int | None = None, limit: int = 50
) -> list[Row]:
    """Versions without their texts, the newest first; with `before` only older ones."""
    return await rows_of(
        connection,
        _VERSION
        + """
          FROM gateway_configuration
         WHERE site = %(site)s AND gateway = %(gateway)s
           AND (%(before)s::numeric IS NULL OR version < %(before)s)
         ORDER BY version DESC LIMIT %(limit)s
        """,
        {**gateway._asdict(), "before": before, "limit": limit},
    )


async def version_of(connection: AsyncConnection, gateway: Of, version: int) -> Row | None:
    """One version with its texts."""
    found = await rows_of(
        connection,
        _VERSION + ", files FROM gateway_configuration" + _OF_IT + " AND version = %(version)s",
        {**gateway._asdict(), "version": version},
    )
    return found[0] if found else None


async def ask(
    connection: AsyncConnection, gateway: Of, files: bundle.Files, author: str, now: dt.datetime
) -> uuid.UUID:
    """Have the gateway asked what it thinks of texts; raises `bundle.BundleError` as `propose`.

    Of its earlier checks only the newest are remembered: each may be half a megabyte.
    """
    check_sendable(files)
    asked = uuid.uuid4()
    await connection.execute(
        """
        DELETE FROM gateway_configuration_check WHERE id IN (
            SELECT id FROM gateway_configuration_check WHERE site = %(site)s AND gateway = %(gateway)s
             ORDER BY at DESC, id OFFSET %(kept)s)
        """,
        {**gateway._asdict(), "kept": MOST_CHECKS - 1},
    )
    await connection.execute(
        """
        INSERT INTO gateway_configuration_check (id, site, gateway, hash, files, author, at)
            VALUES (%(id)s, %(site)s, %(gateway)s, %(hash)s, %(files)s, %(author)s, %(at)s)
        """,
        {
            **gateway._asdict(),
            "id": asked,
            "hash": bundle.digest(files),
            "files": Jsonb(dict(files)),
            "author": author,
            "at": now,
        },
    )
    return asked


async def answer_of(connection: AsyncConnection, gateway: Of, asked: uuid.UUID) -> Row | None:
    """What the gateway has answered so far."""
    found = await rows_of(
        connection,
        """
        SELECT id, at, sent_at, answered_at, state, why, errors, load FROM gateway_configuration_check
         WHERE site = %(site)s AND gateway = %(gateway)s AND id = %(id)s
        """,
        {**gateway._asdict(), "id": asked},
    )
    return found[0] if found else None


def differences(before: bundle.Files, after: bundle.Files) -> dict[str, list[str]]:
    """By file the lines in which two bundles differ, as `diff -u` writes them. Pure."""
    found: dict[str, list[str]] = {}
    for name in sorted({*before, *after}):
        lines = difflib.unified_diff(
            before.get(name, "").splitlines(), after.get(name, "").splitlines(), lineterm="", n=3
        )
        if changed := list(lines)[2:]:
            found[name] = changed
        elif (name in before) != (name in after) or before.get(name) != after.get(name):
            found[name] = []  # an empty file, or another end of line
    return found


_OF_IT: LiteralString = " WHERE site = %(site)s AND gateway = %(gateway)s"
_NEWEST: LiteralString = " FROM gateway_configuration" + _OF_IT + " ORDER BY version DESC LIMIT 1"
_IN_FORCE: LiteralString = (
    " FROM gateway_configuration" + _OF_IT + " AND state = 'in_force' ORDER BY reported_at DESC LIMIT 1"
)
_OWN_FILE: LiteralString = """
    SELECT files, why, errors, told_at FROM gateway_own_file WHERE site = %(site)s AND gateway = %(gateway)s
"""
_SAID: LiteralString = """
    SELECT configuration, state FROM gateway
     WHERE site = %(site)s AND gateway = %(gateway)s AND mode <> 'replay'
     ORDER BY seen_at DESC NULLS LAST LIMIT 1
"""


async def _row(connection: AsyncConnection, query: LiteralString, gateway: Of) -> Row | None:
    found = await rows_of(connection, query, gateway._asdict())
    return found[0] if found else None
