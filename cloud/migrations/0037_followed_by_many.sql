-- Many alarms follow few records, and past instants are counted: what both look up, and what nobody may take back.

-- Whether any alarm of a record still stands.
CREATE INDEX episode_standing ON episode (hazard_id) WHERE hazard_id IS NOT NULL AND cleared_at IS NULL;

-- What a record was at an instant, without its events themselves.
CREATE INDEX hazard_event_was ON hazard_event (hazard_id, seq DESC)
    INCLUDE (at, status, level, report, supervision, escalation_step, overdue, verified);

-- Whoever keeps a copy of the sites also keeps which jurisdiction holds for each.
CREATE TRIGGER known_sites_changed AFTER UPDATE ON tree_node
    FOR EACH STATEMENT EXECUTE FUNCTION known_sites_changed();

-- What gateways told, and records themselves: grants bind the programs, these bind the owner too.
CREATE FUNCTION is_kept_for_good() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is kept for good: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON alarm_transition
    FOR EACH STATEMENT EXECUTE FUNCTION is_kept_for_good();
CREATE TRIGGER final BEFORE DELETE OR TRUNCATE ON episode FOR EACH STATEMENT EXECUTE FUNCTION is_kept_for_good();
CREATE TRIGGER final BEFORE DELETE OR TRUNCATE ON hazard FOR EACH STATEMENT EXECUTE FUNCTION is_kept_for_good();
CREATE TRIGGER final BEFORE DELETE OR TRUNCATE ON hazard_number FOR EACH STATEMENT EXECUTE FUNCTION is_kept_for_good();
