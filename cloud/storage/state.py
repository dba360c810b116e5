"""What a database holds and how far the work on it is, for whoever keeps it."""

import datetime as dt
from typing import Any, LiteralString

import msgspec

from cloud.database import Connection
from cloud.storage.modes import Mode, lacking, stored_mode
from cloud.storage.programs import KeepingError

_SIZES: dict[Mode, LiteralString] = {
    "plain": """
        SELECT CASE WHEN relname LIKE 'reading\\_open%' THEN 'readings, open'
                    WHEN relname IN ('reading_packed', 'reading_late') THEN 'readings, packed'
                    WHEN relname IN ('minute_packed', 'minute_plain') THEN 'minutes'
                    WHEN relname IN ('hour_kept', 'day_kept') THEN 'hours and days'
                    ELSE 'everything else' END AS what, sum(pg_total_relation_size(oid))::bigint
          FROM pg_class WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace
         GROUP BY 1 ORDER BY 1
    """,
    "timescale": """
        SELECT CASE WHEN a.view_name = 'minute_kept' THEN 'minutes'
                    WHEN a.view_name IS NOT NULL THEN 'hours and days'
                    WHEN c.is_compressed THEN 'readings, packed' ELSE 'readings, open' END,
               sum(s.total_bytes)::bigint
          FROM timescaledb_information.chunks AS c
               LEFT JOIN timescaledb_information.continuous_aggregates AS a
                      ON a.materialization_hypertable_name = c.hypertable_name
               JOIN LATERAL chunks_detailed_size(
                        format('%I.%I', c.hypertable_schema, c.hypertable_name)::regclass) AS s
                 ON s.chunk_schema = c.chunk_schema AND s.chunk_name = c.chunk_name
         GROUP BY 1 ORDER BY 1
    """,
}
_DAYS: dict[Mode, LiteralString] = {
    "plain": """
        SELECT day, 'open',
               pg_total_relation_size(('reading_open_' || to_char(day, 'YYYYMMDD'))::regclass), NULL
          FROM open_days() AS day
         WHERE (day + 1)::timestamp AT TIME ZONE 'UTC' > (SELECT packed_to FROM storage)
           AND day < '9999-12-31' -- the last that Python knows
        UNION ALL
        SELECT (hour AT TIME ZONE 'UTC')::date, 'packed', sum(pg_column_size(p.*))::bigint, sum(n)::bigint
          FROM reading_packed AS p GROUP BY 1 ORDER BY 1
    """,
    "timescale": """
        SELECT (c.range_start AT TIME ZONE 'UTC')::date,
               CASE WHEN is_compressed THEN 'packed' ELSE 'open' END,
               s.total_bytes, NULL
          FROM timescaledb_information.chunks AS c
               JOIN chunks_detailed_size('reading_open') AS s USING (chunk_schema, chunk_name)
         WHERE c.hypertable_name = 'reading_open' ORDER BY 1
    """,
}
_RUN: LiteralString = """
    SELECT began_at, extract(epoch FROM ended_at - began_at)::float8, pieces, error FROM keeping_run
"""
_HELD: LiteralString = """
    SELECT d.day, (SELECT coalesce(nullif(a.application_name, ''), a.usename)
                     FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
                    WHERE l.relation = ('reading_open_' || to_char(d.day, 'YYYYMMDD'))::regclass AND l.granted
                      AND a.xact_start < clock_timestamp() - interval '10 seconds'
                    ORDER BY a.xact_start LIMIT 1)
      FROM open_days() AS d (day)
     WHERE (day + 1)::timestamp AT TIME ZONE 'UTC' <= (SELECT packed_to FROM storage) ORDER BY 1
"""
_BOUNDS: LiteralString = """
    SELECT nullif(watermark, '-infinity'), nullif(computed_to, '-infinity'), nullif(raw_from, '-infinity'),
           nullif(packed_to, '-infinity'), (SELECT count(*) FROM dirty),
           (SELECT count(*) FROM quarantine WHERE reason = 'future'),
           (SELECT count(*) FROM quarantine WHERE reason = 'ancient')
      FROM storage
"""
_PLAIN: LiteralString = """
    SELECT (SELECT count(*) FROM reading_late), pg_total_relation_size('reading_late'),
           least((SELECT min(hour + first_ms * interval '1 ms') FROM reading_packed
                   WHERE hour < (SELECT packed_to FROM storage)),
                 (SELECT min(at) FROM reading_late),
                 (SELECT min(at) FROM reading_open WHERE at >= (SELECT packed_to FROM storage)))
"""


_TIMESCALE: LiteralString = "SELECT 0, 0, min(at) FROM reading_open"
# Counting a day of rows would read it whole; without statistics yet there is no answer.
_OPEN: dict[Mode, LiteralString] = {
    "plain": """
        SELECT pg_total_relation_size(c.oid) / c.reltuples::float8
          FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid
         WHERE inhparent = 'reading_open'::regclass AND c.reltuples >= 1000 ORDER BY c.reltuples DESC LIMIT 1
    """,
    "timescale": """
        SELECT pg_total_relation_size(c.oid) / c.reltuples::float8
          FROM timescaledb_information.chunks AS k
               JOIN pg_class AS c ON c.oid = format('%I.%I', k.chunk_schema, k.chunk_name)::regclass
         WHERE k.hypertable_name = 'reading_open' AND NOT k.is_compressed AND c.reltuples >= 1000
         ORDER BY c.reltuples DESC LIMIT 1
    """,
}


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A UTC day of readings."""

    day: dt.date
    form: str
    """`open` or `packed`."""
    bytes: int
    readings: int | None
    """How many; `None` where only counting them would tell."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The last time that days and roll-ups were worked on; of processes that share a database one does it."""

    began_at: dt.datetime
    seconds: float | None
    """`None` where it is at work, or was killed."""
    pieces: int
    """How much there was to do."""
    error: str | None
    """What it ended with, where it was not done."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A day that is packed and keeps the room of its rows all the same."""

    day: dt.date
    reader: str | None
    """Who has read it for long; `None` where nobody does, and it goes with the next run."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Of a database; instants are UTC, `None` where there is none yet."""

    schema: int
    schema_known: int
    """What this program would migrate it to."""
    server: str
    mode: Mode
    lack: str | None
    """What keeps this server from the mode timescale."""
    database_bytes: int
    group_bytes: dict[str, int]
    """Tables with their indexes."""
    days: list[Day]
    bytes_a_reading: float | None
    """Of packed days, where the database knows how many readings those hold."""
    bytes_an_open_reading: float | None
    """Of the open day with the most rows, with its key, by how many the server believes it has."""
    bytes_a_late_reading: float | None
    """While it waits to be packed; what is free in its table counts too."""
    held_days: list[Held]
    last_run: Run | None
    watermark: dt.datetime | None
    computed_to: dt.datetime | None
    raw_from: dt.datetime | None
    packed_to: dt.datetime | None
    dirty_hours: int
    late_readings: int
    """That wait to be packed."""
    quarantined: dict[str, int]
    oldest_reading: dt.datetime | None


def state_of(connection: Connection, schema_known: int) -> State:
    """As it is now. Changes nothing, and waits five seconds at most for whoever changes tables."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute("SET LOCAL lock_timeout = '5s'")
        mode = stored_mode(connection)
        if mode is None:
            raise KeepingError("this database has no readings by day yet; run sitewarden cloud migrate first")
        watermark, computed_to, raw_from, packed_to, dirty, future, ancient = _one(connection, _BOUNDS)
        late, late_bytes, oldest = _one(connection, _PLAIN if mode == "plain" else _TIMESCALE)
        days = [
            Day(day=day, form=form, bytes=size, readings=n)
            for day, form, size, n in connection.execute(_DAYS[mode]).fetchall()
        ]
        counted = [day for day in days if day.readings]
        readings = sum(day.readings or 0 for day in counted)
        return State(
            schema=_one(connection, "SELECT max(number) FROM migration")[0],
            schema_known=schema_known,
            server=str(_one(connection, "SHOW server_version")[0]),
            mode=mode,
            lack=lacking(connection),
            database_bytes=_one(connection, "SELECT pg_database_size(current_database())")[0],
            group_bytes=dict(connection.execute(_SIZES[mode]).fetchall()),
            days=days,
            bytes_a_reading=sum(day.bytes for day in counted) / readings if readings else None,
            bytes_an_open_reading=next((row[0] for row in connection.execute(_OPEN[mode]).fetchall()), None),
            bytes_a_late_reading=late_bytes / late if late else None,
            held_days=_held(connection) if mode == "plain" else [],
            last_run=_last_run(connection),
            watermark=watermark,
            computed_to=computed_to,
            raw_from=raw_from,
            packed_to=packed_to,
            dirty_hours=dirty,
            late_readings=late,
            quarantined={"future": future, "ancient": ancient},
            oldest_reading=oldest,
        )


def lines(state: State) -> list[str]:
    """As a person reads it."""
    schema = f"schema {state.schema}"
    if state.schema != state.schema_known:
        schema += f", this program knows {state.schema_known}: sitewarden cloud migrate"
    lack = "TimescaleDB is offered" if state.lack is None else state.lack
    said = [
        schema,
        f"PostgreSQL {state.server}, readings in mode {state.mode} ({lack})",
        f"database {_size(state.database_bytes)}",
        *(f"  {what:<18}{_size(size):>10}" for what, size in state.group_bytes.items()),
        f"kept to {_at(state.computed_to)}, watermark {_at(state.watermark)}",
        _run(state.last_run),
        f"hours to be counted anew {state.dirty_hours}",
        f"oldest reading {_at(state.oldest_reading)}, gone before {_at(state.raw_from)}",
        f"late readings to be packed {state.late_readings}; in quarantine "
        + ", ".join(f"{reason} {n}" for reason, n in state.quarantined.items()),
    ]
    said += [
        f"bytes a reading: {form} {size:.1f}"
        for form, size in (
            ("open", state.bytes_an_open_reading),
            ("packed", state.bytes_a_reading),
            ("late", state.bytes_a_late_reading),
        )
        if size is not None
    ]
    said += [
        f"{held.day} is packed and keeps its room: "
        + (f"read by {held.reader}" if held.reader else "goes next")
        for held in state.held_days
    ]
    return said + [f"  {day.day} {day.form:<7}{_size(day.bytes):>10}" for day in state.days]


def _run(run: Run | None) -> str:
    if run is None:
        return "days and roll-ups were never worked on"
    if run.seconds is None:
        took = "at work, or killed"
    else:
        took = f"{run.seconds:.1f} s, {run.pieces} pieces, {run.error or 'done'}"
    return f"last work on days and roll-ups {_at(run.began_at)}: {took}"


def _last_run(connection: Connection) -> Run | None:
    row = connection.execute(_RUN).fetchone()
    return None if row is None else Run(began_at=row[0], seconds=row[1], pieces=row[2], error=row[3])


def _held(connection: Connection) -> list[Held]:
    return [Held(day=day, reader=reader) for day, reader in connection.execute(_HELD).fetchall()]


def _one(connection: Connection, query: LiteralString) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None  # noqa: S101  each of them gives one
    return row


def _at(at: dt.datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M}Z"


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
