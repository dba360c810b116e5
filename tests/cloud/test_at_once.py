"""A transaction that waits for no answer nobody asked for keeps all or nothing, as any other."""

import psycopg
import pytest

from cloud.database import at_once, connect, kept_or_not, wait
from cloud.notices import opening
from tests.cloud.site import raised
from tests.cloud.web.serving import new_account

BROKEN = "SELECT 1 / 0"


@pytest.fixture
def connection(postgres, dsn):
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute("CREATE TABLE kept (n int)")
        owner.execute("GRANT SELECT, INSERT ON kept TO sitewarden_app")
        with connect(postgres.app_dsn(dsn), is_steady=True) as made:
            yield made
        owner.execute("DROP TABLE kept")


def put(connection, n: int) -> None:
    connection.execute("INSERT INTO kept VALUES (%s)", [n])


def kept(connection) -> list[int]:
    return [n for (n,) in connection.execute("SELECT n FROM kept ORDER BY n")]


def breaking(connection) -> None:
    put(connection, 1)
    connection.execute(BROKEN)
    put(connection, 2)


def test_what_fails_unseen_fails_all_and_the_connection_goes_on(connection):
    with pytest.raises(psycopg.errors.DivisionByZero), at_once(connection):
        breaking(connection)
    assert kept(connection) == []
    with at_once(connection):
        put(connection, 3)
    assert kept(connection) == [3]


def test_a_part_that_fails_unseen_is_taken_back_alone(connection):
    with at_once(connection):
        put(connection, 4)
        wait(connection)
        with pytest.raises(psycopg.errors.DivisionByZero), kept_or_not(connection):
            breaking(connection)
        with kept_or_not(connection):
            put(connection, 5)
    assert kept(connection) == [4, 5]


def hiding(connection) -> None:
    put(connection, 1)
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.execute(BROKEN).fetchone()
    # The server listens again, but not to this transaction.
    with connection.pipeline():
        pass


def test_whoever_hides_an_error_is_not_told_that_all_was_kept(connection):
    with pytest.raises(psycopg.errors.InFailedSqlTransaction), at_once(connection):
        hiding(connection)
    assert kept(connection) == []


@pytest.fixture
def nobody_writes_events(dsn):
    """The database refuses the last of what an alarm writes, when the answer to it is not waited for."""
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute(
            "CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'refused'; END $$"
        )
        owner.execute("CREATE TRIGGER refused BEFORE INSERT ON hazard_event EXECUTE FUNCTION refused()")
        yield
        owner.execute("DROP FUNCTION refused CASCADE")


def test_an_alarm_that_the_database_refuses_is_no_failure_of_its_notices(site, nobody_writes_events, caplog):
    """Else it would be told of, receipted and forgotten, with nothing in the database."""
    site.born()
    new_account(site.connection, "安全员", "safety_officer", site="demo")
    with pytest.raises(psycopg.errors.RaiseException, match="refused"):
        site.deliver(raised())
    assert site.rows("SELECT count(*) FROM episode") == [(0,)]
    assert opening.__name__ not in {record.name for record in caplog.records}
