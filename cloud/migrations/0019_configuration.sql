-- What each gateway shall work from: every version that was ever proposed, and what became of it.

CREATE TABLE gateway_configuration (
    site        text NOT NULL,
    gateway     text NOT NULL,
    version     int NOT NULL CHECK (version >= 1),
    -- SHA-256 of the texts in the order of their names.
    hash        text NOT NULL,
    -- Texts by name.
    files       jsonb NOT NULL,
    author      text NOT NULL,
    reason      text NOT NULL,
    at          timestamptz NOT NULL,
    -- Waiting: the gateway has not said anything of it yet. Superseded: a newer one was proposed before it did.
    state       text NOT NULL DEFAULT 'waiting'
                CHECK (state IN ('waiting', 'refused', 'probation', 'in_force', 'rolled_back', 'superseded')),
    -- Why it was refused or rolled back, as the gateway says.
    why         jsonb,
    errors      jsonb NOT NULL DEFAULT '[]',
    load        jsonb NOT NULL DEFAULT '[]',
    sent_at     timestamptz,
    reported_at timestamptz,
    PRIMARY KEY (site, gateway, version),
    CONSTRAINT gateway FOREIGN KEY (site, gateway) REFERENCES site_gateway
);

-- Asked of a gateway: what it thinks of texts that nobody has proposed.
CREATE TABLE gateway_configuration_check (
    id          uuid PRIMARY KEY,
    site        text NOT NULL,
    gateway     text NOT NULL,
    hash        text NOT NULL,
    files       jsonb NOT NULL,
    author      text NOT NULL,
    at          timestamptz NOT NULL,
    sent_at     timestamptz,
    answered_at timestamptz,
    state       text CHECK (state IN ('checked', 'refused')),
    why         jsonb,
    errors      jsonb NOT NULL DEFAULT '[]',
    load        jsonb NOT NULL DEFAULT '[]',
    CONSTRAINT gateway FOREIGN KEY (site, gateway) REFERENCES site_gateway
);
CREATE INDEX gateway_configuration_check_open ON gateway_configuration_check (at) WHERE answered_at IS NULL;

-- What a gateway's own file says, until a version of ours is in force: where the first version begins.
CREATE TABLE gateway_own_file (
    site    text NOT NULL,
    gateway text NOT NULL,
    files   jsonb NOT NULL,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (site, gateway),
    CONSTRAINT gateway FOREIGN KEY (site, gateway) REFERENCES site_gateway
);

ALTER TABLE gateway
    -- Which version it works from, as it last said; null where its own file alone says what it does.
    ADD COLUMN configuration jsonb;

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['gateway_configuration', 'gateway_configuration_check', 'gateway_own_file'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', kept);
        EXECUTE format(
            'CREATE POLICY in_scope ON %I USING (coalesce(current_setting(''sitewarden.account'', true), '''') = '''''
            ' OR sees_site(nullif(current_setting(''sitewarden.account'', true), '''')::int, site))', kept);
    END LOOP;
END $$;

-- What was proposed stays as it was; only what became of it is added.
CREATE FUNCTION gateway_configuration_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.site, NEW.gateway, NEW.version, NEW.hash, NEW.files, NEW.author, NEW.reason, NEW.at)
       IS DISTINCT FROM (OLD.site, OLD.gateway, OLD.version, OLD.hash, OLD.files, OLD.author, OLD.reason, OLD.at) THEN
        RAISE EXCEPTION 'a proposed configuration is never changed' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER final BEFORE UPDATE ON gateway_configuration
    FOR EACH ROW EXECUTE FUNCTION gateway_configuration_is_final();

GRANT SELECT, INSERT, UPDATE ON gateway_configuration, gateway_own_file TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON gateway_configuration_check TO sitewarden_app;
