"""The migration to readings by day: killed after it has copied, it leaves the old table as it was."""

import psycopg
import pytest

from cloud.migrate import migrate, shipped
from cloud.storage.modes import Mode, StorageError
from tests.cloud.storage.conftest import MODES
from tests.cloud.storage.databases import empty_database
from tests.support.postgres import Postgres

_BEFORE, _BEFORE_PACKED = 59, 67
_OLD = """
    INSERT INTO reading (point_id, at, value, quality)
        SELECT 1, timestamptz '2025-11-20' + n * interval '1 minute', n, 0 FROM generate_series(1, 5000) AS n
"""
_READINGS = """
    INSERT INTO reading_open (point_id, at, value, quality)
        SELECT 1 + n % 2, timestamptz '2025-11-20Z' + n * interval '13.7 s', CASE WHEN n % 7 < 6 THEN n END,
               CASE WHEN n % 7 < 6 THEN 0 ELSE 2 END
          FROM generate_series(1, 10000) AS n
"""
_MINUTES = "SELECT * FROM reading_minute ORDER BY point_id, at"
_DIES = """
    CREATE FUNCTION dies() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_terminate_backend(pg_backend_pid());
        PERFORM pg_sleep(5);
    END $$;
    CREATE EVENT TRIGGER dies ON sql_drop WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION dies();
"""


@pytest.mark.parametrize("mode", MODES)
def test_killed_it_leaves_the_old_readings_and_goes_through_the_next_time(mode: Mode, postgres: Postgres):
    with empty_database(mode, postgres) as dsn:
        migrate(dsn, shipped()[:_BEFORE], wish=mode)
        with psycopg.connect(dsn, autocommit=True) as owner:
            owner.execute(_OLD)
            owner.execute(_DIES)
            with pytest.raises(psycopg.OperationalError):
                migrate(dsn, wish=mode)
            assert owner.execute("SELECT max(number) FROM migration").fetchone() == (_BEFORE,)
            assert owner.execute("SELECT count(*) FROM reading").fetchone() == (5000,)
            assert owner.execute("SELECT to_regclass('storage')").fetchone() == (None,)
            owner.execute("DROP EVENT TRIGGER dies")
            migrate(dsn, wish=mode)
            assert owner.execute("SELECT count(*), sum(value) FROM reading").fetchone() == (5000, 12502500)


def test_a_wish_for_timescaledb_that_the_server_cannot_meet_is_said(postgres: Postgres):
    with empty_database("plain", postgres) as dsn, pytest.raises(StorageError, match="does not offer"):
        migrate(dsn, wish="timescale")


def test_minutes_that_are_kept_are_packed_all_or_none(postgres: Postgres):
    with empty_database("plain", postgres) as dsn:
        migrate(dsn, shipped()[:_BEFORE_PACKED], wish="plain")
        with psycopg.connect(dsn, autocommit=True) as owner:
            owner.execute("SELECT ensure_days(ARRAY['2025-11-20', '2025-11-21']::date[])")
            owner.execute(_READINGS)
            owner.execute("INSERT INTO minute_kept SELECT * FROM minutes_between('-infinity', '2025-11-21')")
            owner.execute("UPDATE storage SET watermark = '2025-11-21', computed_to = '2025-11-21'")
            minutes = owner.execute(_MINUTES).fetchall()
            owner.execute(_DIES)
            with pytest.raises(psycopg.OperationalError):
                migrate(dsn, wish="plain")
            assert owner.execute("SELECT max(number) FROM migration").fetchone() == (_BEFORE_PACKED,)
            assert owner.execute(_MINUTES).fetchall() == minutes
            owner.execute("DROP EVENT TRIGGER dies")
            migrate(dsn, wish="plain")
            assert owner.execute(_MINUTES).fetchall() == minutes
            hours = owner.execute("SELECT count(*), min(n), max(n) FROM minute_packed").fetchone()
            assert hours == (2 * 24, None, None)
