-- Inspections as ledgers keep them: signed events, what a patrol saw, photos, a file whose bytes never change; and plans.

-- Which ledgers there are stands in cloud/ledger/chain.py.
ALTER TABLE ledger_event DROP CONSTRAINT IF EXISTS ledger_event_ledger_check;
CREATE POLICY of_inspections ON ledger_event FOR SELECT
    USING (ledger = 'inspection' AND EXISTS (SELECT FROM inspection WHERE inspection.id = ledger_event.of));
CREATE POLICY of_inspections ON ledger_signature FOR SELECT
    USING (ledger = 'inspection' AND EXISTS (SELECT FROM inspection WHERE inspection.id = ledger_signature.of));

-- Of a remote patrol: since when, and the values and alarms as they stood.
ALTER TABLE inspection ADD COLUMN seen jsonb NOT NULL DEFAULT '{}';
CREATE OR REPLACE VIEW inspection_now WITH (security_invoker = true) AS
    SELECT * FROM inspection AS one
     WHERE NOT EXISTS (SELECT FROM inspection AS later WHERE later.id = one.id AND later.seq > one.seq);

CREATE TABLE inspection_photo (
    inspection uuid NOT NULL,
    -- Of the content as it is kept.
    sha256     bytea NOT NULL CHECK (octet_length(sha256) = 32),
    media_type text NOT NULL,
    content    bytea NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (inspection, sha256)
);

-- The file that enterprise and project keep (检查档案): the same bytes for whoever may see the inspection.
CREATE TABLE inspection_archive (
    inspection uuid NOT NULL,
    seq        int NOT NULL,
    sha256     bytea NOT NULL CHECK (octet_length(sha256) = 32),
    content    bytea NOT NULL,
    PRIMARY KEY (inspection, seq),
    FOREIGN KEY (inspection, seq) REFERENCES inspection
);

-- Unannounced inspections that are planned (四不两直): whoever is inspected must not know of them.
CREATE TABLE inspection_plan (
    plan            uuid PRIMARY KEY,
    territory       int NOT NULL CONSTRAINT territory REFERENCES tree_node,
    site            text CONSTRAINT site REFERENCES site,
    enterprise_name text NOT NULL DEFAULT '',
    day             date NOT NULL,
    theme           text NOT NULL DEFAULT '',
    note            text NOT NULL DEFAULT '',
    at              timestamptz NOT NULL,
    author          text NOT NULL,
    account_id      int REFERENCES account,
    inspection      uuid,
    withdrawn       boolean NOT NULL DEFAULT false,
    CHECK (site IS NOT NULL OR enterprise_name <> '')
);
CREATE INDEX inspection_plan_day ON inspection_plan (day DESC, plan DESC);

-- The nodes that an account has been given themselves: not those below, and not the whole system.
CREATE FUNCTION own_nodes() RETURNS SETOF int LANGUAGE sql STABLE ROWS 10 AS $$
    SELECT node FROM assignments_of(caller()) WHERE node IS NOT NULL
$$;

CALL fence('inspection_photo', 'EXISTS (SELECT FROM inspection WHERE inspection.id = inspection_photo.inspection)');
CALL fence('inspection_archive', 'EXISTS (SELECT FROM inspection WHERE inspection.id = inspection_archive.inspection)');
CALL fence('inspection_plan', 'territory IN (SELECT own_nodes())');
GRANT SELECT, INSERT ON inspection_photo, inspection_archive TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE ON inspection_plan TO sitewarden_app;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON inspection_archive
    FOR EACH STATEMENT EXECUTE FUNCTION inspection_is_final();
