-- Who may do what, and where: an account has roles, each within a scope and for a time. What a role may do is data of
-- the program (roles.yaml); the database knows a role by its name alone.

ALTER TABLE account
    ADD COLUMN disabled_at timestamptz,
    ADD COLUMN note        text NOT NULL DEFAULT '',
    ADD COLUMN made_by     int REFERENCES account,
    -- Invited: whoever opens the link chooses one.
    ALTER COLUMN password_hash DROP NOT NULL;

CREATE TABLE assignment (
    assignment  int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id  int NOT NULL REFERENCES account,
    role        text NOT NULL,
    -- A node with all below it, a site, or some devices of a site; none of them: the whole system.
    node        int CONSTRAINT node REFERENCES tree_node,
    site        text CONSTRAINT site REFERENCES site,
    devices     text[] CHECK (cardinality(devices) > 0),
    valid_from  timestamptz NOT NULL,
    -- NULL: until somebody ends it. It is ended by this, never removed.
    valid_until timestamptz,
    given_by    text NOT NULL,
    reason      text NOT NULL DEFAULT '',
    CHECK (node IS NULL OR site IS NULL),
    CHECK (devices IS NULL OR site IS NOT NULL),
    CHECK (valid_until >= valid_from)
);
CREATE INDEX assignment_account ON assignment (account_id);

INSERT INTO assignment (account_id, role, valid_from, given_by)
    SELECT id, role, created_at, name FROM account WHERE NOT is_scoped;
INSERT INTO assignment (account_id, role, node, site, valid_from, given_by)
    SELECT a.id, a.role, s.node, s.site, a.created_at, a.name FROM account AS a JOIN account_scope AS s ON s.account_id = a.id;

-- What holds of an account at this moment at a site, the whole of it or some devices. Not now(), which stands still
-- for as long as a transaction waits for another that takes the role away.
CREATE FUNCTION assignments_at(account int, of text) RETURNS SETOF assignment
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT given.*
      FROM assignment AS given
           JOIN account AS whose ON whose.id = given.account_id
           LEFT JOIN site AS x ON x.site = of
           LEFT JOIN tree_node AS top ON top.node = given.node
           LEFT JOIN tree_node AS t ON t.node = x.territory
           LEFT JOIN tree_node AS e ON e.node = x.enterprise
     WHERE given.account_id = account AND whose.disabled_at IS NULL
       AND given.valid_from <= statement_timestamp()
       AND (given.valid_until IS NULL OR given.valid_until > statement_timestamp())
       AND (num_nonnulls(given.node, given.site) = 0 OR given.site = of
            OR starts_with(t.path, top.path) OR starts_with(e.path, top.path))
$$;

-- No account: the programs themselves, and the demo's viewer. In whatever role.
CREATE OR REPLACE FUNCTION sees_site(account int, of text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT account IS NULL OR EXISTS (SELECT FROM assignments_at(account, of))
$$;

-- The same in one of these roles.
CREATE FUNCTION sees_site(account int, of text, roles text[]) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT account IS NULL OR EXISTS (SELECT FROM assignments_at(account, of) WHERE role = ANY (roles))
$$;

-- And of that device, or with NULL of all of them.
CREATE FUNCTION sees_device(account int, of text, of_device text, roles text[]) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT account IS NULL
        OR EXISTS (SELECT FROM assignments_at(account, of)
                    WHERE role = ANY (roles) AND (devices IS NULL OR of_device = ANY (devices)))
$$;

-- What holds of an account anywhere.
CREATE FUNCTION assignments_of(account int) RETURNS SETOF assignment
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT given.* FROM assignment AS given JOIN account AS whose ON whose.id = given.account_id
     WHERE given.account_id = account AND whose.disabled_at IS NULL
       AND given.valid_from <= statement_timestamp()
       AND (given.valid_until IS NULL OR given.valid_until > statement_timestamp())
$$;

-- Whether a node lies in what the account has in one of these roles; with NULL in whatever role.
CREATE FUNCTION rules_node(account int, of text, roles text[]) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT account IS NULL
        OR EXISTS (
            SELECT FROM assignments_of(account) AS given LEFT JOIN tree_node AS top ON top.node = given.node
             WHERE (roles IS NULL OR given.role = ANY (roles))
               AND (num_nonnulls(given.node, given.site) = 0 OR starts_with(of, top.path)))
$$;

-- Whether it is of use to the account: in its scope, or above something that is.
CREATE OR REPLACE FUNCTION sees_node(account int, of text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT rules_node(account, of, NULL)
        OR EXISTS (
            SELECT FROM assignments_of(account) AS given JOIN tree_node AS top ON top.node = given.node
             WHERE starts_with(top.path, of))
        OR EXISTS (
            SELECT FROM site JOIN tree_node AS x ON x.node IN (site.territory, site.enterprise)
             WHERE starts_with(x.path, of) AND sees_site(account, site.site))
$$;

-- A channel of all sites is for whoever has the whole system, in one of these roles; with NULL in whatever role.
CREATE FUNCTION rules_channel(account int, of text, roles text[]) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT account IS NULL
        OR EXISTS (SELECT FROM assignments_of(account) AS given
                    WHERE of IS NULL AND num_nonnulls(given.node, given.site) = 0
                      AND (roles IS NULL OR given.role = ANY (roles)))
        OR EXISTS (SELECT FROM assignments_at(account, of) AS given
                    WHERE of IS NOT NULL AND given.devices IS NULL AND (roles IS NULL OR given.role = ANY (roles)))
$$;
CREATE OR REPLACE FUNCTION rules_channel(account int, of text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS $$
    SELECT rules_channel(account, of, NULL)
$$;

DROP FUNCTION rules_node(int, text);
DROP TABLE account_scope;
ALTER TABLE account DROP COLUMN role, DROP COLUMN is_scoped;

GRANT SELECT, INSERT, UPDATE ON assignment TO sitewarden_app;
