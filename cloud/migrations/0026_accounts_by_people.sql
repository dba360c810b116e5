-- Accounts are made by people within their own scope: by a link that is used once, and every change is kept.

ALTER TABLE account
    ADD COLUMN password_at     timestamptz,
    -- Why it was disabled, or let in again.
    ADD COLUMN standing_reason text NOT NULL DEFAULT '';
ALTER TABLE assignment ADD COLUMN end_reason text NOT NULL DEFAULT '';

-- One at a time for an account. Whoever opens it chooses the password.
CREATE TABLE account_link (
    account_id int PRIMARY KEY REFERENCES account,
    token_hash bytea NOT NULL UNIQUE,
    kind       text NOT NULL CHECK (kind IN ('invitation', 'reset')),
    expires_at timestamptz NOT NULL
);

ALTER TABLE session
    -- By which its owner names it: the token rests nowhere.
    ADD COLUMN id    int GENERATED ALWAYS AS IDENTITY UNIQUE,
    ADD COLUMN agent text NOT NULL DEFAULT '';
CREATE INDEX session_account ON session (account_id);

-- Whether what an account has in one of these roles contains that scope (all NULL: the whole system), for so long.
CREATE FUNCTION covers_scope(account int, roles text[], of_node int, of_site text, of_devices text[], until timestamptz)
    RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT EXISTS (
        SELECT FROM assignments_of(account) AS given
               LEFT JOIN tree_node AS top ON top.node = given.node
               LEFT JOIN tree_node AS below ON below.node = of_node
               LEFT JOIN site AS x ON x.site = of_site
               LEFT JOIN tree_node AS t ON t.node = x.territory
               LEFT JOIN tree_node AS e ON e.node = x.enterprise
         WHERE given.role = ANY (roles) AND (given.valid_until IS NULL OR until <= given.valid_until)
           AND (num_nonnulls(given.node, given.site) = 0
                OR starts_with(below.path, top.path) OR starts_with(t.path, top.path) OR starts_with(e.path, top.path)
                OR (given.site = of_site AND (given.devices IS NULL OR of_devices <@ given.devices))))
$$;

-- Whether an account is one of those that another has to do with in one of these roles.
CREATE FUNCTION knows_account(account int, roles text[], other int) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT account = other
        OR covers_scope(account, roles, NULL, NULL, NULL, '-infinity')
        OR EXISTS (SELECT FROM account AS a WHERE a.id = other AND a.made_by = account)
        OR EXISTS (SELECT FROM assignment AS x WHERE x.account_id = other
                      AND covers_scope(account, roles, x.node, x.site, x.devices, '-infinity'))
$$;

-- Whether it may disable another, or let somebody choose its password: only where it might have given all of the
-- other's roles itself, for else it would have them by the other's name. `givers`: by role, the roles that give it.
CREATE FUNCTION answers_for(account int, roles text[], givers jsonb, other int) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT account <> other AND knows_account(account, roles, other)
        AND NOT EXISTS (
            SELECT FROM assignment AS x
             WHERE x.account_id = other AND (x.valid_until IS NULL OR x.valid_until > statement_timestamp())
               AND NOT covers_scope(account, ARRAY(SELECT jsonb_array_elements_text(givers -> x.role)),
                                    x.node, x.site, x.devices, '-infinity'))
$$;

CREATE TABLE account_change (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    author     text NOT NULL,
    account_id int NOT NULL REFERENCES account,
    record     text NOT NULL CHECK (record IN ('account', 'assignment', 'account_link')),
    before     jsonb,
    after      jsonb
);
CREATE INDEX account_change_account ON account_change (account_id, id DESC);
CREATE TRIGGER final BEFORE UPDATE OR DELETE ON account_change
    FOR EACH ROW EXECUTE FUNCTION registry_change_is_final();

-- Every change is kept, without what is secret; one whose author is not named is refused.
CREATE FUNCTION account_tells() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    who     text := nullif(current_setting('sitewarden.author', true), '');
    secret  text[] := ARRAY['password_hash', 'token_hash'];
    was     jsonb;
    becomes jsonb := to_jsonb(NEW) - secret;
BEGIN
    IF who IS NULL THEN
        RAISE EXCEPTION 'a change of an account names its author' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        was := to_jsonb(OLD) - secret;
    END IF;
    INSERT INTO account_change (author, account_id, record, before, after)
        VALUES (who, (becomes ->> TG_ARGV[0])::int, TG_TABLE_NAME, was, becomes);
    RETURN NULL;
END $$;
CREATE TRIGGER tells AFTER INSERT OR UPDATE ON account FOR EACH ROW EXECUTE FUNCTION account_tells('id');
CREATE TRIGGER tells AFTER INSERT OR UPDATE ON assignment FOR EACH ROW EXECUTE FUNCTION account_tells('account_id');
CREATE TRIGGER tells AFTER INSERT OR UPDATE ON account_link FOR EACH ROW EXECUTE FUNCTION account_tells('account_id');

GRANT SELECT, INSERT, UPDATE, DELETE ON account_link TO sitewarden_app;
GRANT SELECT ON account_change TO sitewarden_app;
