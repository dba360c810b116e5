-- Incidents (险情、事故) and what authorities do about them and about hazards (执法记录): ledgers of chained, final events.

CREATE TABLE ledger_event (
    ledger     text NOT NULL CHECK (ledger IN ('incident', 'enforcement')),
    -- The record that it is of.
    of         uuid NOT NULL,
    seq        int NOT NULL CHECK (seq >= 1),
    -- Canonical JSON: exactly the bytes that the hash is over.
    record     text NOT NULL,
    prev_hash  bytea NOT NULL,
    hash       bytea NOT NULL,
    at         timestamptz NOT NULL,
    kind       text NOT NULL,
    -- Who, where a person acted.
    account_id int REFERENCES account,
    PRIMARY KEY (ledger, of, seq)
);

-- A signature over the event's hash with the person's own key.
CREATE TABLE ledger_signature (
    ledger     text NOT NULL,
    of         uuid NOT NULL,
    seq        int NOT NULL,
    account_id int NOT NULL REFERENCES account,
    key        int NOT NULL REFERENCES signing_key,
    signature  bytea NOT NULL CHECK (octet_length(signature) = 64),
    PRIMARY KEY (ledger, of, seq),
    FOREIGN KEY (ledger, of, seq) REFERENCES ledger_event
);

CREATE FUNCTION ledger_event_is_chained() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_seq  int;
    last_hash bytea;
BEGIN
    SELECT seq, hash INTO last_seq, last_hash
      FROM ledger_event WHERE ledger = NEW.ledger AND of = NEW.of ORDER BY seq DESC LIMIT 1;
    IF NEW.seq <> coalesce(last_seq, 0) + 1
       OR NEW.prev_hash <> coalesce(last_hash, ''::bytea)
       OR NEW.hash <> sha256(NEW.prev_hash || convert_to(NEW.record, 'UTF8')) THEN
        RAISE EXCEPTION '% event % of % breaks the chain', NEW.ledger, NEW.seq, NEW.of
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER chained BEFORE INSERT ON ledger_event
    FOR EACH ROW EXECUTE FUNCTION ledger_event_is_chained();

CREATE FUNCTION ledger_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what a ledger says is never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
-- Also for the owner, whom grants do not bind.
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_event
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_final();
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_signature
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_final();

-- By whoever acted, with the key that is in force for him at this moment; nobody ends it meanwhile.
CREATE FUNCTION ledger_signature_is_by_its_actor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM signing_key
      WHERE key = NEW.key AND account_id = NEW.account_id AND ended_at IS NULL FOR SHARE;
    IF NOT FOUND OR NOT EXISTS (
        SELECT FROM ledger_event
         WHERE ledger = NEW.ledger AND of = NEW.of AND seq = NEW.seq AND account_id = NEW.account_id) THEN
        RAISE EXCEPTION '% event % of % is not signed by a key in force of whoever acted', NEW.ledger, NEW.seq, NEW.of
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER by_its_actor BEFORE INSERT ON ledger_signature
    FOR EACH ROW EXECUTE FUNCTION ledger_signature_is_by_its_actor();

-- The row is what its events come to.
CREATE TABLE incident (
    id          uuid PRIMARY KEY,
    number      text NOT NULL UNIQUE,
    site        text NOT NULL REFERENCES site,
    mode        text NOT NULL DEFAULT 'live' CHECK (mode IN ('live', 'drill')),
    kind        text NOT NULL CHECK (kind IN ('near_miss', 'non_fatal', 'fatal')),
    status      text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
    -- Out of which it came; that record stays open.
    hazard_id   uuid REFERENCES hazard,
    occurred_at timestamptz NOT NULL,
    filed_at    timestamptz NOT NULL,
    overdue     boolean NOT NULL DEFAULT false,
    version     int NOT NULL DEFAULT 1,
    record      jsonb NOT NULL
);
CREATE INDEX incident_listed ON incident (occurred_at DESC, id DESC);
CREATE INDEX incident_of_site ON incident (site, occurred_at DESC);
CREATE INDEX incident_of_hazard ON incident (hazard_id) WHERE hazard_id IS NOT NULL;

CREATE TABLE incident_number (
    site text NOT NULL REFERENCES site,
    day  date NOT NULL,
    last int NOT NULL,
    PRIMARY KEY (site, day)
);

CREATE TABLE incident_timer (
    incident_id uuid NOT NULL REFERENCES incident,
    kind        text NOT NULL CHECK (kind IN ('first_report', 'details_warning', 'details')),
    due_at      timestamptz NOT NULL,
    settled_at  timestamptz,
    PRIMARY KEY (incident_id, kind)
);
CREATE INDEX incident_timer_due ON incident_timer (due_at) WHERE settled_at IS NULL;

-- One row for what was recorded and one for each correction of it; the newest is what holds.
CREATE TABLE enforcement (
    id              uuid NOT NULL,
    seq             int NOT NULL,
    ledger          text NOT NULL DEFAULT 'enforcement' CHECK (ledger = 'enforcement'),
    kind            text NOT NULL,
    acting_level    text NOT NULL CHECK (acting_level IN ('province', 'prefecture', 'county')),
    -- Of the authority that acts.
    territory       int NOT NULL CONSTRAINT territory REFERENCES tree_node,
    enterprise      int CONSTRAINT enterprise REFERENCES tree_node,
    enterprise_name text NOT NULL DEFAULT '',
    site            text CONSTRAINT site REFERENCES site,
    hazard_id       uuid CONSTRAINT hazard REFERENCES hazard,
    incident_id     uuid CONSTRAINT incident REFERENCES incident,
    -- In yuan.
    amount          numeric(12, 2),
    -- Enterprise and principal are both punished (一案双罚).
    both_punished   boolean NOT NULL DEFAULT false,
    persons         int NOT NULL DEFAULT 0,
    crime           boolean NOT NULL DEFAULT false,
    case_no         text NOT NULL DEFAULT '',
    document_no     text NOT NULL DEFAULT '',
    decided_on      date NOT NULL,
    note            text NOT NULL DEFAULT '',
    -- Recorded in error: it is no longer counted.
    withdrawn       boolean NOT NULL DEFAULT false,
    -- Why it was corrected.
    reason          text NOT NULL DEFAULT '',
    at              timestamptz NOT NULL,
    author          text NOT NULL,
    account_id      int NOT NULL REFERENCES account,
    PRIMARY KEY (id, seq),
    -- Deferred: an event is seen by who sees what it is of, so that this comes first.
    FOREIGN KEY (ledger, id, seq) REFERENCES ledger_event DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX enforcement_decided ON enforcement (decided_on DESC, id DESC);
CREATE INDEX enforcement_of_hazard ON enforcement (hazard_id) WHERE hazard_id IS NOT NULL;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON enforcement
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_final();
CREATE VIEW enforcement_now WITH (security_invoker = true) AS
    SELECT * FROM enforcement AS one
     WHERE NOT EXISTS (SELECT FROM enforcement AS later WHERE later.id = one.id AND later.seq > one.seq);

CALL fence('incident', 'site IN (SELECT seen_whole_sites())');
CALL fence('incident_number', 'site IN (SELECT seen_sites())');
CALL fence('incident_timer', 'EXISTS (SELECT FROM incident WHERE incident.id = incident_id)');
-- The nodes that lie in what is his who calls: what an authority has done is seen by it and by those above it, by the
-- enterprise and at the site.
CREATE FUNCTION ruled_nodes() RETURNS SETOF int LANGUAGE sql STABLE ROWS 100 AS $$
    SELECT node FROM tree_node WHERE rules_node(caller(), path, NULL)
$$;
CALL fence('enforcement', 'territory IN (SELECT ruled_nodes()) OR enterprise IN (SELECT ruled_nodes()) OR site IN (SELECT seen_whole_sites())');
-- Events are written before what they are of can be seen.
ALTER TABLE ledger_event ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY in_scope ON ledger_event
    USING ((SELECT is_program())
           OR EXISTS (SELECT FROM incident WHERE ledger = 'incident' AND incident.id = ledger_event.of)
           OR EXISTS (SELECT FROM enforcement WHERE ledger_event.ledger = 'enforcement' AND enforcement.id = ledger_event.of))
    WITH CHECK (true);
ALTER TABLE ledger_signature ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY in_scope ON ledger_signature
    USING ((SELECT is_program())
           OR EXISTS (SELECT FROM incident WHERE ledger = 'incident' AND incident.id = ledger_signature.of)
           OR EXISTS (SELECT FROM enforcement WHERE ledger_signature.ledger = 'enforcement' AND enforcement.id = ledger_signature.of))
    WITH CHECK (true);

GRANT SELECT, INSERT ON ledger_event, ledger_signature, enforcement TO sitewarden_app;
GRANT SELECT ON enforcement_now TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE ON incident, incident_number, incident_timer TO sitewarden_app;
