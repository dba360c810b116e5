-- Incidents are told of as hazards are: that one was filed, and that its reports are late or soon will be.
ALTER TABLE notice
    DROP CONSTRAINT notice_kind_check,
    ADD CONSTRAINT notice_kind_check CHECK (kind IN (
        'alarm', 'hazard', 'major', 'judging', 'overdue', 'report', 'listing', 'principal', 'escalation', 'reminder',
        'incident', 'first_report_late', 'details_soon', 'details_late', 'flood', 'test'));
