-- What past instants are counted by: which records were ever grave, and which devices a gateway had.

-- Records that somebody or a rule once held for major: few among many.
CREATE INDEX hazard_event_grave ON hazard_event (hazard_id, at) WHERE level <> 'general';

-- From when on a device was current or not: a gateway that announces its devices says so by what it names.
CREATE TABLE device_change (
    site    text NOT NULL,
    mode    text NOT NULL,
    device  text NOT NULL,
    at      timestamptz NOT NULL,
    current boolean NOT NULL,
    PRIMARY KEY (site, mode, device, at)
);
CREATE FUNCTION device_changes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    was boolean;
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.current = NEW.current THEN
        RETURN NULL;
    END IF;
    -- All that a gateway had is taken away and what it names is given back, in one transaction: no change of what stays.
    DELETE FROM device_change WHERE site = NEW.site AND mode = NEW.mode AND device = NEW.device AND at = now();
    SELECT current INTO was FROM device_change
     WHERE site = NEW.site AND mode = NEW.mode AND device = NEW.device ORDER BY at DESC LIMIT 1;
    IF was IS DISTINCT FROM NEW.current THEN
        INSERT INTO device_change VALUES (NEW.site, NEW.mode, NEW.device, now(), NEW.current);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER changes AFTER INSERT OR UPDATE ON device FOR EACH ROW EXECUTE FUNCTION device_changes();
-- When a device went that is gone by now, nobody noted: it counts as it does now, since it was first there.
INSERT INTO device_change
    SELECT site, mode, device,
           coalesce((SELECT min(since) FROM device_profile AS read
                      WHERE read.site = device.site AND read.mode = device.mode AND read.device = device.device),
                    '-infinity'),
           current
      FROM device;

CALL fence('device_change', 'site IN (SELECT seen_whole_sites()) OR (site, device) IN (SELECT site, device FROM seen_devices())');
GRANT SELECT ON device_change TO sitewarden_app;
