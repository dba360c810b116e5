"""What a clock that stood wrong leaves behind is put right; who holds up the work on days is named."""

import psycopg
import pytest

from cloud.database import connect, instant
from cloud.migrate import shipped
from cloud.storage.checks import check
from cloud.storage.modes import Mode
from cloud.storage.state import lines, state_of
from sitewarden.quality import Quality
from tests.cloud.storage.history import DAY, HOUR, NOON, History, Reading, day_of

MINUTE = 60_000


def minutes(since_ms: int, n: int = 90) -> dict[tuple[int, int], Reading]:
    return {(1, since_ms + k * MINUTE): (k, Quality.GOOD) for k in range(n)}


def bounds(history: History) -> tuple[object, ...]:
    names = ("watermark", "computed_to", "days_to", "late_before", "packed_to")
    asked = ", ".join(f"nullif({name}, '-infinity')" for name in names)
    (found,) = history.rows(f"SELECT {asked} FROM storage")
    return found


def days(history: History) -> list[str]:
    return [day for (day,) in history.rows("SELECT open_days()::text")]


def test_a_clock_that_stood_ahead_leaves_no_trace(history: History, mode: Mode):
    """Ahead for days, so that even today was packed, and all that came went the slow way."""
    history.store(minutes(NOON), now_ms=NOON + 2 * HOUR)
    for ahead in (20, 23, 26):
        history.keep(NOON + ahead * DAY)
    history.store(minutes(NOON + 2 * HOUR), now_ms=NOON + 4 * HOUR)
    history.store(minutes(NOON + 3 * MINUTE), now_ms=NOON + 4 * HOUR)
    assert bounds(history)[0] == instant(NOON + 26 * DAY - HOUR)
    if mode == "plain":
        assert history.rows("SELECT count(*) FROM reading_late") == [(93,)]
    history.check()

    assert any(done.startswith("put back") for done in history.keep(NOON + 5 * HOUR))
    history.check()
    right = [instant(NOON + 4 * HOUR)] * 2 + [instant(NOON - 12 * HOUR)]
    assert bounds(history)[:3] == tuple(right)
    assert history.rows("SELECT count(*) FROM dirty") == [(0,)]
    if mode == "plain":
        assert bounds(history)[3:] == (instant(NOON - 12 * HOUR),) * 2
        assert days(history) == [str(day_of(NOON)), str(day_of(NOON + DAY))]
        assert history.rows("SELECT count(*) FROM reading_open") == [(len(history.truth),)]
    history.store(minutes(NOON + 6 * HOUR), now_ms=NOON + 8 * HOUR)
    history.keep(NOON + 5 * DAY)
    history.check()
    history.check_points()
    assert list(check(history.connection)) == []


def test_a_clock_that_stands_behind_moves_nothing(history: History):
    history.store(minutes(NOON), now_ms=NOON + 2 * HOUR)
    history.keep(NOON + 3 * HOUR)
    before = bounds(history)
    # As long as 1970 is not over; and by moments, as clocks are corrected.
    for wrong in (DAY, NOON + 3 * HOUR - 1_000):
        history.keep(wrong)
        assert bounds(history) == before
    history.check()


@pytest.mark.parametrize("mode", ["plain"], indirect=True)
def test_days_that_a_clock_has_made_go_when_they_are_empty(history: History):
    """TimescaleDB makes a chunk for a reading alone."""
    history.store(minutes(NOON), now_ms=NOON)
    with psycopg.connect(history.dsn, autocommit=True) as owner:
        owner.execute(
            "SELECT ensure_days(ARRAY['2027-01-01', '2030-02-03', '10000-01-01', '12345-06-07']::date[])"
        )
        owner.execute(
            "INSERT INTO reading_open (at, value, point_id, quality) VALUES ('2027-01-01Z', 1, 2, 0)"
        )
    assert days(history)[-4:] == ["2027-01-01", "2030-02-03", "10000-01-01", "12345-06-07"]
    state_of(history.connection, 0)
    history.keep(NOON + HOUR)
    assert days(history) == [str(day_of(NOON)), str(day_of(NOON + DAY)), "2027-01-01"]


def test_hours_with_readings_that_nobody_keeps_are_found(history: History, mode: Mode):
    history.store(minutes(NOON) | minutes(NOON + 3 * DAY), now_ms=NOON + 3 * DAY)
    history.keep(NOON + 4 * DAY)
    assert list(check(history.connection)) == []
    with psycopg.connect(history.dsn, autocommit=True) as owner:
        table = "hour_kept"
        if mode == "timescale":
            ((table,),) = owner.execute(
                "SELECT format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)"
                "  FROM timescaledb_information.continuous_aggregates WHERE view_name = 'hour_kept'"
            ).fetchall()
        owner.execute(f"DELETE FROM {table} WHERE at IN (%s, %s)", [instant(NOON), instant(NOON + 3 * DAY)])
    found = list(check(history.connection))
    assert "there are readings of point 1 and no kept hour 2025-11-20T12" in found
    assert "there are readings of point 1 and no kept hour 2025-11-23T12" in found


@pytest.mark.parametrize("mode", ["plain"], indirect=True)
def test_a_backup_keeps_the_room_of_a_packed_day_and_nobody_waits_for_it(history: History):
    """Chunks are compressed in place."""
    history.store(minutes(NOON), now_ms=NOON + 2 * HOUR)
    history.keep(NOON + 4 * DAY)
    with psycopg.connect(history.dsn, application_name="pg_dump") as reading:
        reading.execute("SELECT count(*) FROM reading_open")
        # Older than it is: nobody wants to wait ten seconds for this.
        with psycopg.connect(history.dsn, autocommit=True) as owner:
            ((text,),) = owner.execute("SELECT pg_get_functiondef('drop_day'::regproc)").fetchall()
            owner.execute(text.replace("'10 seconds'", "'0 seconds'").replace("'1s'", "'1h'"))
        history.keep(NOON + 4 * DAY + HOUR)
        assert str(day_of(NOON)) in days(history)
        held = state_of(history.connection, len(shipped())).held_days
        assert [day.day for day in held] == [day_of(NOON)]
    history.keep(NOON + 4 * DAY + HOUR)
    assert str(day_of(NOON)) not in days(history)


def test_the_last_work_is_told(history: History):
    history.store(minutes(NOON), now_ms=NOON + 2 * HOUR)
    assert "never worked on" in "\n".join(lines(state_of(history.connection, len(shipped()))))
    pieces = len(history.keep(NOON + 3 * HOUR))
    run = state_of(history.connection, len(shipped())).last_run
    assert run is not None
    assert (run.pieces, run.error) == (pieces, None)
    assert run.seconds is not None
    with connect(history.dsn) as slow, slow.transaction():
        slow.execute("SELECT begin_writing(ARRAY[]::date[])")
        history.connection.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            history.keep(NOON + 5 * HOUR)
    said = "\n".join(lines(state_of(history.connection, len(shipped()))))
    assert "lock timeout" in said
