"""Exports in SQL: asked for, taken up, told of, kept, ended; and how many rows a span has."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from cloud.database import Connection, instant
from cloud.histories.model import KEPT_HOURS, Form
from cloud.readings.levels import LEVEL_MS, Level
from sitewarden.topics import Mode

STATEMENT_S = 120
"""No statement of whoever writes takes longer."""
SILENT = dt.timedelta(seconds=STATEMENT_S + 60)
"""So long without a word from whoever writes, and another takes it up."""
TRIES = 3
PART_BYTES = 1 << 20
"""Of a file in the database, but for its last part."""
REMEMBERED = dt.timedelta(days=400)
"""How long it is known who took out what."""
_LONG = dt.timedelta(days=100)
"""Longer spans are counted by days."""

SHOWN: LiteralString = """
    SELECT id, points, from_at AS "from", to_at AS "to", level, form, state, asked_at, rows,
           estimated AS estimated_rows, ended_at, expires_at, bytes, encode(sha256, 'hex') AS sha256, why,
           tries
      FROM history_export
     WHERE site = %(site)s AND mode = %(mode)s AND account_id IS NOT DISTINCT FROM %(account)s
"""
"""Those of one account at a site: an export is its author's own."""
COUNT_OWN: LiteralString = """
    SELECT count(*) AS n FROM history_export
     WHERE account_id IS NOT DISTINCT FROM %(account)s AND state IN ('queued', 'running', 'done')
"""
ASK: LiteralString = """
    INSERT INTO history_export (
            id, site, mode, account_id, author, points, from_at, to_at, level, form, state, asked_at,
            estimated)
        VALUES (
            %(id)s, %(site)s, %(mode)s, %(account)s, %(author)s, %(points)s, %(from)s, %(to)s, %(level)s,
            %(form)s, 'queued', %(now)s, %(estimated)s)
"""
END: LiteralString = """
    UPDATE history_export
       SET state = CASE WHEN state = 'done' THEN 'expired' ELSE 'cancelled' END,
           ended_at = coalesce(ended_at, %(now)s), expires_at = NULL
     WHERE id = %(id)s AND state IN ('queued', 'running', 'done')
"""
"""By its author: one under way stops, the file of one that is done goes with the next look."""


PART: LiteralString = """
    SELECT content FROM history_export_part WHERE export = %s AND tries = %s AND from_byte = %s
"""
KEPT_BYTES: LiteralString = """
    SELECT (SELECT coalesce(sum(bytes), 0) FROM history_export WHERE state = 'done')::bigint
           + %s * (SELECT count(*) FROM history_export AS its JOIN history_export_part AS part
                                        ON part.export = its.id AND part.tries = its.tries
                    WHERE its.state = 'running')
"""
"""Of files that are whole, and of those that others are writing."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """An export that is being written."""

    id: UUID
    site: str
    mode: Mode
    account_id: int | None
    author: str
    points: list[str]
    start: dt.datetime
    end: dt.datetime
    level: Level
    form: Form
    asked_at: dt.datetime
    tries: int
    """How often it was taken up: whoever was given it before has no say any more."""

    @property
    def draft_name(self) -> str:
        """In the folder of exports; each that writes has one of its own."""
        return f".{self.id}.{self.form}.{self.tries}.new"


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is whole."""

    rows: int
    size: int
    """In bytes."""
    sha256: bytes


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the program is told that writes; it may hold a password, so that it is no argument."""

    dsn: str
    export: UUID
    folder: str


_JOB: LiteralString = """
    id, site, mode, account_id, author, points, from_at AS start, to_at AS "end", level, form, asked_at,
    tries
"""
_OURS: LiteralString = "id = %(id)s AND state = 'running' AND tries = %(tries)s"


def take_up(connection: Connection, now: dt.datetime) -> Job | None:
    """The next one that nobody writes; one whose writers died too often has failed."""
    silent = {"now": now, "silent": now - SILENT, "tries": TRIES}
    connection.execute(
        """
        UPDATE history_export SET state = 'failed', why = 'lost', ended_at = %(now)s
         WHERE state = 'running' AND told_at < %(silent)s AND tries >= %(tries)s
        """,
        silent,
    )
    cursor = connection.cursor(row_factory=class_row(Job))
    return cursor.execute(
        f"""
        UPDATE history_export SET state = 'running', told_at = %(now)s, tries = tries + 1, rows = 0
         WHERE id = (SELECT id FROM history_export
                      WHERE state = 'queued' OR (state = 'running' AND told_at < %(silent)s)
                      ORDER BY asked_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING {_JOB}
        """,  # noqa: S608  a constant
        silent,
    ).fetchone()


def job_of(connection: Connection, export: UUID) -> Job | None:
    """One that is being written."""
    cursor = connection.cursor(row_factory=class_row(Job))
    query: LiteralString = f"SELECT {_JOB} FROM history_export WHERE id = %s AND state = 'running'"  # noqa: S608
    return cursor.execute(query, [export]).fetchone()


def tell(connection: Connection, job: Job, rows: int, now: dt.datetime) -> bool:
    """How far it is; false where nobody wants it any more, or not of this writer."""
    told = connection.execute(
        f"UPDATE history_export SET rows = %(rows)s, told_at = %(now)s WHERE {_OURS}",  # noqa: S608
        _named(job) | {"rows": rows, "now": now},
    )
    return told.rowcount == 1


def keep(connection: Connection, job: Job, from_byte: int, content: bytes) -> None:
    """A part of the file."""
    connection.execute(
        "INSERT INTO history_export_part (export, tries, from_byte, content) VALUES (%s, %s, %s, %s)",
        [job.id, job.tries, from_byte, content],
    )


def done(connection: Connection, job: Job, ended: Ended, now: dt.datetime) -> bool:
    """The file is whole; false where nobody wants it any more, or not of this writer."""
    told = connection.execute(
        f"""
        UPDATE history_export
           SET state = 'done', rows = %(rows)s, bytes = %(size)s, sha256 = %(sha256)s, ended_at = %(now)s,
               expires_at = %(expires)s
         WHERE {_OURS}
        """,  # noqa: S608  a constant
        _named(job)
        | {"rows": ended.rows, "size": ended.size, "sha256": ended.sha256, "now": now}
        | {"expires": now + dt.timedelta(hours=KEPT_HOURS)},
    )
    return told.rowcount == 1


def failed(connection: Connection, job: Job, why: str, now: dt.datetime) -> None:
    """It has come to nothing."""
    connection.execute(
        f"UPDATE history_export SET state = 'failed', why = %(why)s, ended_at = %(now)s WHERE {_OURS}",  # noqa: S608
        _named(job) | {"why": why, "now": now},
    )


def _named(job: Job) -> dict[str, Any]:
    return {"id": job.id, "tries": job.tries}


def forget(connection: Connection, now: dt.datetime) -> None:
    """Let go of what is too old, and of parts that are of no file any more.

    Files whose parts are not there have expired: after a crash the database has none.
    """
    connection.execute(
        """
        UPDATE history_export AS its SET state = 'expired', expires_at = NULL
         WHERE state = 'done'
           AND (expires_at <= %s OR NOT EXISTS (SELECT FROM history_export_part AS part
                                                 WHERE part.export = its.id AND part.tries = its.tries))
        """,
        [now],
    )
    connection.execute(
        """
        DELETE FROM history_export_part AS part USING history_export AS its
         WHERE its.id = part.export AND (its.state NOT IN ('running', 'done') OR part.tries <> its.tries)
        """
    )
    connection.execute("DELETE FROM history_export WHERE asked_at < %s", [now - REMEMBERED])


def sweep(connection: Connection, folder: Path) -> None:
    """Remove drafts of exports that are not under way: of writers that died or were overtaken."""
    files = [file for file in folder.glob("*.*") if not file.is_dir()]
    rows = connection.execute("SELECT id FROM history_export WHERE state IN ('queued', 'running')")
    under_way = {str(export) for (export,) in rows.fetchall()}
    for file in files:
        if file.name.lstrip(".").partition(".")[0] not in under_way:
            file.unlink(missing_ok=True)


_UNITS: tuple[tuple[Level, LiteralString], ...] = (("hour", "point_hours"), ("day", "point_days"))
_COUNTED: dict[Level, LiteralString] = {
    unit: f"""
        SELECT (extract(epoch FROM at) * 1000)::bigint, sum(least(n, %(most)s))::bigint
          FROM unnest(%(ids)s::int[]) AS asked (id) CROSS JOIN LATERAL {function}(asked.id, %(from)s, %(to)s)
         GROUP BY at ORDER BY at
    """  # noqa: S608  one of the two below
    for unit, function in _UNITS
}
_REACH: LiteralString = (
    "SELECT (extract(epoch FROM nullif(raw_from, '-infinity')) * 1000)::bigint FROM storage"
)


def counted(
    connection: Connection, ids: Sequence[int], level: Level, start_ms: int, end_ms: int
) -> list[tuple[int, int]]:
    """How many rows each hour has, or of a long span each day: where it begins, and at most so many."""
    if level == "raw":
        reach = connection.execute(_REACH).fetchone()
        start_ms = max(start_ms, (reach[0] if reach else None) or start_ms)
    if start_ms >= end_ms:
        return []
    unit: Level = (
        "day" if level == "day" or end_ms - start_ms > _LONG / dt.timedelta(milliseconds=1) else "hour"
    )
    width = LEVEL_MS[unit]
    asked: dict[str, Any] = {
        "ids": list(ids),
        "from": instant(start_ms // width * width),
        "to": instant(-(-end_ms // width) * width),
        "most": 2**31 - 1 if level == "raw" else max(1, width // LEVEL_MS[level]),
    }
    return [(int(at), int(n)) for at, n in connection.execute(_COUNTED[unit], asked).fetchall()]


_ROLLED_FROM: tuple[tuple[Level, LiteralString], ...] = (("minute", "point_minutes"), *_UNITS)
ROLLED: dict[Level, LiteralString] = {
    level: f"""
        SELECT (extract(epoch FROM at) * 1000)::bigint,
               min(low * scale), max(high * scale),
               (array_agg(first * scale ORDER BY first_at) FILTER (WHERE good > 0))[1],
               (array_agg(last * scale ORDER BY last_at DESC) FILTER (WHERE good > 0))[1],
               (sum(sum * scale::numeric) / nullif(sum(good), 0))::float8,
               sum(n)::bigint, sum(good)::bigint
          FROM unnest(%(ids)s::int[], %(scales)s::float8[]) AS asked (id, scale)
               CROSS JOIN LATERAL {function}(asked.id, %(from)s, %(to)s)
         GROUP BY at ORDER BY at
    """  # noqa: S608  one of the three below
    for level, function in _ROLLED_FROM
}
"""A point at a level, whatever resolutions it has had."""
