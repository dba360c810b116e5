-- Whoever keeps a copy of the sites also keeps whom their alarms are told to, and which devices were ever mended.
CREATE TRIGGER known_sites_changed AFTER UPDATE OF disabled_at OR DELETE ON account
    FOR EACH STATEMENT EXECUTE FUNCTION known_sites_changed();
CREATE TRIGGER known_sites_changed AFTER INSERT OR UPDATE OR DELETE ON rota
    FOR EACH STATEMENT EXECUTE FUNCTION known_sites_changed();
CREATE TRIGGER known_sites_changed AFTER INSERT OR UPDATE OR DELETE ON rota_override
    FOR EACH STATEMENT EXECUTE FUNCTION known_sites_changed();
CREATE TRIGGER known_sites_changed AFTER INSERT OR UPDATE OR DELETE ON device_maintenance
    FOR EACH STATEMENT EXECUTE FUNCTION known_sites_changed();
