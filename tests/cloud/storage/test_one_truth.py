"""Whatever the order of storing, rolling up, packing and coming late: what was measured is what is said."""

import random

import psycopg
import pytest

from cloud.database import connect, instant
from cloud.readings.columns import Columns
from cloud.sites.registry import PointEntry
from cloud.storage.days import forget
from cloud.storage.keeping import Keeping, keep
from cloud.storage.modes import Mode
from cloud.storage.settings import StorageSettings
from sitewarden.messages import Series
from sitewarden.quality import Quality
from tests.cloud.storage.history import DAY, HOUR, NOON, POINTS, History, Reading, day_of

MINUTE = 60_000


def some(rng: random.Random, start_ms: int, n: int, step_ms: int) -> dict[tuple[int, int], Reading]:
    """Readings of each point, most of them good, some of them wide apart in value."""
    found: dict[tuple[int, int], Reading] = {}
    for point in POINTS:
        spread = 10 ** rng.choice((2, 2, 5, 15))
        for k in range(n):
            quality = rng.choice((Quality.GOOD,) * 8 + (Quality.STALE, Quality.TIMEOUT))
            jitter = rng.choice((0, 0, 0, 137))
            value = rng.randrange(-spread, spread) if quality <= Quality.STALE else None
            found[point, start_ms + k * step_ms + jitter] = (value, quality)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_history_is_the_same_whatever_was_kept_packed_or_late(history: History, seed: int):
    rng = random.Random(seed)
    now, everything = NOON, {}
    for _ in range(8):
        live = some(rng, now, 20, 97_000)
        everything.update(live)
        history.store(live, now_ms=now + 20 * 97_000)
        if rng.random() < 0.6:
            start = now - rng.randrange(0, 6 * DAY)
            # Between what is there, upon it, and where nothing is.
            late = some(rng, start, 12, 211_000) | dict(rng.sample(sorted(everything.items()), 15))
            everything.update(late)
            history.store(late, now_ms=now)
        history.check()
        history.check_points()
        history.keep(now)
        history.check()
        now += rng.choice((HOUR, 7 * HOUR, DAY, 3 * DAY))
    history.keep(now + 4 * DAY)
    history.check()
    history.check_points()
    assert history.rows("SELECT count(*) FROM dirty") == [(0,)]


def test_a_reading_for_a_packed_day_is_stored_once_and_counted_as_what_it_is(history: History):
    old = {(1, NOON + k * 1000): (k, Quality.GOOD) for k in range(100)}
    assert history.store(old, now_ms=NOON + 100_000).accepted == 100
    later = NOON + 5 * DAY
    history.keep(later)
    more = {(1, NOON + k * 500): (k, Quality.GOOD) for k in range(200)}
    for _ in range(2):
        counts = history.store(more, now_ms=later)
        assert counts.accepted + counts.duplicate == 200
    history.check()
    history.keep(later + HOUR)
    assert history.store(more, now_ms=later).duplicate == 200
    history.check()
    assert history.rows("SELECT accepted, late, duplicate FROM reading_count ORDER BY day") == [
        (100, 40, 0),
        (100, 100, 500),
    ]


def test_across_a_midnight_and_in_an_empty_database(history: History):
    history.check()
    history.keep(NOON)
    history.check()
    midnight = NOON + 12 * HOUR
    history.store({(1, midnight + k): (k, Quality.GOOD) for k in range(-3, 4)}, now_ms=midnight + 5)
    history.keep(midnight + 3 * DAY)
    history.check()
    assert [row[1:4] for row in history.rolled("reading_day")] == [
        (instant(midnight - DAY), 3, 3),
        (instant(midnight), 4, 4),
    ]


def test_what_nobody_can_believe_is_set_aside_and_counted_once(history: History):
    odd = {
        (1, NOON + 601_000): (1, Quality.GOOD),
        (1, NOON - 401 * DAY): (2, Quality.GOOD),
        (1, NOON): (3, Quality.GOOD),
    }
    for _ in range(2):
        history.store(odd, now_ms=NOON)
    assert history.rows("SELECT value FROM reading") == [(3,)]
    assert history.rows("SELECT value, reason FROM quarantine ORDER BY 1") == [(1, "future"), (2, "ancient")]
    assert history.rows("SELECT accepted, duplicate, future, ancient FROM reading_count") == [(1, 1, 1, 1)]


def test_readings_go_by_retention_and_hours_stay(history: History):
    history.store({(1, NOON + k * MINUTE): (k, Quality.GOOD) for k in range(60)}, now_ms=NOON + HOUR)
    hours = history.rolled("reading_hour"), history.rolled("reading_day")
    history.keep(NOON + 5 * DAY, raw_days=3, minute_days=4)
    assert history.rows("SELECT count(*) FROM reading") == [(0,)]
    assert history.rows("SELECT count(*) FROM reading_minute WHERE at < %s", instant(NOON)) == [(0,)]
    assert (history.rolled("reading_hour"), history.rolled("reading_day")) == hours
    late = history.store({(1, NOON + 30_000): (7, Quality.GOOD)}, now_ms=NOON + 5 * DAY)
    assert (late.accepted, late.ancient) == (0, 1)
    history.keep(NOON + 6 * DAY, raw_days=3, minute_days=4)
    assert (history.rolled("reading_hour"), history.rolled("reading_day")) == hours


def test_a_reading_that_is_being_stored_while_hours_are_kept_is_in_them(history: History):
    """The count waits for whoever was told of the old bound, and marks come from everybody else."""
    history.store({(1, NOON): (1, Quality.GOOD)}, now_ms=NOON)
    with connect(history.dsn) as slow, slow.transaction():
        slow.execute("SELECT begin_writing(ARRAY[]::date[])")
        history.connection.execute("SET lock_timeout = '200ms'")
        with pytest.raises(Exception, match="lock timeout"):
            history.keep(NOON + 3 * HOUR)
        slow.execute(
            "INSERT INTO reading_open (at, value, point_id, quality) VALUES (%s, 5, 1, 0)",
            [instant(NOON + 1)],
        )
    history.truth[1, NOON + 1] = (5, Quality.GOOD)
    history.keep(NOON + 3 * HOUR)
    history.check()


def test_a_clock_that_is_wrong_makes_no_days(history: History, mode: str):
    """Each would be a table, or many: a few of such messages, and no batch would fit into a transaction."""
    wrong = {(1, NOON + k * 3_700 * DAY): (k, Quality.GOOD) for k in range(1, 20)}
    wrong |= {(1, NOON - (500 + k) * DAY): (k, Quality.GOOD) for k in range(20)}
    right = {(1, NOON): (3, Quality.GOOD)}
    counts = history.store(wrong | right, now_ms=NOON)
    assert (counts.accepted, counts.future, counts.ancient) == (1, 19, 20)
    assert history.rows("SELECT value FROM reading") == [(3,)]
    if mode == "plain":
        assert history.rows("SELECT open_days()") == [(day_of(NOON),)]


def test_values_as_large_as_they_are_taken_are_packed_too(history: History):
    """A day that could not be packed would stop all work on the days behind it."""
    large = int(2.0**62) - 1_024
    readings: dict[tuple[int, int], Reading] = {
        (1, NOON): (large, Quality.GOOD),
        (1, NOON + 1): (large - 4_096, Quality.GOOD),
        (2, NOON): (-large, Quality.GOOD),
        (3, NOON): (large, Quality.GOOD),
        (3, NOON + 1): (-large, Quality.GOOD),
    }
    history.store(readings, now_ms=NOON, resolution=1.0)
    history.keep(NOON + 4 * DAY)
    history.check()
    too_large = Series(p="d/x", t=[0], x=[2.0**63 - 1_024])
    assert list(Columns().add(1, {"d/x": PointEntry(id=1, resolution=1.0)}, NOON, [too_large], NOON))


@pytest.mark.parametrize("days_ago", [0, 5])
def test_readings_that_come_late_all_the_time_keep_no_other_work_waiting(history: History, days_ago: int):
    now = NOON + days_ago * DAY + 2 * HOUR
    history.store({(1, NOON): (0, Quality.GOOD)}, now_ms=NOON)
    history.keep(now)
    history.store({(1, NOON + 1): (1, Quality.GOOD)}, now_ms=now)
    for pieces, _ in enumerate(keep(history.connection, StorageSettings(), now)):
        assert pieces < 20, "it never ends"
        history.store({(1, NOON + 2 + pieces): (pieces, Quality.GOOD)}, now_ms=now)
    history.check()


@pytest.mark.parametrize("mode", ["plain"], indirect=True)
def test_where_nothing_is_due_no_table_is_read_whole(history: History):
    """It is looked every half minute, and minutes of years are many gigabytes; chunks go as a whole."""
    history.store({(1, NOON + k * MINUTE): (k, Quality.GOOD) for k in range(60)}, now_ms=NOON + HOUR)
    history.keep(NOON + 5 * DAY)

    def read_whole() -> list[tuple[object, ...]]:
        history.rows("SELECT pg_stat_force_next_flush()")
        return history.rows(
            "SELECT relname, seq_scan FROM pg_stat_user_tables"
            " WHERE relname IN ('minute_packed', 'reading_packed', 'reading_late') ORDER BY 1"
        )

    before = read_whole()
    assert list(forget(history.connection, "plain", StorageSettings(), instant(NOON + 5 * DAY))) == []
    assert read_whole() == before


def test_a_writer_that_hangs_holds_up_the_others_for_a_while_only(history: History):
    history.store({(1, NOON): (1, Quality.GOOD)}, now_ms=NOON)
    keeping = Keeping(StorageSettings(), history.dsn, patience_ms=100)
    with connect(history.dsn) as hanging, hanging.transaction():
        hanging.execute("SELECT begin_writing(ARRAY[]::date[])")
        with connect(history.dsn) as keeper, pytest.raises(psycopg.errors.LockNotAvailable):
            keeping.look(keeper, NOON + 3 * HOUR)
        assert history.store({(1, NOON + 1): (2, Quality.GOOD)}, now_ms=NOON).accepted == 1
    with connect(history.dsn) as keeper:
        keeping.look(keeper, NOON + 3 * HOUR)
    assert history.rows("SELECT watermark FROM storage") == [(instant(NOON + 2 * HOUR),)]
    history.check()


def test_a_server_whose_clock_is_far_ahead_does_not_let_go_of_everything(history: History):
    history.store({(1, NOON): (1, Quality.GOOD)}, now_ms=NOON)
    history.keep(NOON + 100 * DAY)
    assert history.store({(1, NOON + HOUR): (2, Quality.GOOD)}, now_ms=NOON + HOUR).accepted == 1
    history.check()
    history.keep(NOON + 100 * DAY)
    history.check()


def test_a_packed_reading_takes_a_twentieth_of_a_row(history: History, mode: Mode):
    """Noise within 65,535 multiples, once a second: two bytes of value, and hardly anything of instants."""
    if mode == "timescale":
        # There the columnstore does it.
        assert history.rows("SELECT to_regclass('reading_packed')") == [(None,)]
        return
    rng = random.Random(1)
    hour = {(1, NOON + k * 1000): (rng.randrange(3_000, 4_000), Quality.GOOD) for k in range(3_600)}
    history.store(hour, now_ms=NOON + HOUR)
    history.keep(NOON + 5 * DAY)
    ((packed,),) = history.rows("SELECT sum(pg_column_size(p.*)) FROM reading_packed AS p")
    # A row takes 52 bytes and its key 28.
    assert packed / len(hour) < 80 / 20
