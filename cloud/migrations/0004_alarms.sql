-- Alarms: transitions as they came, once each, and the episodes that they tell of.

CREATE TABLE alarm_transition (
    gateway_id  int NOT NULL REFERENCES gateway,
    boot        text NOT NULL,
    seq         bigint NOT NULL,
    episode     uuid NOT NULL,
    change      text NOT NULL CHECK (change IN ('raised', 'cleared')),
    at          timestamptz NOT NULL,
    value       double precision NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (gateway_id, boot, seq)
);

CREATE TABLE episode (
    id           uuid PRIMARY KEY,
    site         text NOT NULL REFERENCES site,
    mode         text NOT NULL,
    gateway_id   int NOT NULL REFERENCES gateway,
    device       text NOT NULL,
    point        text NOT NULL,
    kind         text NOT NULL,
    rule         text NOT NULL,
    rule_version bigint NOT NULL,
    family       text NOT NULL,
    level        smallint NOT NULL,
    label        jsonb NOT NULL,
    -- At the raise; the peak while only the clear has come.
    value        double precision NOT NULL,
    peak         double precision NOT NULL,
    "limit"      double precision NOT NULL,
    unit         text NOT NULL,
    raised_at    timestamptz NOT NULL,
    cleared_at   timestamptz,
    received_at  timestamptz NOT NULL,
    clock        text NOT NULL,
    basis        jsonb NOT NULL,
    -- {"raised": [series], "cleared": [series]}, instants in UTC milliseconds.
    evidence     jsonb NOT NULL,
    late         boolean NOT NULL,
    hazard_id    uuid REFERENCES hazard
);
CREATE INDEX episode_listed ON episode (site, mode, raised_at DESC, id DESC);
CREATE INDEX episode_active ON episode (site, mode, raised_at DESC, id DESC) WHERE cleared_at IS NULL;
CREATE INDEX episode_hazard ON episode (hazard_id, raised_at DESC) WHERE hazard_id IS NOT NULL;

GRANT SELECT, INSERT ON alarm_transition TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE ON episode TO sitewarden_app;
