"""The newest reading of each point, which only a newer one replaces."""

from cloud.database import Connection, array
from cloud.readings.columns import Batch
from sitewarden.quality import Quality


def keep_newest(connection: Connection, batch: Batch) -> None:
    """Of a batch in order, so that two workers never wait for each other."""
    newest = batch.last_of_points()
    good = batch.where(batch.qualities == Quality.GOOD).last_of_points()
    said = zip(good.at_ms.tolist(), good.values.tolist(), strict=True)
    lasting = dict(zip(good.points.tolist(), said, strict=True))
    goods = [lasting.get(point, (None, None)) for point in newest.points.tolist()]
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
            "points": array(newest.points.tolist()),
            "at": array(newest.at_ms.tolist()),
            "values": array(newest.nullable()),
            "qualities": array(newest.qualities.tolist()),
            "good_at": array([at_ms for at_ms, _ in goods]),
            "good_values": array([value for _, value in goods]),
        },
    )
