"""The second fence: whoever asks the database as an account gets none but its rows, of whatever table."""

import contextlib
from collections.abc import Iterator

import psycopg
import pytest
from fastapi.routing import APIRoute

from cloud.accounts.permissions import COOKIE, AnySigned
from cloud.callers import NOBODY, PROGRAMS, calling
from cloud.database import Connection, connect
from cloud.serving import Served
from tests.cloud.site import birth, raised
from tests.cloud.web.serving import new_account, new_session

BY_RECORD = ("hazard", "hazard_event", "hazard_timer", "episode", "alarm_request")
OPEN = {
    *("alarm_transition", "dead_letter_count", "denied_model", "device", "device_profile", "gateway"),
    *("gateway_disconnected", "notice", "point", "work_cycle", "assignment"),
}
"""Tables with a site that only the first fence guards: what gateways tell, whose history TimescaleDB would
refuse to fence, and what is judged by account or channel."""


@pytest.fixture
def filled(site, web):
    """Two cranes with an alarm and a hazard each; somebody has asked for one to be acknowledged."""
    site.deliver(birth(points={"crane-1/load": "crane.load", "crane-7/load": "crane.load"}))
    site.deliver(raised(), raised(device="crane-7", point="crane-7/load"))
    for alarm in web.get("/sites/demo/alarms").json()["items"]:
        assert web.post(f"/sites/demo/alarms/{alarm['id']}/acknowledge").status_code == 202
    site.connection.execute(
        "INSERT INTO hazard_timer (hazard_id, kind, due_at) SELECT id, 'handling', now() FROM hazard"
    )
    web.post("/sites", json={"id": "north", "name": {"zh": "北区", "en": "North"}})
    return site


@contextlib.contextmanager
def asking_as(dsn: str, who: int | str) -> Iterator[Connection]:
    with calling(str(who)), connect(dsn) as connection:
        yield connection


def fenced(site) -> list[str]:
    found = site.rows("SELECT relname::text FROM pg_class WHERE relforcerowsecurity ORDER BY relname")
    return [name for (name,) in found]


def count(connection, table: str) -> int:
    return connection.execute(f'SELECT count(*) FROM "{table}"'.encode()).fetchone()[0]


def test_an_account_gets_its_own_rows_and_no_others_of_every_fenced_table(filled, dsn):
    theirs = new_account(filled.connection, "邻区", "admin", site="north")
    own = new_account(filled.connection, "本区", "viewer", site="demo")
    tables = fenced(filled)
    assert {*BY_RECORD, "hazard", "hazard_number"} <= set(tables)
    with asking_as(dsn, PROGRAMS) as programs:
        there = {table: count(programs, table) for table in tables}
    for who in (theirs, NOBODY):
        with asking_as(dsn, who) as connection:
            assert {table: count(connection, table) for table in tables} == dict.fromkeys(tables, 0)
    with asking_as(dsn, own) as connection:
        assert {table: count(connection, table) for table in tables} == there
    assert all(there[table] for table in BY_RECORD)


def test_an_account_of_one_device_gets_what_belongs_to_it(filled, dsn):
    driver = new_account(filled.connection, "司机", "equipment_operator", site="demo", devices=["crane-1"])
    with asking_as(dsn, driver) as connection:
        for table in ("hazard", "episode"):
            rows = connection.execute(f"SELECT DISTINCT device FROM {table}".encode()).fetchall()
            assert rows == [("crane-1",)], table
        for table in BY_RECORD:
            assert 0 < count(connection, table) < count(filled.connection, table), table


def test_nothing_foreign_is_written(filled, dsn):
    theirs = new_account(filled.connection, "邻区", "admin", site="north")
    with asking_as(dsn, theirs) as connection:
        assert connection.execute("UPDATE hazard SET location = 'x'").rowcount == 0
        assert connection.execute("UPDATE hazard_timer SET due_at = now()").rowcount == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute("INSERT INTO hazard_number (site, day, last) VALUES ('demo', '2026-01-01', 1)")


def test_every_table_of_a_site_or_a_record_is_fenced_or_said_not_to_be(site):
    found = site.rows(
        """
        SELECT DISTINCT c.relname::text FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND NOT c.relrowsecurity
           AND a.attname IN ('site', 'hazard_id', 'hazard', 'episode', 'incident', 'incident_id')
        """
    )
    assert {name for (name,) in found} == OPEN


def test_a_route_that_forgets_to_ask_shows_what_is_the_callers_all_the_same(filled, web):
    async def forgetful(serving: Served) -> list[str]:
        return [row["site"] for row in await serving.rows("SELECT site FROM hazard")]

    web.app.router.routes.insert(0, APIRoute("/api/v1/forgetful", forgetful, dependencies=[AnySigned]))
    seen = {}
    for name, scope in {"whole": {}, "theirs": {"site": "north"}, "own": {"site": "demo"}}.items():
        account = new_account(filled.connection, name, "viewer", **scope)
        web.client.cookies.set(COOKIE, new_session(filled.connection, account))
        # Often: the connections of the pool are lent to one after the other.
        seen[name] = {len(web.get("/forgetful").json()) for _ in range(3)}
    assert seen == {"whole": {2}, "theirs": {0}, "own": {2}}
