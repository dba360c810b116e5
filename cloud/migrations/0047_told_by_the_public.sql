-- Reports of danger by the public and by insiders (群众举报、内部吹哨). Who reported stands in a table of its own, sealed, and is
-- read by the named handler alone.

CREATE SEQUENCE tip_number;
CREATE TABLE tip (
    tip         uuid PRIMARY KEY,
    number      text NOT NULL UNIQUE,
    -- SHA-256 of the receipt's code, by which the reporter reads what becomes of it.
    code_hash   bytea NOT NULL UNIQUE CHECK (octet_length(code_hash) = 32),
    way         text NOT NULL CHECK (way IN ('page', 'gate', 'officer')),
    site        text CONSTRAINT site REFERENCES site,
    -- Of the authority that it is for; NULL: of no one, so that only those who have the whole system see it.
    territory   int CONSTRAINT territory REFERENCES tree_node,
    -- Where it is and what, in the reporter's own words.
    place       text NOT NULL DEFAULT '',
    content     text NOT NULL,
    insider     boolean NOT NULL DEFAULT false,
    -- Whether a name or a way of reaching the reporter was given; which, is sealed.
    named       boolean NOT NULL DEFAULT false,
    state       text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'assigned', 'judged', 'answered')),
    handler     int REFERENCES account,
    outcome     text CHECK (outcome IN ('verified', 'unfounded', 'passed_on')),
    -- What the record that was filed from it is; that record knows nothing of this one.
    hazard_id   uuid REFERENCES hazard,
    -- By when the next step is due.
    due_at      timestamptz,
    reward_yuan numeric(12, 2) CHECK (reward_yuan >= 0),
    received_at timestamptz NOT NULL,
    judged_at   timestamptz,
    answered_at timestamptz,
    version     int NOT NULL DEFAULT 1,
    CHECK ((handler IS NULL) = (state = 'received')),
    CHECK ((outcome IS NULL) = (state IN ('received', 'assigned'))),
    CHECK ((judged_at IS NULL) = (outcome IS NULL)),
    CHECK ((answered_at IS NULL) = (state <> 'answered')),
    CHECK (hazard_id IS NULL OR outcome = 'verified')
);
CREATE INDEX tip_listed ON tip (received_at DESC, tip DESC);
CREATE INDEX tip_due ON tip (due_at) WHERE due_at IS NOT NULL;

-- What happened to it: what was added and answered, and who did what. Final.
CREATE TABLE tip_event (
    tip        uuid NOT NULL REFERENCES tip,
    seq        int NOT NULL CHECK (seq >= 1),
    at         timestamptz NOT NULL,
    kind       text NOT NULL CHECK (kind IN (
                   'added', 'assigned', 'verified', 'unfounded', 'passed_on', 'answered', 'rewarded', 'identity_read', 'identity_erased')),
    -- Empty: the reporter.
    author     text NOT NULL DEFAULT '',
    account_id int REFERENCES account,
    words      text NOT NULL DEFAULT '',
    PRIMARY KEY (tip, seq)
);
CREATE FUNCTION tip_event_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what happened to a report is never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON tip_event
    FOR EACH STATEMENT EXECUTE FUNCTION tip_event_is_final();

-- Pictures alone: what a telephone writes beside them is taken out before they come here.
CREATE TABLE tip_photo (
    tip     uuid NOT NULL REFERENCES tip,
    no      int NOT NULL CHECK (no BETWEEN 1 AND 6),
    sha256  bytea NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (tip, no),
    UNIQUE (tip, sha256)
);

-- Who reported: sealed with a key that the database does not have, and erased when its time is over.
CREATE TABLE tip_identity (
    tip      uuid PRIMARY KEY REFERENCES tip,
    sealed   bytea NOT NULL,
    erase_at timestamptz
);

CALL fence('tip', 'handler = (SELECT caller()) OR territory IN (SELECT ruled_nodes()) OR (territory IS NULL AND (SELECT rules_node(caller(), ''/'', NULL)))');
CALL fence('tip_event', 'EXISTS (SELECT FROM tip WHERE tip.tip = tip_event.tip)');
CALL fence('tip_photo', 'EXISTS (SELECT FROM tip WHERE tip.tip = tip_photo.tip)');
CALL fence('tip_identity', 'EXISTS (SELECT FROM tip WHERE tip.tip = tip_identity.tip AND tip.handler = (SELECT caller()))');
GRANT USAGE ON SEQUENCE tip_number TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE ON tip TO sitewarden_app;
GRANT SELECT, INSERT ON tip_event, tip_photo TO sitewarden_app;
-- What is sealed nobody selects: it comes out of the function below alone, which writes down that it did.
GRANT SELECT (tip, erase_at), INSERT, UPDATE (erase_at), DELETE ON tip_identity TO sitewarden_app;

-- What is sealed, to the report's handler, who says why; NULL to anybody else, and where there is nothing (any more).
CREATE FUNCTION read_tip_identity(of uuid, reason text, reader text) RETURNS bytea
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    kept bytea;
BEGIN
    SELECT its.sealed INTO kept
      FROM tip_identity AS its JOIN tip USING (tip)
     WHERE its.tip = of AND tip.handler = caller();
    IF kept IS NOT NULL AND reason <> '' THEN
        INSERT INTO tip_event (tip, seq, at, kind, author, account_id, words)
            SELECT of, coalesce(max(seq), 0) + 1, statement_timestamp(), 'identity_read', reader, caller(), reason
              FROM tip_event WHERE tip = of;
        RETURN kept;
    END IF;
    RETURN NULL;
END $$;
