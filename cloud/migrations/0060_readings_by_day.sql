-- Readings by day, in one of two modes with the same names, columns and answers; which one is decided once, here.
-- timescale: a hypertable that TimescaleDB compresses, and continuous aggregates.
-- plain:     daily partitions; a day that is over is packed by point and hour into arrays; roll-ups are our own.

CREATE TABLE storage (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    mode        text NOT NULL CHECK (mode IN ('plain', 'timescale')),
    -- Whoever stores a reading from before this instant marks its hour dirty; it only ever moves forward.
    watermark   timestamptz NOT NULL DEFAULT '-infinity',
    -- Minutes and hours before this are kept, days before that; what comes after is counted when asked for.
    computed_to timestamptz NOT NULL DEFAULT '-infinity',
    days_to     timestamptz NOT NULL DEFAULT '-infinity',
    -- Plain: readings from before this go into reading_late, and hours before that are in reading_packed.
    late_before timestamptz NOT NULL DEFAULT '-infinity',
    packed_to   timestamptz NOT NULL DEFAULT '-infinity',
    -- Readings before this are gone for good, by retention.
    raw_from    timestamptz NOT NULL DEFAULT '-infinity',
    CHECK (computed_to <= watermark AND days_to <= computed_to),
    CHECK (packed_to <= late_before)
);

-- Hours whose kept roll-ups no longer tell the truth. `claimed`: somebody counts them anew right now.
CREATE TABLE dirty (
    point_id int NOT NULL,
    hour     timestamptz NOT NULL,
    claimed  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (point_id, hour, claimed)
);

-- Readings that nobody can believe: kept aside, counted, never drawn. Bounded: the oldest go first.
CREATE TABLE quarantine (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    point_id    int NOT NULL,
    at_ms       bigint NOT NULL,
    value       bigint,
    quality     smallint NOT NULL,
    reason      text NOT NULL CHECK (reason IN ('future', 'ancient')),
    gateway_id  int NOT NULL REFERENCES gateway,
    received_at timestamptz NOT NULL,
    -- A reading that comes again is the same one.
    UNIQUE (point_id, at_ms)
);
CREATE INDEX quarantine_gateway ON quarantine (gateway_id, id);

-- What became of what came, a gateway and UTC day; `late` ones are among the accepted.
CREATE TABLE reading_count (
    gateway_id int NOT NULL REFERENCES gateway,
    day        date NOT NULL,
    accepted   bigint NOT NULL DEFAULT 0,
    late       bigint NOT NULL DEFAULT 0,
    duplicate  bigint NOT NULL DEFAULT 0,
    future     bigint NOT NULL DEFAULT 0,
    ancient    bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (gateway_id, day)
) WITH (fillfactor = 50);

ALTER TABLE reading RENAME TO reading_before;

-- only: plain
INSERT INTO storage (mode) VALUES ('plain');

-- In this order of columns a row takes 52 bytes.
CREATE TABLE reading_open (
    at       timestamptz NOT NULL,
    -- A whole multiple of the point's resolution.
    value    bigint,
    point_id int NOT NULL,
    quality  smallint NOT NULL,
    PRIMARY KEY (point_id, at),
    -- Only a good (0) or a stale (1) reading has a value, and a good one always has.
    CHECK (CASE quality WHEN 0 THEN value IS NOT NULL WHEN 1 THEN true ELSE value IS NULL END)
) PARTITION BY RANGE (at);

-- What came for days that are packed, until it is packed too.
CREATE TABLE reading_late (
    at       timestamptz NOT NULL,
    value    bigint,
    point_id int NOT NULL,
    quality  smallint NOT NULL,
    PRIMARY KEY (point_id, at),
    CHECK (CASE quality WHEN 0 THEN value IS NOT NULL WHEN 1 THEN true ELSE value IS NULL END)
);

-- The readings of a point in an hour, ascending: some 2.4 bytes each at 1 Hz, where a row takes 80 (measured).
CREATE TABLE reading_packed (
    hour      timestamptz NOT NULL,
    -- What is added to each value; none where no reading has one.
    base      bigint,
    point_id  int NOT NULL,
    n         int NOT NULL,
    -- Milliseconds into the hour: at equal distances, or each by itself.
    first_ms  int NOT NULL,
    step_ms   int,
    offsets   int[],
    -- Values less the base, in the narrowest that takes them all.
    small     smallint[],
    middle    int[],
    large     bigint[],
    -- Left out where all are good.
    qualities smallint[],
    PRIMARY KEY (point_id, hour)
);

-- Partitions for these UTC days, where there are none. Attached, not created in place: that would lock out readers.
CREATE FUNCTION ensure_days(days date[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    day  date;
    name text;
BEGIN
    FOREACH day IN ARRAY days LOOP
        name := 'reading_open_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(21335, 3);
        -- Asked of the table itself: what another has committed while we waited, to_regclass may not see yet.
        CONTINUE WHEN EXISTS (SELECT FROM pg_class AS c WHERE c.relname = name
                                AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'reading_open'::regclass));
        EXECUTE format('CREATE TABLE %I (LIKE reading_open INCLUDING CONSTRAINTS)', name);
        EXECUTE format('ALTER TABLE reading_open ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       name, day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
    END LOOP;
END $$;

-- The days of reading_open that there are.
CREATE FUNCTION open_days() RETURNS SETOF date LANGUAGE sql STABLE AS $$
    SELECT to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') FROM pg_inherits
     WHERE inhparent = 'reading_open'::regclass ORDER BY 1
$$;

-- Let go of a day whose readings are packed, or gone by retention; waits a second at most for those who read it.
CREATE FUNCTION drop_day(day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF (SELECT (day + 1)::timestamp AT TIME ZONE 'UTC' > greatest(packed_to, raw_from) FROM storage) THEN
        RAISE 'the readings of % are not packed', day;
    END IF;
    SET LOCAL lock_timeout = '1s';
    EXECUTE format('DROP TABLE %I', 'reading_open_' || to_char(day, 'YYYYMMDD'));
END $$;

CREATE TYPE packed_hour AS (
    base bigint, n int, first_ms int, step_ms int, offsets int[], small smallint[], middle int[], large bigint[],
    qualities smallint[]
);

-- The readings of an hour, given as columns in the order of their instants.
CREATE FUNCTION pack_hour(bigint[], int[], smallint[]) RETURNS packed_hour LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    held packed_hour;
    least_value bigint := (SELECT min(v) FROM unnest($1) AS v);
    span numeric := (SELECT max(v) FROM unnest($1) AS v)::numeric - least_value;
BEGIN
    held.n := cardinality($2);
    held.first_ms := $2[1];
    held.step_ms := coalesce($2[2] - $2[1], 0);
    IF EXISTS (SELECT FROM unnest($2) WITH ORDINALITY AS o (ms, place)
                WHERE ms <> held.first_ms + (place - 1) * held.step_ms) THEN
        held.step_ms := NULL;
        held.offsets := $2;
    END IF;
    IF span <= 65534 THEN
        held.base := least_value + 32767;
        held.small := ARRAY(SELECT (v - held.base)::smallint FROM unnest($1) WITH ORDINALITY AS x (v, place) ORDER BY place);
    ELSIF span <= 4294967294 THEN
        held.base := least_value + 2147483647;
        held.middle := ARRAY(SELECT (v - held.base)::int FROM unnest($1) WITH ORDINALITY AS x (v, place) ORDER BY place);
    ELSIF span IS NOT NULL THEN
        held.base := 0;
        held.large := $1;
    END IF;
    IF EXISTS (SELECT FROM unnest($3) AS q WHERE q <> 0) THEN
        held.qualities := $3;
    END IF;
    RETURN held;
END $$;

-- One row a reading again. Ask with the point and the hour, or all of them are unpacked.
CREATE VIEW reading_unpacked AS
    SELECT p.point_id, p.hour, p.base + coalesce(r.small, r.middle, r.large) AS value,
           p.hour + coalesce(r.ms, p.first_ms + (r.place - 1)::int * p.step_ms) * interval '1 ms' AS at,
           coalesce(r.quality, 0::smallint) AS quality
      FROM reading_packed AS p CROSS JOIN LATERAL (
               -- Where no reading has a value, there is no array of them, and the quality says why.
               SELECT * FROM ROWS FROM (generate_series(1, p.n), unnest(p.offsets), unnest(p.small), unnest(p.middle),
                                        unnest(p.large), unnest(p.qualities))
                                       AS r (place, ms, small, middle, large, quality)) AS r;

CREATE FUNCTION readings_of(points int[], since timestamptz, until timestamptz)
    RETURNS TABLE (point_id int, at timestamptz, value bigint, quality smallint) LANGUAGE sql STABLE AS $$
    SELECT point_id, at, value, quality FROM reading_open
     WHERE point_id = ANY (points) AND at >= since AND at < until AND at >= (SELECT packed_to FROM storage)
    UNION ALL
    SELECT point_id, at, value, quality FROM reading_late
     WHERE point_id = ANY (points) AND at >= since AND at < until
    UNION ALL
    SELECT point_id, at, value, quality FROM reading_unpacked
     WHERE point_id = ANY (points) AND at >= since AND at < until
       AND hour >= date_bin('1 hour', since, 'epoch') AND hour < until AND hour < (SELECT packed_to FROM storage)
$$;

CREATE FUNCTION readings_between(since timestamptz, until timestamptz)
    RETURNS TABLE (point_id int, at timestamptz, value bigint, quality smallint) LANGUAGE sql STABLE AS $$
    SELECT point_id, at, value, quality FROM reading_open
     WHERE at >= since AND at < until AND at >= (SELECT packed_to FROM storage)
    UNION ALL
    SELECT point_id, at, value, quality FROM reading_late WHERE at >= since AND at < until
    UNION ALL
    SELECT point_id, at, value, quality FROM reading_unpacked
     WHERE at >= since AND at < until
       AND hour >= date_bin('1 hour', since, 'epoch') AND hour < until AND hour < (SELECT packed_to FROM storage)
$$;

CREATE VIEW reading AS SELECT * FROM readings_between('-infinity', 'infinity');

-- When the first reading of a point was.
CREATE FUNCTION first_reading(point int) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT least(
        (SELECT min(at) FROM reading_open WHERE point_id = point AND at >= (SELECT packed_to FROM storage)),
        (SELECT min(at) FROM reading_late WHERE point_id = point),
        (SELECT hour + first_ms * interval '1 ms' FROM reading_packed
          WHERE point_id = point AND hour < (SELECT packed_to FROM storage) ORDER BY hour LIMIT 1))
$$;

-- Store readings of days that are packed, each once; returns those that were new. One at a time does it, or packs.
CREATE FUNCTION store_late(points int[], ats timestamptz[], given bigint[], qualities smallint[])
    RETURNS TABLE (point_id int, at timestamptz) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    packed timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(21335, 2);
    SELECT packed_to INTO packed FROM storage;
    RETURN QUERY
        WITH came AS MATERIALIZED (
            SELECT DISTINCT ON (p, t) p, t, v, q, date_bin('1 hour', t, 'epoch') AS hour
              FROM unnest(points, ats, given, qualities) WITH ORDINALITY AS rows (p, t, v, q, place)
             ORDER BY p, t, place
        ), known AS MATERIALIZED (
            SELECT old.point_id, old.at
              FROM (SELECT DISTINCT p, hour FROM came WHERE hour < packed) AS asked
                   JOIN reading_unpacked AS old ON old.point_id = asked.p AND old.hour = asked.hour
        )
        INSERT INTO reading_late AS late (at, value, point_id, quality)
            SELECT t, v, p, q FROM came
             WHERE NOT EXISTS (SELECT FROM known WHERE known.point_id = p AND known.at = t)
               AND NOT EXISTS (SELECT FROM reading_open AS o WHERE o.point_id = p AND o.at = t AND o.at >= packed)
             ORDER BY p, t
            ON CONFLICT DO NOTHING
            RETURNING late.point_id, late.at;
END $$;

-- Pack a day; its readings go the late way since `pack_after` was called for it. Killed, it has done nothing.
CREATE FUNCTION pack_day(day date) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    since  timestamptz := day::timestamp AT TIME ZONE 'UTC';
    until  timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
    packed bigint;
BEGIN
    IF (SELECT until > late_before OR until > computed_to FROM storage) THEN
        RAISE 'the readings of % may still be written, or are in no roll-up yet', day;
    END IF;
    INSERT INTO reading_packed (point_id, hour, base, n, first_ms, step_ms, offsets, small, middle, large, qualities)
        SELECT g.point_id, g.hour, k.base, k.n, k.first_ms, k.step_ms, k.offsets, k.small, k.middle, k.large, k.qualities
          FROM (SELECT point_id, hour, array_agg(value ORDER BY at) AS v, array_agg(quality ORDER BY at) AS q,
                       array_agg((extract(epoch FROM at - hour) * 1000)::int ORDER BY at) AS o
                  FROM (SELECT *, date_bin('1 hour', at, 'epoch') AS hour FROM reading_open
                         WHERE at >= since AND at < until) AS read
                 GROUP BY point_id, hour) AS g
               CROSS JOIN LATERAL pack_hour(g.v, g.o, g.q) AS k;
    GET DIAGNOSTICS packed = ROW_COUNT;
    UPDATE storage SET packed_to = until WHERE packed_to < until;
    RETURN packed;
END $$;

-- Pack hours for which readings came late, at most so many; how many it were.
CREATE FUNCTION pack_late(most int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    packed bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(21335, 2);
    WITH asked AS MATERIALIZED (
        SELECT DISTINCT point_id, date_bin('1 hour', at, 'epoch') AS hour FROM reading_late
         WHERE at < (SELECT packed_to FROM storage) LIMIT most
    ), taken AS (
        DELETE FROM reading_late AS late USING asked
         WHERE late.point_id = asked.point_id AND late.at >= asked.hour AND late.at < asked.hour + interval '1 hour'
        RETURNING late.point_id, asked.hour, late.at, late.value, late.quality
    ), both_ways AS (
        SELECT * FROM taken
        UNION ALL
        SELECT old.point_id, old.hour, old.at, old.value, old.quality
          FROM asked JOIN reading_unpacked AS old ON old.point_id = asked.point_id AND old.hour = asked.hour
    )
    INSERT INTO reading_packed AS p (point_id, hour, base, n, first_ms, step_ms, offsets, small, middle, large, qualities)
        SELECT g.point_id, g.hour, k.base, k.n, k.first_ms, k.step_ms, k.offsets, k.small, k.middle, k.large, k.qualities
          FROM (SELECT point_id, hour, array_agg(value ORDER BY at) AS v, array_agg(quality ORDER BY at) AS q,
                       array_agg((extract(epoch FROM at - hour) * 1000)::int ORDER BY at) AS o
                  FROM both_ways GROUP BY point_id, hour) AS g
               CROSS JOIN LATERAL pack_hour(g.v, g.o, g.q) AS k
        ON CONFLICT (point_id, hour) DO UPDATE
           SET (base, n, first_ms, step_ms, offsets, small, middle, large, qualities)
             = (excluded.base, excluded.n, excluded.first_ms, excluded.step_ms, excluded.offsets, excluded.small,
                excluded.middle, excluded.large, excluded.qualities);
    GET DIAGNOSTICS packed = ROW_COUNT;
    RETURN packed;
END $$;

CREATE TABLE minute_kept (
    at       timestamptz NOT NULL,
    -- Of the good readings; none where there was none.
    low      bigint,
    high     bigint,
    first    bigint,
    last     bigint,
    -- Of all readings, good or bad.
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    point_id int NOT NULL,
    n        int NOT NULL,
    good     int NOT NULL,
    sum      numeric,
    PRIMARY KEY (point_id, at)
);
CREATE TABLE hour_kept (LIKE minute_kept INCLUDING ALL);
CREATE TABLE day_kept (LIKE minute_kept INCLUDING ALL);
-- end

-- only: timescale
CREATE EXTENSION IF NOT EXISTS timescaledb;
INSERT INTO storage (mode) VALUES ('timescale');

CREATE TABLE reading_open (
    at       timestamptz NOT NULL,
    -- A whole multiple of the point's resolution: 1.9 bytes in the columnstore, where float8 takes 9.8 (measured).
    value    bigint,
    point_id int NOT NULL,
    quality  smallint NOT NULL,
    -- TimescaleDB has no unique key without the column of time in it.
    PRIMARY KEY (point_id, at),
    CHECK (CASE quality WHEN 0 THEN value IS NOT NULL WHEN 1 THEN true ELSE value IS NULL END)
);
SELECT create_hypertable('reading_open', by_range('at', interval '1 day'), create_default_indexes => false);
-- No row-level security here: TimescaleDB refuses it together with a columnstore. Whoever asks for readings has
-- asked for their points first, and those are fenced.
ALTER TABLE reading_open SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'point_id', timescaledb.orderby = 'at');

CREATE FUNCTION ensure_days(days date[]) RETURNS void LANGUAGE sql AS $$ SELECT $$;

-- Compress the days before; how many there were. TimescaleDB lets the owner do that alone.
CREATE FUNCTION close_days(before timestamptz) RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT count(compress_chunk(chunk))::int
      FROM (SELECT show_chunks('reading_open', older_than => before) AS chunk) AS c
           JOIN timescaledb_information.chunks AS i ON format('%I.%I', i.chunk_schema, i.chunk_name)::regclass = chunk
     WHERE NOT i.is_compressed
$$;
CREATE FUNCTION drop_days(before timestamptz) RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT count(*)::int FROM drop_chunks('reading_open', older_than => before)
$$;

CREATE FUNCTION readings_of(points int[], since timestamptz, until timestamptz)
    RETURNS TABLE (point_id int, at timestamptz, value bigint, quality smallint) LANGUAGE sql STABLE AS $$
    SELECT point_id, at, value, quality FROM reading_open WHERE point_id = ANY (points) AND at >= since AND at < until
$$;
CREATE FUNCTION readings_between(since timestamptz, until timestamptz)
    RETURNS TABLE (point_id int, at timestamptz, value bigint, quality smallint) LANGUAGE sql STABLE AS $$
    SELECT point_id, at, value, quality FROM reading_open WHERE at >= since AND at < until
$$;
CREATE VIEW reading AS SELECT point_id, at, value, quality FROM reading_open;
CREATE FUNCTION first_reading(point int) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT min(at) FROM reading_open WHERE point_id = point
$$;

-- Materialised only: what is not kept yet, and what is dirty, the views below add in both modes alike. The real-time
-- part of a continuous aggregate would leave out late readings until the next refresh.
CREATE MATERIALIZED VIEW minute_kept
  WITH (timescaledb.continuous, timescaledb.materialized_only = true, timescaledb.create_group_indexes = false) AS
    SELECT time_bucket('1 minute', at) AS at,
           min(value) FILTER (WHERE quality = 0) AS low, max(value) FILTER (WHERE quality = 0) AS high,
           first(value, at) FILTER (WHERE quality = 0) AS first, last(value, at) FILTER (WHERE quality = 0) AS last,
           min(at) AS first_at, max(at) AS last_at, point_id,
           count(*)::int AS n, (count(*) FILTER (WHERE quality = 0))::int AS good,
           sum(value) FILTER (WHERE quality = 0) AS sum
      FROM reading_open GROUP BY point_id, time_bucket('1 minute', at) WITH NO DATA;
CREATE MATERIALIZED VIEW hour_kept
  WITH (timescaledb.continuous, timescaledb.materialized_only = true, timescaledb.create_group_indexes = false) AS
    SELECT time_bucket('1 hour', at) AS at, min(low) AS low, max(high) AS high,
           first(first, at) FILTER (WHERE good > 0) AS first, last(last, at) FILTER (WHERE good > 0) AS last,
           min(first_at) AS first_at, max(last_at) AS last_at, point_id,
           sum(n)::int AS n, sum(good)::int AS good, sum(sum) AS sum
      FROM minute_kept GROUP BY point_id, time_bucket('1 hour', at) WITH NO DATA;
CREATE MATERIALIZED VIEW day_kept
  WITH (timescaledb.continuous, timescaledb.materialized_only = true, timescaledb.create_group_indexes = false) AS
    SELECT time_bucket('1 day', at) AS at, min(low) AS low, max(high) AS high,
           first(first, at) FILTER (WHERE good > 0) AS first, last(last, at) FILTER (WHERE good > 0) AS last,
           min(first_at) AS first_at, max(last_at) AS last_at, point_id,
           sum(n)::int AS n, sum(good)::int AS good, sum(sum) AS sum
      FROM hour_kept GROUP BY point_id, time_bucket('1 day', at) WITH NO DATA;
ALTER MATERIALIZED VIEW minute_kept SET (timescaledb.enable_columnstore);
-- Only an owner may refresh one, and that is the programs' work; the readings themselves stay the schema's owner's.
ALTER MATERIALIZED VIEW minute_kept OWNER TO sitewarden_app;
ALTER MATERIALIZED VIEW hour_kept OWNER TO sitewarden_app;
ALTER MATERIALIZED VIEW day_kept OWNER TO sitewarden_app;
-- end

SELECT ensure_days(ARRAY(SELECT DISTINCT (at AT TIME ZONE 'UTC')::date FROM reading_before));
INSERT INTO reading_open (at, value, point_id, quality) SELECT at, value, point_id, quality FROM reading_before;
DROP TABLE reading_before;

-- Begin a transaction that stores readings of these UTC days: says what it must mark dirty, and what must go the late
-- way. Until it ends neither bound moves, so that no reading slips between a count that is being made and a mark.
CREATE FUNCTION begin_writing(
    days date[], OUT watermark timestamptz, OUT late_before timestamptz, OUT raw_from timestamptz
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(21335, 1);
    SELECT s.watermark, s.late_before, s.raw_from
      INTO begin_writing.watermark, begin_writing.late_before, begin_writing.raw_from FROM storage AS s;
    PERFORM ensure_days(ARRAY(
        SELECT day FROM unnest(days) AS day
         WHERE (day + 1)::timestamp AT TIME ZONE 'UTC' > greatest(begin_writing.late_before, begin_writing.raw_from)));
END $$;

-- Move a bound forward, once nobody is writing who has been told of the old one.
CREATE FUNCTION roll_after(until timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(21335, 1);
    UPDATE storage SET watermark = until WHERE watermark < until;
END $$;
CREATE FUNCTION pack_after(until timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(21335, 1);
    UPDATE storage SET late_before = until WHERE late_before < until;
END $$;
CREATE FUNCTION forget_before(until timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(21335, 1);
    -- Never what is in no roll-up, nor in one that is no longer true.
    UPDATE storage SET raw_from = until
     WHERE raw_from < until AND until <= computed_to AND NOT EXISTS (SELECT FROM dirty WHERE hour < until);
END $$;

-- Take dirty hours, at most so many, to count them anew; those of a run that was killed are still taken. How many
-- there are. Marks that come from now on are for the next time.
CREATE FUNCTION claim_dirty(most int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(21335, 1);
    WITH taken AS (
        DELETE FROM dirty USING (
            SELECT point_id, hour FROM dirty WHERE NOT claimed ORDER BY hour, point_id LIMIT most) AS next
         WHERE NOT dirty.claimed AND dirty.point_id = next.point_id AND dirty.hour = next.hour
        RETURNING dirty.point_id, dirty.hour)
    INSERT INTO dirty (point_id, hour, claimed) SELECT point_id, hour, true FROM taken ON CONFLICT DO NOTHING;
    RETURN (SELECT count(*) FROM dirty WHERE claimed);
END $$;

-- Minutes counted from the readings themselves: of good ones low, high, first, last and sum; of all n and the instants.
CREATE FUNCTION minutes_between(since timestamptz, until timestamptz)
    RETURNS TABLE (at timestamptz, low bigint, high bigint, first bigint, last bigint, first_at timestamptz,
                   last_at timestamptz, point_id int, n int, good int, sum numeric) LANGUAGE sql STABLE AS $$
    SELECT date_bin('1 minute', at, 'epoch') AS at,
           min(value) FILTER (WHERE quality = 0) AS low, max(value) FILTER (WHERE quality = 0) AS high,
           (array_agg(value ORDER BY at) FILTER (WHERE quality = 0))[1] AS first,
           (array_agg(value ORDER BY at DESC) FILTER (WHERE quality = 0))[1] AS last,
           min(at) AS first_at, max(at) AS last_at, point_id,
           count(*)::int AS n, (count(*) FILTER (WHERE quality = 0))::int AS good,
           sum(value) FILTER (WHERE quality = 0) AS sum
      FROM readings_between(since, until) GROUP BY point_id, date_bin('1 minute', at, 'epoch')
$$;
CREATE FUNCTION minutes_of(points int[], since timestamptz, until timestamptz)
    RETURNS TABLE (at timestamptz, low bigint, high bigint, first bigint, last bigint, first_at timestamptz,
                   last_at timestamptz, point_id int, n int, good int, sum numeric) LANGUAGE sql STABLE AS $$
    SELECT date_bin('1 minute', at, 'epoch') AS at,
           min(value) FILTER (WHERE quality = 0) AS low, max(value) FILTER (WHERE quality = 0) AS high,
           (array_agg(value ORDER BY at) FILTER (WHERE quality = 0))[1] AS first,
           (array_agg(value ORDER BY at DESC) FILTER (WHERE quality = 0))[1] AS last,
           min(at) AS first_at, max(at) AS last_at, point_id,
           count(*)::int AS n, (count(*) FILTER (WHERE quality = 0))::int AS good,
           sum(value) FILTER (WHERE quality = 0) AS sum
      FROM readings_of(points, since, until) GROUP BY point_id, date_bin('1 minute', at, 'epoch')
$$;

CREATE VIEW dirty_hour AS SELECT DISTINCT point_id, hour FROM dirty WHERE hour < (SELECT computed_to FROM storage);

-- The minutes that are not kept, or no longer true as they are kept.
CREATE VIEW minute_unkept AS
    SELECT * FROM minutes_between((SELECT computed_to FROM storage), 'infinity')
    UNION ALL
    SELECT m.* FROM dirty_hour AS d
           CROSS JOIN LATERAL minutes_of(ARRAY[d.point_id], d.hour, d.hour + interval '1 hour') AS m;

CREATE VIEW reading_minute AS
    SELECT at, low, high, first, last, first_at, last_at, point_id, n, good, sum FROM minute_kept AS k
     WHERE at < (SELECT computed_to FROM storage)
       AND NOT EXISTS (SELECT FROM dirty AS d
                        WHERE d.point_id = k.point_id AND d.hour = date_bin('1 hour', k.at, 'epoch'))
    UNION ALL
    SELECT * FROM minute_unkept;

CREATE VIEW reading_hour AS
    SELECT at, low, high, first, last, first_at, last_at, point_id, n, good, sum FROM hour_kept AS k
     WHERE at < (SELECT computed_to FROM storage)
       AND NOT EXISTS (SELECT FROM dirty AS d WHERE d.point_id = k.point_id AND d.hour = k.at)
    UNION ALL
    SELECT date_bin('1 hour', at, 'epoch') AS at, min(low) AS low, max(high) AS high,
           (array_agg(first ORDER BY at) FILTER (WHERE good > 0))[1] AS first,
           (array_agg(last ORDER BY at DESC) FILTER (WHERE good > 0))[1] AS last,
           min(first_at) AS first_at, max(last_at) AS last_at, point_id,
           sum(n)::int AS n, sum(good)::int AS good, sum(sum) AS sum
      FROM minute_unkept GROUP BY point_id, date_bin('1 hour', at, 'epoch');

CREATE VIEW reading_day AS
    SELECT at, low, high, first, last, first_at, last_at, point_id, n, good, sum FROM day_kept AS k
     WHERE at < (SELECT days_to FROM storage)
       AND NOT EXISTS (SELECT FROM dirty AS d
                        WHERE d.point_id = k.point_id AND d.hour >= k.at AND d.hour < k.at + interval '1 day')
    UNION ALL
    SELECT date_bin('1 day', at, 'epoch') AS at, min(low) AS low, max(high) AS high,
           (array_agg(first ORDER BY at) FILTER (WHERE good > 0))[1] AS first,
           (array_agg(last ORDER BY at DESC) FILTER (WHERE good > 0))[1] AS last,
           min(first_at) AS first_at, max(last_at) AS last_at, point_id,
           sum(n)::int AS n, sum(good)::int AS good, sum(sum) AS sum
      FROM (SELECT * FROM reading_hour WHERE at >= (SELECT days_to FROM storage)
            UNION ALL
            SELECT h.* FROM (SELECT DISTINCT point_id, date_bin('1 day', hour, 'epoch') AS day FROM dirty) AS d
                   JOIN reading_hour AS h ON h.point_id = d.point_id AND h.at >= d.day
                                         AND h.at < d.day + interval '1 day'
             WHERE d.day < (SELECT days_to FROM storage)) AS hours
     GROUP BY point_id, date_bin('1 day', at, 'epoch');

GRANT SELECT ON storage, dirty, quarantine, reading_count, reading_open, reading, reading_minute,
                reading_hour, reading_day, minute_unkept, dirty_hour TO sitewarden_app;
GRANT INSERT ON dirty, quarantine, reading_count, reading_open TO sitewarden_app;
GRANT UPDATE ON storage, reading_count TO sitewarden_app;
GRANT DELETE ON dirty, quarantine TO sitewarden_app;
-- only: plain
GRANT SELECT, INSERT, UPDATE, DELETE ON reading_packed, reading_late, minute_kept, hour_kept, day_kept TO sitewarden_app;
GRANT SELECT ON reading_unpacked TO sitewarden_app;
-- end
