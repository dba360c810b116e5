"""A database is brought to this program's schema once, whole, or not at all."""

import threading

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cloud.database import as_app, connect
from cloud.migrate import Migration, MigrationError, migrate, read_migrations, shipped


@pytest.fixture
def empty(postgres):
    dsn = postgres.create_database()
    yield dsn
    postgres.drop_database(dsn)


def tables(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {str(name) for (name,) in rows}


def sql(number: int, text: str) -> Migration:
    return Migration(number=number, name=f"{number:04d}_x.sql", text=text)


def test_migrating_again_does_nothing(empty):
    assert migrate(empty) == shipped()
    assert migrate(empty) == []
    assert {"reading_open", "hazard_event", "live_event", "session"} <= tables(empty)


def test_two_at_the_same_time_apply_each_file_once(empty):
    applied: list[int] = []
    threads = [
        threading.Thread(target=lambda: applied.extend(m.number for m in migrate(empty))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(45)
    assert sorted(applied) == [m.number for m in shipped()]


def test_a_newer_schema_is_refused(empty):
    migrate(empty, [sql(1, "CREATE TABLE a ()"), sql(2, "CREATE TABLE b ()")])
    with pytest.raises(MigrationError, match="install the newer program"):
        migrate(empty, [sql(1, "CREATE TABLE a ()")])


def test_a_file_that_was_changed_after_it_was_applied_is_refused(empty):
    migrate(empty, [sql(1, "CREATE TABLE a ()")])
    with pytest.raises(MigrationError, match=r"0001_x\.sql was changed"):
        migrate(empty, [sql(1, "CREATE TABLE other ()")])


def test_a_migration_that_fails_midway_leaves_nothing(empty):
    bad = sql(2, "CREATE TABLE half (); CREATE TABLE half ();")
    with pytest.raises(psycopg.errors.DuplicateTable):
        migrate(empty, [sql(1, "CREATE TABLE a ()"), bad])
    assert tables(empty) == {"migration", "a"}
    assert [m.number for m in migrate(empty, [sql(1, "CREATE TABLE a ()"), sql(2, "CREATE TABLE b ()")])] == [
        2
    ]


def test_a_migration_that_is_killed_midway_leaves_nothing(empty, postgres):
    slow = sql(1, "CREATE TABLE half (); SELECT pg_sleep(30);")
    failed = threading.Event()

    def run() -> None:
        with pytest.raises(psycopg.OperationalError):
            migrate(empty, [slow])
        failed.set()

    thread = threading.Thread(target=run)
    thread.start()
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        while not failed.wait(0.02):
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' "
                "AND pid <> pg_backend_pid()"
            )
    thread.join(45)
    assert tables(empty) == {"migration"}


def test_a_file_may_ask_to_run_outside_a_transaction(empty):
    text = (
        "-- no transaction\nCREATE TABLE IF NOT EXISTS a (x int);\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (x);\n"
    )
    migrate(empty, [sql(1, text)])
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT count(*) FROM pg_indexes WHERE indexname = 'i'").fetchone() == (1,)


def test_numbers_without_a_gap_are_asked_for(tmp_path):
    (tmp_path / "0001_a.sql").write_text("")
    (tmp_path / "0003_c.sql").write_text("")
    with pytest.raises(MigrationError, match=r"\[1, 3\]"):
        read_migrations(tmp_path)


LETTER = """
    INSERT INTO dead_letter (received_at, topic, reason, detail, body, digest)
        VALUES (now(), %(topic)s::text, 'garbage', '', '', sha256(%(topic)s::bytea))
"""


def test_dead_letters_from_before_they_knew_their_mode_get_that_of_their_topic(empty):
    migrate(empty, shipped()[:12])
    topics = ["sw/1/live/demo/gw/up/readings", "sw/1/replay/demo/gw/up/readings", "sw/1/dreamt/x", "nonsense"]
    with psycopg.connect(empty, autocommit=True) as connection:
        for topic in topics:
            connection.execute(LETTER, {"topic": topic})
        connection.execute("INSERT INTO dead_letter_count VALUES ('demo', 'garbage', 2), ('', 'topic', 2)")
        migrate(empty)
        modes = connection.execute("SELECT mode FROM dead_letter ORDER BY id").fetchall()
        counts = connection.execute("SELECT site, mode, n FROM dead_letter_count ORDER BY n, site").fetchall()
    assert modes == [("live",), ("replay",), ("",), ("",)]
    assert counts == [("", "", 2), ("demo", "live", 2)]


def test_programs_run_as_a_role_without_powers_whoever_logs_in(dsn):
    with connect(dsn) as connection:
        row = connection.execute(
            "SELECT current_user, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles "
            "WHERE rolname = current_user"
        ).fetchone()
        assert row == ("sitewarden_app", False, False, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine ()")


def test_options_of_the_operator_s_dsn_are_kept(dsn):
    with psycopg.connect(as_app(make_conninfo(dsn, options="-c statement_timeout=7s"))) as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("7s",)
        assert connection.execute("SELECT current_user").fetchone() == ("sitewarden_app",)


def test_a_server_that_went_without_a_word_is_given_up_soon_or_as_the_operator_says():
    chosen = conninfo_to_dict(as_app("host=db tcp_user_timeout=5000 connect_timeout=9"))
    assert (chosen["tcp_user_timeout"], chosen["connect_timeout"]) == ("5000", "9")
    # After the first silence, and as often as it is asked again.
    ours = {
        name: int(str(value))
        for name, value in conninfo_to_dict(as_app("host=db")).items()
        if "alive" in name
    }
    assert ours["keepalives_idle"] + ours["keepalives_interval"] * ours["keepalives_count"] <= 30
