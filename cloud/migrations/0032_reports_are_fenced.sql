-- Reports of a record are for whoever sees the record.
CALL fence('hazard_report', 'EXISTS (SELECT FROM hazard WHERE hazard.id = hazard_id)');
