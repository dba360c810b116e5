-- How a gateway gets in: a one-time code, then a password of its own, of which only the broker's hash rests here.

CREATE TABLE gateway_access (
    site               text NOT NULL,
    gateway            text NOT NULL,
    -- The first group of the code's letters finds it, the others are hashed.
    code_locator       text CONSTRAINT code_locator UNIQUE,
    code_hash          text,
    code_expires_at    timestamptz,
    code_tries         int NOT NULL DEFAULT 0,
    code_used_at       timestamptz,
    -- In force: what the broker asks for.
    password_hash      text,
    issued_at          timestamptz,
    -- Handed out: in force as soon as the gateway shows that it has it, or in ten minutes.
    next_password_hash text,
    next_issued_at     timestamptz,
    -- From then on it is neither let in nor heard, until it is enrolled again.
    revoked_at         timestamptz,
    PRIMARY KEY (site, gateway),
    CONSTRAINT gateway FOREIGN KEY (site, gateway) REFERENCES site_gateway,
    CHECK ((code_locator IS NULL) = (code_hash IS NULL) AND (code_hash IS NULL) = (code_expires_at IS NULL)),
    CHECK ((password_hash IS NULL) = (issued_at IS NULL)),
    CHECK ((next_password_hash IS NULL) = (next_issued_at IS NULL))
);
CREATE INDEX gateway_access_next ON gateway_access (next_issued_at) WHERE next_issued_at IS NOT NULL;

-- Whoever keeps a copy of who may speak, or the broker's file of passwords, looks again.
CREATE TRIGGER known_sites_changed AFTER INSERT OR UPDATE OF password_hash, revoked_at OR DELETE ON gateway_access
    FOR EACH STATEMENT EXECUTE FUNCTION known_sites_changed();

-- Into the log of changes, signed like any other, without what is secret.
CREATE FUNCTION gateway_access_tells() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    who      text := nullif(current_setting('sitewarden.author', true), '');
    secret   text[] := ARRAY['code_locator', 'code_hash', 'password_hash', 'next_password_hash'];
    was      jsonb;
BEGIN
    IF who IS NULL THEN
        RAISE EXCEPTION 'a change of the registry names its author' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        was := to_jsonb(OLD) - secret;
    END IF;
    INSERT INTO registry_change (author, site, record, key, before, after)
        VALUES (who, NEW.site, TG_TABLE_NAME, NEW.gateway, was, to_jsonb(NEW) - secret);
    RETURN NULL;
END $$;
CREATE TRIGGER tells AFTER INSERT OR UPDATE ON gateway_access
    FOR EACH ROW EXECUTE FUNCTION gateway_access_tells();

ALTER TABLE gateway_access ENABLE ROW LEVEL SECURITY;
CREATE POLICY in_scope ON gateway_access
    USING (sees_site(nullif(current_setting('sitewarden.account', true), '')::int, site));

-- What the broker was told last, so that nobody takes a revoked gateway for shut out while it is not.
CREATE TABLE broker_roster (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- Of `registry_version`.
    version   bigint NOT NULL,
    told_at   timestamptz,
    complaint text
);

-- The lives of a gateway's program: two of them at once are two machines under one name.
CREATE TABLE gateway_boot (
    gateway_id int NOT NULL REFERENCES gateway,
    boot       text NOT NULL,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    -- The newest status by the gateway's clock, and how many records it had written by then.
    told_ms    bigint NOT NULL,
    written    bigint NOT NULL,
    -- When that number last went back.
    back_at    timestamptz,
    PRIMARY KEY (gateway_id, boot)
);
ALTER TABLE gateway
    -- When two machines were last seen under its name.
    ADD COLUMN cloned_at timestamptz;

GRANT SELECT, INSERT, UPDATE ON gateway_access, broker_roster TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON gateway_boot TO sitewarden_app;
