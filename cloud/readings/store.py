"""Readings in SQL: written in batches of columns, each once however often it comes."""

from typing import NamedTuple

import msgspec

from cloud.database import Connection, array, instant
from cloud.sites.registry import PointEntry
from sitewarden.messages import Gap, Readings, Series
from sitewarden.quality import Quality

LATE_MS = 60_000
"""A reading stored longer than this after its instant was held up on the way, and counts as late."""
_MAX_INT8 = 2**63 - 1


class Columns(msgspec.Struct, kw_only=True):
    """Rows to store, by column, of any number of messages."""

    point_ids: list[int] = []
    at_ms: list[int] = []
    values: list[int | None] = []
    qualities: list[int] = []
    heard: list[int] = []
    """The gateways that the messages came from."""

    def add(self, point: PointEntry, at_ms: int, series: Series) -> None:
        """The rows of one series; raises `OverflowError` where a value is no multiple that fits."""
        values, qualities = _stored(series, point.resolution)
        self.point_ids += [point.id] * len(values)
        self.at_ms += [at_ms + t for t in series.t]
        self.values += values
        self.qualities += qualities


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


class _Newest(NamedTuple):
    at_ms: int
    value: int | None
    quality: int


class _Good(NamedTuple):
    at_ms: int
    value: int | None


def store(connection: Connection, columns: Columns, now_ms: int) -> None:
    """Store rows once each, keep the newest of each point, note which gateways were heard and gained what."""
    # Multiplying an interval is exact, where an epoch in floating seconds is not.
    connection.execute(
        """
        WITH stored AS (
            INSERT INTO reading (point_id, at, value, quality)
                SELECT p, timestamptz 'epoch' + t * interval '1 ms', v, q
                  FROM unnest(%(points)s::int[], %(at)s::bigint[], %(values)s::bigint[],
                              %(qualities)s::smallint[]) AS rows (p, t, v, q)
                ON CONFLICT DO NOTHING
                RETURNING point_id, at
        ), gained AS (
            SELECT gateway_id, count(*) AS n, count(*) FILTER (WHERE at < %(late_before)s) AS late
              FROM stored JOIN point ON point.id = stored.point_id GROUP BY gateway_id
        )
        UPDATE gateway SET seen_at = greatest(seen_at, %(now)s),
               readings_committed = readings_committed + coalesce(gained.n, 0),
               readings_late = readings_late + coalesce(gained.late, 0)
          FROM (SELECT unnest(%(heard)s::int[]) AS id) AS heard
               LEFT JOIN gained ON gained.gateway_id = heard.id
         WHERE gateway.id = heard.id
        """,
        {
            "points": array(columns.point_ids),
            "at": array(columns.at_ms),
            "values": array(columns.values),
            "qualities": array(columns.qualities),
            "late_before": instant(now_ms - LATE_MS),
            "now": instant(now_ms),
            "heard": array(sorted(set(columns.heard))),
        },
    )
    _keep_newest(connection, columns)


def store_gaps(connection: Connection, gaps: list[ToldGap]) -> None:
    """Store gaps once each, however often they are told."""
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


def _keep_newest(connection: Connection, columns: Columns) -> None:
    newest: dict[int, _Newest] = {}
    good: dict[int, _Good] = {}
    rows = zip(columns.point_ids, columns.at_ms, columns.values, columns.qualities, strict=True)
    for point_id, at_ms, value, quality in rows:
        known, believed = newest.get(point_id), good.get(point_id)
        if known is None or at_ms > known.at_ms:
            newest[point_id] = _Newest(at_ms, value, quality)
        if quality == Quality.GOOD and (believed is None or at_ms > believed.at_ms):
            good[point_id] = _Good(at_ms, value)
    # In the order of points, so that two workers never wait for each other.
    ordered = sorted(newest.items())
    lasting = [good.get(point_id) for point_id, _ in ordered]
    connection.execute(
        """
        INSERT INTO newest (point_id, at, value, quality, good_at, good_value)
            SELECT p, timestamptz 'epoch' + t * interval '1 ms', v, q,
                   timestamptz 'epoch' + gt * interval '1 ms', gv
              FROM unnest(%(points)s::int[], %(at)s::bigint[], %(values)s::bigint[],
                          %(qualities)s::smallint[], %(good_at)s::bigint[],
                          %(good_values)s::bigint[]) AS rows (p, t, v, q, gt, gv)
            ON CONFLICT (point_id) DO UPDATE
               SET at = excluded.at, value = excluded.value, quality = excluded.quality,
                   good_at = coalesce(excluded.good_at, newest.good_at),
                   good_value = CASE WHEN excluded.good_at IS NULL THEN newest.good_value
                                     ELSE excluded.good_value END
             WHERE excluded.at > newest.at
        """,
        {
            "points": array([point_id for point_id, _ in ordered]),
            "at": array([row.at_ms for _, row in ordered]),
            "values": array([row.value for _, row in ordered]),
            "qualities": array([row.quality for _, row in ordered]),
            "good_at": array([row and row.at_ms for row in lasting]),
            "good_values": array([row and row.value for row in lasting]),
        },
    )


def _stored(series: Series, resolution: float) -> tuple[list[int | None], list[int]]:
    """Values as multiples of the resolution; none where the quality is bad, and bad where there is none."""
    if series.q is None:
        # `Series` has seen to it that no value is missing here.
        values: list[int | None] = [round(x / resolution) for x in series.x if x is not None]
        qualities = [0] * len(values)
    else:
        values, qualities = [], []
        for x, quality in zip(series.x, series.q, strict=True):
            kept = x is not None and quality <= Quality.STALE
            values.append(round(x / resolution) if kept and x is not None else None)
            qualities.append(Quality.NOT_A_NUMBER if x is None and quality is Quality.GOOD else int(quality))
    if values and max(map(abs, filter(None, values)), default=0) > _MAX_INT8:
        raise OverflowError(f"a value of {series.p} does not fit")
    return values, qualities
