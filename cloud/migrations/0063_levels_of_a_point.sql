-- What the views reading_minute, reading_hour and reading_day say, of one point and a span: asked of a view, what is
-- not kept would be counted of all points. The span must begin and end with buckets of the level.

CREATE FUNCTION point_minutes(point int, since timestamptz, until timestamptz)
    RETURNS TABLE (at timestamptz, low bigint, high bigint, first bigint, last bigint, first_at timestamptz,
                   last_at timestamptz, point_id int, n int, good int, sum numeric) LANGUAGE sql STABLE AS $$
    SELECT at, low, high, first, last, first_at, last_at, point_id, n, good, sum FROM minute_kept AS k
     WHERE k.point_id = point AND k.at >= since AND k.at < until AND k.at < (SELECT computed_to FROM storage)
       AND NOT EXISTS (SELECT FROM dirty AS d
                        WHERE d.point_id = point AND d.hour = date_bin('1 hour', k.at, 'epoch'))
    UNION ALL
    SELECT * FROM minutes_of(ARRAY[point], greatest(since, (SELECT computed_to FROM storage)), until)
    UNION ALL
    SELECT m.* FROM (SELECT DISTINCT hour FROM dirty
                      WHERE point_id = point AND hour > since - interval '1 hour' AND hour < until
                        AND hour < (SELECT computed_to FROM storage)) AS d
           CROSS JOIN LATERAL minutes_of(ARRAY[point], greatest(d.hour, since),
                                         least(d.hour + interval '1 hour', until)) AS m
$$;

CREATE FUNCTION point_hours(point int, since timestamptz, until timestamptz)
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
      FROM (SELECT * FROM minutes_of(ARRAY[point], greatest(since, (SELECT computed_to FROM storage)), until)
            UNION ALL
            SELECT m.* FROM (SELECT DISTINCT hour FROM dirty
                              WHERE point_id = point AND hour >= since AND hour < until
                                AND hour < (SELECT computed_to FROM storage)) AS d
                   CROSS JOIN LATERAL minutes_of(ARRAY[point], d.hour, d.hour + interval '1 hour') AS m) AS minutes
     GROUP BY point_id, date_bin('1 hour', at, 'epoch')
$$;

CREATE FUNCTION point_days(point int, since timestamptz, until timestamptz)
    RETURNS TABLE (at timestamptz, low bigint, high bigint, first bigint, last bigint, first_at timestamptz,
                   last_at timestamptz, point_id int, n int, good int, sum numeric) LANGUAGE sql STABLE AS $$
    SELECT at, low, high, first, last, first_at, last_at, point_id, n, good, sum FROM day_kept AS k
     WHERE k.point_id = point AND k.at >= since AND k.at < until AND k.at < (SELECT days_to FROM storage)
       AND NOT EXISTS (SELECT FROM dirty AS d
                        WHERE d.point_id = point AND d.hour >= k.at AND d.hour < k.at + interval '1 day')
    UNION ALL
    SELECT date_bin('1 day', at, 'epoch') AS at, min(low), max(high),
           (array_agg(first ORDER BY at) FILTER (WHERE good > 0))[1],
           (array_agg(last ORDER BY at DESC) FILTER (WHERE good > 0))[1],
           min(first_at), max(last_at), point_id, sum(n)::int, sum(good)::int, sum(sum)
      FROM (SELECT * FROM point_hours(point, greatest(since, (SELECT days_to FROM storage)), until)
            UNION ALL
            SELECT h.* FROM (SELECT DISTINCT date_bin('1 day', hour, 'epoch') AS day FROM dirty
                              WHERE point_id = point AND hour >= since AND hour < until
                                AND hour < (SELECT days_to FROM storage)) AS d
                   CROSS JOIN LATERAL point_hours(point, d.day, d.day + interval '1 day') AS h) AS hours
     GROUP BY point_id, date_bin('1 day', at, 'epoch')
$$;
