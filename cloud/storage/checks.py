"""Whether what a database holds goes together: where it does not, what was lost or changed is said."""

from collections.abc import Iterator
from typing import LiteralString

from cloud.database import Connection
from cloud.storage.modes import stored_mode
from cloud.storage.programs import KeepingError

SAMPLED_HOURS = 200
_LEVELS: LiteralString = """
    SELECT 'hour', k.point_id, k.at
      FROM (SELECT * FROM hour_kept AS h
             WHERE at < (SELECT computed_to FROM storage) AND at >= (SELECT raw_from FROM storage)
               AND NOT EXISTS (SELECT FROM dirty AS d WHERE d.point_id = h.point_id AND d.hour = h.at)
             ORDER BY random() LIMIT %(most)s) AS k
           LEFT JOIN LATERAL (
               SELECT count(*)::int AS n, (count(*) FILTER (WHERE quality = 0))::int AS good,
                      min(value) FILTER (WHERE quality = 0) AS low,
                      max(value) FILTER (WHERE quality = 0) AS high,
                      sum(value) FILTER (WHERE quality = 0) AS sum, min(at) AS first_at, max(at) AS last_at
                 FROM readings_of(ARRAY[k.point_id], k.at, k.at + interval '1 hour')) AS r ON true
     WHERE (k.n, k.good, k.low, k.high, k.sum, k.first_at, k.last_at)
           IS DISTINCT FROM (r.n, r.good, r.low, r.high, r.sum, r.first_at, r.last_at)
"""
_UNKEPT: LiteralString = """
    SELECT p.point_id, p.hour
      FROM (SELECT point.id AS point_id, hour
              FROM storage CROSS JOIN point
                   CROSS JOIN LATERAL (SELECT first_reading(point.id) AS at) AS first
                   CROSS JOIN LATERAL generate_series(
                       CASE WHEN first.at < computed_to
                            THEN date_bin('1 hour', greatest(raw_from, first.at), 'epoch') END,
                       computed_to - interval '1 hour', interval '1 hour') AS hour
             WHERE NOT EXISTS (SELECT FROM hour_kept AS k WHERE k.point_id = point.id AND k.at = hour)
               AND NOT EXISTS (SELECT FROM dirty AS d WHERE d.point_id = point.id AND d.hour = hour)
             ORDER BY random() LIMIT %(most)s) AS p
     WHERE EXISTS (SELECT FROM readings_of(ARRAY[p.point_id], p.hour, p.hour + interval '1 hour'))
"""
_STRAY: tuple[tuple[str, LiteralString], ...] = (
    (
        "readings of a point that there is not",
        """SELECT DISTINCT point_id FROM day_kept AS k
            WHERE NOT EXISTS (SELECT FROM point WHERE point.id = k.point_id)""",
    ),
    (
        "a newest value of a point that there is not",
        """SELECT point_id FROM newest AS k
            WHERE NOT EXISTS (SELECT FROM point WHERE point.id = k.point_id)""",
    ),
    (
        "a reading in quarantine of a point that there is not",
        """SELECT DISTINCT point_id FROM quarantine AS k
            WHERE NOT EXISTS (SELECT FROM point WHERE point.id = k.point_id)""",
    ),
)
_PACKED: tuple[tuple[str, LiteralString], ...] = (
    (
        "readings are packed that no hour is kept of: point and hour",
        """SELECT point_id, hour FROM reading_packed AS p
            WHERE hour < (SELECT computed_to FROM storage) AND hour >= (SELECT raw_from FROM storage)
              AND NOT EXISTS (SELECT FROM hour_kept AS k WHERE k.point_id = p.point_id AND k.at = p.hour)
              AND NOT EXISTS (SELECT FROM dirty AS d WHERE d.point_id = p.point_id AND d.hour = p.hour)""",
    ),
    (
        "a packed hour is not as long as it says: point and hour",
        """SELECT point_id, hour FROM reading_packed
            WHERE n < 1 OR hour <> date_bin('1 hour', hour, 'epoch')
               OR num_nonnulls(small, middle, large) > 1
               OR coalesce(cardinality(small), cardinality(middle), cardinality(large), n) <> n
               OR coalesce(cardinality(offsets), n) <> n OR coalesce(cardinality(qualities), n) <> n
               OR (step_ms IS NULL) <> (offsets IS NOT NULL)
               OR coalesce(offsets[n], first_ms + (n - 1) * step_ms) NOT BETWEEN 0 AND 3599999""",
    ),
    (
        "a packed hour of minutes is not as long as it says: point and hour",
        """SELECT point_id, hour FROM minute_packed
            WHERE size NOT BETWEEN 1 AND 60 OR hour <> date_bin('1 hour', hour, 'epoch')
               OR num_nonnulls(small, middle, large) > 1
               OR coalesce(cardinality(small), cardinality(middle), cardinality(large), 4 * size) <> 4 * size
               OR coalesce(cardinality(minutes), size) <> size OR coalesce(cardinality(goods), size) <> size
               OR coalesce(cardinality(sums), cardinality(wide_sums), size) <> size
               OR (n IS NULL) <> (ns IS NOT NULL) OR coalesce(cardinality(ns), size) <> size
               OR (first_after IS NULL) <> (firsts IS NOT NULL)
               OR coalesce(cardinality(firsts), size) <> size
               OR (last_after IS NULL) <> (lasts IS NOT NULL)
               OR coalesce(cardinality(lasts), size) <> size""",
    ),
    (
        "a packed hour of a day that is not packed: point and hour",
        "SELECT point_id, hour FROM reading_packed WHERE hour >= (SELECT packed_to FROM storage)",
    ),
    (
        "a reading both packed and late: point and instant",
        """SELECT late.point_id, late.at FROM reading_late AS late
             JOIN reading_unpacked AS old ON old.point_id = late.point_id AND old.at = late.at
                                         AND old.hour = date_bin('1 hour', late.at, 'epoch')""",
    ),
)
_COUNTED: LiteralString = """
    SELECT c.gateway_id, c.accepted, g.readings_committed
      FROM (SELECT gateway_id, sum(accepted) AS accepted FROM reading_count GROUP BY 1) AS c
           JOIN gateway AS g ON g.id = c.gateway_id WHERE c.accepted > g.readings_committed
"""
_SHOWN = 20


def check(connection: Connection) -> Iterator[str]:
    """All that does not go together, a line each; roll-ups of `SAMPLED_HOURS` hours that chance chooses."""
    mode = stored_mode(connection)
    if mode is None:
        raise KeepingError("this database has no readings by day yet; run sitewarden cloud migrate first")
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for level, point_id, at in connection.execute(_LEVELS, {"most": SAMPLED_HOURS}).fetchall():
            yield f"the {level} {at:%Y-%m-%dT%H} of point {point_id} is not what its readings say"
        for point_id, hour in connection.execute(_UNKEPT, {"most": SAMPLED_HOURS}).fetchmany(_SHOWN):
            yield f"there are readings of point {point_id} and no kept hour {hour:%Y-%m-%dT%H}"
        for what, query in (*_STRAY, *(_PACKED if mode == "plain" else ())):
            for found in connection.execute(query).fetchmany(_SHOWN):
                yield f"{what} {' '.join(str(part) for part in found)}"
        for gateway_id, accepted, committed in connection.execute(_COUNTED).fetchall():
            yield f"gateway {gateway_id} has {accepted} readings by day and {committed} in all"
