-- What is reported upward: campaigns, reports of a territory as of a cut-off, and every version that was made of one.

-- A campaign as an authority runs it: from when it counts, and what is printed over its tables.
CREATE TABLE campaign (
    campaign   text PRIMARY KEY CHECK (campaign ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    -- Of the authority that leads it: it and all below it report.
    node       int NOT NULL CONSTRAINT node REFERENCES tree_node,
    -- Which campaign of `cloud/reports/campaigns.yaml` it is; dates, sectors, titles and heads stand there.
    template   text NOT NULL,
    -- What differs from there (cloud/reports/campaigns.py).
    changes    jsonb NOT NULL DEFAULT '{}',
    made_at    timestamptz NOT NULL,
    author     text NOT NULL,
    account_id int REFERENCES account
);
CREATE INDEX campaign_of_node ON campaign (node);

-- The row is what its versions and events come to.
CREATE TABLE report (
    report    uuid PRIMARY KEY,
    kind      text NOT NULL,
    node      int CONSTRAINT node REFERENCES tree_node,
    site      text CONSTRAINT site REFERENCES site,
    -- Empty: of no campaign.
    campaign  text NOT NULL DEFAULT '',
    -- From when it counts; NULL: from whenever its campaign began.
    since     timestamptz,
    -- Everything before this instant is counted.
    cut_off   timestamptz NOT NULL,
    -- The last instant at which it is not late; NULL: it is due at no time.
    due_at    timestamptz,
    versions  int NOT NULL DEFAULT 0,
    -- Of its last event: what an ETag says.
    seq       int NOT NULL DEFAULT 0,
    -- The last that was approved, and the last that was sent; NULL: none.
    approved  int,
    sent      int,
    sent_at   timestamptz,
    -- It was not sent when it was due.
    late      boolean NOT NULL DEFAULT false,
    -- How often whoever approves was told that it waits; 3: also that it is late.
    reminded  smallint NOT NULL DEFAULT 0,
    CHECK (num_nonnulls(node, site) >= 1),
    UNIQUE NULLS NOT DISTINCT (kind, node, site, campaign, since, cut_off)
);
CREATE INDEX report_listed ON report (cut_off DESC, report);
CREATE INDEX report_waits ON report (due_at) WHERE sent IS NULL;

CREATE TABLE report_version (
    report      uuid NOT NULL REFERENCES report,
    version     int NOT NULL CHECK (version >= 1),
    -- Made before its cut-off: what it will say is not certain yet (预报).
    preliminary boolean NOT NULL,
    -- What was recorded until then is in it.
    known_at    timestamptz NOT NULL,
    -- What was put right (更正说明); empty: nothing had been approved before.
    words       text NOT NULL DEFAULT '',
    generator   text NOT NULL,
    -- Canonical JSON: exactly the bytes that `sha256` is over.
    body        text NOT NULL,
    sha256      bytea NOT NULL,
    made_at     timestamptz NOT NULL,
    author      text NOT NULL,
    account_id  int REFERENCES account,
    PRIMARY KEY (report, version),
    CHECK (sha256 = sha256(convert_to(body, 'UTF8')))
);
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON report_version
    FOR EACH STATEMENT EXECUTE FUNCTION is_kept_for_good();
CREATE TRIGGER final BEFORE DELETE OR TRUNCATE ON report FOR EACH STATEMENT EXECUTE FUNCTION is_kept_for_good();

-- Approved, sent: chained and signed like what is done to incidents.
ALTER TABLE ledger_event
    DROP CONSTRAINT ledger_event_ledger_check,
    ADD CONSTRAINT ledger_event_ledger_check CHECK (ledger IN ('incident', 'enforcement', 'report'));

-- A campaign is known to everybody whom it is for, below the authority that leads it.
CREATE FUNCTION seen_nodes() RETURNS SETOF int LANGUAGE sql STABLE ROWS 100 AS $$
    SELECT above.node
      FROM tree_node AS above
     WHERE EXISTS (SELECT FROM tree_node AS its
                    WHERE its.node IN (SELECT ruled_nodes()) AND starts_with(its.path, above.path))
$$;
CALL fence('campaign', 'node IN (SELECT seen_nodes())');
CALL fence('report', 'node IN (SELECT ruled_nodes()) OR site IN (SELECT seen_whole_sites())');
CALL fence('report_version', 'EXISTS (SELECT FROM report WHERE report.report = report_version.report)');
DROP POLICY in_scope ON ledger_event;
CREATE POLICY in_scope ON ledger_event
    USING ((SELECT is_program())
           OR EXISTS (SELECT FROM incident WHERE ledger = 'incident' AND incident.id = ledger_event.of)
           OR EXISTS (SELECT FROM enforcement WHERE ledger_event.ledger = 'enforcement' AND enforcement.id = ledger_event.of)
           OR EXISTS (SELECT FROM report WHERE ledger_event.ledger = 'report' AND report.report = ledger_event.of))
    WITH CHECK (true);
DROP POLICY in_scope ON ledger_signature;
CREATE POLICY in_scope ON ledger_signature
    USING ((SELECT is_program())
           OR EXISTS (SELECT FROM incident WHERE ledger = 'incident' AND incident.id = ledger_signature.of)
           OR EXISTS (SELECT FROM enforcement WHERE ledger_signature.ledger = 'enforcement' AND enforcement.id = ledger_signature.of)
           OR EXISTS (SELECT FROM report WHERE ledger_signature.ledger = 'report' AND report.report = ledger_signature.of))
    WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE ON campaign TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE ON report TO sitewarden_app;
GRANT SELECT, INSERT ON report_version TO sitewarden_app;
