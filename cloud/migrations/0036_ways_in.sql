-- Other ways in than a password alone: a second factor, a provider of identities, tokens for programs.

ALTER TABLE session
    ADD COLUMN method text NOT NULL DEFAULT 'password' CHECK (method IN ('password', 'oidc'));

-- Time-based codes (RFC 6238). The row stays when it is taken away: what happened to it is told by `account_change`.
CREATE TABLE second_factor (
    account_id   int PRIMARY KEY REFERENCES account,
    -- In base32, as an authenticator takes it; NULL: taken away.
    secret       text,
    made_at      timestamptz NOT NULL,
    -- NULL: not in force, for no code was shown yet that proves that the authenticator has it.
    confirmed_at timestamptz,
    -- The step of the last code that was taken, which is never taken again.
    last_step    bigint NOT NULL DEFAULT 0,
    reason       text NOT NULL DEFAULT '',
    CHECK (confirmed_at IS NULL OR secret IS NOT NULL)
);

-- Each stands for one code, once.
CREATE TABLE recovery_code (
    account_id int NOT NULL REFERENCES account,
    code_hash  bytea NOT NULL,
    used_at    timestamptz,
    PRIMARY KEY (account_id, code_hash)
);

-- Whether an account has one of these roles, and no second factor in force.
CREATE FUNCTION lacks_factor(account int, roles text[]) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT EXISTS (SELECT FROM assignments_of(account) WHERE role = ANY (roles))
       AND NOT EXISTS (SELECT FROM second_factor AS f WHERE f.account_id = account AND f.confirmed_at IS NOT NULL)
$$;

-- Whom a provider means: bound at the first sign-in by name, so that nobody who gets the name later gets the account.
CREATE TABLE identity (
    issuer     text NOT NULL,
    subject    text NOT NULL,
    account_id int NOT NULL REFERENCES account,
    bound_at   timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject),
    UNIQUE (issuer, account_id)
);

CREATE TABLE api_token (
    id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id  int NOT NULL REFERENCES account,
    name        text NOT NULL,
    token_hash  bytea NOT NULL UNIQUE,
    permissions text[] NOT NULL CHECK (cardinality(permissions) > 0),
    made_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL CHECK (expires_at > made_at AND expires_at <= made_at + interval '366 days'),
    used_at     timestamptz,
    revoked_at  timestamptz
);
CREATE UNIQUE INDEX api_token_named ON api_token (account_id, name) WHERE revoked_at IS NULL;

ALTER TABLE account_change
    DROP CONSTRAINT account_change_record_check,
    ADD CONSTRAINT account_change_record_check CHECK (
        record IN ('account', 'assignment', 'account_link', 'second_factor', 'api_token', 'identity'));

-- As before, and without the secret of a second factor.
CREATE OR REPLACE FUNCTION account_tells() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    who     text := nullif(current_setting('sitewarden.author', true), '');
    secret  text[] := ARRAY['password_hash', 'token_hash', 'secret'];
    was     jsonb;
    becomes jsonb;
BEGIN
    IF who IS NULL THEN
        RAISE EXCEPTION 'a change of an account names its author' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP <> 'INSERT' THEN
        was := to_jsonb(OLD) - secret;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        becomes := to_jsonb(NEW) - secret;
    END IF;
    INSERT INTO account_change (author, account_id, record, before, after)
        VALUES (who, (coalesce(becomes, was) ->> TG_ARGV[0])::int, TG_TABLE_NAME, was, becomes);
    RETURN NULL;
END $$;
CREATE TRIGGER tells AFTER INSERT OR UPDATE OF secret, confirmed_at ON second_factor
    FOR EACH ROW EXECUTE FUNCTION account_tells('account_id');
CREATE TRIGGER tells AFTER INSERT OR UPDATE OF revoked_at ON api_token
    FOR EACH ROW EXECUTE FUNCTION account_tells('account_id');
CREATE TRIGGER tells AFTER INSERT OR DELETE ON identity FOR EACH ROW EXECUTE FUNCTION account_tells('account_id');

GRANT SELECT, INSERT, UPDATE ON second_factor, api_token TO sitewarden_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON recovery_code TO sitewarden_app;
GRANT SELECT, INSERT, DELETE ON identity TO sitewarden_app;
