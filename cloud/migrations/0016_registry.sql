-- The registry: what people say of sites. Each row has a version (the ETag) and each change is kept with its author.

-- Territories (province, prefecture, county, park, town, grid) and enterprises (group, company, branch).
CREATE TABLE tree_node (
    node      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tree      text NOT NULL CHECK (tree IN ('territory', 'enterprise')),
    parent    int CONSTRAINT parent REFERENCES tree_node,
    kind      text NOT NULL,
    name      jsonb NOT NULL,
    -- Administrative division code, or unified social credit code.
    code      text NOT NULL DEFAULT '',
    -- Materialised: `/3/14/15/`, the node itself last, so that a subtree is whatever starts with it.
    path      text NOT NULL DEFAULT '',
    version   int NOT NULL DEFAULT 1
);
CREATE INDEX tree_node_path ON tree_node (path text_pattern_ops);
CREATE UNIQUE INDEX code ON tree_node (tree, code) WHERE code <> '';

ALTER TABLE site
    ADD COLUMN territory  int CONSTRAINT territory REFERENCES tree_node,
    ADD COLUMN enterprise int CONSTRAINT enterprise REFERENCES tree_node;

-- An account that is scoped sees the sites below these nodes and these sites, and no other.
ALTER TABLE account ADD COLUMN is_scoped boolean NOT NULL DEFAULT false;
CREATE TABLE account_scope (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id int NOT NULL REFERENCES account,
    node       int REFERENCES tree_node,
    site       text REFERENCES site,
    CHECK (num_nonnulls(node, site) = 1)
);
CREATE INDEX account_scope_account ON account_scope (account_id);

-- No account: the programs themselves, and the demo's viewer.
CREATE FUNCTION sees_site(account int, of text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT account IS NULL
        OR EXISTS (SELECT FROM account AS a WHERE a.id = account AND NOT a.is_scoped)
        OR EXISTS (
            SELECT FROM account_scope AS s JOIN site AS x ON x.site = of
              LEFT JOIN tree_node AS top ON top.node = s.node
              LEFT JOIN tree_node AS t ON t.node = x.territory
              LEFT JOIN tree_node AS e ON e.node = x.enterprise
             WHERE s.account_id = account
               AND (s.site = of OR starts_with(t.path, top.path) OR starts_with(e.path, top.path)))
$$;

-- Whether a node lies in the account's scope.
CREATE FUNCTION rules_node(account int, of text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT account IS NULL
        OR EXISTS (SELECT FROM account AS a WHERE a.id = account AND NOT a.is_scoped)
        OR EXISTS (
            SELECT FROM account_scope AS s JOIN tree_node AS top ON top.node = s.node
             WHERE s.account_id = account AND starts_with(of, top.path))
$$;

-- Whether it is of use to the account: in its scope, or above something that is.
CREATE FUNCTION sees_node(account int, of text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT rules_node(account, of)
        OR EXISTS (
            SELECT FROM account_scope AS s JOIN tree_node AS top ON top.node = s.node
             WHERE s.account_id = account AND starts_with(top.path, of))
        OR EXISTS (
            SELECT FROM site JOIN tree_node AS x ON x.node IN (site.territory, site.enterprise)
             WHERE starts_with(x.path, of) AND sees_site(account, site.site))
$$;

CREATE TABLE plan (
    site       text NOT NULL CONSTRAINT site REFERENCES site,
    plan       text NOT NULL,
    name       jsonb NOT NULL,
    media_type text NOT NULL CHECK (media_type IN ('image/png', 'image/jpeg')),
    width      int NOT NULL,
    height     int NOT NULL,
    sha256     text NOT NULL,
    image      bytea NOT NULL,
    version    int NOT NULL DEFAULT 1,
    PRIMARY KEY (site, plan)
);

CREATE TABLE zone (
    site    text NOT NULL CONSTRAINT site REFERENCES site,
    zone    text NOT NULL,
    name    jsonb NOT NULL,
    plan    text,
    -- Corners as fractions of the plan's width and height, from its upper left.
    polygon jsonb NOT NULL,
    note    text NOT NULL DEFAULT '',
    version int NOT NULL DEFAULT 1,
    PRIMARY KEY (site, zone),
    CONSTRAINT plan FOREIGN KEY (site, plan) REFERENCES plan
);

-- The file of a device (设备档案); what the device says is in `device`, under the same name.
CREATE TABLE device_file (
    site            text NOT NULL CONSTRAINT site REFERENCES site,
    device          text NOT NULL,
    kind            text NOT NULL,
    name            jsonb NOT NULL,
    zone            text,
    maker           text NOT NULL DEFAULT '',
    model           text NOT NULL DEFAULT '',
    serial_no       text NOT NULL DEFAULT '',
    property_no     text NOT NULL DEFAULT '',
    manufactured_on date,
    parties         jsonb NOT NULL DEFAULT '[]',
    geometry        jsonb,
    note            text NOT NULL DEFAULT '',
    version         int NOT NULL DEFAULT 1,
    PRIMARY KEY (site, device),
    CONSTRAINT zone FOREIGN KEY (site, zone) REFERENCES zone
);

CREATE TABLE device_step (
    step_id     uuid PRIMARY KEY,
    site        text NOT NULL CONSTRAINT site REFERENCES site,
    device      text NOT NULL,
    step        text NOT NULL,
    done_on     date NOT NULL,
    body        text NOT NULL,
    document_no text NOT NULL DEFAULT '',
    valid_until date,
    note        text NOT NULL DEFAULT '',
    version     int NOT NULL DEFAULT 1,
    CONSTRAINT device FOREIGN KEY (site, device) REFERENCES device_file
);
CREATE INDEX device_step_device ON device_step (site, device);

CREATE TABLE load_chart (
    site    text NOT NULL CONSTRAINT site REFERENCES site,
    device  text NOT NULL,
    source  text NOT NULL,
    -- By falls, [radius m, load t] with ascending radius.
    falls   jsonb NOT NULL,
    version int NOT NULL DEFAULT 1,
    PRIMARY KEY (site, device),
    CONSTRAINT device FOREIGN KEY (site, device) REFERENCES device_file
);

-- The certificate's number and no other of the person.
CREATE TABLE operator (
    operator       uuid PRIMARY KEY,
    site           text NOT NULL CONSTRAINT site REFERENCES site,
    name           text NOT NULL,
    trade          text NOT NULL,
    certificate_no text NOT NULL,
    valid_from     date,
    valid_until    date NOT NULL,
    devices        text[] NOT NULL DEFAULT '{}',
    note           text NOT NULL DEFAULT '',
    version        int NOT NULL DEFAULT 1,
    CONSTRAINT certificate_no UNIQUE (site, certificate_no)
);

CREATE TABLE pit (
    site            text NOT NULL CONSTRAINT site REFERENCES site,
    pit             text NOT NULL,
    name            jsonb NOT NULL,
    zone            text,
    pit_class       int NOT NULL CHECK (pit_class BETWEEN 1 AND 3),
    support         text NOT NULL,
    depth_m         double precision NOT NULL CHECK (depth_m > 0),
    design_document text NOT NULL DEFAULT '',
    note            text NOT NULL DEFAULT '',
    version         int NOT NULL DEFAULT 1,
    PRIMARY KEY (site, pit),
    CONSTRAINT zone FOREIGN KEY (site, zone) REFERENCES zone
);

-- Design control values of a point, under the names that rule packs give their parameters.
CREATE TABLE pit_point (
    site            text NOT NULL CONSTRAINT site REFERENCES site,
    point           text NOT NULL,
    pit             text NOT NULL,
    kind            text NOT NULL,
    name            jsonb NOT NULL,
    parameters      jsonb NOT NULL DEFAULT '{}',
    design_document text NOT NULL DEFAULT '',
    note            text NOT NULL DEFAULT '',
    version         int NOT NULL DEFAULT 1,
    PRIMARY KEY (site, point),
    CONSTRAINT pit FOREIGN KEY (site, pit) REFERENCES pit
);

CREATE TABLE dangerous_work (
    work        uuid PRIMARY KEY,
    site        text NOT NULL CONSTRAINT site REFERENCES site,
    name        jsonb NOT NULL,
    category    text NOT NULL,
    dimensions  jsonb NOT NULL DEFAULT '{}',
    status      text NOT NULL CHECK (status IN ('planned', 'under_way', 'finished')),
    scheme_no   text NOT NULL DEFAULT '',
    review_no   text NOT NULL DEFAULT '',
    conclusion  text NOT NULL DEFAULT '',
    reviewed_on date,
    starts_on   date,
    ends_on     date,
    devices     text[] NOT NULL DEFAULT '{}',
    note        text NOT NULL DEFAULT '',
    version     int NOT NULL DEFAULT 1
);
CREATE INDEX dangerous_work_site ON dangerous_work (site);

-- Answers to POSTs that carried an Idempotency-Key: the same request again gets the same answer.
CREATE TABLE idempotency (
    account_id int NOT NULL REFERENCES account,
    key        text NOT NULL,
    digest     bytea NOT NULL,
    etag       text,
    body       jsonb,
    at         timestamptz NOT NULL,
    PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_at ON idempotency (at);

CREATE TABLE registry_change (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    author  text NOT NULL,
    -- NULL: of a tree, not of a site.
    site    text,
    record  text NOT NULL,
    key     text NOT NULL,
    before  jsonb,
    after   jsonb
);
CREATE INDEX registry_change_site ON registry_change (site, id DESC);
CREATE INDEX registry_change_record ON registry_change (site, record, key, id DESC);

CREATE FUNCTION registry_change_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was changed is never changed or removed' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER final BEFORE UPDATE OR DELETE ON registry_change
    FOR EACH ROW EXECUTE FUNCTION registry_change_is_final();

-- The next version, whoever changes a row by whatever statement.
CREATE FUNCTION registry_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;

-- Every change is kept; one whose author is not named is refused. The argument is the column of the key.
CREATE FUNCTION registry_tells() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    who      text := nullif(current_setting('sitewarden.author', true), '');
    was      jsonb;
    becomes  jsonb;
BEGIN
    IF who IS NULL THEN
        RAISE EXCEPTION 'a change of the registry names its author' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP <> 'INSERT' THEN
        was := to_jsonb(OLD) - 'image' - 'seed';
    END IF;
    IF TG_OP <> 'DELETE' THEN
        becomes := to_jsonb(NEW) - 'image' - 'seed';
    END IF;
    INSERT INTO registry_change (author, site, record, key, before, after)
        VALUES (who, coalesce(becomes, was) ->> 'site', TG_TABLE_NAME, coalesce(becomes, was) ->> TG_ARGV[0], was, becomes);
    RETURN NULL;
END $$;

DO $$
DECLARE
    kept record;
BEGIN
    FOR kept IN SELECT * FROM (VALUES
        ('site', 'site'), ('site_gateway', 'gateway'), ('tree_node', 'node'), ('plan', 'plan'), ('zone', 'zone'),
        ('device_file', 'device'), ('device_step', 'step_id'), ('load_chart', 'device'), ('operator', 'operator'),
        ('pit', 'pit'), ('pit_point', 'point'), ('dangerous_work', 'work')) AS t (name, key)
    LOOP
        EXECUTE format('CREATE TRIGGER counts BEFORE UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION registry_counts()', kept.name);
        EXECUTE format('CREATE TRIGGER tells AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION registry_tells(%L)', kept.name, kept.key);
        IF kept.name <> 'tree_node' THEN
            -- The second fence: the first is the question that every route asks before it looks. Programs pass at once.
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', kept.name);
            EXECUTE format(
                'CREATE POLICY in_scope ON %I USING (coalesce(current_setting(''sitewarden.account'', true), '''') = '''''
                ' OR sees_site(nullif(current_setting(''sitewarden.account'', true), '''')::int, site))',
                kept.name);
        END IF;
    END LOOP;
END $$;
ALTER TABLE registry_change ENABLE ROW LEVEL SECURITY;
CREATE POLICY in_scope ON registry_change
    USING (coalesce(current_setting('sitewarden.account', true), '') = ''
           OR sees_site(nullif(current_setting('sitewarden.account', true), '')::int, site));

GRANT SELECT, INSERT, UPDATE, DELETE ON tree_node, plan, zone, device_file, device_step, load_chart, operator, pit,
    pit_point, dangerous_work, account_scope TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency TO sitewarden_app;
GRANT USAGE ON SEQUENCE tree_node_node_seq TO sitewarden_app;
GRANT SELECT ON registry_change TO sitewarden_app;
