-- The whole life of a hazard record: judged, rectified, reviewed, closed. Its events are the truth; a row of `hazard` is what they
-- come to, for lists; and every event carries what the record was right after it, so that any past instant can be counted.

ALTER TABLE hazard RENAME COLUMN closed_at TO ended_at;
COMMENT ON COLUMN hazard.ended_at IS 'Closed, rejected or merged: no longer open.';

ALTER TABLE hazard
    -- A person may file a danger that no device measures.
    ALTER COLUMN device DROP NOT NULL,
    ALTER COLUMN content_episode DROP NOT NULL,
    DROP CONSTRAINT hazard_level_check,
    DROP CONSTRAINT hazard_status_check,
    DROP CONSTRAINT hazard_signal_check,
    ADD CONSTRAINT hazard_level_check CHECK (level IN ('general', 'major_proposed', 'major')),
    ADD CONSTRAINT hazard_status_check CHECK (status IN (
        'candidate', 'rejected', 'merged', 'confirmed', 'rectifying', 'rectified', 'reviewed', 'closed')),
    ADD CONSTRAINT hazard_signal_check CHECK (signal IN ('none', 'active', 'cleared', 'unknown')),
    ADD COLUMN mode text NOT NULL DEFAULT 'live' CHECK (mode IN ('live', 'drill')),
    -- Sequence number of its last event: what an ETag says.
    ADD COLUMN version int NOT NULL DEFAULT 1,
    ADD COLUMN source text NOT NULL DEFAULT 'self' CHECK (source IN ('self', 'inspection', 'public_report')),
    ADD COLUMN source_detail text NOT NULL DEFAULT 'monitoring',
    ADD COLUMN location text NOT NULL DEFAULT '',
    -- What its events come to, whole (cloud/hazards/record.py); the columns below repeat what lists and clocks ask for.
    ADD COLUMN record jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN report text NOT NULL DEFAULT 'not_due' CHECK (report IN (
        'not_due', 'due', 'provisional', 'reported', 'reported_late', 'withdrawn')),
    ADD COLUMN report_due_at timestamptz,
    ADD COLUMN supervision text NOT NULL DEFAULT 'none' CHECK (supervision IN ('none', 'proposed', 'listed', 'delisted')),
    ADD COLUMN control text NOT NULL DEFAULT 'none' CHECK (control IN ('none', 'partial_stop', 'stop_work', 'evacuated')),
    ADD COLUMN escalation_step smallint NOT NULL DEFAULT 0 CHECK (escalation_step BETWEEN 0 AND 5),
    -- A higher step that the machine proposes and nobody has taken yet.
    ADD COLUMN escalation_proposed smallint CHECK (escalation_proposed BETWEEN 1 AND 5),
    ADD COLUMN overdue boolean NOT NULL DEFAULT false,
    ADD COLUMN refused boolean NOT NULL DEFAULT false,
    ADD COLUMN due_at timestamptz,
    ADD COLUMN verified_at timestamptz,
    ADD COLUMN closed_at timestamptz,
    ADD COLUMN repeat_of uuid REFERENCES hazard,
    ADD COLUMN repeat_no int NOT NULL DEFAULT 0,
    ADD COLUMN merged_into uuid REFERENCES hazard,
    ADD CONSTRAINT ended CHECK ((ended_at IS NOT NULL) = (status IN ('closed', 'rejected', 'merged'))),
    ADD CONSTRAINT closed CHECK ((closed_at IS NOT NULL) = (status = 'closed')),
    ADD CONSTRAINT closed_is_verified CHECK (status <> 'closed' OR (verified_at IS NOT NULL AND signal <> 'active')),
    ADD CONSTRAINT only_live_is_reported CHECK (mode = 'live' OR report = 'not_due');
-- For repeats: what the last record of the same danger was.
CREATE INDEX hazard_ended ON hazard (fingerprint, ended_at DESC) WHERE ended_at IS NOT NULL;

-- One row an event more than the chain itself needs: what the record was right after it.
ALTER TABLE hazard_event
    ADD COLUMN at timestamptz,
    ADD COLUMN kind text,
    -- Who, where a person acted.
    ADD COLUMN account_id int REFERENCES account,
    ADD COLUMN status text,
    ADD COLUMN level text,
    ADD COLUMN report text,
    ADD COLUMN supervision text,
    ADD COLUMN escalation_step smallint,
    ADD COLUMN overdue boolean,
    ADD COLUMN verified boolean;
ALTER TABLE hazard_event DISABLE TRIGGER final;
UPDATE hazard_event AS event
   SET at = (said->>'at')::timestamptz, kind = said->>'kind', status = 'candidate',
       level = CASE WHEN EXISTS (
                        SELECT FROM hazard_event AS earlier
                         WHERE earlier.hazard_id = event.hazard_id AND earlier.seq <= event.seq
                           AND ((earlier.record::jsonb)->'body'->>'level' = 'major_proposed'
                                OR (earlier.record::jsonb)->>'kind' = 'handling_expired'))
                    THEN 'major_proposed' ELSE 'general' END,
       report = 'not_due', supervision = 'none', escalation_step = 0, overdue = false, verified = false
  FROM (SELECT hazard_id, seq, record::jsonb AS said FROM hazard_event) AS told
 WHERE told.hazard_id = event.hazard_id AND told.seq = event.seq;
ALTER TABLE hazard_event ENABLE TRIGGER final;
ALTER TABLE hazard_event
    ALTER COLUMN at SET NOT NULL, ALTER COLUMN kind SET NOT NULL, ALTER COLUMN status SET NOT NULL,
    ALTER COLUMN level SET NOT NULL, ALTER COLUMN report SET NOT NULL, ALTER COLUMN supervision SET NOT NULL,
    ALTER COLUMN escalation_step SET NOT NULL, ALTER COLUMN overdue SET NOT NULL, ALTER COLUMN verified SET NOT NULL;
CREATE INDEX hazard_event_at ON hazard_event (at);
UPDATE hazard SET version = (SELECT max(seq) FROM hazard_event WHERE hazard_id = hazard.id);
