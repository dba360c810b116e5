-- Each person signs what he does to a hazard record with a key of his own, which only his password opens. Keys are ended,
-- never removed: what was signed with one is verified with it for as long as the record is kept.

CREATE TABLE signing_key (
    key          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id   int NOT NULL REFERENCES account,
    -- Ed25519 (RFC 8032), raw.
    public_key   bytea NOT NULL UNIQUE CHECK (octet_length(public_key) = 32),
    -- The private key under AES-256-GCM: nonce, ciphertext, tag. Its key is Argon2id over password and salt.
    sealed       bytea NOT NULL,
    salt         bytea NOT NULL,
    -- Parameters of Argon2id, so that a later version may choose others.
    time_cost    int NOT NULL,
    memory_kib   int NOT NULL,
    lanes        int NOT NULL,
    made_at      timestamptz NOT NULL,
    sealed_at    timestamptz NOT NULL,
    ended_at     timestamptz CHECK (ended_at >= made_at),
    end_reason   text CHECK (end_reason IN ('password_reset', 'replaced')),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE UNIQUE INDEX signing_key_in_force ON signing_key (account_id) WHERE ended_at IS NULL;

-- Also for the owner, whom grants do not bind: a key may be sealed anew, and ended once; nothing else.
CREATE FUNCTION signing_key_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL
       AND (NEW.key, NEW.account_id, NEW.public_key, NEW.made_at)
           = (OLD.key, OLD.account_id, OLD.public_key, OLD.made_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a signing key is never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON signing_key FOR EACH ROW EXECUTE FUNCTION signing_key_is_kept();
CREATE TRIGGER kept_whole BEFORE TRUNCATE ON signing_key FOR EACH STATEMENT EXECUTE FUNCTION signing_key_is_kept();

CREATE TABLE hazard_signature (
    hazard_id  uuid NOT NULL,
    seq        int NOT NULL,
    account_id int NOT NULL REFERENCES account,
    key        int NOT NULL REFERENCES signing_key,
    -- Ed25519 over the hash by which the event is chained.
    signature  bytea NOT NULL CHECK (octet_length(signature) = 64),
    PRIMARY KEY (hazard_id, seq),
    FOREIGN KEY (hazard_id, seq) REFERENCES hazard_event
);

-- By whoever acted, with the key that is in force for him at this moment; nobody ends it meanwhile.
CREATE FUNCTION hazard_signature_is_by_its_actor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM signing_key
      WHERE key = NEW.key AND account_id = NEW.account_id AND ended_at IS NULL FOR SHARE;
    IF NOT FOUND OR NOT EXISTS (
        SELECT FROM hazard_event
         WHERE hazard_id = NEW.hazard_id AND seq = NEW.seq AND account_id = NEW.account_id) THEN
        RAISE EXCEPTION 'event % of % is not signed by a key in force of whoever acted', NEW.seq, NEW.hazard_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER by_its_actor BEFORE INSERT ON hazard_signature
    FOR EACH ROW EXECUTE FUNCTION hazard_signature_is_by_its_actor();
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON hazard_signature
    FOR EACH STATEMENT EXECUTE FUNCTION hazard_event_is_final();

GRANT SELECT, INSERT ON signing_key, hazard_signature TO sitewarden_app;
GRANT UPDATE (sealed, salt, time_cost, memory_kib, lanes, sealed_at, ended_at, end_reason) ON signing_key TO sitewarden_app;
