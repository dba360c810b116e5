-- A clause in two parts ('… and not handled in time') is met only once handling is late: a clock a record.

-- The same danger in other editions of the judgement standard.
ALTER TABLE hazard ADD COLUMN also jsonb NOT NULL DEFAULT '[]';

CREATE TABLE hazard_timer (
    hazard_id  uuid NOT NULL REFERENCES hazard,
    kind       text NOT NULL CHECK (kind IN ('handling')),
    due_at     timestamptz NOT NULL,
    -- When it ran out, or was no longer needed; empty while it runs.
    settled_at timestamptz,
    PRIMARY KEY (hazard_id, kind)
);
CREATE INDEX hazard_timer_due ON hazard_timer (due_at) WHERE settled_at IS NULL;

GRANT SELECT, INSERT, UPDATE ON hazard_timer TO sitewarden_app;
