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
