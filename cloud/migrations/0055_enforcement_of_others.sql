-- Records of enforcement may come from another system, which sends the same again; empty where it was recorded here.
ALTER TABLE enforcement
    ADD COLUMN system text NOT NULL DEFAULT '',
    ADD COLUMN external_id text NOT NULL DEFAULT '',
    ADD CONSTRAINT enforcement_origin CHECK ((system = '') = (external_id = ''));
CREATE UNIQUE INDEX enforcement_once ON enforcement (system, external_id) WHERE system <> '' AND seq = 1;
CREATE OR REPLACE VIEW enforcement_now WITH (security_invoker = true) AS
    SELECT * FROM enforcement AS one WHERE NOT is_corrected(one.id, one.seq);
