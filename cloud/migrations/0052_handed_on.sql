-- What is handed on to other platforms (对外报送): an item for each thing that is to be handed on, made in the very transaction
-- that makes it so; and of each item a package for every connector that wants it, with its receipt.

CREATE TABLE outbox_item (
    item       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind       text NOT NULL CHECK (kind IN ('hazard_major', 'hazard_update', 'hazard_closed', 'incident_details', 'inspection', 'report')),
    -- The record and its event, version or correction.
    of         uuid NOT NULL,
    seq        int NOT NULL,
    site       text CONSTRAINT site REFERENCES site,
    node       int CONSTRAINT node REFERENCES tree_node,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Whether every connector that wants it has its package.
    spread     boolean NOT NULL DEFAULT false,
    UNIQUE (kind, of, seq)
);
CREATE INDEX outbox_item_waits ON outbox_item (created_at) WHERE NOT spread;
CREATE INDEX outbox_item_of ON outbox_item (of);

CREATE TABLE connector (
    connector   uuid PRIMARY KEY,
    name        text NOT NULL CONSTRAINT name UNIQUE,
    kind        text NOT NULL CHECK (kind IN ('file', 'http')),
    -- With all below it; NULL: everything.
    node        int CONSTRAINT node REFERENCES tree_node,
    wants       text[] NOT NULL,
    -- Of `http`; empty of `file`.
    url         text NOT NULL DEFAULT '',
    -- YAML: the names and codes of the other side; empty: as it is here.
    mapping     text NOT NULL DEFAULT '',
    is_on       boolean NOT NULL DEFAULT true,
    since       timestamptz NOT NULL,
    version     int NOT NULL DEFAULT 1,
    failures    int NOT NULL DEFAULT 0,
    rests_until timestamptz,
    author      text NOT NULL
);
-- What it signs with; nobody is shown it.
CREATE TABLE connector_secret (
    connector uuid PRIMARY KEY REFERENCES connector,
    key       text NOT NULL
);

CREATE TABLE package (
    package      uuid PRIMARY KEY,
    connector    uuid NOT NULL REFERENCES connector,
    seq          bigint NOT NULL,
    item         uuid NOT NULL REFERENCES outbox_item,
    kind         text NOT NULL,
    site         text CONSTRAINT site REFERENCES site,
    node         int CONSTRAINT node REFERENCES tree_node,
    -- Canonical JSON: exactly the bytes that `sha256` is over.
    body         text NOT NULL,
    sha256       bytea NOT NULL CHECK (sha256 = sha256(convert_to(body, 'UTF8'))),
    -- As it goes out: kept from the first try on, so that every try sends the same bytes.
    wire         text,
    -- accepted and rejected: the other side's receipt says so.
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'accepted', 'rejected', 'unknown')),
    code         text NOT NULL DEFAULT '',
    answer       text NOT NULL DEFAULT '',
    attempts     int NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL,
    tried_at     timestamptz,
    -- Until then whoever sends it has it to himself.
    leased_until timestamptz,
    settled_at   timestamptz,
    UNIQUE (connector, seq),
    UNIQUE (connector, item)
);
CREATE INDEX package_waits ON package (connector, seq) WHERE state IN ('waiting', 'sending', 'sent', 'unknown');
CREATE INDEX package_listed ON package (created_at DESC, package DESC);

CALL fence('package', 'site IN (SELECT seen_whole_sites()) OR (site IS NULL AND node IN (SELECT ruled_nodes()))');
-- An item is made on behalf of whoever acts, who may see less than its site.
ALTER TABLE outbox_item ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY in_scope ON outbox_item
    USING ((SELECT is_program()) OR site IN (SELECT seen_whole_sites()) OR (site IS NULL AND node IN (SELECT ruled_nodes())))
    WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON outbox_item, connector, connector_secret, package TO sitewarden_app;

-- A major hazard once it is judged so, what changes of it, and its end. Never of a drill.
CREATE FUNCTION hazard_is_handed_on() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    known  boolean := EXISTS (SELECT FROM outbox_item WHERE of = NEW.hazard_id AND kind = 'hazard_major');
    before record;
BEGIN
    IF NOT known AND (NEW.level <> 'major' OR NEW.status IN ('candidate', 'rejected', 'merged')) THEN
        RETURN NULL;
    END IF;
    SELECT status, level, report, supervision, escalation_step, overdue INTO before
      FROM hazard_event WHERE hazard_id = NEW.hazard_id AND seq = NEW.seq - 1;
    IF known AND (before.status, before.level, before.report, before.supervision, before.escalation_step, before.overdue)
                 IS NOT DISTINCT FROM (NEW.status, NEW.level, NEW.report, NEW.supervision, NEW.escalation_step, NEW.overdue) THEN
        RETURN NULL;
    END IF;
    INSERT INTO outbox_item (kind, of, seq, site)
        SELECT CASE WHEN NOT known THEN 'hazard_major'
                    WHEN NEW.status = 'closed' AND before.status IS DISTINCT FROM 'closed' THEN 'hazard_closed'
                    ELSE 'hazard_update' END, NEW.hazard_id, NEW.seq, site
          FROM hazard WHERE id = NEW.hazard_id AND mode = 'live';
    RETURN NULL;
END $$;
CREATE TRIGGER handed_on AFTER INSERT ON hazard_event
    FOR EACH ROW WHEN (NEW.status <> 'candidate') EXECUTE FUNCTION hazard_is_handed_on();

CREATE FUNCTION incident_is_handed_on() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO outbox_item (kind, of, seq, site)
        SELECT 'incident_details', NEW.of, NEW.seq, site FROM incident WHERE id = NEW.of AND mode = 'live';
    RETURN NULL;
END $$;
CREATE TRIGGER handed_on AFTER INSERT ON ledger_event
    FOR EACH ROW WHEN (NEW.ledger = 'incident' AND NEW.kind = 'submit_details') EXECUTE FUNCTION incident_is_handed_on();

CREATE FUNCTION inspection_is_handed_on() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO outbox_item (kind, of, seq, site, node)
        VALUES ('inspection', NEW.id, NEW.seq, NEW.site, coalesce(NEW.territory, NEW.enterprise));
    RETURN NULL;
END $$;
CREATE TRIGGER handed_on AFTER INSERT ON inspection FOR EACH ROW EXECUTE FUNCTION inspection_is_handed_on();

-- Only what was approved.
CREATE FUNCTION report_is_handed_on() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO outbox_item (kind, of, seq, site, node)
        VALUES ('report', NEW.report, NEW.approved, NEW.site, NEW.node) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER handed_on AFTER UPDATE OF approved ON report
    FOR EACH ROW WHEN (NEW.approved IS NOT NULL AND NEW.approved IS DISTINCT FROM OLD.approved)
    EXECUTE FUNCTION report_is_handed_on();
