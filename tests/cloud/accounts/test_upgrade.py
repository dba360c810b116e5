"""Accounts from before there were roles keep what they might do."""

import psycopg

from cloud.migrate import migrate, shipped
from tests.support.postgres import Postgres

OLD = """
    INSERT INTO site (site, name, time_zone) VALUES ('demo', '{}', 'UTC'), ('north', '{}', 'UTC');
    INSERT INTO account (name, role, password_hash, created_at, is_scoped) VALUES
        ('boss', 'admin', 'x', now(), false), ('looks', 'viewer', 'x', now(), true);
    INSERT INTO account_scope (account_id, site) SELECT id, 'north' FROM account WHERE name = 'looks';
"""
SEES = """
    SELECT account.name, array_agg(site.site ORDER BY site.site)
      FROM account JOIN site ON sees_site(account.id, site.site) GROUP BY account.name ORDER BY 1
"""


def test_accounts_of_an_older_version_keep_their_role_and_scope(postgres: Postgres):
    dsn = postgres.create_database()
    before = next(n for n, one in enumerate(shipped()) if one.name.endswith("_roles.sql"))
    migrate(dsn, shipped()[:before])
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT set_config('sitewarden.author', 'test', false)")
        connection.execute(OLD)
        migrate(dsn)
        assert connection.execute(SEES).fetchall() == [("boss", ["demo", "north"]), ("looks", ["north"])]
        roles = connection.execute("SELECT role FROM assignment ORDER BY assignment").fetchall()
        assert roles == [("admin",), ("viewer",)]
