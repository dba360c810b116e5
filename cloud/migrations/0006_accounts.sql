-- Who may look and act. Tokens rest only as their SHA-256: a copy of the database opens no session.

CREATE TABLE account (
    id            int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    role          text NOT NULL CHECK (role IN ('viewer', 'admin')),
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL
);

CREATE TABLE session (
    token_hash bytea PRIMARY KEY,
    -- NULL: the demo's viewer, who has no account.
    account_id int REFERENCES account,
    created_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL
);
CREATE INDEX session_seen ON session (seen_at);

CREATE TABLE setup_link (
    token_hash bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON account TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON session, setup_link TO sitewarden_app;
