-- Histories taken out as files: who asked for which, how far it is, and what became of it. The rows stay longer than
-- the files, for they say who has what.
CREATE TABLE history_export (
    id         uuid PRIMARY KEY,
    site       text NOT NULL REFERENCES site,
    mode       text NOT NULL,
    -- Who asked; without an account the viewer of a demo.
    account_id int REFERENCES account,
    author     text NOT NULL,
    points     text[] NOT NULL CHECK (cardinality(points) > 0),
    from_at    timestamptz NOT NULL,
    to_at      timestamptz NOT NULL CHECK (to_at > from_at),
    level      text NOT NULL CHECK (level IN ('raw', 'minute', 'hour', 'day')),
    form       text NOT NULL CHECK (form IN ('csv', 'parquet')),
    state      text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'expired')),
    asked_at   timestamptz NOT NULL,
    -- Of whoever writes it: silent for too long, another takes it over.
    told_at    timestamptz,
    tries      int NOT NULL DEFAULT 0,
    estimated  bigint NOT NULL,
    rows       bigint NOT NULL DEFAULT 0,
    ended_at   timestamptz,
    expires_at timestamptz,
    bytes      bigint,
    sha256     bytea CHECK (length(sha256) = 32),
    why        text CHECK (why IN ('disk', 'error', 'lost'))
);
CREATE INDEX history_export_under_way ON history_export (asked_at) WHERE state IN ('queued', 'running', 'done');
CREATE INDEX history_export_of_account ON history_export (account_id, asked_at);
CALL fence('history_export', 'account_id = (SELECT caller()) AND site IN (SELECT seen_sites())');
GRANT SELECT, INSERT, UPDATE, DELETE ON history_export TO sitewarden_app;
