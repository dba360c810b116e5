-- Device profiles that people bring, models that are not let in, and how a device comes to be in use.

-- A version never changes and never goes: a hazard of years ago says by which it was read.
CREATE TABLE profile_version (
    profile text NOT NULL,
    version int NOT NULL CHECK (version >= 1),
    text    text NOT NULL,
    sha256  text NOT NULL,
    -- As the text says, for lists.
    summary jsonb NOT NULL,
    author  text NOT NULL,
    reason  text NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (profile, version)
);
CREATE TRIGGER final BEFORE UPDATE OR DELETE ON profile_version
    FOR EACH ROW EXECUTE FUNCTION registry_change_is_final();

-- Models that are not let in (淘汰目录), beside those that come with the program: everywhere, below a node, or at a site.
CREATE TABLE denied_model (
    denied     uuid PRIMARY KEY,
    brand      text NOT NULL DEFAULT '',
    model      text NOT NULL,
    site       text CONSTRAINT site REFERENCES site,
    node       int CONSTRAINT node REFERENCES tree_node,
    reason     text NOT NULL,
    source     text NOT NULL,
    listed_on  date NOT NULL,
    author     text NOT NULL,
    at         timestamptz NOT NULL,
    -- It stays in the list for all to see; it only denies no more.
    lifted_at  timestamptz,
    lifted_by  text,
    lifted_for text,
    CHECK (num_nonnulls(site, node) <= 1),
    CHECK (num_nonnulls(lifted_at, lifted_by, lifted_for) IN (0, 3))
);
CREATE FUNCTION denied_model_is_lifted_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.lifted_at IS NOT NULL
       OR to_jsonb(OLD) - 'lifted_at' - 'lifted_by' - 'lifted_for' <> to_jsonb(NEW) - 'lifted_at' - 'lifted_by' - 'lifted_for' THEN
        RAISE EXCEPTION 'a denied model is lifted, once, and nothing else' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE ON denied_model
    FOR EACH ROW EXECUTE FUNCTION denied_model_is_lifted_once();

GRANT SELECT, INSERT ON profile_version TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE ON denied_model TO sitewarden_app;

-- Where a device hangs, by which version of a profile it is read, and whether somebody has put it into use (投用).
CREATE TABLE commissioning (
    site                 text NOT NULL,
    device               text NOT NULL,
    gateway              text NOT NULL,
    bus                  text NOT NULL,
    -- Of a device that is polled; of one that speaks by itself how it names itself.
    unit                 int,
    identity             text,
    profile              text NOT NULL,
    profile_version      int NOT NULL,
    -- The configuration of the gateway that was proposed for it last.
    configuration        int,
    commissioned_at      timestamptz,
    commissioned_by      text,
    commissioned_profile text,
    version              int NOT NULL DEFAULT 1,
    PRIMARY KEY (site, device),
    CONSTRAINT device FOREIGN KEY (site, device) REFERENCES device_file,
    CONSTRAINT gateway FOREIGN KEY (site, gateway) REFERENCES site_gateway,
    CHECK (num_nonnulls(unit, identity) = 1),
    CHECK (num_nonnulls(commissioned_at, commissioned_by, commissioned_profile) IN (0, 3))
);

-- Which trials were made of it, and by what version; what came of them stands with the trials.
CREATE TABLE commissioning_trial (
    trial           uuid PRIMARY KEY REFERENCES device_trial,
    site            text NOT NULL,
    device          text NOT NULL,
    profile         text NOT NULL,
    profile_version int NOT NULL,
    CONSTRAINT device FOREIGN KEY (site, device) REFERENCES device_file
);
CREATE INDEX commissioning_trial_device ON commissioning_trial (site, device);

-- A known value beside the one that was read (见证核验): signed by one, approved by another.
CREATE TABLE witnessed_check (
    check_id        uuid PRIMARY KEY,
    site            text NOT NULL,
    device          text NOT NULL,
    point           text NOT NULL,
    unit            text NOT NULL,
    reference       double precision NOT NULL,
    tolerance       double precision NOT NULL CHECK (tolerance > 0),
    value           double precision NOT NULL,
    read_at         timestamptz NOT NULL,
    age_ms          bigint NOT NULL,
    profile         text NOT NULL,
    profile_version int NOT NULL,
    method          text NOT NULL,
    is_passed       boolean NOT NULL,
    account_id      int NOT NULL REFERENCES account,
    author          text NOT NULL,
    at              timestamptz NOT NULL,
    UNIQUE (check_id, account_id),
    CONSTRAINT device FOREIGN KEY (site, device) REFERENCES device_file
);
CREATE INDEX witnessed_check_device ON witnessed_check (site, device, at);
CREATE TABLE check_approval (
    check_id   uuid PRIMARY KEY,
    site       text NOT NULL,
    witness_id int NOT NULL,
    account_id int NOT NULL REFERENCES account,
    author     text NOT NULL,
    note       text NOT NULL DEFAULT '',
    at         timestamptz NOT NULL,
    FOREIGN KEY (check_id, witness_id) REFERENCES witnessed_check (check_id, account_id),
    -- Nobody approves what he has signed himself.
    CONSTRAINT another CHECK (account_id <> witness_id)
);

-- A new version of a profile goes to one gateway of a site first, then to the rest, and back if need be.
CREATE TABLE profile_rollout (
    rollout      uuid PRIMARY KEY,
    site         text NOT NULL CONSTRAINT site REFERENCES site,
    profile      text NOT NULL,
    to_version   int NOT NULL,
    stage        text NOT NULL CHECK (stage IN ('first', 'rest', 'back')),
    author       text NOT NULL,
    reason       text NOT NULL,
    at           timestamptz NOT NULL,
    version      int NOT NULL DEFAULT 1,
    FOREIGN KEY (profile, to_version) REFERENCES profile_version
);
CREATE INDEX profile_rollout_profile ON profile_rollout (site, profile, at);
CREATE TABLE profile_rollout_part (
    rollout       uuid NOT NULL REFERENCES profile_rollout,
    site          text NOT NULL,
    gateway       text NOT NULL,
    from_version  int NOT NULL,
    -- Of the gateway: that which brought the new version, and that which brought the old one back.
    configuration int NOT NULL,
    back          int,
    PRIMARY KEY (rollout, gateway),
    CONSTRAINT gateway FOREIGN KEY (site, gateway) REFERENCES site_gateway
);

-- By which version of which profile a device was read, and since when: a hazard keeps the one of its day.
ALTER TABLE device ADD COLUMN profile_version int;
CREATE TABLE device_profile (
    site    text NOT NULL,
    mode    text NOT NULL,
    device  text NOT NULL,
    since   timestamptz NOT NULL,
    profile text NOT NULL,
    version int,
    PRIMARY KEY (site, mode, device, since)
);
CREATE FUNCTION device_profile_notes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' OR (OLD.profile, OLD.profile_version) IS DISTINCT FROM (NEW.profile, NEW.profile_version) THEN
        INSERT INTO device_profile (site, mode, device, since, profile, version)
            VALUES (NEW.site, NEW.mode, NEW.device, now(), NEW.profile, NEW.profile_version)
            ON CONFLICT (site, mode, device, since) DO UPDATE
               SET profile = excluded.profile, version = excluded.version;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER notes AFTER INSERT OR UPDATE ON device FOR EACH ROW EXECUTE FUNCTION device_profile_notes();

DO $$
DECLARE
    kept record;
BEGIN
    FOR kept IN SELECT * FROM (VALUES ('commissioning', 'device'), ('profile_rollout', 'rollout')) AS t (name, key) LOOP
        EXECUTE format('CREATE TRIGGER counts BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION registry_counts()', kept.name);
        EXECUTE format('CREATE TRIGGER tells AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION registry_tells(%L)', kept.name, kept.key);
    END LOOP;
    FOR kept IN SELECT unnest(ARRAY['witnessed_check', 'check_approval', 'commissioning_trial']) AS name LOOP
        EXECUTE format('CREATE TRIGGER final BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION registry_change_is_final()', kept.name);
    END LOOP;
    FOR kept IN SELECT unnest(ARRAY['commissioning', 'commissioning_trial', 'witnessed_check', 'check_approval',
                                    'profile_rollout', 'profile_rollout_part']) AS name LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', kept.name);
        EXECUTE format(
            'CREATE POLICY in_scope ON %I USING (coalesce(current_setting(''sitewarden.account'', true), '''') = '''''
            ' OR sees_site(nullif(current_setting(''sitewarden.account'', true), '''')::int, site))', kept.name);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE ON commissioning, profile_rollout, profile_rollout_part TO sitewarden_app;
GRANT SELECT, INSERT ON commissioning_trial, witnessed_check, check_approval TO sitewarden_app;
GRANT SELECT ON device_profile TO sitewarden_app;
