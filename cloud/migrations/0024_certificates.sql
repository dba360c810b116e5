-- Certificates by which gateways log in at the broker. The keys are on the gateways and nowhere else.

CREATE TABLE gateway_certificate (
    -- As openssl prints it, in hexadecimal.
    serial      text PRIMARY KEY,
    site        text NOT NULL,
    gateway     text NOT NULL,
    certificate text NOT NULL,
    -- SHA-256 of the public key: asked again for the same key, the same certificate is the answer.
    key_hash    text NOT NULL CONSTRAINT gateway_key UNIQUE,
    issued_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    -- Since when the gateway is known to have it.
    seen_at     timestamptz,
    -- From then on it stands in the list of those that are no longer good, until it would have ended anyway.
    ended_at    timestamptz,
    ended_by    text CHECK (ended_by IN ('revoked', 'replaced')),
    CONSTRAINT gateway FOREIGN KEY (site, gateway) REFERENCES site_gateway,
    CHECK ((ended_at IS NULL) = (ended_by IS NULL)),
    CHECK (ends_at > issued_at)
);
CREATE INDEX gateway_certificate_of ON gateway_certificate (site, gateway, issued_at DESC);

-- The list for the broker is made anew.
CREATE TRIGGER known_sites_changed AFTER INSERT OR UPDATE OR DELETE ON gateway_certificate
    FOR EACH STATEMENT EXECUTE FUNCTION known_sites_changed();

CREATE FUNCTION gateway_certificate_tells() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    who   text := nullif(current_setting('sitewarden.author', true), '');
    bulky text[] := ARRAY['certificate', 'key_hash'];
    was   jsonb;
BEGIN
    IF who IS NULL THEN
        RAISE EXCEPTION 'a change of the registry names its author' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        was := to_jsonb(OLD) - bulky;
    END IF;
    INSERT INTO registry_change (author, site, record, key, before, after)
        VALUES (who, NEW.site, TG_TABLE_NAME, NEW.gateway, was, to_jsonb(NEW) - bulky);
    RETURN NULL;
END $$;
CREATE TRIGGER tells AFTER INSERT OR UPDATE ON gateway_certificate
    FOR EACH ROW EXECUTE FUNCTION gateway_certificate_tells();

ALTER TABLE gateway_certificate ENABLE ROW LEVEL SECURITY;
CREATE POLICY in_scope ON gateway_certificate
    USING (sees_site(nullif(current_setting('sitewarden.account', true), '')::int, site));

-- A broker ends no session because its certificate was revoked: whose the cloud has ended, from when and until when.
CREATE TABLE gateway_disconnected (
    site     text NOT NULL,
    gateway  text NOT NULL,
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    PRIMARY KEY (site, gateway),
    CONSTRAINT gateway FOREIGN KEY (site, gateway) REFERENCES site_gateway
);

GRANT SELECT, INSERT, UPDATE ON gateway_certificate TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON gateway_disconnected TO sitewarden_app;
