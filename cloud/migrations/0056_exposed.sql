-- Hazards that an authority makes known to the public (曝光): the file as it goes out, and what was done with it. All of it is
-- only ever added to.

CREATE SEQUENCE exposure_number;
CREATE TABLE exposure (
    exposure   uuid PRIMARY KEY,
    number     text NOT NULL UNIQUE,
    hazard_id  uuid NOT NULL REFERENCES hazard,
    site       text NOT NULL CONSTRAINT site REFERENCES site,
    -- In whose name it goes out: a territory above the site.
    node       int NOT NULL CONSTRAINT node REFERENCES tree_node,
    title      text NOT NULL,
    -- How the record stood that the file speaks of.
    level      text NOT NULL,
    status     text NOT NULL,
    photos     int NOT NULL,
    -- The archive, byte by byte as it goes out.
    content    bytea NOT NULL,
    sha256     bytea NOT NULL CHECK (sha256 = sha256(content)),
    made_at    timestamptz NOT NULL,
    author     text NOT NULL,
    account_id int NOT NULL REFERENCES account
);
CREATE INDEX exposure_listed ON exposure (made_at DESC, exposure DESC);
CREATE INDEX exposure_of_hazard ON exposure (hazard_id);

-- Prepared, approved by somebody else, withdrawn; a draft may be dropped. Each is a signed event of the ledger.
CREATE TABLE exposure_act (
    exposure   uuid NOT NULL REFERENCES exposure,
    seq        int NOT NULL CHECK (seq >= 1),
    ledger     text NOT NULL DEFAULT 'exposure' CHECK (ledger = 'exposure'),
    kind       text NOT NULL CHECK (kind IN ('prepared', 'approved', 'withdrawn', 'dropped')),
    at         timestamptz NOT NULL,
    author     text NOT NULL,
    account_id int NOT NULL REFERENCES account,
    PRIMARY KEY (exposure, seq),
    FOREIGN KEY (ledger, exposure, seq) REFERENCES ledger_event DEFERRABLE INITIALLY DEFERRED
);
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON exposure
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_final();
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON exposure_act
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_final();

-- Whatever a page forgets: nothing is approved by whoever prepared it, and nothing follows its end.
CREATE FUNCTION exposure_act_follows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before text := (SELECT kind FROM exposure_act WHERE exposure = NEW.exposure AND seq = NEW.seq - 1);
BEGIN
    IF NOT coalesce(CASE NEW.kind WHEN 'prepared' THEN NEW.seq = 1
                                  WHEN 'withdrawn' THEN before = 'approved'
                                  ELSE before = 'prepared' END, false)
       OR (NEW.kind = 'approved' AND NEW.account_id = (SELECT account_id FROM exposure WHERE exposure = NEW.exposure)) THEN
        RAISE EXCEPTION 'exposure %: % does not follow', NEW.exposure, NEW.kind USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER follows BEFORE INSERT ON exposure_act FOR EACH ROW EXECUTE FUNCTION exposure_act_follows();

CALL fence('exposure', 'site IN (SELECT seen_whole_sites())');
CALL fence('exposure_act', 'EXISTS (SELECT FROM exposure WHERE exposure.exposure = exposure_act.exposure)');
CREATE POLICY of_exposures ON ledger_event FOR SELECT
    USING (ledger = 'exposure' AND EXISTS (SELECT FROM exposure WHERE exposure.exposure = ledger_event.of));
CREATE POLICY of_exposures ON ledger_signature FOR SELECT
    USING (ledger = 'exposure' AND EXISTS (SELECT FROM exposure WHERE exposure.exposure = ledger_signature.of));
GRANT SELECT, INSERT ON exposure, exposure_act TO sitewarden_app;
GRANT USAGE ON SEQUENCE exposure_number TO sitewarden_app;
