-- What people find on site and what other systems know: inspections, attendance, and whether a number has a source at all.

-- Who keeps what here. A number whose source nobody has declared for a territory is unknown, and never 0.
CREATE TABLE data_source (
    source     text NOT NULL CHECK (source IN (
                   'inspections', 'enterprise_checks', 'enforcement', 'guidance', 'incidents', 'attendance', 'certificates',
                   'crane_registrations', 'safety_logs', 'duties', 'public_reports', 'weather', 'external_warnings')),
    -- With all below it: a territory, or an enterprise for what enterprises keep.
    node       int NOT NULL CONSTRAINT node REFERENCES tree_node,
    -- From that day on it is whole.
    since      date NOT NULL,
    -- The last day; NULL: it goes on.
    until      date CHECK (until >= since),
    declared_at timestamptz NOT NULL,
    author     text NOT NULL,
    account_id int NOT NULL REFERENCES account,
    PRIMARY KEY (source, node, since)
);

-- A row for what was found and one for each correction of it; the newest is what holds.
CREATE TABLE inspection (
    id              uuid NOT NULL,
    seq             int NOT NULL CHECK (seq >= 1),
    -- Of another system, which sends the same again; empty where it was recorded here.
    system          text NOT NULL DEFAULT '',
    external_id     text NOT NULL DEFAULT '',
    -- Self check (企业自查), check led by a principal (带队检查), by an authority at a site (部门检查), of an enterprise
    -- (对企业自查自改的抽查检查), over the network (远程巡查).
    kind            text NOT NULL CHECK (kind IN ('self_check', 'lead_check', 'authority_check', 'enterprise_check', 'remote_patrol')),
    acting_level    text NOT NULL CHECK (acting_level IN ('province', 'prefecture', 'county', 'township', 'enterprise', 'project')),
    -- Of the authority that inspects; NULL where an enterprise does.
    territory       int CONSTRAINT territory REFERENCES tree_node,
    site            text CONSTRAINT site REFERENCES site,
    enterprise      int CONSTRAINT enterprise REFERENCES tree_node,
    enterprise_name text NOT NULL DEFAULT '',
    -- Those that were looked at, by their names at the site.
    devices         text[] NOT NULL DEFAULT '{}',
    -- Of a campaign of themes (一月一主题); empty: none.
    theme           text NOT NULL DEFAULT '',
    started_at      timestamptz NOT NULL,
    ended_at        timestamptz NOT NULL CHECK (ended_at >= started_at),
    -- In the site's or authority's own time zone.
    day             date NOT NULL,
    -- Who led it and who took part, by name and post.
    people          jsonb NOT NULL DEFAULT '[]',
    -- By the code of each question: yes, no, not_looked_at; what the questions are is data (cloud/inspections).
    answers         jsonb NOT NULL DEFAULT '{}',
    note            text NOT NULL DEFAULT '',
    signed          boolean NOT NULL DEFAULT false,
    -- Recorded in error: it is no longer counted.
    withdrawn       boolean NOT NULL DEFAULT false,
    reason          text NOT NULL DEFAULT '',
    at              timestamptz NOT NULL,
    author          text NOT NULL,
    account_id      int REFERENCES account,
    PRIMARY KEY (id, seq),
    CHECK (site IS NOT NULL OR enterprise IS NOT NULL OR enterprise_name <> ''),
    CHECK ((system = '') = (external_id = ''))
);
CREATE INDEX inspection_of_site ON inspection (site, day DESC);
CREATE INDEX inspection_of_enterprise ON inspection (enterprise, day DESC);
CREATE INDEX inspection_day ON inspection (day DESC, id DESC);
CREATE UNIQUE INDEX inspection_once ON inspection (system, external_id) WHERE system <> '' AND seq = 1;
CREATE VIEW inspection_now WITH (security_invoker = true) AS
    SELECT * FROM inspection AS one
     WHERE NOT EXISTS (SELECT FROM inspection AS later WHERE later.id = one.id AND later.seq > one.seq);
CREATE FUNCTION inspection_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what an inspection found is never changed or removed: it is corrected by a further row'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE OR TRUNCATE ON inspection
    FOR EACH STATEMENT EXECUTE FUNCTION inspection_is_final();

-- Hazards that were filed from an inspection.
CREATE TABLE inspection_hazard (
    inspection uuid NOT NULL,
    hazard_id  uuid NOT NULL REFERENCES hazard,
    PRIMARY KEY (inspection, hazard_id)
);

-- A person in a key post on a day, as the gate or the register of names says.
CREATE TABLE attendance (
    site        text NOT NULL CONSTRAINT site REFERENCES site,
    day         date NOT NULL,
    -- Of the other system, for one person at this site; no number of an identity card.
    person      text NOT NULL,
    name        text NOT NULL,
    -- A role of cloud/accounts/roles.yaml, such as safety_officer.
    post        text NOT NULL,
    -- NULL: the register says that the person was not there.
    first_in    timestamptz,
    last_out    timestamptz CHECK (last_out >= first_in),
    system      text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (site, day, person, post)
);

CALL fence('inspection', 'territory IN (SELECT ruled_nodes()) OR enterprise IN (SELECT ruled_nodes()) OR site IN (SELECT seen_whole_sites())');
CALL fence('inspection_hazard', 'EXISTS (SELECT FROM hazard WHERE hazard.id = hazard_id)');
CALL fence('attendance', 'site IN (SELECT seen_whole_sites())');
GRANT SELECT, INSERT, UPDATE ON data_source, attendance TO sitewarden_app;
GRANT SELECT, INSERT ON inspection, inspection_hazard TO sitewarden_app;
GRANT SELECT ON inspection_now TO sitewarden_app;
