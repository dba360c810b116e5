-- What belongs to a hazard record as evidence, since when its signal is what it is, and when a device is being mended.

ALTER TABLE hazard ADD COLUMN signal_since timestamptz;
UPDATE hazard
   SET signal_since = CASE signal
           WHEN 'active' THEN last_episode_at
           ELSE coalesce((SELECT max(cleared_at) FROM episode WHERE hazard_id = hazard.id), last_episode_at) END
 WHERE signal <> 'none';

-- So long a reading of a point holds; ten seconds where its gateway does not say.
CREATE FUNCTION patience(stale_after_ms int) RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(stale_after_ms, 0), 10000) * interval '1 ms'
$$;
-- The points by which the dangers of these records are seen; `occasional`: kinds that speak only at times. Of those, all other
-- points of the device are asked that ever gave a good reading.
CREATE FUNCTION points_of_hazards(hazards uuid[], occasional text)
    RETURNS TABLE (hazard_id uuid, site text, mode text, name text, orphaned boolean, rules text[]) LANGUAGE sql STABLE AS $$
    WITH told AS (
        SELECT DISTINCT ON (e.hazard_id, e.mode, e.point, e.rule)
               e.hazard_id, e.site, e.mode, e.device, e.point, e.kind, e.rule, e.ended
          FROM episode AS e WHERE e.hazard_id = ANY (hazards)
         ORDER BY e.hazard_id, e.mode, e.point, e.rule, e.raised_at DESC
    )
    SELECT told.hazard_id, told.site, told.mode, told.point, bool_or(told.ended IS NOT DISTINCT FROM 'orphaned'),
           array_agg(told.rule)
      FROM told WHERE told.kind !~ occasional GROUP BY told.hazard_id, told.site, told.mode, told.point
    UNION ALL
    SELECT DISTINCT told.hazard_id, its.site, its.mode, its.name, false, '{}'::text[]
      FROM told JOIN point AS its
           ON its.site = told.site AND its.mode = told.mode AND its.device = told.device AND its.current
           JOIN newest ON newest.point_id = its.id AND newest.good_at IS NOT NULL
     WHERE told.kind ~ occasional AND its.kind !~ occasional
$$;

-- Bytes by what they are, apart from what is said of them: the same photo of two records rests once.
CREATE TABLE evidence_file (
    sha256  bytea PRIMARY KEY,
    content bytea NOT NULL,
    CHECK (sha256 = sha256(content))
);
CREATE TABLE evidence_item (
    item         uuid PRIMARY KEY,
    hazard_id    uuid NOT NULL REFERENCES hazard,
    kind         text NOT NULL CHECK (kind IN (
        'series', 'photo', 'video', 'document', 'still', 'device_file', 'rule', 'configuration')),
    stage        text NOT NULL CHECK (stage IN ('found', 'before', 'after', 'review', 'judgement')),
    sha256       bytea NOT NULL REFERENCES evidence_file,
    -- Of the bytes as they were given, before what tells of their maker and place was taken out.
    given_sha256 bytea NOT NULL,
    bytes        int NOT NULL,
    media_type   text NOT NULL,
    name         text NOT NULL DEFAULT '',
    note         text NOT NULL DEFAULT '',
    -- What was taken out of it, what is missing in it.
    about        jsonb NOT NULL DEFAULT '{}',
    -- NULL: the machine's own.
    account_id   int REFERENCES account,
    author       text NOT NULL,
    at           timestamptz NOT NULL,
    UNIQUE (hazard_id, given_sha256)
);
CREATE INDEX evidence_item_listed ON evidence_item (hazard_id, at);

CREATE FUNCTION evidence_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'evidence is never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence_file
    FOR EACH STATEMENT EXECUTE FUNCTION evidence_is_final();
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence_item
    FOR EACH STATEMENT EXECUTE FUNCTION evidence_is_final();

-- What the machine still has to put beside a record: at once what was in force, and the readings once they are all there.
CREATE TABLE evidence_window (
    hazard_id  uuid PRIMARY KEY REFERENCES hazard,
    from_at    timestamptz NOT NULL,
    to_at      timestamptz NOT NULL,
    -- When to look next.
    due_at     timestamptz NOT NULL,
    bundled_at timestamptz,
    frozen_at  timestamptz
);
CREATE INDEX evidence_window_due ON evidence_window (due_at) WHERE frozen_at IS NULL;

-- Whoever opens a record by an alarm, and however: its evidence is never forgotten.
CREATE FUNCTION hazard_wants_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO evidence_window (hazard_id, from_at, to_at, due_at)
        VALUES (NEW.id, NEW.detected_at - interval '5 minutes', NEW.detected_at + interval '5 minutes', '-infinity');
    RETURN NULL;
END $$;
CREATE TRIGGER wants_evidence AFTER INSERT ON hazard
    FOR EACH ROW WHEN (NEW.device IS NOT NULL AND NEW.content_episode IS NOT NULL)
    EXECUTE FUNCTION hazard_wants_evidence();

-- A device that is mended or tested (检修): its alarms are kept and open nothing. Asked by one, approved by another.
CREATE TABLE device_maintenance (
    maintenance    uuid PRIMARY KEY,
    site           text NOT NULL CONSTRAINT site REFERENCES site,
    device         text NOT NULL,
    work_order     text NOT NULL,
    reason         text NOT NULL,
    from_at        timestamptz NOT NULL,
    until_at       timestamptz NOT NULL CHECK (until_at > from_at),
    asked_by       text NOT NULL,
    asked_by_id    int NOT NULL REFERENCES account,
    asked_at       timestamptz NOT NULL,
    approved_by    text,
    approved_by_id int REFERENCES account,
    approved_at    timestamptz,
    -- Ended before its time, or never approved and taken back.
    ended_at       timestamptz,
    ended_by       text,
    end_note       text NOT NULL DEFAULT '',
    CHECK (num_nonnulls(approved_by, approved_by_id, approved_at) IN (0, 3)),
    CONSTRAINT another CHECK (approved_by_id <> asked_by_id)
);
CREATE INDEX device_maintenance_of ON device_maintenance (site, device, from_at DESC);

-- Alarms of a device that was being mended, as they came: what still stands afterwards opens its record.
CREATE TABLE held_alarm (
    episode     uuid PRIMARY KEY REFERENCES episode,
    maintenance uuid NOT NULL REFERENCES device_maintenance,
    alarm       jsonb NOT NULL,
    settled_at  timestamptz
);
CREATE INDEX held_alarm_waiting ON held_alarm (maintenance) WHERE settled_at IS NULL;

-- Something to be done at a device, such as to mend the sensor that a rejected record was due to.
CREATE TABLE device_task (
    task         uuid PRIMARY KEY,
    site         text NOT NULL CONSTRAINT site REFERENCES site,
    device       text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('repair', 'calibration')),
    hazard_id    uuid REFERENCES hazard,
    reason       text NOT NULL,
    opened_by    text NOT NULL,
    opened_by_id int REFERENCES account,
    opened_at    timestamptz NOT NULL,
    closed_at    timestamptz,
    closed_by    text,
    closed_by_id int REFERENCES account,
    note         text NOT NULL DEFAULT '',
    CHECK (num_nonnulls(closed_at, closed_by, closed_by_id) IN (0, 3))
);
CREATE INDEX device_task_of ON device_task (site, device, opened_at DESC);
CREATE UNIQUE INDEX device_task_of_hazard ON device_task (hazard_id, kind);

CALL fence('evidence_item', 'EXISTS (SELECT FROM hazard WHERE hazard.id = hazard_id)');
CALL fence('evidence_window', 'EXISTS (SELECT FROM hazard WHERE hazard.id = hazard_id)');
CALL fence('held_alarm', 'EXISTS (SELECT FROM episode WHERE episode.id = held_alarm.episode)');
CALL fence('device_maintenance', 'site IN (SELECT seen_whole_sites()) OR (site, device) IN (SELECT site, device FROM seen_devices())');
CALL fence('device_task', 'site IN (SELECT seen_whole_sites()) OR (site, device) IN (SELECT site, device FROM seen_devices())');

GRANT SELECT, INSERT ON evidence_file, evidence_item TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE ON evidence_window, held_alarm TO sitewarden_app;
-- What was asked, and by whom, is never rewritten.
GRANT SELECT, INSERT ON device_maintenance, device_task TO sitewarden_app;
GRANT UPDATE (approved_by, approved_by_id, approved_at, ended_at, ended_by, end_note) ON device_maintenance TO sitewarden_app;
GRANT UPDATE (closed_at, closed_by, closed_by_id, note) ON device_task TO sitewarden_app;
