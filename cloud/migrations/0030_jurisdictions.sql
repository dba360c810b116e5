-- Which rules of reporting, clocks and calendars hold in a territory, and what has been reported under them.

-- By name, as `cloud/jurisdictions` ships them; where empty, that of the nearest territory above holds.
ALTER TABLE tree_node
    ADD COLUMN jurisdiction text,
    ADD CONSTRAINT jurisdiction_is_of_territories CHECK (jurisdiction IS NULL OR tree = 'territory');

-- A clock more a kind; what runs out is done by `cloud/hazards/timers.py`.
ALTER TABLE hazard_timer
    DROP CONSTRAINT hazard_timer_kind_check,
    ADD CONSTRAINT hazard_timer_kind_check CHECK (kind IN (
        'handling', 'judge', 'report_provisional', 'report_due', 'plan', 'remind_first', 'remind_last', 'due',
        'escalation_1', 'escalation_2', 'escalation_3', 'escalation_4', 'escalation_5', 'principal_ack', 'evidence'));
-- The clocks of a record, and nobody else's, are looked at when it is acted on.
CREATE INDEX hazard_timer_runs ON hazard_timer (hazard_id) WHERE settled_at IS NULL;

-- Made in the transaction that causes it, so that its instant is that of the cause; never changed afterwards.
CREATE TABLE hazard_report (
    report      uuid PRIMARY KEY,
    hazard_id   uuid NOT NULL REFERENCES hazard,
    -- Of a record, from 1.
    no          int NOT NULL CHECK (no >= 1),
    kind        text NOT NULL CHECK (kind IN ('provisional', 'unverified', 'formal', 'withdrawal', 'correction')),
    -- The node of the responsible authority, which `body` names; NULL, and `body` says so, where none is on file.
    addressee   int,
    due_at      timestamptz NOT NULL,
    sent_at     timestamptz NOT NULL,
    late        boolean NOT NULL,
    -- Canonical JSON: exactly the bytes that `sha256` is over.
    body        text NOT NULL,
    sha256      bytea NOT NULL,
    UNIQUE (hazard_id, no),
    CHECK (sha256 = sha256(convert_to(body, 'UTF8'))),
    CHECK (late = (sent_at > due_at))
);
CREATE INDEX hazard_report_sent ON hazard_report (sent_at);
CREATE FUNCTION hazard_report_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'reports are never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON hazard_report
    FOR EACH STATEMENT EXECUTE FUNCTION hazard_report_is_final();
GRANT SELECT, INSERT ON hazard_report TO sitewarden_app;

-- Records that were suspected major before anybody reported: at once, by the first look at the clocks.
INSERT INTO hazard_timer (hazard_id, kind, due_at)
SELECT id, 'report_provisional', opened_at FROM hazard
 WHERE ended_at IS NULL AND mode = 'live' AND level = 'major_proposed';
-- All candidates wait for somebody's judgement, which is late soon enough.
INSERT INTO hazard_timer (hazard_id, kind, due_at)
SELECT id, 'judge', now() + CASE level WHEN 'general' THEN interval '4 hours' ELSE interval '30 minutes' END
  FROM hazard WHERE ended_at IS NULL AND status = 'candidate';

-- Further kinds of news.
ALTER TABLE notice
    DROP CONSTRAINT notice_kind_check,
    ADD CONSTRAINT notice_kind_check CHECK (kind IN (
        'alarm', 'hazard', 'major', 'judging', 'overdue', 'report', 'listing', 'principal', 'escalation', 'reminder',
        'flood', 'test'));
