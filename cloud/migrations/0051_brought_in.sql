-- What other systems have sent, each version as it came; attendance has a table of its own, and ends.

CREATE TABLE intake_record (
    -- Of cloud/intake/kinds.py.
    kind              text NOT NULL,
    system            text NOT NULL CHECK (system <> ''),
    external_id       text NOT NULL CHECK (external_id <> ''),
    version           int NOT NULL CHECK (version >= 1),
    site              text CONSTRAINT site REFERENCES site,
    -- Of what is of an area.
    territory         int CONSTRAINT territory REFERENCES tree_node,
    body              jsonb NOT NULL,
    -- It came later than the jurisdiction allows, judged once, by when it came first.
    late              boolean NOT NULL DEFAULT false,
    first_received_at timestamptz NOT NULL,
    received_at       timestamptz NOT NULL,
    author            text NOT NULL,
    account_id        int REFERENCES account,
    PRIMARY KEY (kind, system, external_id, version),
    CHECK (num_nonnulls(site, territory) = 1)
);
CREATE INDEX intake_record_of_site ON intake_record (site, kind);
CREATE VIEW intake_now WITH (security_invoker = true) AS
    SELECT * FROM intake_record AS one
     WHERE NOT EXISTS (
           SELECT FROM intake_record AS later
            WHERE (later.kind, later.system, later.external_id) = (one.kind, one.system, one.external_id)
              AND later.version > one.version);
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON intake_record
    FOR EACH STATEMENT EXECUTE FUNCTION inspection_is_final();

-- Weather is everybody's.
CALL fence('intake_record', 'kind = ''weather_warnings'' OR site IN (SELECT seen_whole_sites()) OR territory IN (SELECT ruled_nodes())');
GRANT SELECT, INSERT ON intake_record TO sitewarden_app;
GRANT SELECT ON intake_now TO sitewarden_app;
-- Who was where is kept for thirteen months.
GRANT DELETE ON attendance TO sitewarden_app;
CREATE INDEX attendance_day ON attendance (day);
