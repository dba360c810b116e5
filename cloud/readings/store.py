"""Readings in SQL: written in batches of columns, each once however often it comes."""

from typing import Any, LiteralString, NamedTuple

import psycopg

from cloud.database import Connection, array, instant
from cloud.readings.columns import DAY_MS, Batch, Bools, Columns
from cloud.readings.counting import LATE_MS, Counts, Stored, count_all, count_duplicates, count_stored, note
from cloud.readings.newest import keep_newest
from cloud.readings.quarantine import set_aside
from sitewarden.messages import Gap, Readings

OLDEST_MS = 400 * DAY_MS
"""How far back a reading may lie: a logger's memory of a year, and some."""
NEWEST_MS = 600_000
"""How far ahead a gateway's clock may be."""
_WARY_BATCHES = 50
"""So many batches after one that held a reading for the second time are expected to hold more of them."""


class ToldGap(NamedTuple):
    """A gap, and the record that told of it."""

    gateway_id: int
    boot: str
    seq: int
    place: int
    gap: Gap

    @classmethod
    def of(cls, gateway_id: int, message: Readings) -> "list[ToldGap]":
        """All that a message tells of."""
        return [cls(gateway_id, message.boot, message.seq, *told) for told in enumerate(message.gaps)]


class _Bounds(NamedTuple):
    """Of the transaction, see the migration that made them."""

    watermark_ms: int
    late_before_ms: int
    raw_from_ms: int


class Storing:
    """Stores batches; belongs to one connection's lane, for it remembers whether readings come twice."""

    def __init__(self) -> None:
        """Nothing has come twice yet."""
        self._wary = 0

    def store(
        self, connection: Connection, columns: Columns, heard: set[int], now_ms: int
    ) -> dict[int, Counts]:
        """Store readings once each, keep the newest of each point, note which gateways were heard.

        Inside a transaction of the caller's. Returns what became of them, by gateway.
        """
        batch = Batch.of(columns)
        counts = {gateway_id: Counts() for gateway_id in heard}
        is_future, is_ancient = _is_future(batch), _is_ancient(batch)
        # No day is made for a clock that is wrong: each would be a table, and there to stay.
        bounds = _begin(connection, batch.where(~(is_future | is_ancient)))
        # Of what is gone by retention only roll-ups are left: one reading more would not be counted right.
        is_ancient |= batch.at_ms < bounds.raw_from_ms
        for reason, is_meant in (("future", is_future), ("ancient", is_ancient)):
            if is_meant.any():
                set_aside(connection, batch.where(is_meant), reason, counts, now_ms)
        believed = batch.where(~(is_future | is_ancient))
        if believed:
            ordered = believed.in_order()
            is_late = ordered.at_ms < bounds.late_before_ms
            self._store_open(connection, ordered.where(~is_late), bounds, counts, now_ms)
            if is_late.any():
                stored = _store_late(connection, ordered.where(is_late), bounds, now_ms)
                count_stored(counts, stored)
            keep_newest(connection, ordered)
        count_duplicates(counts, believed)
        note(connection, counts, now_ms)
        return counts

    def _store_open(
        self, connection: Connection, batch: Batch, bounds: _Bounds, counts: dict[int, Counts], now_ms: int
    ) -> None:
        if not batch:
            return
        if not self._wary:
            try:
                with connection.transaction():
                    _copy(connection, "reading_open", batch)
            except psycopg.errors.UniqueViolation:
                self._wary = _WARY_BATCHES
            else:
                _mark_dirty(connection, batch.where(batch.at_ms < bounds.watermark_ms))
                count_all(counts, batch, now_ms)
                return
        stored = _store_staged(connection, batch, bounds, now_ms)
        is_clean = sum(accepted for _, accepted, _ in stored) == len(batch.points)
        self._wary = self._wary - 1 if is_clean else _WARY_BATCHES
        count_stored(counts, stored)


def store_gaps(connection: Connection, gaps: list[ToldGap]) -> None:
    """Store gaps once each."""
    if not gaps:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO gap (gateway_id, boot, seq, place, from_at, to_at, count, reason, points)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
            """,
            [
                (*record, instant(gap.from_at), instant(gap.to_at), gap.count, gap.reason, gap.points)
                for *record, gap in gaps
            ],
        )


_BEGIN: LiteralString = """
    SELECT (extract(epoch FROM greatest(watermark, '1900-01-01')) * 1000)::bigint,
           (extract(epoch FROM greatest(late_before, '1900-01-01')) * 1000)::bigint,
           (extract(epoch FROM greatest(raw_from, '1900-01-01')) * 1000)::bigint
      FROM begin_writing(ARRAY(SELECT date '1970-01-01' + day FROM unnest(%s::int[]) AS day))
"""


def _begin(connection: Connection, batch: Batch) -> _Bounds:
    row = connection.execute(_BEGIN, [array(batch.days())]).fetchone()
    assert row is not None  # noqa: S101  a function of outputs gives one row
    return _Bounds(*row)


def _is_future(batch: Batch) -> Bools:
    return batch.at_ms > batch.seen_ms + NEWEST_MS


def _is_ancient(batch: Batch) -> Bools:
    return batch.at_ms < batch.seen_ms - OLDEST_MS


def _copy(connection: Connection, table: LiteralString, batch: Batch) -> None:
    with connection.cursor() as cursor:
        statement = f"COPY {table} (at, value, point_id, quality) FROM STDIN (FORMAT BINARY)"
        with cursor.copy(statement) as copy:
            copy.write(batch.copied())


_STAGE: LiteralString = """
    CREATE TEMP TABLE IF NOT EXISTS staged (at timestamptz, value bigint, point_id int, quality smallint)
        ON COMMIT DELETE ROWS
"""
_COUNTED: LiteralString = """
    , marked AS (
        INSERT INTO dirty (point_id, hour)
            SELECT DISTINCT point_id, date_bin('1 hour', at, 'epoch') FROM stored
             WHERE at < %(watermark)s ORDER BY 1, 2
            ON CONFLICT DO NOTHING)
    SELECT gateway_id, count(*), count(*) FILTER (WHERE at < %(late)s)
      FROM stored JOIN point ON point.id = stored.point_id GROUP BY gateway_id
"""


def _store_staged(connection: Connection, batch: Batch, bounds: _Bounds, now_ms: int) -> Stored:
    """The way for a batch some of whose readings are there already."""
    connection.execute(_STAGE)
    _copy(connection, "staged", batch)
    return connection.execute(
        f"""
        WITH stored AS (
            INSERT INTO reading_open (at, value, point_id, quality)
                SELECT at, value, point_id, quality FROM staged
                ON CONFLICT DO NOTHING RETURNING point_id, at)
        {_COUNTED}""",  # noqa: S608
        _moments(bounds, now_ms),
    ).fetchall()


def _store_late(connection: Connection, batch: Batch, bounds: _Bounds, now_ms: int) -> Stored:
    """The way for readings of days that are packed."""
    return connection.execute(
        f"""
        WITH stored AS (
            SELECT * FROM store_late(
                %(points)s::int[],
                ARRAY(SELECT timestamptz 'epoch' + t * interval '1 ms' FROM unnest(%(at)s::bigint[])
                        WITH ORDINALITY AS given (t, place) ORDER BY place),
                %(values)s::bigint[], %(qualities)s::smallint[]))
        {_COUNTED}""",  # noqa: S608
        {
            "points": array(batch.points.tolist()),
            "at": array(batch.at_ms.tolist()),
            "values": array(batch.nullable()),
            "qualities": array(batch.qualities.tolist()),
            **_moments(bounds, now_ms),
        },
    ).fetchall()


def _moments(bounds: _Bounds, now_ms: int) -> dict[str, Any]:
    return {"watermark": instant(bounds.watermark_ms), "late": instant(now_ms - LATE_MS)}


def _mark_dirty(connection: Connection, batch: Batch) -> None:
    """Of readings older than what is kept, which hours must be counted anew."""
    if not batch:
        return
    # Ascending, so that two workers never wait for each other.
    hours = list(batch.hours())
    connection.execute(
        """
        INSERT INTO dirty (point_id, hour)
            SELECT p, timestamptz 'epoch' + h * interval '1 ms'
              FROM unnest(%s::int[], %s::bigint[]) AS rows (p, h)
            ON CONFLICT DO NOTHING
        """,
        [array([point for point, _ in hours]), array([hour for _, hour in hours])],
    )
