-- Hazard records (隐患) and the chain of what was done to each.

CREATE TABLE hazard (
    id                 uuid PRIMARY KEY,
    -- Given right after the insert, in the same transaction: a number is spent on records that really are new.
    number             text UNIQUE,
    site               text NOT NULL REFERENCES site,
    device             text NOT NULL,
    category           jsonb NOT NULL,
    family             text NOT NULL,
    fingerprint        bytea NOT NULL,
    level              text NOT NULL CHECK (level IN ('general', 'major_proposed')),
    status             text NOT NULL CHECK (status IN ('candidate')),
    content            jsonb NOT NULL,
    -- The episode that the content describes: the worst one.
    content_episode    uuid NOT NULL,
    potential_accident jsonb NOT NULL,
    clause             jsonb,
    handling_clock_s   int NOT NULL DEFAULT 0,
    signal             text NOT NULL CHECK (signal IN ('active', 'cleared', 'unknown')),
    opened_at          timestamptz NOT NULL,
    detected_at        timestamptz NOT NULL,
    episodes           int NOT NULL,
    last_episode_at    timestamptz NOT NULL,
    worst_level        smallint NOT NULL,
    closed_at          timestamptz
);
-- At most one open record a fingerprint, whoever writes at the same time.
CREATE UNIQUE INDEX hazard_open ON hazard (fingerprint) WHERE closed_at IS NULL;
CREATE INDEX hazard_listed ON hazard (site, opened_at DESC, id DESC);

CREATE TABLE hazard_number (
    site text NOT NULL REFERENCES site,
    day  date NOT NULL,
    last int NOT NULL,
    PRIMARY KEY (site, day)
);

CREATE TABLE hazard_event (
    hazard_id uuid NOT NULL REFERENCES hazard,
    seq       int NOT NULL CHECK (seq >= 1),
    -- Canonical JSON of {actor, at, body, hazard, kind, seq}: exactly the bytes that the hash is over.
    record    text NOT NULL,
    prev_hash bytea NOT NULL,
    hash      bytea NOT NULL,
    PRIMARY KEY (hazard_id, seq)
);

CREATE FUNCTION hazard_event_is_chained() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_seq  int;
    last_hash bytea;
BEGIN
    SELECT seq, hash INTO last_seq, last_hash
      FROM hazard_event WHERE hazard_id = NEW.hazard_id ORDER BY seq DESC LIMIT 1;
    IF NEW.seq <> coalesce(last_seq, 0) + 1
       OR NEW.prev_hash <> coalesce(last_hash, ''::bytea)
       OR NEW.hash <> sha256(NEW.prev_hash || convert_to(NEW.record, 'UTF8')) THEN
        RAISE EXCEPTION 'hazard event % of % breaks the chain', NEW.seq, NEW.hazard_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER chained BEFORE INSERT ON hazard_event
    FOR EACH ROW EXECUTE FUNCTION hazard_event_is_chained();

CREATE FUNCTION hazard_event_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'hazard events are never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
-- Also for the owner, whom grants do not bind.
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON hazard_event
    FOR EACH STATEMENT EXECUTE FUNCTION hazard_event_is_final();

GRANT SELECT, INSERT, UPDATE ON hazard, hazard_number TO sitewarden_app;
GRANT SELECT, INSERT ON hazard_event TO sitewarden_app;
