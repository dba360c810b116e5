-- Minutes that are kept lie by point and hour, as packed readings do: a chart of weeks reads one row where it read
-- sixty, and they take a tenth of the room. They are written so at once, for hours are kept as a whole. Those that were
-- kept before lie as they did, and are read so, until the work on the storage has packed them a little at a time: there
-- may be so many that a day would not do.

-- only: plain
ALTER TABLE minute_kept RENAME TO minute_plain;
ALTER INDEX minute_kept_pkey RENAME TO minute_plain_pkey;
GRANT TRUNCATE ON minute_plain TO sitewarden_app;

-- The minutes of a point in an hour, ascending: some 800 bytes at 1 Hz, where rows of their own take 10,000.
CREATE TABLE minute_packed (
    hour        timestamptz NOT NULL,
    -- What is added to each value, and to a sum as often as there were good readings; none where no reading was good.
    base        bigint,
    point_id    int NOT NULL,
    -- How many minutes, and which: the first of the hour, unless they are named.
    size        int NOT NULL,
    minutes     smallint[],
    -- How many readings, and how long after the minute's beginning the first and the last: the same in all minutes, or
    -- of each, in milliseconds. How many of them were good is left out where all were.
    n           int,
    first_after interval,
    last_after  interval,
    ns          int[],
    firsts      int[],
    lasts       int[],
    goods       int[],
    -- The least values of all minutes, then the greatest, the first, the last; in the narrowest that takes them all. In
    -- no array is a null: where no reading was good, `goods` says it.
    small       smallint[],
    middle      int[],
    large       bigint[],
    sums        int[],
    wide_sums   numeric[],
    PRIMARY KEY (point_id, hour)
);

CREATE TYPE packed_minutes AS (
    base bigint, size int, minutes smallint[], n int, first_after interval, last_after interval, ns int[], firsts int[],
    lasts int[], goods int[], small smallint[], middle int[], large bigint[], sums int[], wide_sums numeric[]
);

-- One row a minute again. Ask with the point and the hour, or all of them are unpacked. Instants are stepped and not
-- multiplied: that alone would take as long as all the rest.
CREATE VIEW minute_unpacked AS
    SELECT p.hour, m.at,
           CASE WHEN good > 0 THEN base + coalesce(small[i], middle[i], large[i]) END AS low,
           CASE WHEN good > 0
                THEN base + coalesce(small[i + size], middle[i + size], large[i + size]) END AS high,
           CASE WHEN good > 0
                THEN base + coalesce(small[i + 2 * size], middle[i + 2 * size], large[i + 2 * size]) END AS first,
           CASE WHEN good > 0
                THEN base + coalesce(small[i + 3 * size], middle[i + 3 * size], large[i + 3 * size]) END AS last,
           m.at + coalesce(first_after, firsts[i] * interval '1 ms') AS first_at,
           m.at + coalesce(last_after, lasts[i] * interval '1 ms') AS last_at,
           point_id, coalesce(n, ns[i]) AS n, good,
           CASE WHEN good > 0 THEN base::numeric * good + coalesce(sums[i], wide_sums[i]) END AS sum
      FROM minute_packed AS p
           CROSS JOIN LATERAL (
               SELECT place::int AS i, coalesce(p.hour + minutes[place::int] * interval '1 minute', step) AS at,
                      coalesce(goods[place::int], n, ns[place::int]) AS good
                 FROM generate_series(p.hour, p.hour + (size - 1) * interval '1 minute', interval '1 minute')
                      WITH ORDINALITY AS steps (step, place)) AS m;
-- What is packed counts: it may have been counted anew.
CREATE VIEW minute_kept AS
    SELECT at, low, high, first, last, first_at, last_at, point_id, n, good, sum FROM minute_unpacked
    UNION ALL
    SELECT at, low, high, first, last, first_at, last_at, point_id, n, good, sum FROM minute_plain AS p
     WHERE NOT EXISTS (SELECT FROM minute_packed AS k
                        WHERE k.point_id = p.point_id AND k.hour = date_bin('1 hour', p.at, 'epoch'));

-- The minutes of an hour, in their order.
CREATE FUNCTION pack_minutes(minute_kept[]) RETURNS packed_minutes LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    held    packed_minutes;
    hour    timestamptz := date_bin('1 hour', $1[1].at, 'epoch');
    lowest  bigint;
    span    numeric;
    given   bigint[];
    totals  numeric[];
BEGIN
    SELECT count(*), min(low), max(high)::numeric - min(low),
           array_agg((extract(epoch FROM at - hour) / 60)::smallint ORDER BY at),
           array_agg(n ORDER BY at), array_agg(good ORDER BY at),
           array_agg((extract(epoch FROM first_at - at) * 1000)::int ORDER BY at),
           array_agg((extract(epoch FROM last_at - at) * 1000)::int ORDER BY at),
           array_agg(coalesce(low, 0) ORDER BY at) || array_agg(coalesce(high, 0) ORDER BY at)
               || array_agg(coalesce(first, 0) ORDER BY at) || array_agg(coalesce(last, 0) ORDER BY at)
      INTO held.size, lowest, span, held.minutes, held.ns, held.goods, held.firsts, held.lasts, given
      FROM unnest($1);
    IF span <= 65534 THEN
        held.base := lowest + 32767;
        held.small := ARRAY(
            SELECT CASE WHEN good > 0 THEN (v - held.base)::smallint ELSE 0 END
              FROM unnest(given, held.goods || held.goods || held.goods || held.goods)
                   WITH ORDINALITY AS x (v, good, place) ORDER BY place);
    ELSIF span <= 4294967294 THEN
        held.base := lowest + 2147483647;
        held.middle := ARRAY(
            SELECT CASE WHEN good > 0 THEN (v - held.base)::int ELSE 0 END
              FROM unnest(given, held.goods || held.goods || held.goods || held.goods)
                   WITH ORDINALITY AS x (v, good, place) ORDER BY place);
    ELSIF span IS NOT NULL THEN
        held.base := 0;
        held.large := given;
    END IF;
    totals := ARRAY(SELECT coalesce(sum - held.base::numeric * good, 0) FROM unnest($1) ORDER BY at);
    IF span IS NULL THEN
        totals := NULL; -- No reading was good.
    ELSIF (SELECT bool_and(t BETWEEN -2147483648 AND 2147483647) FROM unnest(totals) AS t) THEN
        held.sums := totals::int[];
    ELSE
        held.wide_sums := totals;
    END IF;
    IF held.minutes[held.size] = held.size - 1 THEN
        held.minutes := NULL;
    END IF;
    IF held.goods = held.ns THEN
        held.goods := NULL;
    END IF;
    IF held.ns[1] = ALL (held.ns) THEN
        held.n := held.ns[1];
        held.ns := NULL;
    END IF;
    IF held.firsts[1] = ALL (held.firsts) THEN
        held.first_after := held.firsts[1] * interval '1 ms';
        held.firsts := NULL;
    END IF;
    IF held.lasts[1] = ALL (held.lasts) THEN
        held.last_after := held.lasts[1] * interval '1 ms';
        held.lasts := NULL;
    END IF;
    RETURN held;
END $$;

-- What is kept of a point in a span and not packed yet, and still true.
CREATE FUNCTION plain_minutes_of(point int, since timestamptz, until timestamptz)
    RETURNS TABLE (at timestamptz, low bigint, high bigint, first bigint, last bigint, first_at timestamptz,
                   last_at timestamptz, point_id int, n int, good int, sum numeric) LANGUAGE sql STABLE AS $$
    SELECT at, low, high, first, last, first_at, last_at, point_id, n, good, sum FROM minute_plain AS k
     WHERE k.point_id = point AND k.at >= since AND k.at < until AND k.at < (SELECT computed_to FROM storage)
       AND NOT EXISTS (SELECT FROM dirty AS d
                        WHERE d.point_id = point AND d.hour = date_bin('1 hour', k.at, 'epoch'))
       AND NOT EXISTS (SELECT FROM minute_packed AS p
                        WHERE p.point_id = point AND p.hour = date_bin('1 hour', k.at, 'epoch'))
$$;

-- What is kept of a point in a span, and still true. The span must begin and end with minutes.
CREATE FUNCTION kept_minutes(point int, since timestamptz, until timestamptz)
    RETURNS TABLE (at timestamptz, low bigint, high bigint, first bigint, last bigint, first_at timestamptz,
                   last_at timestamptz, point_id int, n int, good int, sum numeric) LANGUAGE sql STABLE AS $$
    SELECT at, low, high, first, last, first_at, last_at, point_id, n, good, sum FROM minute_unpacked AS k
     WHERE k.point_id = point AND k.at >= since AND k.at < until
       AND k.hour >= date_bin('1 hour', since, 'epoch') AND k.hour < until
       AND k.hour < (SELECT computed_to FROM storage)
       AND NOT EXISTS (SELECT FROM dirty AS d WHERE d.point_id = point AND d.hour = k.hour)
    UNION ALL
    SELECT * FROM plain_minutes_of(point, since, until)
$$;

-- What is true of a point in a span, packed: kept as it is, and counted where it is not kept or no longer true. Its
-- first and last hour may reach beyond the span.
CREATE FUNCTION packed_minutes_of(point int, since timestamptz, until timestamptz)
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
              FROM (SELECT * FROM minutes_of(ARRAY[point], greatest(since, (SELECT computed_to FROM storage)), until)
                    UNION ALL
                    SELECT * FROM plain_minutes_of(point, since, until)
                    UNION ALL
                    SELECT m.* FROM (SELECT DISTINCT hour FROM dirty
                                      WHERE point_id = point AND hour > since - interval '1 hour' AND hour < until
                                        AND hour < (SELECT computed_to FROM storage)) AS d
                           CROSS JOIN LATERAL minutes_of(ARRAY[point], greatest(d.hour, since),
                                                         least(d.hour + interval '1 hour', until)) AS m) AS m
             GROUP BY 1) AS g
           CROSS JOIN LATERAL pack_minutes(g.minutes) AS k
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON minute_packed TO sitewarden_app;
GRANT SELECT ON minute_unpacked, minute_kept TO sitewarden_app;
-- end

-- only: timescale
CREATE FUNCTION kept_minutes(point int, since timestamptz, until timestamptz)
    RETURNS TABLE (at timestamptz, low bigint, high bigint, first bigint, last bigint, first_at timestamptz,
                   last_at timestamptz, point_id int, n int, good int, sum numeric) LANGUAGE sql STABLE AS $$
    SELECT at, low, high, first, last, first_at, last_at, point_id, n, good, sum FROM minute_kept AS k
     WHERE k.point_id = point AND k.at >= since AND k.at < until AND k.at < (SELECT computed_to FROM storage)
       AND NOT EXISTS (SELECT FROM dirty AS d
                        WHERE d.point_id = point AND d.hour = date_bin('1 hour', k.at, 'epoch'))
$$;
-- end

CREATE OR REPLACE VIEW reading_minute AS
    SELECT at, low, high, first, last, first_at, last_at, point_id, n, good, sum FROM minute_kept AS k
     WHERE at < (SELECT computed_to FROM storage)
       AND NOT EXISTS (SELECT FROM dirty AS d
                        WHERE d.point_id = k.point_id AND d.hour = date_bin('1 hour', k.at, 'epoch'))
    UNION ALL
    SELECT * FROM minute_unkept;

CREATE OR REPLACE FUNCTION point_minutes(point int, since timestamptz, until timestamptz)
    RETURNS TABLE (at timestamptz, low bigint, high bigint, first bigint, last bigint, first_at timestamptz,
                   last_at timestamptz, point_id int, n int, good int, sum numeric) LANGUAGE sql STABLE AS $$
    SELECT * FROM kept_minutes(point, since, until)
    UNION ALL
    SELECT * FROM minutes_of(ARRAY[point], greatest(since, (SELECT computed_to FROM storage)), until)
    UNION ALL
    SELECT m.* FROM (SELECT DISTINCT hour FROM dirty
                      WHERE point_id = point AND hour > since - interval '1 hour' AND hour < until
                        AND hour < (SELECT computed_to FROM storage)) AS d
           CROSS JOIN LATERAL minutes_of(ARRAY[point], greatest(d.hour, since),
                                         least(d.hour + interval '1 hour', until)) AS m
$$;
