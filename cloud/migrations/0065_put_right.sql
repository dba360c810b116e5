-- What a server's clock that stood ahead leaves behind is put right; who holds up the work on days is named; the last
-- run of that work is noted.

-- The last time that somebody worked on days and roll-ups. No end: it runs, or was killed.
CREATE TABLE keeping_run (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    began_at timestamptz NOT NULL,
    ended_at timestamptz,
    -- How much there was to do.
    pieces   int NOT NULL DEFAULT 0,
    -- What it ended with, where it was not done.
    error    text
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE ON keeping_run TO sitewarden_app;

-- only: plain
-- The days of reading_open that there are; a year may have five digits.
CREATE OR REPLACE FUNCTION open_days() RETURNS SETOF date LANGUAGE sql STABLE AS $$
    SELECT make_date(left(digits, -4)::int, left(right(digits, 4), 2)::int, right(digits, 2)::int) AS day
      FROM (SELECT substr(relname, length('reading_open_') + 1) AS digits
              FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
             WHERE inhparent = 'reading_open'::regclass) AS days ORDER BY 1
$$;

-- Let go of a day whose readings are packed, or gone by retention. While it waits for those who read the day nobody
-- else begins, so it waits a second at most, and not at all for one that has read for long: a backup, an export.
CREATE OR REPLACE FUNCTION drop_day(day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    name   text := 'reading_open_' || to_char(day, 'YYYYMMDD');
    reader record;
BEGIN
    IF (SELECT (day + 1)::timestamp AT TIME ZONE 'UTC' > greatest(packed_to, raw_from) FROM storage) THEN
        RAISE 'the readings of % are not packed', day;
    END IF;
    SELECT coalesce(nullif(a.application_name, ''), a.usename) AS who, a.xact_start AS since INTO reader
      FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
     WHERE l.relation IN (name::regclass, 'reading_open'::regclass) AND l.granted AND l.pid <> pg_backend_pid()
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND a.xact_start < clock_timestamp() - interval '10 seconds'
     ORDER BY a.xact_start LIMIT 1;
    IF FOUND THEN
        RAISE 'read by % since %', reader.who, reader.since USING ERRCODE = 'lock_not_available';
    END IF;
    SET LOCAL lock_timeout = '1s';
    EXECUTE format('DROP TABLE %I', name);
END $$;

-- Let go of empty days behind this one, which a clock has made that stood ahead; how many there were.
CREATE FUNCTION drop_empty_days(behind date) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    day   date;
    name  text;
    found boolean;
    gone  int := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM open_days() AS d WHERE d > behind) THEN
        RETURN 0;
    END IF;
    -- Who has made a day for readings holds this until they are there.
    PERFORM pg_advisory_xact_lock(21335, 1);
    SET LOCAL lock_timeout = '1s';
    -- Each is a table: of all at once there would be more locks than the server has room for.
    FOR day IN SELECT d FROM open_days() AS d WHERE d > behind ORDER BY 1 LIMIT 100 LOOP
        name := 'reading_open_' || to_char(day, 'YYYYMMDD');
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO found;
        IF NOT found THEN
            EXECUTE format('DROP TABLE %I', name);
            gone := gone + 1;
        END IF;
    END LOOP;
    RETURN gone;
END $$;
-- end

-- Move the bounds back, where a clock has moved them ahead that stood wrong; whether there was anything to do.
-- What is kept behind them is not asked for any more, and kept anew in its time. Plain: what was packed too early is
-- unpacked, for readings of that day are to come the fast way again.
CREATE FUNCTION set_back(until timestamptz) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    today timestamptz := date_bin('1 day', until, 'epoch');
BEGIN
    PERFORM pg_advisory_xact_lock(21335, 1);
    IF (SELECT watermark <= until FROM storage) THEN
        RETURN false;
    END IF;
    UPDATE storage SET watermark = until, computed_to = least(computed_to, until), days_to = least(days_to, today);
-- only: plain
    PERFORM pg_advisory_xact_lock(21335, 2);
    IF (SELECT late_before > today FROM storage) THEN
        PERFORM ensure_days(ARRAY(
            SELECT (hour AT TIME ZONE 'UTC')::date FROM reading_packed WHERE hour >= today
            UNION SELECT (at AT TIME ZONE 'UTC')::date FROM reading_late WHERE at >= today));
        -- The rows of a day may be there still.
        INSERT INTO reading_open (at, value, point_id, quality)
            SELECT at, value, point_id, quality FROM reading_unpacked WHERE hour >= today ON CONFLICT DO NOTHING;
        INSERT INTO reading_open (at, value, point_id, quality)
            SELECT at, value, point_id, quality FROM reading_late WHERE at >= today ON CONFLICT DO NOTHING;
        DELETE FROM reading_packed WHERE hour >= today;
        DELETE FROM reading_late WHERE at >= today;
        UPDATE storage SET packed_to = least(packed_to, today), late_before = today;
    END IF;
-- end
    RETURN true;
END $$;
