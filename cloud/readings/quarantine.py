"""Readings that nobody can believe: kept aside for people to look at, counted, never drawn."""

from cloud.database import Connection, array, instant
from cloud.readings.columns import Batch
from cloud.readings.counting import Counts

MOST_QUARANTINED = 100_000
"""Then the oldest go; how many there were in all is counted for ever."""


def set_aside(
    connection: Connection, batch: Batch, reason: str, counts: dict[int, Counts], now_ms: int
) -> None:
    """Keep them; one that comes again is counted once."""
    # So that two workers never wait for each other.
    batch = batch.in_order()
    rows = connection.execute(
        """
        WITH came AS (
            INSERT INTO quarantine (point_id, at_ms, value, quality, reason, gateway_id, received_at)
                SELECT p, t, v, q, %(reason)s, g, %(now)s
                  FROM unnest(%(points)s::int[], %(at)s::bigint[], %(values)s::bigint[],
                              %(qualities)s::smallint[], %(gateways)s::int[]) AS rows (p, t, v, q, g)
                ON CONFLICT DO NOTHING RETURNING gateway_id)
        SELECT gateway_id, count(*) FROM came GROUP BY gateway_id
        """,
        {
            "points": array(batch.points.tolist()),
            "at": array(batch.at_ms.tolist()),
            "values": array(batch.nullable()),
            "qualities": array(batch.qualities.tolist()),
            "gateways": array(batch.gateways.tolist()),
            "reason": reason,
            "now": instant(now_ms),
        },
    ).fetchall()
    for gateway_id, n in rows:
        setattr(counts[gateway_id], reason, n)
    connection.execute(
        "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - %s", [MOST_QUARANTINED]
    )
