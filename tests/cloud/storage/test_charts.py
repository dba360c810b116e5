"""What a chart is drawn from: of each bucket what its readings say, from whichever level, in both modes."""

import datetime as dt
import random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from psycopg.rows import dict_row

from cloud.database import instant, milliseconds
from cloud.readings.gathering import gathered, gathered_readings
from cloud.readings.levels import Cut, Kept, cut, width_of
from cloud.readings.queries import BUCKETS, PACKED_MINUTES, READINGS
from cloud.storage.modes import Mode
from sitewarden.quality import Quality
from tests.cloud.storage.history import DAY, HOUR, NOON, History, Reading

MINUTE = 60_000


def drawn(history: History, one: Cut, point: int = 1) -> list[tuple[Any, ...]]:
    """What the database says of the buckets."""
    span = {"id": point, "from": instant(one.from_ms), "to": instant(one.to_ms), "width": width_of(one)}
    if one.level == "raw":
        cursor = history.connection.cursor(row_factory=dict_row)
        (columns,) = cursor.execute(READINGS, span, binary=True).fetchall()
        return [msgspec.structs.astuple(row)[:-1] for row in gathered_readings(columns, one)]
    rows = history.connection.execute(BUCKETS[one.level], span).fetchall()
    if one.level == "minute" and history.rows("SELECT mode FROM storage") == [("plain",)]:
        cursor = history.connection.cursor(row_factory=dict_row)
        packed = cursor.execute(PACKED_MINUTES, span, binary=True).fetchall()
        assert [msgspec.structs.astuple(row)[:-1] for row in gathered(packed, one)] == rows
    return rows


def measured(history: History, one: Cut, point: int = 1) -> list[tuple[Any, ...]]:
    """What plain Python makes of the same readings."""
    buckets: dict[int, list[tuple[int, Reading]]] = {}
    for (its, at), reading in sorted(history.truth.items()):
        if its == point and one.from_ms <= at < one.to_ms:
            begin = one.from_ms + (at - one.from_ms) // one.width_ms * one.width_ms
            buckets.setdefault(begin, []).append((at, reading))
    rows = []
    for begin, of in buckets.items():
        good = [value for _, (value, quality) in of if quality == Quality.GOOD and value is not None]
        said = (min(good), max(good), good[0], good[-1]) if good else (None,) * 4
        rows.append((begin, of[0][0], of[-1][0], *said, len(of), len(good)))
    return rows


def in_most(history: History, start_ms: int, end_ms: int, most: int) -> Cut:
    """As the route cuts it."""
    ((computed_to, days_to),) = history.rows(
        "SELECT nullif(computed_to, '-infinity'), nullif(days_to, '-infinity') FROM storage"
    )
    kept = Kept(
        computed_to_ms=computed_to and milliseconds(computed_to),
        days_to_ms=days_to and milliseconds(days_to),
        raw_from_ms=None,
        minutes_from_ms=0,
    )
    return cut(start_ms, end_ms, most, kept)


def some(start_ms: int, n: int, step_ms: int, spread: int = 500) -> dict[tuple[int, int], Reading]:
    """Readings of one point, one in nine of which is not good, some of them off their grid."""
    rng = random.Random(n)
    found: dict[tuple[int, int], Reading] = {}
    for k in range(n):
        quality = rng.choice((Quality.GOOD,) * 8 + (Quality.TIMEOUT,))
        value = rng.randrange(-spread, spread) if quality == Quality.GOOD else None
        found[1, start_ms + k * step_ms + rng.choice((0, 0, 411))] = (value, quality)
    return found


def test_every_level_says_what_its_readings_say(history: History):
    """Over a midnight, before anything is kept, once all is, and where readings come late to packed days."""
    assert drawn(history, in_most(history, NOON, NOON + DAY, 100)) == []
    history.store(some(NOON, 2_000, 97_000), now_ms=NOON + 2_000 * 97_000)
    widths = [(2 * DAY, 2), (2 * DAY, 20), (2 * DAY, 500), (3 * HOUR, 7), (3 * HOUR, 150), (3 * HOUR, 2_000)]

    def check() -> set[str]:
        cuts = [
            in_most(history, NOON + 11 * HOUR + 17, NOON + 11 * HOUR + span, most) for span, most in widths
        ]
        for one in cuts:
            assert drawn(history, one) == measured(history, one), one
        return {one.level for one in cuts}

    assert check() == {"raw", "minute", "hour", "day"}
    history.keep(NOON + 6 * DAY)
    check()
    history.store(some(NOON + 12 * HOUR - 3_000, 40, 1_130), now_ms=NOON + 6 * DAY)
    check()
    history.keep(NOON + 6 * DAY)
    check()


@pytest.mark.parametrize(("day", "hours"), [((2025, 10, 26), 25), ((2026, 3, 29), 23)])
def test_a_local_day_on_which_clocks_change_has_as_many_hours_as_it_lasts(
    history: History, day: tuple[int, int, int], hours: int
):
    begin = dt.datetime(*day, tzinfo=ZoneInfo("Europe/Berlin"))
    since, until = (milliseconds(at.astimezone(dt.UTC)) for at in (begin, begin + dt.timedelta(days=1)))
    history.store(some(since - HOUR, (hours + 2) * 6, HOUR // 6), now_ms=until + HOUR)
    for _ in range(2):
        one = in_most(history, since, until, 30)
        shown = drawn(history, one)
        assert (one.level, len(shown)) == ("hour", hours)
        assert shown == measured(history, one)
        history.keep(until + 4 * DAY)
        history.check()


def test_minutes_of_any_shape_are_packed_and_unpacked(history: History, mode: Mode):
    """Whole hours and single minutes, wide values and none, evenly and anyhow."""
    shapes = (
        {(1, NOON + k * 1_000): (k, Quality.GOOD) for k in range(3_600)},
        {(1, NOON + HOUR + k * 7_000): (10**12 * (k % 3), Quality.GOOD) for k in range(300)},
        {(1, NOON + 2 * HOUR + 59 * MINUTE): (5, Quality.GOOD)},
        {(1, NOON + 3 * HOUR + k * MINUTE): (None, Quality.TIMEOUT) for k in range(60)},
        {(1, NOON + 4 * HOUR + k * k * 977): (k * 4_000, Quality.GOOD) for k in range(60)},
    )
    for readings in shapes:
        history.store(readings, now_ms=NOON + 5 * HOUR)
    cuts = [
        Cut(level="minute", width_ms=minutes * MINUTE, from_ms=NOON + 7 * MINUTE, to_ms=NOON + 5 * HOUR)
        for minutes in (1, 13, 60, 200)
    ]
    for _ in range(2):
        for one in cuts:
            assert drawn(history, one) == measured(history, one)
        history.keep(NOON + 5 * DAY)
    history.check()
    if mode == "plain":
        held = history.rows(
            "SELECT size, minutes IS NULL, n, small IS NOT NULL, middle IS NOT NULL, large IS NOT NULL"
            "  FROM minute_packed ORDER BY hour"
        )
        assert held == [
            (60, True, 60, True, False, False),
            (35, True, None, False, False, True),
            (1, False, 1, True, False, False),
            (60, True, 1, False, False, False),
            (44, False, None, False, True, False),
        ]
        ((size,),) = history.rows("SELECT pg_column_size(m.*) FROM minute_packed AS m ORDER BY hour LIMIT 1")
        # Sixty rows with their keys take some 8,000 bytes.
        assert size < 8_000 / 8


@pytest.mark.parametrize("mode", ["timescale"], indirect=True)
def test_minutes_that_were_compressed_without_their_point_are_compressed_by_it(history: History):
    """Else a chart of one point would unpack those of all; in plain mode they lie by point and hour."""
    by_point = (
        "ALTER MATERIALIZED VIEW minute_kept SET (timescaledb.segmentby = '{}', timescaledb.orderby = 'at')"
    )
    chunks = """
        SELECT s.chunk::text, coalesce(s.segmentby, '')
          FROM timescaledb_information.continuous_aggregates AS a
               JOIN timescaledb_information.chunk_columnstore_settings AS s
                 ON s.hypertable = format('%%I.%%I', a.materialization_hypertable_schema,
                                          a.materialization_hypertable_name)::regclass
         WHERE a.view_name = %s
    """
    history.store(some(NOON, 50, MINUTE), now_ms=NOON + HOUR)
    history.connection.execute(by_point.format("").encode())
    history.keep(NOON + 20 * DAY)
    ((chunk, old),) = history.rows(chunks, "minute_kept")
    history.connection.execute(by_point.format("point_id").encode())
    assert [line for line in history.keep(NOON + 20 * DAY) if chunk in line]
    assert (old, history.rows(chunks, "minute_kept")) == ("", [(chunk, "point_id")])
    assert not history.keep(NOON + 20 * DAY)
    history.check()
