-- Acknowledgements: somebody said that they know of an alarm; the danger may stand.

ALTER TABLE alarm_transition DROP CONSTRAINT alarm_transition_change_check;
ALTER TABLE alarm_transition ADD CONSTRAINT alarm_transition_change_check
    CHECK (change IN ('raised', 'acknowledged', 'cleared'));

ALTER TABLE episode ADD COLUMN acknowledged_at timestamptz;
-- As whom they said so, in the gateway's words; empty while nobody has.
ALTER TABLE episode ADD COLUMN acknowledged_by text NOT NULL DEFAULT '';
