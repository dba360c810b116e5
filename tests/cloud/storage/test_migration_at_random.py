"""Migrations over a filled database are killed at instants that chance chooses: old schema or new.

Each round begins with the schema of before the readings by day and goes on until it is through, killed on
the way. Named in `SITEWARDEN_MIGRATION_KILLS`, so many kills are tried, on plain PostgreSQL half of them of
the server.
"""

import hashlib
import multiprocessing
import os
import random
import secrets
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cloud.migrate import migrate, shipped
from cloud.running import Tending
from cloud.storage.modes import Mode
from tests.cloud.ingest.over_mqtt import wait_for
from tests.cloud.storage.conftest import MODES
from tests.cloud.storage.databases import empty_database
from tests.support import postgres as servers
from tests.support.postgres import Postgres, database_of

BEFORE = 59
KILLS = int(os.environ.get("SITEWARDEN_MIGRATION_KILLS", "0"))
FEW, ROWS = 2, 10_000
# Over three days, a point and instant each once.
_OLD = """
    INSERT INTO reading (point_id, at, value, quality)
        SELECT mod(n, 20), timestamptz '2025-11-20' + n / 20 * interval '80 s', n, 0
          FROM generate_series(1, %s) AS n
"""
# A process from it begins at once, where a new interpreter takes seconds; and it has no threads of the tests.
FORKING = multiprocessing.get_context("forkserver")
# What the schema is, without what the server numbers by itself.
_SCHEMA = """
    SELECT 'column', c.relname, c.relkind, attname, format_type(atttypid, atttypmod), attnotnull,
           pg_get_expr(adbin, adrelid)
      FROM pg_class AS c JOIN pg_attribute AS a ON attrelid = c.oid
           LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum
     WHERE relnamespace = 'public'::regnamespace AND attnum > 0
    UNION ALL
    SELECT 'class', relname, relkind, array_to_string(relacl, ','), relrowsecurity::text, NULL, NULL
      FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, contype, conname, pg_get_constraintdef(oid), NULL, NULL
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'policy', tablename, NULL, policyname, qual, NULL, with_check
      FROM pg_policies WHERE schemaname = 'public'
    UNION ALL
    SELECT 'function', proname, prokind, pg_get_function_identity_arguments(p.oid), prosrc, prosecdef,
           array_to_string(proacl, ',')
      FROM pg_proc AS p WHERE pronamespace = 'public'::regnamespace
       AND NOT EXISTS (SELECT FROM pg_depend AS d
                        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
     ORDER BY 1, 2, 4, 5
"""


def schema_of(dsn: str) -> tuple[int, str]:
    """Number of the last migration, and a fingerprint of what there is."""
    with psycopg.connect(dsn) as owner:
        # Of whoever was killed the server may still be at work, until it wants to say so.
        owner.execute("SELECT pg_advisory_lock(%s)", [0x5357_4D47])
        assert owner.execute("SELECT count(*), sum(value) FROM reading").fetchone() == (
            ROWS,
            ROWS * (ROWS + 1) // 2,
        )
        found = owner.execute(_SCHEMA).fetchall()
        ((number,),) = owner.execute("SELECT max(number) FROM migration").fetchall()
        return number, hashlib.sha256(repr(found).encode()).hexdigest()


def fill(dsn: str, mode: Mode) -> None:
    migrate(dsn, shipped()[:BEFORE], wish=mode)
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute(_OLD, [ROWS])


def killed_after(seconds: float, dsn: str, mode: Mode, *, server: Postgres | None) -> bool:
    """Migrate in a process of its own, and kill it or the server; whether it was through before."""
    child = FORKING.Process(target=migrate, args=(dsn,), kwargs={"wish": mode})
    child.start()
    child.join(seconds)
    if child.exitcode is not None:
        return child.exitcode == 0
    if server is not None and server.server.pid is not None:
        os.kill(server.server.pid, signal.SIGKILL)
        server.server.wait()
        started_again(server)
    child.kill()
    child.join()
    return False


def started_again(server: Postgres) -> None:
    """As `cloud run` does it: what a session was at may go on for a while, and hold the server's memory."""
    tending = Tending(server.server, again_s=0.1)
    wait_for(lambda: tending() or server.server.is_running, "the server to start again")


def _copied(owner: psycopg.Connection, original: sql.Identifier, name: sql.Identifier) -> bool:
    try:
        owner.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, original))
    except psycopg.errors.ObjectInUse:
        return False
    return True


@contextmanager
def copy_of(template: str) -> Iterator[str]:
    """A database that is what that one is."""
    name, original = (sql.Identifier(f"t_{secrets.token_hex(6)}"), sql.Identifier(database_of(template)))
    with psycopg.connect(template, dbname="postgres", autocommit=True) as owner:
        wait_for(lambda: _copied(owner, original, name), "TimescaleDB's own sessions to leave the original")
    # While it is there the server may be killed.
    yield make_conninfo(template, dbname=name.as_string().strip('"'))
    with psycopg.connect(template, dbname="postgres", autocommit=True) as owner:
        owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@contextmanager
def own_server(shared: Postgres) -> Iterator[Postgres]:
    """Where the server is killed as well, not the one of all tests."""
    if not KILLS:
        yield shared
        return
    with tempfile.TemporaryDirectory(prefix="sitewarden-") as folder, servers.running(Path(folder)) as server:
        yield server


@pytest.mark.timeout(300 + 30 * KILLS)
@pytest.mark.parametrize("mode", MODES)
def test_killed_at_any_instant_it_leaves_the_old_schema_or_the_new(mode: Mode, postgres: Postgres):
    rng = random.Random(f"{mode}")
    FORKING.set_forkserver_preload(["cloud.migrate"])
    warm = FORKING.Process(target=shipped)
    warm.start()
    warm.join()
    with own_server(postgres) as server, empty_database(mode, server) as old:
        fill(old, mode)
        with copy_of(old) as dsn:
            known = dict([schema_of(dsn)])
            began = time.monotonic()
            for number in range(BEFORE + 1, len(shipped()) + 1):
                migrate(dsn, shipped()[:number], wish=mode)
                known |= dict([schema_of(dsn)])
            whole_s = time.monotonic() - began
        kills = 0
        while kills < (KILLS or FEW):
            with copy_of(old) as dsn:
                through = False
                while not through:
                    victim = server if KILLS and mode == "plain" and rng.random() < 0.5 else None
                    # In the end it must come through, however unlucky.
                    after_s = rng.uniform(0.0, whole_s) if kills < (KILLS or FEW) else 60.0
                    through = killed_after(after_s, dsn, mode, server=victim)
                    kills += not through
                    number, found = schema_of(dsn)
                    assert known[number] == found, f"between {number} and the next, after {after_s:.3f} s"
                assert number == len(shipped())
