-- What exists: sites by configuration, gateways, devices and points by the births that gateways send.

CREATE TABLE site (
    site      text PRIMARY KEY,
    name      jsonb NOT NULL,
    time_zone text NOT NULL
);

-- A gateway stands here once a mode: what it says in TEST never touches what it says in LIVE.
CREATE TABLE gateway (
    id                 int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site               text NOT NULL REFERENCES site,
    mode               text NOT NULL CHECK (mode IN ('live', 'test', 'drill', 'replay')),
    gateway            text NOT NULL,
    state              text NOT NULL DEFAULT 'unknown' CHECK (state IN ('online', 'offline', 'unknown')),
    boot               text,
    birth_hash         bytea,
    birth_received_at  timestamptz,
    -- When anything of it last reached the cloud, by the cloud's clock.
    seen_at            timestamptz,
    outbox_alarms      bigint NOT NULL DEFAULT 0,
    outbox_readings    bigint NOT NULL DEFAULT 0,
    oldest_at          timestamptz,
    disk_free_bytes    bigint,
    clock              text NOT NULL DEFAULT 'unknown',
    software           text NOT NULL DEFAULT '',
    -- As the gateway counts them since its outbox began.
    readings_written   bigint NOT NULL DEFAULT 0,
    alarms_written     bigint NOT NULL DEFAULT 0,
    readings_dropped   bigint NOT NULL DEFAULT 0,
    alarms_dropped     bigint NOT NULL DEFAULT 0,
    -- As the cloud has committed them; a reading that comes twice counts once.
    readings_committed bigint NOT NULL DEFAULT 0,
    readings_late      bigint NOT NULL DEFAULT 0,
    UNIQUE (site, mode, gateway)
) WITH (fillfactor = 50);

CREATE TABLE device (
    site       text NOT NULL REFERENCES site,
    mode       text NOT NULL,
    device     text NOT NULL,
    gateway_id int NOT NULL REFERENCES gateway,
    kind       text NOT NULL,
    label      jsonb NOT NULL,
    profile    text NOT NULL,
    layout     jsonb NOT NULL,
    position   int NOT NULL,
    current    boolean NOT NULL,
    PRIMARY KEY (site, mode, device)
);

-- A point whose kind or resolution changes becomes another row: its old readings keep their meaning.
CREATE TABLE point (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site           text NOT NULL REFERENCES site,
    mode           text NOT NULL,
    device         text NOT NULL,
    name           text NOT NULL,
    kind           text NOT NULL,
    resolution     double precision NOT NULL CHECK (resolution > 0),
    gateway_id     int NOT NULL REFERENCES gateway,
    label          jsonb,
    stale_after_ms int NOT NULL DEFAULT 0,
    limits         jsonb NOT NULL DEFAULT '[]',
    position       int NOT NULL,
    -- Whether it is in the newest birth of its gateway.
    current        boolean NOT NULL,
    UNIQUE (site, mode, name, kind, resolution)
);
CREATE UNIQUE INDEX point_current ON point (site, mode, name) WHERE current;
CREATE INDEX point_gateway ON point (gateway_id);

GRANT SELECT, INSERT, UPDATE ON site, gateway, device, point TO sitewarden_app;
