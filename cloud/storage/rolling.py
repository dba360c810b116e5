"""Roll-ups: minutes, hours and days kept of the readings, and counted anew where a reading came late.

What is kept is never a promise: the views `reading_minute`, `reading_hour` and `reading_day` add what is not
kept yet and leave out what is dirty, so this work is only about speed. It may be killed at any point.
"""

import datetime as dt
import logging
from collections.abc import Iterator
from typing import LiteralString

from cloud.database import Connection
from cloud.storage.modes import Mode

log = logging.getLogger(__name__)

SETTLING = dt.timedelta(minutes=5)
"""So long after its end an hour is kept: most of what is on its way has come by then, and dirties nothing."""
DIRTY_HOURS = 2_000
"""Counted anew in one transaction."""
_DAY = dt.timedelta(days=1)

_COLUMNS: LiteralString = "at, low, high, first, last, first_at, last_at, point_id, n, good, sum"
_REPLACE: LiteralString = """
    ON CONFLICT (point_id, at) DO UPDATE
       SET (low, high, first, last, first_at, last_at, n, good, sum)
         = (excluded.low, excluded.high, excluded.first, excluded.last, excluded.first_at, excluded.last_at,
            excluded.n, excluded.good, excluded.sum)
"""
_PACKED: LiteralString = """base, size, minutes, n, first_after, last_after, ns, firsts, lasts, goods, small,
        middle, large, sums, wide_sums"""


def _coarser(into: LiteralString, width: LiteralString, finer: LiteralString) -> LiteralString:
    """Rows of a wider level out of those of the next finer one, `finer` a table or a query in brackets."""
    return f"""
        INSERT INTO {into} ({_COLUMNS})
            SELECT date_bin('{width}', at, 'epoch'), min(low), max(high),
                   (array_agg(first ORDER BY at) FILTER (WHERE good > 0))[1],
                   (array_agg(last ORDER BY at DESC) FILTER (WHERE good > 0))[1],
                   min(first_at), max(last_at), point_id, sum(n), sum(good), sum(sum)
              FROM {finer} AS finer GROUP BY point_id, date_bin('{width}', at, 'epoch') {_REPLACE}
    """  # noqa: S608


def _hours(counted: LiteralString) -> LiteralString:
    """Whole hours, and their minutes packed, out of a query for these minutes that is asked once."""
    return f"""
        WITH counted AS MATERIALIZED ({counted}), packed AS (
            INSERT INTO minute_packed (point_id, hour, {_PACKED})
                SELECT g.point_id, g.hour, k.*
                  FROM (SELECT point_id, date_bin('1 hour', at, 'epoch') AS hour,
                               array_agg(ROW({_COLUMNS})::minute_kept ORDER BY at) AS minutes
                          FROM counted GROUP BY 1, 2) AS g
                       CROSS JOIN LATERAL pack_minutes(g.minutes) AS k
                ON CONFLICT (point_id, hour) DO UPDATE SET ({_PACKED})
                   = (SELECT {_PACKED} FROM (SELECT excluded.*) AS new))
        {_coarser("hour_kept", "1 hour", "counted")}
    """  # noqa: S608


_HOURS = _hours("SELECT * FROM minutes_between(%(since)s, %(until)s)")
_DIRTY_HOURS = _hours("""SELECT m.* FROM dirty AS d
           CROSS JOIN LATERAL minutes_of(ARRAY[d.point_id], d.hour, d.hour + interval '1 hour') AS m
     WHERE d.claimed""")
_DAYS = _coarser("day_kept", "1 day", "(SELECT * FROM hour_kept WHERE at >= %(since)s AND at < %(until)s)")
_DIRTY_DAYS = _coarser(
    "day_kept",
    "1 day",
    """(SELECT h.*
          FROM (SELECT DISTINCT point_id, date_bin('1 day', hour, 'epoch') AS day FROM dirty
                 WHERE claimed) AS d
               JOIN hour_kept AS h ON h.point_id = d.point_id AND h.at >= d.day
                                  AND h.at < d.day + interval '1 day'
         WHERE d.day < (SELECT days_to FROM storage))""",
)

_STATE: LiteralString = """
    SELECT nullif(computed_to, '-infinity'), nullif(watermark, '-infinity'), nullif(days_to, '-infinity')
      FROM storage
"""
_DONE_TO: LiteralString = "UPDATE storage SET computed_to = %(until)s"
_DAYS_TO: LiteralString = "UPDATE storage SET days_to = %(until)s"
_DIRTY_SPANS: LiteralString = """
    SELECT min(hour), max(hour) + interval '1 hour'
      FROM (SELECT hour, hour - row_number() OVER (ORDER BY hour) * interval '1 hour' AS run
              FROM (SELECT DISTINCT hour FROM dirty WHERE claimed) AS hours) AS runs
     GROUP BY run ORDER BY 1
"""


def roll(connection: Connection, mode: Mode, now: dt.datetime) -> Iterator[str]:
    """Keep whatever is due, a piece at a time; yields what was done, so that others may have a turn between.

    `connection` must be in autocommit.
    """
    keeper = _Aggregates(connection) if mode == "timescale" else _Tables(connection)
    with connection.transaction():
        connection.execute("SELECT roll_after(%s)", [_hour(now - SETTLING)])
    while (span := _next_span(connection)) is not None:
        keeper.keep(*span)
        yield f"kept since={span[0]:%Y-%m-%dT%H} until={span[1]:%Y-%m-%dT%H}"
    while (span := _next_days(connection)) is not None:
        keeper.keep_days(*span)
        yield f"days kept until={span[1]:%Y-%m-%d}"
    # Only as many as there are now: where readings come late all the time, there is other work as well.
    for _ in range(_rounds(connection)):
        if hours := _claim(connection):
            keeper.recount()
            yield f"counted anew hours={hours}"


def set_back(connection: Connection, now: dt.datetime) -> Iterator[str]:
    """Put the bounds right that a server's clock has moved ahead which stood wrong; yields it where it was.

    Behind the newest reading they never go: where the clock is behind now, it is that which tells the time.
    """
    row = connection.execute(
        "SELECT nullif(watermark, '-infinity'), greatest(%s, (SELECT max(at) FROM newest)) FROM storage",
        [now],
    ).fetchone()
    assert row is not None  # noqa: S101  the migration has made it
    watermark, reached = row
    right = _hour(reached - SETTLING)
    # A clock that steps back by moments, as clocks do, is no reason.
    if watermark is None or watermark <= right + dt.timedelta(hours=1):
        return
    with connection.transaction():
        connection.execute("SELECT set_back(%s)", [right])
    log.warning("the clock of this server stood ahead; bounds of readings put back until=%s", right)
    yield f"put back until={right:%Y-%m-%dT%H}"


class _Tables:
    """Plain PostgreSQL: what is kept are tables of our own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, since: dt.datetime, until: dt.datetime) -> None:
        span = {"since": since, "until": until}
        with self._connection.transaction():
            for statement in (_HOURS, _DONE_TO):
                self._connection.execute(statement, span)

    def keep_days(self, since: dt.datetime, until: dt.datetime) -> None:
        span = {"since": since, "until": until}
        with self._connection.transaction():
            for statement in (_DAYS, _DAYS_TO):
                self._connection.execute(statement, span)

    def recount(self) -> None:
        with self._connection.transaction():
            for statement in (_DIRTY_HOURS, _DIRTY_DAYS):
                self._connection.execute(statement)
            self._connection.execute("DELETE FROM dirty WHERE claimed")


class _Aggregates:
    """TimescaleDB: continuous aggregates, refreshed over exactly the span that is due.

    A refresh cannot run inside a transaction; killed, it has kept more than is noted, which harms nobody.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # Since 2.28 a refresh goes ten buckets at a time unless told otherwise: 31 times slower (measured).
        told = connection.execute(
            "SELECT 'options' = ANY (proargnames) FROM pg_proc WHERE proname = 'refresh_continuous_aggregate'"
        ).fetchone()
        self._options = ", options => '{\"buckets_per_batch\": 0}'" if told == (True,) else ""

    def keep(self, since: dt.datetime, until: dt.datetime) -> None:
        self._refresh("minute_kept", since, until)
        self._refresh("hour_kept", since, until)
        self._connection.execute(_DONE_TO, {"until": until})

    def keep_days(self, since: dt.datetime, until: dt.datetime) -> None:
        self._refresh("day_kept", since, until)
        self._connection.execute(_DAYS_TO, {"until": until})

    def recount(self) -> None:
        for since, until in self._connection.execute(_DIRTY_SPANS).fetchall():
            self._refresh("minute_kept", since, until)
            self._refresh("hour_kept", since, until)
            self._refresh("day_kept", _day(since), _day(until - dt.timedelta(hours=1)) + _DAY)
        self._connection.execute("DELETE FROM dirty WHERE claimed")

    def _refresh(self, name: str, since: dt.datetime, until: dt.datetime) -> None:
        if since >= until:
            return
        statement = (
            f"CALL refresh_continuous_aggregate('{name}', %s::timestamptz, %s::timestamptz{self._options})"
        )
        self._connection.execute(statement.encode(), [since, until])


def _next_span(connection: Connection) -> tuple[dt.datetime, dt.datetime] | None:
    """The next hours to keep, a day of them at most; nothing where all are kept."""
    computed_to, watermark, _ = _state(connection)
    if watermark is None or computed_to == watermark:
        return None
    since = computed_to or _first_hour(connection, watermark)
    return since, min(watermark, _day(since) + _DAY)


def _next_days(connection: Connection) -> tuple[dt.datetime, dt.datetime] | None:
    computed_to, _, days_to = _state(connection)
    if computed_to is None or days_to == _day(computed_to):
        return None
    since = days_to or _first_day(connection, computed_to)
    return since, _day(computed_to)


def _rounds(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM dirty").fetchone()
    return -(-int(row[0]) // DIRTY_HOURS) if row is not None else 0


def _claim(connection: Connection) -> int:
    with connection.transaction():
        row = connection.execute("SELECT claim_dirty(%s)", [DIRTY_HOURS]).fetchone()
    return int(row[0]) if row is not None else 0


def _state(connection: Connection) -> tuple[dt.datetime | None, dt.datetime | None, dt.datetime | None]:
    row = connection.execute(_STATE).fetchone()
    assert row is not None  # noqa: S101  the migration has made it
    return row[0], row[1], row[2]


def _first_hour(connection: Connection, watermark: dt.datetime) -> dt.datetime:
    """Of the readings that there are, once in a database's life; nothing is packed before it is kept."""
    row = connection.execute("SELECT min(at) FROM reading_open WHERE at < %s", [watermark]).fetchone()
    return _hour(row[0]) if row is not None and row[0] is not None else watermark


def _first_day(connection: Connection, computed_to: dt.datetime) -> dt.datetime:
    row = connection.execute("SELECT min(at) FROM hour_kept").fetchone()
    return _day(row[0] if row is not None and row[0] is not None else computed_to)


def _hour(at: dt.datetime) -> dt.datetime:
    return at.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)


def _day(at: dt.datetime) -> dt.datetime:
    return _hour(at).replace(hour=0)
