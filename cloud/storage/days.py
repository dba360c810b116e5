"""Days of readings: made ahead, packed or compressed once they are over, let go of by retention."""

import datetime as dt
import logging
from collections.abc import Iterable, Iterator
from typing import LiteralString

import psycopg

from cloud.database import Connection
from cloud.storage.modes import Mode
from cloud.storage.settings import StorageSettings

log = logging.getLogger(__name__)

LATE_HOURS = 500
"""Packed anew in one transaction: some hundreds of milliseconds, for which others that come late wait."""
LATE_ROUNDS = 100
"""Then there is other work as well; what is left comes next."""
ROWS_AT_ONCE = 20_000
"""Let go of in one transaction, where rows must be deleted one by one."""
_DAY = dt.timedelta(days=1)
SILENCE = dt.timedelta(days=7)
"""Ages are judged against the newest reading and so much more at most, whatever the server's clock says:
were it a year ahead, all readings would be let go of, and none be taken for a year."""

_PACKABLE: LiteralString = """
    SELECT day FROM open_days() AS day
     WHERE (day + 1)::timestamp AT TIME ZONE 'UTC' <= (SELECT least(computed_to, %(before)s) FROM storage)
       AND (day + 1)::timestamp AT TIME ZONE 'UTC' > (SELECT packed_to FROM storage) ORDER BY day
"""
_DROPPABLE: LiteralString = """
    SELECT day FROM open_days() AS day
     WHERE (day + 1)::timestamp AT TIME ZONE 'UTC' <= (SELECT greatest(packed_to, raw_from) FROM storage)
     ORDER BY day
"""


def _has_older(table: LiteralString, at: LiteralString) -> LiteralString:
    """Whether there are rows from before an instant, of each point by the key: the table may be large."""
    return f"""
        WITH RECURSIVE known AS (
            SELECT min(point_id) AS point FROM {table}
            UNION ALL
            SELECT (SELECT min(point_id) FROM {table} WHERE point_id > point)
              FROM known WHERE point IS NOT NULL)
        SELECT FROM known WHERE (SELECT min({at}) FROM {table} WHERE point_id = point) < %(before)s LIMIT 1
    """  # noqa: S608


_OLD_MINUTES, _OLD_PACKED = _has_older("minute_packed", "hour"), _has_older("reading_packed", "hour")
_OLD_PLAIN = _has_older("minute_plain", "at")
_OLD_LATE = _has_older("reading_late", "at")
_FORGET_MINUTES: LiteralString = (
    "DELETE FROM minute_packed WHERE ctid = ANY (ARRAY("
    "SELECT ctid FROM minute_packed WHERE hour < %(before)s LIMIT %(most)s))"
)
_FORGET_PLAIN: LiteralString = (
    "DELETE FROM minute_plain WHERE ctid = ANY (ARRAY("
    "SELECT ctid FROM minute_plain WHERE at < %(before)s LIMIT %(most)s))"
)
_COMPRESSIBLE: LiteralString = """
    SELECT c.name, c.is_compressed
      FROM (SELECT *, format('%%I.%%I', chunk_schema, chunk_name) AS name
              FROM timescaledb_information.chunks) AS c
           JOIN timescaledb_information.continuous_aggregates AS a
             ON a.materialization_hypertable_name = c.hypertable_name AND a.view_name = 'minute_kept'
           LEFT JOIN timescaledb_information.chunk_columnstore_settings AS s ON s.chunk = c.name::regclass
     WHERE CASE WHEN c.is_compressed THEN coalesce(s.segmentby, '') = '' ELSE c.range_end <= %(before)s END
     ORDER BY c.range_end
"""
"""Minutes that are over, and those that were compressed before they were told apart by point."""


def ensure_days(connection: Connection, days: Iterable[dt.date]) -> None:
    """Make room for readings of these UTC days, where the database does not do it by itself."""
    connection.execute("SELECT ensure_days(%s::date[])", [sorted(set(days))])


def make_ahead(connection: Connection, now: dt.datetime) -> None:
    """Today and tomorrow, so that no writer has to."""
    ensure_days(connection, [now.date(), (now + _DAY).date()])


def drop_empty(connection: Connection, mode: Mode, now: dt.datetime) -> Iterator[str]:
    """Let go of empty days that lie ahead of tomorrow: a clock has made them that stood ahead."""
    if mode == "timescale":
        return
    # Where the clock stands behind now, the newest reading tells the time.
    behind = "(greatest(%s, (SELECT max(at) FROM newest)) AT TIME ZONE 'UTC')::date + 1"
    try:
        with connection.transaction():
            row = connection.execute(f"SELECT drop_empty_days({behind})", [now]).fetchone()
    except psycopg.errors.LockNotAvailable:
        return
    if row is not None and row[0]:
        yield f"empty days ahead let go of n={row[0]}"


def close(connection: Connection, mode: Mode, settings: StorageSettings, now: dt.datetime) -> Iterator[str]:
    """Pack or compress the days that are over; yields what was done, a piece at a time.

    `connection` must be in autocommit.
    """
    before = _midnight(now - dt.timedelta(days=settings.close_after_days))
    if mode == "timescale":
        row = connection.execute("SELECT close_days(%s)", [before]).fetchone()
        if row is not None and row[0]:
            yield f"days compressed n={row[0]}"
        yield from _compress_minutes(connection, before)
        return
    # Those of an earlier look: whoever began to read when the day was not packed has it in hand by now.
    yield from _drop_open(connection)
    for (day,) in connection.execute(_PACKABLE, {"before": before}).fetchall():
        yield _pack(connection, day)
    for _ in range(LATE_ROUNDS):
        hours = _pack_late(connection)
        if hours:
            yield f"late readings packed hours={hours}"
        # What has come meanwhile waits for the next look: it may come all the time.
        if hours < LATE_HOURS:
            return


def forget(connection: Connection, mode: Mode, settings: StorageSettings, now: dt.datetime) -> Iterator[str]:
    """Let go of readings and minutes that are older than they are to be kept; hours and days stay."""
    newest = connection.execute("SELECT max(at) FROM newest").fetchone()
    if newest is None or newest[0] is None:
        return
    reached = min(now, newest[0] + SILENCE)
    raw = _midnight(reached - dt.timedelta(days=settings.raw_days))
    minutes = _midnight(reached - dt.timedelta(days=settings.minute_days))
    with connection.transaction():
        connection.execute("SELECT forget_before(%s)", [raw])
    if mode == "timescale":
        connection.execute(
            "SELECT drop_days((SELECT raw_from FROM storage)) WHERE EXISTS ("
            "SELECT FROM storage WHERE raw_from > '-infinity')"
        )
        connection.execute("SELECT drop_chunks('minute_kept', older_than => %s)", [minutes])
        return
    row = connection.execute("SELECT raw_from FROM storage").fetchone()
    raw_from = {"before": row[0] if row is not None else None}
    if any(connection.execute(old, raw_from).rowcount for old in (_OLD_PACKED, _OLD_LATE)):
        while gone := _forget_packed(connection):
            yield f"let go of hours={gone} before={raw:%Y-%m-%d}"
    if connection.execute(_OLD_MINUTES, {"before": minutes}).rowcount:
        yield from _delete(connection, _FORGET_MINUTES, minutes)
    if connection.execute(_OLD_PLAIN, {"before": minutes}).rowcount:
        yield from _delete(connection, _FORGET_PLAIN, minutes)


def _pack(connection: Connection, day: dt.date) -> str:
    with connection.transaction():
        connection.execute("SELECT pack_after((%s::date + 1)::timestamp AT TIME ZONE 'UTC')", [day])
    with connection.transaction():
        row = connection.execute("SELECT pack_day(%s)", [day]).fetchone()
    return f"day packed day={day} hours={row[0] if row else 0}"


def _pack_late(connection: Connection) -> int:
    with connection.transaction():
        row = connection.execute("SELECT pack_late(%s)", [LATE_HOURS]).fetchone()
    return int(row[0]) if row is not None else 0


def _forget_packed(connection: Connection) -> int:
    with connection.transaction():
        row = connection.execute("SELECT forget_packed(%s)", [ROWS_AT_ONCE]).fetchone()
    return int(row[0]) if row is not None else 0


def _drop_open(connection: Connection) -> Iterator[str]:
    for (day,) in connection.execute(_DROPPABLE).fetchall():
        try:
            with connection.transaction():
                connection.execute("SELECT drop_day(%s)", [day])
        except psycopg.errors.LockNotAvailable as exc:
            # A backup or an export. Nobody sees the day any more; it goes the next time.
            log.info("a day that is packed keeps its room day=%s cause=%s", day, str(exc).partition("\n")[0])
            return
        yield f"day let go of day={day}"


def _compress_minutes(connection: Connection, before: dt.datetime) -> Iterator[str]:
    chunks = connection.execute(_COMPRESSIBLE, {"before": before}).fetchall()
    # One at a time: each is locked for as long as it is written anew.
    for chunk, again in chunks:
        connection.execute("SELECT compress_chunk(%s::regclass, recompress => %s)", [chunk, again])
        yield f"minutes compressed chunk={chunk}"


def _delete(connection: Connection, statement: LiteralString, before: dt.datetime) -> Iterator[str]:
    while deleted := connection.execute(statement, {"before": before, "most": ROWS_AT_ONCE}).rowcount:
        yield f"let go of rows={deleted} before={before:%Y-%m-%d}"


def _midnight(at: dt.datetime) -> dt.datetime:
    return at.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
