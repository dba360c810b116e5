-- Sites and the gateways that may speak for them: made by people, or seeded from cloud.yaml.

ALTER TABLE site
    -- What cloud.yaml said last: only what has changed in it since is taken over at the next start.
    ADD COLUMN seed       jsonb,
    ADD COLUMN code       text NOT NULL DEFAULT '',
    ADD COLUMN address    text NOT NULL DEFAULT '',
    ADD COLUMN authority  text NOT NULL DEFAULT '',
    ADD COLUMN phase      text NOT NULL DEFAULT 'building' CHECK (phase IN ('planned', 'building', 'suspended', 'finished')),
    ADD COLUMN version    int NOT NULL DEFAULT 1;

CREATE TABLE site_gateway (
    site       text NOT NULL CONSTRAINT site REFERENCES site,
    gateway    text NOT NULL,
    note       text NOT NULL DEFAULT '',
    -- From then on it may not speak any more; what it said stays.
    retired_on date,
    version    int NOT NULL DEFAULT 1,
    PRIMARY KEY (site, gateway)
);

-- Another number with every change of who may speak: whoever keeps a copy asks for it, and so is never behind.
CREATE TABLE registry_version (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint NOT NULL
);

CREATE FUNCTION known_sites_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO registry_version (version) VALUES (1)
        ON CONFLICT (one) DO UPDATE SET version = registry_version.version + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER known_sites_changed AFTER INSERT OR UPDATE OR DELETE ON site
    FOR EACH STATEMENT EXECUTE FUNCTION known_sites_changed();
CREATE TRIGGER known_sites_changed AFTER INSERT OR UPDATE OR DELETE ON site_gateway
    FOR EACH STATEMENT EXECUTE FUNCTION known_sites_changed();

GRANT SELECT, INSERT, UPDATE ON site_gateway TO sitewarden_app;
GRANT SELECT ON registry_version TO sitewarden_app;
