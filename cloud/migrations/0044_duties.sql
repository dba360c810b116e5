-- What people owe by the calendar and have done: duties, themes of the month, random draws, and the safety log of each day.

-- A duty that was done, beside what inspections show; a row more for each correction, the newest is what holds.
CREATE TABLE duty_done (
    id          uuid NOT NULL,
    seq         int NOT NULL CHECK (seq >= 1),
    -- Of cloud/duties/duties.yaml.
    kind        text NOT NULL,
    site        text CONSTRAINT site REFERENCES site,
    -- Of an enterprise or authority that owes it.
    node        int CONSTRAINT node REFERENCES tree_node,
    day         date NOT NULL,
    words       text NOT NULL,
    withdrawn   boolean NOT NULL DEFAULT false,
    reason      text NOT NULL DEFAULT '',
    at          timestamptz NOT NULL,
    author      text NOT NULL,
    account_id  int NOT NULL REFERENCES account,
    PRIMARY KEY (id, seq),
    CHECK (num_nonnulls(site, node) = 1)
);
CREATE INDEX duty_done_site ON duty_done (site, day DESC);
CREATE INDEX duty_done_node ON duty_done (node, day DESC);
CREATE VIEW duty_done_now WITH (security_invoker = true) AS
    SELECT * FROM duty_done AS one
     WHERE NOT EXISTS (SELECT FROM duty_done AS later WHERE later.id = one.id AND later.seq > one.seq);
CREATE TABLE duty_photo (
    duty        uuid NOT NULL,
    -- Of the bytes as they were sent.
    sha256      bytea NOT NULL CHECK (octet_length(sha256) = 32),
    media_type  text NOT NULL,
    content     bytea NOT NULL,
    at          timestamptz NOT NULL,
    author      text NOT NULL,
    account_id  int NOT NULL REFERENCES account,
    PRIMARY KEY (duty, sha256)
);
-- What was told of, so that it is told once: a duty that was missed by whom and in which period.
CREATE TABLE duty_told (
    kind        text NOT NULL,
    of          text NOT NULL,
    period_end  date NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (kind, of, period_end)
);

-- What an authority or enterprise looks for in a month (一月一主题); inspections name it by its code.
CREATE TABLE theme (
    node        int NOT NULL CONSTRAINT node REFERENCES tree_node,
    month       date NOT NULL CHECK (extract(day FROM month) = 1),
    code        text NOT NULL CHECK (code <> ''),
    name        jsonb NOT NULL,
    checklist   jsonb NOT NULL DEFAULT '[]',
    version     int NOT NULL DEFAULT 1,
    at          timestamptz NOT NULL,
    author      text NOT NULL,
    account_id  int REFERENCES account,
    PRIMARY KEY (node, month, code)
);

-- A random draw (双随机): what it was drawn from and by which seed stays, so that anybody can draw it again.
CREATE TABLE random_draw (
    id          uuid PRIMARY KEY,
    node        int NOT NULL CONSTRAINT node REFERENCES tree_node,
    seed        text NOT NULL,
    -- The two shares, and for each what it was drawn from and what was drawn.
    drawn       jsonb NOT NULL,
    at          timestamptz NOT NULL,
    author      text NOT NULL,
    account_id  int NOT NULL REFERENCES account
);
CREATE INDEX random_draw_node ON random_draw (node, at DESC);

-- The safety log (施工安全日志) of a site's day: drawn up by the machine, finished and signed by the safety officer.
CREATE TABLE safety_log (
    site        text NOT NULL CONSTRAINT site REFERENCES site,
    day         date NOT NULL,
    -- What the machine knows of the day.
    facts       jsonb NOT NULL,
    drafted_at  timestamptz NOT NULL,
    -- What the officer writes.
    weather     text NOT NULL DEFAULT '',
    words       text NOT NULL DEFAULT '',
    version     int NOT NULL DEFAULT 1,
    edited_at   timestamptz,
    editor      text,
    signed_at   timestamptz,
    signed_by   text,
    signer_id   int REFERENCES account,
    PRIMARY KEY (site, day),
    CHECK ((signed_at IS NULL) = (signed_by IS NULL) AND (signed_at IS NULL) = (signer_id IS NULL))
);
-- The signed log first, then what was added to it; each is signed over its hash, which covers the one before.
CREATE TABLE safety_log_entry (
    site        text NOT NULL,
    day         date NOT NULL,
    seq         int NOT NULL CHECK (seq >= 1),
    -- Canonical JSON: exactly the bytes that the hash is over.
    record      text NOT NULL,
    prev_hash   bytea NOT NULL,
    hash        bytea NOT NULL CHECK (hash = sha256(prev_hash || convert_to(record, 'UTF8'))),
    at          timestamptz NOT NULL,
    author      text NOT NULL,
    account_id  int NOT NULL REFERENCES account,
    key         int NOT NULL REFERENCES signing_key,
    signature   bytea NOT NULL CHECK (octet_length(signature) = 64),
    PRIMARY KEY (site, day, seq),
    FOREIGN KEY (site, day) REFERENCES safety_log
);
-- An officer was at the site while the log of the day before was not signed; or, where nobody counts who comes, it was nine.
CREATE TABLE safety_log_late (
    site        text NOT NULL,
    -- Of the log.
    day         date NOT NULL,
    -- As attendance names him; empty where none is kept.
    person      text NOT NULL,
    name        text NOT NULL DEFAULT '',
    at          timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (site, day, person),
    FOREIGN KEY (site, day) REFERENCES safety_log
);

CREATE FUNCTION duty_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was recorded or signed is never changed or removed: it is corrected by a further row'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON duty_done FOR EACH STATEMENT EXECUTE FUNCTION duty_is_final();
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON duty_photo FOR EACH STATEMENT EXECUTE FUNCTION duty_is_final();
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON random_draw FOR EACH STATEMENT EXECUTE FUNCTION duty_is_final();
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON safety_log_entry FOR EACH STATEMENT EXECUTE FUNCTION duty_is_final();
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON safety_log_late FOR EACH STATEMENT EXECUTE FUNCTION duty_is_final();
CREATE TRIGGER final_once_signed BEFORE UPDATE OR DELETE ON safety_log
    FOR EACH ROW WHEN (OLD.signed_at IS NOT NULL) EXECUTE FUNCTION duty_is_final();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON safety_log FOR EACH STATEMENT EXECUTE FUNCTION duty_is_final();

-- The next of its chain, by the key that is in force at this moment for whoever acted.
CREATE FUNCTION safety_log_entry_is_chained() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_seq  int;
    last_hash bytea;
BEGIN
    SELECT seq, hash INTO last_seq, last_hash
      FROM safety_log_entry WHERE site = NEW.site AND day = NEW.day ORDER BY seq DESC LIMIT 1;
    IF NEW.seq <> coalesce(last_seq, 0) + 1 OR NEW.prev_hash <> coalesce(last_hash, ''::bytea) THEN
        RAISE EXCEPTION 'entry % of the log of % at % breaks the chain', NEW.seq, NEW.day, NEW.site
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    PERFORM FROM signing_key
      WHERE key = NEW.key AND account_id = NEW.account_id AND ended_at IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the log of % at % is not signed by a key in force of whoever acted', NEW.day, NEW.site
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER chained BEFORE INSERT ON safety_log_entry
    FOR EACH ROW EXECUTE FUNCTION safety_log_entry_is_chained();

CALL fence('duty_done', 'node IN (SELECT ruled_nodes()) OR site IN (SELECT seen_whole_sites())');
CALL fence('duty_photo', 'EXISTS (SELECT FROM duty_done WHERE duty_done.id = duty)');
CALL fence('random_draw', 'node IN (SELECT ruled_nodes())');
CALL fence('safety_log', 'site IN (SELECT seen_whole_sites())');
CALL fence('safety_log_entry', 'site IN (SELECT seen_whole_sites())');
CALL fence('safety_log_late', 'site IN (SELECT seen_whole_sites())');
GRANT SELECT, INSERT ON duty_done, duty_photo, duty_told, random_draw, safety_log_entry, safety_log_late TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON theme TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE ON safety_log TO sitewarden_app;
GRANT SELECT ON duty_done_now TO sitewarden_app;
