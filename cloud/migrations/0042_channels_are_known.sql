-- Whoever keeps a copy of the sites also keeps whether any channel listens: where none does, alarms need not ask.
CREATE TRIGGER known_sites_changed AFTER INSERT OR UPDATE OR DELETE ON channel
    FOR EACH STATEMENT EXECUTE FUNCTION known_sites_changed();
