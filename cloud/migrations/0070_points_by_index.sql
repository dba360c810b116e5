-- What is kept of a point is found by the point: TimescaleDB keeps roll-ups by instant alone unless told otherwise, and
-- read those of all points for a chart of one. What is not kept is only planned for where there is any.

-- only: timescale
-- Chunks that are compressed the old way, the work on days compresses anew, one at a time.
ALTER MATERIALIZED VIEW minute_kept
  SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'point_id', timescaledb.orderby = 'at');
CREATE INDEX minute_kept_point ON minute_kept (point_id, at);
CREATE INDEX hour_kept_point ON hour_kept (point_id, at);
CREATE INDEX day_kept_point ON day_kept (point_id, at);

-- By its first condition none of its rows is compared with marks where there are none.
CREATE OR REPLACE FUNCTION kept_minutes(point int, since timestamptz, until timestamptz)
    RETURNS TABLE (at timestamptz, low bigint, high bigint, first bigint, last bigint, first_at timestamptz,
                   last_at timestamptz, point_id int, n int, good int, sum numeric) LANGUAGE sql STABLE AS $$
    SELECT at, low, high, first, last, first_at, last_at, point_id, n, good, sum FROM minute_kept AS k
     WHERE k.point_id = point AND k.at >= since AND k.at < until AND k.at < (SELECT computed_to FROM storage)
       AND ((SELECT NOT EXISTS (SELECT FROM dirty AS d WHERE d.point_id = point))
            OR date_bin('1 hour', k.at, 'epoch') NOT IN (SELECT d.hour FROM dirty AS d WHERE d.point_id = point))
$$;
-- end

-- The minutes of a point in a span that are not kept, or no longer true as they are kept. Not in plain SQL: that would be
-- planned over all days that there are, each time, which takes longer than to read what is kept.
CREATE FUNCTION unkept_minutes_of(point int, since timestamptz, until timestamptz)
    RETURNS TABLE (at timestamptz, low bigint, high bigint, first bigint, last bigint, first_at timestamptz,
                   last_at timestamptz, point_id int, n int, good int, sum numeric) LANGUAGE plpgsql STABLE ROWS 60 AS $$
DECLARE
    kept_to  timestamptz := (SELECT s.computed_to FROM storage AS s);
    untrue   timestamptz;
BEGIN
    FOR untrue IN SELECT DISTINCT d.hour FROM dirty AS d
                   WHERE d.point_id = point AND d.hour > since - interval '1 hour' AND d.hour < least(until, kept_to) LOOP
        RETURN QUERY SELECT * FROM minutes_of(ARRAY[point], greatest(untrue, since),
                                              least(untrue + interval '1 hour', until));
    END LOOP;
    IF until > kept_to THEN
        RETURN QUERY SELECT * FROM minutes_of(ARRAY[point], greatest(since, kept_to), until);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION point_minutes(point int, since timestamptz, until timestamptz)
    RETURNS TABLE (at timestamptz, low bigint, high bigint, first bigint, last bigint, first_at timestamptz,
                   last_at timestamptz, point_id int, n int, good int, sum numeric) LANGUAGE sql STABLE AS $$
    SELECT * FROM kept_minutes(point, since, until)
    UNION ALL
    SELECT * FROM unkept_minutes_of(point, since, until)
$$;

CREATE OR REPLACE FUNCTION point_hours(point int, since timestamptz, until timestamptz)
    RETURNS TABLE (at timestamptz, low bigint, high bigint, first bigint, last bigint, first_at timestamptz,
                   last_at timestamptz, point_id int, n int, good int, sum numeric) LANGUAGE sql STABLE AS $$
    SELECT at, low, high, first, last, first_at, last_at, point_id, n, good, sum FROM hour_kept AS k
     WHERE k.point_id = point AND k.at >= since AND k.at < until AND k.at < (SELECT computed_to FROM storage)
       AND NOT EXISTS (SELECT FROM dirty AS d WHERE d.point_id = point AND d.hour = k.at)
    UNION ALL
    SELECT date_bin('1 hour', at, 'epoch') AS at, min(low), max(high),
           (array_agg(first ORDER BY at) FILTER (WHERE good > 0))[1],
           (array_agg(last ORDER BY at DESC) FILTER (WHERE good > 0))[1],
           min(first_at), max(last_at), point_id, sum(n)::int, sum(good)::int, sum(sum)
      FROM unkept_minutes_of(point, since, until) GROUP BY point_id, date_bin('1 hour', at, 'epoch')
$$;

-- only: plain
CREATE OR REPLACE FUNCTION packed_minutes_of(point int, since timestamptz, until timestamptz)
    RETURNS TABLE (hour timestamptz, base bigint, size int, minutes smallint[], n int, first_after interval,
                   last_after interval, ns int[], firsts int[], lasts int[], goods int[], small smallint[], middle int[],
                   large bigint[]) LANGUAGE sql STABLE AS $$
    SELECT hour, base, size, minutes, n, first_after, last_after, ns, firsts, lasts, goods, small, middle, large
      FROM minute_packed AS k
     WHERE point_id = point AND hour >= date_bin('1 hour', since, 'epoch') AND hour < until
       AND hour < (SELECT computed_to FROM storage)
       AND NOT EXISTS (SELECT FROM dirty AS d WHERE d.point_id = point AND d.hour = k.hour)
    UNION ALL
    SELECT g.hour, k.base, k.size, k.minutes, k.n, k.first_after, k.last_after, k.ns, k.firsts, k.lasts, k.goods,
           k.small, k.middle, k.large
      FROM (SELECT date_bin('1 hour', m.at, 'epoch') AS hour,
                   array_agg(ROW(m.at, low, high, first, last, first_at, last_at, point_id, n, good, sum)::minute_kept
                             ORDER BY m.at) AS minutes
              FROM (SELECT * FROM plain_minutes_of(point, since, until)
                    UNION ALL
                    SELECT * FROM unkept_minutes_of(point, since, until)) AS m GROUP BY 1) AS g
           CROSS JOIN LATERAL pack_minutes(g.minutes) AS k
$$;
-- end
