"""Migrations of readings and of what is kept of them: killed anywhere, nothing is lost or read otherwise."""

import datetime as dt

import psycopg
import pytest

from cloud.database import connect
from cloud.migrate import migrate, shipped
from cloud.storage import repacking
from cloud.storage.modes import Mode, StorageError
from cloud.storage.repacking import repack
from cloud.storage.rolling import roll
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


_POINTS = "FROM generate_series(1, 2) AS p"
_OF_POINT = f"SELECT m.* {_POINTS}, point_minutes(p, %s, %s) AS m ORDER BY point_id, at"
_PACKED = f"SELECT p, hour, size, n, base, small {_POINTS}, packed_minutes_of(p, %s, %s) ORDER BY 1, 2"


def _charts(owner: psycopg.Connection) -> list[list[tuple]]:
    """What is read of minutes, in all ways."""
    span = ["2025-11-20T03:20Z", "2025-11-20T21:40Z"]
    packed = owner.execute(_PACKED, span).fetchall()
    # The first and the last hour may reach beyond the span.
    whole = [row for row in packed if 4 <= row[1].hour < 21]
    return [owner.execute(_MINUTES).fetchall(), owner.execute(_OF_POINT, span).fetchall(), whole]


def test_minutes_that_were_kept_are_packed_a_little_at_a_time_and_read_the_same_meanwhile(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(repacking, "ROWS", 400)
    monkeypatch.setattr(repacking, "BATCHES", 3)
    with empty_database("plain", postgres) as dsn:
        migrate(dsn, shipped()[:_BEFORE_PACKED], wish="plain")
        with psycopg.connect(dsn, autocommit=True) as owner:
            owner.execute("SELECT ensure_days(ARRAY['2025-11-20', '2025-11-21']::date[])")
            owner.execute(_READINGS)
            owner.execute("INSERT INTO minute_kept SELECT * FROM minutes_between('-infinity', '2025-11-21')")
            owner.execute("UPDATE storage SET watermark = '2025-11-21', computed_to = '2025-11-21'")
            minutes = owner.execute(_MINUTES).fetchall()
            migrate(dsn, wish="plain")
            assert owner.execute("SELECT count(*) FROM minute_packed").fetchone() == (0,), (
                "nobody waited for it"
            )
            before = _charts(owner)
            assert before[0] == minutes
            assert len(before[2]) == 2 * 17
            # One that is counted anew is packed then, and counts.
            with connect(dsn) as program:
                program.execute("INSERT INTO dirty (point_id, hour) VALUES (1, '2025-11-20T09:00Z')")
                list(roll(program, "plain", dt.datetime(2025, 11, 21, tzinfo=dt.UTC)))
                assert owner.execute("SELECT count(*) FROM minute_packed").fetchone() == (1,)
                assert _charts(owner) == before
                said = list(repack(program))
                assert len(said) == 3, "so many batches of one look"
                assert _charts(owner) == before
            # In the middle of a batch: it is as if that had not begun.
            packed = owner.execute("SELECT count(*) FROM minute_packed").fetchone()
            killed = connect(dsn)
            killed.execute("BEGIN")
            killed.execute(repacking._BATCH, {"point": -1, "at": "-infinity", "rows": 400})
            owner.execute("SELECT pg_terminate_backend(%s)", [killed.info.backend_pid])
            with pytest.raises(psycopg.OperationalError):
                killed.execute("COMMIT")
            killed.close()
            assert owner.execute("SELECT count(*) FROM minute_packed").fetchone() == packed
            assert _charts(owner) == before
            with connect(dsn) as program:
                while said[-1:] != ["all minutes packed"]:
                    said = list(repack(program))
                    assert _charts(owner) == before
                assert list(repack(program)) == []
            hours = owner.execute("SELECT count(*), min(n), max(n) FROM minute_packed").fetchone()
            assert hours == (2 * 24, None, None)
            assert owner.execute("SELECT pg_relation_size('minute_plain')").fetchone() == (0,)


def test_minutes_are_not_lost_to_whoever_began_to_read_before_they_were_packed(postgres: Postgres):
    """A backup that is about to look, a move into another mode that comes to the minutes hours later."""
    with empty_database("plain", postgres) as dsn:
        migrate(dsn, wish="plain")
        with (
            psycopg.connect(dsn, autocommit=True) as owner,
            psycopg.connect(dsn, autocommit=True) as moving,
            connect(dsn) as program,
        ):
            owner.execute("SELECT ensure_days(ARRAY['2025-11-20', '2025-11-21']::date[])")
            owner.execute(_READINGS)
            owner.execute("INSERT INTO minute_plain SELECT * FROM minutes_between('-infinity', '2025-11-21')")
            owner.execute("UPDATE storage SET watermark = '2025-11-21', computed_to = '2025-11-21'")
            minutes = owner.execute(_MINUTES).fetchall()
            moving.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            moving.execute("SELECT computed_to FROM storage")
            assert len(list(repack(program))) == 1
            assert owner.execute("SELECT count(*) FROM minute_plain").fetchone() == (0,)
            assert list(repack(program)) == [], "the room waits"
            assert moving.execute(_MINUTES).fetchall() == minutes
            moving.execute("COMMIT")
            assert list(repack(program)) == ["all minutes packed"]
            assert owner.execute(_MINUTES).fetchall() == minutes
